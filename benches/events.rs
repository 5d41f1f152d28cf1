//! What it costs to read a chat completion event by event, beside a loop over bare `reqwest` that
//! encodes and decodes the same types, cuts lines, and gives up after the same silence.
//!
//! `cargo bench --features gateway --bench events` prints the figures that the README quotes: how
//! long it takes to the first event, how many events come in a second, and the memory for a stream of
//! 100 MB and for a sixteenth of it, for it should not depend on the length.

#[allow(dead_code, reason = "other benchmarks use the rest of it")]
mod support {
    pub mod alone;
    pub mod bare;
    pub mod cpu;
    pub mod figures;
    pub mod memory;
    pub mod rounds;
    pub mod server;

    /// Whatever goes wrong ends the run.
    pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;
}

use std::{hint::black_box, sync::Arc};

use portkey_admin::{
    Client,
    types::{
        ChatCompletionChunk, ChatCompletionRequestUserMessage, CreateChatCompletionRequest, builder,
    },
};
use serde_json::json;
use support::{
    Result,
    alone::{Figures, Meter, Task, compare, run_if_asked},
    bare,
    rounds::{Contender, Effort, race},
    server::{Answer, Answers, Server, serve_if_asked},
};

/// How many events come in one piece.
const EVENTS: usize = 100;

const NAMES: [&str; 2] = ["bare reqwest", "portkey-admin"];

/// An event as providers send it: a word, and much around it.
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

/// Answers `/<events>/v1/chat/completions` with so many events and the mark; `1` is sent at once.
fn answers() -> Answers {
    let (one, kind) = (event(), "text/event-stream");
    let (piece, end) = (one.repeat(EVENTS), b"data: [DONE]\n\n");
    Arc::new(move |target, _| {
        let (events, path) = target.strip_prefix('/')?.split_once('/')?;
        let answer = match (events.parse().ok()?, path) {
            (1, "v1/chat/completions") => Answer::ending(kind, one.as_bytes(), 1, end),
            (events, "v1/chat/completions") => {
                Answer::ending(kind, piece.as_bytes(), events / EVENTS, end)
            }
            _ => return None,
        };
        Some(answer)
    })
}

fn question() -> Result<builder::CreateChatCompletionRequest> {
    let message = ChatCompletionRequestUserMessage::builder()
        .role("user")
        .content("Why?");
    Ok(CreateChatCompletionRequest::builder()
        .model("m")
        .messages([message.build()?]))
}

fn client(base: &str) -> Result<Client> {
    let client = Client::builder().api_key(bare::KEY).base_url(base);
    Ok(client.build()?)
}

/// Reads a stream by hand; gives the number of events.
async fn by_hand(http: &reqwest::Client, url: &str) -> Result<usize> {
    let body = question()?.stream(true).build()?;
    let mut answer = http
        .post(url)
        .header("x-portkey-api-key", bare::KEY)
        .header("accept", "text/event-stream")
        .header("content-type", "application/json")
        .body(serde_json::to_vec(&body)?)
        .send()
        .await?
        .error_for_status()?;
    let (mut buffer, mut events) = (Vec::new(), 0);
    while let Some(piece) = answer.chunk().await? {
        buffer.extend_from_slice(&piece);
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

/// Reads a stream by this crate; gives the number of events.
async fn by_crate(client: &Client) -> Result<usize> {
    let call = client.create_chat_completion().body(question()?);
    let (mut stream, mut events) = (call.stream().await?, 0);
    while let Some(event) = stream.next().await {
        black_box(event?);
        events += 1;
    }
    Ok(events)
}

/// Both ways to read a stream of so many events.
fn contenders(origin: &str, events: usize) -> Result<[Contender; 2]> {
    let base = format!("{origin}/{events}/v1");
    let (http, client) = (bare::reading_client()?, client(&base)?);
    let url = format!("{base}/chat/completions");
    Ok([
        Contender::new(NAMES[0], move || {
            let (http, url) = (http.clone(), url.clone());
            async move { all(by_hand(&http, &url).await?, events) }
        }),
        Contender::new(NAMES[1], move || {
            let client = client.clone();
            async move { all(by_crate(&client).await?, events) }
        }),
    ])
}

fn all(read: usize, events: usize) -> Result<()> {
    match read == events {
        true => Ok(()),
        false => Err(format!("{read} events of {events}").into()),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn work(task: Task) -> Result<Figures> {
    let [origin, events] = &task.details[..] else {
        return Err("origin and events".into());
    };
    let base = format!("{origin}/{events}/v1");
    let (http, client) = (bare::reading_client()?, client(&base)?);
    let meter = Meter::start();
    let read = match task.who {
        0 => by_hand(&http, &format!("{base}/chat/completions")).await?,
        _ => by_crate(&client).await?,
    };
    let figures = meter.stop();
    all(read, events.parse()?)?;
    Ok(figures)
}

#[tokio::main(flavor = "current_thread")]
async fn races(server: &Server, measured: bool) -> Result<()> {
    let effort = Effort::new(measured);
    println!("a stream of one event: a call ends with its first event");
    race(effort, &contenders(&server.origin, 1)?, &[1, 8]).await?;
    println!("\na stream of 1000 events: 1000 times as many events as calls a second");
    race(effort, &contenders(&server.origin, 1000)?, &[1, 8]).await
}

fn main() -> Result<()> {
    serve_if_asked(answers)?;
    run_if_asked(work)?;
    let measured = std::env::args().any(|argument| argument == "--bench");
    let (megabytes, rounds) = if measured { (100, 9) } else { (2, 1) };
    let server = Server::start()?;
    races(&server, measured)?;
    let whole = megabytes * 1_000_000 / event().len() / EVENTS * EVENTS;
    for events in [whole / 16 / EVENTS * EVENTS, whole] {
        println!(
            "\n{events} events, {} MB",
            events * event().len() / 1_000_000
        );
        let details = [&server.origin, &events.to_string()];
        compare(&NAMES, &details.map(String::as_str), rounds, |seconds| {
            format!("{:.0} events/s", events as f64 / seconds)
        })?;
    }
    Ok(())
}
