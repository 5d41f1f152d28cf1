//! Constraints on requests, as data, and the function that checks them.
//!
//! A request is the JSON object `{path, query, body}`; each constraint applies to the values at one
//! location of it. `null` counts as absent, because it clears a field.

mod check;
#[cfg(feature = "samples")]
pub mod samples;
mod violation;

use std::borrow::Cow;

pub use check::check;
pub use violation::Violation;

/// A constraint on the values at one location of a request.
#[derive(Clone, Debug, PartialEq)]
pub struct Constraint {
    /// The part of the request.
    pub part: Part,
    /// The location in that part: field names separated by dots, each followed by `[]` for the items
    /// of a list and `{}` for the values of a map. `(.targets[])*` stands for that path any number of
    /// times. Empty for the part as a whole.
    pub path: Cow<'static, str>,
    /// The condition under which the constraint applies.
    pub condition: Option<Condition>,
    /// What the values must satisfy.
    pub rule: Rule,
}

/// A part of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The path parameters by name.
    Path,
    /// The query parameters by name.
    Query,
    /// The JSON body.
    Body,
}

impl Part {
    /// The name of the part in the request object.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Query => "query",
            Self::Body => "body",
        }
    }
}

/// A condition on one field of the object that a constraint applies to, or that contains the field
/// that it applies to.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// The name of the field.
    pub field: Cow<'static, str>,
    /// The values of the field under which the constraint applies.
    pub values: Cow<'static, [ConditionValue]>,
}

/// A value of the field of a [`Condition`].
#[derive(Clone, Debug, PartialEq)]
pub enum ConditionValue {
    /// The field is absent or `null`.
    Absent,
    /// A boolean.
    Bool(bool),
    /// A string.
    String(Cow<'static, str>),
}

/// Names of fields or values.
pub type Names = Cow<'static, [Cow<'static, str>]>;

/// What the values at the location of a constraint must satisfy. A value of another JSON type
/// satisfies every rule.
#[derive(Clone, Debug, PartialEq)]
pub enum Rule {
    /// The number is at least this.
    Minimum(f64),
    /// The number is at most this.
    Maximum(f64),
    /// The list has at least this many items.
    MinItems(usize),
    /// The list has at most this many items.
    MaxItems(usize),
    /// The string has at least this many characters.
    MinLength(usize),
    /// The string has at most this many characters.
    MaxLength(usize),
    /// The string is one of these.
    OneOf {
        /// The allowed strings.
        values: Names,
        /// Whether upper and lower case are the same.
        ignore_case: bool,
    },
    /// The object has all of these fields, and none of them is an empty string.
    Required(Names),
    /// The object has one of these fields, other than as an empty string, and no more than one.
    ExactlyOne(Names),
    /// The object has at most one of these fields, other than as an empty string.
    AtMostOne(Names),
    /// The object has one of these fields, which may be `null` or an empty string.
    AtLeastOne(Names),
    /// The number in `field` is at most the number in `bound`.
    AtMostField {
        /// The field with the number.
        field: Cow<'static, str>,
        /// The field with the bound.
        bound: Cow<'static, str>,
    },
}

impl Rule {
    /// Returns whether the rule is about the fields of an object; otherwise it is about a single
    /// value.
    pub fn is_about_object(&self) -> bool {
        matches!(
            self,
            Self::Required(_)
                | Self::ExactlyOne(_)
                | Self::AtMostOne(_)
                | Self::AtLeastOne(_)
                | Self::AtMostField { .. }
        )
    }
}
