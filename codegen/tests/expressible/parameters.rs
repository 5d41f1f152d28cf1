//! Paths and their parameters, query parameters and headers.

use serde_json::{Value, json};

use crate::{assert_contains, assert_error, generate, path_parameter, reference};

/// Returns the error of `GET /things/{id}` with these parameters.
fn parameter_error(parameters: Value) -> Option<String> {
    let mut all = vec![path_parameter("id")];
    all.extend(parameters.as_array().cloned().unwrap());
    let schemas = json!({
        "Part": {"type": "object", "properties": {"a": {"type": "string"}}},
        "Either": {"oneOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
        "Sort": {"type": "string", "enum": ["asc", "desc"]},
    });
    let paths = json!({"/things/{id}": {"get": {"parameters": all}}});
    generate(paths, schemas)
        .err()
        .map(|error| error.to_string())
}

#[test]
fn parameters_can_be_parts_of_a_segment() {
    let item = |names: &[&str]| {
        let parameters: Vec<Value> = names.iter().map(|name| path_parameter(name)).collect();
        json!({"get": {"parameters": parameters}})
    };
    let paths = json!({
        "/odd/{sid}.json": item(&["sid"]),
        "/odd/{sid}": item(&["sid"]),
        "/odd/all.json": item(&[]),
        "/odd/{a}-v{b}:copy/x": item(&["a", "b"]),
    });
    let code = generate(paths, json!({})).unwrap();
    assert_contains(
        &code,
        &[
            r#"Segment::Template{parts:&[Part::Parameter("sid"),Part::Literal(".json")],reserved:&["all.json"],}"#,
            r#"Segment::Parameter{name:"sid",reserved:&["all.json","{}-v{}:copy","{}.json"],}"#,
            r#"parts:&[Part::Parameter("a"),Part::Literal("-v"),Part::Parameter("b"),Part::Literal(":copy"),],reserved:&[]"#,
            "pubfnoperation_3(&self,a:implInto<String>,b:implInto<String>,)",
        ],
    );
}

#[test]
fn paths_and_their_parameters_must_agree() {
    for (path, names, expected) in [
        (
            "/things/{id}",
            vec![],
            "the path parameter `id` is not declared",
        ),
        ("/things", vec!["id"], "the path has no parameter `id`"),
        (
            "/things/{a}{b}",
            vec!["a", "b"],
            "the parameters of `{a}{b}` have no separator",
        ),
        ("/things/{a", vec![], "the braces of `{a` do not match"),
        (
            "/things/{a}/{a}",
            vec!["a"],
            "the path has two parameters `a`",
        ),
    ] {
        let parameters: Vec<Value> = names.into_iter().map(path_parameter).collect();
        let result = generate(
            json!({(path): {"get": {"parameters": parameters}}}),
            json!({}),
        );
        assert_error(result, &[&format!("GET {path}: {expected}")]);
    }
}

#[test]
fn path_parameter_without_required_is_required() {
    let parameter = json!({"name": "id", "in": "path", "schema": {"type": "string"}});
    let paths = json!({"/things/{id}": {"get": {"parameters": [parameter]}}});
    assert_contains(
        &generate(paths, json!({})).unwrap(),
        &["id: impl Into<String>"],
    );
}

#[test]
fn timestamp_in_a_path_is_formatted_as_in_a_query() {
    let schema = json!({"type": "string", "format": "date-time"});
    let parameter = json!({"name": "at", "in": "path", "required": true, "schema": schema});
    let paths = json!({"/things/{at}": {"get": {"parameters": [parameter]}}});
    let code = generate(paths, json!({})).unwrap();
    assert_contains(&code, &["vec![crate::parameters::timestamp(at.into())]"]);
}

// --- parameters ---

#[test]
fn parameters_that_cannot_be_sent_are_reported() {
    let list = json!({"type": "array", "items": {"type": "string"}});
    for (parameter, expected) in [
        (
            json!({"name": "filter", "in": "query", "style": "deepObject", "schema": {"type": "object"}}),
            "query parameter `filter`: the style `deepObject` is not supported",
        ),
        (
            json!({"name": "ids", "in": "query", "style": "pipeDelimited", "schema": list}),
            "query parameter `ids`: the style `pipeDelimited` is not supported",
        ),
        (
            json!({"name": "session", "in": "cookie", "schema": {"type": "string"}}),
            "cookie parameter `session`: only path, query and header parameters are supported",
        ),
        (
            json!({"name": "id", "in": "query", "schema": {"type": "string"}}),
            "the parameters `id` and `id` both map to the Rust name `id` of a parameter",
        ),
        (
            json!({"name": "part", "in": "query", "schema": reference("Part")}),
            "query parameter `part`: an object with fields is not supported",
        ),
        (
            json!({"name": "part", "in": "query", "schema": reference("Either")}),
            "query parameter `part`: a union is not supported",
        ),
        (
            json!({"name": "any", "in": "query", "schema": {}}),
            "query parameter `any`: a value without a type is not supported",
        ),
        (
            json!({"name": "map", "in": "query", "schema": {"additionalProperties": {"type": "string"}, "type": "object"}}),
            "query parameter `map`: a map is not supported",
        ),
        (
            json!({"name": "lists", "in": "query", "schema": {"type": "array", "items": list}}),
            "query parameter `lists`: a list of lists or objects is not supported",
        ),
        (
            json!({"name": "X-Ids", "in": "header", "schema": list}),
            "header parameter `X-Ids`: a list is not supported",
        ),
        (
            json!({"name": "X Id", "in": "header", "schema": {"type": "string"}}),
            "header parameter `X Id`: is not a valid header name",
        ),
        (
            json!({"name": "filter", "in": "query", "content": {"application/json": {"schema": {}}}}),
            "parameter `filter`: `content` is not supported; expected `schema`",
        ),
    ] {
        let error = parameter_error(json!([parameter])).unwrap();
        assert_eq!(
            error,
            format!("GET /things/{{id}}: {expected}"),
            "{parameter}"
        );
    }
    let list_in_path = json!({"name": "ids", "in": "path", "required": true, "schema": list});
    let paths = json!({"/things/{ids}": {"get": {"parameters": [list_in_path]}}});
    assert_error(
        generate(paths, json!({})),
        &["GET /things/{ids}: path parameter `ids`: a list is not supported"],
    );
}

#[test]
fn parameters_that_can_be_sent_are_accepted() {
    for parameter in [
        json!({"name": "sort", "in": "query", "schema": reference("Sort")}),
        json!({"name": "sorts", "in": "query", "schema": {"type": "array", "items": reference("Sort")}}),
        json!({"name": "2fa", "in": "query", "schema": {"type": "boolean"}}),
        json!({"name": "self", "in": "query", "schema": {"type": "string"}}),
        json!({"name": "gen", "in": "query", "schema": {"type": "integer"}}),
        json!({"name": "send", "in": "query", "schema": {"type": "string"}}),
        json!({"name": "filter", "in": "query", "style": "form", "schema": {"type": "object"}}),
        // OpenAPI says to ignore it.
        json!({"name": "Content-Type", "in": "header", "schema": reference("Part")}),
    ] {
        assert_eq!(parameter_error(json!([parameter])), None, "{parameter}");
    }
}

#[test]
fn header_names_are_sent_in_lower_case_and_numbers_stay_in_the_header() {
    let number = json!({"name": "X-Rate", "in": "header", "schema": {"type": "number"}});
    let paths = json!({"/things": {"get": {"parameters": [number]}}});
    let code = generate(paths, json!({})).unwrap();
    assert_contains(
        &code,
        &[r#"self.call.parameters.header("x-rate", value.to_string())"#],
    );
}

#[test]
fn parameters_with_one_setter_are_reported() {
    for (first, second) in [
        ("page-size", "page_size"),
        ("send", "send_"),
        ("pageSize", "page_size"),
    ] {
        let query = |name: &str| json!({"name": name, "in": "query", "schema": {"type": "string"}});
        let error = parameter_error(json!([query(first), query(second)])).unwrap();
        let expected = format!("the parameters `{first}` and `{second}` both map to");
        assert_contains(&error, &["GET /things/{id}: ", &expected]);
    }
    let header = json!({"name": "x-portkey-tag", "in": "header", "schema": {"type": "string"}});
    let query = json!({"name": "tag", "in": "query", "schema": {"type": "string"}});
    let error = parameter_error(json!([header, query])).unwrap();
    assert_contains(
        &error,
        &["`x-portkey-tag` and `tag` both map to the Rust name `tag` of a setter"],
    );
}
