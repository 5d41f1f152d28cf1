//! Validation of every 200 response against the patched OpenAPI document.
//!
//! As in the service, three deviations are allowed: `0`, `1` and strings instead of booleans,
//! numbers as strings, and null instead of an absent field. Required nullable fields are validated
//! as they are.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Mutex, OnceLock};

use jsonschema::{Draft, Validator};
use portkey_admin_codegen::{Patched, Sources, document, json_schema, patch};
use serde_json::{Value, json};

/// Panics if the response does not match the OpenAPI document; `path` does not include the version.
pub fn assert_response(method: &str, path: &str, body: &Value) {
    static VALIDATORS: OnceLock<Mutex<HashMap<String, Option<Validator>>>> = OnceLock::new();
    let path = path.split('?').next().unwrap_or_default();
    let Some(template) = template(method, path) else {
        panic!("{method} {path} is not in the OpenAPI document")
    };
    let key = format!("{method} {template}");
    let mut validators = VALIDATORS
        .get_or_init(Mutex::default)
        .lock()
        .unwrap_or_else(|broken| broken.into_inner());
    let validator = validators
        .entry(key.clone())
        .or_insert_with(|| validator(method, &template));
    match validator {
        Some(validator) if validator.is_valid(body) => {}
        Some(validator) => {
            let actual = without_nulls(body);
            let errors: Vec<String> = validator
                .iter_errors(&actual)
                .map(|error| format!("{}: {error}", error.instance_path()))
                .collect();
            assert!(
                errors.is_empty(),
                "{key} returned {body}: {}",
                errors.join("; ")
            );
        }
        // The document has no schema for it; recorded was the word (V161).
        None if key == "POST /logs" => assert_eq!(*body, json!("ok")),
        None => assert!(
            body.is_null() || *body == json!({}),
            "{key} returned {body}, expected no body"
        ),
    }
}

/// Returns whether only a workspace key can call the operation of a path.
pub fn needs_workspace_key(method: &str, path: &str) -> bool {
    let path = path.split('?').next().unwrap_or_default();
    let template = template(method, path);
    let entry = template.and_then(|template| patched().manifest.get(method, &template));
    entry.is_some_and(|entry| entry.access.keys == ["workspace"])
}

/// Returns every scope that an operation needs.
pub fn all_scopes() -> Vec<&'static str> {
    let entries = patched().manifest.iter().map(|(_, entry)| entry);
    let scopes = entries.filter_map(|entry| entry.access.scopes.as_ref());
    scopes
        .flat_map(|scopes| scopes.names().iter().map(String::as_str))
        .collect()
}

pub fn patched() -> &'static Patched {
    static PATCHED: OnceLock<Patched> = OnceLock::new();
    PATCHED.get_or_init(|| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        patch(&Sources::read(&root).unwrap()).unwrap()
    })
}

/// Returns the path template that matches a request: the one with the most literal segments.
fn template(method: &str, path: &str) -> Option<String> {
    let segments: Vec<&str> = path.split('/').collect();
    let literals = |template: &str| {
        template
            .split('/')
            .filter(|segment| !segment.starts_with('{'))
            .count()
    };
    document::operations(&patched().document)
        .filter(|(_, other, _)| other.eq_ignore_ascii_case(method))
        .map(|(template, _, _)| template)
        .filter(|template| {
            let template_segments: Vec<&str> = template.split('/').collect();
            template_segments.len() == segments.len()
                && template_segments
                    .iter()
                    .zip(&segments)
                    .all(|(expected, actual)| expected.starts_with('{') || expected == actual)
        })
        .max_by_key(|template| literals(template))
        .map(str::to_owned)
}

fn validator(method: &str, template: &str) -> Option<Validator> {
    let document = &patched().document;
    let response = &document["paths"][template][method.to_ascii_lowercase()]["responses"]["200"];
    let schema = response.pointer("/content/application~1json/schema")?;
    let schema = match template {
        // A prompt that is not a conversation has a text completion (V814).
        "/prompts/{promptId}/completions" => {
            json!({"anyOf": [schema, {"$ref": "#/components/schemas/CreateCompletionResponse"}]})
        }
        _ => schema.clone(),
    };
    let mut schema = json_schema::bundle(document, &schema).unwrap();
    relax_types(&mut schema);
    let options = jsonschema::options()
        .with_draft(Draft::Draft202012)
        .should_validate_formats(true);
    Some(options.build(&schema).unwrap())
}

/// Allows `0`, `1`, `"true"` and `"false"` instead of booleans, and numbers as strings.
fn relax_types(schema: &mut Value) {
    let alternative = |actual: &Value| match actual.as_str() {
        Some("integer" | "number") => Some("string"),
        _ => None,
    };
    let mut types: Vec<Value> = match &schema["type"] {
        Value::Array(types) => types.clone(),
        Value::Null => Vec::new(),
        single => vec![single.clone()],
    };
    let extra: Vec<Value> = types
        .iter()
        .filter_map(alternative)
        .map(Value::from)
        .collect();
    if types.iter().any(|name| name == "boolean") && schema.get("enum").is_none() {
        if let Some(schema) = schema.as_object_mut() {
            schema.remove("type");
        }
        schema["enum"] = json!([true, false, 0, 1, "true", "false", null]);
    } else if !extra.is_empty() {
        types.extend(extra);
        schema["type"] = types.into();
    }
    match schema {
        Value::Object(fields) => fields.values_mut().for_each(relax_types),
        Value::Array(items) => items.iter_mut().for_each(relax_types),
        _ => {}
    }
}

/// Returns the value without the fields that are null.
fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let set = fields.iter().filter(|(_, value)| !value.is_null());
            Value::Object(
                set.map(|(name, value)| (name.clone(), without_nulls(value)))
                    .collect(),
            )
        }
        Value::Array(items) => items.iter().map(without_nulls).collect(),
        other => other.clone(),
    }
}
