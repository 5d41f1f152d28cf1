//! Pagination: the pages that are requested, the items that are yielded, and when a list ends.

#![cfg(feature = "admin")]
#![allow(clippy::unwrap_used, clippy::expect_used)] // a panic fails the test

mod caller_options;
mod cursors;
mod deletions;
mod end;
#[cfg(feature = "gateway")]
mod last_id;
mod odd_items;
mod prefetch;
mod styles;
#[path = "../support/mod.rs"]
mod support;

use portkey_admin::{Client, Error, Items, Paged};
use serde::Serialize;
use serde_json::{Map, Value, json};
use support::{
    client,
    server::{Request, ScriptedResponse, Server},
    with_timeout,
};

/// The pagination style of a list: parameter and field names, and limits.
#[derive(Clone, Copy)]
struct Style {
    page: &'static str,
    size: &'static str,
    first: usize,
    items: &'static str,
    total: Option<&'static str>,
    more: Option<&'static str>,
    /// The maximum page size of the service.
    max_size: usize,
}

/// The style of most lists.
const DEFAULT_STYLE: Style = Style {
    page: "current_page",
    size: "page_size",
    first: 0,
    items: "data",
    total: Some("total"),
    more: None,
    max_size: 100,
};

fn query(request: &Request, name: &str) -> Option<String> {
    let mut values = request
        .query()
        .into_iter()
        .filter(|(other, _)| other == name);
    let value = values.next().map(|(_, value)| value);
    assert!(values.next().is_none(), "parameter `{}` occurs twice", name);
    value
}

fn number(request: &Request, name: &str) -> Option<usize> {
    query(request, name).map(|value| value.parse().unwrap())
}

fn items_with_ids(ids: impl IntoIterator<Item = usize>) -> Value {
    ids.into_iter()
        .map(|id| json!({"id": format!("t{id}")}))
        .collect()
}

fn names(ids: impl IntoIterator<Item = usize>) -> Vec<String> {
    ids.into_iter().map(|id| format!("t{id}")).collect()
}

/// Returns the requested page of a list of `count` items.
fn page_of(request: &Request, style: &Style, count: usize) -> ScriptedResponse {
    let size = number(request, style.size).unwrap_or(2).min(style.max_size);
    let page = number(request, style.page).unwrap_or(style.first) - style.first;
    let range = (page * size).min(count)..((page + 1) * size).min(count);
    let mut body = Map::new();
    if let Some(total) = style.total {
        body.insert(total.to_owned(), count.into());
    }
    if let Some(more) = style.more {
        body.insert(more.to_owned(), (range.end < count).into());
    }
    body.insert(style.items.to_owned(), items_with_ids(range));
    ScriptedResponse::json(200, Value::Object(body).to_string())
}

/// Starts a server with a list of `count` items.
fn service(style: Style, count: usize) -> (Server, Client) {
    let server = Server::start(move |request| page_of(request, &style, count));
    let client = client(&server);
    (server, client)
}

/// Starts a server that sends these bodies in order, and then 404.
fn scripted(bodies: Vec<Value>) -> (Server, Client) {
    let mut bodies = bodies.into_iter();
    let bodies = std::sync::Mutex::new(move || bodies.next());
    let server = Server::start(move |_| match (bodies.lock().unwrap())() {
        Some(body) => ScriptedResponse::json(200, body.to_string()),
        None => ScriptedResponse::json(404, r#"{"message": "the script is over"}"#),
    });
    let client = client(&server);
    (server, client)
}

/// Returns the ids of all items. Every item has one, since unknown fields are kept.
async fn ids<L: Paged<Item: Serialize>>(items: Items<L>) -> Result<Vec<String>, Error> {
    let items = with_timeout(items.try_collect()).await?;
    let id = |item: &L::Item| {
        serde_json::to_value(item).unwrap()["id"]
            .as_str()
            .map(str::to_owned)
    };
    Ok(items.iter().map(|item| id(item).unwrap()).collect())
}

/// Returns the value of a query parameter in each request.
fn query_values(server: &Server, name: &str) -> Vec<Option<String>> {
    let requests = server.requests();
    requests
        .iter()
        .map(|request| query(request, name))
        .collect()
}

fn strings<const N: usize>(strings: [&str; N]) -> Vec<Option<String>> {
    strings.map(|string| Some(string.to_owned())).into()
}

#[tokio::test]
async fn streams_can_be_spawned_and_polled() {
    fn stream<T: futures_core::Stream + Send + Unpin + 'static>(_: &T) {}
    let (_server, client) = service(DEFAULT_STYLE, 3);
    let mut items = client.list_labels().stream().page_size(2);
    let pages = client.list_labels().pages().page_size(2);
    stream(&items);
    stream(&pages);
    let polled = std::future::poll_fn(|context| {
        futures_core::Stream::poll_next(std::pin::Pin::new(&mut items), context)
    });
    with_timeout(polled).await.unwrap().unwrap();
    let count = tokio::spawn(async move { pages.try_collect().await.map(|pages| pages.len()) });
    assert_eq!(with_timeout(count).await.unwrap().unwrap(), 2);
    assert_eq!(
        format!("{:?}", client.list_labels().pages()),
        r#"Pages { operation: "list_labels", fetched: 0, .. }"#
    );
}
