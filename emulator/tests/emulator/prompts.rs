//! Prompts and their versions.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{TestClient, assert_fields, column, string};

async fn seed_data(client: &TestClient) -> String {
    format!(
        "/prompts/{}",
        string(&client.first("/prompts").await["slug"])
    )
}

#[tokio::test]
async fn the_seeded_prompt_has_the_recorded_shape() {
    let client = TestClient::new().await;
    let list = client.get("/prompts").await;
    assert_eq!(
        (&list["object"], &list["total"]),
        (&json!("list"), &json!(1))
    );
    assert_fields(
        &list["data"][0],
        &[
            "access_level",
            "allow_all_workspaces",
            "forked_from_prompt_id",
            "model",
        ],
    );
    let prompt = client.get(&seed_data(&client).await).await;
    assert_eq!(
        (&prompt["prompt_version"], &prompt["is_raw_template"]),
        (&json!(1), &json!(0))
    );
    for name in [
        "functions",
        "tools",
        "tool_choice",
        "prompt_version_label_id",
    ] {
        assert_eq!(prompt[name], Value::Null, "{name}");
    }
    assert_eq!(
        (
            &prompt["template_metadata"],
            &prompt["prompt_version_labels"]
        ),
        (&json!({}), &json!([]))
    );
    assert_eq!(prompt["variable_components"]["variables"], json!(["name"]));
    assert_eq!(
        prompt["virtual_key"],
        client.virtual_keys().await["data"][0]["slug"]
    );
    assert!(prompt.get("workspace_id").is_none());
    string(&prompt["prompt_owning_workspace_id"]);
}

#[tokio::test]
async fn a_version_is_selected_by_name_or_number() {
    let client = TestClient::new().await;
    let path = seed_data(&client).await;
    for (version, number) in [("latest", 2), ("default", 1), ("2", 2), ("1", 1)] {
        assert_eq!(
            client.get(&format!("{path}?version={version}")).await["prompt_version"],
            number
        );
    }
    assert_eq!(
        client
            .expect_error(Method::GET, &format!("{path}?version=9"), Value::Null)
            .await
            .0,
        404
    );
    assert_eq!(
        client
            .expect_error(Method::GET, &format!("{path}?version=newest"), Value::Null)
            .await
            .0,
        400
    );
}

#[tokio::test]
async fn a_new_prompt_names_its_model_in_one_of_three_fields() {
    let client = TestClient::new().await;
    let collection = client.get(&seed_data(&client).await).await["collection_id"].clone();
    let key = client.virtual_keys().await["data"][0].clone();
    let body = |field: &str| {
        json!({"name": "Summary", "collection_id": collection, "string": "Sum up {{text}}.",
            "parameters": {}, "virtual_key": key["id"],
            field: "00000000-0000-4000-8000-000000000001"})
    };
    for field in ["model", "ai_model_id", "finetune_id"] {
        client.post("/prompts", body(field)).await;
    }
    let refused = client.expect_error(Method::POST, "/prompts", body("version_description"));
    let (status, code, message) = refused.await;
    assert_eq!((status, code.as_str()), (400, "AB01"), "{message}");
    assert!(message.contains("`finetune_id`"), "{message}");
}

#[tokio::test]
async fn a_new_version_is_not_the_default_until_set() {
    let client = TestClient::new().await;
    let collection = client.get(&seed_data(&client).await).await["collection_id"].clone();
    let key = client.virtual_keys().await["data"][0].clone();
    let body = json!({"name": "Summary", "collection_id": collection, "string": "Sum up {{text}}.",
        "parameters": {"max_tokens": 9}, "virtual_key": key["id"], "model": "example-model",
        "template_metadata": {"team": "a"}});
    let created = client.post("/prompts", body).await;
    let slug = string(&created["slug"]);
    assert!(
        slug.starts_with("pp-") && created["object"] == "prompt",
        "{created}"
    );
    let path = format!("/prompts/{slug}");
    let read = client.get(&path).await;
    assert_eq!(
        (&read["prompt_version_id"], &read["virtual_key"]),
        (&created["version_id"], &key["slug"])
    );
    assert_eq!(
        read["parameters"],
        json!({"max_tokens": 9, "model": "example-model"})
    );
    assert_eq!(read["template_metadata"], json!({"team": "a"}));

    assert_eq!(
        client.put(&path, json!({"name": "Digest"})).await,
        json!({})
    );
    assert_eq!(
        client
            .put(&path, json!({"version_description": "only words"}))
            .await,
        json!({})
    );
    let part = json!({"string": "Digest {{text}}."});
    let (status, _, message) = client.expect_error(Method::PUT, &path, part).await;
    assert!(
        status == 400 && message.contains("`/parameters`"),
        "{message}"
    );
    let patch =
        json!({"patch": true, "string": "Digest {{text}}.", "version_description": "shorter"});
    let updated = client.put(&path, patch).await;
    assert_eq!(updated["id"], created["id"]);
    assert_eq!(client.get(&path).await["prompt_version"], 1);
    assert_eq!(
        client.get(&format!("{path}?version=latest")).await["model"],
        "example-model"
    );

    let versions = client.get(&format!("{path}/versions")).await;
    assert_eq!(
        (&versions["object"], &versions["total"]),
        (&json!("list"), &json!(2))
    );
    let latest = &versions["data"][0];
    assert_eq!(
        (&latest["id"], &latest["prompt_version"]),
        (&updated["prompt_version_id"], &json!(2))
    );
    assert_eq!(
        (&latest["prompt_description"], &latest["label_id"]),
        (&json!("shorter"), &Value::Null)
    );
    assert_eq!(latest["prompt_template"]["string"], "Digest {{text}}.");

    assert_eq!(
        client
            .put(&format!("{path}/makeDefault"), json!({"version": 2}))
            .await,
        json!({})
    );
    let read = client.get(&path).await;
    assert_eq!(
        (&read["prompt_version"], &read["name"]),
        (&json!(2), &json!("Digest"))
    );
    assert_eq!(
        client
            .expect_error(
                Method::PUT,
                &format!("{path}/makeDefault"),
                json!({"version": 7})
            )
            .await
            .0,
        404
    );
    assert_eq!(client.delete(&path).await, json!({}));
    let (status, code, _) = client.expect_error(Method::GET, &path, Value::Null).await;
    assert_eq!((status, code.as_str()), (404, "AB08"));
}

#[tokio::test]
async fn a_label_is_set_and_removed_on_a_version() {
    let client = TestClient::new().await;
    let prompt = seed_data(&client).await;
    let id = column(&client.get(&format!("{prompt}/versions")).await, "id")[0].clone();
    let path = format!("{prompt}/versions/{id}");
    let label = "a0000000-0000-4000-8000-000000000001";
    assert_eq!(
        client.put(&path, json!({"label_id": label})).await,
        json!({})
    );
    client.put(&path, json!({})).await;
    let version = client.get(&path).await;
    assert_eq!(
        (
            &version["prompt_version"],
            &version["prompt_version_label_id"]
        ),
        (&json!(2), &json!(label))
    );
    client.put(&path, json!({"label_id": null})).await;
    assert_eq!(
        client.get(&path).await["prompt_version_label_id"],
        Value::Null
    );
    assert_eq!(
        client
            .expect_error(
                Method::GET,
                &format!("{prompt}/versions/{label}"),
                Value::Null
            )
            .await
            .0,
        404
    );
}

#[tokio::test]
async fn prompts_are_found_by_name_and_collection() {
    let client = TestClient::new().await;
    assert_eq!(client.get("/prompts?search=greet").await["total"], 1);
    assert_eq!(client.get("/prompts?search=other").await["total"], 0);
    let other = string(&client.workspace("Other").await["slug"]);
    assert_eq!(
        client.get(&format!("/prompts?workspace_id={other}")).await["total"],
        0
    );
    let collection = client
        .post(
            "/collections",
            json!({"name": "Empty", "workspace_id": other}),
        )
        .await;
    assert_eq!(
        client
            .get(&format!(
                "/prompts?collection_id={}",
                string(&collection["slug"])
            ))
            .await["total"],
        0
    );
    assert_eq!(
        client
            .expect_error(Method::GET, "/prompts?collection_id=none", Value::Null)
            .await
            .0,
        404
    );
}

/// The model stub echoes the rendered prompt.
#[tokio::test]
async fn a_prompt_is_run() {
    let client = TestClient::new().await;
    let platform = client.first_workspace().await;
    let (_, key) = client
        .workspace_key(&platform, &["completions.write"])
        .await;
    let run = async |prompt: &str, body: Value| {
        let path = format!("/prompts/{prompt}/completions");
        client.send_as(&key, Method::POST, &path, body).await
    };
    let seed_data = string(&client.first("/prompts").await["slug"]);
    let response = run(&seed_data, json!({"variables": {"name": "me"}})).await;
    assert_eq!(response.status, 200, "{}", response.body);
    let response = response.body;
    assert_eq!(response["object"], "text_completion");
    assert_eq!(
        (
            &response["choices"][0]["text"],
            &response["choices"][0]["finish_reason"]
        ),
        (&json!("You said: Greet me."), &json!("stop"))
    );
    assert_fields(&response, &["id", "created", "model", "usage"]);

    let collection = client
        .first(&format!("/collections?workspace_id={platform}"))
        .await;
    let messages = json!([
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "Greet {{name}}."}]},
    ]);
    let body = json!({"name": "Chat", "collection_id": collection["id"], "string": messages.to_string(),
        "parameters": {}, "model": "example-model", "virtual_key": "openai-main"});
    let chat = string(&client.post("/prompts", body).await["slug"]);
    // Parameters in the request take precedence over those of the version.
    let body = json!({"variables": {"name": "you"}, "model": "other-model", "max_tokens": 5});
    let response = run(&chat, body).await.body;
    assert_eq!(
        (&response["object"], &response["model"]),
        (&json!("chat.completion"), &json!("other-model"))
    );
    assert_eq!(
        response["choices"][0]["message"],
        json!({"role": "assistant", "content": "You said: Greet you.", "refusal": null})
    );
}

#[tokio::test]
async fn a_prompt_that_cannot_run_is_rejected() {
    let client = TestClient::new().await;
    let platform = client.first_workspace().await;
    let other = string(&client.workspace("Other").await["id"]);
    let (_, key) = client
        .workspace_key(&platform, &["completions.write"])
        .await;
    let (_, stranger) = client.workspace_key(&other, &["completions.write"]).await;
    let (_, narrow) = client.workspace_key(&platform, &["prompts.list"]).await;
    let seed_data = string(&client.first("/prompts").await["slug"]);
    let variables = json!({"variables": {"name": "me"}});
    for (with, prompt, body, status, word) in [
        (&key, seed_data.as_str(), json!({}), 400, "`/variables`"),
        (&key, "pp-none", variables.clone(), 404, "prompt"),
        (&stranger, &seed_data, variables.clone(), 404, "prompt"),
        (
            &narrow,
            &seed_data,
            variables.clone(),
            403,
            "completions.write",
        ),
        // Completions require a workspace key.
        (
            &client.key,
            &seed_data,
            variables.clone(),
            403,
            "organisation",
        ),
    ] {
        let path = format!("/prompts/{prompt}/completions");
        let error = client
            .send_as(with, Method::POST, &path, body)
            .await
            .error();
        assert!(
            error.0 == status && error.2.contains(word),
            "{prompt}: {error:?}"
        );
    }
}
