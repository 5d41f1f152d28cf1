//! What was uploaded, for assertions: the parts of each form, without their content.

use std::collections::VecDeque;
use std::sync::Mutex;

use serde::{Deserialize, Serialize};

use super::form::Form;
use crate::dispatch::lock;

/// One form as it arrived: of an uploaded file, an image or a recording.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Upload {
    /// The ledger's name of the operation.
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
    /// The name of the file; a part without one is a text.
    pub file_name: Option<String>,
    /// The content type, as it came.
    pub content_type: Option<String>,
    /// How many bytes it has.
    pub size: u64,
    /// The SHA-256 of its bytes, in hexadecimal digits.
    pub sha256: String,
    /// The text; a file has none.
    pub text: Option<String>,
}

impl Upload {
    /// The first part of this name.
    pub fn part(&self, name: &str) -> Option<&UploadPart> {
        self.parts.iter().find(|part| part.name == name)
    }
}

/// How many bytes of uploads are remembered; beyond that, the oldest go.
const CAPACITY: usize = 16 * 1024 * 1024;

/// What a part costs besides its texts.
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
        let length = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        let texts = length(&self.file_name) + length(&self.content_type) + length(&self.text);
        OVERHEAD + self.name.len() + texts
    }
}
