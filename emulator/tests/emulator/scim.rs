//! Mappings of SCIM groups to workspaces.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{TestClient, receive, string};

#[tokio::test]
async fn mappings_are_created_listed_and_deleted() {
    let client = TestClient::new().await;
    let workspace = client.first("/admin/workspaces").await;
    let body = json!({"workspace_id": workspace["slug"], "scim_group_name": "engineers", "role": "member"});
    let mapping = client.post("/scim/workspaces", body).await;
    assert_eq!(
        (&mapping["workspace_id"], &mapping["scim_group"]),
        (&workspace["id"], &json!("engineers"))
    );
    assert!(mapping.get("scim_group_name").is_none(), "{mapping}");
    // The group has one role in all its workspaces, and one mapping for each.
    let mut body = json!({"workspace_id": workspace["id"], "scim_group_id": mapping["scim_group_id"], "role": "admin"});
    let error = client.expect_error(Method::POST, "/scim/workspaces", body.clone());
    let (status, _, message) = error.await;
    assert!(status == 400 && message.contains("`/role`"), "{message}");
    body["role"] = json!("member");
    assert_eq!(
        client.post("/scim/workspaces", body).await["id"],
        mapping["id"]
    );
    let body =
        json!({"workspace_id": workspace["id"], "scim_group_name": "operators", "role": "admin"});
    client.post("/scim/workspaces", body).await;

    let list = client.get("/scim/workspaces").await;
    assert_eq!(
        (&list["total_count"], &list["page"], &list["page_size"]),
        (&json!(2), &json!(0), &json!(100))
    );
    let admins = client.get("/scim/workspaces?role=admin").await;
    assert_eq!(admins["total_count"], 1);
    // The filter accepts the UUID only.
    let by_id = client
        .get(&format!(
            "/scim/workspaces?workspace_id={}",
            string(&workspace["id"])
        ))
        .await;
    let by_slug = client
        .get(&format!(
            "/scim/workspaces?workspace_id={}",
            string(&workspace["slug"])
        ))
        .await;
    assert_eq!(
        (&by_id["total_count"], &by_slug["total_count"]),
        (&json!(2), &json!(0))
    );

    let url = format!(
        "{}/v2/scim/groups?search=ENG",
        client.emulator.public_base_url()
    );
    let groups = receive(
        client
            .http
            .get(url)
            .header("x-portkey-api-key", &client.key),
    )
    .await;
    assert_eq!(
        (
            &groups.body["groups"][0]["name"],
            &groups.body["total_count"]
        ),
        (&json!("engineers"), &json!(1))
    );

    let path = format!("/scim/workspaces/{}", string(&mapping["id"]));
    assert_eq!(client.delete(&path).await["success"], true);
    assert_eq!(
        client.send(Method::DELETE, &path, Value::Null).await.status,
        404
    );
}

#[tokio::test]
async fn a_mapping_names_one_group_and_a_workspace() {
    let client = TestClient::new().await;
    let workspace = client.first("/admin/workspaces").await["id"].clone();
    for body in [
        json!({"workspace_id": workspace, "role": "member"}),
        json!({"workspace_id": workspace, "role": "member", "scim_group_id": "a", "scim_group_name": "b"}),
        json!({"workspace_id": workspace, "role": "member", "scim_group_id": "unknown"}),
    ] {
        let (status, _, message) = client
            .expect_error(Method::POST, "/scim/workspaces", body)
            .await;
        assert!(
            status == 400 && message.contains("`/scim_group_id`"),
            "{message}"
        );
    }
    let nowhere = json!({"workspace_id": "ws-none", "role": "member", "scim_group_name": "b"});
    assert_eq!(
        client
            .expect_error(Method::POST, "/scim/workspaces", nowhere)
            .await
            .0,
        403
    );
}

/// Without a page size, the list is limited to 100 items.
#[tokio::test]
async fn a_page_holds_a_hundred_at_most() {
    let client = TestClient::new().await;
    let workspace = client.first("/admin/workspaces").await["id"].clone();
    for number in 0..101 {
        let body = json!({"workspace_id": workspace, "scim_group_name": format!("g{number}"), "role": "member"});
        client.post("/scim/workspaces", body).await;
    }
    for (query, expected) in [("", 100), ("?page=1", 1), ("?page_size=60&page=1", 41)] {
        let list = client.get(&format!("/scim/workspaces{query}")).await;
        assert_eq!(
            (
                list["mappings"].as_array().unwrap().len(),
                &list["total_count"]
            ),
            (expected, &json!(101)),
            "{query}"
        );
    }
}
