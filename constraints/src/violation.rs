//! The violation of a constraint.

use std::fmt;

use crate::Part;

/// A value that a constraint does not allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The part of the request.
    pub part: Part,
    /// The field, with its path: `usage_limits[0].credit_limit`.
    pub field: String,
    /// What is allowed and what was found. It names other fields of the same object without a path.
    pub reason: String,
}

impl Violation {
    /// Returns the location of the field as a JSON pointer: `/usage_limits/0/credit_limit`.
    pub fn pointer(&self) -> String {
        let mut pointer = String::from("/");
        for character in self.field.trim_start_matches('[').chars() {
            match character {
                '.' | '[' => pointer.push('/'),
                ']' => {}
                other => pointer.push(other),
            }
        }
        pointer
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { field, reason, .. } = self;
        match self.part {
            Part::Path => write!(f, "path argument `{field}` {reason}"),
            Part::Query => write!(f, "query parameter `{field}` {reason}"),
            Part::Body => write!(f, "`{field}` {reason}"),
        }
    }
}
