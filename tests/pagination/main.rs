//! Pagination: the pages that are requested, the items that are yielded, and when a list ends.

#![cfg(feature = "admin")]
#![allow(clippy::unwrap_used, clippy::expect_used)] // a panic fails the test

mod support;

use std::{
    io::{Read, Write},
    net::TcpListener,
    sync::{Arc, Mutex, mpsc},
    time::Duration,
};

use chrono::Utc;
use portkey_admin::{
    Client, Cursor, Error, Items, Paged, Pages, RequestOptions, analytics::AnalyticsFilters,
};
use serde::Serialize;
use serde_json::{Map, Value, json};
use support::{
    KEY, client,
    server::{Request, ScriptedResponse, Server},
    values_that_serde_json_rejects,
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

async fn with_timeout<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), future)
        .await
        .expect("timed out")
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

// ---- Styles

#[tokio::test]
async fn every_pagination_style_is_read_to_its_end() {
    let camel = Style {
        page: "currentPage",
        size: "pageSize",
        ..DEFAULT_STYLE
    };
    let (server, client) = service(camel, 5);
    assert_eq!(
        ids(client.list_users().stream().page_size(2))
            .await
            .unwrap(),
        names(0..5)
    );
    assert_eq!(
        query_values(&server, "currentPage"),
        strings(["0", "1", "2"])
    );
    assert_eq!(query_values(&server, "pageSize"), strings(["2", "2", "2"]));

    let scim = Style {
        page: "page",
        items: "mappings",
        total: Some("total_count"),
        ..DEFAULT_STYLE
    };
    let (server, client) = service(scim, 4);
    let list = client.list_scim_workspace_mappings().stream().page_size(2);
    assert_eq!(ids(list).await.unwrap(), names(0..4));
    assert_eq!(query_values(&server, "page"), strings(["0", "1"]));

    let groups = Style {
        items: "groups",
        ..scim
    };
    let (server, client) = service(groups, 3);
    let list = client.list_scim_groups().stream().page_size(2);
    assert_eq!(ids(list).await.unwrap(), names(0..3));
    assert!(
        server
            .requests()
            .iter()
            .all(|request| request.path() == "/v2/scim/groups")
    );

    let records = Style {
        items: "records",
        ..DEFAULT_STYLE
    };
    let (_server, client) = service(records, 3);
    let list = client
        .list_audit_logs()
        .start_time(Utc::now())
        .end_time(Utc::now())
        .organisation_id("one");
    assert_eq!(ids(list.stream().page_size(2)).await.unwrap(), names(0..3));

    let (_server, client) = service(DEFAULT_STYLE, 3);
    let list = client
        .get_usage_by_workspace()
        .filters(AnalyticsFilters::between(Utc::now(), Utc::now()));
    assert_eq!(ids(list.stream().page_size(2)).await.unwrap(), names(0..3));
}

#[tokio::test]
async fn page_numbers_may_start_at_one() {
    let style = Style {
        page: "page",
        first: 1,
        total: None,
        more: Some("has_more"),
        ..DEFAULT_STYLE
    };
    let (server, client) = service(style, 4);
    let list = client
        .list_mcp_integration_capabilities("one")
        .stream()
        .page_size(2);
    assert_eq!(ids(list).await.unwrap(), names(0..4));
    assert_eq!(query_values(&server, "page"), strings(["1", "2"]));

    let elsewhere = Style {
        items: "capabilities",
        ..style
    };
    let (_server, client) = service(elsewhere, 4);
    let list = client
        .list_mcp_server_capabilities("one")
        .stream()
        .page_size(2);
    assert_eq!(ids(list).await.unwrap(), names(0..4));
}

#[tokio::test]
async fn unpaginated_list_is_one_page() {
    let lists = [
        json!({"workspaces": items_with_ids(0..3), "total": 9}),
        json!({"workspaces": items_with_ids(0..3)}),
        json!({"data": items_with_ids(0..3)}),
        items_with_ids(0..3),
        json!({"data": items_with_ids(0..3)}),
    ];
    let (server, client) = scripted(lists.into());
    let list = client.list_integration_workspaces("one").stream();
    assert_eq!(ids(list.page_size(1)).await.unwrap(), names(0..3));
    for _ in 0..2 {
        let list = client.list_mcp_integration_workspaces("one").stream();
        assert_eq!(ids(list).await.unwrap(), names(0..3));
    }
    for _ in 0..2 {
        let list = client.list_guardrail_mcp_servers("one").stream();
        assert_eq!(ids(list.prefetch(true)).await.unwrap(), names(0..3));
    }
    let requests = server.requests();
    assert_eq!(requests.len(), 5);
    assert!(
        requests.iter().all(|request| request.query().is_empty()),
        "{requests:?}"
    );
}

#[cfg(feature = "gateway")]
#[tokio::test]
async fn id_of_the_last_item_is_sent_as_after() {
    let after = |request: &Request, more: bool| {
        let first = query(request, "after").map_or(0, |id| id[1..].parse::<usize>().unwrap() + 1);
        let end = (first + number(request, "limit").unwrap()).min(5);
        let mut body = json!({"data": items_with_ids(first..end)});
        if more {
            body["has_more"] = (end < 5).into();
        }
        ScriptedResponse::json(200, body.to_string())
    };
    let server = Server::start(move |request| after(request, true));
    let list = client(&server).list_batches().stream().page_size(2);
    assert_eq!(ids(list).await.unwrap(), names(0..5));
    assert_eq!(query_values(&server, "limit"), strings(["2", "2", "2"]));
    assert_eq!(
        query_values(&server, "after"),
        [None, Some("t1".into()), Some("t3".into())]
    );

    let list = client(&server)
        .list_response_input_items("one")
        .stream()
        .page_size(3);
    assert_eq!(ids(list).await.unwrap(), names(0..5));

    // Starting in the middle, and resuming after a stop.
    let list = client(&server)
        .list_batches()
        .after("t1")
        .stream()
        .page_size(2);
    assert_eq!(ids(list).await.unwrap(), names(2..5));
    let mut list = client(&server).list_batches().stream().page_size(2);
    for _ in 0..3 {
        with_timeout(list.next()).await.unwrap().unwrap();
    }
    let cursor = list.cursor().unwrap();
    let list = client(&server).list_batches().stream().resume(cursor);
    assert_eq!(ids(list).await.unwrap(), names(3..5));

    let server = Server::start(move |request| after(request, false));
    let list = client(&server).list_fine_tuning_job_events("one").stream();
    assert_eq!(ids(list.page_size(2)).await.unwrap(), names(0..5));
}

#[cfg(feature = "gateway")]
#[tokio::test]
async fn last_item_without_an_id_is_an_error_after_the_items() {
    let page = json!({"data": [{"id": "t0"}, {"object": "batch"}], "has_more": true});
    let (_server, client) = scripted(vec![page]);
    let mut list = client.list_batches().stream();
    assert!(with_timeout(list.next()).await.unwrap().is_ok());
    assert!(with_timeout(list.next()).await.unwrap().is_ok());
    let error = with_timeout(list.next()).await.unwrap().unwrap_err();
    assert!(
        error.is_paging() && error.to_string().starts_with("list_batches: "),
        "{error}"
    );
    assert!(with_timeout(list.next()).await.is_none());
}

// ---- The end

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

// ---- Options of the caller

#[tokio::test]
async fn nothing_is_sent_before_the_first_item_is_requested() {
    let (server, client) = service(DEFAULT_STYLE, 4);
    let mut items = client.list_labels().stream().page_size(2).prefetch(true);
    let _pages = client.list_labels().pages().prefetch(true);
    let _cursor = items.cursor().unwrap();
    tokio::task::yield_now().await;
    assert_eq!(server.connections(), 0);
    for _ in 0..2 {
        with_timeout(items.next()).await.unwrap().unwrap();
    }
    // Without prefetching, a page is requested when its first item is.
    let (server, client) = service(DEFAULT_STYLE, 4);
    let mut items = client.list_labels().stream().page_size(2);
    for _ in 0..2 {
        with_timeout(items.next()).await.unwrap().unwrap();
    }
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn without_a_page_size_the_first_request_has_no_page_parameters() {
    let (server, client) = service(DEFAULT_STYLE, 3);
    assert_eq!(
        ids(client.list_labels().stream()).await.unwrap(),
        names(0..3)
    );
    assert_eq!(
        query_values(&server, "current_page"),
        [None, Some("1".to_owned())]
    );
    assert_eq!(query_values(&server, "page_size"), [None, None]);
}

#[tokio::test]
async fn parameters_of_the_builder_are_used_for_every_page() {
    let without_total = Style {
        total: None,
        ..DEFAULT_STYLE
    };
    let (server, client) = service(without_total, 5);
    let list = client.list_labels().search("x").page_size(2).stream();
    assert_eq!(ids(list).await.unwrap(), names(0..5));
    assert_eq!(query_values(&server, "page_size"), strings(["2", "2", "2"]));
    assert_eq!(query_values(&server, "search"), strings(["x", "x", "x"]));

    // The page size of the stream overrides that of the builder.
    let list = client.list_labels().page_size(2).stream().page_size(3);
    assert_eq!(ids(list).await.unwrap(), names(0..5));
    assert_eq!(server.requests().len(), 5);

    let (server, client) = service(DEFAULT_STYLE, 10);
    let list = client.list_labels().current_page(2).stream().page_size(3);
    assert_eq!(ids(list).await.unwrap(), names(6..10));
    assert_eq!(query_values(&server, "current_page"), strings(["2", "3"]));
}

#[tokio::test]
async fn list_ends_at_the_limit() {
    let (server, client) = service(DEFAULT_STYLE, 10);
    for (limit, requests) in [(0, 0), (1, 1), (2, 1), (3, 2)] {
        let before = server.requests().len();
        let list = client.list_labels().stream().page_size(2);
        let list = list.limit(limit as u64).prefetch(true);
        assert_eq!(ids(list).await.unwrap(), names(0..limit));
        assert_eq!(server.requests().len() - before, requests, "{limit}");
    }
    let pages = client.list_labels().pages().page_size(2).limit(3);
    let pages = with_timeout(pages.try_collect()).await.unwrap();
    assert_eq!(
        pages.iter().map(|page| page.items().len()).sum::<usize>(),
        4
    );
}

#[tokio::test]
async fn page_has_list_response_and_cursor() {
    let (_server, client) = service(DEFAULT_STYLE, 3);
    let mut pages = client.list_labels().pages().page_size(2);
    let page = with_timeout(pages.next()).await.unwrap().unwrap();
    assert_eq!((page.total(), page.items().len()), (Some(3), 2));
    assert_eq!(page.list().data.len(), 2);
    assert_eq!(page.response().status(), 200);
    assert!(page.response().headers().contains_key("content-type"));
    assert!(page.response().body().starts_with(b"{"));
    let second = with_timeout(pages.next()).await.unwrap().unwrap();
    assert!(with_timeout(pages.next()).await.is_none());
    assert!(pages.cursor().is_none());
    let again = client.list_labels().pages().resume(second.cursor().clone());
    let again = with_timeout(again.try_collect()).await.unwrap();
    assert_eq!(again.len(), 1);
    assert_eq!(again[0].items()[0].id, second.into_items()[0].id);
}

// ---- Errors and cursors

/// Starts a server with ten items that refuses page `broken` once.
fn failing_once(broken: &'static str) -> (Server, Client) {
    let once = std::sync::atomic::AtomicBool::new(true);
    let server = Server::start(move |request| {
        let is_broken = query(request, "current_page").as_deref() == Some(broken);
        if is_broken && once.swap(false, std::sync::atomic::Ordering::SeqCst) {
            return ScriptedResponse::json(403, r#"{"message": "no"}"#);
        }
        page_of(request, &DEFAULT_STYLE, 10)
    });
    let client = client(&server);
    (server, client)
}

#[tokio::test]
async fn stream_ends_after_an_error_and_can_be_resumed() {
    for (broken, ahead) in [("0", false), ("2", false), ("2", true), ("3", false)] {
        let (_server, client) = failing_once(broken);
        let list = || client.list_labels().stream();
        let mut first = list().page_size(3).prefetch(ahead);
        let mut found = Vec::new();
        let error = loop {
            match with_timeout(first.next()).await.unwrap() {
                Ok(label) => found.push(label.id.unwrap()),
                Err(error) => break error,
            }
        };
        assert!(error.is_forbidden(), "{error}");
        assert!(with_timeout(first.next()).await.is_none());
        let cursor: Cursor = first.cursor().unwrap().to_string().parse().unwrap();
        found.extend(ids(list().resume(cursor)).await.unwrap());
        assert_eq!(found, names(0..10), "{broken} {ahead}");
    }
}

#[tokio::test]
async fn resuming_at_any_item_neither_skips_nor_repeats_items() {
    let (_server, client) = service(DEFAULT_STYLE, 7);
    for stop in 0..=7 {
        for ahead in [false, true] {
            let mut first = client.list_labels().stream().page_size(3).prefetch(ahead);
            let mut found = Vec::new();
            for _ in 0..stop {
                found.push(
                    with_timeout(first.next())
                        .await
                        .unwrap()
                        .unwrap()
                        .id
                        .unwrap(),
                );
            }
            match first.cursor() {
                Some(cursor) => {
                    let rest = client.list_labels().stream().resume(cursor).limit(9);
                    found.extend(ids(rest).await.unwrap());
                }
                None => assert_eq!(stop, 7),
            }
            assert_eq!(found, names(0..7), "{stop} {ahead}");
        }
    }
}

#[tokio::test]
async fn limit_counts_from_the_resumed_position() {
    let (_server, client) = service(DEFAULT_STYLE, 10);
    let mut first = client.list_labels().stream().page_size(4).limit(3);
    while let Some(item) = with_timeout(first.next()).await {
        item.unwrap();
    }
    let second = client
        .list_labels()
        .stream()
        .resume(first.cursor().unwrap());
    assert_eq!(ids(second.limit(3)).await.unwrap(), names(3..6));
}

#[tokio::test]
async fn cursor_of_another_list_or_page_size_is_refused() {
    let (server, client) = service(DEFAULT_STYLE, 10);
    let cursor = client.list_labels().stream().page_size(4).cursor().unwrap();
    let refused = [
        first_error(client.list_users().pages().resume(cursor.clone())).await,
        first_error(
            client
                .list_labels()
                .pages()
                .page_size(5)
                .resume(cursor.clone()),
        )
        .await,
        first_error(
            client
                .list_labels()
                .page_size(5)
                .pages()
                .resume(cursor.clone()),
        )
        .await,
        first_error(
            client
                .list_labels()
                .current_page(1)
                .pages()
                .resume(cursor.clone()),
        )
        .await,
        first_error(client.list_labels().pages().page_size(0)).await,
    ];
    for error in refused {
        assert!(error.is_invalid_request(), "{error}");
        assert!(error.operation().is_some(), "{error}");
    }
    assert_eq!(server.connections(), 0);
    let same = client.list_labels().page_size(4).stream().resume(cursor);
    assert_eq!(ids(same).await.unwrap(), names(0..10));
}

async fn first_error<L: Paged>(mut pages: Pages<L>) -> Error {
    let error = with_timeout(pages.next())
        .await
        .unwrap()
        .map(|_| ())
        .unwrap_err();
    assert!(with_timeout(pages.next()).await.is_none());
    error
}

// ---- Prefetching

#[tokio::test]
async fn prefetching_keeps_the_order() {
    let (server, client) = service(DEFAULT_STYLE, 25);
    let list = client.list_labels().stream().page_size(2).prefetch(true);
    assert_eq!(ids(list).await.unwrap(), names(0..25));
    let pages: Vec<String> = (0..13).map(|page| page.to_string()).collect();
    let requested: Vec<String> = query_values(&server, "current_page")
        .into_iter()
        .flatten()
        .collect();
    assert_eq!(requested, pages);
}

#[tokio::test]
async fn next_page_is_prefetched_while_items_are_consumed() {
    let (server, client) = service(DEFAULT_STYLE, 4);
    let mut list = client.list_labels().stream().page_size(2).prefetch(true);
    with_timeout(list.next()).await.unwrap().unwrap();
    with_timeout(async {
        while server.requests().len() < 2 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
}

/// Starts a server that responds to the first request only, and reports when the second request arrives
/// and when the client closes its connection.
fn stalling_after_first_page() -> (String, mpsc::Receiver<&'static str>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        let body = json!({"data": items_with_ids(0..2), "total": 4}).to_string();
        let (mut first, _) = listener.accept().unwrap();
        let _ = first.read(&mut buffer).unwrap();
        write!(
            first,
            "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        drop(first);
        let (mut second, _) = listener.accept().unwrap();
        assert!(second.read(&mut buffer).unwrap() > 0);
        sender.send("requested").unwrap();
        // No response: the read returns when the client closes the connection.
        while matches!(second.read(&mut buffer), Ok(count) if count > 0) {}
        sender.send("closed").unwrap();
    });
    (url, receiver)
}

#[tokio::test(flavor = "multi_thread")]
async fn dropping_the_stream_cancels_the_prefetched_page() {
    let (url, receiver) = stalling_after_first_page();
    let receiver = std::sync::Arc::new(std::sync::Mutex::new(receiver));
    let receive = || {
        let receiver = receiver.clone();
        tokio::task::spawn_blocking(move || {
            receiver
                .lock()
                .unwrap()
                .recv_timeout(Duration::from_secs(10))
        })
    };
    let client = Client::builder()
        .api_key("key")
        .base_url(url)
        .build()
        .unwrap();
    let mut list = client.list_labels().stream().page_size(2).prefetch(true);
    with_timeout(list.next()).await.unwrap().unwrap();
    assert_eq!(receive().await.unwrap(), Ok("requested"));
    drop(list);
    assert_eq!(receive().await.unwrap(), Ok("closed"));
}

// ---- Types

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

// ---- Items that cannot be decoded

/// Returns an API key with these fields instead of its own.
fn api_key(id: &str, changes: &Value) -> Value {
    let mut key = json!({
        "id": id,
        "name": "one",
        "type": "workspace-service",
        "organisation_id": "one",
        "status": "active",
        "created_at": "2026-01-02T03:04:05",
        "last_updated_at": "2026-01-02 03:04:05",
    });
    for (name, value) in changes.as_object().unwrap() {
        key[name] = value.clone();
    }
    key
}

/// Pages of API keys of which some cannot be decoded, and the keys that can.
fn pages_with_odd_items() -> (Vec<Value>, Vec<String>) {
    let plain = |id| api_key(id, &json!({}));
    let without = |id| api_key(id, &json!({"organisation_id": null}));
    let pages = vec![
        json!({"total": 7, "data": [plain("t0"), without("t1"), plain("t2")]}),
        json!({"total": 7, "data": [{"id": "t3", "key": "canary"}, api_key("t4", &json!({"name": 7}))]}),
        json!({"total": 7, "data": [null, plain("t6")]}),
    ];
    (pages, ["t0", "t2", "t6"].map(str::to_owned).to_vec())
}

#[tokio::test]
async fn a_stream_skips_and_counts_the_items_that_cannot_be_decoded() {
    for prefetch in [false, true] {
        let (pages, expected) = pages_with_odd_items();
        let (server, client) = scripted(pages);
        let mut keys = client.list_api_keys().stream().prefetch(prefetch);
        let mut found = Vec::new();
        while let Some(key) = with_timeout(keys.next()).await {
            let key = key.unwrap();
            assert_eq!(key.created_at.to_rfc3339(), "2026-01-02T03:04:05+00:00");
            found.push(key.id);
        }
        assert_eq!((found, keys.skipped()), (expected, 4));
        assert_eq!(server.requests().len(), 3);
    }
}

#[tokio::test]
async fn a_page_has_its_skipped_items_with_position_and_reason() {
    let (pages, _) = pages_with_odd_items();
    let (_server, client) = scripted(pages.clone());
    let mut stream = client.list_api_keys().pages();
    let mut skipped = Vec::new();
    for sent in pages {
        let page = with_timeout(stream.next()).await.unwrap().unwrap();
        assert_eq!(page.skipped(), page.skipped_items().len());
        let odd = page.skipped_items();
        let shown = format!("{odd:?}");
        assert!(!shown.contains("canary"), "{shown}");
        for item in odd {
            assert_eq!(*item.value(), sent["data"][item.position()]);
            skipped.push(format!("{}: {}", item.position(), item.reason()));
        }
        let encoded = serde_json::to_value(page.list()).unwrap();
        assert_eq!(
            encoded["data"].as_array().unwrap().len(),
            sent["data"].as_array().unwrap().len()
        );
    }
    assert_eq!(
        skipped,
        [
            "1: missing field `organisation_id`",
            "0: missing field `created_at`",
            "1: expected a string for `name`, found a number",
            "0: expected an object, found null",
        ]
    );
    assert_eq!(stream.skipped(), 4);
}

/// The service may repeat the key of the client anywhere.
#[tokio::test]
async fn the_reason_of_a_skipped_item_contains_no_name_or_value_of_the_item() {
    let body = json!({"data": [
        {KEY: {KEY: [KEY]}},
        {"id": {KEY: KEY}, "name": "a"},
        {"id": "a", "name": [KEY], "usage_limits": {KEY: {KEY: {}}}},
        KEY,
        [KEY],
        api_key("one", &json!({})),
    ]});
    let (_server, client) = scripted(vec![body.clone(), body]);
    let list = client.list_api_keys().send().await.unwrap();
    let page = client.list_api_keys().pages().next().await;
    for skipped in [list.skipped_items(), page.unwrap().unwrap().skipped_items()] {
        assert_eq!(skipped.len(), 5, "{skipped:?}");
        let shown = format!("{skipped:?} {skipped:#?}");
        assert!(!shown.contains(KEY), "{shown}");
        for item in skipped {
            assert!(!item.reason().contains(KEY), "{}", item.reason());
        }
    }
}

#[tokio::test]
async fn the_secrets_of_a_skipped_item_are_redacted() {
    let body = json!({"data": [{"id": "one", "key": "canary"}]});
    let (_server, client) = scripted(vec![body]);
    let list = client.list_virtual_keys().send().await.unwrap();
    let [item] = &list.skipped_items()[..] else {
        panic!("expected one skipped item");
    };
    assert_eq!(*item.value(), json!({"id": "one", "key": "[redacted]"}));
    assert!(!serde_json::to_string(&list).unwrap().contains("canary"));
}

#[tokio::test]
async fn send_skips_the_items_that_cannot_be_decoded() {
    let (pages, _) = pages_with_odd_items();
    let (_server, client) = scripted(pages);
    for (decoded, skipped) in [(2, 1), (0, 2), (1, 1)] {
        let list = client.list_api_keys().send().await.unwrap();
        assert_eq!((list.data.len(), list.skipped()), (decoded, skipped));
    }
}

#[tokio::test]
async fn with_strict_items_an_item_that_cannot_be_decoded_is_an_error() {
    let (mut pages, _) = pages_with_odd_items();
    for (page, expected) in pages.iter().zip([
        "data[1]: missing field `organisation_id`",
        "data[0]: missing field `created_at`",
        "data[0]: expected an object, found null",
    ]) {
        let (_server, client) = scripted(vec![page.clone(), page.clone()]);
        let strict = client.with_options(RequestOptions::new().strict_items(true));
        let sent = strict.list_api_keys().send().await.map(|_| ());
        let streamed = ids(strict.list_api_keys().stream()).await.map(|_| ());
        for error in [sent, streamed].map(Result::unwrap_err) {
            assert!(error.is_decode(), "{error}");
            assert!(error.to_string().contains(expected), "{error}");
            assert_eq!(error.body().unwrap(), page.to_string().as_bytes());
        }
    }
    pages.truncate(1);
    let (_server, client) = scripted(pages);
    let strict = client.with_options(RequestOptions::new().strict_items(true));
    let tolerant = strict.with_options(RequestOptions::new().strict_items(false));
    assert!(tolerant.list_api_keys().send().await.is_ok());
}

#[tokio::test]
async fn a_list_of_the_wrong_shape_is_an_error() {
    for (body, expected) in [
        (
            json!({"data": {"a": 1}}),
            "data: expected an array, found an object",
        ),
        (
            json!({"data": "none"}),
            "data: expected an array, found a string",
        ),
        (
            json!({"data": [null]}),
            "data[0]: expected an object, found null",
        ),
        (
            json!({"data": [7, "one"]}),
            "data[0]: expected an object, found a number",
        ),
        (
            json!({"data": [[{}]], "total": 9}),
            "data[0]: expected an object, found an array",
        ),
        (json!(["one"]), "expected an object, found an array"),
    ] {
        let (_server, client) = scripted(vec![body.clone(); 3]);
        let sent = client.list_users().send().await.map(|_| ());
        let streamed = with_timeout(client.list_users().stream().try_collect()).await;
        let paged = with_timeout(client.list_users().pages().try_collect()).await;
        for outcome in [sent, streamed.map(|_| ()), paged.map(|_| ())] {
            let error = outcome.expect_err(&body.to_string());
            assert!(error.is_decode(), "{error}");
            assert!(error.to_string().contains(expected), "{error}");
        }
    }
    let (_server, client) = scripted(vec![json!([null]), json!({"data": [7]})]);
    for expected in ["[0]: expected", "data[0]: expected"] {
        let list = client.list_guardrail_mcp_servers("one").send().await;
        let error = list.map(|_| ()).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[tokio::test]
async fn valid_json_that_serde_json_rejects_does_not_end_a_stream() {
    for value in values_that_serde_json_rejects() {
        let sent = value.to_owned();
        let server = Server::start(move |request| {
            let (value, page) = (&sent, number(request, "current_page").unwrap_or_default());
            let body = format!(
                r#"{{"total": 4, "new": {value}, "data": [{{"id": "t{}", "new": {value}}}, {{"id": "t{}", "name": "half \udead"}}]}}"#,
                2 * page,
                2 * page + 1
            );
            ScriptedResponse::json(200, body)
        });
        let list = client(&server).list_labels().stream().page_size(2);
        assert_eq!(ids(list).await.unwrap(), names(0..4), "{value}");
    }
}

// ---- Items that are deleted while a list is read

/// Starts a server with a list of items that the test can change.
fn shared_list(count: usize) -> (Arc<Mutex<Vec<usize>>>, Server, Client) {
    let items = Arc::new(Mutex::new((0..count).collect::<Vec<_>>()));
    let list = items.clone();
    let server = Server::start(move |request| {
        let list = list.lock().unwrap();
        let size = number(request, "page_size").unwrap_or(10);
        let start = number(request, "current_page").unwrap_or(0) * size;
        let page = list.iter().copied().skip(start).take(size);
        let body = json!({"total": list.len(), "data": items_with_ids(page)});
        ScriptedResponse::json(200, body.to_string())
    });
    let client = client(&server);
    (items, server, client)
}

fn number_of(id: &str) -> usize {
    id[1..].parse().unwrap()
}

#[tokio::test]
async fn every_item_is_yielded_once_if_items_are_deleted_while_they_are_listed() {
    type Delete = fn(usize) -> bool;
    let deletions: [(&str, Delete); 4] = [
        ("all", |_| true),
        ("every second", |item| item % 2 == 0),
        ("the first of each page", |item| item % 10 == 0),
        ("few", |item| item == 3 || item == 17),
    ];
    for (name, deletes) in deletions {
        for (count, prefetch) in [(30, false), (30, true), (97, false)] {
            for sized in [true, false] {
                let (items, _server, client) = shared_list(count);
                let list = client.list_labels().stream().prefetch(prefetch);
                let mut list = if sized { list.page_size(10) } else { list };
                let mut found = Vec::new();
                while let Some(item) = with_timeout(list.next()).await {
                    let item = number_of(&item.unwrap().id.unwrap());
                    if deletes(item) {
                        items.lock().unwrap().retain(|other| *other != item);
                    }
                    found.push(item);
                }
                let expected: Vec<_> = (0..count).collect();
                assert_eq!(found, expected, "{name}, {count}, {prefetch}, {sized}");
            }
        }
    }
}

#[tokio::test]
async fn items_that_others_delete_do_not_hide_the_remaining_items() {
    for page_size in [3, 10] {
        let (items, _server, client) = shared_list(60);
        let mut list = client.list_labels().stream().page_size(page_size);
        let mut found = Vec::new();
        while let Some(item) = with_timeout(list.next()).await {
            let item = number_of(&item.unwrap().id.unwrap());
            found.push(item);
            // Deletes many items of several pages at once, read and unread.
            if item == 29 {
                items.lock().unwrap().retain(|item| item % 3 != 0);
            }
        }
        let expected: Vec<_> = (0..60).filter(|item| *item < 30 || item % 3 != 0).collect();
        assert_eq!(found, expected);
    }
}

#[tokio::test]
async fn the_cursor_of_a_page_that_is_read_again_resumes_after_the_last_item() {
    let (items, _server, client) = shared_list(30);
    let mut list = client.list_labels().stream().page_size(10);
    let mut found = Vec::new();
    while found.len() < 13 {
        let item = with_timeout(list.next()).await.unwrap().unwrap();
        let item = number_of(&item.id.unwrap());
        if item < 10 && item.is_multiple_of(2) {
            items.lock().unwrap().retain(|other| *other != item);
        }
        found.push(item);
    }
    let rest = client.list_labels().stream().resume(list.cursor().unwrap());
    found.extend(ids(rest).await.unwrap().iter().map(|id| number_of(id)));
    assert_eq!(found, (0..30).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_resumed_list_is_not_read_before_its_cursor() {
    let (items, server, client) = shared_list(40);
    let mut list = client.list_labels().stream().page_size(10);
    for _ in 0..12 {
        with_timeout(list.next()).await.unwrap().unwrap();
    }
    let cursor = list.cursor().unwrap();
    let mut found = Vec::new();
    let mut rest = client.list_labels().stream().resume(cursor);
    while let Some(item) = with_timeout(rest.next()).await {
        let item = number_of(&item.unwrap().id.unwrap());
        if item == 25 {
            items
                .lock()
                .unwrap()
                .retain(|item| !(12..24).contains(item));
        }
        found.push(item);
    }
    assert_eq!(found, (12..40).collect::<Vec<_>>());
    let pages = query_values(&server, "current_page");
    assert_eq!(
        pages
            .iter()
            .filter(|page| page.as_deref() == Some("0"))
            .count(),
        1
    );
}

#[tokio::test]
async fn pages_that_are_read_again_do_not_count_skipped_items_twice() {
    let items = Arc::new(Mutex::new((0..12).collect::<Vec<usize>>()));
    let list = items.clone();
    let server = Server::start(move |request| {
        let list = list.lock().unwrap();
        let start = number(request, "current_page").unwrap_or(0) * 4;
        let page = list.iter().skip(start).take(4).map(|item| match item % 4 {
            3 => json!({"id": format!("t{item}"), "name": 7}),
            _ => api_key(&format!("t{item}"), &json!({})),
        });
        let body = json!({"total": list.len(), "data": page.collect::<Vec<_>>()});
        ScriptedResponse::json(200, body.to_string())
    });
    let mut list = client(&server).list_api_keys().stream().page_size(4);
    let mut found = 0;
    while let Some(key) = with_timeout(list.next()).await {
        let item = number_of(&key.unwrap().id);
        if item % 4 == 1 {
            items.lock().unwrap().retain(|other| *other != item);
        }
        found += 1;
    }
    assert_eq!((found, list.skipped()), (9, 3));
}

#[tokio::test]
async fn a_page_that_is_read_again_without_new_items_keeps_its_skipped_items() {
    let page = |items: [Value; 2], total: usize| json!({"total": total, "data": items});
    let plain = |id: &str| api_key(id, &json!({}));
    let odd = |id: &str| json!({"id": id, "name": 7});
    let bodies = vec![
        page([plain("t0"), odd("t1")], 5),
        page([plain("t3"), plain("t4")], 4),
        page([plain("t0"), odd("t1")], 4),
        page([plain("t2"), plain("t3")], 4),
    ];
    let (_server, client) = scripted(bodies);
    let pages = client.list_api_keys().pages().page_size(2);
    let pages = with_timeout(pages.try_collect()).await.unwrap();
    let counts = |page: &portkey_admin::Page<_>| (page.items().len(), page.skipped());
    assert_eq!(
        pages.iter().map(counts).collect::<Vec<_>>(),
        [(1, 1), (0, 1), (2, 0)]
    );
    let encoded = serde_json::to_value(pages[1].list()).unwrap();
    assert_eq!(encoded["data"], json!([odd("t1")]));
}

#[tokio::test]
async fn a_falling_total_of_items_without_an_id_is_an_error() {
    let page = |names: [&str; 2], total: usize| json!({"data": names.map(|name| json!({"name": name})), "total": total, "has_more": true});
    let (_server, client) = scripted(vec![page(["a", "b"], 6), page(["c", "d"], 5)]);
    let mut list = client
        .list_mcp_server_capabilities("one")
        .stream()
        .page_size(2);
    for _ in 0..2 {
        with_timeout(list.next()).await.unwrap().unwrap();
    }
    let error = with_timeout(list.next()).await.unwrap().unwrap_err();
    assert!(error.is_paging(), "{error}");
    assert!(error.to_string().contains("no id"), "{error}");
    assert!(with_timeout(list.next()).await.is_none());
    assert!(list.cursor().is_some());
}

#[tokio::test]
async fn a_total_that_falls_four_times_without_new_items_is_an_error() {
    for falls in [3, 4] {
        let total = Mutex::new(30 + falls);
        let server = Server::start(move |request| {
            let page = number(request, "current_page").unwrap_or(0);
            let mut total = total.lock().unwrap();
            if page > 0 {
                *total = (*total - 1).max(30);
            }
            let body = json!({"total": *total, "data": items_with_ids(page * 10..(page + 1) * 10)});
            ScriptedResponse::json(200, body.to_string())
        });
        let list = client(&server).list_labels().stream().page_size(10);
        match ids(list).await {
            Ok(found) => assert_eq!((found, falls), (names(0..30), 3)),
            Err(error) => {
                assert_eq!(falls, 4);
                assert!(error.is_paging(), "{error}");
                assert!(error.to_string().contains("three times"), "{error}");
            }
        }
    }
}
