//! Helpers that look something up: items by name, resources that may not exist, the client's own key,
//! and creations that update what exists.

#![cfg(feature = "admin")]
#![allow(clippy::unwrap_used, clippy::expect_used)] // a panic fails the test

mod support;

use portkey_admin::{
    Client, Error, OptionalExt, Upserted,
    configs::CreateConfigRequest,
    integrations::CreateIntegrationRequest,
    prompts::{CreateCollectionRequest, CreatePromptRequest},
    providers::CreateVirtualKeyRequest,
    workspaces::CreateWorkspaceRequest,
};
use portkey_admin_emulator::{Emulator, Fault, Key, Organisation, Role};
use serde_json::{Value, json};
use support::{
    KEY, client,
    server::{ScriptedResponse, Server},
    server_and_client,
};

fn ok(body: &Value) -> ScriptedResponse {
    ScriptedResponse::json(200, body.to_string())
}

struct TestContext {
    emulator: Emulator,
    client: Client,
    workspace: String,
}

impl TestContext {
    async fn new() -> Self {
        let organisation = Organisation::named("Lookups")
            .user("owner@example.com", Role::Owner)
            .workspace("Platform")
            .key(Key::workspace("Platform", "runner"))
            .key(Key::workspace("Platform", "reader").scopes(["configs.list"]));
        let emulator = Emulator::builder().organisation(organisation);
        let emulator = emulator.start().await.unwrap();
        let client = client_with_key(&emulator, emulator.api_key());
        let workspaces = client.list_workspaces().stream();
        let workspace = workspaces
            .find_by_name("Platform")
            .await
            .unwrap()
            .unwrap()
            .id;
        Self {
            emulator,
            client,
            workspace,
        }
    }

    /// Returns how often an operation was called.
    fn calls(&self, operation: &str) -> usize {
        let requests = self.emulator.requests();
        let is_call = |name: &Option<String>| name.as_deref() == Some(operation);
        requests
            .iter()
            .filter(|request| is_call(&request.operation))
            .count()
    }
}

fn client_with_key(emulator: &Emulator, key: &str) -> Client {
    let builder = Client::builder().api_key(key).base_url(emulator.base_url());
    builder.build().unwrap()
}

// ---- By name

#[tokio::test]
async fn item_is_found_by_its_name_on_any_page() {
    let context = TestContext::new().await;
    let client = &context.client;
    for name in ["One", "Two", "Three"] {
        let body = CreateWorkspaceRequest::builder().name(name).icon("🚀");
        client.create_workspace().body(body).await.unwrap();
    }
    for name in ["One", "🚀 One"] {
        let workspaces = client.list_workspaces().stream().page_size(1);
        let found = workspaces.find_by_name(name).await.unwrap().unwrap();
        assert_eq!(found.name, "🚀 One");
    }
    for name in ["one", "Thr", "🚀", ""] {
        let workspaces = client.list_workspaces().stream();
        assert_eq!(workspaces.find_by_name(name).await.unwrap(), None, "{name}");
    }
}

#[tokio::test]
async fn two_items_with_the_name_are_an_error_that_names_both() {
    let server = Server::start(|request| {
        let is_first = request
            .query()
            .contains(&("current_page".into(), "0".into()));
        let id = if is_first { "first" } else { "second" };
        let item = json!({"id": id, "name": "drafts"});
        ok(&json!({"object": "list", "total": 2, "data": [item]}))
    });
    let collections = client(&server).list_collections().stream().page_size(1);
    let error = collections.find_by_name("drafts").await.unwrap_err();
    assert!(error.is_ambiguous() && !error.is_not_found(), "{error}");
    assert_eq!(
        error.to_string(),
        "list_collections: expected one item named `drafts`, found `first` and `second`"
    );
}

#[tokio::test]
async fn an_error_of_the_list_is_not_an_absent_item() {
    let (_server, client) = server_and_client(ScriptedResponse::json(403, "{}"));
    let error = client.list_prompts().stream().find_by_name("one").await;
    assert!(error.unwrap_err().is_forbidden());
}

// ---- Optional

#[tokio::test]
async fn only_a_missing_resource_is_none() {
    const HIDDEN: &str = r#"{"success":false,"data":{"message":"no","errorCode":"AB03"}}"#;
    for (status, body, is_none, is_none_or_hidden) in [
        (404, "{}", true, true),
        (403, HIDDEN, false, true),
        (403, "{}", false, false),
        (500, "{}", false, false),
        (400, HIDDEN, false, false),
    ] {
        let (_server, client) = server_and_client(ScriptedResponse::json(status, body));
        let read = || client.get_workspace("ws-one").send();
        let is_absent = |result: Result<Option<_>, Error>| match result {
            Ok(value) => value.is_none(),
            Err(error) => {
                assert_eq!(error.status().unwrap().as_u16(), status);
                false
            }
        };
        assert_eq!(
            is_absent(read().await.optional()),
            is_none,
            "{status} {body}"
        );
        let hidden = read().await.optional_or_hidden();
        assert_eq!(is_absent(hidden), is_none_or_hidden, "{status} {body}");
    }
    let context = TestContext::new().await;
    let client = &context.client;
    assert!(
        client
            .get_config("pc-none")
            .await
            .optional()
            .unwrap()
            .is_none()
    );
}

// ---- Upsert

#[tokio::test]
async fn config_is_created_once_and_then_updated() {
    let context = TestContext::new().await;
    let client = &context.client;
    let upsert = |attempts: u32| {
        let body = CreateConfigRequest::builder()
            .name("production")
            .workspace_id(&context.workspace)
            .is_default(false)
            .config(json!({"retry": {"attempts": attempts}}));
        client.create_config().body(body).upsert()
    };
    let created = upsert(1).await.unwrap();
    assert!(created.is_created());
    let updated = upsert(2).await.unwrap();
    assert_eq!(updated, Upserted::Updated(created.id().to_owned()));
    let config = client.get_config(updated.id()).await.unwrap();
    assert_eq!(
        config.config_json().unwrap(),
        json!({"retry": {"attempts": 2}})
    );
    assert_eq!(
        (
            context.calls("create_config"),
            context.calls("update_config")
        ),
        (1, 1)
    );

    let body = CreateConfigRequest::builder()
        .name("production")
        .workspace_id(&context.workspace)
        .config(json!({"retry": {"attempts": 3}}));
    client.create_config().body(body).await.unwrap();
    assert!(upsert(4).await.unwrap_err().is_ambiguous());
}

#[tokio::test]
async fn upsert_without_a_name_sends_nothing() {
    let (server, client) = server_and_client(ScriptedResponse::json(200, "{}"));
    let body = CreateConfigRequest::builder().config(json!({"retry": {"attempts": 1}}));
    let error = client
        .create_config()
        .body(body)
        .upsert()
        .await
        .unwrap_err();
    assert!(
        error.is_invalid_request() && error.to_string().contains("`name`"),
        "{error}"
    );
    let error = client.create_config().upsert().await.unwrap_err();
    assert!(
        error.is_invalid_request() && error.to_string().contains("body"),
        "{error}"
    );
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn upserted_prompt_version_is_the_default() {
    let context = TestContext::new().await;
    let (client, workspace) = (&context.client, &context.workspace);
    let collection = CreateCollectionRequest::builder()
        .name("drafts")
        .workspace_id(workspace);
    let collection = client.create_collection().body(collection).await.unwrap();
    let key = CreateVirtualKeyRequest::builder()
        .name("Prompts")
        .provider("openai")
        .key("sample")
        .workspace_id(workspace);
    let key = client.create_virtual_key().body(key).await.unwrap();
    let upsert = |template: &str| {
        let body = CreatePromptRequest::builder()
            .name("greeting")
            .collection_id(collection.id().unwrap())
            .string(template)
            .model("gpt-4o")
            .virtual_key(key.slug().unwrap())
            .template_metadata(json!({"owner": "search"}))
            .parameters(json!({"max_tokens": 10}));
        client.create_prompt().body(body).upsert()
    };
    let created = upsert("Hello {{who}}").await.unwrap();
    assert!(created.is_created());
    let updated = upsert("Bye {{who}}").await.unwrap();
    assert_eq!(updated, Upserted::Updated(created.id().to_owned()));
    let prompt = client.get_prompt(updated.id()).await.unwrap();
    let prompt = serde_json::to_value(prompt).unwrap();
    assert_eq!(prompt["string"], json!("Bye {{who}}"), "{prompt}");
}

#[tokio::test]
async fn guardrail_and_policies_are_created_once_and_then_updated() {
    let context = TestContext::new().await;
    let (client, workspace) = (&context.client, &context.workspace);
    let guardrail = |words: u32| {
        let check =
            json!({"id": "default.wordCount", "parameters": {"minWords": words, "maxWords": 99}});
        let body = json!({
            "name": "length", "workspace_id": workspace, "checks": [check], "actions": {"deny": true},
        });
        client.create_guardrail().body(body).upsert()
    };
    let created = guardrail(1).await.unwrap();
    assert!(created.is_created());
    let updated = guardrail(2).await.unwrap();
    assert_eq!(updated, Upserted::Updated(created.id().to_owned()));
    let stored = client.get_guardrail(created.id()).await.unwrap();
    let stored = serde_json::to_value(stored).unwrap();
    assert_eq!(stored["checks"][0]["parameters"]["minWords"], json!(2));

    let conditions = |value: &str| json!([{"key": "workspace_id", "value": value}]);
    let budget = |limit: u32, group: &str| {
        let body = json!({
            "name": "budget", "type": "tokens", "credit_limit": limit, "workspace_id": workspace,
            "conditions": conditions(workspace), "group_by": [{"key": group}],
        });
        client.create_usage_limits_policy().body(body).upsert()
    };
    let created = budget(1000, "api_key").await.unwrap();
    assert!(created.is_created());
    assert!(!budget(2000, "api_key").await.unwrap().is_created());
    let stored = client.get_usage_limits_policy(created.id()).await.unwrap();
    assert_eq!(stored.credit_limit, Some(2000.0));
    let error = budget(3000, "metadata.team").await.unwrap_err();
    assert!(error.is_invalid_request(), "{error}");
    assert!(
        error.to_string().contains("another value of `group_by`"),
        "{error}"
    );

    let rate = |value: u32| {
        let body = json!({
            "name": "pace", "type": "requests", "unit": "rpm", "value": value,
            "workspace_id": workspace, "conditions": conditions(workspace),
            "group_by": [{"key": "api_key"}],
        });
        client.create_rate_limits_policy().body(body).upsert()
    };
    let created = rate(60).await.unwrap();
    assert_eq!(
        rate(90).await.unwrap(),
        Upserted::Updated(created.id().to_owned())
    );
}

// ---- The client's own key

#[tokio::test]
async fn client_finds_its_own_key_in_the_list() {
    let context = TestContext::new().await;
    let runner = client_with_key(&context.emulator, &context.emulator.key("runner").unwrap());
    let key = runner.current_api_key().await.unwrap().unwrap();
    assert_eq!(key.name, "runner");
    // It may not list keys.
    let reader = client_with_key(&context.emulator, &context.emulator.key("reader").unwrap());
    assert_eq!(reader.current_api_key().await.unwrap(), None);
}

#[tokio::test]
async fn own_key_is_unknown_if_none_or_several_match() {
    let (start, end) = (&KEY[..2], &KEY[KEY.len() - 3..]);
    let own = format!("{start}*****{end}");
    for (masked, expected) in [
        (vec![own.as_str(), "zz*****zzz"], Some("key-0")),
        (vec!["zz*****zzz", "*****"], None),
        (vec![own.as_str(), own.as_str()], None),
        (vec![], None),
    ] {
        let item = |(index, masked): (usize, &&str)| {
            json!({
                "id": format!("key-{index}"), "name": "n", "key": masked, "status": "active",
                "type": "workspace-service", "organisation_id": "o",
                "created_at": "2026-01-02T03:04:05.000Z", "last_updated_at": "2026-01-02T03:04:05.000Z",
            })
        };
        let items: Vec<Value> = masked.iter().enumerate().map(item).collect();
        let list = json!({"object": "list", "total": items.len(), "data": items});
        let (_server, client) = server_and_client(ok(&list));
        let key = client.current_api_key().await.unwrap();
        assert_eq!(key.map(|key| key.id).as_deref(), expected, "{masked:?}");
    }
    let (_server, client) = server_and_client(ScriptedResponse::json(401, "{}"));
    assert!(
        client
            .current_api_key()
            .await
            .unwrap_err()
            .is_unauthorized()
    );
}

// ---- Integrations

async fn integration(context: &TestContext, models: Value) -> Result<String, Error> {
    let body = CreateIntegrationRequest::builder()
        .name("OpenAI")
        .slug("open-ai")
        .ai_provider_id("openai")
        .key("sample");
    let workspaces = json!({"workspaces": [{"id": context.workspace, "enabled": true}]});
    let create = context.client.create_integration().body(body);
    let created = create.send_with_access(models, workspaces).await?;
    Ok(created.slug()?.to_owned())
}

fn models() -> Value {
    json!({"models": [{"slug": "gpt-4o", "enabled": true}], "allow_all_models": false})
}

#[tokio::test]
async fn integration_is_created_with_its_models_and_workspaces() {
    let context = TestContext::new().await;
    let slug = integration(&context, models()).await.unwrap();
    let workspaces = context.client.list_integration_workspaces(&slug);
    let workspaces = workspaces.stream().try_collect().await.unwrap();
    assert_eq!(workspaces.len(), 1);
    let models = context.client.list_integration_models(&slug);
    let models = models.stream().try_collect().await.unwrap();
    assert!(
        models
            .iter()
            .any(|model| model.slug.as_deref() == Some("gpt-4o"))
    );
}

#[tokio::test]
async fn failed_access_of_an_integration_says_what_was_done() {
    for (operation, text) in [
        (
            "update_integration_models",
            "its models and workspaces are not set",
        ),
        (
            "update_integration_workspaces",
            "its models are set, its workspaces are not",
        ),
    ] {
        let context = TestContext::new().await;
        let fault = Fault::on(operation).status(403);
        context.emulator.add_fault(fault).unwrap();
        let error = integration(&context, models()).await.unwrap_err();
        assert!(error.is_forbidden() && error.may_have_executed(), "{error}");
        let expected = format!("the integration `open-ai` was created; {text}");
        assert!(error.to_string().contains(&expected), "{error}");
    }
    let context = TestContext::new().await;
    let error = integration(&context, json!({"allow_all_models": true}))
        .await
        .unwrap_err();
    assert!(error.is_invalid_request(), "{error}");
    assert_eq!(context.calls("create_integration"), 0);
}
