//! Files to be uploaded.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use http::HeaderValue;
use tokio::{fs, io::AsyncRead};

use super::{
    body::BodyBuilder,
    reader::{PartReadError, SharedReader},
};

/// A file to be uploaded: bytes, a path, or a reader.
///
/// Bytes and paths can be sent again if an attempt fails; a reader only if nothing has been read
/// from it. Paths and readers are never held in memory completely.
///
/// Unless the content type is set, it is derived from the extension of the file name, for the
/// formats that the operations accept. The default is `application/octet-stream`.
///
/// ```
/// use portkey_admin::gateway::FilePart;
///
/// let path = FilePart::path("recordings/monday.mp3");
/// let bytes = FilePart::bytes("requests.jsonl", r#"{"custom_id": "one"}"#);
/// let reader = FilePart::reader("standard-input", tokio::io::empty()).content_type("text/csv");
/// # let _ = (path, bytes, reader);
/// ```
#[must_use = "a file is sent only as part of a request"]
pub struct FilePart {
    source: Source,
    name: String,
    content_type: Option<String>,
}

enum Source {
    Bytes(Bytes),
    Path(PathBuf),
    Reader(Arc<SharedReader>, Option<u64>),
}

/// Content types by file extension.
const CONTENT_TYPES: &[(&str, &str)] = &[
    ("csv", "text/csv"),
    ("flac", "audio/flac"),
    ("jpeg", "image/jpeg"),
    ("jpg", "image/jpeg"),
    ("json", "application/json"),
    ("jsonl", "application/jsonl"),
    ("m4a", "audio/mp4"),
    ("mp3", "audio/mpeg"),
    ("mp4", "video/mp4"),
    ("mpeg", "audio/mpeg"),
    ("mpga", "audio/mpeg"),
    ("ogg", "audio/ogg"),
    ("pdf", "application/pdf"),
    ("png", "image/png"),
    ("txt", "text/plain"),
    ("wav", "audio/wav"),
    ("webm", "video/webm"),
    ("webp", "image/webp"),
];

impl FilePart {
    /// Creates a file with the given name from bytes.
    pub fn bytes(name: impl Into<String>, bytes: impl Into<Bytes>) -> Self {
        Self::new(name.into(), Source::Bytes(bytes.into()))
    }

    /// Creates a file from a path, which is opened when the request is sent. The file name is the
    /// last component of the path.
    pub fn path(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        let name = path.file_name().unwrap_or(path.as_os_str());
        Self::new(name.to_string_lossy().into_owned(), Source::Path(path))
    }

    /// Creates a file with the given name from a reader, which is read to its end.
    ///
    /// The length of the request is not sent (`Transfer-Encoding: chunked`).
    pub fn reader(name: impl Into<String>, reader: impl AsyncRead + Send + 'static) -> Self {
        let reader = SharedReader::new(reader);
        Self::new(name.into(), Source::Reader(reader.into(), None))
    }

    /// Creates a file with the given name from the next `length` bytes of a reader. Further bytes
    /// are not read. If the reader ends earlier, the request fails.
    pub fn reader_of_length(
        name: impl Into<String>,
        reader: impl AsyncRead + Send + 'static,
        length: u64,
    ) -> Self {
        let reader = SharedReader::new(reader);
        Self::new(name.into(), Source::Reader(reader.into(), Some(length)))
    }

    fn new(name: String, source: Source) -> Self {
        Self {
            source,
            name,
            content_type: None,
        }
    }

    /// Sets the file name that is sent to the service.
    pub fn file_name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Sets the content type, such as `image/png`.
    pub fn content_type(mut self, content_type: impl Into<String>) -> Self {
        self.content_type = Some(content_type.into());
        self
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Returns the content type that was set, or the one derived from the name.
    pub(super) fn effective_content_type(&self) -> &str {
        if let Some(content_type) = &self.content_type {
            return content_type;
        }
        let extension = Path::new(&self.name).extension();
        let extension = extension
            .and_then(|extension| extension.to_str())
            .unwrap_or_default();
        let known = CONTENT_TYPES
            .iter()
            .find(|(known, _)| extension.eq_ignore_ascii_case(known));
        known.map_or("application/octet-stream", |(_, content_type)| content_type)
    }

    /// Checks that the content type is valid and that the path can be read.
    pub(super) async fn check(&self) -> Result<(), String> {
        let is_valid = |content_type: &String| {
            HeaderValue::from_str(content_type).is_ok_and(|value| value.to_str().is_ok())
                && content_type.contains('/')
        };
        if self
            .content_type
            .as_ref()
            .is_some_and(|content_type| !is_valid(content_type))
        {
            return Err("invalid content type, expected `type/subtype`".to_owned());
        }
        match &self.source {
            Source::Path(path) => check_path(path).await,
            Source::Bytes(_) | Source::Reader(..) => Ok(()),
        }
    }

    pub(super) fn can_repeat(&self) -> bool {
        match &self.source {
            Source::Bytes(_) | Source::Path(_) => true,
            Source::Reader(reader, _) => !reader.was_read(),
        }
    }

    /// Adds the content for one attempt. `part` is the name of the part.
    pub(super) async fn open(
        &self,
        part: &str,
        body: &mut BodyBuilder,
    ) -> Result<(), PartReadError> {
        match &self.source {
            Source::Bytes(bytes) => body.bytes(bytes.clone()),
            Source::Path(path) => {
                let description = format!("part `{part}` ({})", path.display());
                match open_file(path).await {
                    Ok((file, length)) => body.reader(description, Box::pin(file), Some(length)),
                    Err(error) => return Err(PartReadError::new(description, error)),
                }
            }
            Source::Reader(reader, length) => {
                let description = format!("part `{part}`");
                let reader = SharedReader::acquire(reader);
                body.reader(description, Box::pin(reader), *length);
            }
        }
        Ok(())
    }
}

async fn open_file(path: &Path) -> std::io::Result<(fs::File, u64)> {
    let file = fs::File::open(path).await?;
    let length = file.metadata().await?.len();
    Ok((file, length))
}

/// Checks that a path exists, is a regular file and can be opened.
async fn check_path(path: &Path) -> Result<(), String> {
    let path_display = path.display();
    let problem = |error| format!("{path_display} cannot be read: {error}");
    let metadata = fs::metadata(path).await.map_err(problem)?;
    if metadata.is_dir() {
        return Err(format!("{path_display} is a directory"));
    }
    // Opening a pipe would wait for a writer.
    if !metadata.is_file() {
        return Err(format!(
            "{path_display} is not a regular file; use `FilePart::reader`"
        ));
    }
    open_file(path).await.map(drop).map_err(problem)
}

/// Shows only the type of the source, because names and contents may be secrets.
impl fmt::Debug for FilePart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let source = match &self.source {
            Source::Bytes(bytes) => format!("{} bytes", bytes.len()),
            Source::Path(_) => "a path".to_owned(),
            Source::Reader(_, Some(length)) => format!("a reader of {length} bytes"),
            Source::Reader(_, None) => "a reader".to_owned(),
        };
        f.debug_struct("FilePart")
            .field("source", &format_args!("{source}"))
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_content_type_is_derived_from_the_name_unless_set() {
        let content_type = |name: &str| {
            FilePart::bytes(name, "")
                .effective_content_type()
                .to_owned()
        };
        assert_eq!(content_type("a.b.PNG"), "image/png");
        assert_eq!(content_type("png"), "application/octet-stream");
        assert_eq!(
            FilePart::path("/a/b.mp3").effective_content_type(),
            "audio/mpeg"
        );
        let set = FilePart::path("/a/b.mp3").content_type("audio/x");
        assert_eq!(
            (set.name(), set.effective_content_type()),
            ("b.mp3", "audio/x")
        );
        assert_eq!(set.file_name("c").name(), "c");
        assert!(CONTENT_TYPES.is_sorted());
    }
}
