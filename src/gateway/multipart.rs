//! Multipart bodies (RFC 7578) of text fields and files, encoded while they are sent.
//!
//! Unlike the multipart form of an HTTP library, which is sent once, a form can be opened again for
//! each attempt, reports whether that is possible, and reports which part could not be read.

mod body;
mod file;
mod reader;

use std::{
    fmt::Write,
    hash::{BuildHasher, RandomState},
    sync::{Arc, Mutex, PoisonError},
};

use http::HeaderValue;

use crate::{Error, transport::Heartbeat};
use body::{BodyBuilder, FormBody};

pub use file::FilePart;
pub(crate) use reader::PartReadError;

/// A multipart form, with its parts in the order in which they were set.
pub(crate) struct Form {
    boundary: String,
    parts: Vec<Part>,
    progress_callback: Option<ProgressCallback>,
}

struct Part {
    name: String,
    content: Content,
}

enum Content {
    Text(String),
    File(FilePart),
}

/// The progress of an upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct UploadProgress {
    /// The number of bytes of the body that were passed to the connection. Restarts at 0 with each
    /// attempt.
    pub sent: u64,
    /// The total size of the body in bytes, including the multipart framing; `None` if the length
    /// of a reader is unknown.
    pub total: Option<u64>,
}

/// The callback that receives the progress of an upload.
#[derive(Clone)]
struct ProgressCallback(Arc<Mutex<dyn FnMut(UploadProgress) + Send>>);

impl ProgressCallback {
    fn call(&self, progress: UploadProgress) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)(progress);
    }
}

impl Form {
    pub(crate) fn new() -> Self {
        Self {
            boundary: boundary(),
            parts: Vec::new(),
            progress_callback: None,
        }
    }

    /// Sets a text field. Replaces earlier values of the same name.
    pub(crate) fn text(&mut self, name: &str, value: impl Into<String>) {
        self.repeated_text(name, [value.into()]);
    }

    /// Sets a repeated text field. Replaces earlier values of the same name.
    pub(crate) fn repeated_text(&mut self, name: &str, values: impl IntoIterator<Item = String>) {
        self.parts.retain(|part| part.name != name);
        self.parts.extend(values.into_iter().map(|value| Part {
            name: name.to_owned(),
            content: Content::Text(value),
        }));
    }

    /// Sets a file. Replaces earlier values of the same name.
    pub(crate) fn file(&mut self, name: &str, file: FilePart) {
        self.parts.retain(|part| part.name != name);
        self.parts.push(Part {
            name: name.to_owned(),
            content: Content::File(file),
        });
    }

    /// Sets the progress callback.
    pub(crate) fn on_progress(
        &mut self,
        progress_callback: impl FnMut(UploadProgress) + Send + 'static,
    ) {
        self.progress_callback = Some(ProgressCallback(Arc::new(Mutex::new(progress_callback))));
    }

    /// Returns the value of a text field.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.parts.iter().find_map(|part| match &part.content {
            Content::Text(value) if part.name == name => Some(value.as_str()),
            _ => None,
        })
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.parts.iter().any(|part| part.name == name)
    }

    pub(crate) fn content_type(&self) -> HeaderValue {
        let value = format!("multipart/form-data; boundary={}", self.boundary);
        // The value is always valid because the boundary consists of hexadecimal digits.
        HeaderValue::try_from(value)
            .unwrap_or_else(|_| HeaderValue::from_static("multipart/form-data"))
    }

    /// Checks the files before the request is sent.
    pub(crate) async fn check(&self) -> Result<(), Error> {
        for (name, file) in self.files() {
            if let Err(problem) = file.check().await {
                return Err(Error::invalid_request(format!("part `{name}`: {problem}")));
            }
        }
        Ok(())
    }

    /// Whether all parts can be read again.
    pub(crate) fn can_repeat(&self) -> bool {
        self.files().all(|(_, file)| file.can_repeat())
    }

    /// Opens the body for one attempt.
    pub(crate) async fn open(&self, heartbeat: Heartbeat) -> Result<FormBody, PartReadError> {
        let mut body = BodyBuilder::default();
        for Part { name, content } in &self.parts {
            body.text(&self.part_header(name, content));
            match content {
                Content::Text(value) => body.text(value),
                Content::File(file) => file.open(name, &mut body).await?,
            }
            body.text("\r\n");
        }
        body.text(&format!("--{}--\r\n", self.boundary));
        Ok(body.finish(heartbeat, self.progress_callback.clone()))
    }

    fn files(&self) -> impl Iterator<Item = (&str, &FilePart)> {
        self.parts.iter().filter_map(|part| match &part.content {
            Content::File(file) => Some((part.name.as_str(), file)),
            Content::Text(_) => None,
        })
    }

    /// Returns the boundary and the headers of a part.
    fn part_header(&self, name: &str, content: &Content) -> String {
        let (boundary, name) = (&self.boundary, escape_quoted(name));
        let mut header = format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"");
        if let Content::File(file) = content {
            let (name, content_type) = (escape_quoted(file.name()), file.effective_content_type());
            // Writing to a `String` does not fail.
            let _ = write!(
                header,
                "; filename=\"{name}\"\r\nContent-Type: {content_type}"
            );
        }
        header + "\r\n\r\n"
    }
}

/// Returns a random, unpredictable boundary. `RandomState` is randomly seeded.
fn boundary() -> String {
    let random = || RandomState::new().hash_one(());
    format!("{:016x}{:016x}", random(), random())
}

/// Escapes a name as browsers do, so that it contains neither quotes nor line breaks.
fn escape_quoted(name: &str) -> String {
    name.replace('"', "%22")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boundaries_are_unique() {
        let boundaries: std::collections::BTreeSet<_> = (0..1000).map(|_| boundary()).collect();
        assert_eq!(boundaries.len(), 1000);
        assert!(boundaries.iter().all(|boundary| boundary.len() == 32));
    }

    #[test]
    fn quotes_and_line_breaks_in_names_are_escaped() {
        assert_eq!(
            escape_quoted("a\"; x=\"b\r\nX: y"),
            "a%22; x=%22b%0D%0AX: y"
        );
        assert_eq!(escape_quoted("größe 100%.png"), "größe 100%.png");
    }

    #[test]
    fn the_last_value_of_a_field_wins() {
        let mut form = Form::new();
        form.text("purpose", "batch");
        form.repeated_text("word[]", ["a".to_owned(), "b".to_owned()]);
        form.text("purpose", "vision");
        assert_eq!(form.value("purpose"), Some("vision"));
        assert_eq!(form.parts.len(), 3);
        assert!(form.has("word[]") && !form.has("word"));
    }
}
