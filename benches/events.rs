//! The cost of reading a chat completion event by event, compared with a loop over plain `reqwest` that
//! encodes and decodes the same types, splits lines, and has the same idle timeout.
//!
//! `cargo bench --features gateway --bench events` prints the figures in the README: the time to the first
//! event, the events per second, and the memory for a stream of 100 MB and for a sixteenth of it, which
//! should be the same.

#[allow(dead_code, reason = "other benchmarks use the rest of it")]
use std::{hint::black_box, sync::Arc};

use portkey_admin::{
    Client,
    gateway::chat::{CreateChatCompletionRequest, UserMessage},
    types::ChatCompletionChunk,
};
use portkey_admin_testing::benchmark::{
    Result,
    compare::{Candidate, Sampling, compare},
    isolated_process::{Meter, Task, Usage, compare_processes, run_if_requested},
    reqwest_baseline,
    server::{CannedResponse, Handler, Server, serve_if_requested},
};
use serde_json::json;

/// The number of events that are written at once.
const EVENTS_PER_WRITE: usize = 100;

const NAMES: [&str; 2] = ["bare reqwest", "portkey-admin"];

/// Returns an event as providers send it: one word and many other fields.
fn event() -> String {
    let chunk = json!({
        "id": "chatcmpl-0000000000000000000000000000", "object": "chat.completion.chunk",
        "created": 1_767_322_245, "model": "gpt-4o-mini-2024-07-18", "service_tier": "default",
        "system_fingerprint": "fp_0000000000",
        "choices": [{
            "index": 0, "delta": {"content": " word"}, "logprobs": null, "finish_reason": null
        }],
        "obfuscation": "abcdefgh",
    });
    format!("data: {chunk}\n\n")
}

/// Responds to `/<events>/v1/chat/completions` with that number of events and `[DONE]`; `1` is sent in one
/// write.
fn handler() -> Handler {
    let (one, kind) = (event(), "text/event-stream");
    let (chunk, end) = (one.repeat(EVENTS_PER_WRITE), b"data: [DONE]\n\n");
    Arc::new(move |target, _| {
        let (events, path) = target.strip_prefix('/')?.split_once('/')?;
        let response = match (events.parse().ok()?, path) {
            (1, "v1/chat/completions") => {
                CannedResponse::repeated_with_end(kind, one.as_bytes(), 1, end)
            }
            (events, "v1/chat/completions") => CannedResponse::repeated_with_end(
                kind,
                chunk.as_bytes(),
                events / EVENTS_PER_WRITE,
                end,
            ),
            _ => return None,
        };
        Some(response)
    })
}

fn chat_request() -> Result<portkey_admin::gateway::chat::CreateChatCompletionRequestBuilder> {
    let message = UserMessage::builder().role("user").content("Why?");
    Ok(CreateChatCompletionRequest::builder()
        .model("m")
        .messages([message.build()?]))
}

fn client(base: &str) -> Result<Client> {
    let client = Client::builder()
        .api_key(reqwest_baseline::KEY)
        .base_url(base);
    Ok(client.build()?)
}

/// Reads a stream with plain `reqwest`; returns the number of events.
async fn with_reqwest(http: &reqwest::Client, url: &str) -> Result<usize> {
    let body = chat_request()?.stream(true).build()?;
    let mut response = http
        .post(url)
        .header("x-portkey-api-key", reqwest_baseline::KEY)
        .header("accept", "text/event-stream")
        .header("content-type", "application/json")
        .body(serde_json::to_vec(&body)?)
        .send()
        .await?
        .error_for_status()?;
    let (mut buffer, mut events) = (Vec::new(), 0);
    while let Some(chunk) = response.chunk().await? {
        buffer.extend_from_slice(&chunk);
        let mut start = 0;
        while let Some(length) = buffer[start..].iter().position(|byte| *byte == b'\n') {
            let line = &buffer[start..start + length];
            start += length + 1;
            match line.strip_prefix(b"data: ") {
                Some(b"[DONE]") | None => {}
                Some(data) => {
                    black_box(serde_json::from_slice::<ChatCompletionChunk>(data)?);
                    events += 1;
                }
            }
        }
        buffer.drain(..start);
    }
    Ok(events)
}

/// Reads a stream with this crate; returns the number of events.
async fn with_client(client: &Client) -> Result<usize> {
    let call = client.create_chat_completion().body(chat_request()?);
    let (mut stream, mut events) = (call.stream().await?, 0);
    while let Some(event) = stream.next().await {
        black_box(event?);
        events += 1;
    }
    Ok(events)
}

/// Returns both candidates for a stream with that number of events.
fn candidates(origin: &str, events: usize) -> Result<[Candidate; 2]> {
    let base = format!("{origin}/{events}/v1");
    let (http, client) = (reqwest_baseline::reading_client()?, client(&base)?);
    let url = format!("{base}/chat/completions");
    Ok([
        Candidate::new(NAMES[0], move || {
            let (http, url) = (http.clone(), url.clone());
            async move { check_count(with_reqwest(&http, &url).await?, events) }
        }),
        Candidate::new(NAMES[1], move || {
            let client = client.clone();
            async move { check_count(with_client(&client).await?, events) }
        }),
    ])
}

fn check_count(read: usize, events: usize) -> Result<()> {
    match read == events {
        true => Ok(()),
        false => Err(format!("{read} events of {events}").into()),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn run_task(task: Task) -> Result<Usage> {
    let [origin, events] = &task.details[..] else {
        return Err("origin and events".into());
    };
    let base = format!("{origin}/{events}/v1");
    let (http, client) = (reqwest_baseline::reading_client()?, client(&base)?);
    let meter = Meter::start();
    let read = match task.candidate {
        0 => with_reqwest(&http, &format!("{base}/chat/completions")).await?,
        _ => with_client(&client).await?,
    };
    let usage = meter.stop();
    check_count(read, events.parse()?)?;
    Ok(usage)
}

#[tokio::main(flavor = "current_thread")]
async fn compare_calls(server: &Server, is_benchmark: bool) -> Result<()> {
    let sampling = Sampling::new(is_benchmark);
    println!("a stream of one event: the time of a call is the time to the first event");
    compare(sampling, &candidates(&server.origin, 1)?, &[1, 8]).await?;
    println!("\na stream of 1000 events: events/s = 1000 × calls/s");
    compare(sampling, &candidates(&server.origin, 1000)?, &[1, 8]).await
}

fn main() -> Result<()> {
    serve_if_requested(handler)?;
    run_if_requested(run_task)?;
    let is_benchmark = std::env::args().any(|argument| argument == "--bench");
    let (megabytes, rounds) = if is_benchmark { (100, 9) } else { (2, 1) };
    let server = Server::start()?;
    compare_calls(&server, is_benchmark)?;
    let whole = megabytes * 1_000_000 / event().len() / EVENTS_PER_WRITE * EVENTS_PER_WRITE;
    for events in [whole / 16 / EVENTS_PER_WRITE * EVENTS_PER_WRITE, whole] {
        println!(
            "\n{events} events, {} MB",
            events * event().len() / 1_000_000
        );
        let details = [&server.origin, &events.to_string()];
        compare_processes(&NAMES, &details.map(String::as_str), rounds, |seconds| {
            format!("{:.0} events/s", events as f64 / seconds)
        })?;
    }
    Ok(())
}
