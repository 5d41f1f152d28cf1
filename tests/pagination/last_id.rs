//! Lists of the gateway, which continue after the id of the last item.

use serde_json::json;

use crate::{
    ids, items_with_ids, names, number, query, query_values, scripted, strings,
    support::{
        client,
        server::{Request, ScriptedResponse, Server},
    },
    with_timeout,
};

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
