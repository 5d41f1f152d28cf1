//! Client-side validation: requests that the service would refuse are not sent.
//!
//! `validation/*.json` has cases by area: an operation, its path arguments, a body that is refused with
//! its error, and a body that is sent.

#![cfg(feature = "admin")]
#![allow(clippy::unwrap_used, clippy::expect_used)] // a panic fails the test

mod support;

use portkey_admin::{
    Client, JsonObject, api_keys, logs, mcp, policies, prompts, types, users, workspaces,
};
use serde::Deserialize;
use serde_json::{Value, json};
use support::{
    BoxedCall, CREATED, at, boxed_call, security_settings,
    server::{ScriptedResponse, Server},
    server_and_client,
};

/// Requests of an operation.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    operation: String,
    #[serde(default)]
    path: Vec<String>,
    /// A body that is not sent, and the error.
    refused: Option<Value>,
    error: Option<String>,
    /// A body that is sent.
    accepted: Option<Value>,
}

impl Case {
    fn call(&self, client: &Client, body: &Value) -> BoxedCall {
        macro_rules! calls {
            ($($method:ident($($argument:expr),*);)*) => {
                match self.operation.as_str() {
                    $(stringify!($method) => {
                        boxed_call(client.$method($($argument),*).body(body.clone()).send())
                    })*
                    operation => panic!("add a call of {operation}"),
                }
            };
        }
        calls! {
            create_access_policy();
            create_agent_integration();
            create_api_key(self.path[0].as_str(), self.path[1].as_str());
            create_egress_allowlist_entry();
            create_guardrail();
            create_prompt();
            create_provider();
            create_rate_limits_policy();
            create_scim_workspace_mapping();
            create_secret_reference();
            create_usage_limits_policy();
            create_virtual_key();
            create_workspace();
            delete_workspace("one");
            rotate_api_key("one");
            update_access_policy("one");
            update_agent_integration("one");
            update_api_key("one");
            update_collection("one");
            update_egress_allowlist_entry("one");
            update_integration_workspaces("one");
            update_prompt("one");
            update_provider("one");
            update_secret_reference("one");
            update_usage_limits_policy("one");
            update_virtual_key("one");
            update_workspace("one");
        }
    }
}

/// Asserts that the refused bodies of an area are not sent and the accepted ones are.
async fn assert_cases(cases: &str) {
    let (server, client) = server_and_client(ScriptedResponse::json(200, CREATED));
    let cases: Vec<Case> = serde_json::from_str(cases).unwrap();
    for case in &cases {
        let operation = case.operation.as_str();
        assert_eq!(case.refused.is_some(), case.error.is_some(), "{operation}");
        if let (Some(body), Some(expected)) = (&case.refused, &case.error) {
            let sent = case.call(&client, body).await;
            let error = sent.expect_err(&format!("{operation} {body}"));
            assert!(error.is_invalid_request(), "{operation} {body}: {error}");
            assert_eq!(error.operation(), Some(operation));
            assert_eq!(
                error.to_string(),
                format!("{operation}: not sent: {expected}")
            );
            assert_eq!(server.take_requests().len(), 0, "{operation} {body}");
        }
        if let Some(body) = &case.accepted {
            let sent = case.call(&client, body).await;
            sent.unwrap_or_else(|error| panic!("{operation} {body}: {error}"));
            assert_eq!(server.take_requests().len(), 1, "{operation} {body}");
        }
    }
}

macro_rules! areas {
    ($($test:ident: $area:literal;)*) => {
        $(#[tokio::test]
        async fn $test() {
            assert_cases(include_str!(concat!("validation/", $area, ".json"))).await;
        })*
    };
}

areas! {
    invalid_agents_are_refused: "agents";
    invalid_api_keys_are_refused: "api_keys";
    invalid_guardrails_are_refused: "guardrails";
    invalid_hosts_are_refused: "network";
    invalid_integration_workspaces_are_refused: "integrations";
    invalid_policies_are_refused: "policies";
    invalid_prompts_are_refused: "prompts";
    invalid_providers_and_virtual_keys_are_refused: "providers";
    invalid_secret_references_are_refused: "secrets";
    invalid_workspaces_are_refused: "workspaces";
}

/// The error of a request, which is not sent.
async fn refused(server: &Server, call: BoxedCall) -> String {
    let error = call.await.unwrap_err();
    assert!(error.is_invalid_request(), "{error}");
    assert_eq!(server.connections(), 0, "the request was sent: {error}");
    error.to_string()
}

#[tokio::test]
async fn error_of_a_constraint_names_operation_field_allowed_and_found() {
    let (server, client) = server_and_client(ScriptedResponse::json(200, CREATED));
    let workspace = workspaces::CreateWorkspaceRequest::builder;
    let limits = types::UsageLimitsInput::builder;
    let create = |body: workspaces::CreateWorkspaceRequestBuilder| {
        boxed_call(client.create_workspace().body(body).send())
    };
    let feedback = |value: i64| {
        let body = logs::CreateFeedbackRequest::builder()
            .trace_id("one")
            .value(value);
        boxed_call(client.create_feedback().body(body).send())
    };
    let invite = |role: &str| {
        let body = users::CreateUserInviteRequest::builder()
            .email("a@example.com")
            .role(role);
        boxed_call(client.create_user_invite().body(body).send())
    };
    let add = |role: &str| {
        let user = workspaces::NewWorkspaceMember::builder()
            .id("one")
            .role(role);
        let body = workspaces::AddWorkspaceMembersRequest::builder().users([user]);
        boxed_call(client.add_workspace_members("one").body(body).send())
    };
    let describe = |length: usize| describe(&client, length);
    let cases = [
        (
            describe(257),
            "create_access_policy",
            "`description` must have at most 256 characters",
        ),
        (
            create(workspace()),
            "create_workspace",
            "`name` of CreateWorkspaceRequest is required",
        ),
        (
            create(workspace().name("one").usage_limits([limits(), limits()])),
            "create_workspace",
            "`usage_limits` must have at most 1 item, found 2",
        ),
        (
            create(
                workspace()
                    .name("one")
                    .usage_limits([limits().credit_limit(0.5)]),
            ),
            "create_workspace",
            "`usage_limits[0].credit_limit` must be at least 1, found 0.5",
        ),
        (
            feedback(99),
            "create_feedback",
            "`value` must be at most 10, found 99",
        ),
        (
            feedback(-11),
            "create_feedback",
            "`value` must be at least -10, found -11",
        ),
        (
            boxed_call(client.list_mcp_server_capabilities("one").page(0).send()),
            "list_mcp_server_capabilities",
            "query parameter `page` must be at least 1, found 0",
        ),
        (
            boxed_call(client.list_guardrails().page_size(1001).send()),
            "list_guardrails",
            "query parameter `page_size` must be at most 1000, found 1001",
        ),
        (
            boxed_call(client.list_users().role("boss").send()),
            "list_users",
            "query parameter `role` must be one of `admin`, `member` or `owner`, found `boss`",
        ),
        (
            invite("boss"),
            "create_user_invite",
            "`role` must be one of `admin` or `member`, found `boss`",
        ),
        (
            add("boss"),
            "add_workspace_members",
            "`users[0].role` must be one of `admin`, `member`, `manager` or `viewer`, found `boss`",
        ),
        (
            boxed_call(
                client
                    .create_api_key("boss", "service")
                    .body(
                        api_keys::CreateApiKeyRequest::builder()
                            .name("ci")
                            .scopes(["a"]),
                    )
                    .send(),
            ),
            "create_api_key",
            "path argument `type` must be one of `organisation` or `workspace`, found `boss`",
        ),
        (
            boxed_call(
                client
                    .update_mcp_server("one")
                    .body(mcp::UpdateMcpServerRequest::builder())
                    .send(),
            ),
            "update_mcp_server",
            "`name` or `description` is required",
        ),
    ];
    for (call, operation, expected) in cases {
        let error = refused(&server, call).await;
        assert!(
            error.contains(operation) && error.contains(expected),
            "{expected}: {error}"
        );
    }
}

/// Creates an access policy with a description of that length.
fn describe(client: &Client, length: usize) -> BoxedCall {
    let subject = policies::AccessPolicySubjectInput::builder();
    let target = policies::AccessPolicyProviderInput::builder();
    let body = policies::CreateAccessPolicyRequest::builder()
        .name("one")
        .subjects([subject.type_("user").id("one")])
        .targets([target.type_("provider").provider_id("one")])
        .description("x".repeat(length));
    boxed_call(client.create_access_policy().body(body).send())
}

#[tokio::test]
async fn security_settings_must_be_complete() {
    let (server, client) = server_and_client(ScriptedResponse::json(200, CREATED));
    let update = |missing: &str| {
        let mut settings = security_settings();
        settings.remove(missing);
        let body = workspaces::UpdateWorkspaceRequest::builder().security_settings(&settings);
        boxed_call(client.update_workspace("one").body(body).send())
    };
    let error = refused(&server, update("managersWriteWsUsers")).await;
    assert!(
        error.contains("`security_settings.managersWriteWsUsers`"),
        "{error}"
    );
    update("none of them").await.unwrap();
    assert_eq!(server.requests().len(), 1);
}

/// A rotation has either or both (V075).
#[tokio::test]
async fn a_rotation_period_and_a_date_are_sent_together() {
    let (server, client) = server_and_client(ScriptedResponse::json(200, CREATED));
    let policy = api_keys::RotationPolicyInput::builder()
        .rotation_period("weekly")
        .next_rotation_at(at("2030-01-02T03:04:05Z"));
    let body = api_keys::UpdateApiKeyRequest::builder().rotation_policy(policy);
    client
        .update_api_key("one")
        .body(body)
        .send()
        .await
        .unwrap();
    let expected = json!({"rotation_period": "weekly", "next_rotation_at": "2030-01-02T03:04:05Z"});
    assert_eq!(server.requests()[0].json()["rotation_policy"], expected);
}

#[tokio::test]
async fn values_at_the_bounds_are_sent() {
    let (server, client) = server_and_client(ScriptedResponse::json(200, CREATED));
    let feedback = logs::CreateFeedbackRequest::builder()
        .trace_id("one")
        .value(-10)
        .weight(1.0);
    client
        .create_feedback()
        .body(feedback)
        .send()
        .await
        .unwrap();
    client
        .list_api_keys()
        .page_size(0)
        .current_page(0)
        .send()
        .await
        .unwrap();
    // The role of a SCIM mapping is accepted in upper and lower case.
    let mapping = workspaces::CreateScimWorkspaceMappingRequest::builder()
        .workspace_id("one")
        .scim_group_id("two")
        .role("Manager");
    client
        .create_scim_workspace_mapping()
        .body(mapping)
        .send()
        .await
        .unwrap();
    // `owner` and `viewer` are known from the backend's validator only.
    let user = users::UpdateUserRequest::builder().role("owner");
    client.update_user("one").body(user).send().await.unwrap();
    let member = workspaces::UpdateWorkspaceMemberRequest::builder().role("viewer");
    client
        .update_workspace_member("one", "two")
        .body(member)
        .send()
        .await
        .unwrap();
    describe(&client, 256).await.unwrap();
    // A complete version needs no other field.
    let version =
        prompts::UpdatePromptRequest::full_version("", JsonObject::default(), "m", "v", false);
    client
        .update_prompt("one")
        .body(version)
        .send()
        .await
        .unwrap();
    assert_eq!(server.requests().len(), 7);
}

#[tokio::test]
async fn role_with_a_prefix_is_sent_without_it() {
    let (server, client) = server_and_client(ScriptedResponse::json(200, CREATED));
    assert_eq!(
        types::WorkspaceRole::from("ws-admin"),
        types::WorkspaceRole::Admin
    );
    for role in ["ws-admin", "ws-member", "ws-manager"] {
        let body = workspaces::UpdateWorkspaceMemberRequest::builder().role(role);
        client
            .update_workspace_member("one", "two")
            .body(body)
            .send()
            .await
            .unwrap();
    }
    let roles: Vec<Value> = server
        .requests()
        .iter()
        .map(|r| r.json()["role"].clone())
        .collect();
    assert_eq!(roles, ["admin", "member", "manager"]);
}
