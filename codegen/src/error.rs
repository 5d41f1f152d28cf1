//! The error type of this crate: problems, each with its location.

use std::fmt;

/// One or more problems, each with its location: a file, a line or a JSON path.
///
/// A stage reports all problems that it finds. Each is one line of the message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    first: Problem,
    others: Vec<Problem>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Problem {
    location: String,
    text: String,
}

/// The result type of every stage.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// Creates an error at `location` (a file, a file and line, or a JSON path).
    pub fn new(location: impl Into<String>, problem: impl Into<String>) -> Self {
        Self {
            first: Problem {
                location: location.into(),
                text: problem.into(),
            },
            others: Vec::new(),
        }
    }

    /// Returns where the first problem is.
    pub fn location(&self) -> &str {
        &self.first.location
    }

    /// Prefixes every location with `outer`, usually a file name.
    pub fn within(mut self, outer: &str) -> Self {
        for problem in std::iter::once(&mut self.first).chain(&mut self.others) {
            problem.location = format!("{outer}: {}", problem.location);
        }
        self
    }

    /// Returns an error for each problem.
    pub fn split(self) -> impl Iterator<Item = Self> {
        std::iter::once(self.first)
            .chain(self.others)
            .map(|first| Self {
                first,
                others: Vec::new(),
            })
    }

    /// Returns whether every location fulfils a condition.
    #[cfg(feature = "generate")]
    pub(crate) fn all_at(&self, fulfils: impl Fn(&str) -> bool) -> bool {
        std::iter::once(&self.first)
            .chain(&self.others)
            .all(|problem| fulfils(&problem.location))
    }

    fn extend(&mut self, other: Self) {
        self.others.push(other.first);
        self.others.extend(other.others);
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.first)?;
        self.others
            .iter()
            .try_for_each(|problem| write!(f, "\n{problem}"))
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.location, self.text)
    }
}

impl std::error::Error for Error {}

/// Collects the errors of a stage that continues after an error.
#[derive(Debug, Default)]
pub(crate) struct Problems(Option<Error>);

impl Problems {
    /// Adds an error.
    pub(crate) fn push(&mut self, error: Error) {
        match &mut self.0 {
            Some(first) => first.extend(error),
            None => self.0 = Some(error),
        }
    }

    /// Returns the value, or adds the error.
    pub(crate) fn check<T>(&mut self, result: Result<T>) -> Option<T> {
        result.map_err(|error| self.push(error)).ok()
    }

    /// Returns `value` if there were no errors, otherwise all of them.
    pub(crate) fn finish<T>(self, value: T) -> Result<T> {
        match self.0 {
            Some(error) => Err(error),
            None => Ok(value),
        }
    }

    /// Returns all values, or all errors.
    pub(crate) fn collect<T>(results: impl IntoIterator<Item = Result<T>>) -> Result<Vec<T>> {
        let mut problems = Self::default();
        let values = results
            .into_iter()
            .filter_map(|result| problems.check(result))
            .collect();
        problems.finish(values)
    }
}
