//! The log of uploads for assertions: the parts of each multipart form, without their content.

use std::collections::VecDeque;
use std::sync::Mutex;

use super::form::{Form, OVERHEAD, UploadPart};
use crate::sync::lock;

/// One multipart form as received, with an uploaded file, image or recording.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Upload {
    /// The operation id from the manifest.
    pub operation: String,
    /// The parts, in order.
    pub parts: Vec<UploadPart>,
}

impl Upload {
    /// Returns the first part with this name.
    pub fn part(&self, name: &str) -> Option<&UploadPart> {
        self.parts.iter().find(|part| part.name == name)
    }
}

/// The maximum total size of recorded uploads in bytes; the oldest are dropped first.
const CAPACITY: usize = 16 * 1024 * 1024;

/// The latest uploads.
#[derive(Debug, Default)]
pub(crate) struct Uploads(Mutex<(VecDeque<Upload>, usize)>);

impl Uploads {
    pub(crate) fn push(&self, operation: &str, form: &Form) {
        let upload = Upload {
            operation: operation.to_owned(),
            parts: form.parts.iter().map(|part| part.info.clone()).collect(),
        };
        let mut uploads = lock(&self.0);
        uploads.1 += upload.size_in_memory();
        uploads.0.push_back(upload);
        while uploads.1 > CAPACITY
            && let Some(oldest) = uploads.0.pop_front()
        {
            uploads.1 -= oldest.size_in_memory();
        }
    }

    pub(crate) fn all(&self) -> Vec<Upload> {
        lock(&self.0).0.iter().cloned().collect()
    }
}

impl Upload {
    fn size_in_memory(&self) -> usize {
        let parts = self.parts.iter().map(UploadPart::size_in_memory);
        OVERHEAD + self.operation.len() + parts.sum::<usize>()
    }
}
