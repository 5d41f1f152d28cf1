//! The log of uploads for assertions: the parts of each multipart form, without their content.

use std::collections::VecDeque;
use std::sync::Mutex;

use serde::{Deserialize, Serialize};

use super::multipart::Form;
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

/// One part of a form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct UploadPart {
    /// The name of the field.
    pub name: String,
    /// The name of the file; `None` for a text field.
    pub file_name: Option<String>,
    /// The content type, as received.
    pub content_type: Option<String>,
    /// The size in bytes.
    pub size: u64,
    /// The SHA-256 of its bytes, in hexadecimal digits.
    pub sha256: String,
    /// The value of a text field; `None` for a file.
    pub text: Option<String>,
}

impl Upload {
    /// Returns the first part with this name.
    pub fn part(&self, name: &str) -> Option<&UploadPart> {
        self.parts.iter().find(|part| part.name == name)
    }
}

/// The maximum total size of recorded uploads in bytes; the oldest are dropped first.
const CAPACITY: usize = 16 * 1024 * 1024;

/// Estimated size of an upload or a part in memory besides its strings.
const OVERHEAD: usize = 256;

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

impl UploadPart {
    fn size_in_memory(&self) -> usize {
        let length = |string: &Option<String>| string.as_ref().map_or(0, String::len);
        let strings = length(&self.file_name) + length(&self.content_type) + length(&self.text);
        OVERHEAD + self.name.len() + strings
    }
}
