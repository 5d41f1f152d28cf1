//! The error type of this crate: a location and a problem.

use std::fmt;

/// A problem and its location: a file, a line or a JSON path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    location: String,
    problem: String,
}

/// The result type of every stage.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// Creates an error at `location` (a file, a file and line, or a JSON path).
    pub fn new(location: impl Into<String>, problem: impl Into<String>) -> Self {
        Self {
            location: location.into(),
            problem: problem.into(),
        }
    }

    /// Returns where the problem is.
    pub fn location(&self) -> &str {
        &self.location
    }

    /// Prefixes the location with `outer`, usually a file name.
    pub fn within(self, outer: &str) -> Self {
        Self {
            location: format!("{outer}: {}", self.location),
            problem: self.problem,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.location, self.problem)
    }
}

impl std::error::Error for Error {}
