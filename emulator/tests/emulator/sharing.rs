//! Sharing and copying of prompts and partials, under `/v2`.

use portkey_admin_emulator::{Emulator, Key, Organisation, Role, WorkspaceRole};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{TestClient, column, string};

/// Creates a client; `one`, `two` and `three` are keys of the workspaces.
async fn client() -> TestClient {
    let organisation = Organisation::named("Acme")
        .user("owner@example.com", Role::Owner)
        .member("One", "owner@example.com", WorkspaceRole::Admin)
        .workspace("Two")
        .workspace("Three")
        .key(Key::workspace("One", "one"))
        .key(Key::workspace("Two", "two"))
        .key(Key::workspace("Three", "three"));
    let emulator = Emulator::builder().organisation(organisation);
    let client = TestClient::with_emulator(emulator.start().await.unwrap());
    integration(&client, "everywhere").await;
    let global = json!({"workspaces": [], "global_workspace_access": {"enabled": true}});
    client
        .put("/integrations/everywhere/workspaces", global)
        .await;
    client
}

async fn integration(client: &TestClient, slug: &str) {
    let body = json!({"name": slug, "slug": slug, "ai_provider_id": "openai", "key": "sample"});
    client.post("/integrations", body).await;
}

/// Returns the slug of the provider of an integration in a workspace.
async fn provider(client: &TestClient, integration: &str, position: usize) -> String {
    let workspace = string(&workspace(client, position).await["id"]);
    let list = client
        .get(&format!("/providers?workspace_id={workspace}"))
        .await;
    let mut items = list["data"].as_array().unwrap().iter();
    let found = items.find(|provider| provider["integration_id"] == integration);
    string(&found.unwrap()["slug"])
}

async fn workspace(client: &TestClient, position: usize) -> Value {
    client.get("/admin/workspaces").await["data"][position].clone()
}

async fn partial(client: &TestClient) -> String {
    let body = json!({"name": "Signature", "string": "-- {{name}}"});
    string(&client.post_as("one", "/prompts/partials", body).await["slug"])
}

async fn prompt(client: &TestClient, overrides: Value) -> String {
    let collection = client.get_as("one", "/collections").await["data"][0]["id"].clone();
    let mut body = json!({"name": "Greeting", "collection_id": collection, "string": "Hello {{name}}",
        "model": "gpt-4o", "parameters": {}, "virtual_key": provider(client, "everywhere", 0).await});
    for (name, value) in overrides.as_object().unwrap() {
        body[name] = value.clone();
    }
    let created = client.post_as("one", "/prompts", body).await;
    string(&created["slug"])
}

async fn render(client: &TestClient, key: &str, prompt: &str) -> String {
    let body = json!({"variables": {"name": "you"}});
    let path = format!("/prompts/{prompt}/render");
    string(&client.post_as(key, &path, body).await["data"]["prompt"])
}

#[tokio::test]
async fn receivers_read_and_run_but_do_not_change() {
    let client = client().await;
    let prompt = prompt(&client, json!({})).await;
    let (path, share) = (
        format!("/prompts/{prompt}"),
        format!("/v2/prompts/{prompt}/share"),
    );
    let unseen = client.send_as_named("two", Method::GET, &path, Value::Null);
    assert_eq!(unseen.await.status, 404);
    let two = workspace(&client, 1).await;
    client
        .post_as("one", &share, json!({"workspaces": [two["slug"]]}))
        .await;
    let read = client.get_as("two", &path).await;
    assert_eq!(
        (&read["access_level"], &read["allow_all_workspaces"]),
        (&json!("workspace"), &json!(0))
    );
    assert_eq!(
        read["prompt_owning_workspace_id"],
        workspace(&client, 0).await["id"]
    );
    assert!(read["shared_at"].is_string());
    assert_eq!(
        client.get_as("two", &format!("{path}/versions")).await["total"],
        1
    );
    assert_eq!(render(&client, "two", &prompt).await, "Hello you");
    for (method, path, body) in [
        (Method::PUT, path.clone(), json!({"name": "x"})),
        (Method::DELETE, path.clone(), Value::Null),
        (
            Method::PUT,
            format!("{path}/makeDefault"),
            json!({"version": 1}),
        ),
        (Method::POST, share.clone(), json!({})),
        (Method::DELETE, share.clone(), Value::Null),
    ] {
        let refused = client.send_as_named("two", method, &path, body).await;
        assert_eq!(refused.error().1, "AB08", "{path}");
    }
    let outside = client.send_as_named("three", Method::GET, &path, Value::Null);
    assert_eq!(outside.await.status, 404);
    // Sharing again is a conflict; an update replaces the receivers.
    let again = client.send_as_named("one", Method::POST, &share, json!({}));
    assert_eq!(again.await.error().1, "AB07");
    client.put(&share, json!({})).await;
    assert_eq!(
        client.get_as("three", &path).await["access_level"],
        "organisation"
    );
    client.delete(&share).await;
    let ended = client.send_as_named("three", Method::GET, &path, Value::Null);
    assert_eq!(ended.await.status, 404);
    assert_eq!(
        client.get_as("one", &path).await["access_level"],
        Value::Null
    );
    let error = client.expect_error(Method::DELETE, &share, Value::Null);
    assert_eq!(error.await.0, 404);
}

#[tokio::test]
async fn lists_include_what_is_shared_on_request() {
    let client = client().await;
    let shared = prompt(&client, json!({"name": "Shared"})).await;
    prompt(&client, json!({"name": "Private"})).await;
    client
        .post(&format!("/v2/prompts/{shared}/share"), json!({}))
        .await;
    let names = async |key: &str, query: &str| {
        column(
            &client.get_as(key, &format!("/prompts{query}")).await,
            "name",
        )
    };
    assert_eq!(names("two", "").await, [""; 0]);
    assert_eq!(names("two", "?type=shared").await, ["Shared"]);
    assert_eq!(names("two", "?show_prompt_share=true").await, ["Shared"]);
    assert_eq!(
        names("one", "?show_prompt_share=true").await,
        ["Shared", "Private"]
    );
    assert_eq!(client.get("/prompts?type=shared").await["total"], 1);
    let partial = partial(&client).await;
    client
        .post(&format!("/v2/prompts/partials/{partial}/share"), json!({}))
        .await;
    let list = client.get_as("two", "/prompts/partials?type=shared").await;
    assert_eq!(column(&list, "slug"), [partial]);
}

#[tokio::test]
async fn a_copy_belongs_to_the_receiver() {
    let client = client().await;
    let partial = partial(&client).await;
    let template = format!("Hello {{{{name}}}} {{{{>{partial}}}}}");
    let prompt = prompt(&client, json!({"string": template})).await;
    let (share, fork) = (
        format!("/v2/prompts/{prompt}/share"),
        format!("/v2/prompts/{prompt}/fork"),
    );
    let error = client.expect_error(Method::POST, &share, json!({})).await;
    assert!(error.0 == 400 && error.2.contains(&partial), "{error:?}");
    let share_partial = format!("/v2/prompts/partials/{partial}/share");
    client.post(&share_partial, json!({})).await;
    client.post(&share, json!({})).await;
    let copy = client.post_as("two", &fork, json!({"name": "Mine"})).await;
    let path = format!("/prompts/{}", string(&copy["slug"]));
    let read = client.get_as("two", &path).await;
    assert_eq!(
        (&read["name"], &read["string"]),
        (&json!("Mine"), &json!(template))
    );
    assert_eq!(
        read["prompt_owning_workspace_id"],
        workspace(&client, 1).await["id"]
    );
    let original = client.get_as("one", &format!("/prompts/{prompt}")).await;
    assert_eq!(
        (
            &read["forked_from_prompt_id"],
            &read["forked_from_prompt_version_id"]
        ),
        (&original["id"], &original["prompt_version_id"])
    );
    assert_eq!(read["access_level"], Value::Null);
    assert_eq!(
        render(&client, "two", &string(&copy["slug"])).await,
        "Hello you -- you"
    );
    // The copy is independent of the original.
    let change = json!({"patch": true, "string": "Changed"});
    let key = client.emulator.key("two").unwrap();
    let response = client.send_as(&key, Method::PUT, &path, change).await;
    assert_eq!(response.status, 200);
    assert_eq!(
        client.get_as("one", &format!("/prompts/{prompt}")).await["string"],
        template
    );
    // A partial that is not shared any more prevents a copy.
    client.delete(&share_partial).await;
    let refused = client.send_as_named("two", Method::POST, &fork, json!({}));
    assert_eq!(refused.await.error().1, "AB01");
}

#[tokio::test]
async fn an_organisation_key_names_the_workspace_of_a_copy() {
    let client = client().await;
    let partial = partial(&client).await;
    let fork = format!("/v2/prompts/partials/{partial}/fork");
    let two = workspace(&client, 1).await;
    let body = json!({"workspace_id": two["slug"]});
    assert_eq!(
        client
            .expect_error(Method::POST, &fork, body.clone())
            .await
            .0,
        404
    );
    client
        .post(&format!("/v2/prompts/partials/{partial}/share"), json!({}))
        .await;
    let (status, _, message) = client.expect_error(Method::POST, &fork, json!({})).await;
    assert!(
        status == 400 && message.contains("workspace_id"),
        "{message}"
    );
    let copy = client.post(&fork, body).await;
    let read = client
        .get_as("two", &format!("/prompts/partials/{}", string(&copy["id"])))
        .await;
    assert_eq!(
        (&read["name"], &read["string"]),
        (&json!("Signature"), &json!("-- {{name}}"))
    );
    assert!(read["forked_from_partial_id"].is_string());
}

#[tokio::test]
async fn a_copy_uses_the_provider_of_the_same_integration() {
    let client = client().await;
    integration(&client, "somewhere").await;
    let grant = async |position: usize| {
        let workspace = workspace(&client, position).await;
        let body = json!({"workspaces": [{"id": workspace["slug"], "enabled": true}]});
        client.put("/integrations/somewhere/workspaces", body).await;
        provider(&client, "somewhere", position).await
    };
    let own = grant(0).await;
    let prompt = prompt(&client, json!({"virtual_key": own})).await;
    client
        .post(&format!("/v2/prompts/{prompt}/share"), json!({}))
        .await;
    let fork = format!("/v2/prompts/{prompt}/fork");
    let run = format!("/prompts/{prompt}/completions");
    let variables = json!({"variables": {"name": "you"}});
    for (path, body) in [(&fork, json!({})), (&run, variables.clone())] {
        let refused = client.send_as_named("two", Method::POST, path, body).await;
        assert_eq!(refused.status, 400, "{path}: {}", refused.body);
    }
    let theirs = grant(1).await;
    assert_ne!(own, theirs);
    let copy = string(&client.post_as("two", &fork, json!({})).await["slug"]);
    let read = client.get_as("two", &format!("/prompts/{copy}")).await;
    assert_eq!(read["virtual_key"], theirs);
    client.post_as("two", &run, variables).await;
}

#[tokio::test]
async fn a_workspace_with_shared_prompts_cannot_be_deleted() {
    let client = client().await;
    let one = format!(
        "/admin/workspaces/{}",
        string(&workspace(&client, 0).await["id"])
    );
    let partial = partial(&client).await;
    let share = format!("/v2/prompts/partials/{partial}/share");
    client.post(&share, json!({})).await;
    let body = json!({"name": "One", "force_delete": true});
    let (status, code, message) = client
        .expect_error(Method::DELETE, &one, body.clone())
        .await;
    assert_eq!((status, code.as_str()), (409, "AB07"));
    assert!(message.contains("shared"), "{message}");
    client.delete(&share).await;
    client.expect_ok(Method::DELETE, &one, body).await;
}
