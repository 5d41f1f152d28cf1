//! The one error of this crate: a place and what is wrong there.

use std::fmt;

/// What is wrong, and where: a file with a line or a JSON path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    location: String,
    problem: String,
}

/// The result of every stage.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An error at `place` (a file, a file and line, or a JSON path).
    pub fn new(location: impl Into<String>, problem: impl Into<String>) -> Self {
        Self {
            location: location.into(),
            problem: problem.into(),
        }
    }

    /// Where the problem is.
    pub fn location(&self) -> &str {
        &self.location
    }

    /// The same error, with `outer` (usually a file name) in front of its place.
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
