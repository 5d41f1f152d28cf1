//! The audit log as a stream that continues after a watermark.

#![cfg(feature = "admin")]
#![allow(clippy::unwrap_used, clippy::expect_used)] // a panic fails the test

mod support;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use portkey_admin::{
    AuditLogStream, AuditLogWatermark, Client, workspaces::CreateWorkspaceRequest,
};
use portkey_admin_emulator::Emulator;
use serde_json::{Value, json};
use support::{
    client,
    server::{Request, ScriptedResponse, Server},
};

/// The records of a log: second and request id.
type Log = Arc<Mutex<Vec<(i64, &'static str)>>>;

fn at(second: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::seconds(second)
}

fn record((second, id): (i64, &str)) -> Value {
    json!({"timestamp": at(second).to_rfc3339(), "request_id": id, "method": "POST"})
}

fn parameter(request: &Request, name: &str) -> String {
    let mut query = request.query().into_iter();
    query.find(|(other, _)| other == name).unwrap().1
}

/// Starts a service with a log, whose records are in the order of the list.
fn service(log: &Log) -> Server {
    let log = log.clone();
    Server::start(move |request| {
        let time = |name| parameter(request, name).parse::<DateTime<Utc>>().unwrap();
        let number = |name| parameter(request, name).parse::<usize>().unwrap();
        let (start, end) = (time("start_time"), time("end_time"));
        let log = log.lock().unwrap();
        let records: Vec<Value> = log
            .iter()
            .filter(|(second, _)| (start..=end).contains(&at(*second)))
            .map(|entry| record(*entry))
            .collect();
        let (page, size) = (number("current_page"), number("page_size"));
        assert_eq!(size, 100);
        let page: Vec<Value> = records
            .iter()
            .skip(page * size)
            .take(size)
            .cloned()
            .collect();
        let body = json!({"records": page, "total": records.len(), "object": "analytics-graph"});
        ScriptedResponse::json(200, body.to_string())
    })
}

fn stream(client: &Client, watermark: AuditLogWatermark) -> AuditLogStream {
    let records = client.list_audit_logs().organisation_id("one");
    records.since(watermark).until(at(1_000_000))
}

/// Returns the request ids of at most `limit` records, and the watermark after the last one.
async fn read(mut stream: AuditLogStream, limit: usize) -> (Vec<String>, AuditLogWatermark) {
    let mut ids = Vec::new();
    while ids.len() < limit
        && let Some(record) = stream.next().await
    {
        ids.push(record.unwrap().request_id.unwrap());
    }
    // A watermark survives a restart.
    let json = serde_json::to_string(stream.watermark()).unwrap();
    (ids, serde_json::from_str(&json).unwrap())
}

#[tokio::test]
async fn stream_resumes_between_records_with_one_timestamp() {
    let log: Log = Log::default();
    // Newest first, with equal timestamps in another order than that of their ids.
    let records = [
        (20, "f"),
        (10, "c"),
        (10, "e"),
        (10, "d"),
        (5, "b"),
        (0, "a"),
    ];
    log.lock().unwrap().extend(records);
    let server = service(&log);
    let client = client(&server);
    for limit in 1..7 {
        let mut watermark = AuditLogWatermark::new(at(0));
        let mut all = Vec::new();
        loop {
            let (ids, next) = read(stream(&client, watermark), limit).await;
            if ids.is_empty() {
                assert_eq!(next.time(), at(20));
                break;
            }
            all.extend(ids);
            watermark = next;
        }
        assert_eq!(all, ["a", "b", "c", "e", "d", "f"], "{limit}");
    }
}

#[tokio::test]
async fn new_records_with_the_last_timestamp_are_yielded_once() {
    let log: Log = Log::default();
    log.lock().unwrap().extend([(10, "a"), (10, "b")]);
    let server = service(&log);
    let client = client(&server);
    let (ids, watermark) = read(stream(&client, AuditLogWatermark::new(at(0))), 9).await;
    assert_eq!(ids, ["a", "b"]);
    log.lock().unwrap().extend([(10, "c"), (11, "d")]);
    for overlap in [Duration::ZERO, Duration::MAX] {
        let next = stream(&client, watermark.clone()).overlap(overlap);
        assert_eq!(read(next, 9).await.0, ["c", "d"], "{overlap:?}");
    }
}

#[tokio::test]
async fn identical_records_are_counted() {
    let log: Log = Log::default();
    log.lock().unwrap().extend([(10, "a"), (10, "a")]);
    let server = service(&log);
    let client = client(&server);
    let (ids, watermark) = read(stream(&client, AuditLogWatermark::new(at(0))), 1).await;
    assert_eq!(ids, ["a"]);
    let (ids, watermark) = read(stream(&client, watermark), 9).await;
    assert_eq!(ids, ["a"]);
    log.lock().unwrap().push((10, "a"));
    assert_eq!(read(stream(&client, watermark), 9).await.0, ["a"]);
}

#[tokio::test]
async fn records_that_appear_late_are_yielded_within_the_overlap() {
    let log: Log = Log::default();
    log.lock().unwrap().extend([(0, "a"), (1000, "b")]);
    let server = service(&log);
    let client = client(&server);
    let (_, watermark) = read(stream(&client, AuditLogWatermark::new(at(0))), 9).await;
    log.lock()
        .unwrap()
        .extend([(750, "late"), (100, "too late")]);
    let (ids, watermark) = read(stream(&client, watermark), 9).await;
    assert_eq!(ids, ["late"]);
    assert_eq!(watermark.time(), at(1000));
    assert!(read(stream(&client, watermark), 9).await.0.is_empty());
}

#[tokio::test]
async fn records_before_the_start_are_not_yielded() {
    let log: Log = Log::default();
    log.lock().unwrap().extend([(99, "before"), (100, "a")]);
    let server = service(&log);
    let client = client(&server);
    let (ids, watermark) = read(stream(&client, AuditLogWatermark::new(at(100))), 9).await;
    assert_eq!(ids, ["a"]);
    assert!(read(stream(&client, watermark), 9).await.0.is_empty());
}

#[tokio::test]
async fn a_long_log_is_read_in_parts() {
    let log: Log = Log::default();
    log.lock()
        .unwrap()
        .extend((0..12_000).map(|second| (second, "a")));
    let server = service(&log);
    let client = client(&server);
    let records = client.list_audit_logs().organisation_id("one");
    let mut stream = records
        .since(AuditLogWatermark::new(at(0)))
        .until(at(12_000));
    let mut last = DateTime::UNIX_EPOCH;
    let mut count = 0;
    while let Some(record) = stream.next().await {
        let time = record.unwrap().timestamp.unwrap();
        assert!(time > last);
        (last, count) = (time, count + 1);
    }
    assert_eq!(count, 12_000);
    let ranges: std::collections::BTreeSet<_> = server
        .requests()
        .iter()
        .map(|request| parameter(request, "start_time"))
        .collect();
    assert!(ranges.len() == 2, "{ranges:?}");
}

#[tokio::test]
async fn stream_continues_after_an_error() {
    let fails = Mutex::new(true);
    let server = Server::start(move |_| {
        let mut fails = fails.lock().unwrap();
        match std::mem::take(&mut *fails) {
            true => ScriptedResponse::json(403, "{}"),
            false => {
                let body = json!({"records": [record((1, "a"))], "total": 1});
                ScriptedResponse::json(200, body.to_string())
            }
        }
    });
    let mut records = stream(&client(&server), AuditLogWatermark::new(at(0)));
    assert!(records.next().await.unwrap().unwrap_err().is_forbidden());
    let record = records.next().await.unwrap().unwrap();
    assert_eq!(record.request_id.as_deref(), Some("a"));
    assert!(records.next().await.is_none());
}

#[tokio::test]
async fn log_of_the_emulator_is_read_once() {
    let emulator = Emulator::start().await.unwrap();
    let client = Client::builder()
        .api_key(emulator.api_key())
        .base_url(emulator.base_url())
        .build()
        .unwrap();
    let start = Utc::now() - TimeDelta::hours(1);
    let organisation = client
        .list_api_keys()
        .await
        .unwrap()
        .data
        .remove(0)
        .organisation_id;
    let mut watermark = AuditLogWatermark::new(start);
    for name in ["one", "two", "three"] {
        let body = CreateWorkspaceRequest::builder().name(name);
        client.create_workspace().body(body).await.unwrap();
        let records = client.list_audit_logs().organisation_id(&organisation);
        let mut records = records
            .since(watermark)
            .until(Utc::now() + TimeDelta::hours(1));
        let mut actions = Vec::new();
        while let Some(record) = records.next().await {
            let record = record.unwrap();
            if record.resource_type.as_deref() == Some("workspace") {
                actions.push(record.request_body.unwrap());
            }
        }
        assert!(
            actions.len() == 1 && actions[0].contains(name),
            "{name}: {actions:?}"
        );
        watermark = records.watermark().clone();
    }
}
