//! Options of the caller: page size, limit, and pages instead of items.

use crate::{DEFAULT_STYLE, Style, ids, names, query_values, service, strings, with_timeout};

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
