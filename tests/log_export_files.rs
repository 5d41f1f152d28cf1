//! Log exports that are written to a file: the steps, and downloads that continue.

#![cfg(feature = "logs")]
#![allow(clippy::unwrap_used, clippy::expect_used)] // a panic fails the test

mod support;

use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use portkey_admin::{
    Client, LogExportProgress, Progress,
    logs::{CreateLogExportRequest, LogExportField, LogExportFilters},
};
use serde_json::json;
use support::{
    attempts, builder,
    server::{Request, ScriptedResponse, Server},
};

const CONTENT: &str = "{\"id\":\"one\"}\n{\"id\":\"two\"}\n";
const ETAG: &str = "\"v1\"";

/// A directory that is removed at the end of the test.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        let path =
            std::env::temp_dir().join(format!("portkey-admin-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.0).unwrap();
        let name = |entry: std::io::Result<std::fs::DirEntry>| entry.unwrap().file_name();
        let mut names: Vec<_> = entries
            .map(|entry| name(entry).into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Starts a service whose export has these statuses, one for each read, and is in `storage`.
fn service(storage: &Server, statuses: &'static [&'static str]) -> Server {
    let url = storage.url("/one");
    let reads = Mutex::new(statuses.iter());
    Server::start(move |request| {
        let body = match (request.method.as_str(), request.path()) {
            ("POST", "/v1/logs/exports") => json!({"id": "one", "total": 2, "object": "export"}),
            ("GET", "/v1/logs/exports/one") => {
                let status = reads.lock().unwrap().next().unwrap_or(&"success");
                json!({"id": "one", "status": status, "object": "export"})
            }
            (_, path) if path.ends_with("/download") => json!({"signed_url": url}),
            _ => json!({"message": "started", "object": "export"}),
        };
        ScriptedResponse::json(200, body.to_string())
    })
}

fn client(server: &Server) -> Client {
    builder(server).options(attempts(1)).build().unwrap()
}

/// Responds like a storage that supports ranges and `If-Range`.
fn stored(request: &Request, etag: Option<&str>) -> ScriptedResponse {
    let with_etag = |response: ScriptedResponse| match etag {
        Some(etag) => response.with_header("etag", etag),
        None => response,
    };
    let start = request.header("range").first().and_then(|range| {
        let start = range.strip_prefix("bytes=")?.strip_suffix('-')?;
        start.parse::<usize>().ok()
    });
    match start.filter(|_| request.header("if-range").first().copied() == etag) {
        Some(start) if start < CONTENT.len() => {
            let range = format!("bytes {start}-{}/{}", CONTENT.len() - 1, CONTENT.len());
            let response = ScriptedResponse::empty(206).with_header("content-range", range);
            with_etag(response.with_body(&CONTENT[start..]))
        }
        Some(_) => ScriptedResponse::empty(416)
            .with_header("content-range", format!("bytes */{}", CONTENT.len())),
        None => with_etag(ScriptedResponse::empty(200).with_body(CONTENT)),
    }
}

/// Starts a storage whose first responses are truncated to this many bytes of their body.
fn interrupted_storage(etag: Option<&'static str>, truncated: &'static [usize]) -> Server {
    let responses = Mutex::new(truncated.iter());
    Server::start(move |request| {
        let response = stored(request, etag);
        match responses.lock().unwrap().next() {
            Some(sent) => response.truncated_by(CONTENT.len() - start(request) - sent),
            None => response,
        }
    })
}

fn start(request: &Request) -> usize {
    let range = request.header("range");
    let range = range.first().and_then(|range| range.strip_prefix("bytes="));
    range.map_or(0, |range| range.trim_end_matches('-').parse().unwrap())
}

fn ranges(storage: &Server) -> Vec<usize> {
    storage.requests().iter().map(start).collect()
}

fn request_lines(server: &Server) -> Vec<String> {
    let line = |request: Request| format!("{} {}", request.method, request.path());
    server.requests().into_iter().map(line).collect()
}

#[tokio::test]
async fn export_is_created_started_awaited_and_written() {
    let directory = Directory::new("whole");
    let storage = interrupted_storage(Some(ETAG), &[]);
    let service = service(
        &storage,
        &["draft", "in_progress", "in_progress", "success"],
    );
    let steps = Arc::new(Mutex::new(Vec::new()));
    let recorded = steps.clone();
    let filters = LogExportFilters::builder().workspace_slug("ws-one");
    let body = CreateLogExportRequest::builder()
        .filters(filters)
        .requested_data([LogExportField::Id]);
    let path = directory.file("logs.jsonl");
    let export = client(&service)
        .create_log_export()
        .body(body)
        .to_file(&path)
        .progress(move |step| recorded.lock().unwrap().push(step))
        .send()
        .await
        .unwrap();
    assert_eq!(
        (export.id.as_str(), export.bytes),
        ("one", CONTENT.len() as u64)
    );
    assert_eq!(std::fs::read_to_string(path).unwrap(), CONTENT);
    assert_eq!(directory.names(), ["logs.jsonl"]);
    let steps = steps.lock().unwrap();
    let (first, last) = (steps.first().unwrap(), steps.last().unwrap());
    assert!(matches!(first, LogExportProgress::Created { id, total: Some(2), .. } if id == "one"));
    assert!(steps.contains(&LogExportProgress::Waiting));
    let LogExportProgress::Downloading(Progress {
        received, total, ..
    }) = last
    else {
        panic!("{last:?}");
    };
    assert_eq!(
        (*received, *total),
        (CONTENT.len() as u64, Some(CONTENT.len() as u64))
    );
    assert_eq!(
        request_lines(&service),
        [
            "POST /v1/logs/exports",
            "GET /v1/logs/exports/one",
            "POST /v1/logs/exports/one/start",
            "GET /v1/logs/exports/one",
            "GET /v1/logs/exports/one",
            "GET /v1/logs/exports/one",
            "GET /v1/logs/exports/one/download",
        ]
    );
}

async fn download(service: &Server, path: &PathBuf) -> Result<u64, portkey_admin::Error> {
    let download = client(service).download_log_export("one").to_file(path);
    Ok(download.send().await?.bytes)
}

#[tokio::test]
async fn interrupted_download_continues_where_it_ended() {
    let directory = Directory::new("continues");
    let storage = interrupted_storage(Some(ETAG), &[5, 7]);
    let service = service(&storage, &[]);
    let path = directory.file("logs.jsonl");
    assert_eq!(
        download(&service, &path).await.unwrap(),
        CONTENT.len() as u64
    );
    assert_eq!(std::fs::read_to_string(&path).unwrap(), CONTENT);
    assert_eq!(ranges(&storage), [0, 5, 12]);
    assert_eq!(directory.names(), ["logs.jsonl"]);
}

#[tokio::test]
async fn download_starts_again_without_a_strong_validator() {
    for (index, etag) in [None, Some("W/\"v1\"")].into_iter().enumerate() {
        let directory = Directory::new(&format!("again-{index}"));
        let storage = interrupted_storage(etag, &[5]);
        let service = service(&storage, &[]);
        let path = directory.file("logs.jsonl");
        download(&service, &path).await.unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), CONTENT);
        assert_eq!(ranges(&storage), [0, 0]);
    }
}

#[tokio::test]
async fn later_download_continues_unless_the_content_has_changed() {
    for (index, (etag, first_range)) in [(ETAG, 5), ("\"v2\"", 5)].into_iter().enumerate() {
        let directory = Directory::new(&format!("later-{index}"));
        let path = directory.file("logs.jsonl");
        std::fs::write(directory.file("logs.jsonl.part"), &CONTENT[..5]).unwrap();
        std::fs::write(directory.file("logs.jsonl.part.etag"), etag).unwrap();
        let storage = interrupted_storage(Some(ETAG), &[]);
        let service = service(&storage, &[]);
        download(&service, &path).await.unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), CONTENT, "{etag}");
        assert_eq!(ranges(&storage), [first_range]);
        assert_eq!(storage.request().header("if-range"), [etag]);
        assert_eq!(directory.names(), ["logs.jsonl"]);
    }
}

#[tokio::test]
async fn complete_part_is_not_downloaded_again() {
    let directory = Directory::new("complete");
    let path = directory.file("logs.jsonl");
    std::fs::write(directory.file("logs.jsonl.part"), CONTENT).unwrap();
    std::fs::write(directory.file("logs.jsonl.part.etag"), ETAG).unwrap();
    let storage = interrupted_storage(Some(ETAG), &[]);
    let service = service(&storage, &[]);
    assert_eq!(
        download(&service, &path).await.unwrap(),
        CONTENT.len() as u64
    );
    assert_eq!(std::fs::read_to_string(&path).unwrap(), CONTENT);
}

#[tokio::test]
async fn expired_url_is_requested_again() {
    let directory = Directory::new("expired");
    let attempts = Mutex::new(0);
    let storage = Server::start(move |request| {
        let mut attempts = attempts.lock().unwrap();
        *attempts += 1;
        match *attempts {
            1 => ScriptedResponse::empty(403).with_body("expired"),
            _ => stored(request, Some(ETAG)),
        }
    });
    let service = service(&storage, &[]);
    let path = directory.file("logs.jsonl");
    download(&service, &path).await.unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), CONTENT);
    let urls = request_lines(&service).into_iter();
    assert_eq!(urls.filter(|line| line.ends_with("/download")).count(), 2);
}

#[tokio::test]
async fn an_export_that_fails_is_an_error_with_its_id() {
    for (statuses, text) in [
        (
            &["in_progress", "failed"][..],
            "expected an export with status `success`, found `failed`",
        ),
        (&["stopped", "stopped"], "found `stopped`"),
    ] {
        let directory = Directory::new("fails");
        let storage = interrupted_storage(Some(ETAG), &[]);
        let service = service(&storage, statuses);
        let path = directory.file("logs.jsonl");
        let error = download(&service, &path).await.unwrap_err();
        assert!(error.may_have_executed(), "{error}");
        assert!(error.to_string().contains(text), "{error}");
        assert!(
            error
                .to_string()
                .contains("log export `one` can be continued"),
            "{error}"
        );
        assert!(directory.names().is_empty());
    }
}

#[tokio::test]
async fn an_export_that_does_not_finish_is_a_timeout() {
    let directory = Directory::new("timeout");
    let storage = interrupted_storage(Some(ETAG), &[]);
    let service = service(&storage, &["in_progress"; 1000]);
    let download = client(&service).download_log_export("one");
    let download = download.to_file(directory.file("logs.jsonl"));
    let error = download
        .timeout(Duration::from_millis(50))
        .send()
        .await
        .unwrap_err();
    assert!(error.is_timeout(), "{error}");
    assert!(error.to_string().contains("log export `one`"), "{error}");
}

#[tokio::test]
async fn a_file_that_cannot_be_written_is_an_error_with_its_cause() {
    let directory = Directory::new("unwritable");
    let storage = interrupted_storage(Some(ETAG), &[]);
    let service = service(&storage, &[]);
    let error = download(&service, &directory.file("missing/logs.jsonl"))
        .await
        .unwrap_err();
    assert!(std::error::Error::source(&error).is_some(), "{error}");
    assert_eq!(storage.requests().len(), 1);
}
