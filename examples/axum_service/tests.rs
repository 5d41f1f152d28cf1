//! The service against an emulator.
#![allow(clippy::unwrap_used, reason = "a panic fails the test")]

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, StatusCode},
};
use portkey_admin::{Client, RequestOptions, RetryPolicy};
use portkey_admin_emulator::{Emulator, Fault, Key, Organisation};
use serde_json::json;
use tower::ServiceExt;

async fn start() -> (Emulator, Router) {
    let organisation = Organisation::named("Acme")
        .workspace("Main")
        .key(Key::workspace("Main", "app"));
    let emulator = Emulator::builder().organisation(organisation);
    let emulator = emulator.start().await.unwrap();
    let client = Client::builder()
        .api_key(emulator.key("app").unwrap())
        .base_url(emulator.base_url())
        .options(RequestOptions::new().retry(RetryPolicy::none()))
        .build()
        .unwrap();
    (emulator, super::service(client, "openai"))
}

async fn ask(service: Router, path: &str) -> (StatusCode, String) {
    let body = json!({"text": "Why is the sky blue?"}).to_string();
    let request = Request::post(path).header("content-type", "application/json");
    let request = request.body(Body::from(body)).unwrap();
    let response = service.oneshot(request).await.unwrap();
    let status = response.status();
    let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn a_question_has_an_answer() {
    let (emulator, service) = start().await;
    let (status, body) = ask(service, "/answers").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(body, r#"{"text":"You said: Why is the sky blue?"}"#);
    let request = emulator.requests().pop().unwrap();
    assert_eq!(request.operation.as_deref(), Some("create_chat_completion"));
}

#[tokio::test]
async fn an_answer_can_be_streamed() {
    let (_emulator, service) = start().await;
    let (status, body) = ask(service, "/answers/stream").await;
    assert_eq!(status, StatusCode::OK);
    let words = body.lines().filter_map(|line| line.strip_prefix("data: "));
    let text = words.collect::<String>().replace(' ', "");
    assert_eq!(text, "Yousaid:Whyistheskyblue?");
}

#[tokio::test]
async fn failures_of_the_service_are_told_apart() {
    for (status, expected) in [
        (429, StatusCode::TOO_MANY_REQUESTS),
        (500, StatusCode::BAD_GATEWAY),
    ] {
        let (emulator, service) = start().await;
        let fault = Fault::on("create_chat_completion").status(status);
        emulator.add_fault(fault).unwrap();
        assert_eq!(ask(service, "/answers").await, (expected, String::new()));
    }
}
