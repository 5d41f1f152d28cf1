//! Files to be sent, wherever they come from.

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
/// Bytes and paths can be sent again where an attempt fails; a reader only as long as nothing of it
/// has been read. Whatever its size, a path or a reader is never held in memory as a whole.
///
/// The content type goes by the ending of the name unless it is set: that of the formats which the
/// operations take, else `application/octet-stream`.
///
/// ```
/// use portkey_admin::FilePart;
///
/// let path = FilePart::path("recordings/monday.mp3");
/// let bytes = FilePart::bytes("requests.jsonl", r#"{"custom_id": "one"}"#);
/// let reader = FilePart::reader("standard-input", tokio::io::empty()).content_type("text/csv");
/// # let _ = (path, bytes, reader);
/// ```
#[must_use = "it is sent only as a part of a request"]
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

/// Content types by the ending of a name.
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
    /// Bytes, as a file of that name.
    pub fn bytes(name: impl Into<String>, bytes: impl Into<Bytes>) -> Self {
        Self::new(name.into(), Source::Bytes(bytes.into()))
    }

    /// A file of the file system, opened when it is sent. Its name is the last part of the path.
    pub fn path(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        let name = path.file_name().unwrap_or(path.as_os_str());
        Self::new(name.to_string_lossy().into_owned(), Source::Path(path))
    }

    /// Whatever a reader gives until it ends, as a file of that name.
    ///
    /// The request does not say how long it is (`Transfer-Encoding: chunked`).
    pub fn reader(name: impl Into<String>, reader: impl AsyncRead + Send + 'static) -> Self {
        let reader = SharedReader::new(reader);
        Self::new(name.into(), Source::Reader(reader.into(), None))
    }

    /// The next `length` bytes of a reader, as a file of that name; what follows is not read. A reader
    /// that ends before is an error.
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

    /// The name that the service sees.
    pub fn file_name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// The content type, such as `image/png`.
    pub fn content_type(mut self, content_type: impl Into<String>) -> Self {
        self.content_type = Some(content_type.into());
        self
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The content type.
    pub(super) fn kind(&self) -> &str {
        if let Some(content_type) = &self.content_type {
            return content_type;
        }
        let ending = Path::new(&self.name).extension();
        let ending = ending
            .and_then(|ending| ending.to_str())
            .unwrap_or_default();
        let known = CONTENT_TYPES
            .iter()
            .find(|(other, _)| ending.eq_ignore_ascii_case(other));
        known.map_or("application/octet-stream", |(_, kind)| kind)
    }

    /// Says what keeps it from being sent.
    pub(super) async fn check(&self) -> Result<(), String> {
        let is_header = |kind: &String| {
            HeaderValue::from_str(kind).is_ok_and(|value| value.to_str().is_ok())
                && kind.contains('/')
        };
        if self
            .content_type
            .as_ref()
            .is_some_and(|kind| !is_header(kind))
        {
            return Err("its content type is none".to_owned());
        }
        match &self.source {
            Source::Path(path) => check_path(path).await,
            Source::Bytes(_) | Source::Reader(..) => Ok(()),
        }
    }

    pub(super) fn can_repeat(&self) -> bool {
        match &self.source {
            Source::Bytes(_) | Source::Path(_) => true,
            Source::Reader(reader, _) => !reader.is_touched(),
        }
    }

    /// Adds the content for one attempt. `part` is its name in the form.
    pub(super) async fn open(
        &self,
        part: &str,
        body: &mut BodyBuilder,
    ) -> Result<(), PartReadError> {
        match &self.source {
            Source::Bytes(bytes) => body.bytes(bytes.clone()),
            Source::Path(path) => {
                let what = format!("part `{part}` ({})", path.display());
                match opened(path).await {
                    Ok((file, length)) => body.reader(what, Box::pin(file), Some(length)),
                    Err(error) => return Err(PartReadError::new(what, error)),
                }
            }
            Source::Reader(reader, length) => {
                let what = format!("part `{part}`");
                let reader = SharedReader::take(reader);
                body.reader(what, Box::pin(reader), *length);
            }
        }
        Ok(())
    }
}

async fn opened(path: &Path) -> std::io::Result<(fs::File, u64)> {
    let file = fs::File::open(path).await?;
    let length = file.metadata().await?.len();
    Ok((file, length))
}

/// A path is there, is a file, and may be read.
async fn check_path(path: &Path) -> Result<(), String> {
    let shown = path.display();
    let problem = |error| format!("{shown} cannot be read: {error}");
    let metadata = fs::metadata(path).await.map_err(problem)?;
    if metadata.is_dir() {
        return Err(format!("{shown} is a directory"));
    }
    // Opening a pipe would wait for whoever writes to it.
    if !metadata.is_file() {
        return Err(format!("{shown} is no regular file; use a reader"));
    }
    opened(path).await.map(drop).map_err(problem)
}

/// Names and contents may be secrets, so only the kind of source shows.
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
    fn the_content_type_goes_by_the_name_unless_it_is_set() {
        let kind = |name: &str| FilePart::bytes(name, "").kind().to_owned();
        assert_eq!(kind("a.b.PNG"), "image/png");
        assert_eq!(kind("png"), "application/octet-stream");
        assert_eq!(FilePart::path("/a/b.mp3").kind(), "audio/mpeg");
        let set = FilePart::path("/a/b.mp3").content_type("audio/x");
        assert_eq!((set.name(), set.kind()), ("b.mp3", "audio/x"));
        assert_eq!(set.file_name("c").name(), "c");
        assert!(CONTENT_TYPES.is_sorted());
    }
}
