//! Multipart forms (RFC 7578): texts and files, encoded while they are sent.
//!
//! A form of an HTTP client's own is built once and sent once. This one is opened anew for each
//! attempt, knows whether that can be done again, and says which part could not be read.

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

/// The parts of a form, in the order in which they were set.
pub(crate) struct Form {
    boundary: String,
    parts: Vec<Part>,
    listener: Option<ProgressCallback>,
}

struct Part {
    name: String,
    content: Content,
}

enum Content {
    Text(String),
    File(FilePart),
}

/// How far an upload is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct UploadProgress {
    /// How many bytes of the request's body the connection has taken. It only grows, but begins again
    /// with each attempt.
    pub sent: u64,
    /// How many there are in all, the frame around the files included; absent where the length of a
    /// reader is not known.
    pub total: Option<u64>,
}

/// Whoever wants to know how far an upload is.
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
            listener: None,
        }
    }

    /// Sets a text; the last value of a name wins.
    pub(crate) fn text(&mut self, name: &str, value: impl Into<String>) {
        self.texts(name, [value.into()]);
    }

    /// Sets a text that is repeated.
    pub(crate) fn texts(&mut self, name: &str, values: impl IntoIterator<Item = String>) {
        self.parts.retain(|part| part.name != name);
        self.parts.extend(values.into_iter().map(|value| Part {
            name: name.to_owned(),
            content: Content::Text(value),
        }));
    }

    /// Sets a file; the last one of a name wins.
    pub(crate) fn file(&mut self, name: &str, file: FilePart) {
        self.parts.retain(|part| part.name != name);
        self.parts.push(Part {
            name: name.to_owned(),
            content: Content::File(file),
        });
    }

    /// Who is told how far it is.
    pub(crate) fn listen(&mut self, listener: impl FnMut(UploadProgress) + Send + 'static) {
        self.listener = Some(ProgressCallback(Arc::new(Mutex::new(listener))));
    }

    /// What a text is set to.
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
        // Only the boundary varies, which is made of hexadecimal digits.
        HeaderValue::try_from(value)
            .unwrap_or_else(|_| HeaderValue::from_static("multipart/form-data"))
    }

    /// Looks for what is wrong with it before anything is sent.
    pub(crate) async fn check(&self) -> Result<(), Error> {
        for (name, file) in self.files() {
            if let Err(problem) = file.check().await {
                return Err(Error::invalid_request(format!("part `{name}`: {problem}")));
            }
        }
        Ok(())
    }

    /// Whether all of it can be read once more.
    pub(crate) fn can_repeat(&self) -> bool {
        self.files().all(|(_, file)| file.can_repeat())
    }

    /// The body of one attempt.
    pub(crate) async fn open(&self, heartbeat: Heartbeat) -> Result<FormBody, PartReadError> {
        let mut body = BodyBuilder::default();
        for Part { name, content } in &self.parts {
            body.text(&self.head(name, content));
            match content {
                Content::Text(value) => body.text(value),
                Content::File(file) => file.open(name, &mut body).await?,
            }
            body.text("\r\n");
        }
        body.text(&format!("--{}--\r\n", self.boundary));
        Ok(body.finish(heartbeat, self.listener.clone()))
    }

    fn files(&self) -> impl Iterator<Item = (&str, &FilePart)> {
        self.parts.iter().filter_map(|part| match &part.content {
            Content::File(file) => Some((part.name.as_str(), file)),
            Content::Text(_) => None,
        })
    }

    /// What goes before a part.
    fn head(&self, name: &str, content: &Content) -> String {
        let (boundary, name) = (&self.boundary, escaped(name));
        let mut head = format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"");
        if let Content::File(file) = content {
            let (name, content_type) = (escaped(file.name()), file.kind());
            // Writing to a `String` does not fail.
            let _ = write!(
                head,
                "; filename=\"{name}\"\r\nContent-Type: {content_type}"
            );
        }
        head + "\r\n\r\n"
    }
}

/// A line that no file holds by chance, and that nobody can foresee: the hasher is seeded at random.
fn boundary() -> String {
    let draw = || RandomState::new().hash_one(());
    format!("{:016x}{:016x}", draw(), draw())
}

/// A name as browsers write it, so that it ends neither the quotes nor the line.
fn escaped(name: &str) -> String {
    name.replace('"', "%22")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_boundary_comes_twice() {
        let all: std::collections::BTreeSet<_> = (0..1000).map(|_| boundary()).collect();
        assert_eq!(all.len(), 1000);
        assert!(all.iter().all(|one| one.len() == 32));
    }

    #[test]
    fn names_stay_inside_their_quotes() {
        assert_eq!(escaped("a\"; x=\"b\r\nX: y"), "a%22; x=%22b%0D%0AX: y");
        assert_eq!(escaped("größe 100%.png"), "größe 100%.png");
    }

    #[test]
    fn the_last_value_wins() {
        let mut form = Form::new();
        form.text("purpose", "batch");
        form.texts("word[]", ["a".to_owned(), "b".to_owned()]);
        form.text("purpose", "vision");
        assert_eq!(form.value("purpose"), Some("vision"));
        assert_eq!(form.parts.len(), 3);
        assert!(form.has("word[]") && !form.has("word"));
    }
}
