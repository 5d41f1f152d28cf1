//! Differences between two documents.

use serde_json::Value;

use super::schema_node::{Location, Node, Step};

/// One fact that differs between the two documents.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    pub kind: Kind,
    pub aspect: Aspect,
    pub old: Option<Fact>,
    pub new: Option<Fact>,
    /// Whether a parameter, body or property that was added or removed is required.
    pub required: bool,
}

/// A value and its location.
#[derive(Debug, Clone, PartialEq)]
pub struct Fact {
    pub location: Location,
    pub value: Value,
}

/// How a fact changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Only the new document has it. For a list: entries were only added.
    Added,
    /// Only the old document has it. For a list: entries were only removed.
    Removed,
    /// Both have it, with different values.
    Changed,
    /// Unchanged except for its name.
    Renamed,
    /// Unchanged except for its location.
    Moved,
}

/// The part of the API description that a difference concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Aspect {
    Operation,
    /// The names of the parameters in a path.
    Path,
    OperationId,
    Parameter,
    Body,
    /// A response, by its status.
    Response,
    /// A media type of a body or response.
    MediaType,
    /// A header of a response.
    Header,
    Property,
    /// A shared schema or another component.
    Component,
    /// Whether a shared component is referenced, and which.
    Reference,
    /// One of the schemas under `allOf`, `oneOf` or `anyOf`.
    Branch,
    Type,
    Enum,
    /// A bound or pattern.
    Bound,
    Required,
    Nullability,
    Default,
    Deprecation,
    Server,
    Security,
    Tag,
    Document,
    Other,
}

impl Kind {
    /// Returns how a value changed; `None` if it did not.
    pub fn of<T: PartialEq>(old: &Option<T>, new: &Option<T>) -> Option<Self> {
        match (old, new) {
            (old, new) if old == new => None,
            (None, _) => Some(Self::Added),
            (_, None) => Some(Self::Removed),
            _ => Some(Self::Changed),
        }
    }

    /// Returns how a list changed; `None` if no entry was removed or added.
    pub fn of_list(removes: bool, adds: bool) -> Option<Self> {
        match (removes, adds) {
            (false, false) => None,
            (false, true) => Some(Self::Added),
            (true, false) => Some(Self::Removed),
            (true, true) => Some(Self::Changed),
        }
    }

    /// Returns the name used in reports.
    pub fn label(self) -> &'static str {
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
    /// Returns the name used in reports.
    pub fn label(self) -> &'static str {
        match self {
            Self::Operation => "operation",
            Self::Path => "path parameters",
            Self::OperationId => "operation id",
            Self::Parameter => "parameter",
            Self::Body => "body",
            Self::Response => "response",
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
            Self::Document => "OpenAPI document",
            Self::Other => "other",
        }
    }

    /// Returns the aspect of the value at `location`.
    pub fn of(location: &Location) -> Self {
        let steps = location.steps();
        let key = |back: usize| steps.len().checked_sub(back).and_then(|i| steps[i].key());
        if let [Step::Key(section), Step::Key(_), Step::Key(_)] = steps
            && section == "components"
        {
            return Self::Component;
        }
        match (key(2), steps.last()) {
            (Some("properties"), Some(Step::Key(_))) => Self::Property,
            (Some("responses"), Some(Step::Key(_))) => Self::Response,
            (Some("content"), Some(Step::Key(_))) => Self::MediaType,
            (Some("headers"), Some(Step::Key(_))) => Self::Header,
            (Some("parameters"), Some(Step::Item(..))) => Self::Parameter,
            (Some("allOf" | "oneOf" | "anyOf"), Some(Step::Item(..))) => Self::Branch,
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

/// Whether a keyword restricts the values of one type.
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
    /// Creates the fact for a node.
    pub fn of(node: &Node<'_>) -> Self {
        Self::at(node, node.value.clone())
    }

    /// Creates a fact with another value at the location of a node.
    pub fn at(node: &Node<'_>, value: Value) -> Self {
        let location = node.location.clone();
        Self { location, value }
    }
}

impl Difference {
    /// Returns the location in the new document, or in the old one if the new one has none.
    pub fn location(&self) -> &Location {
        static ROOT: Location = Location::ROOT;
        let fact = self.new.as_ref().or(self.old.as_ref());
        fact.map_or(&ROOT, |fact| &fact.location)
    }

    /// Returns the entries removed from and added to a list, or `None` if the difference is not
    /// about lists.
    pub fn list_changes(&self) -> Option<(Vec<&Value>, Vec<&Value>)> {
        let (old, new) = (list_of(self.old.as_ref())?, list_of(self.new.as_ref())?);
        Some((missing_from(&old, &new), missing_from(&new, &old)))
    }
}

/// Returns the entries of a list: empty without a fact, `None` if the value is not a list.
fn list_of(fact: Option<&Fact>) -> Option<Vec<&Value>> {
    match fact {
        None => Some(Vec::new()),
        Some(fact) => fact.value.as_array().map(|list| list.iter().collect()),
    }
}

fn missing_from<'a>(these: &[&'a Value], those: &[&Value]) -> Vec<&'a Value> {
    let missing = these.iter().filter(|value| !those.contains(value));
    missing.copied().collect()
}
