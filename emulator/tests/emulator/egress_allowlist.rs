//! The egress allowlist, which is served under `/v2`.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{TestClient, column, string};

const PATH: &str = "/v2/egress-allowlist";

#[tokio::test]
async fn hosts_are_normalised_and_descriptions_can_be_cleared() {
    let client = TestClient::new().await;
    let entry = client
        .post(
            PATH,
            json!({"domain": " API.Example.com ", "description": "d"}),
        )
        .await;
    assert_eq!(entry["domain"], "api.example.com");
    let path = format!("{PATH}/{}", string(&entry["id"]));
    client.put(&path, json!({"description": null})).await;
    let read = client.get(&path).await;
    assert_eq!(
        (&read["domain"], &read["description"]),
        (&json!("api.example.com"), &Value::Null)
    );
    client.put(&path, json!({"domain": "*.Example.com"})).await;
    client.post(PATH, json!({"domain": "10.0.0.7"})).await;
    let list = client.get(PATH).await;
    assert_eq!(column(&list, "domain"), ["*.example.com", "10.0.0.7"]);
    assert_eq!(list["total"], 2);
    assert_eq!(client.delete(&path).await, json!({}));
    let (status, code, _) = client.expect_error(Method::GET, &path, Value::Null).await;
    assert_eq!((status, code.as_str()), (404, "AB08"));
}

#[tokio::test]
async fn metadata_hosts_duplicates_and_anything_but_a_host_are_refused() {
    let client = TestClient::new().await;
    client
        .post(PATH, json!({"domain": "api.example.com"}))
        .await;
    for domain in [
        "https://example.com",
        "example.com:443",
        "169.254.169.254",
        "metadata",
    ] {
        let body = json!({"domain": domain});
        let (status, code, message) = client.expect_error(Method::POST, PATH, body).await;
        assert_eq!((status, code.as_str()), (400, "AB01"));
        assert!(message.contains("`/domain`"), "{message}");
    }
    let duplicate = json!({"domain": "API.example.com"});
    let (status, code, _) = client
        .expect_error(Method::POST, PATH, duplicate.clone())
        .await;
    assert_eq!((status, code.as_str()), (409, "AB07"));
    let second = client
        .post(PATH, json!({"domain": "other.example.com"}))
        .await;
    let path = format!("{PATH}/{}", string(&second["id"]));
    assert_eq!(
        client.expect_error(Method::PUT, &path, duplicate).await.0,
        409
    );
    let long = json!({"domain": "long.example.com", "description": "x".repeat(501)});
    assert_eq!(client.expect_error(Method::POST, PATH, long).await.0, 400);
    assert_eq!(
        client.expect_error(Method::PUT, &path, json!({})).await.0,
        400
    );
}

#[tokio::test]
async fn only_organisation_keys_may_use_the_list() {
    let client = TestClient::new().await;
    let workspace = client.first_workspace().await;
    let (_, key) = client.workspace_key(&workspace, &["*"]).await;
    let response = client.send_as(&key, Method::GET, PATH, Value::Null).await;
    assert_eq!(response.error().1, "AB03");
}
