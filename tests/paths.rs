//! Path arguments: each is sent as one segment of the intended route, or the call is refused.

#![cfg(feature = "admin")]
#![allow(clippy::unwrap_used, clippy::expect_used)] // a panic fails the test

mod support;

use std::collections::BTreeSet;

#[cfg(feature = "gateway")]
use portkey_admin::gateway::threads;
use portkey_admin::{Client, analytics::AnalyticsFilters, api_keys, prompts};
use support::{
    BoxedCall, boxed_call,
    server::{ScriptedResponse, Server},
};

/// A method with one variable path argument.
struct Call {
    id: &'static str,
    /// The name of the variable argument.
    argument: &'static str,
    /// The expected path, with the variable argument as `{}`.
    path: &'static str,
    send: fn(&Client, &str) -> BoxedCall,
}

/// Methods of every plane and HTTP method, with one argument, two arguments, and enum arguments.
const CALLS: &[Call] = &[
    Call {
        id: "get_user",
        argument: "userId",
        path: "/v1/admin/users/{}",
        send: |client, value| boxed_call(client.get_user(value).send()),
    },
    Call {
        id: "get_workspace",
        argument: "workspaceId",
        path: "/v1/admin/workspaces/{}",
        send: |client, value| boxed_call(client.get_workspace(value).send()),
    },
    Call {
        id: "delete_prompt",
        argument: "promptId",
        path: "/v1/prompts/{}",
        send: |client, value| boxed_call(client.delete_prompt(value).send()),
    },
    Call {
        id: "get_log",
        argument: "logId",
        path: "/v1/logs/{}",
        send: |client, value| boxed_call(client.get_log(value).send()),
    },
    Call {
        id: "get_prompt",
        argument: "promptId",
        path: "/v1/prompts/{}",
        send: |client, value| boxed_call(client.get_prompt(value).send()),
    },
    Call {
        id: "get_config",
        argument: "slug",
        path: "/v1/configs/{}",
        send: |client, value| boxed_call(client.get_config(value).send()),
    },
    Call {
        id: "get_api_key",
        argument: "id",
        path: "/v1/api-keys/{}",
        send: |client, value| boxed_call(client.get_api_key(value).send()),
    },
    Call {
        id: "get_prompt_version",
        argument: "promptId",
        path: "/v1/prompts/{}/versions/one",
        send: |client, value| boxed_call(client.get_prompt_version(value, "one").send()),
    },
    Call {
        id: "get_prompt_version",
        argument: "versionId",
        path: "/v1/prompts/one/versions/{}",
        send: |client, value| boxed_call(client.get_prompt_version("one", value).send()),
    },
    Call {
        id: "get_model_pricing",
        argument: "provider",
        path: "/model-configs/pricing/{}/one",
        send: |client, value| boxed_call(client.get_model_pricing(value, "one").send()),
    },
    Call {
        id: "get_model_pricing",
        argument: "model",
        path: "/model-configs/pricing/one/{}",
        send: |client, value| boxed_call(client.get_model_pricing("one", value).send()),
    },
];

fn create_api_key(client: &Client, type_: &str, sub_type: &str) -> BoxedCall {
    let body = api_keys::CreateApiKeyRequest::builder()
        .name("ci")
        .workspace_id("one")
        .scopes(["logs.list"]);
    boxed_call(client.create_api_key(type_, sub_type).body(body).send())
}

fn usage_by(client: &Client, group: &str) -> BoxedCall {
    let now = std::time::SystemTime::now();
    let call = client.get_usage_by(group);
    let call = call.filters(AnalyticsFilters::between(now, now));
    boxed_call(call.send())
}

/// Starts a server that responds to every request with 404.
fn not_found_server_and_client() -> (Server, Client) {
    support::server_and_client(ScriptedResponse::empty(404))
}

/// Sends `call` with `value`, and asserts that no request is sent; returns the error message.
async fn refused(call: &Call, value: &str) -> String {
    let (server, client) = not_found_server_and_client();
    let error = (call.send)(&client, value).await.unwrap_err();
    assert!(error.is_invalid_request(), "{} {value:?}: {error}", call.id);
    assert_eq!(error.operation(), Some(call.id));
    assert_eq!(server.connections(), 0, "{} {value:?}", call.id);
    error.to_string()
}

#[tokio::test]
async fn every_value_is_sent_as_one_segment() {
    let long = "x".repeat(4096);
    let long_and_encoded = "ü/".repeat(1024);
    let values = [
        "plain",
        "a/b",
        "/",
        "//",
        "../a",
        "./a",
        "a/..",
        "%2e%2e",
        "%2E",
        ".%2e",
        "%",
        "%zz",
        "a?b",
        "a#b",
        "a\\b",
        "..\\",
        "a\nb",
        "\n",
        "\t",
        "\r\nx-injected: 1",
        "\0",
        "ü",
        "日本",
        "\u{feff}",
        "\u{202e}",
        "a b",
        " ",
        "+",
        "&=",
        ";",
        "..;",
        "...",
        ":",
        "http://other.example/",
        "@",
        "{}",
        "\"<>`|^",
        &long,
        &long_and_encoded,
    ];
    let (server, client) = not_found_server_and_client();
    for call in CALLS {
        for value in values {
            let error = (call.send)(&client, value).await.unwrap_err();
            assert_eq!(
                error.status().map(|status| status.as_u16()),
                Some(404),
                "{} {value:?}: {error}",
                call.id
            );
            let request = server.requests().pop().unwrap();
            let expected: Vec<&str> = call
                .path
                .split('/')
                .skip(1)
                .map(|segment| if segment == "{}" { value } else { segment })
                .collect();
            assert_eq!(request.segments(), expected, "{}", request.target);
            assert_eq!(request.path(), request.target, "{} has a query", call.id);
            assert!(request.target.bytes().all(|byte| byte.is_ascii_graphic()));
        }
    }
    assert_eq!(server.requests().len(), CALLS.len() * values.len());
}

#[tokio::test]
async fn empty_and_dot_segments_are_refused() {
    for call in CALLS {
        for value in ["", ".", ".."] {
            let error = refused(call, value).await;
            let argument = format!("`{}`", call.argument);
            assert!(error.contains(&argument), "{argument} {value:?}: {error}");
        }
    }
}

/// Every argument with a reserved segment: a literal segment at the same position of another route.
const RESERVED: &[(&str, Call)] = &[
    (
        "invites",
        Call {
            id: "get_user",
            argument: "userId",
            path: "GET /admin/users/{userId}",
            send: |client, value| boxed_call(client.get_user(value).send()),
        },
    ),
    (
        "invites",
        Call {
            id: "delete_user",
            argument: "userId",
            path: "DELETE /admin/users/{userId}",
            send: |client, value| boxed_call(client.delete_user(value).send()),
        },
    ),
    (
        "rotate",
        Call {
            id: "create_api_key",
            argument: "sub-type",
            path: "POST /api-keys/{type}/{sub-type}",
            send: |client, value| create_api_key(client, "workspace", value),
        },
    ),
    (
        "users",
        Call {
            id: "get_usage_by",
            argument: "groupBy",
            path: "GET /analytics/groups/{groupBy}",
            send: |client, value| usage_by(client, value),
        },
    ),
    (
        "ai-models",
        Call {
            id: "get_usage_by",
            argument: "groupBy",
            path: "GET /analytics/groups/{groupBy}",
            send: |client, value| usage_by(client, value),
        },
    ),
    (
        "workspaces",
        Call {
            id: "get_usage_by",
            argument: "groupBy",
            path: "GET /analytics/groups/{groupBy}",
            send: |client, value| usage_by(client, value),
        },
    ),
    (
        "provider",
        Call {
            id: "get_usage_by",
            argument: "groupBy",
            path: "GET /analytics/groups/{groupBy}",
            send: |client, value| usage_by(client, value),
        },
    ),
    (
        "metadata",
        Call {
            id: "get_usage_by",
            argument: "groupBy",
            path: "GET /analytics/groups/{groupBy}",
            send: |client, value| usage_by(client, value),
        },
    ),
    (
        "field-restrictions",
        Call {
            id: "get_log_export",
            argument: "exportId",
            path: "GET /logs/exports/{exportId}",
            send: |client, value| boxed_call(client.get_log_export(value).send()),
        },
    ),
    (
        "field-restrictions",
        Call {
            id: "download_log_export",
            argument: "exportId",
            path: "GET /logs/exports/{exportId}/download",
            send: |client, value| boxed_call(client.download_log_export(value).send()),
        },
    ),
    (
        "exports",
        Call {
            id: "get_log",
            argument: "logId",
            path: "GET /logs/{logId}",
            send: |client, value| boxed_call(client.get_log(value).send()),
        },
    ),
    (
        "partials",
        Call {
            id: "get_prompt",
            argument: "promptId",
            path: "GET /prompts/{promptId}",
            send: |client, value| boxed_call(client.get_prompt(value).send()),
        },
    ),
    (
        "partials",
        Call {
            id: "update_prompt",
            argument: "promptId",
            path: "PUT /prompts/{promptId}",
            send: |client, value| {
                let body = prompts::UpdatePromptRequest::builder();
                boxed_call(client.update_prompt(value).body(body).send())
            },
        },
    ),
    (
        "partials",
        Call {
            id: "delete_prompt",
            argument: "promptId",
            path: "DELETE /prompts/{promptId}",
            send: |client, value| boxed_call(client.delete_prompt(value).send()),
        },
    ),
    (
        "partials",
        Call {
            id: "run_prompt",
            argument: "promptId",
            path: "POST /prompts/{promptId}/completions",
            send: |client, value| {
                let body = prompts::RunPromptRequest::builder();
                boxed_call(client.run_prompt(value).body(body).send())
            },
        },
    ),
    (
        "partials",
        Call {
            id: "make_prompt_version_default",
            argument: "promptId",
            path: "PUT /prompts/{promptId}/makeDefault",
            send: |client, value| {
                let body = prompts::MakePromptVersionDefaultRequest::builder();
                boxed_call(client.make_prompt_version_default(value).body(body).send())
            },
        },
    ),
    (
        "partials",
        Call {
            id: "render_prompt",
            argument: "promptId",
            path: "POST /prompts/{promptId}/render",
            send: |client, value| {
                let body = prompts::RenderPromptRequest::builder();
                boxed_call(client.render_prompt(value).body(body).send())
            },
        },
    ),
    (
        "partials",
        Call {
            id: "list_prompt_versions",
            argument: "promptId",
            path: "GET /prompts/{promptId}/versions",
            send: |client, value| boxed_call(client.list_prompt_versions(value).send()),
        },
    ),
    (
        "partials",
        Call {
            id: "get_prompt_version",
            argument: "promptId",
            path: "GET /prompts/{promptId}/versions/{versionId}",
            send: |client, value| boxed_call(client.get_prompt_version(value, "one").send()),
        },
    ),
    (
        "partials",
        Call {
            id: "update_prompt_version",
            argument: "promptId",
            path: "PUT /prompts/{promptId}/versions/{versionId}",
            send: |client, value| {
                let body = prompts::UpdatePromptVersionRequest::builder();
                let call = client.update_prompt_version(value, "one");
                boxed_call(call.body(body).send())
            },
        },
    ),
    (
        "a2a",
        Call {
            id: "get_usage_by",
            argument: "groupBy",
            path: "GET /analytics/groups/{groupBy}",
            send: usage_by,
        },
    ),
    (
        "mcp",
        Call {
            id: "get_usage_by",
            argument: "groupBy",
            path: "GET /analytics/groups/{groupBy}",
            send: usage_by,
        },
    ),
    (
        "metadata",
        Call {
            id: "get_log_groups",
            argument: "groupBy",
            path: "GET /logs/groups/{groupBy}",
            send: |client, value| boxed_call(client.get_log_groups(value).send()),
        },
    ),
    (
        "groups",
        Call {
            id: "get_log",
            argument: "logId",
            path: "GET /logs/{logId}",
            send: |client, value| boxed_call(client.get_log(value).send()),
        },
    ),
    (
        "metadata",
        Call {
            id: "get_log",
            argument: "logId",
            path: "GET /logs/{logId}",
            send: |client, value| boxed_call(client.get_log(value).send()),
        },
    ),
    (
        "models",
        Call {
            id: "get_provider",
            argument: "slug",
            path: "GET /providers/{slug}",
            send: |client, value| boxed_call(client.get_provider(value).send()),
        },
    ),
    (
        "partials",
        Call {
            id: "share_prompt",
            argument: "promptId",
            path: "POST /prompts/{promptId}/share",
            send: |client, value| boxed_call(client.share_prompt(value).send()),
        },
    ),
    (
        "partials",
        Call {
            id: "update_prompt_share",
            argument: "promptId",
            path: "PUT /prompts/{promptId}/share",
            send: |client, value| boxed_call(client.update_prompt_share(value).send()),
        },
    ),
    (
        "partials",
        Call {
            id: "unshare_prompt",
            argument: "promptId",
            path: "DELETE /prompts/{promptId}/share",
            send: |client, value| boxed_call(client.unshare_prompt(value).send()),
        },
    ),
    (
        "partials",
        Call {
            id: "fork_prompt",
            argument: "promptId",
            path: "POST /prompts/{promptId}/fork",
            send: |client, value| boxed_call(client.fork_prompt(value).send()),
        },
    ),
    #[cfg(feature = "gateway")]
    (
        "runs",
        Call {
            id: "update_thread",
            argument: "thread_id",
            path: "POST /threads/{thread_id}",
            send: |client, value| {
                let body = threads::UpdateThreadRequest::builder();
                boxed_call(client.update_thread(value).body(body).send())
            },
        },
    ),
    #[cfg(feature = "gateway")]
    (
        "runs",
        Call {
            id: "create_message",
            argument: "thread_id",
            path: "POST /threads/{thread_id}/messages",
            send: |client, value| {
                let body = threads::CreateMessageRequest::builder();
                boxed_call(client.create_message(value).body(body).send())
            },
        },
    ),
    #[cfg(feature = "gateway")]
    (
        "runs",
        Call {
            id: "update_message",
            argument: "thread_id",
            path: "POST /threads/{thread_id}/messages/{message_id}",
            send: |client, value| {
                let body = threads::UpdateMessageRequest::builder();
                boxed_call(client.update_message(value, "one").body(body).send())
            },
        },
    ),
    #[cfg(feature = "gateway")]
    (
        "runs",
        Call {
            id: "create_run",
            argument: "thread_id",
            path: "POST /threads/{thread_id}/runs",
            send: |client, value| {
                let body = threads::CreateRunRequest::builder();
                boxed_call(client.create_run(value).body(body).send())
            },
        },
    ),
    #[cfg(feature = "gateway")]
    (
        "runs",
        Call {
            id: "update_run",
            argument: "thread_id",
            path: "POST /threads/{thread_id}/runs/{run_id}",
            send: |client, value| {
                let body = threads::UpdateRunRequest::builder();
                boxed_call(client.update_run(value, "one").body(body).send())
            },
        },
    ),
    #[cfg(feature = "gateway")]
    (
        "runs",
        Call {
            id: "cancel_run",
            argument: "thread_id",
            path: "POST /threads/{thread_id}/runs/{run_id}/cancel",
            send: |client, value| boxed_call(client.cancel_run(value, "one").send()),
        },
    ),
    #[cfg(feature = "gateway")]
    (
        "runs",
        Call {
            id: "submit_tool_outputs",
            argument: "thread_id",
            path: "POST /threads/{thread_id}/runs/{run_id}/submit_tool_outputs",
            send: |client, value| {
                let body = threads::SubmitToolOutputsRequest::builder();
                boxed_call(client.submit_tool_outputs(value, "one").body(body).send())
            },
        },
    ),
];

#[tokio::test]
async fn reserved_segment_of_another_route_is_refused() {
    for (reserved, call) in RESERVED {
        let error = refused(call, reserved).await;
        for part in [
            format!("`{}`", call.argument),
            format!("`{reserved}`"),
            "another route".to_owned(),
        ] {
            assert!(error.contains(&part), "{part}: {error}");
        }
    }
}

#[tokio::test]
async fn only_the_exact_reserved_segment_is_refused() {
    let (server, client) = not_found_server_and_client();
    for (reserved, call) in RESERVED {
        let inside = format!("{reserved}/{reserved}");
        let upper = reserved.to_uppercase();
        for value in [&*inside, &upper, "partial", "invite"] {
            let error = (call.send)(&client, value).await.unwrap_err();
            // Other rules may refuse the request.
            let refusal = error.to_string();
            let is_refused = ["is required", "must be one of"].map(|text| refusal.contains(text));
            assert!(
                error.is_not_found() || is_refused.contains(&true),
                "{} {value}: {error}",
                call.id
            );
        }
    }
    assert!(!server.requests().is_empty());
}

/// A route of the manifest.
struct Route {
    method: String,
    path: String,
}

impl Route {
    fn segments(&self) -> Vec<&str> {
        self.path.split('/').skip(1).collect()
    }

    /// Returns the literal segments at `index` of routes with the same prefix up to `index`.
    fn reserved_segments<'a>(&self, routes: &'a [Route], index: usize) -> BTreeSet<&'a str> {
        let own = self.segments();
        routes
            .iter()
            .filter(|other| other.method == self.method)
            .map(Route::segments)
            .filter(|other| {
                let start = own[..index].iter().zip(other);
                other.len() > index
                    && start
                        .into_iter()
                        .all(|(one, two)| one == two || is_parameter(one) && is_parameter(two))
            })
            .map(|other| other[index])
            .filter(|segment| !is_parameter(segment))
            .collect()
    }
}

fn is_parameter(segment: &str) -> bool {
    segment.starts_with('{')
}

/// Returns the routes of the manifest.
fn routes() -> Vec<Route> {
    let manifest = std::fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/overrides/operations.yaml"
    ));
    manifest
        .unwrap()
        .lines()
        .filter_map(|line| line.strip_suffix(':')?.split_once(" /"))
        .filter(|(method, _)| method.bytes().all(|byte| byte.is_ascii_uppercase()))
        .map(|(method, path)| Route {
            method: method.to_owned(),
            path: format!("/{path}"),
        })
        .collect()
}

/// Fails if a new route has a reserved segment that is missing in the table above.
#[test]
fn every_reserved_segment_is_tested() {
    let routes = routes();
    assert!(routes.len() >= 160, "{} routes", routes.len());
    let mut expected = BTreeSet::new();
    for route in &routes {
        for (index, segment) in route.segments().iter().enumerate() {
            if is_parameter(segment) {
                let reserved_segments = route.reserved_segments(&routes, index).into_iter();
                expected.extend(
                    reserved_segments
                        .map(|reserved| format!("{} {} {reserved}", route.method, route.path)),
                );
            }
        }
    }
    if cfg!(not(feature = "gateway")) {
        expected.retain(|pair| !pair.contains(" /threads/"));
    }
    let tested: BTreeSet<String> = RESERVED
        .iter()
        .map(|(reserved, call)| format!("{} {reserved}", call.path))
        .collect();
    assert_eq!(tested, expected);
}

#[tokio::test]
async fn closed_enum_arguments_refuse_unknown_values() {
    let (server, client) = not_found_server_and_client();
    for (key_type, sub_type) in [("galaxy", "service"), ("workspace", "robot")] {
        let error = create_api_key(&client, key_type, sub_type)
            .await
            .unwrap_err();
        assert!(error.is_invalid_request(), "{error}");
        assert!(error.to_string().contains("must be one of"), "{error}");
    }
    let known = client.create_api_key(
        api_keys::ApiKeyType::Organisation,
        api_keys::ApiKeySubType::Service,
    );
    let body = api_keys::CreateApiKeyRequest::builder()
        .name("ci")
        .scopes(["logs.list"]);
    boxed_call(known.body(body).send()).await.unwrap_err();
    assert_eq!(server.request().target, "/v1/api-keys/organisation/service");
}
