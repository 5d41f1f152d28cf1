//! Prefetching of the next page.

use crate::{
    DEFAULT_STYLE, ids, names, number, page_of, query_values, service,
    support::{
        client,
        server::{ScriptedResponse, Server},
        wait_until,
    },
    with_timeout,
};

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
    wait_until(|| server.requests().len() == 2).await;
}

#[tokio::test]
async fn dropping_the_stream_cancels_the_prefetched_page() {
    let server = Server::start(|request| match number(request, DEFAULT_STYLE.page) {
        None | Some(0) => page_of(request, &DEFAULT_STYLE, 4),
        Some(_) => ScriptedResponse::empty(200).sending_nothing().then_stall(),
    });
    let list = client(&server).list_labels().stream();
    let mut list = list.page_size(2).prefetch(true);
    with_timeout(list.next()).await.unwrap().unwrap();
    wait_until(|| server.requests().len() == 2).await;
    assert_eq!(server.client_disconnects(), 0);
    drop(list);
    wait_until(|| server.client_disconnects() == 1).await;
}
