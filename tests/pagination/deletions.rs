//! Items that are deleted while a list is read.

use std::sync::{Arc, Mutex};

use portkey_admin::Client;
use serde_json::{Value, json};

use crate::{
    ids, items_with_ids, names, number,
    odd_items::api_key,
    query_values, scripted,
    support::{
        client,
        server::{ScriptedResponse, Server},
    },
    with_timeout,
};

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
