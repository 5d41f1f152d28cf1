//! Observed differences between the service and its documentation: paths that do not exist,
//! requests with unexpected errors, and fields without effect.

use portkey_admin_emulator::{Emulator, Organisation, Plan};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{TestClient, column, string};

const NULL: Value = Value::Null;

/// Documented paths, and the status observed from the service.
#[tokio::test]
async fn documented_paths_fail_as_observed() {
    let client = TestClient::new().await;
    let (get, put, post, delete) = (Method::GET, Method::PUT, Method::POST, Method::DELETE);
    let mut cases = vec![
        (&get, "/workspaces", 400),
        (&post, "/workspaces", 400),
        (&get, "/workspaces/x", 400),
        (&put, "/workspaces/x", 400),
        (&delete, "/workspaces/x", 400),
        (&get, "/workspaces/x/members", 400),
        (&post, "/workspaces/x/members", 400),
        (&get, "/workspaces/x/members/y", 400),
        (&put, "/workspaces/x/members/y", 400),
        (&delete, "/workspaces/x/members/y", 400),
        (&get, "/admin/integrations", 400),
        (&post, "/admin/integrations", 400),
        (&put, "/prompts/x/publish", 404),
        (&put, "/prompts/partials/x/publish", 404),
        (&put, "/admin/users/invites/x", 404),
        (&get, "/logs", 405),
    ];
    let missing_paths = [
        "/analytics/graphs/feedback",
        "/analytics/graphs/feedback-per-models",
        "/analytics/graphs/feedback-distribution",
        "/analytics/graphs/requests-per-user",
        "/analytics/graphs/rescued-requests",
        "/analytics/graphs/status-codes",
        "/analytics/graphs/unique-status-codes",
        "/analytics/graphs/weighted-feedback",
        "/analytics/groups/metadata",
        "/analytics/groups/models",
    ];
    cases.extend(missing_paths.map(|path| (&get, path, 404)));
    for (method, path, expected) in cases {
        let (status, _, message) = client.expect_error(method.clone(), path, NULL).await;
        assert_eq!(status, expected, "{method} {path}: {message}");
    }
}

/// Requests that the OpenAPI document allows, or that fail with another error than documented.
#[tokio::test]
async fn requests_fail_as_the_service_does() {
    let client = TestClient::new().await;
    let user = string(&client.get("/admin/users").await["data"][2]["id"]);
    let workspace = client.first_workspace().await;
    let seed_data = client.first("/prompts").await;
    let prompt = string(&seed_data["slug"]);
    let rocket = string(&client.workspace("🚀 Team").await["id"]);
    let listed = format!("/collections?workspace_id={workspace}");
    let collection = string(&client.first(&listed).await["id"]);
    let (post, put, delete) = (Method::POST, Method::PUT, Method::DELETE);
    let reference = json!({"name": "r", "manager_type": "aws_sm", "secret_path": "a", "allowed_workspaces": [],
        "auth_config": {"aws_auth_type": "assumedRole", "aws_assume_role_arn": "arn", "aws_region": "one"}});
    let cases = [
        (
            &post,
            "/api-keys/organisation/service".to_owned(),
            json!({"name": "a", "scopes": []}),
            502,
            "",
        ),
        (
            &post,
            "/api-keys/workspace/user".to_owned(),
            json!({}),
            502,
            "",
        ),
        (
            &put,
            format!("/admin/users/{user}"),
            json!({"role": "member"}),
            400,
            "AB01",
        ),
        (
            &delete,
            format!("/admin/workspaces/{rocket}"),
            json!({"name": "🚀 Team"}),
            400,
            "AB01",
        ),
        (
            &delete,
            format!("/admin/workspaces/{workspace}"),
            json!({"name": "Platform"}),
            409,
            "AB07",
        ),
        (
            &delete,
            format!("/collections/{collection}"),
            NULL,
            404,
            "AB08",
        ),
        (
            &post,
            "/secret-references".to_owned(),
            reference,
            400,
            "AB01",
        ),
        // Addresses that are not public.
        (
            &post,
            "/mcp-integrations".to_owned(),
            json!({"name": "m", "url": "http://127.0.0.1:3000/mcp", "auth_type": "none", "transport": "http"}),
            400,
            "AB01",
        ),
        (
            &post,
            "/integrations".to_owned(),
            json!({"name": "i", "ai_provider_id": "openai", "key": "sample",
                "configurations": {"custom_host": "http://10.0.0.1"}}),
            400,
            "AB01",
        ),
        (
            &post,
            "/integrations".to_owned(),
            json!({"name": "i", "ai_provider_id": "azure-ai", "configurations":
                {"azure_auth_mode": "workload", "azure_foundry_url": "https://a.example.com"}}),
            400,
            "AB01",
        ),
        // Without `patch`, a change of the content must be complete.
        (
            &put,
            format!("/prompts/{prompt}"),
            json!({"string": "x"}),
            400,
            "AB01",
        ),
        (
            &post,
            "/policies/usage-limits".to_owned(),
            json!({"name": "p", "workspace_id": workspace, "conditions": [], "group_by": [{"key": "api_key"}],
                "type": "cost", "credit_limit": 1}),
            400,
            "AB01",
        ),
    ];
    for (method, path, body, status, code) in cases {
        let error = client.expect_error(method.clone(), &path, body).await;
        assert_eq!(
            (error.0, error.1.as_str()),
            (status, code),
            "{path}: {}",
            error.2
        );
    }
}

/// Resources that were deleted or never existed.
#[tokio::test]
async fn deleted_resources_are_forbidden_or_not_found() {
    let client = TestClient::new().await;
    let workspace = string(&client.workspace("Short-lived").await["id"]);
    let deleted_workspace = format!("/admin/workspaces/{workspace}");
    client
        .expect_ok(
            Method::DELETE,
            &deleted_workspace,
            json!({"name": "Short-lived"}),
        )
        .await;
    let unknown_id = "a0000000-0000-4000-8000-000000000000";
    for (path, expected) in [
        (deleted_workspace, (403, "AB03")),
        (format!("/admin/workspaces/{unknown_id}"), (403, "AB03")),
        (format!("/configs?workspace_id={unknown_id}"), (403, "AB03")),
        (format!("/guardrails/{unknown_id}"), (403, "AB03")),
        (format!("/secret-references/{unknown_id}"), (404, "AB08")),
        (format!("/api-keys/{unknown_id}"), (404, "AB08")),
        (format!("/admin/users/{unknown_id}"), (404, "AB08")),
        ("/configs/pc-none".to_owned(), (404, "AB08")),
        ("/prompts/pp-none".to_owned(), (404, "AB08")),
        (format!("/collections/{unknown_id}"), (404, "AB08")),
    ] {
        let error = client.expect_error(Method::GET, &path, NULL).await;
        assert_eq!((error.0, error.1.as_str()), expected, "{path}: {}", error.2);
    }
}

/// Fields that are accepted without effect, or with another effect than documented.
#[tokio::test]
async fn some_fields_are_ignored_or_renamed() {
    let client = TestClient::new().await;
    let workspace = client.first("/admin/workspaces").await;
    let (id, slug) = (string(&workspace["id"]), string(&workspace["slug"]));
    // The description of a partial's version is `version_description`; the documented name has no
    // effect.
    let body = json!({"name": "p", "string": "a", "workspace_id": id});
    let partial = string(&client.post("/prompts/partials", body).await["slug"]);
    let path = format!("/prompts/partials/{partial}");
    client
        .put(&path, json!({"string": "b", "description": "ignored"}))
        .await;
    client
        .put(&path, json!({"string": "c", "version_description": "kept"}))
        .await;
    for (version, described) in [(2, NULL), (3, json!("kept"))] {
        let read = client.get(&format!("{path}?version={version}")).await;
        assert_eq!(read["version_description"], described, "{version}");
    }
    // A slug in a request is returned as a UUID; a filter by slug finds no SCIM mapping.
    let body = json!({"workspace_id": slug, "scim_group_name": "g", "role": "member"});
    let mapping = client.post("/scim/workspaces", body).await;
    assert_eq!(mapping["workspace_id"], workspace["id"]);
    for (name, count) in [(&id, 1), (&slug, 0)] {
        let list = client
            .get(&format!("/scim/workspaces?workspace_id={name}"))
            .await;
        assert_eq!(list["total_count"], count, "{name}");
    }
    // A new version of a prompt is not the default; changing only the name creates no version.
    let prompt = format!(
        "/prompts/{}",
        string(&client.first("/prompts").await["slug"])
    );
    assert_eq!(
        client.put(&prompt, json!({"name": "renamed"})).await,
        json!({})
    );
    let description_only = json!({"version_description": "of nothing"});
    assert_eq!(client.put(&prompt, description_only).await, json!({}));
    let versions = client.get(&format!("{prompt}/versions")).await;
    assert_eq!(
        (&versions["object"], &versions["total"]),
        (&json!("list"), &json!(2))
    );
}

#[tokio::test]
async fn the_list_of_mcp_servers_requires_a_workspace_with_an_organisation_key() {
    let client = TestClient::new().await;
    let (status, code, _) = client.expect_error(Method::GET, "/mcp-servers", NULL).await;
    assert_eq!((status, code.as_str()), (400, "AB01"));
    let workspace = client.first_workspace().await;
    client
        .get(&format!("/mcp-servers?workspace_id={workspace}"))
        .await;
}

#[tokio::test]
async fn some_operations_require_the_enterprise_plan() {
    let organisation = Organisation::named("Small").workspace("W").plan(Plan::Free);
    let emulator = Emulator::builder().organisation(organisation);
    let client = TestClient::with_emulator(emulator.start().await.unwrap());
    let organisation = client.emulator.organisation_id("Small").unwrap();
    let span = "start_time=2020-01-01T00:00:00Z&end_time=2030-01-01T00:00:00Z";
    let generation = span.replace("start_time", "time_of_generation_min");
    let generation = generation.replace("end_time", "time_of_generation_max");
    for path in [
        format!("/analytics/graphs/cost?{generation}"),
        format!("/audit-logs?{span}&organisation_id={organisation}"),
        "/admin/users".to_owned(),
        "/admin/users/invites".to_owned(),
        "/logs/exports".to_owned(),
        "/scim/workspaces".to_owned(),
    ] {
        let (status, code, message) = client.expect_error(Method::GET, &path, NULL).await;
        assert_eq!((status, code.as_str()), (403, "AB03"), "{path}");
        assert!(message.contains("Enterprise"), "{path}: {message}");
    }
    assert_eq!(
        column(&client.get("/admin/workspaces").await, "name"),
        ["W"]
    );
}
