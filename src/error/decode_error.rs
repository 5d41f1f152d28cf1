//! Decoding errors and their position.

use std::{error::Error, fmt};

use serde_path_to_error::{Path, Segment};

use crate::redact::Redactor;

/// An error of serde with its JSON path, which is empty for the top level.
#[derive(Debug)]
pub(crate) struct DecodeError {
    path: String,
    problem: serde_json::Error,
}

impl DecodeError {
    /// Omits a last segment that is unknown, because its name was not read.
    pub(crate) fn new(path: &Path, problem: serde_json::Error) -> Self {
        let mut shown = path.to_string();
        if matches!(path.iter().next_back(), None | Some(Segment::Unknown)) {
            shown.pop();
            if shown.ends_with('.') {
                shown.pop();
            }
        }
        Self {
            path: shown,
            problem,
        }
    }

    /// Redacts the secrets of a client, which names of fields may contain; `None` if there are none.
    pub(crate) fn redacted(&self, redactor: &Redactor) -> Option<Self> {
        redactor.is_secret_in(&self.to_string()).then(|| {
            let problem = redactor.redact(self.problem.to_string());
            Self::at(redactor.redact(self.path.clone()), problem)
        })
    }

    /// Creates the error of a value at a JSON path.
    pub(crate) fn at(path: String, problem: impl fmt::Display) -> Self {
        Self {
            path,
            problem: serde::de::Error::custom(problem),
        }
    }

    /// Replaces the path by whether there is one, because names in it may be secrets: the keys of maps
    /// are those of the service.
    pub(crate) fn without_names(self) -> Self {
        if self.path.is_empty() {
            return self;
        }
        Self::at(
            String::new(),
            format_args!("{} in a nested value", self.problem),
        )
    }

    /// Removes line and column, which are those of another text than the body.
    pub(crate) fn without_position(self) -> Self {
        let problem = self.problem.to_string();
        let end = problem.rfind(" at line ").unwrap_or(problem.len());
        Self::at(self.path, &problem[..end])
    }

    /// Prefixes the path with that of the enclosing value.
    pub(crate) fn within(mut self, path: &str) -> Self {
        let separator = match self.path.is_empty() || self.path.starts_with('[') {
            true => "",
            false => ".",
        };
        self.path = format!("{path}{separator}{}", self.path);
        self
    }

    /// Returns `true` if the input is valid JSON of another type.
    #[cfg(feature = "gateway")]
    pub(crate) fn is_data(&self) -> bool {
        self.problem.is_data()
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        self.problem.fmt(f)
    }
}

impl Error for DecodeError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.problem.source()
    }
}
