//! The name of a request in errors and traces.

use std::{fmt, sync::Arc};

use crate::operation::Operation;

/// A generated operation or another request.
#[derive(Clone)]
pub(crate) enum Label {
    Operation(&'static Operation),
    /// `GET /path`, or the operation that returned a signed URL.
    Request(Arc<str>),
}

impl Label {
    /// Returns `get_workspace` or `GET /path`.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Operation(operation) => operation.id,
            Self::Request(name) => name,
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
