//! What two documents can differ in.

use serde_json::Value;

use super::node::{Node, Place, Step};

/// One fact that the two documents do not share.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// What happened.
    pub kind: Kind,
    /// What it happened to.
    pub aspect: Aspect,
    /// The fact as the old document has it.
    pub old: Option<Fact>,
    /// The fact as the new document has it.
    pub new: Option<Fact>,
    /// Whether a parameter, body or property that came or went is required.
    pub required: bool,
}

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Fact {
    /// Where it stands.
    pub place: Place,
    /// What stands there.
    pub value: Value,
}

/// What happened to a fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Only the new document has it. Of a list: nothing was taken out.
    Added,
    /// Only the old document has it. Of a list: nothing was put in.
    Removed,
    /// Both have it, with different values.
    Changed,
    /// It is the same under another name.
    Renamed,
    /// It is the same at another place.
    Moved,
}

/// What a difference is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Aspect {
    /// An operation.
    Operation,
    /// The names of the parameters in a path.
    Path,
    /// An operation's id.
    OperationId,
    /// A parameter.
    Parameter,
    /// A request body.
    Body,
    /// An answer, by its status.
    Answer,
    /// A media type of a body or an answer.
    MediaType,
    /// A header of an answer.
    Header,
    /// A property of an object.
    Property,
    /// A shared type, or another component.
    Component,
    /// Whether a shared type is used, and which.
    Reference,
    /// One of the schemas under `allOf`, `oneOf` or `anyOf`.
    Branch,
    /// A type or format.
    Type,
    /// The values of an enum.
    Enum,
    /// A bound or pattern.
    Bound,
    /// Whether something must be there.
    Required,
    /// Whether it may be null.
    Nullability,
    /// What is assumed where nothing is sent.
    Default,
    /// Whether it is deprecated.
    Deprecation,
    /// Servers.
    Server,
    /// Authentication.
    Security,
    /// Tags.
    Tag,
    /// The document itself.
    Document,
    /// Anything else.
    Other,
}

impl Kind {
    /// The word for it, in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Changed => "changed",
            Self::Renamed => "renamed",
            Self::Moved => "moved",
        }
    }
}

impl Aspect {
    /// The word for it, in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Operation => "operation",
            Self::Path => "path parameters",
            Self::OperationId => "operation id",
            Self::Parameter => "parameter",
            Self::Body => "body",
            Self::Answer => "answer",
            Self::MediaType => "media type",
            Self::Header => "header",
            Self::Property => "property",
            Self::Component => "component",
            Self::Reference => "reference",
            Self::Branch => "alternative",
            Self::Type => "type",
            Self::Enum => "enum values",
            Self::Bound => "bound",
            Self::Required => "required",
            Self::Nullability => "nullability",
            Self::Default => "default",
            Self::Deprecation => "deprecation",
            Self::Server => "servers",
            Self::Security => "security",
            Self::Tag => "tags",
            Self::Document => "document",
            Self::Other => "other",
        }
    }

    /// What the member at `place` is about.
    pub fn of(place: &Place) -> Self {
        let steps = place.steps();
        let key = |back: usize| steps.len().checked_sub(back).and_then(|i| steps[i].key());
        if let [Step::Key(section), Step::Key(_), Step::Key(_)] = steps
            && section == "components"
        {
            return Self::Component;
        }
        match (key(2), steps.last()) {
            (Some("properties"), Some(Step::Key(_))) => Self::Property,
            (Some("responses"), Some(Step::Key(_))) => Self::Answer,
            (Some("content"), Some(Step::Key(_))) => Self::MediaType,
            (Some("headers"), Some(Step::Key(_))) => Self::Header,
            (Some("parameters"), Some(Step::Entry(..))) => Self::Parameter,
            (Some("allOf" | "oneOf" | "anyOf"), Some(Step::Entry(..))) => Self::Branch,
            (Some("mapping"), Some(Step::Key(_))) => Self::Branch,
            (_, Some(Step::Key(key))) => Self::of_keyword(key, steps.len()),
            _ => Self::Other,
        }
    }

    fn of_keyword(key: &str, depth: usize) -> Self {
        match key {
            "operationId" => Self::OperationId,
            "requestBody" => Self::Body,
            "type"
            | "format"
            | "items"
            | "additionalProperties"
            | "in"
            | "style"
            | "explode"
            | "schema"
            | "not"
            | "discriminator"
            | "readOnly"
            | "writeOnly"
            | "propertyName"
            | "contentType" => Self::Type,
            "allOf" | "oneOf" | "anyOf" => Self::Branch,
            "enum" | "const" => Self::Enum,
            "required" => Self::Required,
            "nullable" => Self::Nullability,
            "default" => Self::Default,
            "deprecated" => Self::Deprecation,
            "servers" => Self::Server,
            "security" => Self::Security,
            "tags" => Self::Tag,
            "properties" => Self::Property,
            key if is_bound(key) => Self::Bound,
            _ if depth <= 2 => Self::Document,
            _ => Self::Other,
        }
    }
}

/// Whether a keyword narrows values of one type.
pub fn is_bound(key: &str) -> bool {
    matches!(
        key,
        "multipleOf"
            | "minimum"
            | "exclusiveMinimum"
            | "maximum"
            | "exclusiveMaximum"
            | "minLength"
            | "maxLength"
            | "pattern"
            | "minItems"
            | "maxItems"
            | "uniqueItems"
            | "minProperties"
            | "maxProperties"
    )
}

impl Fact {
    /// What stands at a node.
    pub fn of(node: &Node<'_>) -> Self {
        Self {
            place: node.place.clone(),
            value: node.value.clone(),
        }
    }
}

impl Difference {
    /// The place in the new document, or in the old one where the new one has none.
    pub fn place(&self) -> &Place {
        static ROOT: Place = Place::ROOT;
        let fact = self.new.as_ref().or(self.old.as_ref());
        fact.map_or(&ROOT, |fact| &fact.place)
    }

    /// The entries of the old list that the new one lacks, and the other way round. Nothing where
    /// the difference is not about lists.
    pub fn entries(&self) -> Option<(Vec<&Value>, Vec<&Value>)> {
        let (old, new) = (list_of(self.old.as_ref())?, list_of(self.new.as_ref())?);
        Some((lacking(&old, &new), lacking(&new, &old)))
    }
}

/// The entries of a list; none where there is no fact, nothing where it is no list.
fn list_of(fact: Option<&Fact>) -> Option<Vec<&Value>> {
    match fact {
        None => Some(Vec::new()),
        Some(fact) => fact.value.as_array().map(|list| list.iter().collect()),
    }
}

fn lacking<'a>(these: &[&'a Value], those: &[&Value]) -> Vec<&'a Value> {
    let lacking = these.iter().filter(|value| !those.contains(value));
    lacking.copied().collect()
}
