//! Lists as streams: what is asked for, what comes, and when it ends.

#![cfg(feature = "admin")]
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that panics fails, as it should

mod support;

use std::{
    io::{Read, Write},
    net::TcpListener,
    sync::mpsc,
    time::Duration,
};

use chrono::Utc;
use portkey_admin::{Client, Cursor, Error, Items, Paged, Pages};
use serde::Serialize;
use serde_json::{Map, Value, json};
use support::{
    client,
    server::{Answer, Request, Server},
};

/// How a list of the service is cut and wrapped.
#[derive(Clone, Copy)]
struct Style {
    page: &'static str,
    size: &'static str,
    first: usize,
    items: &'static str,
    total: Option<&'static str>,
    more: Option<&'static str>,
    /// More items than this are in no page.
    cap: usize,
}

/// What most lists look like.
const PLAIN: Style = Style {
    page: "current_page",
    size: "page_size",
    first: 0,
    items: "data",
    total: Some("total"),
    more: None,
    cap: 100,
};

fn query(request: &Request, name: &str) -> Option<String> {
    let mut values = request
        .query()
        .into_iter()
        .filter(|(other, _)| other == name);
    let value = values.next().map(|(_, value)| value);
    assert!(values.next().is_none(), "{} twice", name);
    value
}

fn number(request: &Request, name: &str) -> Option<usize> {
    query(request, name).map(|value| value.parse().unwrap())
}

fn things(ids: impl IntoIterator<Item = usize>) -> Value {
    ids.into_iter()
        .map(|id| json!({"id": format!("t{id}")}))
        .collect()
}

fn names(ids: impl IntoIterator<Item = usize>) -> Vec<String> {
    ids.into_iter().map(|id| format!("t{id}")).collect()
}

/// The page of a list of `count` things that `request` asks for.
fn cut(request: &Request, style: &Style, count: usize) -> Answer {
    let size = number(request, style.size).unwrap_or(2).min(style.cap);
    let page = number(request, style.page).unwrap_or(style.first) - style.first;
    let range = (page * size).min(count)..((page + 1) * size).min(count);
    let mut body = Map::new();
    if let Some(total) = style.total {
        body.insert(total.to_owned(), count.into());
    }
    if let Some(more) = style.more {
        body.insert(more.to_owned(), (range.end < count).into());
    }
    body.insert(style.items.to_owned(), things(range));
    Answer::json(200, Value::Object(body).to_string())
}

/// A service with a list of `count` things.
fn service(style: Style, count: usize) -> (Server, Client) {
    let server = Server::start(move |request| cut(request, &style, count));
    let client = client(&server);
    (server, client)
}

/// A service that answers with one body after the other, and refuses what goes beyond.
fn scripted(bodies: Vec<Value>) -> (Server, Client) {
    let mut bodies = bodies.into_iter();
    let bodies = std::sync::Mutex::new(move || bodies.next());
    let server = Server::start(move |_| match (bodies.lock().unwrap())() {
        Some(body) => Answer::json(200, body.to_string()),
        None => Answer::json(404, r#"{"message": "the script is over"}"#),
    });
    let client = client(&server);
    (server, client)
}

/// The ids of all items; what is no field of theirs is kept, so every item has one.
async fn ids<L: Paged<Item: Serialize>>(items: Items<L>) -> Result<Vec<String>, Error> {
    let items = within(items.try_collect()).await?;
    let id = |item: &L::Item| {
        serde_json::to_value(item).unwrap()["id"]
            .as_str()
            .map(str::to_owned)
    };
    Ok(items.iter().map(|item| id(item).unwrap()).collect())
}

async fn within<T>(waiting: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), waiting)
        .await
        .expect("it ends in time")
}

/// The value of one query parameter in each request.
fn asked(server: &Server, name: &str) -> Vec<Option<String>> {
    let requests = server.requests();
    requests
        .iter()
        .map(|request| query(request, name))
        .collect()
}

fn texts<const N: usize>(texts: [&str; N]) -> Vec<Option<String>> {
    texts.map(|text| Some(text.to_owned())).into()
}

// ---- Styles

#[tokio::test]
async fn every_style_is_read_to_its_end() {
    let camel = Style {
        page: "currentPage",
        size: "pageSize",
        ..PLAIN
    };
    let (server, client) = service(camel, 5);
    assert_eq!(
        ids(client.list_users().stream().page_size(2))
            .await
            .unwrap(),
        names(0..5)
    );
    assert_eq!(asked(&server, "currentPage"), texts(["0", "1", "2"]));
    assert_eq!(asked(&server, "pageSize"), texts(["2", "2", "2"]));

    let scim = Style {
        page: "page",
        items: "mappings",
        total: Some("total_count"),
        ..PLAIN
    };
    let (server, client) = service(scim, 4);
    let list = client.list_scim_workspace_mappings().stream().page_size(2);
    assert_eq!(ids(list).await.unwrap(), names(0..4));
    assert_eq!(asked(&server, "page"), texts(["0", "1"]));

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
        ..PLAIN
    };
    let (_server, client) = service(records, 3);
    let list = client
        .list_audit_logs()
        .start_time("2026-01-01")
        .end_time("2026-02-01")
        .organisation_id("one");
    assert_eq!(ids(list.stream().page_size(2)).await.unwrap(), names(0..3));

    let (_server, client) = service(PLAIN, 3);
    let list = client
        .get_usage_by_workspace()
        .time_of_generation_min(Utc::now());
    let list = list.time_of_generation_max(Utc::now());
    assert_eq!(ids(list.stream().page_size(2)).await.unwrap(), names(0..3));
}

#[tokio::test]
async fn pages_may_be_counted_from_one() {
    let style = Style {
        page: "page",
        first: 1,
        total: None,
        more: Some("has_more"),
        ..PLAIN
    };
    let (server, client) = service(style, 4);
    let list = client
        .list_mcp_integration_capabilities("one")
        .stream()
        .page_size(2);
    assert_eq!(ids(list).await.unwrap(), names(0..4));
    assert_eq!(asked(&server, "page"), texts(["1", "2"]));

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
async fn a_list_in_one_piece_is_one_page() {
    let lists = [
        json!({"workspaces": things(0..3), "total": 9}),
        json!({"workspaces": things(0..3)}),
        json!({"data": things(0..3)}),
        things(0..3),
        json!({"data": things(0..3)}),
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
async fn a_cursor_is_the_last_id() {
    let after = |request: &Request, more: bool| {
        let first = query(request, "after").map_or(0, |id| id[1..].parse::<usize>().unwrap() + 1);
        let end = (first + number(request, "limit").unwrap()).min(5);
        let mut body = json!({"data": things(first..end)});
        if more {
            body["has_more"] = (end < 5).into();
        }
        Answer::json(200, body.to_string())
    };
    let server = Server::start(move |request| after(request, true));
    let list = client(&server).list_batches().stream().page_size(2);
    assert_eq!(ids(list).await.unwrap(), names(0..5));
    assert_eq!(asked(&server, "limit"), texts(["2", "2", "2"]));
    assert_eq!(
        asked(&server, "after"),
        [None, Some("t1".into()), Some("t3".into())]
    );

    let list = client(&server)
        .list_response_input_items("one")
        .stream()
        .page_size(3);
    assert_eq!(ids(list).await.unwrap(), names(0..5));

    // From the middle, and after a stop.
    let list = client(&server)
        .list_batches()
        .after("t1")
        .stream()
        .page_size(2);
    assert_eq!(ids(list).await.unwrap(), names(2..5));
    let mut list = client(&server).list_batches().stream().page_size(2);
    for _ in 0..3 {
        within(list.next()).await.unwrap().unwrap();
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
async fn a_cursor_without_an_id_is_an_error_after_the_items() {
    let page = json!({"data": [{"id": "t0"}, {"object": "batch"}], "has_more": true});
    let (_server, client) = scripted(vec![page]);
    let mut list = client.list_batches().stream();
    assert!(within(list.next()).await.unwrap().is_ok());
    assert!(within(list.next()).await.unwrap().is_ok());
    let error = within(list.next()).await.unwrap().unwrap_err();
    assert!(
        error.is_paging() && error.to_string().starts_with("list_batches: "),
        "{error}"
    );
    assert!(within(list.next()).await.is_none());
}

// ---- The end

/// Reads a list of MCP integrations, which says both a total and whether there are more.
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
async fn the_total_ends_it() {
    let page = |ids, more: bool| json!({"data": things(ids), "total": 4, "has_more": more});
    let (read, requests) = read(Some(2), vec![page(0..2, false), page(2..4, true)]).await;
    assert_eq!((read.unwrap(), requests), (names(0..4), 2));
}

#[tokio::test]
async fn a_service_that_caps_its_pages_is_read_on() {
    let (server, client) = service(Style { cap: 100, ..PLAIN }, 250);
    let list = client.list_labels().stream().page_size(500);
    assert_eq!(ids(list).await.unwrap(), names(0..250));
    assert_eq!(asked(&server, "page_size"), texts(["500", "500", "500"]));
}

#[tokio::test]
async fn without_a_total_has_more_ends_it() {
    for total in [json!(null), json!("many"), json!(-1)] {
        let page = |ids, more: bool| json!({"data": things(ids), "total": total, "has_more": more});
        let pages = vec![page(0..1, true), page(1..4, false)];
        let (read, requests) = read(Some(3), pages).await;
        assert_eq!((read.unwrap(), requests), (names(0..4), 2), "{total}");
    }
}

#[tokio::test]
async fn with_neither_a_short_page_ends_it() {
    let pages = vec![json!({"data": things(0..2)}), json!({"data": things(2..3)})];
    let (read, requests) = read(Some(2), pages).await;
    assert_eq!((read.unwrap(), requests), (names(0..3), 2));
}

#[tokio::test]
async fn with_nothing_known_an_empty_page_ends_it() {
    let pages = vec![
        json!({"data": things(0..2)}),
        json!({"data": things(2..3)}),
        json!({"data": []}),
    ];
    let (read, requests) = read(None, pages).await;
    assert_eq!((read.unwrap(), requests), (names(0..3), 3));
}

#[tokio::test]
async fn a_total_that_lies_costs_two_requests() {
    let page = |ids| json!({"data": things(ids), "total": 99});
    let pages = vec![page(0..2), page(2..2), page(2..2)];
    let (read, requests) = read(Some(2), pages).await;
    assert_eq!((read.unwrap(), requests), (names(0..2), 3));
}

#[tokio::test]
async fn an_empty_page_in_the_middle_is_passed_over() {
    let page = |ids| json!({"data": things(ids), "total": 4});
    let pages = vec![page(0..2), page(2..2), page(2..4)];
    let (read, requests) = read(Some(2), pages).await;
    assert_eq!((read.unwrap(), requests), (names(0..4), 3));
}

#[tokio::test]
async fn what_is_no_item_still_counts() {
    let pages = vec![
        json!({"data": [{"id": "t0"}, "?"], "total": 3}),
        json!({"data": things(1..2), "total": 3}),
    ];
    let (read, requests) = read(Some(2), pages).await;
    assert_eq!((read.unwrap(), requests), (names(0..2), 2));
}

#[tokio::test]
async fn a_service_that_never_advances_is_an_error() {
    let server = Server::answering(Answer::json(
        200,
        json!({"data": things(0..2), "total": 9}).to_string(),
    ));
    let mut list = client(&server).list_mcp_integrations().stream();
    for _ in 0..2 {
        within(list.next()).await.unwrap().unwrap();
    }
    let error = within(list.next()).await.unwrap().unwrap_err();
    assert!(error.is_paging(), "{error}");
    assert!(error.to_string().contains("did not advance"), "{error}");
    assert_eq!(error.operation(), Some("list_mcp_integrations"));
    assert!(within(list.next()).await.is_none());
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn items_without_ids_are_known_by_the_body() {
    let page = |name: &str| json!({"data": [{"name": name}], "has_more": true});
    let read = |bodies| async {
        let (server, client) = scripted(bodies);
        let list = client
            .list_mcp_server_capabilities("one")
            .stream()
            .max_pages(2);
        (
            within(list.try_collect()).await.unwrap_err(),
            server.requests().len(),
        )
    };
    let (error, _) = read(vec![page("a"), page("a")]).await;
    assert!(error.to_string().contains("did not advance"), "{error}");
    let (error, requests) = read(vec![page("a"), page("b")]).await;
    assert!(
        error.to_string().contains("no end after 2 pages"),
        "{error}"
    );
    assert_eq!(requests, 2);
}

#[tokio::test]
async fn pages_are_bounded_and_the_cursor_goes_on() {
    let (server, client) = service(PLAIN, 10);
    let mut list = client.list_labels().pages().page_size(1).max_pages(3);
    for _ in 0..3 {
        within(list.next()).await.unwrap().unwrap();
    }
    let error = within(list.next()).await.unwrap().unwrap_err();
    assert!(error.is_paging(), "{error}");
    assert_eq!(server.requests().len(), 3);
    let rest = client.list_labels().stream().resume(list.cursor().unwrap());
    assert_eq!(ids(rest).await.unwrap(), names(3..10));
}

// ---- What the caller may say

#[tokio::test]
async fn nothing_is_sent_before_the_first_item_is_asked_for() {
    let (server, client) = service(PLAIN, 4);
    let mut items = client.list_labels().stream().page_size(2).prefetch(true);
    let _pages = client.list_labels().pages().prefetch(true);
    let _cursor = items.cursor().unwrap();
    tokio::task::yield_now().await;
    assert_eq!(server.connections(), 0);
    for _ in 0..2 {
        within(items.next()).await.unwrap().unwrap();
    }
    // Without reading ahead, no page is asked for before its first item is.
    let (server, client) = service(PLAIN, 4);
    let mut items = client.list_labels().stream().page_size(2);
    for _ in 0..2 {
        within(items.next()).await.unwrap().unwrap();
    }
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn without_a_size_the_first_page_is_what_send_asks_for() {
    let (server, client) = service(PLAIN, 3);
    assert_eq!(
        ids(client.list_labels().stream()).await.unwrap(),
        names(0..3)
    );
    assert_eq!(asked(&server, "current_page"), [None, Some("1".to_owned())]);
    assert_eq!(asked(&server, "page_size"), [None, None]);
}

#[tokio::test]
async fn what_the_builder_was_told_counts() {
    let untold = Style {
        total: None,
        ..PLAIN
    };
    let (server, client) = service(untold, 5);
    let list = client.list_labels().search("x").page_size(2).stream();
    assert_eq!(ids(list).await.unwrap(), names(0..5));
    assert_eq!(asked(&server, "page_size"), texts(["2", "2", "2"]));
    assert_eq!(asked(&server, "search"), texts(["x", "x", "x"]));

    // The stream's own word counts more.
    let list = client.list_labels().page_size(2).stream().page_size(3);
    assert_eq!(ids(list).await.unwrap(), names(0..5));
    assert_eq!(server.requests().len(), 5);

    let (server, client) = service(PLAIN, 10);
    let list = client.list_labels().current_page(2).stream().page_size(3);
    assert_eq!(ids(list).await.unwrap(), names(6..10));
    assert_eq!(asked(&server, "current_page"), texts(["2", "3"]));
}

#[tokio::test]
async fn a_limit_ends_it() {
    let (server, client) = service(PLAIN, 10);
    for (limit, requests) in [(0, 0), (1, 1), (2, 1), (3, 2)] {
        let before = server.requests().len();
        let list = client.list_labels().stream().page_size(2);
        let list = list.limit(limit as u64).prefetch(true);
        assert_eq!(ids(list).await.unwrap(), names(0..limit));
        assert_eq!(server.requests().len() - before, requests, "{limit}");
    }
    let pages = client.list_labels().pages().page_size(2).limit(3);
    let pages = within(pages.try_collect()).await.unwrap();
    assert_eq!(
        pages.iter().map(|page| page.items().len()).sum::<usize>(),
        4
    );
}

#[tokio::test]
async fn a_page_has_everything_around_it() {
    let (_server, client) = service(PLAIN, 3);
    let mut pages = client.list_labels().pages().page_size(2);
    let page = within(pages.next()).await.unwrap().unwrap();
    assert_eq!((page.total(), page.items().len()), (Some(3), 2));
    assert_eq!(page.list().data.len(), 2);
    assert_eq!(page.response().status(), 200);
    assert!(page.response().headers().contains_key("content-type"));
    assert!(page.response().body().starts_with(b"{"));
    let second = within(pages.next()).await.unwrap().unwrap();
    assert!(within(pages.next()).await.is_none());
    assert!(pages.cursor().is_none());
    let again = client.list_labels().pages().resume(second.cursor().clone());
    let again = within(again.try_collect()).await.unwrap();
    assert_eq!(again.len(), 1);
    assert_eq!(again[0].items()[0].id, second.into_items()[0].id);
}

// ---- Errors and cursors

/// A service of ten things whose page `broken` is refused once.
fn breaking(broken: &'static str) -> (Server, Client) {
    let once = std::sync::atomic::AtomicBool::new(true);
    let server = Server::start(move |request| {
        let is_broken = query(request, "current_page").as_deref() == Some(broken);
        if is_broken && once.swap(false, std::sync::atomic::Ordering::SeqCst) {
            return Answer::json(403, r#"{"message": "no"}"#);
        }
        cut(request, &PLAIN, 10)
    });
    let client = client(&server);
    (server, client)
}

#[tokio::test]
async fn after_an_error_it_is_over_and_can_be_resumed() {
    for (broken, ahead) in [("0", false), ("2", false), ("2", true), ("3", false)] {
        let (_server, client) = breaking(broken);
        let list = || client.list_labels().stream();
        let mut first = list().page_size(3).prefetch(ahead);
        let mut found = Vec::new();
        let error = loop {
            match within(first.next()).await.unwrap() {
                Ok(label) => found.push(label.id.unwrap()),
                Err(error) => break error,
            }
        };
        assert!(error.is_forbidden(), "{error}");
        assert!(within(first.next()).await.is_none());
        let cursor: Cursor = first.cursor().unwrap().to_string().parse().unwrap();
        found.extend(ids(list().resume(cursor)).await.unwrap());
        assert_eq!(found, names(0..10), "{broken} {ahead}");
    }
}

#[tokio::test]
async fn a_cursor_loses_nothing_and_repeats_nothing_anywhere() {
    let (_server, client) = service(PLAIN, 7);
    for stop in 0..=7 {
        for ahead in [false, true] {
            let mut first = client.list_labels().stream().page_size(3).prefetch(ahead);
            let mut found = Vec::new();
            for _ in 0..stop {
                found.push(within(first.next()).await.unwrap().unwrap().id.unwrap());
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
async fn a_limit_counts_from_where_it_was_resumed() {
    let (_server, client) = service(PLAIN, 10);
    let mut first = client.list_labels().stream().page_size(4).limit(3);
    while let Some(item) = within(first.next()).await {
        item.unwrap();
    }
    let second = client
        .list_labels()
        .stream()
        .resume(first.cursor().unwrap());
    assert_eq!(ids(second.limit(3)).await.unwrap(), names(3..6));
}

#[tokio::test]
async fn a_cursor_is_for_its_list_and_its_size() {
    let (server, client) = service(PLAIN, 10);
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
        first_error(client.list_labels().current_page(-1).pages()).await,
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
    let error = within(pages.next()).await.unwrap().map(|_| ()).unwrap_err();
    assert!(within(pages.next()).await.is_none());
    error
}

// ---- Reading ahead

#[tokio::test]
async fn reading_ahead_keeps_the_order() {
    let (server, client) = service(PLAIN, 25);
    let list = client.list_labels().stream().page_size(2).prefetch(true);
    assert_eq!(ids(list).await.unwrap(), names(0..25));
    let pages: Vec<String> = (0..13).map(|page| page.to_string()).collect();
    let asked: Vec<String> = asked(&server, "current_page")
        .into_iter()
        .flatten()
        .collect();
    assert_eq!(asked, pages);
}

#[tokio::test]
async fn the_page_ahead_is_asked_for_while_this_one_is_worked_on() {
    let (server, client) = service(PLAIN, 4);
    let mut list = client.list_labels().stream().page_size(2).prefetch(true);
    within(list.next()).await.unwrap().unwrap();
    within(async {
        while server.requests().len() < 2 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
}

/// Answers the first request, and says of the second when its connection was closed by the client.
fn stalling() -> (String, mpsc::Receiver<&'static str>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        let body = json!({"data": things(0..2), "total": 4}).to_string();
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
        tell.send("asked").unwrap();
        // No answer: the read ends when the other side closes.
        while matches!(second.read(&mut buffer), Ok(count) if count > 0) {}
        tell.send("closed").unwrap();
    });
    (url, told)
}

#[tokio::test(flavor = "multi_thread")]
async fn dropping_the_stream_stops_the_page_ahead() {
    let (url, told) = stalling();
    let told = std::sync::Arc::new(std::sync::Mutex::new(told));
    let hears = || {
        let told = told.clone();
        tokio::task::spawn_blocking(move || {
            told.lock().unwrap().recv_timeout(Duration::from_secs(10))
        })
    };
    let client = Client::builder()
        .api_key("key")
        .base_url(url)
        .build()
        .unwrap();
    let mut list = client.list_labels().stream().page_size(2).prefetch(true);
    within(list.next()).await.unwrap().unwrap();
    assert_eq!(hears().await.unwrap(), Ok("asked"));
    drop(list);
    assert_eq!(hears().await.unwrap(), Ok("closed"));
}

// ---- Types

#[tokio::test]
async fn streams_can_be_spawned_and_polled() {
    fn stream<T: futures_core::Stream + Send + Unpin + 'static>(_: &T) {}
    let (_server, client) = service(PLAIN, 3);
    let mut items = client.list_labels().stream().page_size(2);
    let pages = client.list_labels().pages().page_size(2);
    stream(&items);
    stream(&pages);
    let polled = std::future::poll_fn(|context| {
        futures_core::Stream::poll_next(std::pin::Pin::new(&mut items), context)
    });
    within(polled).await.unwrap().unwrap();
    let count = tokio::spawn(async move { pages.try_collect().await.map(|pages| pages.len()) });
    assert_eq!(within(count).await.unwrap().unwrap(), 2);
    assert_eq!(
        format!("{:?}", client.list_labels().pages()),
        r#"Pages { operation: "list_labels", fetched: 0, .. }"#
    );
}
