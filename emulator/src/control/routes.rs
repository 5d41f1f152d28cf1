//! The operations of the control interface.

use std::fmt::Display;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hyper::{Method, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::bodies::{AdvanceBody, FaultBody, ScriptBody};
use super::server::ControlError;
use super::{Control, Snapshot};
use crate::call::timestamp;
use crate::request_log::RecordedRequest;

type ControlResult = Result<Value, ControlError>;

/// The paths and their methods, for the errors of other requests.
const ROUTES: [(&str, &str); 10] = [
    ("/clock", "GET"),
    ("/clock/advance", "POST"),
    ("/faults", "POST, DELETE"),
    ("/invites/{id}/accept", "POST"),
    ("/keys", "GET"),
    ("/requests", "GET"),
    ("/scripts", "POST, DELETE"),
    ("/snapshot", "GET, PUT"),
    ("/uploads", "GET"),
    ("/", "GET"),
];

/// Handles a request.
pub(super) fn handle(control: &Control, method: &Method, path: &str, body: &[u8]) -> ControlResult {
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    match (method.as_str(), segments.as_slice()) {
        ("GET", [""]) => Ok(json!({"routes": routes()})),
        ("GET", ["clock"]) => Ok(clock(control)),
        ("POST", ["clock", "advance"]) => {
            let AdvanceBody { milliseconds } = parse(body)?;
            control.advance(Duration::from_millis(milliseconds));
            Ok(clock(control))
        }
        ("POST", ["faults"]) => {
            let fault = parse::<FaultBody>(body)?.into_fault().map_err(invalid)?;
            control.add_fault(fault).map_err(invalid)?;
            Ok(json!({}))
        }
        ("DELETE", ["faults"]) => {
            control.clear_faults();
            Ok(json!({}))
        }
        ("POST", ["scripts"]) => {
            let script = parse::<ScriptBody>(body)?.into_script().map_err(invalid)?;
            control.add_script(script).map_err(invalid)?;
            Ok(json!({}))
        }
        ("DELETE", ["scripts"]) => {
            control.clear_scripts();
            Ok(json!({}))
        }
        ("POST", ["invites", id, "accept"]) => {
            let user = control.accept_invite(id).map_err(invalid)?;
            Ok(json!({"user_id": user}))
        }
        ("GET", ["keys"]) => Ok(keys(control)),
        ("GET", ["requests"]) => Ok(control.requests().iter().map(request_json).collect()),
        ("GET", ["uploads"]) => Ok(uploads(control)),
        ("GET", ["snapshot"]) => serde_json::to_value(control.snapshot()).map_err(|error| {
            ControlError::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
        }),
        ("PUT", ["snapshot"]) => {
            let snapshot: Snapshot = parse(body)?;
            control.restore(&snapshot).map_err(|error| {
                ControlError::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
            })?;
            Ok(json!({}))
        }
        _ => Err(unknown_route(&segments)),
    }
}

fn routes() -> Value {
    let route = |(path, methods): (&str, &str)| json!({"path": path, "methods": methods});
    ROUTES.into_iter().map(route).collect()
}

/// Returns the error for a path that does not exist, or that has other methods.
fn unknown_route(segments: &[&str]) -> ControlError {
    let is_match = |path: &str| {
        let template: Vec<&str> = path.split('/').skip(1).collect();
        let mut pairs = template.iter().zip(segments);
        template.len() == segments.len()
            && pairs.all(|(part, segment)| part.starts_with('{') || part == segment)
    };
    match ROUTES.into_iter().find(|(path, _)| is_match(path)) {
        Some((path, methods)) => ControlError::new(
            StatusCode::METHOD_NOT_ALLOWED,
            format!("`{path}` accepts {methods}"),
        ),
        None => {
            let paths = ROUTES.map(|(path, _)| path).join(", ");
            let message = format!("no such path; the paths are {paths}");
            ControlError::new(StatusCode::NOT_FOUND, message)
        }
    }
}

fn invalid(error: impl Display) -> ControlError {
    ControlError::new(StatusCode::BAD_REQUEST, error.to_string())
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, ControlError> {
    serde_json::from_slice(body).map_err(|error| invalid(format!("body: {error}")))
}

fn clock(control: &Control) -> Value {
    json!({"now": timestamp(control.now())})
}

fn keys(control: &Control) -> Value {
    let key = |(organisation, name, value)| json!({"organisation": organisation, "name": name, "value": value});
    control.keys().into_iter().map(key).collect()
}

/// Returns the uploads, oldest first.
fn uploads(control: &Control) -> Value {
    let uploads = control.uploads().into_iter();
    let uploads = uploads.map(|form| json!({"operation": form.operation, "parts": form.parts}));
    uploads.collect()
}

fn request_json(request: &RecordedRequest) -> Value {
    let mut json = json!({
        "method": request.method,
        "operation": request.operation,
        "target": request.target,
        "headers": request.headers,
    });
    match std::str::from_utf8(&request.body) {
        Ok(text) => json["body"] = json!(text),
        Err(_) => json["body_base64"] = json!(BASE64_STANDARD.encode(&request.body)),
    }
    json
}
