//! Partials, labels and rendering.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{TestClient, column, string};

#[tokio::test]
async fn partials_have_versions_and_a_default() {
    let client = TestClient::new().await;
    let workspace = client.first_workspace().await;
    let body = json!({"name": "p", "string": "s"});
    let error = client.expect_error(Method::POST, "/prompts/partials", body);
    let (status, _, message) = error.await;
    assert!(
        status == 400 && message.contains("workspace_id"),
        "{message}"
    );
    let body = json!({"name": "Signature", "string": "-- {{name}}", "workspace_id": workspace, "version_description": "first"});
    let created = client.post("/prompts/partials", body).await;
    for key in [string(&created["id"]), string(&created["slug"])] {
        let partial = client.get(&format!("/prompts/partials/{key}")).await;
        assert_eq!(
            (&partial["version"], &partial["string"]),
            (&json!(1), &json!("-- {{name}}"))
        );
        assert_eq!(partial["prompt_partial_version_id"], created["version_id"]);
        assert_eq!(partial["version_description"], "first");
        assert!(partial.get("workspace_id").is_none(), "{partial}");
    }
    let path = format!("/prompts/partials/{}", string(&created["slug"]));
    assert_eq!(client.put(&path, json!({"name": "Sign"})).await, json!({}));
    // A `description` has no effect; `version_description` has.
    let change =
        json!({"string": "== {{name}}", "description": "lost", "version_description": "kept"});
    let second = client.put(&path, change).await;
    let latest = client.get(&format!("{path}?version=latest")).await;
    assert_eq!(
        (
            &latest["prompt_partial_version_id"],
            &latest["version_description"]
        ),
        (&second["prompt_partial_version_id"], &json!("kept"))
    );
    let default = client.get(&path).await;
    assert_eq!(
        (&default["version"], &default["name"]),
        (&json!(1), &json!("Sign"))
    );
    let versions = client.get(&format!("{path}/versions")).await;
    let numbers: Vec<&Value> = versions["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|version| &version["version"])
        .collect();
    assert_eq!(
        (numbers, &versions["total"]),
        (vec![&json!(2), &json!(1)], &json!(2))
    );
    assert_eq!(
        client
            .put(&format!("{path}/makeDefault"), json!({"version": 2}))
            .await,
        json!({})
    );
    assert_eq!(client.get(&path).await["string"], "== {{name}}");
    assert_eq!(
        client
            .expect_error(
                Method::PUT,
                &format!("{path}/makeDefault"),
                json!({"version": 9})
            )
            .await
            .0,
        404
    );
    assert_eq!(
        client
            .expect_error(
                Method::PUT,
                &format!("{path}/publish"),
                json!({"version": 1})
            )
            .await
            .0,
        404
    );
    let list = client
        .get(&format!("/prompts/partials?workspace_id={workspace}"))
        .await;
    assert_eq!(
        (&list["object"], &list["total"]),
        (&json!("list"), &json!(1))
    );
    assert_eq!(client.delete(&path).await, json!({}));
    assert_eq!(
        client.expect_error(Method::GET, &path, Value::Null).await.1,
        "AB08"
    );
}

#[tokio::test]
async fn a_prompt_is_rendered() {
    let client = TestClient::new().await;
    let workspace = client.first_workspace().await;
    let partial = json!({"name": "Signature", "string": "-- {{name}}", "workspace_id": workspace});
    let partial = string(&client.post("/prompts/partials", partial).await["slug"]);
    let collection = client
        .first(&format!("/collections?workspace_id={workspace}"))
        .await;
    let messages = json!([{"role": "user", "content": format!("Greet {{{{name}}}}. {{{{#tags}}}}[{{{{.}}}}]{{{{/tags}}}} {{{{>{partial}}}}}")}]);
    let body = json!({"name": "Chat", "collection_id": collection["id"], "string": messages.to_string(),
        "parameters": {"max_tokens": 5, "temperature": 1}, "model": "example-model", "virtual_key": "openai-main"});
    let prompt = string(&client.post("/prompts", body).await["slug"]);
    let request = json!({"variables": {"name": "\"Q\"", "tags": ["a", "b"]}, "temperature": 0.5});
    let rendered = client
        .post(&format!("/prompts/{prompt}/render"), request)
        .await;
    assert_eq!(rendered["success"], true);
    assert_eq!(
        rendered["data"]["messages"][0]["content"],
        "Greet \"Q\". [a][b] -- \"Q\""
    );
    assert_eq!(
        (
            &rendered["data"]["model"],
            &rendered["data"]["max_tokens"],
            &rendered["data"]["temperature"]
        ),
        (&json!("example-model"), &json!(5), &json!(0.5))
    );
    let components = &client.get(&format!("/prompts/{prompt}")).await["variable_components"];
    assert_eq!(
        (&components["partials"], &components["sections"]),
        (&json!([partial]), &json!(["tags"]))
    );

    let seed_data = string(&client.first("/prompts").await["slug"]);
    let rendered = client
        .post(
            &format!("/prompts/{seed_data}/render"),
            json!({"variables": {"name": "me"}}),
        )
        .await;
    assert_eq!(rendered["data"]["prompt"], "Greet me.");
    let (status, _, message) = client
        .expect_error(
            Method::POST,
            &format!("/prompts/{seed_data}/render"),
            json!({}),
        )
        .await;
    assert!(
        status == 400 && message.contains("`/variables`"),
        "{message}"
    );
}

#[tokio::test]
async fn labels_mark_versions() {
    let client = TestClient::new().await;
    let workspace = client.first_workspace().await;
    let organisation = client.emulator.organisation_id("Example").unwrap();
    let (status, _, message) = client
        .expect_error(Method::POST, "/labels", json!({"name": "live"}))
        .await;
    assert!(
        status == 400 && message.contains("`/workspace_id`"),
        "{message}"
    );
    let live = string(
        &client
            .post(
                "/labels",
                json!({"name": "live", "workspace_id": workspace}),
            )
            .await["id"],
    );
    client
        .post(
            "/labels",
            json!({"name": "any", "organisation_id": organisation, "color_code": "#aabbcc"}),
        )
        .await;
    let list = client.get("/labels").await;
    assert_eq!(
        (column(&list, "name"), &list["total"]),
        (vec!["live".to_owned(), "any".to_owned()], &json!(2))
    );
    assert_eq!(list["data"][1]["is_universal"], 1);
    assert_eq!(
        column(
            &client
                .get("/labels?search=LI&page_size=1&current_page=0")
                .await,
            "name"
        ),
        ["live"]
    );
    let other = string(&client.workspace("Other").await["id"]);
    assert_eq!(
        column(
            &client.get(&format!("/labels?workspace_id={other}")).await,
            "name"
        ),
        ["any"]
    );

    let prompt = string(&client.first("/prompts").await["id"]);
    let version = string(&client.first(&format!("/prompts/{prompt}/versions")).await["id"]);
    let path = format!("/prompts/{prompt}/versions/{version}");
    client.put(&path, json!({"label_id": live})).await;
    client
        .put(&format!("/labels/{live}"), json!({"name": "staging"}))
        .await;
    let labelled = client.get(&path).await;
    assert_eq!(
        (
            &labelled["prompt_version_label_name"],
            &labelled["prompt_version_labels"][0]["id"]
        ),
        (&json!("staging"), &json!(live))
    );
    assert_eq!(
        client.get(&format!("/labels/{live}")).await["name"],
        "staging"
    );
    assert_eq!(client.delete(&format!("/labels/{live}")).await, json!({}));
    assert_eq!(
        client.get(&path).await["prompt_version_label_id"],
        Value::Null
    );
    assert_eq!(
        client
            .expect_error(Method::GET, &format!("/labels/{live}"), Value::Null)
            .await
            .0,
        404
    );
}
