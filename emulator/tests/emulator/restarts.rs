//! Every kind of write survives a restart: the state after it is exactly the state before it.

use std::collections::BTreeSet;
use std::time::SystemTime;

use portkey_admin_emulator::{Clock, Emulator, Key, Organisation, Role};
use reqwest::Method;
use serde_json::{Value, json};

use crate::response_schema::patched;
use crate::support::{TempDir, TestClient, string};
use crate::uploads::{self, form};

/// A client of an emulator with a state file, and what it has called.
struct Session {
    client: TestClient,
    directory: TempDir,
    /// Whether to restart the emulator after every request.
    restarts: bool,
    /// The operations that succeeded.
    called: BTreeSet<String>,
    start: SystemTime,
}

async fn start(directory: &TempDir, at: SystemTime) -> TestClient {
    let organisation = Organisation::named("Acme")
        .user("owner@example.com", Role::Owner)
        .user("member@example.com", Role::Member)
        .user("leaver@example.com", Role::Member)
        .workspace("Platform")
        .key(Key::workspace("Platform", "runner"));
    let builder = Emulator::builder()
        .organisation(organisation)
        .clock(Clock::fixed(at))
        .state_file(directory.file("state.json"));
    TestClient::with_emulator(builder.start().await.unwrap())
}

impl Session {
    async fn new(restarts: bool) -> Self {
        let (directory, start_time) = (TempDir::new(), SystemTime::now());
        Self {
            client: start(&directory, start_time).await,
            directory,
            restarts,
            called: BTreeSet::new(),
            start: start_time,
        }
    }

    fn state(&self) -> Value {
        serde_json::to_value(self.client.emulator.snapshot()).unwrap()
    }

    /// Continues with copies of the files, as a `kill` at this moment would leave them.
    async fn restart(&mut self, cause: &str) {
        let copy = TempDir::new();
        for name in ["state.json", "state.json.journal"] {
            std::fs::copy(self.directory.file(name), copy.file(name)).unwrap();
        }
        let before = self.state();
        self.client = start(&copy, self.start).await;
        self.directory = copy;
        assert_same(&before, &self.state(), cause);
    }

    /// Sends a request, which must succeed, and returns its response.
    async fn send(&mut self, key: &str, request: reqwest::RequestBuilder) -> Value {
        let key = self.client.emulator.key(key).unwrap();
        let request = request
            .header("x-portkey-api-key", key)
            .header("x-portkey-provider", "openai");
        let response = request.send().await.unwrap();
        let status = response.status();
        let text = response.text().await.unwrap();
        let recorded = self.client.emulator.requests().pop().unwrap();
        assert_eq!(status, 200, "{recorded:?}: {text}");
        let operation = recorded.operation.unwrap_or(recorded.target);
        if self.restarts && recorded.method != "GET" {
            self.restart(&operation).await;
        }
        self.called.insert(operation);
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// Sends JSON with the named key; the version in the path is 1 unless the path contains it.
    async fn json(&mut self, key: &str, method: Method, path: &str, body: Value) -> Value {
        let emulator = &self.client.emulator;
        let url = match path.starts_with("/v2/") {
            true => format!("{}{path}", emulator.public_base_url()),
            false => format!("{}{path}", emulator.base_url()),
        };
        let mut request = self.client.http.request(method, url);
        if !body.is_null() {
            request = request.json(&body);
        }
        self.send(key, request).await
    }

    async fn post(&mut self, path: &str, body: Value) -> Value {
        self.json("Emulator", Method::POST, path, body).await
    }

    async fn put(&mut self, path: &str, body: Value) -> Value {
        self.json("Emulator", Method::PUT, path, body).await
    }

    async fn delete(&mut self, path: &str) -> Value {
        self.json("Emulator", Method::DELETE, path, Value::Null)
            .await
    }

    async fn get(&mut self, path: &str) -> Value {
        self.json("Emulator", Method::GET, path, Value::Null).await
    }

    /// Sends a form with the workspace key.
    async fn form(&mut self, path: &str, parts: &[uploads::Part<'_>]) -> Value {
        let url = format!("{}{path}", self.client.emulator.base_url());
        let content_type = format!("multipart/form-data; boundary={}", uploads::BOUNDARY);
        let request = self.client.http.post(url);
        let request = request.header("content-type", content_type);
        self.send("runner", request.body(form(parts))).await
    }

    /// Returns the values of a field for the first item of a list.
    async fn first(&mut self, path: &str, field: &str) -> String {
        string(&self.get(path).await["data"][0][field])
    }
}

/// Compares states; the message names the first difference instead of showing both.
fn assert_same(before: &Value, after: &Value, cause: &str) {
    fn difference(before: &Value, after: &Value, at: &str) -> Option<String> {
        match (before, after) {
            (Value::Object(one), Value::Object(two)) if one.len() == two.len() => one
                .iter()
                .find_map(|(name, value)| difference(value, &after[name], &format!("{at}/{name}"))),
            (Value::Array(one), Value::Array(two)) if one.len() == two.len() => {
                let mut pairs = one.iter().zip(two).enumerate();
                pairs.find_map(|(index, (one, two))| difference(one, two, &format!("{at}/{index}")))
            }
            _ => (before != after).then(|| format!("{at} was {before} and is {after}")),
        }
    }
    if let Some(difference) = difference(before, after, "") {
        panic!("after `{cause}` and a restart, {difference}");
    }
}

async fn call_all(session: &mut Session) {
    people(session).await;
    access(session).await;
    prompts(session).await;
    integrations(session).await;
    guardrails(session).await;
    policies(session).await;
    mcp(session).await;
    agents(session).await;
    sharing(session).await;
    tools(session).await;
    others(session).await;
    logs(session).await;
    models(session).await;
    stored(session).await;
}

async fn people(s: &mut Session) {
    let invite = json!({"email": "newcomer@example.com", "role": "member"});
    let invite = string(&s.post("/admin/users/invites", invite).await["id"]);
    s.post(
        &format!("/admin/users/invites/{invite}/resend"),
        Value::Null,
    )
    .await;
    s.delete(&format!("/admin/users/invites/{invite}")).await;
    let invite = json!({"email": "second@example.com", "role": "member"});
    let invite = string(&s.post("/admin/users/invites", invite).await["id"]);
    s.client.emulator.accept_invite(&invite).unwrap();
    if s.restarts {
        s.restart("accept_invite").await;
    }

    let leaver = s.first("/admin/users?email=leaver@example.com", "id").await;
    let user = format!("/admin/users/{leaver}");
    s.put(&user, json!({"role": "admin"})).await;
    s.delete(&user).await;

    let workspace = s
        .post("/admin/workspaces", json!({"name": "Short-lived"}))
        .await;
    let path = format!("/admin/workspaces/{}", string(&workspace["id"]));
    s.put(&path, json!({"description": "Changed"})).await;
    let member = s.first("/admin/users?email=member@example.com", "id").await;
    let members = json!({"users": [{"id": member, "role": "member"}]});
    s.post(&format!("{path}/users"), members).await;
    let member = format!("{path}/users/{member}");
    s.put(&member, json!({"role": "manager"})).await;
    s.delete(&member).await;
    let body = json!({"name": "Short-lived"});
    s.json("Emulator", Method::DELETE, &path, body).await;

    let workspace = s.first("/admin/workspaces", "id").await;
    let mapping = json!({"workspace_id": workspace, "scim_group_name": "dev", "role": "member"});
    let mapping = string(&s.post("/scim/workspaces", mapping).await["id"]);
    s.delete(&format!("/scim/workspaces/{mapping}")).await;
}

async fn access(s: &mut Session) {
    let workspace = s.first("/admin/workspaces", "id").await;
    let key = json!({"name": "ci", "scopes": ["completions.write"], "workspace_id": workspace});
    let key = s.post("/api-keys/workspace/service", key).await;
    let path = format!("/api-keys/{}", string(&key["id"]));
    // A number with 17 digits must be read as it was written.
    let limits = json!({"credit_limit": 1.1 + 2.2, "alert_threshold": 1.5});
    s.put(&path, json!({"name": "renamed", "usage_limits": limits}))
        .await;
    s.post(&format!("{path}/rotate"), json!({})).await;
    s.delete(&path).await;

    let config =
        json!({"name": "retry", "config": {"retry": {"attempts": 2}}, "workspace_id": workspace});
    let path = format!(
        "/configs/{}",
        string(&s.post("/configs", config).await["slug"])
    );
    s.put(&path, json!({"config": {"retry": {"attempts": 3}}}))
        .await;
    s.delete(&path).await;

    // The default deployment cannot be deleted.
    s.post(
        "/v2/deployments",
        json!({"name": "Europe", "type": "production"}),
    )
    .await;
    let second = json!({"name": "Asia", "type": "non_production",
        "auth_settings": {"gateway_base_url": "https://gateway.example.com"}});
    let path = format!(
        "/v2/deployments/{}",
        string(&s.post("/v2/deployments", second).await["id"])
    );
    s.put(&path, json!({"name": "Asia 2"})).await;
    s.delete(&path).await;
}

async fn prompts(s: &mut Session) {
    let workspace = s.first("/admin/workspaces", "id").await;
    let collection = json!({"name": "drafts", "workspace_id": workspace});
    let collection = string(&s.post("/collections", collection).await["id"]);
    s.put(
        &format!("/collections/{collection}"),
        json!({"name": "finals"}),
    )
    .await;
    let label = json!({"name": "reviewed", "workspace_id": workspace});
    let label = string(&s.post("/labels", label).await["id"]);
    s.put(
        &format!("/labels/{label}"),
        json!({"description": "Changed"}),
    )
    .await;

    let key =
        json!({"name": "Spare", "provider": "openai", "key": "sample", "workspace_id": workspace});
    let key = string(&s.post("/virtual-keys", key).await["slug"]);
    let prompt = json!({"name": "greeting", "collection_id": collection, "string": "Hello {{who}}",
        "model": "gpt-4o", "virtual_key": key, "parameters": {"max_tokens": 10, "temperature": 0.7}});
    let prompt = string(&s.post("/prompts", prompt).await["slug"]);
    let path = format!("/prompts/{prompt}");
    s.put(&path, json!({"patch": true, "string": "Good day {{who}}"}))
        .await;
    s.put(&format!("{path}/makeDefault"), json!({"version": 2}))
        .await;
    let version = s.first(&format!("{path}/versions"), "id").await;
    s.put(
        &format!("{path}/versions/{version}"),
        json!({"label_id": label}),
    )
    .await;
    let variables = json!({"variables": {"who": "reader"}});
    s.json(
        "runner",
        Method::POST,
        &format!("{path}/render"),
        variables.clone(),
    )
    .await;
    let run = format!("{path}/completions");
    s.json("runner", Method::POST, &run, variables).await;
    s.delete(&path).await;

    let partial = json!({"name": "signature", "string": "Yours", "workspace_id": workspace});
    let partial = string(&s.post("/prompts/partials", partial).await["slug"]);
    let path = format!("/prompts/partials/{partial}");
    s.put(&path, json!({"string": "Truly yours"})).await;
    s.put(&format!("{path}/makeDefault"), json!({"version": 2}))
        .await;
    s.delete(&path).await;
    s.delete(&format!("/labels/{label}")).await;
    s.delete(&format!("/collections/{collection}")).await;
    let path = format!("/virtual-keys/{key}");
    s.put(&path, json!({"note": "Changed"})).await;
    s.delete(&path).await;
}

async fn integrations(s: &mut Session) {
    let workspace = s.first("/admin/workspaces", "id").await;
    let integration = json!({"name": "OpenAI", "ai_provider_id": "openai", "key": "sample"});
    let integration = string(&s.post("/integrations", integration).await["slug"]);
    let path = format!("/integrations/{integration}");
    s.put(&path, json!({"description": "Changed"})).await;
    let model =
        json!({"slug": "mine", "enabled": true, "is_custom": true, "base_model_slug": "gpt-4o"});
    s.put(&format!("{path}/models"), json!({"models": [model]}))
        .await;
    s.delete(&format!("{path}/models?slugs=mine")).await;
    let access = json!({"workspaces": [{"id": workspace, "enabled": true}]});
    s.put(&format!("{path}/workspaces"), access).await;

    let provider =
        json!({"name": "Main", "integration_id": integration, "workspace_id": workspace});
    let provider = string(&s.post("/providers", provider).await["slug"]);
    let provider = format!("/providers/{provider}?workspace_id={workspace}");
    s.put(&provider, json!({"note": "Changed"})).await;
    s.delete(&provider).await;
    s.delete(&path).await;

    let reference = json!({"name": "Provider key", "manager_type": "aws_sm",
        "secret_path": "prod/provider", "auth_config": {"aws_auth_type": "serviceRole"}});
    let reference = string(&s.post("/secret-references", reference).await["id"]);
    let path = format!("/secret-references/{reference}");
    s.put(&path, json!({"description": "Changed"})).await;
    s.delete(&path).await;
}

async fn guardrail(s: &mut Session) -> String {
    let workspace = s.first("/admin/workspaces", "id").await;
    let check = json!({"id": "default.contains",
        "parameters": {"words": ["secret"], "operator": "none"}});
    let guardrail = json!({"name": "no secrets", "checks": [check], "actions": {"deny": false},
        "workspace_id": workspace});
    string(&s.post("/guardrails", guardrail).await["id"])
}

async fn guardrails(s: &mut Session) {
    let workspace = s.first("/admin/workspaces", "id").await;
    let path = format!("/guardrails/{}", guardrail(s).await);
    s.put(&path, json!({"name": "renamed"})).await;
    s.put(
        "/v2/admin/organisation/defaults",
        json!({"input_guardrails": []}),
    )
    .await;
    let organisation = s.client.emulator.organisation_id("Acme").unwrap();
    let exclusions = json!({"organisation_id": organisation,
        "workspaces": [{"workspace_id": workspace, "excluded": true}]});
    for list in ["input-guardrails", "output-guardrails"] {
        s.put(&format!("/workspace-exclusions/{list}"), exclusions.clone())
            .await;
    }
    s.delete(&path).await;
}

async fn policies(s: &mut Session) {
    let workspace = s.first("/admin/workspaces", "id").await;
    let conditions = json!([{"key": "workspace_id", "value": workspace}]);
    let group_by = json!([{"key": "metadata._user"}]);
    let policy = json!({"name": "budget", "type": "tokens", "credit_limit": 1000.5,
        "conditions": conditions, "group_by": group_by, "workspace_id": workspace});
    let policy = string(&s.post("/policies/usage-limits", policy).await["id"]);
    let path = format!("/policies/usage-limits/{policy}");
    s.put(&path, json!({"credit_limit": 2000})).await;
    insert_log(s).await;
    let entities = format!("{path}/entities");
    let entity = s.first(&entities, "id").await;
    s.put(&format!("{entities}/{entity}/reset"), Value::Null)
        .await;
    s.delete(&path).await;

    let policy = json!({"name": "not too fast", "type": "requests", "unit": "rpm", "value": 60,
        "conditions": conditions, "group_by": group_by, "workspace_id": workspace});
    let policy = string(&s.post("/policies/rate-limits", policy).await["id"]);
    let path = format!("/policies/rate-limits/{policy}");
    s.put(&path, json!({"value": 30})).await;
    s.delete(&path).await;
}

async fn mcp(s: &mut Session) {
    let workspace = s.first("/admin/workspaces", "id").await;
    let integration = json!({"name": "Search", "url": "https://mcp.example.com",
        "auth_type": "none", "transport": "http"});
    let integration = string(&s.post("/mcp-integrations", integration).await["id"]);
    let path = format!("/mcp-integrations/{integration}");
    s.put(&path, json!({"description": "Changed"})).await;
    let tool = json!({"name": "search", "type": "tool"});
    let info = json!({"server_info": {"name": "sample", "version": "1"}, "capabilities": [tool]});
    s.post(&format!("{path}/sync"), info).await;
    s.post(&format!("{path}/test"), Value::Null).await;
    let toggle = |enabled: bool| json!({"capabilities": [{"name": "search", "type": "tool", "enabled": enabled}]});
    s.put(&format!("{path}/capabilities"), toggle(true)).await;
    let access = json!({"workspaces": [{"id": workspace, "enabled": true}]});
    s.put(&format!("{path}/workspaces"), access).await;

    let server = json!({"name": "Search", "mcp_integration_id": integration});
    let server = s.json("runner", Method::POST, "/mcp-servers", server).await;
    let server = string(&server["id"]);
    mcp_server(s, &format!("/mcp-servers/{server}")).await;

    let settings = json!({"run_on": ["input"]});
    let guardrail = guardrail(s).await;
    let servers = format!("/guardrails/{guardrail}/mcp-servers");
    let all = json!({"mcp_servers": {&server: settings}});
    s.put(&servers, all).await;
    s.put(&format!("{servers}/{server}"), settings).await;
    let server = format!("/mcp-servers/{server}");
    s.json("runner", Method::DELETE, &server, Value::Null).await;
    s.delete(&path).await;
}

async fn mcp_server(s: &mut Session, path: &str) {
    let tool = json!({"name": "search", "type": "tool"});
    let toggle = json!({"capabilities": [{"name": "search", "type": "tool", "enabled": false}]});
    let member = s.first("/admin/users?email=member@example.com", "id").await;
    let access = json!({"default_user_access": "allow",
        "user_access": [{"user_id": member, "enabled": true}]});
    let tokens = json!({"access_token": "sample"});
    for (method, path, body) in [
        (
            Method::PUT,
            path.to_owned(),
            json!({"description": "Changed"}),
        ),
        (Method::POST, format!("{path}/test"), Value::Null),
        (
            Method::POST,
            format!("{path}/capabilities/sync"),
            json!({"capabilities": [tool]}),
        ),
        (Method::PUT, format!("{path}/capabilities"), toggle),
        (
            Method::POST,
            format!("{path}/metadata/sync"),
            json!({"server_name": "sample"}),
        ),
        (Method::PUT, format!("{path}/user-access"), access),
        (Method::PUT, format!("{path}/tokens"), tokens.clone()),
        (Method::DELETE, format!("{path}/tokens"), Value::Null),
        (Method::PUT, format!("{path}/tokens"), tokens),
    ] {
        s.json("runner", method, &path, body).await;
    }
    let list = format!("{path}/connections");
    let connections = s.json("runner", Method::GET, &list, Value::Null).await;
    let user = string(&connections["data"][0]["user_id"]);
    let delete = format!("{list}?user_id={user}");
    s.json("runner", Method::DELETE, &delete, Value::Null).await;
}

async fn agents(s: &mut Session) {
    let workspace = s.first("/admin/workspaces", "id").await;
    let integration =
        json!({"name": "Travel", "url": "https://agent.example.com", "auth_type": "none"});
    let integration = string(&s.post("/agent-integrations", integration).await["id"]);
    let path = format!("/agent-integrations/{integration}");
    s.put(&path, json!({"description": "Changed"})).await;
    let toggle = json!({"skills": [{"id": "echo", "enabled": false}]});
    s.put(&format!("{path}/skills"), toggle.clone()).await;
    let access = json!({"workspaces": [{"id": workspace, "enabled": true}]});
    s.put(&format!("{path}/workspaces"), access).await;
    let organisation = s.client.emulator.organisation_id("Acme").unwrap();
    let fetch = json!({"endpoint": "https://agent.example.com", "organisation_id": organisation});
    s.post("/agent-integrations/fetch-agent-card", fetch).await;

    let server = json!({"name": "Travel", "agent_integration_id": integration});
    let server = s.json("runner", Method::POST, "/agent-servers", server);
    let server = format!("/agent-servers/{}", string(&server.await["id"]));
    let member = s.first("/admin/users?email=member@example.com", "id").await;
    let access = json!({"user_access": [{"user_id": member, "enabled": false}]});
    for (method, path, body) in [
        (Method::PUT, server.clone(), json!({"name": "Changed"})),
        (Method::PUT, format!("{server}/skills"), toggle),
        (Method::POST, format!("{server}/test"), json!({})),
        (Method::PUT, format!("{server}/user-access"), access),
        (Method::DELETE, server.clone(), Value::Null),
    ] {
        s.json("runner", method, &path, body).await;
    }
    s.delete(&path).await;
}

async fn sharing(s: &mut Session) {
    let workspace = s.first("/admin/workspaces", "id").await;
    let partial = json!({"name": "signature", "string": "Yours", "workspace_id": workspace});
    let partial = string(&s.post("/prompts/partials", partial).await["slug"]);
    let collection = json!({"name": "shared", "workspace_id": workspace});
    let collection = string(&s.post("/collections", collection).await["id"]);
    let key =
        json!({"name": "Shared", "provider": "openai", "key": "sample", "workspace_id": workspace});
    let key = string(&s.post("/virtual-keys", key).await["slug"]);
    let prompt = json!({"name": "greeting", "collection_id": collection, "string": "Hello",
        "model": "gpt-4o", "virtual_key": key, "parameters": {}});
    let prompt = string(&s.post("/prompts", prompt).await["slug"]);
    for path in [
        format!("/v2/prompts/partials/{partial}"),
        format!("/v2/prompts/{prompt}"),
    ] {
        let share = format!("{path}/share");
        s.post(&share, json!({"workspaces": [workspace]})).await;
        s.put(&share, json!({})).await;
        s.post(&format!("{path}/fork"), json!({"workspace_id": workspace}))
            .await;
        s.delete(&share).await;
    }
}

async fn tools(s: &mut Session) {
    let workspace = s.first("/admin/workspaces", "id").await;
    let collection = json!({"name": "tools", "workspace_id": workspace});
    let collection = string(&s.post("/collections", collection).await["id"]);
    let tool =
        json!({"collection_id": collection, "name": "Weather", "tool_def": {"type": "function"}});
    let path = format!(
        "/v2/tools/{}",
        string(&s.post("/v2/tools", tool).await["id"])
    );
    s.put(&path, json!({"tool_def": {"type": "custom"}})).await;
    s.put(&format!("{path}/makeDefault"), json!({"version": 2}))
        .await;
    s.delete(&path).await;
}

/// Resources of the organisation, access policies, and the migration of a virtual key.
async fn others(s: &mut Session) {
    let workspace = s.first("/admin/workspaces", "id").await;
    let entry = json!({"domain": "api.example.com"});
    let entry = string(&s.post("/v2/egress-allowlist", entry).await["id"]);
    let path = format!("/v2/egress-allowlist/{entry}");
    s.put(&path, json!({"description": "Changed"})).await;
    s.delete(&path).await;

    let plugin = json!({"plugin_provider_id": "patronus", "credentials": {"apiKey": "sample"}});
    let plugin = string(&s.post("/plugins", plugin).await["id"]);
    s.put(&format!("/plugins/{plugin}"), json!({"name": "Changed"}))
        .await;

    let mut policy = json!({"name": "Everybody", "workspace_id": workspace,
        "subjects": [{"type": "user", "id": "u"}],
        "targets": [{"type": "provider", "provider_id": "p", "models": "ALL"}]});
    let id = string(&s.post("/policies/access", policy.clone()).await["id"]);
    let path = format!("/policies/access/{id}");
    policy["version"] = json!(1);
    s.put(&path, policy).await;
    s.delete(&path).await;

    let key =
        json!({"name": "Moving", "provider": "openai", "key": "sample", "workspace_id": workspace});
    let key = s.post("/virtual-keys", key).await;
    s.post(
        "/virtual-keys/migrate",
        json!({"virtual_key_id": key["id"]}),
    )
    .await;
}

async fn insert_log(s: &mut Session) {
    let usage = json!({"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15});
    let request = json!({"url": "https://api.provider.example/v1/chat/completions", "body": {"model": "gpt-4o"}});
    let entry = json!({"request": request, "response": {"status": 200, "body": {"usage": usage}},
        "metadata": {"trace_id": "trace", "_user": "member@example.com"}});
    s.json("runner", Method::POST, "/logs", entry).await;
}

async fn logs(s: &mut Session) {
    let workspace = s.first("/admin/workspaces", "id").await;
    insert_log(s).await;
    let filters = json!({"time_of_generation_min": "2020-01-01T00:00:00Z",
        "time_of_generation_max": "2090-01-01T00:00:00Z"});
    let export = json!({"workspace_id": workspace, "filters": filters, "requested_data": ["id"]});
    let id = string(&s.post("/logs/exports", export.clone()).await["id"]);
    let path = format!("/logs/exports/{id}");
    s.put(&path, export).await;
    s.post(&format!("{path}/start"), Value::Null).await;
    s.post(&format!("{path}/cancel"), Value::Null).await;

    let feedback = json!({"trace_id": "trace", "value": 1});
    let receipt = s.json("runner", Method::POST, "/feedback", feedback).await;
    let path = format!("/feedback/{}", string(&receipt["feedback_ids"][0]));
    s.json("runner", Method::PUT, &path, json!({"value": 2}))
        .await;
}

/// Calls to models, which add logs or nothing.
async fn models(s: &mut Session) {
    let chat = json!({"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]});
    let mut stream = chat.clone();
    stream["stream"] = json!(true);
    for (path, body) in [
        ("/chat/completions", chat),
        ("/chat/completions", stream),
        ("/completions", json!({"model": "gpt-4o", "prompt": "hi"})),
        (
            "/embeddings",
            json!({"model": "m", "input": ["one", "two"]}),
        ),
        (
            "/rerank",
            json!({"model": "m", "query": "a", "documents": ["a", "b"]}),
        ),
        ("/moderations", json!({"model": "m", "input": "hi"})),
        ("/images/generations", json!({"model": "m", "prompt": "hi"})),
        (
            "/audio/speech",
            json!({"model": "m", "voice": "nova", "input": "hi"}),
        ),
    ] {
        s.json("runner", Method::POST, path, body).await;
    }
    let image = ("image", Some(("a.png", "image/png")), &b"png"[..]);
    let sound = ("file", Some(("a.mp3", "audio/mpeg")), &b"sound"[..]);
    let (model, prompt) = (("model", None, &b"m"[..]), ("prompt", None, &b"hi"[..]));
    s.form("/images/edits", &[image, prompt]).await;
    s.form("/images/variations", &[image]).await;
    s.form("/audio/transcriptions", &[sound, model]).await;
    s.form("/audio/translations", &[sound, model]).await;
}

/// What the gateway stores.
async fn stored(s: &mut Session) {
    let response = json!({"model": "gpt-4o", "input": "hi"});
    let response = s.json("runner", Method::POST, "/responses", response).await;
    let path = format!("/responses/{}", string(&response["id"]));
    s.json("runner", Method::DELETE, &path, Value::Null).await;

    let line = json!({"custom_id": "a", "method": "POST", "url": "/v1/chat/completions",
        "body": {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}});
    let content = line.to_string();
    let file = (
        "file",
        Some(("in.jsonl", "application/jsonl")),
        content.as_bytes(),
    );
    let file = s.form("/files", &[("purpose", None, b"batch"), file]).await;
    let batch = json!({"input_file_id": file["id"], "endpoint": "/v1/chat/completions",
        "completion_window": "24h"});
    let batch = s.json("runner", Method::POST, "/batches", batch).await;
    let cancel = format!("/batches/{}/cancel", string(&batch["id"]));
    s.json("runner", Method::POST, &cancel, Value::Null).await;
    let path = format!("/files/{}", string(&file["id"]));
    let url = format!("{}{path}/content", s.client.emulator.base_url());
    let key = s.client.emulator.key("runner").unwrap();
    let read = s.client.http.get(url).header("x-portkey-api-key", key);
    let read = read.send().await.unwrap().text().await.unwrap();
    assert_eq!(read, content);
    s.json("runner", Method::DELETE, &path, Value::Null).await;
}

/// Returns the operations of the manifest that may write and that were not called successfully.
/// Operations that the emulator does not carry out (501) are left out.
async fn uncalled_writes(session: &Session) -> Vec<String> {
    let mut uncalled = Vec::new();
    for (key, entry) in patched().manifest.iter() {
        let (method, path) = key.split_once(' ').unwrap();
        if method == "GET" || session.called.contains(&entry.id) {
            continue;
        }
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let response = session.client.send(method, path, Value::Null).await;
        if response.status != 501 {
            uncalled.push(format!("{}: {}", entry.id, response.status));
        }
    }
    uncalled
}

#[tokio::test]
async fn every_write_survives_a_restart_after_it() {
    let mut session = Session::new(true).await;
    call_all(&mut session).await;
    let uncalled = uncalled_writes(&session).await;
    assert!(uncalled.is_empty(), "not called: {uncalled:#?}");
}

#[tokio::test]
async fn all_writes_survive_one_restart() {
    let mut session = Session::new(false).await;
    call_all(&mut session).await;
    session.restart("all writes").await;
}

/// Sends JSON with ever fewer nested levels until it is accepted, and restarts then.
async fn send_deepest(s: &mut Session, path: &str, body: impl Fn(Value) -> Value) {
    let key = s.client.emulator.key("runner").unwrap();
    for levels in (50..128).rev() {
        let text = format!("{}0{}", "[".repeat(levels), "]".repeat(levels));
        let value = serde_json::from_str(&text);
        let Ok(value) = value else { continue };
        let sent = s.client.send_as(&key, Method::POST, path, body(value));
        if sent.await.status == 200 {
            return s.restart(path).await;
        }
    }
    panic!("{path}: nothing was accepted");
}

/// What a request nests is nested deeper in the journal, and still deeper in the state.
#[tokio::test]
async fn the_deepest_accepted_values_survive_a_restart() {
    let mut s = Session::new(false).await;
    let workspace = s.first("/admin/workspaces", "id").await;
    let collection = json!({"name": "drafts", "workspace_id": workspace});
    let collection = string(&s.post("/collections", collection).await["id"]);
    let key =
        json!({"name": "Spare", "provider": "openai", "key": "sample", "workspace_id": workspace});
    let key = string(&s.post("/virtual-keys", key).await["slug"]);
    send_deepest(
        &mut s,
        "/configs",
        |deep| json!({"name": "deep", "config": {"override_params": {"a": deep}}}),
    )
    .await;
    send_deepest(&mut s, "/logs", |deep| {
        json!({"request": {"url": "https://a.example", "body": {"a": deep}},
            "response": {"status": 200, "body": {}}})
    })
    .await;
    send_deepest(&mut s, "/prompts", |deep| {
        json!({"name": "deep", "collection_id": collection, "string": "x", "model": "gpt-4o",
            "virtual_key": key, "parameters": {"a": deep}})
    })
    .await;
    // The last start has moved the writes from the journal into the state.
    s.restart("all").await;
}

#[tokio::test]
async fn the_contents_of_files_are_part_of_snapshots() {
    let mut session = Session::new(false).await;
    let file = ("file", Some(("f", "text/plain")), &b"0123456789"[..]);
    let file = session
        .form("/files", &[("purpose", None, b"batch"), file])
        .await;
    let snapshot = session.state();
    session.client = TestClient::new().await;
    let snapshot = serde_json::from_value(snapshot).unwrap();
    session.client.emulator.restore(&snapshot).unwrap();
    let url = session.client.emulator.base_url();
    let url = format!("{url}/files/{}/content", string(&file["id"]));
    let key = session.client.emulator.key("runner").unwrap();
    let read = session
        .client
        .http
        .get(url)
        .header("x-portkey-api-key", key);
    let read = read.send().await.unwrap().text().await.unwrap();
    assert_eq!(read, "0123456789");
}

/// The state cannot be written while a folder has its temporary name.
#[tokio::test]
async fn a_restore_that_cannot_be_persisted_changes_nothing() {
    let mut session = Session::new(false).await;
    let snapshot = session.client.emulator.snapshot();
    session.client.workspace("new").await;
    let before = session.state();
    let obstacle = session.directory.file("state.json.new");
    std::fs::create_dir(&obstacle).unwrap();
    assert!(session.client.emulator.restore(&snapshot).is_err());
    assert_same(&before, &session.state(), "a failed restore");
    std::fs::remove_dir(&obstacle).unwrap();
    session.client.workspace("later").await;
    session.restart("a failed restore").await;
    session.client.emulator.restore(&snapshot).unwrap();
    session.restart("a restore").await;
}
