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
use crate::reply::Refusal;

/// How many complaints one refusal lists.
const COMPLAINTS: usize = 3;

/// Of a body of more bytes only the first problem is looked for: a list of a million wrong items
/// would otherwise make a million complaints.
const LARGE: usize = 64 * 1024;

const FORM: &str = "multipart/form-data";

/// Where the service takes a list of bodies as well as the one body of the document.
const ONE_OR_MORE: (&str, &str) = ("post", "/feedback");

/// The compiled check of one operation.
pub(crate) struct Check {
    validator: Validator,
    path: Vec<Parameter>,
    query: Vec<Parameter>,
    /// The fields of a form.
    form: Vec<Parameter>,
    body: Body,
    /// What the document says of the body.
    body_schema: Value,
}

/// A request that was read and not checked yet.
#[derive(Debug)]
pub(crate) struct Unchecked {
    /// `{path, query, body}`.
    request: Value,
    /// Why there is no body to check.
    problem: Option<Refusal>,
    large: bool,
}

/// A path or query parameter: what its text may stand for.
struct Parameter {
    name: String,
    schema: Value,
    required: bool,
    kinds: Kinds,
    /// The types of an array's items.
    items: Kinds,
    /// Whether an array's items are separated by commas instead of repeating the name.
    commas: bool,
}

/// JSON types, by name.
type Kinds = BTreeSet<String>;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Body {
    /// The operation declares no JSON body.
    Free,
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
            body(document, &item[method]).map_err(|error| error.to_string())?;
        if (method, path) == ONE_OR_MORE {
            let list = json!({"type": "array", "items": body_schema, "minItems": 1});
            body_schema = json!({"oneOf": [body_schema, list]});
        }
        let mut parts = vec![
            ("path", object(&parameters.0), true),
            ("query", object(&parameters.1), true),
        ];
        if body != Body::Free {
            parts.push(("body", body_schema.clone(), body == Body::Required));
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
            form: form(document, &item[method]).map_err(|error| error.to_string())?,
            body,
            body_schema,
        })
    }

    /// What the audit log may show of a body.
    pub(crate) fn shown(&self, document: &Value, body: &Value) -> String {
        redact::shown(document, &self.body_schema, body)
    }

    /// Reads a request without checking it: path parameters by name, the raw query, the body.
    pub(crate) fn read(&self, path: &[(&str, &str)], query: &str, body: &[u8]) -> Unchecked {
        let large = body.len() > LARGE;
        self.unchecked(path, query, self.read_body(body), large)
    }

    /// The same where the body is a form: names and texts, the text of a file being its name.
    pub(crate) fn read_form(
        &self,
        path: &[(&str, &str)],
        query: &str,
        texts: impl Iterator<Item = (String, String)>,
    ) -> Unchecked {
        let body = Value::Object(coerce(&self.form, texts));
        self.unchecked(path, query, Ok(Some(body)), false)
    }

    fn unchecked(
        &self,
        path: &[(&str, &str)],
        query: &str,
        body: Result<Option<Value>, Refusal>,
        large: bool,
    ) -> Unchecked {
        let path = coerce(
            &self.path,
            path.iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        );
        let query = coerce(&self.query, pairs(query));
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
        Unchecked {
            request: Value::Object(request),
            problem,
            large,
        }
    }

    /// Whether the operation declares a query parameter of this name.
    pub(crate) fn takes_query(&self, name: &str) -> bool {
        self.query.iter().any(|parameter| parameter.name == name)
    }

    /// Refuses a request that is not what the document says.
    pub(crate) fn check(&self, unchecked: Unchecked) -> Result<(), Refusal> {
        match unchecked.problem {
            Some(problem) => Err(problem),
            None => self.complain(&unchecked.request, unchecked.large),
        }
    }

    fn read_body(&self, bytes: &[u8]) -> Result<Option<Value>, Refusal> {
        if bytes.is_empty() {
            return match self.body {
                Body::Required => Err(Refusal::invalid("body: a JSON body is required")),
                Body::Optional | Body::Free => Ok(None),
            };
        }
        match serde_json::from_slice(bytes) {
            Ok(body) => Ok(Some(body)),
            // Clients do send bodies that nothing declares; the service ignores them.
            Err(_) if self.body == Body::Free => Ok(None),
            Err(error) => Err(Refusal::invalid(format!("body: is not JSON: {error}"))),
        }
    }

    fn complain(&self, request: &Value, large: bool) -> Result<(), Refusal> {
        let complaints: Vec<String> = if large {
            let first = self.validator.validate(request).err();
            first.iter().map(describe).collect()
        } else {
            let all = self.validator.iter_errors(request);
            all.take(COMPLAINTS).map(|e| describe(&e)).collect()
        };
        if complaints.is_empty() {
            Ok(())
        } else {
            Err(Refusal::invalid(complaints.join("; ")))
        }
    }
}

impl Unchecked {
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
fn describe(error: &ValidationError<'_>) -> String {
    let error = deepest(error);
    let mut place = error.instance_path().to_string();
    let problem = match error.kind() {
        ValidationErrorKind::Required { property } => {
            place = format!(
                "{place}/{}",
                document::pointer_segment(property.as_str().unwrap_or_default())
            );
            "is required".to_owned()
        }
        _ => error.masked().to_string(),
    };
    match place.split('/').nth(1) {
        Some("body") if place == "/body" => format!("body: {problem}"),
        Some("body") => format!("body: `{}` {problem}", &place["/body".len()..]),
        Some(part) => format!(
            "{part} parameter `{}` {problem}",
            place[part.len() + 1..].trim_start_matches('/')
        ),
        None => problem,
    }
}

/// "None of these" hides which field is wrong: of the branches, the complaint farthest inside. What
/// is missing would be inside of where it is missing.
fn deepest<'a, 'e>(error: &'a ValidationError<'e>) -> &'a ValidationError<'e> {
    let depth = |error: &ValidationError<'_>| {
        let inside = error.instance_path().to_string().matches('/').count();
        inside + usize::from(matches!(error.kind(), ValidationErrorKind::Required { .. }))
    };
    let inner = match error.kind() {
        ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } => {
            context
                .iter()
                .flatten()
                .map(deepest)
                .max_by_key(|inner| depth(inner))
        }
        _ => None,
    };
    match inner {
        Some(inner) if depth(inner) > depth(error) => inner,
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
fn body(document: &Value, operation: &Value) -> portkey_admin_codegen::Result<(Body, Value)> {
    let Some(body) = operation.get("requestBody") else {
        return Ok((Body::Free, json!({})));
    };
    let body = document::resolve(document, body)?;
    let json = body["content"].get("application/json");
    let Some(content) = json.or_else(|| body["content"].get(FORM)) else {
        return Ok((Body::Free, json!({})));
    };
    let kind = if body["required"] == true {
        Body::Required
    } else {
        Body::Optional
    };
    Ok((
        kind,
        content.get("schema").cloned().unwrap_or_else(|| json!({})),
    ))
}

/// The fields of an operation's form.
fn form(document: &Value, operation: &Value) -> portkey_admin_codegen::Result<Vec<Parameter>> {
    let body = document::resolve(document, &operation["requestBody"])?;
    let schema = document::resolve(document, &body["content"][FORM]["schema"])?;
    let fields = schema["properties"].as_object().into_iter().flatten();
    let fields = fields.map(|(name, schema)| {
        let parameter = json!({"name": name, "schema": schema});
        Parameter::new(document, &parameter)
    });
    fields.collect()
}

/// The OpenAPI schema of an object with these parameters.
fn object(parameters: &[Parameter]) -> Value {
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
            kinds: kinds(document, resolved)?,
            items: kinds(document, document::resolve(document, &resolved["items"])?)?,
            commas: parameter["explode"] == false,
            schema,
        })
    }

    /// The value that the texts given for this parameter stand for.
    fn value(&self, texts: &[String]) -> Value {
        let single = texts.first().map_or("", String::as_str);
        if !self.kinds.contains("array") {
            return scalar(&self.kinds, single);
        }
        let split = texts
            .iter()
            .flat_map(|text| text.split(if self.commas { "," } else { "\0" }));
        split.map(|text| scalar(&self.items, text)).collect()
    }
}

/// The types that a schema lets through; empty where it says nothing.
fn kinds(document: &Value, schema: &Value) -> portkey_admin_codegen::Result<Kinds> {
    let mut found: Kinds = schema["type"]
        .as_str()
        .map(str::to_owned)
        .into_iter()
        .collect();
    for key in ["allOf", "anyOf", "oneOf"] {
        for branch in schema[key].as_array().into_iter().flatten() {
            found.extend(kinds(document, document::resolve(document, branch)?)?);
        }
    }
    Ok(found)
}

/// A text as the first declared type that it fits; as text, for the check to refuse, where none does.
fn scalar(kinds: &Kinds, text: &str) -> Value {
    let wants = |kind: &str| kinds.contains(kind);
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
    pairs: impl Iterator<Item = (String, String)>,
) -> Map<String, Value> {
    let mut texts: Vec<(String, Vec<String>)> = Vec::new();
    for (name, text) in pairs {
        match texts.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => known.push(text),
            None => texts.push((name, vec![text])),
        }
    }
    let value = |name: &str, texts: &[String]| match parameters
        .iter()
        .find(|parameter| parameter.name == name)
    {
        Some(parameter) => parameter.value(texts),
        None => Value::from(texts.first().map_or("", String::as_str)),
    };
    texts
        .into_iter()
        .map(|(name, texts)| (name.clone(), value(&name, &texts)))
        .collect()
}

/// A raw query as texts; of a name that is repeated the last value.
pub(crate) fn texts(query: &str) -> Map<String, Value> {
    pairs(query)
        .map(|(name, value)| (name, Value::from(value)))
        .collect()
}

/// The names and values of a raw query.
fn pairs(query: &str) -> impl Iterator<Item = (String, String)> {
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
        let request = check.read(&[("id", id)], query, body.as_bytes());
        let read = (Value::Object(request.query()), request.body());
        check
            .check(request)
            .map(|()| read)
            .map_err(|refusal| refusal.body["data"]["message"].as_str().unwrap().to_owned())
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
    fn complaints_name_the_field() {
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
    fn complaints_do_not_repeat_values() {
        let message = run(ID, WHEN, r#"{"name":["canary"]}"#).unwrap_err();
        assert!(!message.contains("canary"), "{message}");
    }
}
