//! What cannot be decoded, and where.

use std::{error::Error, fmt};

use serde_path_to_error::{Path, Segment};

/// What serde says, with the JSON path: empty for the whole.
#[derive(Debug)]
pub(crate) struct DecodeError {
    path: String,
    problem: serde_json::Error,
}

impl DecodeError {
    /// A last segment that is not known is left out: it is a name that was not read.
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

    /// Whether it is JSON, though not of that type.
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
