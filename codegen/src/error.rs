//! The one error of this crate: a place and what is wrong there.

use std::fmt;

/// What is wrong, and where: a file with a line or a JSON path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    place: String,
    problem: String,
}

/// The result of every stage.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An error at `place` (a file, a file and line, or a JSON path).
    pub fn new(place: impl Into<String>, problem: impl Into<String>) -> Self {
        Self {
            place: place.into(),
            problem: problem.into(),
        }
    }

    /// Where the problem is.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// The same error, with `outer` (usually a file name) in front of its place.
    pub fn within(self, outer: &str) -> Self {
        Self {
            place: format!("{outer}: {}", self.place),
            problem: self.problem,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.problem)
    }
}

impl std::error::Error for Error {}
