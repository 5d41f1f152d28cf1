//! Request sequences of Portkey's Terraform provider, whose acceptance tests pass against the service.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{TestClient, column, string};

/// `data "portkey_configs" "all" {}` and its siblings: no workspace, with an organisation key.
#[tokio::test]
async fn data_sources_list_without_a_workspace() {
    let client = TestClient::new().await;
    for path in [
        "/configs",
        "/collections",
        "/prompts/partials",
        "/prompts",
        "/mcp-integrations",
        "/api-keys",
    ] {
        assert!(client.get(path).await["data"].is_array(), "{path}");
    }
}

/// The provider decodes `allow_all_workspaces` as a boolean.
#[tokio::test]
async fn a_secret_reference_is_created_read_updated_and_deleted() {
    let client = TestClient::new().await;
    let auth = json!({"aws_auth_type": "assumedRole", "aws_role_arn": "arn:aws:iam::000000000000:role/r",
        "aws_region": "eu-west-1"});
    let body = json!({"name": "r", "manager_type": "aws_sm", "secret_path": "a/b", "auth_config": auth,
        "allow_all_workspaces": true});
    let slug = string(&client.post("/secret-references", body).await["slug"]);
    let path = format!("/secret-references/{slug}");
    assert_eq!(client.get(&path).await["allow_all_workspaces"], true);
    let workspace = client.first_workspace().await;
    let update = json!({"allowed_workspaces": [workspace], "allow_all_workspaces": false});
    client.put(&path, update).await;
    assert_eq!(client.get(&path).await["allow_all_workspaces"], false);
    client.delete(&path).await;
    let (status, code, _) = client.expect_error(Method::GET, &path, Value::Null).await;
    assert_eq!((status, code.as_str()), (404, "AB08"));
}

/// A rename sends the parameters as null.
#[tokio::test]
async fn a_prompt_is_renamed_and_then_gets_a_version() {
    let client = TestClient::new().await;
    let workspace = client.first_workspace().await;
    let collections = client
        .get(&format!("/collections?workspace_id={workspace}"))
        .await;
    let body = json!({"name": "p", "collection_id": column(&collections, "id")[0], "string": "Hi",
        "parameters": {"temperature": 0.5}, "model": "gpt-4o", "virtual_key": "openai-main"});
    let mut without_model = body.clone();
    without_model.as_object_mut().unwrap().remove("model");
    let error = client.expect_error(Method::POST, "/prompts", without_model);
    let (status, _, message) = error.await;
    assert!(status == 400 && message.contains("`/model`"), "{message}");
    let created = client.post("/prompts", body).await;
    let path = format!("/prompts/{}", string(&created["slug"]));
    let renamed = client
        .put(&path, json!({"name": "q", "parameters": null}))
        .await;
    assert_eq!(renamed, json!({}));
    let read = client.get(&path).await;
    assert_eq!(
        (&read["name"], &read["parameters"]["temperature"]),
        (&json!("q"), &json!(0.5))
    );
    let update = json!({"string": "Hello", "parameters": {}, "model": "gpt-4o", "virtual_key": "openai-main",
        "version_description": "second", "is_raw_template": 0});
    let version = client.put(&path, update).await["prompt_version_id"].clone();
    let versions = client.get(&format!("{path}/versions")).await;
    assert_eq!(versions["data"][0]["id"], version);
    let number = versions["data"][0]["prompt_version"].clone();
    client
        .put(&format!("{path}/makeDefault"), json!({"version": number}))
        .await;
    assert_eq!(client.get(&path).await["string"], "Hello");
    client.delete(&path).await;
}

/// Null is accepted for a field that stays as it is, and only in this operation.
#[tokio::test]
async fn null_parameters_change_nothing() {
    let client = TestClient::new().await;
    let path = format!(
        "/prompts/{}",
        string(&client.first("/prompts").await["slug"])
    );
    let before = client.get(&path).await;
    client
        .put(
            &path,
            json!({"name": before["name"], "parameters": null, "tools": null}),
        )
        .await;
    let after = client.get(&path).await;
    assert_eq!(after["prompt_version_id"], before["prompt_version_id"]);
    assert_eq!(after["parameters"], before["parameters"]);
    let workspace = client.first_workspace().await;
    let config =
        json!({"name": null, "config": {"retry": {"attempts": 1}}, "workspace_id": workspace});
    assert_eq!(
        client
            .expect_error(Method::POST, "/configs", config)
            .await
            .0,
        400
    );
}

/// The provider deletes models with a JSON body instead of the documented query parameter.
#[tokio::test]
async fn custom_models_are_deleted_in_the_body() {
    let client = TestClient::new().await;
    let body = json!({"name": "i", "ai_provider_id": "openai", "key": "sample", "slug": "i", "allow_all_models": true});
    client.post("/integrations", body).await;
    let path = "/integrations/i/models";
    assert_eq!(client.get(path).await["allow_all_models"], true);
    let none = json!({"allow_all_models": false, "models": []});
    client.put(path, none).await;
    assert_eq!(client.get(path).await["allow_all_models"], false);
    let models = json!({"models": [{"slug": "mine", "enabled": true, "is_custom": true, "base_model_slug": "gpt-4o"},
        {"slug": "yours", "enabled": true, "is_custom": true, "base_model_slug": "gpt-4o"}]});
    client.put(path, models).await;
    let slugs = async || -> Vec<String> {
        let list = client.get(path).await;
        let models = list["models"].as_array().unwrap().iter();
        models.map(|model| string(&model["slug"])).collect()
    };
    let only = json!({"models": [{"slug": "mine", "enabled": true}], "override_existing_model_access": true});
    client.put(path, only).await;
    let list = client.get(path).await;
    for model in list["models"].as_array().unwrap() {
        assert_eq!(model["enabled"], model["slug"] == "mine", "{model}");
    }
    assert!(slugs().await.contains(&"mine".to_owned()));
    client
        .expect_ok(Method::DELETE, path, json!({"models": ["mine"]}))
        .await;
    assert!(!slugs().await.contains(&"mine".to_owned()));
    client.delete(&format!("{path}?slugs=yours")).await;
    assert!(!slugs().await.contains(&"yours".to_owned()));
    for body in [Value::Null, json!({"models": []})] {
        let (status, _, message) = client.expect_error(Method::DELETE, path, body).await;
        assert!(status == 400 && message.contains("slugs"), "{message}");
    }
    let built_in = json!({"models": ["gpt-4o"]});
    assert_eq!(
        client.expect_error(Method::DELETE, path, built_in).await.0,
        400
    );
}

/// The provider names the workspaces of an invitation by UUID, the documentation by slug.
#[tokio::test]
async fn an_invitation_names_workspaces_by_uuid_or_slug() {
    let client = TestClient::new().await;
    let workspace = client.first("/admin/workspaces").await;
    for (number, name) in ["id", "slug"].into_iter().enumerate() {
        let body = json!({"email": format!("new{number}@example.com"), "role": "member",
            "workspaces": [{"id": workspace[name], "role": "member"}]});
        let invite = string(&client.post("/admin/users/invites", body).await["id"]);
        let user = client.emulator.accept_invite(&invite).unwrap();
        let read = client.get(&format!("/admin/users/{user}")).await;
        assert_eq!(read["workspace_ids"], json!([workspace["id"]]), "{name}");
    }
}
