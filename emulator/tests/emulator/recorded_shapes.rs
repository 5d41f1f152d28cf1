//! Responses have the fields of the responses that were recorded or documented. The fixtures have their
//! shapes, and are shared with the tests of the client.

use std::collections::BTreeMap;
use std::path::Path;

use reqwest::Method;
use serde_json::{Value, json};

use crate::logs::entry;
use crate::support::{TestClient, receive, string};

/// Fields of recordings that the emulator does not have, by fixture: it does not keep them, or they belong to
/// the values that the request or the service of the recording has.
const MISSING: &[(&str, &[&str])] = &[
    ("01-list_workspaces", &["/data/scope_name"]),
    ("04-list_mcp_integration_workspaces", &["/data/object"]),
    ("08-list_log_exports", &["/data/filters/organisation_id"]),
    ("10-get_usage_limits_policy", &["/value_key_usage_map"]),
    ("18-create_mcp_integration", &["/object"]),
    (
        "20-get_mcp_integration",
        &[
            "/configurations/jwt_validation",
            "/configurations/user_identity_forwarding",
            "/configurations/passthrough_headers",
        ],
    ),
    ("44-get_integration", &["/global_workspace_access"]),
    ("45-list_integration_models", &["/models/description"]),
    (
        "46-list_integration_workspaces",
        &[
            "/workspaces/status",
            "/workspaces/created_at",
            "/workspaces/last_updated_at",
            "/workspaces/last_reset_at",
        ],
    ),
    ("53-get_workspace", &["/scope_name"]),
    (
        "56-get_secret_reference",
        &["/auth_config/masked_aws_access_key_id"],
    ),
    (
        "60-get_model_pricing",
        &[
            "/pay_as_you_go/cache_write_input_token",
            "/pay_as_you_go/cache_read_input_token",
            "/pay_as_you_go/additional_units",
            "/batch_config",
            "/calculate",
            "/custom_pricing",
        ],
    ),
    (
        "63-create_chat_completion",
        &[
            "/choices/message/annotations",
            "/usage/prompt_tokens_details",
            "/usage/completion_tokens_details",
            "/service_tier",
            "/system_fingerprint",
        ],
    ),
    (
        "68-get_prompt",
        &[
            "/parameters/stream",
            "/template_metadata/template_type",
            "/template_metadata/is_raw_template",
            "/template_metadata/is_raw_parameters",
        ],
    ),
    ("74-get_usage_by_workspace", &["/is_quota_exceeded"]),
    (
        "81-get_collection",
        &[
            "/parent_collection_id",
            "/child_collections/collection_details",
        ],
    ),
    ("88-get_batch", &["/hook_results"]),
    ("89-list_models", &["/provider"]),
    (
        "90-list_mcp_registry_servers",
        &["/servers/server/websiteUrl", "/metadata/nextCursor"],
    ),
];

/// Fixtures of operations that need no response here: errors, and what the emulator does not emulate.
const NOT_COMPARED: [&str; 3] = [
    "84-error-AB03",
    "85-error-saved-only",
    "91-error-429-upstream",
];

fn fixtures() -> BTreeMap<String, Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/recorded");
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap());
    files
        .map(|file| {
            let name = file.file_name().into_string().unwrap();
            let text = std::fs::read_to_string(file.path()).unwrap();
            let name = name.strip_suffix(".json").unwrap().to_owned();
            (name, serde_json::from_str(&text).unwrap())
        })
        .collect()
}

/// Collects the paths of the members of `recorded` that `response` lacks. Of a list, the first items are
/// compared; a member that is `null`, empty or of another type in one of them is not entered.
fn collect_missing(recorded: &Value, response: &Value, path: &str, found: &mut Vec<String>) {
    match (recorded, response) {
        (Value::Object(recorded), Value::Object(response)) => {
            for (name, value) in recorded {
                let path = format!("{path}/{name}");
                match response.get(name) {
                    Some(other) => collect_missing(value, other, &path, found),
                    None => found.push(path),
                }
            }
        }
        (Value::Array(recorded), Value::Array(response)) => {
            if let (Some(recorded), Some(response)) = (recorded.first(), response.first()) {
                collect_missing(recorded, response, path, found);
            }
        }
        _ => {}
    }
}

/// The responses of the emulator, by the number of the fixture.
struct Responses {
    client: TestClient,
    workspace: String,
    found: BTreeMap<&'static str, Value>,
}

impl Responses {
    async fn send(
        &mut self,
        number: &'static str,
        method: Method,
        path: &str,
        body: Value,
    ) -> Value {
        let response = self.client.expect_ok(method, path, body).await;
        self.found.insert(number, response.clone());
        response
    }

    async fn get(&mut self, number: &'static str, path: &str) -> Value {
        self.send(number, Method::GET, path, Value::Null).await
    }

    async fn post(&mut self, number: &'static str, path: &str, body: Value) -> Value {
        self.send(number, Method::POST, path, body).await
    }

    async fn put(&mut self, number: &'static str, path: &str, body: Value) -> Value {
        self.send(number, Method::PUT, path, body).await
    }

    async fn organisation(&mut self) {
        self.get("01", "/admin/workspaces").await;
        let path = format!("/admin/workspaces/{}", self.workspace);
        let defaults = json!({"defaults": {"metadata": {"team": "one", "owner": "two"}}});
        self.client.put(&path, defaults).await;
        let workspace = self.get("53", &path).await;
        let body = json!({"name": "k", "workspace_id": self.workspace,
            "scopes": ["configs.list"], "rotation_policy": {"rotation_period": "monthly",
                "key_transition_period_ms": 1_800_000}});
        let key = self.post("50", "/api-keys/workspace/service", body).await;
        let path = format!("/api-keys/{}", string(&key["id"]));
        self.get("51", &path).await;
        self.get("86", &path).await;
        self.get("49", "/api-keys").await;
        self.put("21", &path, json!({"description": "d"})).await;
        self.post("52", &format!("{path}/rotate"), json!({})).await;
        let span = "start_time=2020-01-01T00:00:00Z&end_time=2090-01-01T00:00:00Z";
        let organisation = string(&workspace["organisation_id"]);
        let list = format!("/audit-logs?{span}&organisation_id={organisation}");
        self.get("83", &list).await;
    }

    async fn configs_and_prompts(&mut self) {
        let body = json!({"name": "c", "config": {"retry": {"attempts": 2}},
            "workspace_id": self.workspace});
        let config = self.post("38", "/configs", body).await;
        let path = format!("/configs/{}", string(&config["slug"]));
        let change = json!({"config": {"retry": {"attempts": 3}}});
        self.put("40", &path, change).await;
        self.get("39", &path).await;
        self.get("41", &format!("{path}/versions")).await;
        self.get("67", "/configs").await;
        let prompt = string(&self.client.first("/prompts").await["slug"]);
        self.get("68", &format!("/prompts/{prompt}")).await;
        let parent = json!({"name": "parent", "workspace_id": self.workspace});
        let parent = string(&self.client.post("/collections", parent).await["id"]);
        let child = json!({"name": "child", "workspace_id": self.workspace,
            "parent_collection_id": parent});
        self.client.post("/collections", child).await;
        self.get("81", &format!("/collections/{parent}")).await;
    }

    async fn providers(&mut self) {
        let body = json!({"name": "i", "ai_provider_id": "openai", "key": "sample", "slug": "one"});
        self.post("43", "/integrations", body).await;
        self.get("42", "/integrations").await;
        self.get("44", "/integrations/one").await;
        let models = json!({"models": [{"slug": "m", "enabled": true}]});
        self.client.put("/integrations/one/models", models).await;
        self.get("45", "/integrations/one/models").await;
        let access = json!({"workspaces": [{"id": self.workspace, "enabled": true}]});
        self.client
            .put("/integrations/one/workspaces", access)
            .await;
        self.get("46", "/integrations/one/workspaces").await;
        let provider = json!({"name": "p", "integration_id": "one", "workspace_id": self.workspace,
            "slug": "provider-one"});
        self.client.post("/providers", provider).await;
        let query = format!("workspace_id={}", self.workspace);
        self.get("48", &format!("/providers/provider-one?{query}"))
            .await;
        self.get("71", &format!("/virtual-keys?{query}")).await;
        let reference = json!({"name": "s", "slug": "secret-one", "manager_type": "aws_sm",
            "secret_path": "a/b", "description": "d", "auth_config": {"aws_auth_type": "accessKey",
            "aws_access_key_id": "sample", "aws_secret_access_key": "sample", "aws_region": "one"}});
        self.client.post("/secret-references", reference).await;
        self.get("55", "/secret-references").await;
        self.get("56", "/secret-references/secret-one").await;
    }

    async fn policies_and_logs(&mut self) {
        let policy = |kind: &str| {
            json!({"name": "p", "type": kind, "workspace_id": self.workspace,
                "conditions": [{"key": "workspace_id", "value": self.workspace}],
                "group_by": [{"key": "metadata._user"}]})
        };
        let mut usage = policy("tokens");
        usage["credit_limit"] = json!(1000);
        let mut rate = policy("requests");
        (rate["unit"], rate["value"]) = (json!("rpm"), json!(10));
        let list = "/policies/usage-limits";
        let usage = self.post("09", list, usage).await;
        self.post("59", "/logs", entry("ada", 200, 10)).await;
        let path = format!("{list}/{}", string(&usage["id"]));
        self.put("12", &path, json!({"credit_limit": 2000})).await;
        self.get("10", &path).await;
        self.get("06", &format!("{list}?workspace_id={}", self.workspace))
            .await;
        let entities = self.get("13", &format!("{path}/entities")).await;
        let entity = string(&entities["data"][0]["id"]);
        let reset = format!("{path}/entities/{entity}/reset");
        self.put("14", &reset, json!({})).await;
        let rate = self.client.post("/policies/rate-limits", rate).await;
        self.get(
            "16",
            &format!("/policies/rate-limits/{}", string(&rate["id"])),
        )
        .await;
        let export = json!({"workspace_id": self.workspace, "description": "d",
            "filters": {"trace_id": "one", "timezone": "UTC", "page_size": 10, "current_page": 0,
                "time_of_generation_min": "2020-01-01T00:00:00Z",
                "time_of_generation_max": "2090-01-01T00:00:00Z"},
            "requested_data": ["id"]});
        self.post("34", "/logs/exports", export).await;
        self.get("08", "/logs/exports").await;
        let feedback = json!({"trace_id": "trace-ada", "value": 1});
        self.post("58", "/feedback", feedback).await;
        let span = "time_of_generation_min=2020-01-01T00:00:00Z&time_of_generation_max=2090-01-01T00:00:00Z";
        self.get("74", &format!("/analytics/groups/workspaces?{span}"))
            .await;
        self.get("75", &format!("/analytics/groups/mcp?{span}"))
            .await;
        self.get("78", &format!("/analytics/summary/cache?{span}"))
            .await;
    }

    async fn mcp(&mut self) {
        let integration = json!({"name": "i", "slug": "mcp-one", "url": "https://mcp.example.com",
            "auth_type": "none", "transport": "http", "configurations": {"timeout": 5}});
        self.post("18", "/mcp-integrations", integration).await;
        self.get("02", "/mcp-integrations").await;
        self.get("20", "/mcp-integrations/mcp-one").await;
        let access = json!({"workspaces": [{"id": self.workspace, "enabled": true}]});
        let path = "/mcp-integrations/mcp-one/workspaces";
        self.client.put(path, access).await;
        self.get("03", path).await;
        self.get("04", &format!("{path}?version=2")).await;
        let server = json!({"name": "s", "slug": "server-one", "mcp_integration_id": "mcp-one",
            "workspace_id": self.workspace});
        self.client.post("/mcp-servers", server).await;
        let path = "/mcp-servers/server-one";
        self.get("24", path).await;
        self.put("25", path, json!({"description": "d"})).await;
        let url = format!("{}/servers?limit=1", self.client.emulator.mcp_base_url());
        let registry = self.client.http.get(url);
        let registry = registry.header("x-portkey-api-key", &self.client.key);
        self.found.insert("90", receive(registry).await.body);
        self.get("26", &format!("{path}/capabilities")).await;
        let access = format!("{path}/user-access");
        self.get("27", &access).await;
        let change = json!({"default_user_access": "allow"});
        self.put("28", &access, change).await;
        let guardrail =
            json!({"name": "tools", "target": "mcp_tools", "workspace_id": self.workspace});
        let guardrail = self.post("30", "/guardrails", guardrail).await;
        let servers = format!("/guardrails/{}/mcp-servers", string(&guardrail["id"]));
        let change = json!({"mcp_servers": {"server-one": {}}});
        self.get("31", &servers).await;
        self.put("32", &servers, change).await;
        let url = format!("{}/v2/deployments", self.client.emulator.public_base_url());
        let deployment = json!({"name": "d", "type": "production"});
        let create = self.client.http.post(&url).json(&deployment);
        receive(create.header("x-portkey-api-key", &self.client.key)).await;
        let list = self.client.http.get(&url);
        let list = receive(list.header("x-portkey-api-key", &self.client.key)).await;
        self.found.insert("79", list.body);
    }

    async fn gateway(&mut self) {
        let url = self.client.emulator.public_base_url();
        let pricing = format!("{url}/model-configs/pricing/openai/gpt-4o");
        let pricing = self.client.http.get(pricing).send().await.unwrap();
        self.found.insert("60", pricing.json().await.unwrap());
        let chat = json!({"model": "m", "messages": [{"role": "user", "content": "hello"}]});
        self.post("63", "/chat/completions", chat).await;
        self.get("89", "/models").await;
        let key = self.client.emulator.key("runner").unwrap();
        let line = json!({"custom_id": "one", "method": "POST", "url": "/v1/chat/completions",
            "body": {"model": "m", "messages": []}});
        let file = (
            "file",
            Some(("f.jsonl", "application/jsonl")),
            line.to_string(),
        );
        let parts = [
            ("purpose", None, b"batch".as_slice()),
            (file.0, file.1, file.2.as_bytes()),
        ];
        let content_type = format!("multipart/form-data; boundary={}", crate::uploads::BOUNDARY);
        let request = self
            .client
            .http
            .post(format!("{}/files", self.client.emulator.base_url()));
        let request = request.header("content-type", content_type);
        let request = request.header("x-portkey-api-key", key);
        let file = receive(request.body(crate::uploads::form(&parts))).await;
        let batch = json!({"input_file_id": file.body["id"], "endpoint": "/v1/chat/completions",
            "completion_window": "24h"});
        let batch = self.client.post("/batches", batch).await;
        self.get("88", &format!("/batches/{}", string(&batch["id"])))
            .await;
    }
}

#[tokio::test]
async fn responses_have_the_fields_of_recordings() {
    let client = TestClient::new().await;
    let workspace = client.first_workspace().await;
    let found = BTreeMap::new();
    let mut responses = Responses {
        client,
        workspace,
        found,
    };
    responses.organisation().await;
    responses.configs_and_prompts().await;
    responses.providers().await;
    responses.policies_and_logs().await;
    responses.mcp().await;
    responses.gateway().await;

    let mut problems = Vec::new();
    for (name, recorded) in fixtures() {
        if NOT_COMPARED.contains(&name.as_str()) {
            continue;
        }
        let Some(response) = responses.found.get(&name[..2]) else {
            panic!("no response for {name}");
        };
        let mut missing = Vec::new();
        collect_missing(&recorded, response, "", &mut missing);
        let known = MISSING.iter().filter(|(other, _)| *other == name);
        let mut known: Vec<&str> = known.flat_map(|(_, paths)| paths.iter().copied()).collect();
        known.sort_unstable();
        missing.sort_unstable();
        if missing != known {
            problems.push(format!("{name}: {missing:?} in {response}"));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}
