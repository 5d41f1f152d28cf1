//! The resources that the examples name, with the ids of the examples.

use http::Method;
use portkey_admin::{ApiVersion, Client, Plane};
use portkey_admin_emulator::{Emulator, Snapshot};
use serde_json::{Value, json};

/// The content of the file that the examples upload.
pub const BATCH_INPUT: &str = concat!(
    r#"{"custom_id": "1", "method": "POST", "url": "/v1/chat/completions", "body": {"model": "gpt-4o", "#,
    r#""messages": [{"role": "user", "content": "Write a haiku about rivers."}]}}"#,
    "\n"
);

/// Creates every resource that an example names, with clients that have the key of an organisation, a
/// workspace and a member of that workspace.
pub async fn create(emulator: &Emulator, [organisation, workspace, member]: [&Client; 3]) {
    let creator = |client| Creator { emulator, client };
    let (organisation, workspace) = (creator(organisation), creator(workspace));
    let member = creator(member);
    people(&organisation).await;
    workspace_resources(&workspace).await;
    organisation_resources(&organisation).await;
    prompts(&workspace).await;
    policies(&workspace).await;
    mcp(&workspace, &member).await;
    agents(&workspace).await;
    gateway(&workspace).await;
}

/// Sends the requests that create resources.
struct Creator<'a> {
    emulator: &'a Emulator,
    client: &'a Client,
}

impl Creator<'_> {
    /// Sends a request, and replaces the values of its response at these JSON pointers.
    async fn send(&self, method: Method, path: &str, body: Value, ids: &[(&str, &str)]) {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let mut request = self.client.request(method, path);
        request = request.plane(plane(path)).api_version(api_version(path));
        if let Some((name, value)) = query.split_once('=') {
            request = request.query(name, value);
        }
        if !body.is_null() {
            request = request.json(&body);
        }
        let response: Value = request
            .send()
            .await
            .unwrap_or_else(|error| panic!("{path}: {error}"));
        for (pointer, id) in ids {
            let found = response.pointer(pointer).and_then(Value::as_str);
            self.replace(found.unwrap_or_else(|| panic!("{path}: {response}")), id);
        }
    }

    async fn post(&self, path: &str, body: Value, ids: &[(&str, &str)]) {
        self.send(Method::POST, path, body, ids).await;
    }

    async fn put(&self, path: &str, body: Value) {
        self.send(Method::PUT, path, body, &[]).await;
    }

    async fn get(&self, path: &str, ids: &[(&str, &str)]) {
        self.send(Method::GET, path, Value::Null, ids).await;
    }

    /// Replaces an id everywhere in the emulator's state.
    fn replace(&self, old: &str, new: &str) {
        let state = serde_json::to_string(&self.emulator.snapshot()).unwrap();
        let state: Snapshot = serde_json::from_str(&state.replace(old, new)).unwrap();
        self.emulator.restore(&state).unwrap();
    }
}

fn plane(path: &str) -> Plane {
    let is_gateway = ["/batches", "/responses"].contains(&path);
    match is_gateway {
        true => Plane::Gateway,
        false => Plane::Control,
    }
}

fn api_version(path: &str) -> ApiVersion {
    match path {
        "/deployments" | "/egress-allowlist" | "/tools" => ApiVersion::V2,
        _ => ApiVersion::V1,
    }
}

async fn people(organisation: &Creator<'_>) {
    let id = organisation.emulator.organisation_id("Example").unwrap();
    organisation.replace(&id, "a3d70f15-98e2-4b6c-8f41-c5b27d9e0634");
    let users = "/admin/users?email=member@example.com";
    organisation
        .get(
            users,
            &[("/data/0/id", "2f1d6c0a-8b4e-4c39-9d57-0a6e3b7c1f24")],
        )
        .await;
    for (name, slug) in [
        ("Research", "ws-research-4d21a9"),
        ("Trial", "ws-trial-b07c3e"),
        ("Support", "ws-support-7e19c2"),
    ] {
        let path = format!("/admin/workspaces?exact_name={name}");
        organisation.get(&path, &[("/data/0/slug", slug)]).await;
    }
    let invite = json!({"email": "invited@example.com", "role": "member"});
    organisation
        .post(
            "/admin/users/invites",
            invite,
            &[("/id", "6a9e0d47-b15c-4f83-a2d9-3c70e8f1b564")],
        )
        .await;
    let mapping = json!({
        "workspace_id": "ws-research-4d21a9", "scim_group_name": "support", "role": "member",
    });
    organisation
        .post(
            "/scim/workspaces",
            mapping,
            &[("/id", "18e6b3d0-c75f-4920-8a4e-f39d61b07c52")],
        )
        .await;
}

async fn organisation_resources(organisation: &Creator<'_>) {
    let key = json!({"name": "Report", "scopes": ["workspaces.list"]});
    organisation
        .post(
            "/api-keys/organisation/service",
            key,
            &[("/id", "0b6a4c1e-2d83-4f7a-9c15-7e9d30f4a2b1")],
        )
        .await;
    let reference = json!({
        "name": "OpenAI", "slug": "openai-key", "manager_type": "aws_sm", "secret_path": "openai",
        "auth_config": {"aws_auth_type": "serviceRole"},
    });
    organisation
        .post("/secret-references", reference, &[])
        .await;
    // The first deployment is the default, which cannot be deleted.
    organisation
        .post(
            "/deployments",
            json!({"name": "Europe", "type": "production"}),
            &[],
        )
        .await;
    let deployment = json!({
        "name": "Asia", "type": "non_production",
        "auth_settings": {"gateway_base_url": "https://gateway.example.com"},
    });
    organisation
        .post(
            "/deployments",
            deployment,
            &[("/id", "91c4e7d2-6f0b-4a58-8e3d-1b7a90c5f264")],
        )
        .await;
    organisation
        .post(
            "/egress-allowlist",
            json!({"domain": "api.example.com"}),
            &[("/id", "e93a0c75-2d4b-4f18-86b7-5a1fd0e3c892")],
        )
        .await;
    let plugin = json!({"plugin_provider_id": "patronus", "credentials": {"apiKey": "sample"}});
    organisation
        .post(
            "/plugins",
            plugin,
            &[("/id", "82f6c0d3-e1a9-4b57-9d24-70b3f5ae6c18")],
        )
        .await;
    // A copy of the prompt needs a provider of its integration in the other workspace.
    let access = json!({"workspaces": [{"id": "ws-support-7e19c2", "enabled": true}]});
    organisation
        .put("/integrations/openai-production/workspaces", access)
        .await;
}

async fn workspace_resources(workspace: &Creator<'_>) {
    let config = json!({"name": "Fallback", "config": {"retry": {"attempts": 2}}});
    workspace
        .post(
            "/configs",
            config,
            &[
                ("/slug", "pc-fallback-5be7d1"),
                ("/version_id", "7ce1f4a9-0b52-4d86-93fa-2e60d8b7c415"),
            ],
        )
        .await;
    let integration = json!({
        "name": "OpenAI", "slug": "openai-production", "ai_provider_id": "openai", "key": "sample",
    });
    workspace.post("/integrations", integration, &[]).await;
    let model = json!({
        "slug": "research-model", "enabled": true, "is_custom": true, "base_model_slug": "gpt-4o",
    });
    workspace
        .put(
            "/integrations/openai-production/models",
            json!({"models": [model]}),
        )
        .await;
    let access = json!({"workspaces": [{"id": "ws-research-4d21a9", "enabled": true}]});
    workspace
        .put("/integrations/openai-production/workspaces", access)
        .await;
    let provider = json!({
        "name": "OpenAI", "slug": "openai-research", "integration_id": "openai-production",
    });
    workspace.post("/providers", provider, &[]).await;
    let virtual_key = json!({"name": "Old", "provider": "openai", "key": "sample"});
    workspace
        .post(
            "/virtual-keys",
            virtual_key,
            &[("/id", "9e40d7b2-65c1-4f3a-8d09-b1e7f2a6c534")],
        )
        .await;
    workspace.post("/logs", log(), &[]).await;
    let export = json!({
        "filters": {"time_of_generation_min": "2020-01-01T00:00:00Z"}, "requested_data": ["id"],
    });
    workspace
        .post(
            "/logs/exports",
            export,
            &[("/id", "3e8d51b7-0a94-4c62-b7f1-d92a6c40e583")],
        )
        .await;
    let feedback = json!({"trace_id": "checkout-4711", "value": 1});
    workspace
        .post(
            "/feedback",
            feedback,
            &[("/feedback_ids/0", "5d19f3a8-74c0-4b2e-8d61-f0e7a4b9c236")],
        )
        .await;
}

fn log() -> Value {
    let url = "https://api.provider.example/v1/chat/completions";
    json!({
        "request": {"url": url, "body": {"model": "gpt-4o"}},
        "response": {"status": 200, "body": {"usage": {"total_tokens": 15}}},
        "metadata": {"team": "research", "_user": "member@example.com"},
    })
}

async fn prompts(workspace: &Creator<'_>) {
    workspace
        .post(
            "/collections",
            json!({"name": "Support"}),
            &[("/slug", "col-support-90ad5e")],
        )
        .await;
    workspace
        .post(
            "/labels",
            json!({"name": "approved"}),
            &[("/id", "e41b7c92-3d06-4a5f-9b78-25c0f6d8a137")],
        )
        .await;
    let prompt = json!({
        "name": "Greeting", "collection_id": "col-support-90ad5e", "model": "gpt-4o",
        "string": "Answer in one sentence: {{question}}", "parameters": {},
        "virtual_key": "openai-research",
    });
    workspace
        .post("/prompts", prompt, &[("/slug", "pp-greeting-8c03f2")])
        .await;
    let version = json!({"patch": true, "string": "Answer in one word: {{question}}"});
    workspace.put("/prompts/pp-greeting-8c03f2", version).await;
    workspace
        .get(
            "/prompts/pp-greeting-8c03f2/versions",
            &[("/data/0/id", "b9054d3e-7a1f-4c68-96e2-40d8c7f5a183")],
        )
        .await;
    let partial = json!({"name": "Signature", "string": "Yours"});
    workspace
        .post(
            "/prompts/partials",
            partial,
            &[("/slug", "pl-signature-31fa6b")],
        )
        .await;
    let version = json!({"string": "Truly yours"});
    workspace
        .put("/prompts/partials/pl-signature-31fa6b", version)
        .await;
    let tool = json!({
        "name": "Weather", "collection_id": "col-support-90ad5e", "tool_def": {"type": "function"},
    });
    workspace
        .post("/tools", tool, &[("/slug", "tool-weather-5c1d90")])
        .await;
}

async fn policies(workspace: &Creator<'_>) {
    let guardrail = json!({
        "name": "No internal names",
        "checks": [{"id": "default.contains", "parameters": {"words": ["internal"], "operator": "none"}}],
        "actions": {"deny": true},
    });
    workspace
        .post("/guardrails", guardrail, &[("/slug", "guard_2f7a1c")])
        .await;
    let conditions = json!([{"key": "metadata.team", "value": "research"}]);
    let group_by = json!([{"key": "metadata._user"}]);
    let policy = json!({
        "name": "Budget", "type": "tokens", "credit_limit": 1000, "conditions": conditions,
        "group_by": group_by,
    });
    workspace
        .post(
            "/policies/usage-limits",
            policy,
            &[("/id", "d80c62f7-4b39-4e15-a7d0-1f6e93c8b254")],
        )
        .await;
    workspace.post("/logs", log(), &[]).await;
    workspace
        .get(
            "/policies/usage-limits/d80c62f7-4b39-4e15-a7d0-1f6e93c8b254/entities",
            &[("/data/0/id", "c27f90b4-5e1d-4d36-9a88-60f3b1e7d415")],
        )
        .await;
    let policy = json!({
        "name": "Rate", "type": "requests", "unit": "rpm", "value": 60, "conditions": conditions,
        "group_by": group_by,
    });
    workspace
        .post(
            "/policies/rate-limits",
            policy,
            &[("/id", "f5270e9b-6c81-4d3a-92b4-8e0d7a1c5f36")],
        )
        .await;
    let policy = json!({
        "name": "GitHub", "subjects": [{"type": "user", "id": "2f1d6c0a-8b4e-4c39-9d57-0a6e3b7c1f24"}],
        "targets": [{"type": "mcp_server", "server_id": "github-research", "tools": "ALL"}],
    });
    workspace
        .post(
            "/policies/access",
            policy,
            &[("/id", "4b8d1e60-93f7-4a2c-b51e-c07d6a82f395")],
        )
        .await;
}

async fn mcp(workspace: &Creator<'_>, member: &Creator<'_>) {
    let integration = json!({
        "name": "GitHub", "slug": "github", "url": "https://mcp.example.com", "auth_type": "none",
        "transport": "http",
    });
    workspace.post("/mcp-integrations", integration, &[]).await;
    let capabilities = json!({"capabilities": [{"name": "search", "type": "tool"}]});
    workspace
        .post("/mcp-integrations/github/sync", capabilities.clone(), &[])
        .await;
    let server =
        json!({"name": "GitHub", "slug": "github-research", "mcp_integration_id": "github"});
    workspace.post("/mcp-servers", server, &[]).await;
    workspace
        .post(
            "/mcp-servers/github-research/capabilities/sync",
            capabilities,
            &[],
        )
        .await;
    let tokens = json!({"access_token": "sample"});
    for creator in [workspace, member] {
        let path = "/mcp-servers/github-research/tokens";
        creator.put(path, tokens.clone()).await;
    }
    let settings = json!({"mcp_servers": {"github-research": {"run_on": ["input"]}}});
    workspace
        .put("/guardrails/guard_2f7a1c/mcp-servers", settings)
        .await;
}

async fn agents(workspace: &Creator<'_>) {
    let url = "https://agent.example.com";
    let skill = json!({"id": "book_flight", "name": "Book a flight"});
    let integration = json!({
        "name": "Travel", "slug": "travel", "url": url, "auth_type": "none",
        "agent_card": {"name": "Travel", "url": url, "skills": [skill]},
    });
    workspace
        .post("/agent-integrations", integration, &[])
        .await;
    let server =
        json!({"name": "Travel", "slug": "travel-research", "agent_integration_id": "travel"});
    workspace.post("/agent-servers", server, &[]).await;
}

async fn gateway(workspace: &Creator<'_>) {
    let file = portkey_admin::gateway::FilePart::bytes("requests.jsonl", BATCH_INPUT);
    let upload = workspace.client.upload_file().file(file).purpose("batch");
    let id = upload.send().await.unwrap().id.unwrap();
    workspace.replace(&id, "file-6b90d3f2");
    let batch = json!({
        "input_file_id": "file-6b90d3f2", "endpoint": "/v1/chat/completions", "completion_window": "24h",
    });
    workspace
        .post("/batches", batch, &[("/id", "batch_41f6ab09")])
        .await;
    let response = json!({"model": "gpt-4o", "input": "Write a haiku about rivers."});
    workspace
        .post("/responses", response, &[("/id", "resp_5e17c0d9")])
        .await;
}
