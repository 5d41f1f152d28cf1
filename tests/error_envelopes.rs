//! The envelopes, codes and statuses of the service's errors, and which of them are retried.

#![cfg(all(feature = "admin", feature = "gateway"))]
#![allow(clippy::unwrap_used, clippy::expect_used)] // a panic fails the test

mod support;

use http::Method;
use portkey_admin::{
    Client, Error, Plane, error_codes, gateway::completions::CreateCompletionRequest,
};
use serde_json::{Value, json};
use support::{
    KEY, attempts, boxed_call,
    server::{ScriptedResponse, Server},
    server_and_client,
};

/// An error response and what the client reads from it.
struct Case {
    status: u16,
    body: Value,
    code: Option<&'static str>,
    param: Option<Value>,
    provider: Option<&'static str>,
    field: Option<&'static str>,
}

impl Case {
    fn new(status: u16, body: Value) -> Self {
        Self {
            status,
            body,
            code: None,
            param: None,
            provider: None,
            field: None,
        }
    }

    /// An error of the control plane.
    fn control(status: u16, code: &'static str) -> Self {
        let body = json!({"success": false, "data": {"message": "m", "errorCode": code}});
        Self {
            code: Some(code),
            ..Self::new(status, body)
        }
    }

    /// A setting that the organisation blocks.
    fn blocked(code: &'static str, field: &'static str) -> Self {
        let error = json!({"code": code, "message": "m", "field": field});
        let body = json!({"status": "failure", "error": error, "message": "other"});
        Self {
            code: Some(code),
            field: Some(field),
            ..Self::new(400, body)
        }
    }

    /// An error of a provider that the gateway passes on.
    fn upstream(status: u16) -> Self {
        let param = json!({"statusCode": status, "isRetryable": false});
        let error = json!({"message": "m", "type": "t", "param": param, "code": null});
        Self {
            param: Some(param),
            provider: Some("openai"),
            ..Self::new(status, json!({"error": error, "provider": "openai"}))
        }
    }

    fn check(&self, error: &Error) {
        let shown = format!("{error} {}", self.body);
        assert_eq!(error.status().unwrap().as_u16(), self.status, "{shown}");
        assert_eq!(error.code(), self.code, "{shown}");
        assert_eq!(error.message(), Some("m"), "{shown}");
        assert_eq!(error.param(), self.param.as_ref(), "{shown}");
        assert_eq!(error.provider(), self.provider, "{shown}");
        assert_eq!(error.field(), self.field, "{shown}");
    }

    fn response(&self) -> ScriptedResponse {
        ScriptedResponse::json(self.status, self.body.to_string())
    }
}

fn cases() -> Vec<Case> {
    let failure = json!({"status": "failure", "message": "m"});
    vec![
        Case::control(400, error_codes::INVALID_REQUEST),
        Case::control(404, error_codes::INVALID_REFERENCE),
        Case::control(403, error_codes::FORBIDDEN),
        Case::control(500, error_codes::INTERNAL_ERROR),
        Case::control(401, error_codes::UNAUTHORIZED),
        Case::control(429, error_codes::RATE_LIMITED),
        Case::control(409, error_codes::CONFLICT),
        Case::control(404, error_codes::NOT_FOUND),
        Case::control(402, error_codes::SUBSCRIPTION_EXHAUSTED),
        Case::blocked(error_codes::INLINE_CONFIG_BLOCKED, "x-portkey-config"),
        Case::blocked(error_codes::INLINE_PROVIDER_BLOCKED, "x-portkey-provider"),
        Case::blocked(
            error_codes::INLINE_CUSTOM_HOST_BLOCKED,
            "x-portkey-custom-host",
        ),
        Case::blocked(error_codes::INLINE_PROVIDER_URL_BLOCKED, "url"),
        Case::blocked(
            error_codes::INLINE_FORWARD_HEADERS_BLOCKED,
            "x-portkey-forward-headers",
        ),
        Case::new(400, failure.clone()),
        Case::new(500, failure.clone()),
        Case::new(412, failure.clone()),
        Case::new(446, failure),
        Case::upstream(429),
        Case::upstream(402),
        Case {
            code: Some("c"),
            param: Some(json!("messages")),
            ..Case::new(
                408,
                json!({"error": {"message": "m", "type": "t", "param": "messages", "code": "c"}}),
            )
        },
        Case {
            code: Some("invalid_client"),
            ..Case::new(
                401,
                json!({"error": "invalid_client", "error_description": "m"}),
            )
        },
        Case::new(
            529,
            json!({"type": "error", "error": {"type": "overloaded_error", "message": "m"}}),
        ),
    ]
}

fn completion() -> CreateCompletionRequest {
    let request = CreateCompletionRequest::builder().model("m").prompt("p");
    request.build().unwrap()
}

/// Makes a call of each kind: buffered on the planes with a key, raw, and streamed.
async fn call_each(client: &Client) -> Vec<Result<(), Error>> {
    let raw = client.request(Method::GET, "/things");
    vec![
        boxed_call(client.get_workspace("one").send()).await,
        boxed_call(client.list_models().send()).await,
        boxed_call(client.list_mcp_registry_servers().send()).await,
        boxed_call(raw.clone().send_raw()).await,
        boxed_call(raw.plane(Plane::Gateway).send::<Value>()).await,
        boxed_call(client.create_completion().body(completion()).send()).await,
        boxed_call(
            client
                .create_completion()
                .body(completion())
                .stream()
                .into_future(),
        )
        .await,
    ]
}

fn client_of(server: &Server) -> Client {
    let builder = support::builder(server).mcp_base_url(server.url("/v0.1"));
    builder.build().unwrap()
}

#[tokio::test]
async fn every_envelope_is_read_from_every_kind_of_call() {
    for case in cases() {
        let server = Server::with_response(case.response());
        for result in call_each(&client_of(&server)).await {
            case.check(&result.unwrap_err());
        }
    }
}

#[test]
fn every_envelope_can_be_made_for_tests() {
    for case in cases() {
        let response = http::Response::builder().status(case.status);
        let response = response.body(case.body.to_string()).unwrap();
        let error = Error::from_response(&portkey_admin::operations::LIST_MODELS, response);
        case.check(&error);
    }
}

#[tokio::test]
async fn predicates_follow_status_code_and_provider() {
    type Predicate = (&'static str, fn(&Error) -> bool);
    let predicates: [Predicate; 10] = [
        ("unauthorized", Error::is_unauthorized),
        ("forbidden", Error::is_forbidden),
        ("not found", Error::is_not_found),
        ("conflict", Error::is_conflict),
        ("rate limited", Error::is_rate_limited),
        ("server error", Error::is_server_error),
        ("subscription", Error::is_subscription_exhausted),
        ("budget", Error::is_budget_exhausted),
        ("guardrail", Error::is_guardrail_denied),
        ("inline", Error::is_inline_setting_blocked),
    ];
    let failure = || json!({"status": "failure", "message": "m"});
    for (case, expected) in [
        (Case::control(400, "AB01"), &[][..]),
        (Case::control(404, "AB02"), &["not found"]),
        (Case::control(403, "AB03"), &["forbidden"]),
        (Case::control(500, "AB04"), &["server error"]),
        (Case::control(401, "AB05"), &["unauthorized"]),
        (Case::control(429, "AB06"), &["rate limited"]),
        (Case::control(409, "AB07"), &["conflict"]),
        (Case::control(404, "AB08"), &["not found"]),
        (Case::control(402, "AB09"), &["subscription"]),
        (Case::new(402, failure()), &["subscription"]),
        (Case::upstream(402), &[]),
        (Case::new(412, failure()), &["budget"]),
        (Case::upstream(412), &[]),
        (Case::new(446, failure()), &["guardrail"]),
        (Case::upstream(429), &["rate limited"]),
        (Case::new(529, failure()), &["server error"]),
        (Case::blocked("inline_config_blocked", "f"), &["inline"]),
        (Case::blocked("inline_other", "f"), &[]),
    ] {
        let (_server, client) = server_and_client(case.response());
        let error = boxed_call(client.list_models().send()).await.unwrap_err();
        let found: Vec<&str> = predicates
            .iter()
            .filter(|(_, predicate)| predicate(&error))
            .map(|(name, _)| *name)
            .collect();
        assert_eq!(found, expected, "{} {}", case.status, case.body);
    }
}

#[tokio::test]
async fn statuses_are_retried_by_their_class() {
    for (status, reads, writes) in [
        (402, 1, 1),
        (409, 1, 1),
        (412, 1, 1),
        (446, 1, 1),
        (408, 3, 1),
        (429, 3, 1),
        (500, 3, 1),
        (529, 3, 1),
    ] {
        let (_server, client) = server_and_client(ScriptedResponse::json(status, "{}"));
        let client = client.with_options(attempts(3));
        let read = boxed_call(client.list_models().send()).await.unwrap_err();
        assert_eq!(read.attempts(), reads, "{status}");
        let write = client.create_completion().body(completion()).send();
        let write = boxed_call(write).await.unwrap_err();
        assert_eq!(write.attempts(), writes, "{status}");
        assert_eq!(read.is_transient(), reads > 1, "{status}");
    }
    // A write is repeated if the service asks for it.
    let limited = Case::control(429, error_codes::RATE_LIMITED).response();
    let (_server, client) = server_and_client(limited.with_header("retry-after", "0"));
    let client = client.with_options(attempts(3));
    let write = client.create_completion().body(completion()).send();
    assert_eq!(boxed_call(write).await.unwrap_err().attempts(), 3);
}

#[tokio::test]
async fn a_failed_guardrail_that_does_not_deny_is_a_success() {
    let (_server, client) = server_and_client(ScriptedResponse::json(
        246,
        json!({"object": "list", "choices": []}).to_string(),
    ));
    let call = client.create_completion().body(completion());
    let response = call.send_with_response().await.unwrap();
    assert_eq!(response.status().as_u16(), 246);
    let raw = client.request(Method::GET, "/things").plane(Plane::Gateway);
    assert_eq!(raw.send_raw().await.unwrap().status().as_u16(), 246);

    let events = ScriptedResponse::empty(246)
        .with_header("content-type", "text/event-stream")
        .with_body("data: {\"choices\": []}\n\ndata: [DONE]\n\n");
    let (_server, client) = server_and_client(events);
    let call = client.create_completion().body(completion());
    let mut stream = call.stream().await.unwrap();
    assert_eq!(stream.status().as_u16(), 246);
    stream.next().await.unwrap().unwrap();
    assert!(stream.next().await.is_none());
}

#[tokio::test]
async fn the_key_is_redacted_in_every_part_of_an_envelope() {
    let error = json!({
        "code": KEY, "message": KEY, "field": KEY, "param": {KEY: [KEY, {"a": KEY}]},
    });
    let body = json!({"error": error, "provider": KEY});
    let (_server, client) = server_and_client(ScriptedResponse::json(400, body.to_string()));
    let error = boxed_call(client.list_models().send()).await.unwrap_err();
    assert_eq!(error.field(), Some("[redacted]"));
    assert_eq!(error.provider(), Some("[redacted]"));
    assert_eq!(
        error.param(),
        Some(&json!({"[redacted]": ["[redacted]", {"a": "[redacted]"}]}))
    );
}
