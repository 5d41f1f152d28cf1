//! Every constraint of the patched OpenAPI document: requests that violate it are refused, and
//! requests that satisfy it are not refused for it.

use portkey_admin_codegen::manifest::{ApiVersion, Entry, Plane};
use portkey_admin_codegen::{Patched, Sources, constraints::constraints, document, patch};
use portkey_admin_constraints::{Constraint, Part, Violation, check, samples::samples};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Response, TestClient, receive, string};

/// An emulator, and what requests to it need.
struct Setup {
    client: TestClient,
    workspace_key: String,
    user: String,
}

/// An operation and its constraints.
struct Operation<'a> {
    method: &'a str,
    path: &'a str,
    entry: &'a Entry,
    constraints: Vec<Constraint>,
}

impl Setup {
    async fn new() -> Self {
        let client = TestClient::new().await;
        let workspace = client.first_workspace().await;
        let (_, workspace_key) = client.workspace_key(&workspace, &["*"]).await;
        let user = string(&client.get("/admin/users").await["data"][1]["id"]);
        Self {
            client,
            workspace_key,
            user,
        }
    }

    /// Returns a path parameter: that of the request, or one that reaches the validation.
    fn argument<'a>(&'a self, operation: &str, name: &str, request: &'a Value) -> &'a str {
        let valid = match (operation, name) {
            ("create_api_key", "type") => "organisation",
            ("create_api_key", _) => "service",
            ("update_user", _) => self.user.as_str(),
            _ => "one",
        };
        request["path"][name].as_str().unwrap_or(valid)
    }

    async fn send(&self, operation: &Operation<'_>, request: &Value) -> Response {
        let segments = operation.path.split('/').map(|segment| {
            let name = segment
                .strip_prefix('{')
                .and_then(|name| name.strip_suffix('}'));
            name.map_or(segment, |name| {
                self.argument(&operation.entry.id, name, request)
            })
        });
        let path: Vec<&str> = segments.collect();
        let query = request["query"].as_object().unwrap().iter();
        let query: Vec<String> = query
            .map(|(name, value)| {
                let value = value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned);
                format!("{name}={value}")
            })
            .collect();
        let emulator = &self.client.emulator;
        let base = match (operation.entry.plane, operation.entry.base) {
            (Plane::Public, _) => emulator.public_base_url(),
            (Plane::Mcp, _) => emulator.mcp_base_url(),
            (Plane::Prices, _) => emulator.prices_base_url(),
            (_, ApiVersion::V1) => emulator.base_url(),
            (_, ApiVersion::V2) => emulator.base_url().replace("/v1", "/v2"),
        };
        let url = format!("{base}{}?{}", path.join("/"), query.join("&"));
        let method = Method::from_bytes(operation.method.to_uppercase().as_bytes()).unwrap();
        let accepts_organisation = operation.entry.access.keys.is_empty()
            || operation
                .entry
                .access
                .keys
                .iter()
                .any(|kind| kind == "organisation");
        let key = match accepts_organisation {
            true => &self.client.key,
            false => &self.workspace_key,
        };
        let mut body = request["body"].clone();
        if operation.entry.id == "create_api_key" && body.get("scopes").is_none() {
            // Without scopes, the service fails before it validates anything.
            body["scopes"] = json!(["x"]);
        }
        let request = self.client.http.request(method, url);
        let request = request.header("x-portkey-api-key", key);
        receive(match operation.method {
            "get" => request,
            _ => request.json(&body),
        })
        .await
    }
}

/// Returns the location and the reason of a violation as they are in the message of the emulator.
fn message(violation: &Violation) -> String {
    let location = match violation.part {
        Part::Body => violation.pointer(),
        Part::Path | Part::Query => violation.field.clone(),
    };
    format!("`{location}` {}", violation.reason)
}

fn operations(patched: &Patched) -> Vec<Operation<'_>> {
    document::operations(&patched.document)
        .map(|(path, method, _)| {
            let entry = patched.manifest.get(method, path).unwrap();
            let constraints = constraints(&patched.document, method, path, entry);
            Operation {
                method,
                path,
                entry,
                constraints: constraints.unwrap(),
            }
        })
        .collect()
}

fn patched() -> Patched {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    patch(&Sources::read(&root).unwrap()).unwrap()
}

/// Returns whether the emulator does not implement an operation of the gateway here.
fn is_not_implemented(response: &Response) -> bool {
    response.status == 501
}

#[tokio::test]
async fn every_constraint_refuses_and_accepts_the_requests_that_it_should() {
    let (setup, patched) = (Setup::new().await, patched());
    let (mut refused, mut accepted) = (0, 0);
    for operation in operations(&patched) {
        for constraint in &operation.constraints {
            let context = format!("{}: {constraint:?}", operation.entry.id);
            let samples = samples(constraint);
            for request in samples.refused {
                let violation = check(&operation.constraints, &request).expect_err(&context);
                let response = setup.send(&operation, &request).await;
                if is_not_implemented(&response) {
                    continue;
                }
                refused += 1;
                let body = &response.body;
                if operation.entry.id == "create_api_key" && constraint.path == "scopes" {
                    assert_eq!(response.status, 502, "{context}: {body}");
                    continue;
                }
                let expected = message(&violation);
                assert_eq!(response.status, 400, "{context}: {request}: {body}");
                assert!(
                    body.to_string().contains(&expected),
                    "{context}: {expected}: {body}"
                );
            }
            for request in samples.accepted {
                if check(&operation.constraints, &request).is_err() {
                    continue;
                }
                let response = setup.send(&operation, &request).await;
                accepted += 1;
                // The request may lack other fields.
                let text = response.body.to_string();
                for reason in [
                    "must be at ",
                    "must have ",
                    "must be one of",
                    "mutually exclusive",
                ] {
                    assert!(!text.contains(reason), "{context}: {request}: {text}");
                }
            }
        }
    }
    assert!(refused >= 150 && accepted >= 150, "{refused} {accepted}");
}
