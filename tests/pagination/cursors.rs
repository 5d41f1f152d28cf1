//! Errors, and cursors that resume a list.

use portkey_admin::{Client, Cursor, Error, Paged, Pages};

use crate::{
    DEFAULT_STYLE, ids, names, page_of, query, service,
    support::{
        client,
        server::{ScriptedResponse, Server},
    },
    with_timeout,
};

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
