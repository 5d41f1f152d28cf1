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

response_object! {
    Thing { id "id" required String, size "size" optional i64, key "key" optional Secret, }
    redacted { "key" Secret, }
}

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
        data "data" or_default Vec<Thing>,
        sizes "sizes" or_default BTreeMap<String, i64>,
        keys "keys" or_default Vec<Secret>,
        any "any" or_default Vec<Value>,
    }
    redacted { "data" Vec<Thing>, "keys" Vec<Secret>, }
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
fn an_item_that_cannot_be_decoded_is_a_mismatched_item() {
    let odd = json!({"size": 1, "other": [1]});
    for (list, mismatched_items) in [
        (
            json!([{"id": "one"}, odd, {"id": "two"}]),
            json!({"1": odd}),
        ),
        (
            json!([null, odd, {"id": "one"}]),
            json!({"0": null, "1": odd}),
        ),
        (json!([{"id": 7}, {"id": "one"}]), json!({"0": {"id": 7}})),
        (json!([odd]), json!([odd])),
    ] {
        let things = things(&json!({"data": list}));
        assert_eq!(things.extra["data"], mismatched_items, "{list}");
        let list: List<Thing> = from_slice(list.to_string().as_bytes()).unwrap();
        assert_eq!(list.items.len(), things.data.len());
    }
}

#[derive(Debug)]
struct Groups {
    groups: Vec<Group>,
    by_name: BTreeMap<String, Thing>,
    any: Vec<Either>,
    extra: JsonObject,
}

#[derive(Debug)]
struct Group {
    id: String,
    things: Vec<Thing>,
    keys: Vec<Secret>,
    extra: JsonObject,
}

#[derive(Debug, serde::Serialize)]
#[serde(untagged)]
enum Either {
    Name(String),
    Thing(Box<Thing>),
}

response_object! {
    Groups {
        groups "groups" or_default Vec<Group>,
        by_name "by_name" or_default BTreeMap<String, Thing>,
        any "any" or_default Vec<Either>,
    }
    redacted { "groups" Vec<Group>, "by_name" BTreeMap<String, Thing>, "any" Vec<Either>, }
}
response_object! {
    Group {
        id "id" required String,
        things "things" or_default Vec<Thing>,
        keys "keys" or_default Vec<Secret>,
    }
    redacted { "things" Vec<Thing>, "keys" Vec<Secret>, }
}
super::response_union! { Either { Name String, Thing Object, } }

fn groups(body: &Value) -> Groups {
    let groups: Groups = from_slice(body.to_string().as_bytes()).unwrap();
    assert_eq!(serde_json::to_value(&groups).unwrap(), *body);
    groups
}

#[test]
fn the_innermost_list_or_map_retains_an_odd_item() {
    let groups = groups(&json!({
        "groups": [{"id": "a", "things": [{"id": "one"}, {"size": 2}]}],
        "by_name": {"one": {"id": "one"}, "odd": {"size": 1}},
        "any": ["one", {"id": "one"}, {"size": 1}],
    }));
    assert_eq!(groups.groups[0].things.len(), 1);
    assert_eq!(groups.groups[0].extra["things"], json!({"1": {"size": 2}}));
    assert_eq!(groups.by_name.len(), 1);
    assert_eq!(groups.extra["by_name"], json!({"odd": {"size": 1}}));
    assert_eq!(groups.any.len(), 2);
    assert_eq!(groups.extra["any"], json!({"2": {"size": 1}}));
}

#[test]
fn an_odd_value_outside_of_lists_and_maps_is_an_error() {
    let error = from_slice::<Thing>(br#"{"size": 1, "other": [{}]}"#).unwrap_err();
    assert!(error.to_string().contains("missing field `id`"), "{error}");
}

#[test]
fn the_secrets_of_an_odd_item_are_redacted() {
    let odd = json!({"key": "canary", "size": 1, "b": null});
    let group = json!({"keys": ["canary"], "things": [odd]});
    let body = json!({"groups": [group], "by_name": {"a": odd}, "any": [odd, "one"]});
    let groups: Groups = from_slice(body.to_string().as_bytes()).unwrap();
    let encoded = serde_json::to_value(&groups).unwrap();
    assert!(!encoded.to_string().contains("canary"), "{encoded}");
    assert_eq!(encoded["by_name"]["a"]["key"], "[redacted]");
    assert_eq!(encoded["any"][0]["size"], 1);
    assert_eq!(encoded["groups"][0]["keys"], json!(["[redacted]"]));
}

#[test]
fn the_retention_of_odd_items_ends_with_the_body() {
    from_slice::<Things>(br#"{"data": [{}]}"#).unwrap();
    let strict: Result<Things, _> = serde_json::from_str(r#"{"data": [{}]}"#);
    assert!(strict.is_err());
}

#[test]
fn valid_json_that_serde_json_rejects_loses_nothing() {
    let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    for (value, expected) in [
        (r#""half \ud83d""#.to_owned(), json!("half \u{fffd}")),
        ("1e400".to_owned(), json!("1e400")),
        (
            "123456789012345678901234567890".to_owned(),
            json!("123456789012345678901234567890"),
        ),
    ] {
        let body = format!(
            r#"{{"new": {value}, "data": [{{"id": "one", "new": {value}}}, {{"size": 1}}], "any": [{value}]}}"#
        );
        let things: Things = from_slice(body.as_bytes()).unwrap();
        assert_eq!(things.extra["new"], expected);
        assert_eq!(things.data[0].extra["new"], expected);
        assert_eq!(things.any[0], expected);
        assert_eq!(things.extra["data"], json!({"1": {"size": 1}}));
    }
    for depth in [126, 127, 128, 200, 100_000] {
        let deep = nested(depth);
        let body = format!(r#"{{"data": [{{"id": "one", "new": {deep}}}], "new": {deep}}}"#);
        let things: Things = from_slice(body.as_bytes()).unwrap();
        assert_eq!(things.data[0].id, "one");
        let kept = things.extra["new"].to_string() + &things.data[0].extra["new"].to_string();
        assert_eq!(kept.matches('[').count(), 2 * depth);
    }
    let name: Thing = from_slice(br#"{"id": "half \ud83d", "size": 1e400}"#).unwrap();
    assert_eq!(name.id, "half \u{fffd}");
    assert_eq!(name.extra["size"], "1e400");
}

#[test]
fn a_byte_order_mark_is_ignored() {
    assert_eq!(thing("\u{feff}{\"id\": \"one\"}").id, "one");
    assert_eq!(thing("\u{feff}{\"id\": \"one\", \"a\": 1e400}").id, "one");
    let list: List<Thing> = from_slice("\u{feff}[]".as_bytes()).unwrap();
    assert!(list.is_empty());
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
fn the_last_value_of_a_repeated_unknown_field_wins() {
    for (body, expected) in [
        (r#"{"id": "a", "new": 1, "new": null}"#, None),
        (r#"{"id": "a", "new": null, "new": 1}"#, Some(json!(1))),
        (
            r#"{"id": "a", "new": 1, "other": 2, "new": {"b": 1, "b": null}}"#,
            Some(json!({"b": null})),
        ),
        (r#"{"id": "a", "new": [1e400], "new": null}"#, None),
    ] {
        assert_eq!(thing(body).extra.get("new"), expected.as_ref(), "{body}");
    }
    let body =
        br#"{"sizes": {"a": 1, "a": null, "b": "large", "b": null}, "data": [7], "data": null}"#;
    let things: Things = from_slice(body).unwrap();
    assert!(
        things.sizes.is_empty() && things.extra.is_empty(),
        "{things:?}"
    );
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
    let error = from_slice::<Thing>(br#"{"id": 7, "size": "canary"}"#).unwrap_err();
    let message = error.to_string();
    assert!(
        message.starts_with("expected a string for `id`, found a number"),
        "{message}"
    );
    let error = from_slice::<Thing>(b"{} {}").unwrap_err().to_string();
    assert!(error.contains("missing field `id`"), "{error}");
}
