//! Every operation is generated correctly, or reported with the reason.

#![allow(clippy::unwrap_used)]

use portkey_admin_codegen::{Manifest, Patched, Result, Source, document, generate, lower};
use serde_json::{Value, json};

/// Returns a patched document with these paths and schemas. The ids of the operations are
/// `operation_0`, `operation_1`, … unless there is an `operationId`.
fn patched(paths: Value, schemas: Value) -> Patched {
    let document = json!({
        "openapi": "3.0.3",
        "info": {"version": "1"},
        "paths": paths,
        "components": {"schemas": schemas},
    });
    let mut entries = serde_json::Map::new();
    for (index, (path, method, operation)) in document::operations(&document).enumerate() {
        let id = operation["operationId"].as_str().map(str::to_owned);
        let entry = json!({
            "id": id.unwrap_or_else(|| format!("operation_{index}")),
            "summary": "S.",
            "plane": "control",
            "area": "things",
            "retry": "safe",
            "status": "works",
            "evidence": {"by": "document"},
        });
        let key = format!("{} {path}", method.to_uppercase());
        entries.insert(key, entry);
    }
    let manifest = Manifest::parse(&Source {
        name: "operations.yaml".into(),
        text: Value::Object(entries).to_string(),
    });
    Patched {
        document,
        manifest: manifest.unwrap(),
        path_outcomes: Vec::new(),
    }
}

/// Generates the code, without the module path of its types.
fn generate(paths: Value, schemas: Value) -> Result<String> {
    let patched = patched(paths, schemas);
    let lowered = lower::lower(&patched)?;
    let tokens = generate::tokens(&patched, &lowered, &patched.manifest.areas())?;
    let code = prettyplease::unparse(&syn::parse2(tokens).unwrap());
    Ok(code.replace("crate::things::", ""))
}

/// Returns the code of one operation with a request body and a response.
fn generate_body(request: Value, response: Value, schemas: Value) -> Result<String> {
    let body = |schema: Value| json!({"content": {"application/json": {"schema": schema}}});
    let operation = json!({"requestBody": body(request), "responses": {"200": body(response)}});
    generate(json!({"/things": {"post": operation}}), schemas)
}

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

fn path_parameter(name: &str) -> Value {
    json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}})
}

fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

fn object(properties: Value) -> Value {
    json!({"type": "object", "properties": properties})
}

/// Checks that a text contains these parts, regardless of white space and trailing commas.
#[track_caller]
fn assert_contains(text: &str, parts: &[&str]) {
    let squash = |text: &str| {
        let text = text.replace([' ', '\n'], "");
        text.replace(",}", "}")
            .replace(",]", "]")
            .replace(",)", ")")
    };
    let squashed = squash(text);
    for part in parts {
        assert!(
            squashed.contains(&squash(part)),
            "`{part}` is not in\n{text}"
        );
    }
}

#[track_caller]
fn assert_error(result: Result<String>, parts: &[&str]) {
    assert_contains(&result.unwrap_err().to_string(), parts);
}

// --- names of types ---

#[test]
fn different_schemas_with_one_rust_name_are_reported_with_both_places() {
    let both = json!({
        "OddThing": object(json!({"alpha": {"type": "string"}})),
        "odd_thing": object(json!({"beta": {"type": "string"}})),
    });
    let response = object(json!({"a": reference("OddThing"), "b": reference("odd_thing")}));
    let result = generate_body(json!({}), response, both);
    assert_error(
        result,
        &[
            "POST /things: #/components/schemas/odd_thing: `OddThing` already names a different schema",
            "at #/components/schemas/OddThing",
        ],
    );
    // An `x-name`, and the name of a body.
    let given = json!({
        "A": {"type": "object", "x-name": "Same", "properties": {"a": {"type": "string"}}},
        "Same": object(json!({"b": {"type": "string"}})),
    });
    let response = object(json!({"a": reference("A"), "b": reference("Same")}));
    let result = generate_body(json!({}), response, given);
    assert_error(
        result,
        &[
            "#/components/schemas/Same: `Same` already",
            "#/components/schemas/A",
        ],
    );
    let body = json!({"Operation0Response": object(json!({"b": {"type": "string"}}))});
    let response = object(json!({"b": reference("Operation0Response")}));
    let result = generate_body(json!({}), response, body);
    assert_error(
        result,
        &["response: `Operation0Response` already names a different schema"],
    );
}

#[test]
fn property_schema_does_not_get_the_type_of_a_component_of_its_name() {
    let schemas = json!({
        "A": object(json!({"part": object(json!({"x": {"type": "string"}}))})),
        "Part": object(json!({"y": {"type": "string"}})),
    });
    let inner = json!({"$ref": "#/components/schemas/A/properties/part"});
    let response = object(json!({"a": inner, "b": reference("Part")}));
    assert_error(
        generate_body(json!({}), response, schemas),
        &["`Part` already names a different schema, at #/components/schemas/A/properties/part"],
    );
}

#[test]
fn equal_schemas_share_a_rust_name() {
    let thing = object(json!({"alpha": {"type": "string"}, "next": reference("OddThing")}));
    let other = object(json!({"alpha": {"type": "string"}, "next": reference("odd_thing")}));
    let response = object(json!({"a": reference("OddThing"), "b": reference("odd_thing")}));
    let schemas = json!({"OddThing": thing, "odd_thing": other});
    let code = generate_body(json!({}), response, schemas).unwrap();
    assert_eq!(code.matches("pub struct OddThing").count(), 1);
    assert_contains(
        &code,
        &[
            "pub a: Option<Box<OddThing>>",
            "pub b: Option<Box<OddThing>>",
        ],
    );
}

#[test]
fn request_variant_does_not_replace_a_schema_of_its_name() {
    let schemas = json!({
        "Part": object(json!({"a": {"type": "string"}})),
        "PartInput": object(json!({"b": {"type": "string"}})),
    });
    let request = object(json!({"a": reference("Part"), "b": reference("PartInput")}));
    assert_error(
        generate_body(request, reference("Part"), schemas),
        &["schema `PartInput`: the name is that of the request variant of the schema `Part`"],
    );
}

#[test]
fn builders_do_not_have_the_name_of_a_type() {
    let schemas = json!({
        "Part": object(json!({"a": {"type": "string"}})),
        "PartBuilder": object(json!({"b": {"type": "string"}})),
    });
    let response = reference("PartBuilder");
    assert_error(
        generate_body(reference("Part"), response, schemas),
        &["POST /things: type `PartBuilder`: is also the name of a request builder"],
    );
    let schemas = json!({"Operation0": object(json!({"b": {"type": "string"}}))});
    assert_error(
        generate_body(json!({}), reference("Operation0"), schemas),
        &["POST /things: the builder `Operation0` has the name of a type"],
    );
}

#[test]
fn schemas_named_like_our_types_are_types_of_their_own() {
    for name in [
        "Secret",
        "Value",
        "Map",
        "BTreeMap",
        "DateTime",
        "JsonObject",
        "List",
        "Patch",
    ] {
        let schemas = json!({(name): object(json!({"label": {"type": "string"}}))});
        let response = object(json!({
            "one": reference(name),
            "many": {"type": "array", "items": reference(name)},
            "any": {},
            "key": {"type": "string", "format": "secret"},
        }));
        let code = generate_body(reference(name), response, schemas).unwrap();
        assert_contains(
            &code,
            &[
                &format!("pub one: Option<{name}>"),
                &format!("pub many: Vec<{name}>"),
                &format!("pub struct {name} {{"),
                "pub label: Option<String>",
                "pub any: Option<serde_json::Value>",
                "pub key: Option<crate::Secret>",
                &format!("{name}Input, M>"),
            ],
        );
    }
}

#[test]
fn schemas_named_like_types_of_rust_are_reported() {
    for name in [
        "Option", "String", "Vec", "Box", "Result", "Default", "Error", "Self", "Response",
    ] {
        let schemas = json!({(name): object(json!({"label": {"type": "string"}}))});
        let expected = format!(
            "POST /things: #/components/schemas/{name}: the type name `{name}` is reserved"
        );
        let response = object(json!({"a": reference(name)}));
        assert_error(generate_body(json!({}), response, schemas), &[&expected]);
        // `x-name` resolves it.
        let schemas = json!({(name): {"x-name": "Thing", "properties": {"a": {"type": "string"}}}});
        let response = object(json!({"a": reference(name)}));
        generate_body(json!({}), response, schemas).unwrap();
    }
    for (name, problem) in [
        ("1st", "is not a valid Rust type name"),
        ("%", "is not a valid Rust"),
    ] {
        let schemas = json!({(name): object(json!({"label": {"type": "string"}}))});
        let response = object(json!({"a": {"$ref": format!("#/components/schemas/{name}")}}));
        assert_error(generate_body(json!({}), response, schemas), &[problem]);
    }
    let schemas = json!({"A": {"x-name": "HTTPThing", "properties": {"a": {"type": "string"}}}});
    let response = object(json!({"a": reference("A")}));
    assert_error(
        generate_body(json!({}), response, schemas),
        &["`HTTPThing` is not in upper camel case; expected `HttpThing`"],
    );
}

#[test]
fn names_with_single_letters_are_generated() {
    let inline = json!({"a_b_test": object(json!({"a_b_test": {"type": "string"}}))});
    let code = generate_body(json!({}), object(inline), json!({})).unwrap();
    assert_contains(&code, &["pub a_b_test: Option<Operation0ResponseAbTest>"]);
    let schemas = json!({"x_y_z": object(json!({"a": {"type": "string"}}))});
    let code = generate_body(json!({}), object(json!({"a": reference("x_y_z")})), schemas).unwrap();
    assert_contains(&code, &["pub a: Option<Xyz>"]);
}

// --- paths ---

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

// --- types ---

#[test]
fn values_with_one_variant_are_reported() {
    for values in [
        json!(["asc", "ASC", "desc"]),
        json!(["a-b", "a_b"]),
        json!(["", "%"]),
    ] {
        let response = object(json!({"sort": {"type": "string", "enum": values}}));
        assert_error(
            generate_body(json!({}), response, json!({})),
            &[
                "POST /things: type `Operation0ResponseSort`: the values `",
                "both map to the Rust name",
            ],
        );
    }
}

#[test]
fn any_value_of_a_discriminator_becomes_a_variant() {
    let variant = |value: &str, field: &str| {
        object(json!({"date": {"type": "string", "enum": [value]}, (field): {"type": "string"}}))
    };
    let union = json!({"oneOf": [variant("2024-01-01", "a"), variant("self", "b")]});
    let code = generate_body(json!({}), object(json!({"u": union})), json!({})).unwrap();
    assert_contains(&code, &["X20240101(Box<", "Self_(Box<"]);
    let union = json!({"oneOf": [variant("a-b", "a"), variant("a_b", "b")]});
    assert_error(
        generate_body(json!({}), object(json!({"u": union})), json!({})),
        &["the values `a-b` and `a_b` both map to the Rust name `AB` of a variant"],
    );
}

#[test]
fn fields_that_collide_in_rust_are_reported() {
    for (fields, expected) in [
        (
            json!({"userId": {}, "user_id": {}}),
            "`userId` and `user_id` both map to the Rust name `user_id` of a field",
        ),
        (json!({"extra": {}}), "the field name `extra` is reserved"),
        (
            json!({"problem": {}}),
            "the field name `problem` is reserved",
        ),
        (
            json!({"build": {}, "build_": {}}),
            "both map to the Rust name",
        ),
        (
            json!({"a": {"type": "string", "x-clear": "null"}, "clear_a": {"type": "string"}}),
            "`a` and `clear_a` both map to the Rust name `clear_a` of a setter",
        ),
        (
            json!({"a": {"type": "array", "items": {"type": "string"}}, "maybe_a": {"type": "string"}}),
            "`a` and `maybe_a` both map to the Rust name `maybe_a` of a setter",
        ),
    ] {
        let result = generate_body(object(fields), json!({}), json!({}));
        assert_error(
            result,
            &["POST /things: type `Operation0Request`: ", expected],
        );
    }
    // Only the builder of a request has these names.
    let response = object(json!({"problem": {}, "build": {}}));
    generate_body(json!({}), response, json!({})).unwrap();
}

#[test]
fn required_field_must_be_a_property() {
    let request = json!({"type": "object", "required": ["b"], "properties": {"a": {}}});
    assert_error(
        generate_body(request, json!({}), json!({})),
        &["type `Operation0Request`: requires `b`, which it does not have"],
    );
    let response = json!({"type": "object", "x-always": ["b"], "properties": {"a": {}}});
    assert_error(
        generate_body(json!({}), response, json!({})),
        &["type `Operation0Response`: requires `b`, which it does not have"],
    );
}

#[test]
fn every_operation_that_cannot_be_generated_is_reported() {
    let cookie =
        json!({"parameters": [{"name": "a", "in": "cookie", "schema": {"type": "string"}}]});
    let form = json!({"requestBody": {"content": {"text/plain": {}}}});
    let paths = json!({
        "/a": {"get": cookie},
        "/b": {"get": {}, "post": form},
        "/c/{id}": {"get": {"parameters": []}},
    });
    let error = generate(paths, json!({})).unwrap_err();
    let lines: Vec<String> = error.split().map(|error| error.to_string()).collect();
    assert_eq!(lines.len(), 3, "{lines:#?}");
    for key in ["GET /a: ", "POST /b: ", "GET /c/{id}: "] {
        assert!(lines.iter().any(|line| line.starts_with(key)), "{lines:#?}");
    }
}

// --- allOf ---

/// Returns the Rust type of a required request field with this schema.
fn field_type(schema: Value, schemas: Value) -> String {
    let request = json!({"type": "object", "required": ["s"], "properties": {"s": schema}});
    let code = generate_body(request, json!({}), schemas).unwrap();
    let (_, rest) = code.split_once("pub struct Operation0Request {").unwrap();
    let (_, rest) = rest.split_once("pub s: ").unwrap();
    rest.split([',', '\n']).next().unwrap().to_owned()
}

#[test]
fn all_of_keeps_the_type_of_its_parts() {
    let schemas = json!({
        "Text": {"type": "string"},
        "Sort": {"type": "string", "enum": ["asc", "desc"]},
        "Tags": {"type": "array", "items": {"type": "string"}},
        "Either": {"oneOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
        "Thing": object(json!({"a": {"type": "string"}})),
    });
    let words = json!({"description": "Words."});
    for (parts, expected) in [
        (json!([reference("Text"), words]), "String"),
        (json!([words, reference("Text")]), "String"),
        (json!([reference("Text"), {"maxLength": 5}]), "String"),
        (json!([{"type": "integer"}, {"minimum": 1}]), "i64"),
        (json!([{"type": "number"}, {"type": "integer"}]), "i64"),
        (json!([{"type": "boolean"}, words]), "bool"),
        (json!([reference("Tags"), words]), "Vec<String>"),
        (json!([reference("Sort"), words]), "Sort"),
        (
            json!([reference("Sort"), {"type": "string"}, words]),
            "Operation0RequestS",
        ),
        (json!([reference("Either"), words]), "Either"),
        (json!([reference("Thing"), words]), "Operation0RequestS"),
        (
            json!([{"allOf": [reference("Text"), words]}, words]),
            "String",
        ),
        (json!([words, words]), "crate::JsonObject"),
    ] {
        let schema = json!({"allOf": parts});
        assert_eq!(field_type(schema, schemas.clone()), expected, "{parts}");
    }
    let beside = json!({"allOf": [words], "type": "string"});
    assert_eq!(field_type(beside, schemas), "String");
}

#[test]
fn keywords_that_contradict_the_type_are_reported() {
    for (schema, expected) in [
        (
            json!({"type": "boolean", "properties": {"a": {}}}),
            "type: expected `object` beside properties, found `boolean`",
        ),
        (
            json!({"type": "array", "items": {}, "properties": {"a": {}}}),
            "type: expected `object` beside properties, found `array`",
        ),
        (
            json!({"type": "number", "enum": ["one", "two"]}),
            "type: expected `string` beside an enum of strings, found `number`",
        ),
    ] {
        let schemas = json!({"Thing": schema});
        let response = object(json!({"a": reference("Thing")}));
        assert_error(
            generate_body(json!({}), response, schemas),
            &["POST /things: ", expected],
        );
    }
}

#[test]
fn contradictory_all_of_is_reported() {
    let schemas = json!({"Text": {"type": "string"}});
    for part in [object(json!({"a": {}})), json!({"type": "integer"})] {
        let request = object(json!({"s": {"allOf": [reference("Text"), part]}}));
        assert_error(
            generate_body(request, json!({}), schemas.clone()),
            &[
                "POST /things: request body.s: allOf: cannot be a",
                "and a",
                "at the same time",
            ],
        );
    }
}

// --- recursion ---

#[test]
fn maps_and_lists_of_themselves_are_types() {
    for (schemas, expected) in [
        (
            json!({"J": {"type": "object", "additionalProperties": reference("J")}}),
            "crate::JsonObject".to_owned(),
        ),
        (
            json!({"J": {"type": "array", "items": reference("J")}}),
            "Vec<serde_json::Value>".to_owned(),
        ),
        (
            json!({
                "J": {"type": "array", "items": reference("K")},
                "K": {"type": "object", "additionalProperties": {"allOf": [reference("J")]}},
            }),
            "Vec<crate::JsonObject>".to_owned(),
        ),
    ] {
        let code = generate_body(json!({}), object(json!({"j": reference("J")})), schemas).unwrap();
        assert_contains(&code, &[&format!("pub j: {expected}")]);
    }
    let through_object =
        json!({"J": {"type": "array", "items": object(json!({"j": reference("J")}))}});
    generate_body(
        json!({}),
        object(json!({"j": reference("J")})),
        through_object,
    )
    .unwrap();
    let named = json!({
        "J": {"type": "array", "items": reference("S")},
        "S": object(json!({"j": reference("J")})),
    });
    let code = generate_body(json!({}), object(json!({"j": reference("J")})), named).unwrap();
    assert_contains(&code, &["pub j: Vec<S>"]);
}

#[test]
fn schemas_that_only_reference_themselves_are_reported() {
    for schemas in [
        json!({"J": {"allOf": [reference("J")]}}),
        json!({"J": {"allOf": [reference("K")]}, "K": {"oneOf": [reference("J")]}}),
    ] {
        assert_error(
            generate_body(json!({}), object(json!({"j": reference("J")})), schemas),
            &["POST /things: #/components/schemas/J: the schema is only a reference to itself"],
        );
    }
    let cycle = json!({"J": {"allOf": [reference("J"), object(json!({"a": {}}))]}});
    assert_error(
        generate_body(json!({}), object(json!({"j": reference("J")})), cycle),
        &["POST /things: #/components/schemas/J: ", "levels deep"],
    );
}

#[test]
fn deep_and_wide_schemas_are_reported() {
    let chain = (0..5_000).map(|index| {
        let next = object(json!({"next": reference(&format!("S{}", index + 1))}));
        (format!("S{index}"), next)
    });
    let last = (String::from("S5000"), json!({"type": "string"}));
    let schemas = Value::Object(chain.chain([last]).collect());
    assert_error(
        generate_body(json!({}), reference("S0"), schemas),
        &["POST /things: ", "more than 64 levels deep"],
    );
    // Each schema is twice the next one.
    let doubles = (0..30).map(|index| {
        let next = reference(&format!("S{}", index + 1));
        (format!("S{index}"), json!({"allOf": [next, next]}))
    });
    let last = (
        String::from("S30"),
        object(json!({"a": {"type": "string"}})),
    );
    let schemas = Value::Object(doubles.chain([last]).collect());
    assert_error(
        generate_body(json!({}), reference("S0"), schemas),
        &["POST /things: ", "expands to more than"],
    );
}

// --- media types ---

/// Returns the code or the error of an operation with these media types of body and response.
fn with_media_types(request: Option<&str>, response: Option<&str>) -> Result<String> {
    let content = |kind: &str| json!({"content": {(kind): {"schema": object(json!({"a": {"type": "string"}}))}}});
    let mut operation = json!({"responses": {"200": {}}});
    if let Some(kind) = request {
        operation["requestBody"] = content(kind);
        operation["requestBody"]["required"] = json!(true);
    }
    if let Some(kind) = response {
        operation["responses"]["200"] = content(kind);
    }
    generate(json!({"/things": {"post": operation}}), json!({}))
}

#[test]
fn bodies_that_are_not_json_are_reported() {
    for kind in [
        "application/x-www-form-urlencoded",
        "application/jsonl",
        "application/json-seq",
        "application/merge-patch+json",
        "text/plain",
    ] {
        assert_error(
            with_media_types(Some(kind), None),
            &[&format!(
                "POST /things: request body: expected `application/json`, found `{kind}`"
            )],
        );
    }
    for kind in [
        "application/jsonl",
        "application/json-seq",
        "text/csv",
        "application/octet-stream",
    ] {
        assert_error(
            with_media_types(None, Some(kind)),
            &[&format!(
                "POST /things: response: expected JSON, found `{kind}`"
            )],
        );
    }
}

#[test]
fn json_media_types_are_accepted() {
    for kind in [
        "application/json",
        "application/json; charset=utf-8",
        "Application/JSON",
    ] {
        let code = with_media_types(Some(kind), Some(kind)).unwrap();
        assert_contains(
            &code,
            &["Result<Operation0Response, crate::Error>", "pub fn body"],
        );
    }
    let code = with_media_types(None, Some("application/problem+json")).unwrap();
    assert_contains(&code, &["Result<Operation0Response, crate::Error>"]);
}

#[test]
fn body_without_a_schema_is_any_json() {
    let body = json!({"required": true, "content": {"application/json": {}}});
    let operation = json!({"requestBody": body, "responses": {"200": {}}});
    let code = generate(json!({"/things": {"post": operation}}), json!({})).unwrap();
    assert_contains(
        &code,
        &["pub fn body(mut self, value: impl Into<serde_json::Value>)"],
    );
}

// --- operations ---

#[test]
fn ids_must_be_rust_names() {
    for id in [
        "getThing",
        "get-thing",
        "type",
        "2nd",
        "get__thing",
        "_get",
        "",
    ] {
        let paths = json!({"/things": {"get": {"operationId": id}}});
        assert_error(
            generate(paths, json!({})),
            &["GET /things: ", "is not a Rust name in snake case"],
        );
    }
}

#[test]
fn ids_with_one_builder_are_reported() {
    let paths = json!({
        "/a": {"get": {"operationId": "get_a1"}},
        "/b": {"get": {"operationId": "get_a_1"}},
    });
    assert_error(
        generate(paths, json!({})),
        &["GET /b: the ids `get_a1` and `get_a_1` both map to the Rust type `GetA1`"],
    );
}

#[test]
fn modules_must_be_rust_names() {
    for (area, path, expected) in [
        (
            "my-area",
            "/things",
            "`my-area` is not a valid name of a module",
        ),
        (
            "types",
            "/things",
            "`types` is not a valid name of a module",
        ),
        (
            "gateway",
            "/v1.1/things",
            "`v1.1` is not a valid name of a module",
        ),
        ("gateway", "/{id}", "`` is not a valid name of a module"),
    ] {
        let parameters = match path {
            "/{id}" => json!([path_parameter("id")]),
            _ => json!([]),
        };
        let mut patched = patched(
            json!({(path): {"get": {"parameters": parameters}}}),
            json!({}),
        );
        let entry = json!({(format!("GET {path}")): {
            "id": "get", "summary": "S.", "plane": "control", "area": area, "retry": "safe",
            "status": "works", "evidence": {"by": "document"},
        }});
        patched.manifest = Manifest::parse(&Source {
            name: "m".into(),
            text: entry.to_string(),
        })
        .unwrap();
        let lowered = lower::lower(&patched).unwrap();
        let error = generate::tokens(&patched, &lowered, &patched.manifest.areas()).unwrap_err();
        assert_eq!(error.to_string(), format!("GET {path}: {expected}"));
    }
}

#[test]
fn document_without_a_version_is_generated() {
    let mut patched = patched(json!({"/things": {"get": {}}}), json!({}));
    for info in [json!({}), json!({"version": null}), json!({"version": 1.1})] {
        patched.document["info"] = info;
        let lowered = lower::lower(&patched).unwrap();
        generate::tokens(&patched, &lowered, &patched.manifest.areas()).unwrap();
    }
}
