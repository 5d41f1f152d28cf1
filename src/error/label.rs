//! What a call is called in errors and traces.

use std::{fmt, sync::Arc};

use crate::operation::Operation;

/// An operation of the document, or a request that somebody has put together.
#[derive(Clone)]
pub(crate) enum Label {
    Operation(&'static Operation),
    /// `GET /path`, or an operation whose signed URL is read.
    Request(Arc<str>),
}

impl Label {
    /// `get_workspace`, or `GET /path`.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Operation(operation) => operation.id,
            Self::Request(text) => text,
        }
    }

    pub(crate) fn operation(&self) -> Option<&'static Operation> {
        match self {
            Self::Operation(operation) => Some(operation),
            Self::Request(_) => None,
        }
    }
}

impl fmt::Debug for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
