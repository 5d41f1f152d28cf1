//! When a list ends.

use portkey_admin::Error;
use serde_json::{Value, json};

use crate::{
    DEFAULT_STYLE, Style, ids, items_with_ids, names, query_values, scripted, service, strings,
    support::{
        client,
        server::{ScriptedResponse, Server},
    },
    with_timeout,
};

/// Reads a list of MCP integrations, whose pages have both `total` and `has_more`.
async fn read(size: Option<u32>, bodies: Vec<Value>) -> (Result<Vec<String>, Error>, usize) {
    let (server, client) = scripted(bodies);
    let list = client.list_mcp_integrations().stream();
    let list = match size {
        Some(size) => list.page_size(size),
        None => list,
    };
    (ids(list).await, server.requests().len())
}

#[tokio::test]
async fn list_ends_when_the_total_is_reached() {
    let page = |ids, more: bool| json!({"data": items_with_ids(ids), "total": 4, "has_more": more});
    let (read, requests) = read(Some(2), vec![page(0..2, false), page(2..4, true)]).await;
    assert_eq!((read.unwrap(), requests), (names(0..4), 2));
}

#[tokio::test]
async fn list_continues_if_the_service_limits_the_page_size() {
    let (server, client) = service(
        Style {
            max_size: 100,
            ..DEFAULT_STYLE
        },
        250,
    );
    let list = client.list_labels().stream().page_size(500);
    assert_eq!(ids(list).await.unwrap(), names(0..250));
    assert_eq!(
        query_values(&server, "page_size"),
        strings(["500", "500", "500"])
    );
}

#[tokio::test]
async fn list_without_total_ends_when_has_more_is_false() {
    for total in [json!(null), json!("many"), json!(-1)] {
        let page = |ids, more: bool| json!({"data": items_with_ids(ids), "total": total, "has_more": more});
        let pages = vec![page(0..1, true), page(1..4, false)];
        let (read, requests) = read(Some(3), pages).await;
        assert_eq!((read.unwrap(), requests), (names(0..4), 2), "{total}");
    }
}

#[tokio::test]
async fn list_without_total_and_has_more_ends_with_a_short_page() {
    let pages = vec![
        json!({"data": items_with_ids(0..2)}),
        json!({"data": items_with_ids(2..3)}),
    ];
    let (read, requests) = read(Some(2), pages).await;
    assert_eq!((read.unwrap(), requests), (names(0..3), 2));
}

#[tokio::test]
async fn list_with_unknown_page_size_ends_with_an_empty_page() {
    let pages = vec![
        json!({"data": items_with_ids(0..2)}),
        json!({"data": items_with_ids(2..3)}),
        json!({"data": []}),
    ];
    let (read, requests) = read(None, pages).await;
    assert_eq!((read.unwrap(), requests), (names(0..3), 3));
}

#[tokio::test]
async fn wrong_total_causes_two_additional_requests() {
    let page = |ids| json!({"data": items_with_ids(ids), "total": 99});
    let pages = vec![page(0..2), page(2..2), page(2..2)];
    let (read, requests) = read(Some(2), pages).await;
    assert_eq!((read.unwrap(), requests), (names(0..2), 3));
}

#[tokio::test]
async fn empty_page_in_the_middle_is_skipped() {
    let page = |ids| json!({"data": items_with_ids(ids), "total": 4});
    let pages = vec![page(0..2), page(2..2), page(2..4)];
    let (read, requests) = read(Some(2), pages).await;
    assert_eq!((read.unwrap(), requests), (names(0..4), 3));
}

#[tokio::test]
async fn undecodable_items_count_towards_the_total() {
    let pages = vec![
        json!({"data": [{"id": "t0"}, "?"], "total": 3}),
        json!({"data": items_with_ids(1..2), "total": 3}),
    ];
    let (read, requests) = read(Some(2), pages).await;
    assert_eq!((read.unwrap(), requests), (names(0..2), 2));
}

#[tokio::test]
async fn repeated_page_is_an_error() {
    let server = Server::with_response(ScriptedResponse::json(
        200,
        json!({"data": items_with_ids(0..2), "total": 9}).to_string(),
    ));
    let mut list = client(&server).list_mcp_integrations().stream();
    for _ in 0..2 {
        with_timeout(list.next()).await.unwrap().unwrap();
    }
    let error = with_timeout(list.next()).await.unwrap().unwrap_err();
    assert!(error.is_paging(), "{error}");
    assert!(error.to_string().contains("the same page twice"), "{error}");
    assert_eq!(error.operation(), Some("list_mcp_integrations"));
    assert!(with_timeout(list.next()).await.is_none());
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn pages_of_items_without_ids_are_compared_by_their_body() {
    let page = |name: &str| json!({"data": [{"name": name}], "has_more": true});
    let read = |bodies| async {
        let (server, client) = scripted(bodies);
        let list = client
            .list_mcp_server_capabilities("one")
            .stream()
            .max_pages(2);
        (
            with_timeout(list.try_collect()).await.unwrap_err(),
            server.requests().len(),
        )
    };
    let (error, _) = read(vec![page("a"), page("a")]).await;
    assert!(error.to_string().contains("the same page twice"), "{error}");
    let (error, requests) = read(vec![page("a"), page("b")]).await;
    assert!(
        error.to_string().contains("does not end within 2 pages"),
        "{error}"
    );
    assert_eq!(requests, 2);
}

#[tokio::test]
async fn max_pages_is_an_error_and_the_cursor_can_be_resumed() {
    let (server, client) = service(DEFAULT_STYLE, 10);
    let mut list = client.list_labels().pages().page_size(1).max_pages(3);
    for _ in 0..3 {
        with_timeout(list.next()).await.unwrap().unwrap();
    }
    let error = with_timeout(list.next()).await.unwrap().unwrap_err();
    assert!(error.is_paging(), "{error}");
    assert_eq!(server.requests().len(), 3);
    let rest = client.list_labels().stream().resume(list.cursor().unwrap());
    assert_eq!(ids(rest).await.unwrap(), names(3..10));
}
