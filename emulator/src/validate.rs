//! Validation of requests against the patched OpenAPI document.
//!
//! The constraints of an operation are checked first, by the same function that the client calls;
//! then the types and the remaining keywords of the schemas.
//!
//! The parameters and the body of an operation form one object, `{path, query, body}`, with one
//! compiled JSON Schema, so that every error has a location that names the field.
//!
//! `jsonschema` validates; the conversion of path, query and form strings to their declared types is
//! specific to OpenAPI.

use std::collections::BTreeSet;

use jsonschema::error::ValidationErrorKind;
use jsonschema::{Draft, ValidationError, Validator};
use percent_encoding::percent_decode_str;
use portkey_admin_codegen::manifest::Entry;
use portkey_admin_codegen::{constraints, document, json_schema};
use portkey_admin_constraints::{Constraint, Part, Violation};
use serde_json::{Map, Value, json};

use crate::error::ApiError;
use crate::json::{self, JsonError};
use crate::redact;

/// The maximum number of validation errors in one response.
const MAX_ERRORS: usize = 3;

/// The size from which validation stops at the first error, since a large list of invalid items
/// would otherwise produce an error for each item.
const LARGE_BODY: usize = 64 * 1024;

const FORM_CONTENT_TYPE: &str = "multipart/form-data";

/// The operation that accepts a list of bodies in addition to the single body of the OpenAPI
/// document.
const ONE_OR_MORE: (&str, &str) = ("post", "/feedback");

/// The operation that accepts null for an absent field (V203).
const NULL_IS_ABSENT: (&str, &str) = ("put", "/prompts/{promptId}");

/// The operation that accepts the models in the body instead of the required query parameter (M110).
const MODELS_IN_BODY: (&str, &str) = ("delete", "/integrations/{slug}/models");

/// The compiled validation of one operation.
pub(crate) struct Check {
    constraints: Vec<Constraint>,
    validator: Validator,
    path: Vec<Parameter>,
    query: Vec<Parameter>,
    /// The fields of a form.
    form: Vec<Parameter>,
    body: BodyKind,
    /// Whether a null field of the body counts as absent.
    null_is_absent: bool,
    /// The body's schema in the OpenAPI document.
    body_schema: Value,
}

/// A parsed request that is not validated yet.
#[derive(Debug)]
pub(crate) struct UncheckedRequest {
    /// `{path, query, body}`.
    request: Value,
    /// The error if the body could not be parsed.
    body_error: Option<ApiError>,
    is_large: bool,
}

/// A path or query parameter, with the types that its string value is converted to.
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
    /// Compiles the validation of an operation; `method` is in lower case.
    pub(crate) fn new(
        document: &Value,
        method: &str,
        path: &str,
        entry: &Entry,
    ) -> Result<Self, String> {
        let item = &document["paths"][path];
        let mut parameters =
            parameters(document, item, &item[method]).map_err(|error| error.to_string())?;
        if (method, path) == MODELS_IN_BODY {
            let query = parameters.1.iter_mut();
            query.for_each(|parameter| parameter.required = false);
        }
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
        let constraints = constraints::constraints(document, method, path, entry)
            .map_err(|error| error.to_string())?;
        Ok(Self {
            constraints,
            validator,
            path: parameters.0,
            query: parameters.1,
            form: form_fields(document, &item[method]).map_err(|error| error.to_string())?,
            body,
            null_is_absent: (method, path) == NULL_IS_ABSENT,
            body_schema,
        })
    }

    /// Returns the body as shown in the audit log.
    pub(crate) fn audit_body(&self, document: &Value, body: &Value) -> String {
        redact::redacted_body(document, &self.body_schema, body)
    }

    /// Parses a request without validating it: path parameters by name, the raw query, the body.
    pub(crate) fn parse(
        &self,
        path: &[(&str, String)],
        query: &str,
        body: &[u8],
    ) -> UncheckedRequest {
        let is_large = body.len() > LARGE_BODY;
        self.build(path, query, self.read_body(body), is_large)
    }

    /// Like [`Check::parse`] for a multipart form: field names and values. The value of a file is
    /// its name.
    pub(crate) fn parse_form(
        &self,
        path: &[(&str, String)],
        query: &str,
        values: impl Iterator<Item = (String, String)>,
    ) -> UncheckedRequest {
        let body = Value::Object(coerce(&self.form, values));
        self.build(path, query, Ok(Some(body)), false)
    }

    fn build(
        &self,
        path: &[(&str, String)],
        query: &str,
        body: Result<Option<Value>, ApiError>,
        is_large: bool,
    ) -> UncheckedRequest {
        let path = coerce(
            &self.path,
            path.iter()
                .map(|(name, value)| ((*name).to_owned(), value.clone())),
        );
        let query = coerce(&self.query, query_pairs(query));
        let mut request = Map::new();
        request.insert("path".to_owned(), Value::Object(path));
        request.insert("query".to_owned(), Value::Object(query));
        let body_error = match body {
            Ok(Some(mut body)) => {
                if let (true, Some(fields)) = (self.null_is_absent, body.as_object_mut()) {
                    fields.retain(|_, value| !value.is_null());
                }
                request.insert("body".to_owned(), body);
                None
            }
            Ok(None) => None,
            Err(error) => Some(error),
        };
        UncheckedRequest {
            request: Value::Object(request),
            body_error,
            is_large,
        }
    }

    /// Returns whether the operation declares a query parameter with this name.
    pub(crate) fn declares_query_param(&self, name: &str) -> bool {
        self.query.iter().any(|parameter| parameter.name == name)
    }

    /// Validates a request against the OpenAPI document.
    pub(crate) fn check(&self, unchecked_request: UncheckedRequest) -> Result<(), ApiError> {
        let UncheckedRequest {
            request,
            body_error,
            is_large,
        } = unchecked_request;
        if let Some(error) = body_error {
            return Err(error);
        }
        portkey_admin_constraints::check(&self.constraints, &request)
            .map_err(|violation| ApiError::bad_request(violation_message(&violation)))?;
        self.validate(&request, is_large)
    }

    fn read_body(&self, bytes: &[u8]) -> Result<Option<Value>, ApiError> {
        if bytes.is_empty() {
            return match self.body {
                BodyKind::Required => Err(ApiError::bad_request("body: a JSON body is required")),
                BodyKind::Optional | BodyKind::Undeclared => Ok(None),
            };
        }
        match json::parse(bytes) {
            Ok(body) => Ok(Some(body)),
            // The service ignores bodies that are not declared.
            Err(_) if self.body == BodyKind::Undeclared => Ok(None),
            Err(error @ JsonError::TooManyValues) => {
                Err(ApiError::new(413, None, format!("body: {error}")))
            }
            Err(error) => Err(ApiError::bad_request(format!("body: {error}"))),
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
    /// Returns the query, with values converted to their declared types where possible.
    pub(crate) fn query(&self) -> Map<String, Value> {
        self.request["query"]
            .as_object()
            .cloned()
            .unwrap_or_default()
    }

    /// Returns the body; null if it is absent or not valid JSON.
    pub(crate) fn body(&self) -> Value {
        self.request.get("body").cloned().unwrap_or(Value::Null)
    }
}

/// Formats the violation of a constraint like a validation error.
fn violation_message(violation: &Violation) -> String {
    let (pointer, reason) = (violation.pointer(), &violation.reason);
    match violation.part {
        Part::Body => format!("body: `{pointer}` {reason}"),
        part => format!("{} parameter `{}` {reason}", part.name(), violation.field),
    }
}

/// Formats a validation error. It names the field but not its value, which may be a secret.
fn error_message(error: &ValidationError<'_>) -> String {
    let error = deepest_error(error);
    let mut location = error.instance_path().to_string();
    let message = match error.kind() {
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
        Some("body") if location == "/body" => format!("body: {message}"),
        Some("body") => format!("body: `{}` {message}", &location["/body".len()..]),
        Some(part) => format!(
            "{part} parameter `{}` {message}",
            location[part.len() + 1..].trim_start_matches('/')
        ),
        None => message,
    }
}

/// Returns the most deeply nested error of the branches of `anyOf` or `oneOf`, since the outer
/// error does not name the field. A missing property counts one level deeper than its object.
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

/// Returns the path and query parameters of an operation, which override those of the path item.
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

/// Returns whether an operation has a body, and the body's schema.
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

/// Returns the fields of an operation's multipart form.
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

/// Returns the OpenAPI schema of an object with these parameters.
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

    /// Converts the strings given for this parameter to its declared type.
    fn value(&self, values: &[String]) -> Value {
        let single = values.first().map_or("", String::as_str);
        if !self.type_names.contains("array") {
            return parse_scalar(&self.type_names, single);
        }
        let split = values
            .iter()
            .flat_map(|value| value.split(if self.is_comma_separated { "," } else { "\0" }));
        split
            .map(|value| parse_scalar(&self.items, value))
            .collect()
    }
}

/// Returns the types that a schema allows; empty if it does not restrict the type.
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

/// Converts a string to the first declared type that it can be parsed as. If there is none, the
/// string is returned unchanged for the validation to reject.
fn parse_scalar(type_names: &TypeNames, string: &str) -> Value {
    type Parser = fn(&str) -> Option<Value>;
    let parsers: [(&[&str], Parser); 4] = [
        (&["integer", "number"], |string| {
            string.parse::<i64>().ok().map(Value::from)
        }),
        (&["number"], |string| {
            let number = string.parse::<f64>().ok();
            number.filter(|number| number.is_finite()).map(Value::from)
        }),
        (&["boolean"], |string| {
            string.parse::<bool>().ok().map(Value::from)
        }),
        (&["object"], |string| {
            let value = json::parse(string.as_bytes()).ok();
            value.filter(Value::is_object)
        }),
    ];
    let declared = |names: &[&str]| names.iter().any(|name| type_names.contains(*name));
    let mut parsers = parsers.iter().filter(|(names, _)| declared(names));
    parsers
        .find_map(|(_, parse)| parse(string))
        .unwrap_or_else(|| Value::from(string))
}

/// Converts named strings to their declared types. An undeclared name keeps its first string.
fn coerce(
    parameters: &[Parameter],
    pairs: impl Iterator<Item = (String, String)>,
) -> Map<String, Value> {
    let mut values: Vec<(String, Vec<String>)> = Vec::new();
    for (name, string) in pairs {
        match values.iter_mut().find(|(known, _)| *known == name) {
            Some((_, strings)) => strings.push(string),
            None => values.push((name, vec![string])),
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

/// Parses a raw query as strings; the last value of a repeated name is used.
pub(crate) fn query_strings(query: &str) -> Map<String, Value> {
    query_pairs(query)
        .map(|(name, value)| (name, Value::from(value)))
        .collect()
}

/// Returns the decoded names and values of a raw query.
fn query_pairs(query: &str) -> impl Iterator<Item = (String, String)> {
    let decode = |encoded: &str| {
        percent_decode_str(&encoded.replace('+', " "))
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
        let entry = json!({
            "id": "create_thing", "summary": "Creates a thing.", "plane": "control", "area": "things",
            "retry": "never", "status": "works", "evidence": {"by": "live"},
        });
        let entry = serde_json::from_value(entry).unwrap();
        Check::new(&document, "post", "/things/{id}", &entry).unwrap()
    }

    const ID: &str = "a0000000-0000-4000-8000-000000000001";
    const WHEN: &str = "when=2026-01-01T00%3A00%3A00Z";

    fn run(id: &str, query: &str, body: &str) -> Result<(Value, Value), String> {
        let check = check();
        let request = check.parse(&[("id", id.to_owned())], query, body.as_bytes());
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
                &format!("{WHEN}&size=0"),
                r#"{"name":"a"}"#,
                "query parameter `size` must be at least 1, found 0",
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
            (ID, WHEN, "{", "body: invalid JSON"),
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
