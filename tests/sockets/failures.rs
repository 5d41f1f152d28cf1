//! Failures of a call: the error, and whether the call is retried.

use std::time::Duration;

use portkey_admin::{Client, RequestOptions};
use serde_json::json;
use tokio::task::JoinSet;

use crate::{
    GZIP, LONG_TIMEOUT, MAX_RESPONSE_SIZE, SHORT_TIMEOUT, assert_common_properties,
    assert_key_sent_once, client, create, html, list, predicates, read,
    response_longer_than_the_limit,
    support::{
        server::{ScriptedResponse, Server},
        spans::Recorder,
        wait_until,
    },
    with_headers,
};

/// A response and the expected error.
struct Case {
    name: &'static str,
    response: ScriptedResponse,
    timeout: Duration,
    /// The names of the predicates of the error that return `true`.
    predicates: &'static [&'static str],
    status: Option<u16>,
    /// Whether a read is retried. A create never is in this table.
    retried: bool,
    /// Whether the service may have executed the request.
    may_have_executed: bool,
    /// Parts of the error message.
    message_parts: &'static [&'static str],
}

/// No response: it may have been executed, so only idempotent calls are retried.
fn no_response(name: &'static str, response: ScriptedResponse) -> Case {
    Case {
        name,
        response,
        timeout: LONG_TIMEOUT,
        predicates: &[],
        status: None,
        retried: true,
        may_have_executed: true,
        message_parts: &["no response: error sending request"],
    }
}

/// A success whose body is incomplete.
fn truncated(name: &'static str, response: ScriptedResponse) -> Case {
    Case {
        status: Some(200),
        message_parts: &["200 OK, but the response was interrupted: "],
        ..no_response(name, response)
    }
}

fn timing_out(case: Case) -> Case {
    Case {
        timeout: SHORT_TIMEOUT,
        predicates: &["timeout"],
        message_parts: match case.status {
            None => &["timed out: no response within 2s"],
            Some(_) => &["200 OK, but the response was not complete within 2s"],
        },
        ..case
    }
}

/// A success that cannot be decoded: it was executed, and a retry would not change the response.
fn undecodable(
    name: &'static str,
    response: ScriptedResponse,
    message_parts: &'static [&'static str],
) -> Case {
    Case {
        predicates: &["decode"],
        status: Some(200),
        retried: false,
        message_parts,
        ..no_response(name, response)
    }
}

/// A 4xx response: nothing was executed.
fn refused(name: &'static str, status: u16, predicates: &'static [&'static str]) -> Case {
    let body = json!({"success": false, "data": {"message": "no\nway", "errorCode": "AB01"}});
    Case {
        predicates,
        status: Some(status),
        retried: false,
        may_have_executed: false,
        message_parts: &[" AB01: no way"],
        ..no_response(name, ScriptedResponse::json(status, body.to_string()))
    }
}

/// A response that exceeds a limit: it was executed, and a retry would not change the response.
fn too_large(
    name: &'static str,
    response: ScriptedResponse,
    message_parts: &'static [&'static str],
) -> Case {
    Case {
        predicates: &["response_too_large"],
        retried: false,
        message_parts,
        ..no_response(name, response)
    }
}

/// A status that says nothing about whether the request was executed.
fn unknown_outcome(name: &'static str, status: u16) -> Case {
    Case {
        status: Some(status),
        retried: false,
        message_parts: &[],
        ..no_response(name, ScriptedResponse::empty(status))
    }
}

/// A failure of the service.
fn server_error(
    name: &'static str,
    status: u16,
    response: ScriptedResponse,
    message_parts: &'static [&'static str],
) -> Case {
    Case {
        status: Some(status),
        message_parts,
        ..no_response(name, response)
    }
}

fn cases() -> Vec<Case> {
    let nothing_sent = || ScriptedResponse::empty(200).sending_nothing();
    let stalled_refusal = ScriptedResponse::json(500, "{\"message\":\"a b c\"}").stalling(3);
    vec![
        no_response("closed without a response", nothing_sent()),
        no_response("reset without a response", nothing_sent().then_reset()),
        no_response(
            "closed in the middle of the head",
            list().truncated_after(20),
        ),
        no_response(
            "reset in the middle of the head",
            list().truncated_after(20).then_reset(),
        ),
        no_response(
            "not HTTP",
            ScriptedResponse::garbage("SSH-2.0-Scripted\r\n"),
        ),
        truncated("closed in the middle of the body", list().truncated_by(5)),
        truncated(
            "reset in the middle of the body",
            list().truncated_by(5).then_reset(),
        ),
        timing_out(no_response(
            "stalled before the head",
            nothing_sent().then_stall(),
        )),
        timing_out(no_response(
            "stalled in the middle of the head",
            list().truncated_after(20).then_stall(),
        )),
        timing_out(truncated(
            "stalled in the middle of the body",
            list().stalling(5),
        )),
        timing_out(truncated(
            "too slow",
            list().byte_by_byte(SHORT_TIMEOUT / 5),
        )),
        undecodable(
            "truncated JSON",
            ScriptedResponse::json(200, r#"{"data":[{"id":"canary"#),
            &[
                "200 OK, but the response could not be decoded: ",
                "data[0].id: EOF while parsing a string",
            ],
        ),
        undecodable(
            "HTML",
            html(200),
            &[
                "could not be decoded: expected value",
                "(the response has the content type text/html)",
            ],
        ),
        undecodable(
            "unrequested gzip",
            ScriptedResponse::empty(200)
                .with_header("content-type", "application/json")
                .with_header("content-encoding", "gzip")
                .with_bytes(GZIP),
            &[
                "could not be decoded: ",
                "(the response has the content encoding gzip)",
            ],
        ),
        undecodable(
            "a string instead of an object",
            ScriptedResponse::json(200, "\"canary\""),
            &["could not be decoded: expected an object, found a string"],
        ),
        undecodable(
            "invalid UTF-8",
            ScriptedResponse::json(200, "").with_bytes(&b"{\"data\":\"\xff\xfe\"}"[..]),
            &["could not be decoded: data"],
        ),
        Case {
            status: Some(200),
            ..too_large(
                "longer than the limit",
                response_longer_than_the_limit(),
                &["response too large: the body is longer than the limit of 1048576 bytes"],
            )
        },
        Case {
            status: Some(200),
            ..too_large(
                "longer than the limit without a length",
                response_longer_than_the_limit().without_content_length(),
                &["response too large: the body is longer"],
            )
        },
        Case {
            status: Some(200),
            ..too_large(
                "endless",
                ScriptedResponse::json(200, "[\"xxxx\",".repeat(1000)).endless(),
                &["response too large: the body is longer"],
            )
        },
        too_large(
            "more than 256 headers",
            with_headers(list(), 300),
            &["response too large: the head has too many headers or is too long"],
        ),
        too_large(
            "a header of 1 MiB",
            list().with_header("x-long", "x".repeat(1 << 20)),
            &["response too large: the head has too many headers or is too long"],
        ),
        too_large(
            "an endless header",
            ScriptedResponse::garbage("HTTP/1.1 200 OK\r\nx-long: ")
                .with_body("x".repeat(1000))
                .endless(),
            &["response too large: the head"],
        ),
        Case {
            message_parts: &["redirects are not followed"],
            ..unknown_outcome("see other", 303)
        },
        Case {
            message_parts: &["redirects are not followed"],
            ..unknown_outcome("found", 302)
        },
        unknown_outcome("a status without a class", 600),
        unknown_outcome("the last status", 999),
        refused("bad request", 400, &[]),
        refused("unauthorized", 401, &["unauthorized"]),
        refused("forbidden", 403, &["forbidden"]),
        refused("not found", 404, &["not_found", "gone_or_hidden"]),
        refused("conflict", 409, &["conflict"]),
        refused("too large", 413, &[]),
        Case {
            retried: true,
            ..refused("rate limited", 429, &["rate_limited"])
        },
        server_error(
            "request timeout",
            408,
            ScriptedResponse::empty(408),
            &["408 Request Timeout"],
        ),
        server_error(
            "internal error",
            500,
            ScriptedResponse::json(500, "null"),
            &["500 Internal Server Error"],
        ),
        server_error("HTML from a proxy", 502, html(502), &["502 Bad Gateway"]),
        server_error(
            "overload",
            503,
            ScriptedResponse::json(503, "{}"),
            &["503 Service Unavailable"],
        ),
        server_error("gateway timeout", 504, html(504), &["504 Gateway Timeout"]),
        server_error("unknown error of the edge", 520, html(520), &["520"]),
        server_error("origin is down", 521, html(521), &["521"]),
        server_error("no connection to the origin", 522, html(522), &["522"]),
        server_error("origin is unreachable", 523, html(523), &["523"]),
        server_error("origin timed out", 524, html(524), &["524"]),
        server_error("site is overloaded", 529, html(529), &["529"]),
        Case {
            retried: false,
            ..server_error(
                "invalid certificate of the origin",
                526,
                html(526),
                &["526"],
            )
        },
        Case {
            timeout: SHORT_TIMEOUT,
            ..server_error(
                "endless server error",
                500,
                ScriptedResponse::empty(500)
                    .with_body("x".repeat(1000))
                    .endless(),
                &["500 Internal Server Error; response body truncated to 1 MiB"],
            )
        },
        Case {
            timeout: SHORT_TIMEOUT,
            ..server_error(
                "server error whose body stalls",
                500,
                stalled_refusal,
                &["500 Internal Server Error"],
            )
        },
    ]
}

impl Case {
    /// Starts a server with the response, and returns it with a client of it.
    fn server_and_client(&self) -> (Server, Client) {
        let server = Server::with_response(self.response.clone());
        let options = RequestOptions::new().max_response_size(MAX_RESPONSE_SIZE);
        let client = client(&server, self.timeout).with_options(options);
        (server, client)
    }

    /// Sends a call and checks the error.
    async fn check(&self, operation: &str, attempts: u32, (server, client): (Server, Client)) {
        let name = format!("{} ({operation})", self.name);
        let outcome = match operation {
            "list_users" => read(&client).await,
            _ => create(&client).await,
        };
        let error = outcome.expect_err(&name);
        assert_eq!(error.operation(), Some(operation), "{name}");
        assert_eq!(predicates(&error), self.predicates, "{name}: {error}");
        let status = error.status().map(|status| status.as_u16());
        assert_eq!(status, self.status, "{name}: {error}");
        assert_eq!(error.attempts(), attempts, "{name}: {error}");
        assert_eq!(
            error.may_have_executed(),
            self.may_have_executed,
            "{name}: {error}"
        );
        assert_eq!(error.retry_after(), None, "{name}");
        assert_eq!(server.requests().len(), attempts as usize, "{name}");
        for part in self.message_parts {
            assert!(error.to_string().contains(part), "{name}: {part}: {error}");
        }
        let retried = error.to_string().contains(", after 2 attempts");
        assert_eq!(retried, attempts == 2, "{name}: {error}");
        assert_common_properties(&name, &error);
        assert_key_sent_once(&name, &server);
    }
}

#[tokio::test]
async fn every_failure_is_reported_and_retried_if_safe() {
    let recorder = Recorder::start();
    let mut running = JoinSet::new();
    // All clients are built first: building one takes time that would count against running timeouts.
    let prepared: Vec<_> = cases()
        .into_iter()
        .map(|case| (case.server_and_client(), case.server_and_client(), case))
        .collect();
    for (for_get, for_post, case) in prepared {
        running.spawn(async move {
            let attempts = if case.retried { 2 } else { 1 };
            case.check("list_users", attempts, for_get).await;
            case.check("create_virtual_key", 1, for_post).await;
        });
    }
    while let Some(outcome) = running.join_next().await {
        outcome.unwrap();
    }
    assert!(!recorder.spans("portkey.call").is_empty());
    assert!(
        !recorder.debug_output().contains("canary"),
        "{}",
        recorder.debug_output()
    );
}

#[tokio::test]
async fn timeout_error_contains_the_timeout_and_the_partial_body() {
    let server = Server::with_response(list().stalling(5));
    let error = read(&client(&server, SHORT_TIMEOUT)).await.unwrap_err();
    assert_eq!(error.body().unwrap(), r#"{"object":"list","total":0,"data"#);
    let line = error.to_string();
    assert!(line.contains("not complete within 2s"), "{line}");
    wait_until(|| server.client_disconnects() == 2).await;
}
