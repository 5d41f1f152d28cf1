//! A web service that answers questions with a model: as JSON, or as server-sent events.
//!
//! `axum_service PROVIDER`; the provider is `@` and its slug.

use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    response::{
        IntoResponse, Response,
        sse::{Event, Sse},
    },
    routing::post,
};
use futures_util::{Stream, StreamExt};
use portkey_admin::{
    Client, Error, RequestOptions,
    gateway::{
        GatewayOptions,
        chat::{ChatMessage, CreateChatCompletion, CreateChatCompletionRequest},
    },
};
use serde::{Deserialize, Serialize};

#[cfg(test)]
mod tests;

#[derive(Deserialize)]
struct Question {
    text: String,
}

#[derive(Serialize)]
struct Answer {
    text: String,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let provider = std::env::args()
        .nth(1)
        .ok_or("usage: axum_service PROVIDER")?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    let service = service(Client::from_env()?, &provider);
    Ok(axum::serve(listener, service).await?)
}

/// Clones of the client share its connections.
fn service(client: Client, provider: &str) -> Router {
    let gateway = GatewayOptions::new().provider(provider);
    let client = client.with_options(RequestOptions::new().gateway(gateway));
    Router::new()
        .route("/answers", post(answer))
        .route("/answers/stream", post(stream))
        .with_state(client)
}

fn ask(client: &Client, question: Question) -> CreateChatCompletion {
    let system = ChatMessage::system("Answer in one sentence.");
    let body = CreateChatCompletionRequest::builder()
        .model("gpt-4o-mini")
        .messages([system, ChatMessage::user(question.text)]);
    client.create_chat_completion().body(body)
}

async fn answer(
    State(client): State<Client>,
    Json(question): Json<Question>,
) -> Result<Json<Answer>, Failure> {
    let completion = ask(&client, question).await?;
    let text = completion.text().unwrap_or_default().to_owned();
    Ok(Json(Answer { text }))
}

async fn stream(
    State(client): State<Client>,
    Json(question): Json<Question>,
) -> Result<Sse<impl Stream<Item = Result<Event, Error>>>, Failure> {
    let chunks = ask(&client, question).stream().await?;
    let events = chunks.map(|chunk| Ok(Event::default().data(chunk?.text())));
    Ok(Sse::new(events))
}

/// An error of a call as a response, without its details.
struct Failure(Error);

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let Self(error) = self;
        eprintln!("{error}");
        let status = if error.is_rate_limited() {
            StatusCode::TOO_MANY_REQUESTS
        } else if error.is_timeout() {
            StatusCode::GATEWAY_TIMEOUT
        } else {
            StatusCode::BAD_GATEWAY
        };
        status.into_response()
    }
}
