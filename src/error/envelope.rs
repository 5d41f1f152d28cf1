//! The error envelopes of the service: where an error response contains code and message.

use memchr::memmem;
use serde_json::Value;

use crate::{json, redact::Redactor};

// The evidence for the envelopes: V010, V011, V017, V018 and V020.

/// The fields that contain a message, in order of preference.
const MESSAGE_FIELDS: [&str; 6] = [
    "message",
    "detail",
    "error_description",
    "msg",
    "title",
    "error",
];

/// The fields that contain a code, in order of preference.
const CODE_FIELDS: [&str; 2] = ["errorCode", "code"];

/// What an error response says about the error.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Envelope {
    pub(crate) code: Option<String>,
    pub(crate) message: Option<String>,
    pub(crate) param: Option<Value>,
    pub(crate) provider: Option<String>,
    pub(crate) field: Option<String>,
}

impl Envelope {
    /// Reads any of the observed envelopes. Their fields are in `error`, `data`, the first of
    /// `errors`, or the body itself. A `status_code` in the body is ignored: proxies and retries
    /// rely on the HTTP status.
    pub(super) fn read(body: &[u8]) -> Self {
        let json = json::parse_value(body).unwrap_or_default();
        // Some services wrap the error of a stream in a list.
        let json = json.get(0).unwrap_or(&json);
        if !json.is_object() {
            return Self::default();
        }
        let errors = json["errors"].get(0).unwrap_or(&json["errors"]);
        let containers = [&json["error"], &json["data"], errors, json];
        let inner = containers.into_iter().find(|inner| inner.is_object());
        let inner = inner.unwrap_or(json);
        let code = |fields: &Value| CODE_FIELDS.iter().find_map(|name| scalar(&fields[*name]));
        // OAuth: the error is a code if it has a description.
        let described = || scalar(&json["error"]).filter(|_| json["error_description"].is_string());
        let first_of_each_field = || errors.as_object()?.values().find_map(message);
        let param = &inner["param"];
        Self {
            param: (!param.is_null()).then(|| param.clone()),
            provider: scalar(&json["provider"]),
            field: scalar(&inner["field"]),
            code: code(inner).or_else(|| code(json)).or_else(described),
            message: message(inner)
                .or_else(|| message(json))
                .or_else(|| message(errors))
                .or_else(first_of_each_field)
                .or_else(|| scalar(&json["data"])),
        }
    }
}

impl Envelope {
    /// Redacts the client's secrets.
    pub(super) fn redacted(self, redactor: &Redactor) -> Self {
        let redact = |value: Option<String>| value.map(|value| redactor.redact(value));
        Self {
            code: redact(self.code),
            message: redact(self.message),
            param: self.param.map(|param| redactor.redact_json(param)),
            provider: redact(self.provider),
            field: redact(self.field),
        }
    }
}

/// Returns the message in a value: a string, the first message of a list, or that of an object.
fn message(value: &Value) -> Option<String> {
    match value {
        Value::Array(items) => items.iter().find_map(message),
        Value::Object(fields) => MESSAGE_FIELDS
            .iter()
            .find_map(|name| message(fields.get(*name)?)),
        other => scalar(other),
    }
}

/// Returns a string that is not empty, or a number as a string: error codes are strings, but
/// documented as numbers as well.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(string) if !string.is_empty() => Some(string.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Whether the body of a response with a success status reports a failure: `success` is false, and
/// it contains an error.
pub(crate) fn reports_failure(body: &[u8]) -> bool {
    if !may_contain_false_success(body) {
        return false;
    }
    let json = json::parse_value(body).unwrap_or_default();
    let is_false = match &json["success"] {
        Value::Bool(success) => !success,
        Value::Number(success) => success.as_f64() == Some(0.0),
        Value::String(success) => success == "false",
        _ => false,
    };
    let data = &json["data"];
    let has_error = json["error"].is_object()
        || ["message", "errorCode"]
            .iter()
            .any(|name| scalar(&data[*name]).is_some());
    is_false && has_error
}

/// Whether a field `success` with a value other than `true` occurs anywhere in a body, so that few
/// bodies are parsed twice.
fn may_contain_false_success(body: &[u8]) -> bool {
    const FIELD: &[u8] = br#""success""#;
    memmem::find_iter(body, FIELD).any(|at| {
        let rest = body.get(at + FIELD.len()..).unwrap_or_default();
        let value = rest.trim_ascii_start().strip_prefix(b":");
        value.is_some_and(|value| matches!(value.trim_ascii_start(), [b'f' | b'0' | b'"', ..]))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn code_and_message_are_read_from_every_envelope() {
        for (body, code, message) in [
            (
                r#"{"success":false,"data":{"message":"m","errorCode":"AB01"}}"#,
                Some("AB01"),
                Some("m"),
            ),
            (
                r#"{"success":false,"data":{"message":"m"}}"#,
                None,
                Some("m"),
            ),
            (r#"{"success":false,"data":"m"}"#, None, Some("m")),
            (
                r#"{"status_code":400,"success":false,"error":{"message":"m","slug":"s","code":"c"}}"#,
                Some("c"),
                Some("m"),
            ),
            (
                r#"{"error":{"message":"m","type":"t","param":{"a":1},"code":null},"provider":"p"}"#,
                None,
                Some("m"),
            ),
            (
                r#"{"status":"failure","error":{"code":"inline_config_blocked","message":"m","field":"f"},"message":"n"}"#,
                Some("inline_config_blocked"),
                Some("m"),
            ),
            (r#"{"status":"failure","message":"m"}"#, None, Some("m")),
            (
                r#"{"error":"invalid_client","error_description":"m"}"#,
                Some("invalid_client"),
                Some("m"),
            ),
            (
                r#"{"errors":[{"message":"m"},{"message":"n"}]}"#,
                None,
                Some("m"),
            ),
            (
                r#"{"errors":[{"code":7,"message":"m"}]}"#,
                Some("7"),
                Some("m"),
            ),
            (r#"{"errors":["m","n"]}"#, None, Some("m")),
            (r#"{"errors":{"name":["m"]}}"#, None, Some("m")),
            (
                r#"{"message":["m","n"],"error":"Bad Request"}"#,
                None,
                Some("m"),
            ),
            (
                r#"{"detail":[{"loc":["body"],"msg":"m","type":"t"}]}"#,
                None,
                Some("m"),
            ),
            (
                r#"{"title":"t","detail":"m","status":400}"#,
                None,
                Some("m"),
            ),
            (
                r#"[{"error":{"code":503,"message":"m"}}]"#,
                Some("503"),
                Some("m"),
            ),
            (r#"{"message":"m","code":"c"}"#, Some("c"), Some("m")),
            (
                r#"{"errorCode":"AB08","message":"m"}"#,
                Some("AB08"),
                Some("m"),
            ),
            (r#"{"error":"m"}"#, None, Some("m")),
            (r#"{"code":40001,"message":"m"}"#, Some("40001"), Some("m")),
            ("\u{feff}{\"message\":\"m\"}", None, Some("m")),
            (r#"{"message":"m\ud83d"}"#, None, Some("m\u{fffd}")),
            (r#"{"message":"m","limit":1e400}"#, None, Some("m")),
            (r#"{"message":{"not":"a message"}}"#, None, None),
            (r#"{"error":null,"data":[],"errors":[]}"#, None, None),
            (r#"{"message":"","errors":[{}]}"#, None, None),
            ("<html>", None, None),
            ("\"m\"", None, None),
            ("null", None, None),
            ("[]", None, None),
            ("", None, None),
        ] {
            let envelope = Envelope::read(body.as_bytes());
            let found = (envelope.code.as_deref(), envelope.message.as_deref());
            assert_eq!(found, (code, message), "{body}");
        }
        let nested = format!("{}1{}", "[".repeat(500), "]".repeat(500));
        let body = format!(r#"{{"trace":{nested},"error":{{"message":"m"}}}}"#);
        let envelope = Envelope::read(body.as_bytes());
        assert_eq!(envelope.message.as_deref(), Some("m"));
    }

    #[test]
    fn param_provider_and_field_are_read() {
        let read = |body: &str| Envelope::read(body.as_bytes());
        let upstream = read(
            r#"{"error":{"message":"m","type":"t","param":{"statusCode":429},"code":null},"provider":"openai"}"#,
        );
        assert_eq!(upstream.param, Some(json!({"statusCode": 429})));
        assert_eq!(upstream.provider.as_deref(), Some("openai"));
        assert_eq!((upstream.code, upstream.field), (None, None));
        let named = read(r#"{"error":{"message":"m","param":"messages"}}"#);
        assert_eq!(named.param, Some(json!("messages")));
        let blocked = read(
            r#"{"status":"failure","error":{"code":"c","message":"m","field":"x-portkey-config"},"message":"n"}"#,
        );
        assert_eq!(blocked.field.as_deref(), Some("x-portkey-config"));
        assert_eq!(blocked.param, None);
        let null = read(r#"{"error":{"param":null,"field":null},"provider":null}"#);
        assert_eq!(null, Envelope::default());
    }

    #[test]
    fn a_failure_is_reported_by_success_and_an_error() {
        for failure in [
            r#"{"success":false,"data":{"message":"m"}}"#,
            r#"{ "data" : {"errorCode": "AB03"}, "success" : false }"#,
            r#"{"success":0,"error":{}}"#,
            r#"{"success":"false","error":{"message":"m\ud83d"}}"#,
            "\u{feff}{\"success\":false,\"error\":{}}",
        ] {
            assert!(reports_failure(failure.as_bytes()), "{failure}");
        }
        for other in [
            "",
            "[]",
            r#"{"success":true,"data":{"message":"m"}}"#,
            r#"{"success":null,"data":{"message":"m"}}"#,
            r#"{"data":{"message":"m"}}"#,
            r#"{"success":false}"#,
            r#"{"success":false,"data":{}}"#,
            r#"{"success":false,"data":[{"message":"m"}]}"#,
            r#"{"success":false,"data":{"message":null}}"#,
            r#"{"success":false,"error":"m"}"#,
            r#"{"success":false,"message":"m"}"#,
            r#"{"data":{"success":false,"error":{}}}"#,
            r#"{"a":"\"success\":false","error":{}}"#,
        ] {
            assert!(!reports_failure(other.as_bytes()), "{other}");
        }
    }
}
