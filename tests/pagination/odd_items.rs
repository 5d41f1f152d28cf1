//! Items that cannot be decoded.

use portkey_admin::{Paged, RequestOptions};
use serde_json::{Value, json};

use crate::{
    ids, names, number, scripted,
    support::{
        KEY, client,
        server::{ScriptedResponse, Server},
        values_that_serde_json_rejects,
    },
    with_timeout,
};

/// Returns an API key with these fields instead of its own.
pub fn api_key(id: &str, changes: &Value) -> Value {
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
