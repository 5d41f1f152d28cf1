use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{List, from_slice, response_object};
use crate::{JsonObject, Secret};

#[derive(Debug)]
struct Thing {
    id: String,
    size: Option<i64>,
    key: Option<Secret>,
    extra: JsonObject,
}

response_object! { Thing { id "id" required, size "size" optional, key "key" optional, } }

#[derive(Debug)]
struct Things {
    data: Vec<Thing>,
    sizes: BTreeMap<String, i64>,
    keys: Vec<Secret>,
    any: Vec<Value>,
    extra: JsonObject,
}

response_object! {
    Things {
        data "data" or_default, sizes "sizes" or_default, keys "keys" or_default, any "any" or_default,
    }
}

fn things(body: &Value) -> Things {
    let things: Things = from_slice(body.to_string().as_bytes()).unwrap();
    assert_eq!(serde_json::to_value(&things).unwrap(), *body);
    things
}

fn thing(body: &str) -> Thing {
    from_slice(body.as_bytes()).unwrap()
}

#[test]
fn setting_a_field_replaces_its_mismatched_value() {
    let mut thing = thing(r#"{"id": "one", "size": "large"}"#);
    assert_eq!((thing.size, &thing.extra["size"]), (None, &"large".into()));
    thing.size = Some(5);
    assert_eq!(
        serde_json::to_string(&thing).unwrap(),
        r#"{"id":"one","size":5}"#
    );
}

#[test]
fn a_list_stores_mismatched_items_by_index() {
    let mut things = things(&json!({"data": [null, {"id": "one"}, 7, {"id": "two"}, []]}));
    let ids: Vec<_> = things.data.iter().map(|thing| thing.id.as_str()).collect();
    assert_eq!(ids, ["one", "two"]);
    assert_eq!(things.extra["data"], json!({"0": null, "2": 7, "4": []}));
    things.data.truncate(1);
    assert_eq!(
        serde_json::to_value(&things).unwrap(),
        json!({"data": [null, {"id": "one"}, 7, []]})
    );
}

#[test]
fn a_list_without_matching_items_is_stored_unchanged() {
    let things = things(&json!({"data": [null, 7]}));
    assert!(things.data.is_empty());
    assert_eq!(things.extra["data"], json!([null, 7]));
}

#[test]
fn more_than_ten_mismatched_items_keep_their_order() {
    let mut items: Vec<_> = (0..24).map(|number| json!(number)).collect();
    items.insert(3, json!({"id": "one"}));
    assert_eq!(things(&json!({"data": items})).data.len(), 1);
}

#[test]
fn an_object_in_place_of_a_list_is_not_read_as_mismatched_items() {
    let mut things = things(&json!({"data": {"a": 1}}));
    things.data = vec![thing(r#"{"id": "one"}"#)];
    assert_eq!(
        serde_json::to_value(&things).unwrap(),
        json!({"data": [{"id": "one"}]})
    );
}

#[test]
fn an_item_without_a_required_field_is_an_error() {
    let error = from_slice::<Things>(br#"{"data": [null, {"size": 1}]}"#).unwrap_err();
    assert!(error.to_string().starts_with("data[1]"), "{error}");
}

#[test]
fn a_map_stores_mismatched_items_by_key() {
    let mut things = things(&json!({"sizes": {"a": 1, "b": "large", "c": 3}}));
    assert_eq!(things.sizes.len(), 2);
    assert_eq!(things.extra["sizes"], json!({"b": "large"}));
    things.sizes.insert("b".to_owned(), 2);
    assert_eq!(
        serde_json::to_value(&things).unwrap(),
        json!({"sizes": {"a": 1, "b": 2, "c": 3}})
    );
}

#[test]
fn the_last_value_of_a_repeated_key_wins() {
    let body = br#"{"data": [{"id": "one"}, 7], "data": [{"id": "two"}], "sizes": {"a": "large", "a": 1}}"#;
    let things: Things = from_slice(body).unwrap();
    assert_eq!(things.data[0].id, "two");
    assert_eq!(things.sizes["a"], 1);
    assert!(things.extra.is_empty());
}

#[test]
fn null_is_an_item_of_an_untyped_list() {
    let things = things(&json!({"any": [null, 1]}));
    assert_eq!(things.any, [Value::Null, 1.into()]);
    assert!(things.extra.is_empty());
}

#[test]
fn an_empty_list_is_an_empty_map_and_vice_versa() {
    let body = br#"{"data": {}, "sizes": []}"#;
    let things: Things = from_slice(body).unwrap();
    assert!(things.data.is_empty() && things.sizes.is_empty() && things.extra.is_empty());
    assert!(from_slice::<Vec<Thing>>(b"{}").unwrap().is_empty());
    assert!(from_slice::<List<Thing>>(b"{}").unwrap().is_empty());
    assert!(from_slice::<Vec<Thing>>(b"7").is_err());
}

#[test]
fn a_top_level_list_keeps_its_mismatched_items() {
    for body in ["[]", "[null]", r#"[{"id":"one"},null,{"id":"two"}]"#] {
        let list: List<Thing> = from_slice(body.as_bytes()).unwrap();
        assert_eq!(serde_json::to_string(&list).unwrap(), body);
    }
}

#[test]
fn a_mismatched_secret_in_a_list_is_redacted() {
    for keys in [
        json!(["canary", ["canary"]]),
        json!("canary"),
        json!([["canary"]]),
    ] {
        let body = json!({"keys": keys}).to_string();
        let things: Things = from_slice(body.as_bytes()).unwrap();
        let encoded = serde_json::to_string(&things).unwrap();
        assert!(!encoded.contains("canary"), "{encoded}");
    }
}

#[test]
fn a_mismatched_secret_is_redacted() {
    let thing = thing(r#"{"id": "one", "key": {"value": "canary"}}"#);
    assert!(thing.key.is_none());
    assert!(!serde_json::to_string(&thing).unwrap().contains("canary"));
}

#[test]
fn an_error_contains_the_path_but_no_value() {
    let error = from_slice::<Vec<Thing>>(br#"[{"id": "one"}, {"id": 7}]"#).unwrap_err();
    let message = error.to_string();
    assert!(
        message.starts_with("[1]: expected a string for `id`, found a number"),
        "{message}"
    );
    let error = from_slice::<Thing>(b"{} {}").unwrap_err().to_string();
    assert!(error.contains("missing field `id`"), "{error}");
}
