//! A received multipart form.

use serde::{Deserialize, Serialize};

use super::content::{self, Content};

/// Estimated size of an upload or a part in memory besides its strings.
pub(super) const OVERHEAD: usize = 256;

/// A received form.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Form {
    pub(crate) parts: Vec<Part>,
}

/// One part of a form, with its content.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Part {
    pub(crate) info: UploadPart,
    /// The content, if it is stored.
    #[serde(with = "content::as_base64")]
    pub(crate) content: Option<Content>,
}

impl Form {
    /// Returns the first file with this name.
    pub(crate) fn file(&self, name: &str) -> Option<&Part> {
        let mut files = self.parts.iter().filter(|part| part.info.text.is_none());
        files.find(|part| part.info.name == name)
    }

    /// Returns the field names and values; the value of a file is its name.
    pub(crate) fn text_fields(&self) -> impl Iterator<Item = (String, String)> {
        self.parts.iter().map(|part| {
            let info = &part.info;
            let value = info.text.as_ref().or(info.file_name.as_ref());
            (info.name.clone(), value.cloned().unwrap_or_default())
        })
    }
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

impl UploadPart {
    pub(super) fn size_in_memory(&self) -> usize {
        let length = |string: &Option<String>| string.as_ref().map_or(0, String::len);
        let strings = length(&self.file_name) + length(&self.content_type) + length(&self.text);
        OVERHEAD + self.name.len() + strings
    }
}
