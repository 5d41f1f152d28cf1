//! Requests are checked against the patched document before a handler sees them.
//!
//! Parameters and body of an operation become one object, `{path, query, body}`, and one compiled
//! JSON Schema; so every complaint comes with a place that names the field.

use std::collections::BTreeSet;

use jsonschema::error::ValidationErrorKind;
use jsonschema::{Draft, ValidationError, Validator};
use percent_encoding::percent_decode_str;
use portkey_admin_codegen::{document, json_schema};
use serde_json::{Map, Value, json};

use crate::redact;
use crate::response::ApiError;

/// How many complaints one error lists.
const MAX_ERRORS: usize = 3;

/// Of a body of more bytes only the first problem is looked for: a list of a million wrong items
/// would otherwise make a million complaints.
const LARGE_BODY: usize = 64 * 1024;

const FORM_CONTENT_TYPE: &str = "multipart/form-data";

/// Where the service takes a list of bodies as well as the one body of the document.
const ONE_OR_MORE: (&str, &str) = ("post", "/feedback");

/// The compiled check of one operation.
pub(crate) struct Check {
    validator: Validator,
    path: Vec<Parameter>,
    query: Vec<Parameter>,
    /// The fields of a form.
    form: Vec<Parameter>,
    body: BodyKind,
    /// What the document says of the body.
    body_schema: Value,
}

/// A request that was read and not checked yet.
#[derive(Debug)]
pub(crate) struct UncheckedRequest {
    /// `{path, query, body}`.
    request: Value,
    /// Why there is no body to check.
    problem: Option<ApiError>,
    is_large: bool,
}

/// A path or query parameter: what its text may stand for.
struct Parameter {
    name: String,
    schema: Value,
    required: bool,
    type_names: TypeNames,
    /// The types of an array's items.
    items: TypeNames,
    /// Whether an array's items are separated by commas instead of repeating the name.
    is_comma_separated: bool,
}

/// JSON types, by name.
type TypeNames = BTreeSet<String>;

#[derive(Clone, Copy, PartialEq, Eq)]
enum BodyKind {
    /// The operation declares no JSON body.
    Undeclared,
    Optional,
    Required,
}

impl Check {
    /// Compiles the check of an operation; `method` is in lower case.
    pub(crate) fn new(document: &Value, method: &str, path: &str) -> Result<Self, String> {
        let item = &document["paths"][path];
        let parameters =
            parameters(document, item, &item[method]).map_err(|error| error.to_string())?;
        let (body, mut body_schema) =
            body_schema(document, &item[method]).map_err(|error| error.to_string())?;
        if (method, path) == ONE_OR_MORE {
            let list = json!({"type": "array", "items": body_schema, "minItems": 1});
            body_schema = json!({"oneOf": [body_schema, list]});
        }
        let mut parts = vec![
            ("path", object_schema(&parameters.0), true),
            ("query", object_schema(&parameters.1), true),
        ];
        if body != BodyKind::Undeclared {
            parts.push(("body", body_schema.clone(), body == BodyKind::Required));
        }
        let schema =
            json_schema::bundle_object(document, &parts).map_err(|error| error.to_string())?;
        let validator = jsonschema::options()
            .with_draft(Draft::Draft202012)
            .should_validate_formats(true)
            .build(&schema)
            .map_err(|error| error.to_string())?;
        Ok(Self {
            validator,
            path: parameters.0,
            query: parameters.1,
            form: form_fields(document, &item[method]).map_err(|error| error.to_string())?,
            body,
            body_schema,
        })
    }

    /// What the audit log may show of a body.
    pub(crate) fn audit_body(&self, document: &Value, body: &Value) -> String {
        redact::redacted_body(document, &self.body_schema, body)
    }

    /// Reads a request without checking it: path parameters by name, the raw query, the body.
    pub(crate) fn parse(
        &self,
        path: &[(&str, &str)],
        query: &str,
        body: &[u8],
    ) -> UncheckedRequest {
        let is_large = body.len() > LARGE_BODY;
        self.build(path, query, self.read_body(body), is_large)
    }

    /// The same where the body is a form: names and texts, the text of a file being its name.
    pub(crate) fn parse_form(
        &self,
        path: &[(&str, &str)],
        query: &str,
        values: impl Iterator<Item = (String, String)>,
    ) -> UncheckedRequest {
        let body = Value::Object(coerce(&self.form, values));
        self.build(path, query, Ok(Some(body)), false)
    }

    fn build(
        &self,
        path: &[(&str, &str)],
        query: &str,
        body: Result<Option<Value>, ApiError>,
        is_large: bool,
    ) -> UncheckedRequest {
        let path = coerce(
            &self.path,
            path.iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        );
        let query = coerce(&self.query, query_pairs(query));
        let mut request = Map::new();
        request.insert("path".to_owned(), Value::Object(path));
        request.insert("query".to_owned(), Value::Object(query));
        let problem = match body {
            Ok(Some(body)) => {
                request.insert("body".to_owned(), body);
                None
            }
            Ok(None) => None,
            Err(problem) => Some(problem),
        };
        UncheckedRequest {
            request: Value::Object(request),
            problem,
            is_large,
        }
    }

    /// Whether the operation declares a query parameter of this name.
    pub(crate) fn declares_query_param(&self, name: &str) -> bool {
        self.query.iter().any(|parameter| parameter.name == name)
    }

    /// Refuses a request that is not what the document says.
    pub(crate) fn check(&self, unchecked_request: UncheckedRequest) -> Result<(), ApiError> {
        match unchecked_request.problem {
            Some(problem) => Err(problem),
            None => self.validate(&unchecked_request.request, unchecked_request.is_large),
        }
    }

    fn read_body(&self, bytes: &[u8]) -> Result<Option<Value>, ApiError> {
        if bytes.is_empty() {
            return match self.body {
                BodyKind::Required => Err(ApiError::bad_request("body: a JSON body is required")),
                BodyKind::Optional | BodyKind::Undeclared => Ok(None),
            };
        }
        match serde_json::from_slice(bytes) {
            Ok(body) => Ok(Some(body)),
            // Clients do send bodies that nothing declares; the service ignores them.
            Err(_) if self.body == BodyKind::Undeclared => Ok(None),
            Err(error) => Err(ApiError::bad_request(format!("body: is not JSON: {error}"))),
        }
    }

    fn validate(&self, request: &Value, is_large: bool) -> Result<(), ApiError> {
        let errors: Vec<String> = if is_large {
            let first = self.validator.validate(request).err();
            first.iter().map(error_message).collect()
        } else {
            let all = self.validator.iter_errors(request);
            all.take(MAX_ERRORS).map(|e| error_message(&e)).collect()
        };
        if errors.is_empty() {
            Ok(())
        } else {
            Err(ApiError::bad_request(errors.join("; ")))
        }
    }
}

impl UncheckedRequest {
    /// The query, coerced to the declared types as far as it fits them.
    pub(crate) fn query(&self) -> Map<String, Value> {
        self.request["query"]
            .as_object()
            .cloned()
            .unwrap_or_default()
    }

    /// The body; null where there is none, or none that is JSON.
    pub(crate) fn body(&self) -> Value {
        self.request.get("body").cloned().unwrap_or(Value::Null)
    }
}

/// A complaint that names the field and never shows its value, which may be a secret.
fn error_message(error: &ValidationError<'_>) -> String {
    let error = deepest_error(error);
    let mut location = error.instance_path().to_string();
    let problem = match error.kind() {
        ValidationErrorKind::Required { property } => {
            location = format!(
                "{location}/{}",
                document::pointer_segment(property.as_str().unwrap_or_default())
            );
            "is required".to_owned()
        }
        _ => error.masked().to_string(),
    };
    match location.split('/').nth(1) {
        Some("body") if location == "/body" => format!("body: {problem}"),
        Some("body") => format!("body: `{}` {problem}", &location["/body".len()..]),
        Some(part) => format!(
            "{part} parameter `{}` {problem}",
            location[part.len() + 1..].trim_start_matches('/')
        ),
        None => problem,
    }
}

/// "None of these" hides which field is wrong: of the branches, the complaint farthest inside. What
/// is missing would be inside of where it is missing.
fn deepest_error<'a, 'e>(error: &'a ValidationError<'e>) -> &'a ValidationError<'e> {
    let depth_of = |error: &ValidationError<'_>| {
        let depth = error.instance_path().to_string().matches('/').count();
        depth + usize::from(matches!(error.kind(), ValidationErrorKind::Required { .. }))
    };
    let inner = match error.kind() {
        ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } => {
            context
                .iter()
                .flatten()
                .map(deepest_error)
                .max_by_key(|inner| depth_of(inner))
        }
        _ => None,
    };
    match inner {
        Some(inner) if depth_of(inner) > depth_of(error) => inner,
        _ => error,
    }
}

/// The path and the query parameters of an operation; its own replace those of the path item.
fn parameters(
    document: &Value,
    item: &Value,
    operation: &Value,
) -> portkey_admin_codegen::Result<(Vec<Parameter>, Vec<Parameter>)> {
    let (mut path, mut query): (Vec<Parameter>, Vec<Parameter>) = (Vec::new(), Vec::new());
    for source in [operation, item] {
        for parameter in source["parameters"].as_array().into_iter().flatten() {
            let parameter = document::resolve(document, parameter)?;
            let list = match parameter["in"].as_str() {
                Some("path") => &mut path,
                Some("query") => &mut query,
                _ => continue,
            };
            let parameter = Parameter::new(document, parameter)?;
            if list.iter().all(|known| known.name != parameter.name) {
                list.push(parameter);
            }
        }
    }
    Ok((path, query))
}

/// Whether an operation has a JSON body, and its schema.
fn body_schema(
    document: &Value,
    operation: &Value,
) -> portkey_admin_codegen::Result<(BodyKind, Value)> {
    let Some(body) = operation.get("requestBody") else {
        return Ok((BodyKind::Undeclared, json!({})));
    };
    let body = document::resolve(document, body)?;
    let json = body["content"].get("application/json");
    let Some(content) = json.or_else(|| body["content"].get(FORM_CONTENT_TYPE)) else {
        return Ok((BodyKind::Undeclared, json!({})));
    };
    let kind = if body["required"] == true {
        BodyKind::Required
    } else {
        BodyKind::Optional
    };
    Ok((
        kind,
        content.get("schema").cloned().unwrap_or_else(|| json!({})),
    ))
}

/// The fields of an operation's form.
fn form_fields(
    document: &Value,
    operation: &Value,
) -> portkey_admin_codegen::Result<Vec<Parameter>> {
    let body = document::resolve(document, &operation["requestBody"])?;
    let schema = document::resolve(document, &body["content"][FORM_CONTENT_TYPE]["schema"])?;
    let fields = schema["properties"].as_object().into_iter().flatten();
    let fields = fields.map(|(name, schema)| {
        let parameter = json!({"name": name, "schema": schema});
        Parameter::new(document, &parameter)
    });
    fields.collect()
}

/// The OpenAPI schema of an object with these parameters.
fn object_schema(parameters: &[Parameter]) -> Value {
    let properties: Map<String, Value> = parameters
        .iter()
        .map(|parameter| (parameter.name.clone(), parameter.schema.clone()))
        .collect();
    let required: Vec<&str> = parameters
        .iter()
        .filter(|parameter| parameter.required)
        .map(|parameter| parameter.name.as_str())
        .collect();
    json!({"type": "object", "properties": properties, "required": required})
}

impl Parameter {
    fn new(document: &Value, parameter: &Value) -> portkey_admin_codegen::Result<Self> {
        let schema = parameter
            .get("schema")
            .cloned()
            .unwrap_or_else(|| json!({}));
        let resolved = document::resolve(document, &schema)?;
        Ok(Self {
            name: parameter["name"].as_str().unwrap_or_default().to_owned(),
            required: parameter["required"] == true,
            type_names: type_names(document, resolved)?,
            items: type_names(document, document::resolve(document, &resolved["items"])?)?,
            is_comma_separated: parameter["explode"] == false,
            schema,
        })
    }

    /// The value that the texts given for this parameter stand for.
    fn value(&self, values: &[String]) -> Value {
        let single = values.first().map_or("", String::as_str);
        if !self.type_names.contains("array") {
            return parse_scalar(&self.type_names, single);
        }
        let split = values
            .iter()
            .flat_map(|text| text.split(if self.is_comma_separated { "," } else { "\0" }));
        split.map(|text| parse_scalar(&self.items, text)).collect()
    }
}

/// The types that a schema lets through; empty where it says nothing.
fn type_names(document: &Value, schema: &Value) -> portkey_admin_codegen::Result<TypeNames> {
    let mut found: TypeNames = schema["type"]
        .as_str()
        .map(str::to_owned)
        .into_iter()
        .collect();
    for key in ["allOf", "anyOf", "oneOf"] {
        for branch in schema[key].as_array().into_iter().flatten() {
            found.extend(type_names(document, document::resolve(document, branch)?)?);
        }
    }
    Ok(found)
}

/// A text as the first declared type that it fits; as text, for the check to refuse, where none does.
fn parse_scalar(type_names: &TypeNames, text: &str) -> Value {
    let wants = |kind: &str| type_names.contains(kind);
    let integer = || text.parse::<i64>().ok().map(Value::from);
    let number = || {
        text.parse::<f64>()
            .ok()
            .filter(|number| number.is_finite())
            .map(Value::from)
    };
    let boolean = || text.parse::<bool>().ok().map(Value::from);
    let object = || {
        serde_json::from_str::<Value>(text)
            .ok()
            .filter(Value::is_object)
    };
    None.or_else(|| {
        if wants("integer") || wants("number") {
            integer()
        } else {
            None
        }
    })
    .or_else(|| if wants("number") { number() } else { None })
    .or_else(|| if wants("boolean") { boolean() } else { None })
    .or_else(|| if wants("object") { object() } else { None })
    .unwrap_or_else(|| Value::from(text))
}

/// Texts by name, coerced; a name that nothing declares stays the text that it is.
fn coerce(
    parameters: &[Parameter],
    query_pairs: impl Iterator<Item = (String, String)>,
) -> Map<String, Value> {
    let mut values: Vec<(String, Vec<String>)> = Vec::new();
    for (name, text) in query_pairs {
        match values.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => known.push(text),
            None => values.push((name, vec![text])),
        }
    }
    let value = |name: &str, values: &[String]| match parameters
        .iter()
        .find(|parameter| parameter.name == name)
    {
        Some(parameter) => parameter.value(values),
        None => Value::from(values.first().map_or("", String::as_str)),
    };
    values
        .into_iter()
        .map(|(name, values)| (name.clone(), value(&name, &values)))
        .collect()
}

/// A raw query as texts; of a name that is repeated the last value.
pub(crate) fn query_strings(query: &str) -> Map<String, Value> {
    query_pairs(query)
        .map(|(name, value)| (name, Value::from(value)))
        .collect()
}

/// The names and values of a raw query.
fn query_pairs(query: &str) -> impl Iterator<Item = (String, String)> {
    let decode = |text: &str| {
        percent_decode_str(&text.replace('+', " "))
            .decode_utf8_lossy()
            .into_owned()
    };
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(move |pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name), decode(value))
        })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::Check;

    fn check() -> Check {
        let document = json!({
            "components": {
                "schemas": {"Limit": {"type": "object", "properties": {"value": {"type": "integer"}}}},
                "parameters": {"Size": {"name": "size", "in": "query", "schema": {"type": "integer", "minimum": 1}}}
            },
            "paths": {"/things/{id}": {
                "parameters": [{"name": "id", "in": "path", "required": true, "schema": {"type": "string", "format": "uuid"}}],
                "post": {
                    "parameters": [
                        {"$ref": "#/components/parameters/Size"},
                        {"name": "when", "in": "query", "required": true, "schema": {"type": "string", "format": "date-time"}},
                        {"name": "tags", "in": "query", "schema": {"type": "array", "items": {"type": "integer"}}},
                        {"name": "list", "in": "query", "explode": false, "schema": {"type": "array", "items": {"type": "string"}}},
                        {"name": "on", "in": "query", "schema": {"type": "boolean"}},
                        {"name": "price", "in": "query", "schema": {"type": "number"}}
                    ],
                    "requestBody": {"required": true, "content": {"application/json": {"schema": {
                        "type": "object", "required": ["name"],
                        "properties": {"name": {"type": "string"}, "limit": {"nullable": true, "$ref": "#/components/schemas/Limit"}}
                    }}}}
                }
            }}
        });
        Check::new(&document, "post", "/things/{id}").unwrap()
    }

    const ID: &str = "a0000000-0000-4000-8000-000000000001";
    const WHEN: &str = "when=2026-01-01T00%3A00%3A00Z";

    fn run(id: &str, query: &str, body: &str) -> Result<(Value, Value), String> {
        let check = check();
        let request = check.parse(&[("id", id)], query, body.as_bytes());
        let read = (Value::Object(request.query()), request.body());
        check
            .check(request)
            .map(|()| read)
            .map_err(|error| error.body["data"]["message"].as_str().unwrap().to_owned())
    }

    #[test]
    fn query_values_take_their_declared_type() {
        let query = format!("{WHEN}&size=2&tags=1&tags=2&list=a,b&on=true&price=1.5&other=7");
        let (query, body) = run(ID, &query, r#"{"name":"a","limit":null}"#).unwrap();
        assert_eq!(
            query,
            json!({"when": "2026-01-01T00:00:00Z", "size": 2, "tags": [1, 2], "list": ["a", "b"],
                "on": true, "price": 1.5, "other": "7"})
        );
        assert_eq!(body, json!({"name": "a", "limit": null}));
    }

    #[test]
    fn errors_name_the_field() {
        let cases = [
            (
                ID,
                "",
                r#"{"name":"a"}"#,
                "query parameter `when` is required",
            ),
            (
                ID,
                "when=soon",
                r#"{"name":"a"}"#,
                "query parameter `when` ",
            ),
            (
                ID,
                &format!("{WHEN}&size=x"),
                r#"{"name":"a"}"#,
                "query parameter `size` ",
            ),
            (
                ID,
                &format!("{WHEN}&tags=1&tags=x"),
                r#"{"name":"a"}"#,
                "query parameter `tags/1` ",
            ),
            ("7", WHEN, r#"{"name":"a"}"#, "path parameter `id` "),
            (ID, WHEN, "{}", "body: `/name` is required"),
            (ID, WHEN, r#"{"name":1}"#, "body: `/name` "),
            (
                ID,
                WHEN,
                r#"{"name":"a","limit":{"value":"x"}}"#,
                "body: `/limit/value` ",
            ),
            (ID, WHEN, "[]", "body: "),
            (ID, WHEN, "", "body: a JSON body is required"),
            (ID, WHEN, "{", "body: is not JSON"),
        ];
        for (id, query, body, expected) in cases {
            let message = run(id, query, body).unwrap_err();
            assert!(message.contains(expected), "{expected}: {message}");
        }
    }

    #[test]
    fn errors_do_not_repeat_values() {
        let message = run(ID, WHEN, r#"{"name":["canary"]}"#).unwrap_err();
        assert!(!message.contains("canary"), "{message}");
    }
}
