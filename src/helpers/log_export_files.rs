//! A log export from its filters to a file (M279).

use std::{
    fmt,
    io::ErrorKind,
    path::{Path, PathBuf},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode, header};
use tokio::{
    fs::{self, File, OpenOptions},
    time::sleep,
};

use crate::{
    ByteStream, Client, Error, Progress, Waiter,
    error::{ErrorResponse, Label},
    logs::{CreateLogExport, DownloadLogExport, LogExport, LogExportStatus},
    operation::Operation,
};

/// The number of downloads that may fail in a row without receiving more than those before.
const MAX_FAILURES: u32 = 5;

const FIRST_DELAY: Duration = Duration::from_millis(500);

/// What [`LogExportToFile`] is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum LogExportProgress {
    /// The export was created.
    Created {
        /// The id, with which the export can be continued.
        id: String,
        /// The number of logs.
        total: Option<i64>,
    },
    /// The export is not finished.
    Waiting,
    /// The file is being received.
    Downloading(Progress),
}

/// A log export in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SavedLogExport {
    /// The id of the export.
    pub id: String,
    /// The size of the file in bytes.
    pub bytes: u64,
}

impl CreateLogExport {
    /// Creates the export, starts it, waits until it is finished, and writes it to a file.
    ///
    /// The file exists only when it is complete: until then, the content is in a file with the suffix
    /// `.part`. A download that is interrupted continues where it ended if the storage service supports
    /// ranges and sends an `ETag`; otherwise it starts again. An expired URL is requested again.
    ///
    /// ```no_run
    /// # async fn example(client: portkey_admin::Client) -> Result<(), portkey_admin::Error> {
    /// use portkey_admin::logs::{CreateLogExportRequest, LogExportField, LogExportFilters};
    ///
    /// let filters = LogExportFilters::builder().workspace_slug("ws-research").status_code("500");
    /// let body = CreateLogExportRequest::builder()
    ///     .workspace_id("ws-research")
    ///     .filters(filters)
    ///     .requested_data([LogExportField::Id, LogExportField::CreatedAt]);
    /// let export = client.create_log_export().body(body).to_file("logs.jsonl").send().await?;
    /// println!("{} bytes", export.bytes);
    /// # Ok(())
    /// # }
    /// ```
    pub fn to_file(self, path: impl Into<PathBuf>) -> LogExportToFile {
        LogExportToFile::new(Source::New(self), path.into())
    }
}

impl DownloadLogExport {
    /// Writes the export to a file, like [`CreateLogExport::to_file`]: starts the export if it is a
    /// draft and waits until it is finished. Continues a download that was interrupted.
    pub fn to_file(self, path: impl Into<PathBuf>) -> LogExportToFile {
        LogExportToFile::new(Source::Existing(self), path.into())
    }
}

/// A log export that is written to a file, returned by [`CreateLogExport::to_file`] and
/// [`DownloadLogExport::to_file`].
#[must_use = "nothing is sent before `send`"]
pub struct LogExportToFile {
    source: Source,
    path: PathBuf,
    timeout: Duration,
    progress: Box<dyn FnMut(LogExportProgress) + Send>,
}

enum Source {
    New(CreateLogExport),
    Existing(DownloadLogExport),
}

impl LogExportToFile {
    fn new(source: Source, path: PathBuf) -> Self {
        Self {
            source,
            path,
            timeout: Duration::from_secs(600),
            progress: Box::new(|_| ()),
        }
    }

    /// Sets how long to wait until the export is finished; the default is 10 minutes. The duration of
    /// the download is not limited.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets a function that is called with each step and after each chunk of the download.
    pub fn progress(mut self, progress: impl FnMut(LogExportProgress) + Send + 'static) -> Self {
        self.progress = Box::new(progress);
        self
    }

    /// Runs the export.
    ///
    /// # Errors
    ///
    /// The errors of each request and of the file. If the export exists, the error contains its id, with
    /// which `download_log_export(id).to_file(path)` continues, and [`Error::may_have_executed`] is
    /// true. It is also an error if the export fails or is stopped, and a timeout
    /// ([`Error::is_timeout`]) if it is not finished in time.
    pub async fn send(mut self) -> Result<SavedLogExport, Error> {
        let (client, id) = match self.source {
            Source::New(create) => {
                let client = create.call.client().clone();
                let receipt = create.send().await?;
                let id = receipt.id()?.to_owned();
                let total = receipt.total;
                let created = LogExportProgress::Created {
                    id: id.clone(),
                    total,
                };
                (self.progress)(created);
                (client, id)
            }
            Source::Existing(download) => {
                let id = download.call.arguments().concat();
                (download.call.client().clone(), id)
            }
        };
        let mut steps = Steps {
            client,
            id,
            progress: self.progress,
        };
        match steps.run(&self.path, self.timeout).await {
            Ok(bytes) => Ok(SavedLogExport {
                id: steps.id,
                bytes,
            }),
            Err(error) => {
                let note = format!("log export `{}` can be continued", steps.id);
                Err(error.with_note(note).mark_executed())
            }
        }
    }
}

impl fmt::Debug for LogExportToFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogExportToFile")
            .field("path", &self.path)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// The steps after the creation.
struct Steps {
    client: Client,
    id: String,
    progress: Box<dyn FnMut(LogExportProgress) + Send>,
}

impl Steps {
    async fn run(&mut self, path: &Path, timeout: Duration) -> Result<u64, Error> {
        self.finish(timeout).await?;
        let part = PartFile::new(path);
        self.download(&part).await?;
        part.complete(path).await.map_err(Error::write)
    }

    /// Starts the export if it is a draft, and waits until it is finished.
    async fn finish(&mut self, timeout: Duration) -> Result<(), Error> {
        let (client, id) = (&self.client, &self.id);
        let export = client.get_log_export(id).send().await?;
        if export.status == Some(LogExportStatus::Draft) {
            client.start_log_export(id).send().await?;
        }
        let mut is_finished = |export: &LogExport| match export.status {
            Some(LogExportStatus::Draft | LogExportStatus::InProgress) => {
                (self.progress)(LogExportProgress::Waiting);
                false
            }
            _ => true,
        };
        let export = match export.status {
            Some(LogExportStatus::Success) => export,
            _ => {
                Waiter::new(format!("log export `{id}`"))
                    .timeout(timeout)
                    .until(|| client.get_log_export(id).send(), &mut is_finished)
                    .await?
            }
        };
        match export.status {
            Some(LogExportStatus::Success) => Ok(()),
            status => {
                let status = status.map_or("none".to_owned(), |status| status.to_string());
                let problem = format!("expected an export with status `success`, found `{status}`");
                Err(Error::unexpected_response(problem)
                    .with_operation(&Label::Operation(Self::operation())))
            }
        }
    }

    fn operation() -> &'static Operation {
        &crate::operations::GET_LOG_EXPORT
    }

    /// Downloads until the file is complete, continuing after failures.
    async fn download(&mut self, part: &PartFile) -> Result<(), Error> {
        let (mut longest, mut failures) = (0, 0);
        loop {
            let error = match self.try_download(part).await {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            let received = part.size().await.map_err(Error::write)?;
            failures = match received > longest {
                true => 0,
                false => failures + 1,
            };
            longest = longest.max(received);
            if !can_continue(&error) || failures >= MAX_FAILURES {
                return Err(error);
            }
            sleep(FIRST_DELAY * failures * failures).await;
        }
    }

    /// Requests the URL and downloads what is missing.
    async fn try_download(&mut self, part: &PartFile) -> Result<(), Error> {
        let resume = part.resume().await.map_err(Error::write)?;
        let download = self.client.download_log_export(&self.id);
        let opened = download.open_with_headers(range_headers(resume.as_ref()));
        let body = match (opened.await, resume) {
            (Ok(body), Some(resume)) if is_rest(&body, &resume) => {
                let file = part.append().await.map_err(Error::write)?;
                return self.write(body, file, resume.size).await;
            }
            // The part is complete, or it is longer than the file.
            (Err(error), Some(resume))
                if error.status() == Some(StatusCode::RANGE_NOT_SATISFIABLE) =>
            {
                let range = error.headers().and_then(content_range);
                if range == Some(format!("bytes */{}", resume.size).as_str()) {
                    return Ok(());
                }
                part.remove().await.map_err(Error::write)?;
                return Err(error);
            }
            (opened, _) => opened?,
        };
        if body.status() == StatusCode::PARTIAL_CONTENT {
            part.remove().await.map_err(Error::write)?;
            let problem = "the storage service sent another range than the requested one";
            let (status, headers) = (body.status(), body.headers().clone());
            return Err(
                Error::unexpected_response(problem).with_response(ErrorResponse::new(
                    status,
                    headers,
                    Bytes::new(),
                )),
            );
        }
        let file = part.create(body.headers()).await.map_err(Error::write)?;
        self.write(body, file, 0).await
    }

    /// Writes a body that starts at `offset`.
    async fn write(&mut self, body: ByteStream, mut file: File, offset: u64) -> Result<(), Error> {
        let report = |Progress { received, total }| {
            (self.progress)(LogExportProgress::Downloading(Progress {
                received: offset + received,
                total: total.map(|total| offset + total),
            }));
        };
        body.write_to(&mut file, report).await?;
        file.sync_all().await.map_err(Error::write)
    }
}

/// Returns whether another download may succeed: after an interruption, or if the URL has expired.
fn can_continue(error: &Error) -> bool {
    let from_storage = error.operation_metadata().is_none();
    let is_refused = error.is_forbidden()
        || error.status() == Some(StatusCode::RANGE_NOT_SATISFIABLE)
        || error.status() == Some(StatusCode::PARTIAL_CONTENT);
    error.is_transient() || (from_storage && is_refused)
}

/// The received part of a file.
struct Resume {
    size: u64,
    etag: HeaderValue,
}

fn range_headers(resume: Option<&Resume>) -> Vec<(HeaderName, HeaderValue)> {
    let Some(Resume { size, etag }) = resume else {
        return Vec::new();
    };
    let range = HeaderValue::try_from(format!("bytes={size}-"));
    let range = range.map(|range| vec![(header::RANGE, range), (header::IF_RANGE, etag.clone())]);
    range.unwrap_or_default()
}

fn content_range(headers: &http::HeaderMap) -> Option<&str> {
    headers.get(header::CONTENT_RANGE)?.to_str().ok()
}

/// Returns whether a body is the rest of the file.
fn is_rest(body: &ByteStream, resume: &Resume) -> bool {
    let start = format!("bytes {}-", resume.size);
    body.status() == StatusCode::PARTIAL_CONTENT
        && content_range(body.headers()).is_some_and(|range| range.starts_with(&start))
}

/// An incomplete file, and a file with the `ETag` of its content.
struct PartFile {
    content: PathBuf,
    etag: PathBuf,
}

impl PartFile {
    fn new(path: &Path) -> Self {
        let with_suffix = |suffix: &str| {
            let mut path = path.as_os_str().to_owned();
            path.push(suffix);
            path.into()
        };
        Self {
            content: with_suffix(".part"),
            etag: with_suffix(".part.etag"),
        }
    }

    async fn size(&self) -> std::io::Result<u64> {
        match fs::metadata(&self.content).await {
            Ok(metadata) => Ok(metadata.len()),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(0),
            Err(error) => Err(error),
        }
    }

    /// Returns the received part; `None` if there is none or its `ETag` is not known.
    async fn resume(&self) -> std::io::Result<Option<Resume>> {
        let size = self.size().await?;
        let etag = fs::read(&self.etag).await.ok();
        let etag = etag.and_then(|etag| HeaderValue::try_from(etag).ok());
        Ok(etag.filter(|_| size > 0).map(|etag| Resume { size, etag }))
    }

    async fn append(&self) -> std::io::Result<File> {
        OpenOptions::new().append(true).open(&self.content).await
    }

    /// Creates an empty file for a content with these headers.
    async fn create(&self, headers: &http::HeaderMap) -> std::io::Result<File> {
        self.remove().await?;
        let file = File::create(&self.content).await?;
        // Only a strong validator proves that two responses have the same content.
        let etag = headers.get(header::ETAG);
        if let Some(etag) = etag.filter(|etag| etag.as_bytes().starts_with(b"\"")) {
            fs::write(&self.etag, etag).await?;
        }
        Ok(file)
    }

    async fn remove(&self) -> std::io::Result<()> {
        for path in [&self.etag, &self.content] {
            match fs::remove_file(path).await {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    /// Renames the file to its name. Returns its size.
    async fn complete(&self, path: &Path) -> std::io::Result<u64> {
        let size = self.size().await?;
        fs::rename(&self.content, path).await?;
        self.remove().await?;
        Ok(size)
    }
}
