//! Headers, query and body of requests, and requests that are not sent because something is missing.

#![cfg(feature = "admin")]
#![allow(clippy::unwrap_used, clippy::expect_used)] // a panic fails the test

mod support;

use chrono::{DateTime, FixedOffset, Utc};
use portkey_admin::{
    Cents, analytics::AnalyticsFilters, api_keys, logs, providers, types, users, workspaces,
};
use serde_json::json;
use support::{BoxedCall, KEY, boxed_call, server::ScriptedResponse, server_and_client};

fn at(text: &str) -> DateTime<FixedOffset> {
    DateTime::parse_from_rfc3339(text).unwrap()
}

fn pairs<const N: usize>(pairs: [(&str, &str); N]) -> Vec<(String, String)> {
    pairs
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
}

#[tokio::test]
async fn every_request_has_each_header_once() {
    let (server, client) = server_and_client(ScriptedResponse::json(200, "{}"));
    let calls = [
        boxed_call(client.list_users().send()),
        boxed_call(client.delete_user("one").send()),
        boxed_call(client.get_log("one").send()),
        boxed_call(
            client
                .update_workspace("one")
                .body(workspaces::UpdateWorkspaceRequest::builder().name("one"))
                .send(),
        ),
    ];
    for call in calls {
        call.await.unwrap();
    }
    let agent = concat!("portkey-admin/", env!("CARGO_PKG_VERSION"));
    for request in server.requests() {
        assert_eq!(request.header("x-portkey-api-key"), [KEY]);
        assert_eq!(request.header("user-agent"), [agent]);
        assert_eq!(request.header("accept"), ["application/json"]);
        assert_eq!(request.header("host").len(), 1);
        assert_eq!(request.header("authorization"), [""; 0]);
        assert!(!request.target.contains(KEY));
        if request.method == "PUT" {
            assert_eq!(request.header("content-type"), ["application/json"]);
            assert_eq!(request.json(), json!({"name": "one"}));
        } else {
            assert_eq!(request.header("content-type"), [""; 0]);
            assert!(request.body.is_empty());
        }
    }
    let methods: Vec<String> = server.requests().into_iter().map(|r| r.method).collect();
    assert_eq!(methods, ["GET", "DELETE", "GET", "PUT"]);
}

#[tokio::test]
async fn query_values_are_percent_encoded() {
    let (server, client) = server_and_client(ScriptedResponse::json(200, "{}"));
    let values = [
        "plain",
        "",
        "two words",
        "a&b=c",
        "a=b",
        "a+b@host.example",
        "100%",
        "%41",
        "#?/",
        "ü日本",
        "\"quoted\"",
        "line\nbreak",
        "\0",
    ];
    for value in values {
        client.list_users().email(value).send().await.unwrap();
        let request = server.requests().pop().unwrap();
        assert_eq!(request.path(), "/v1/admin/users");
        assert_eq!(request.query(), pairs([("email", value)]));
        // `+` is a space to some servers and a plus sign to others.
        assert!(!request.target.contains('+'), "{}", request.target);
    }
    assert_eq!(server.requests().len(), values.len());
}

#[tokio::test]
async fn query_contains_only_parameters_that_were_set() {
    let (server, client) = server_and_client(ScriptedResponse::json(200, "{}"));
    client.list_users().send().await.unwrap();
    assert_eq!(server.request().target, "/v1/admin/users");

    let call = client
        .list_workspace_members("one")
        .current_page(0)
        .page_size(10)
        .role("manager");
    call.send().await.unwrap();
    assert_eq!(
        server.requests()[1].query(),
        pairs([
            ("current_page", "0"),
            ("page_size", "10"),
            ("role", "manager")
        ])
    );
}

#[tokio::test]
async fn the_last_value_of_a_query_parameter_wins() {
    let (server, client) = server_and_client(ScriptedResponse::json(200, "{}"));
    let call = client.list_users().email("one").page_size(1).email("two");
    call.page_size(2).send().await.unwrap();
    let mut query = server.request().query();
    query.sort();
    assert_eq!(query, pairs([("email", "two"), ("pageSize", "2")]));
}

#[tokio::test]
async fn times_are_sent_in_utc() {
    let (server, client) = server_and_client(ScriptedResponse::json(200, "{}"));
    for (from, to, sent_from, sent_to) in [
        (
            "2026-01-02T03:04:05Z",
            "2026-01-02T03:04:05.006Z",
            "2026-01-02T03:04:05.000Z",
            "2026-01-02T03:04:05.006Z",
        ),
        (
            "2026-01-01T01:00:00+02:00",
            "2026-12-31T23:30:00.123456789-05:00",
            "2025-12-31T23:00:00.000Z",
            "2027-01-01T04:30:00.123Z",
        ),
    ] {
        let filters = AnalyticsFilters::between(at(from), DateTime::<Utc>::from(at(to)));
        let call = client.get_cost_graph().filters(filters);
        call.send().await.unwrap();
        assert_eq!(
            server.requests().pop().unwrap().query(),
            pairs([
                ("time_of_generation_min", sent_from),
                ("time_of_generation_max", sent_to)
            ])
        );
    }
}

#[tokio::test]
async fn numbers_are_sent_in_full() {
    let (server, client) = server_and_client(ScriptedResponse::json(200, "{}"));
    let filters = AnalyticsFilters::between(at("2026-01-01T00:00:00Z"), at("2026-01-02T00:00:00Z"))
        .cost_min(Cents(0.000_000_1))
        .cost_max(Cents(1e21))
        .total_units_max(i64::MAX);
    let call = client.get_cost_graph().filters(filters);
    call.send().await.unwrap();
    let query = server.request().query();
    for pair in pairs([
        ("cost_min", "0.0000001"),
        ("cost_max", "1000000000000000000000"),
        ("total_units_max", "9223372036854775807"),
    ]) {
        assert!(query.contains(&pair), "{query:?}");
    }
}

/// JSON would encode it as `null`, which clears a limit instead of setting it.
#[tokio::test]
async fn nan_and_infinite_numbers_are_refused() {
    let (server, client) = server_and_client(ScriptedResponse::json(200, "{}"));
    for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let limits = types::UsageLimitsInput::builder().credit_limit(number);
        let body = api_keys::UpdateApiKeyRequest::builder().usage_limits(limits);
        let filters =
            AnalyticsFilters::between(at("2026-01-01T00:00:00Z"), at("2026-01-02T00:00:00Z"));
        let graph = client
            .get_cost_graph()
            .filters(filters.cost_min(Cents(number)));
        let calls = [
            (
                "credit_limit",
                boxed_call(client.update_api_key("one").body(body).send()),
            ),
            ("cost_min", boxed_call(graph.send())),
        ];
        for (name, call) in calls {
            let Err(error) = call.await else {
                panic!("{name} = {number} was sent: {:?}", server.requests());
            };
            assert!(error.is_invalid_request(), "{error}");
            assert!(error.to_string().contains(name), "{error}");
        }
    }
    assert_eq!(server.connections(), 0);
}

#[cfg(feature = "gateway")]
#[tokio::test]
async fn list_parameter_is_repeated_for_each_item() {
    let (server, client) = server_and_client(ScriptedResponse::json(200, "{}"));
    let items = ["one", "two,three", "four&five"];
    let call = client.get_response("one").include(["gone"]).include(items);
    // The response body is not a valid model response, which does not matter here.
    let _ = call.send().await;
    let query = server.request().query();
    let expected: Vec<_> = items
        .map(|item| ("include".to_owned(), item.to_owned()))
        .into();
    assert_eq!(query, expected);
}

/// Returns incomplete calls: the operation id, the name of the missing parameter or field, and the call.
fn incomplete(client: &portkey_admin::Client) -> Vec<(&'static str, &'static str, BoxedCall)> {
    let key = || client.create_api_key("workspace", "service");
    let body = api_keys::CreateApiKeyRequest::builder;
    let limit = types::RateLimitInput::builder;
    let complete = limit().type_("requests").unit("rpm").value(1);
    let invite = users::CreateUserInviteRequest::builder;
    let space = users::UserInviteWorkspaceInput::builder;
    vec![
        (
            "get_cost_graph",
            "`time_of_generation_min`",
            boxed_call(client.get_cost_graph().send()),
        ),
        (
            "get_cost_graph",
            "`time_of_generation_max`",
            boxed_call(
                client
                    .get_cost_graph()
                    .filters(
                        AnalyticsFilters::new().time_of_generation_min(at("2026-01-01T00:00:00Z")),
                    )
                    .send(),
            ),
        ),
        (
            "list_audit_logs",
            "`start_time`",
            boxed_call(client.list_audit_logs().organisation_id("one").send()),
        ),
        (
            "delete_integration_models",
            "`slugs`",
            boxed_call(client.delete_integration_models("one").send()),
        ),
        ("create_api_key", "body", boxed_call(key().send())),
        (
            "create_workspace",
            "body",
            boxed_call(client.create_workspace().send()),
        ),
        (
            "delete_workspace",
            "`name`",
            boxed_call(
                client
                    .delete_workspace("one")
                    .body(workspaces::DeleteWorkspaceRequest::builder().force_delete(true))
                    .send(),
            ),
        ),
        (
            "create_api_key",
            "`scopes`",
            boxed_call(key().body(body().name("ci")).send()),
        ),
        (
            "create_api_key",
            "`name`",
            boxed_call(key().body(body().scopes(["logs.list"])).send()),
        ),
        (
            "create_api_key",
            "rate_limits[1]: `unit`",
            boxed_call(
                key()
                    .body(
                        body()
                            .name("ci")
                            .scopes(["logs.list"])
                            .rate_limits([complete, limit().type_("requests").value(1)]),
                    )
                    .send(),
            ),
        ),
        (
            "create_api_key",
            "rate_limits[0]: `type`",
            boxed_call(
                key()
                    .body(body().rate_limits([limit().unit("rpm").value(1)]))
                    .send(),
            ),
        ),
        (
            "create_user_invite",
            "workspaces[0]: `role`",
            boxed_call(
                client
                    .create_user_invite()
                    .body(
                        invite()
                            .email("one@host.example")
                            .role("member")
                            .workspaces([space().id("one")]),
                    )
                    .send(),
            ),
        ),
    ]
}

#[tokio::test]
async fn missing_parameter_or_field_is_named_and_nothing_is_sent() {
    let (server, client) = server_and_client(ScriptedResponse::json(200, "{}"));
    for (id, name, call) in incomplete(&client) {
        let error = call.await.unwrap_err();
        assert!(error.is_invalid_request(), "{id}: {error}");
        assert_eq!(error.operation(), Some(id));
        assert_eq!((error.status(), error.body()), (None, None));
        let text = error.to_string();
        assert!(text.contains(name), "{name}: {text}");
        assert!(text.contains("not sent"), "{text}");
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn body_contains_the_fields_that_were_set_and_unredacted_secrets() {
    let (server, client) = server_and_client(ScriptedResponse::json(
        200,
        r#"{"id":"one","key":"canary"}"#,
    ));
    let limit = types::RateLimitInput::builder()
        .type_("requests")
        .unit("galaxy")
        .value(5);
    let body = api_keys::CreateApiKeyRequest::builder()
        .name("ci")
        .workspace_id("one")
        .scopes(vec!["logs.list".to_owned()])
        .expires_at(at("2030-01-01T02:00:00+02:00"))
        .rate_limits([limit]);
    let created = client
        .create_api_key("workspace", "service")
        .body(body.clone())
        .send()
        .await
        .unwrap();
    assert!(!format!("{created:?}").contains("canary"));
    let sent = server.requests()[0].json();
    let expiry = at(sent["expires_at"].as_str().unwrap());
    assert_eq!(expiry, at("2030-01-01T00:00:00Z"));
    let mut rest = sent;
    rest.as_object_mut().unwrap().remove("expires_at");
    assert_eq!(
        rest,
        json!({
            "name": "ci",
            "workspace_id": "one",
            "scopes": ["logs.list"],
            "rate_limits": [{"type": "requests", "unit": "galaxy", "value": 5}],
        })
    );

    // A built value is accepted like its builder.
    let call = client.create_api_key("workspace", "service");
    call.body(body.build().unwrap()).send().await.unwrap();
    assert_eq!(server.requests()[0].body, server.requests()[1].body);

    let body = providers::CreateVirtualKeyRequest::builder()
        .name("one")
        .provider("two")
        .key("canary");
    let call = client.create_virtual_key().body(body);
    call.send().await.unwrap();
    assert_eq!(server.requests()[2].json()["key"], "canary");
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_can_be_cloned_and_spawned() {
    let (server, client) = server_and_client(ScriptedResponse::json(200, "{}"));
    let call = client.list_users().email("one");
    let calls = [call.clone(), call.clone().page_size(5), call];
    drop(client); // each call has its own clone of the client
    let tasks = calls.map(|call| tokio::spawn(call.send()));
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    let mut targets: Vec<String> = server.requests().into_iter().map(|r| r.target).collect();
    targets.sort();
    assert_eq!(
        targets,
        [
            "/v1/admin/users?email=one",
            "/v1/admin/users?email=one",
            "/v1/admin/users?email=one&pageSize=5",
        ]
    );
}

#[test]
fn clients_and_calls_are_clone_send_and_sync() {
    const fn assert_clone_send_sync<T: Clone + Send + Sync + 'static>(_: &T) {}
    let (_server, client) = server_and_client(ScriptedResponse::json(200, "{}"));
    assert_clone_send_sync(&client);
    assert_clone_send_sync(&client.list_users());
    assert_clone_send_sync(&client.create_api_key("workspace", "service"));
    assert_clone_send_sync(&api_keys::CreateApiKeyRequest::builder());
}

#[cfg(feature = "logs")]
#[tokio::test]
async fn bodies_of_feedback_are_sent_as_a_list() {
    let (server, client) = server_and_client(ScriptedResponse::json(200, "{}"));
    let feedback = |trace: &str| {
        logs::CreateFeedbackRequest::builder()
            .trace_id(trace)
            .value(1)
    };
    let call = client.create_feedback();
    call.bodies([feedback("one"), feedback("two")])
        .send()
        .await
        .unwrap();
    let body = server.request().json();
    assert_eq!(body[1]["trace_id"], "two", "{body}");
    let missing = logs::CreateFeedbackRequest::builder().value(1);
    let call = client.create_feedback();
    let error = call
        .bodies([feedback("one"), missing])
        .send()
        .await
        .unwrap_err();
    assert!(error.to_string().contains("[1]: `trace_id`"), "{error}");
}
