//! Workspaces and their members.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{TestClient, assert_fields, column, string};

#[tokio::test]
async fn a_workspace_is_created_read_changed_and_listed() {
    let client = TestClient::new().await;
    let created = client.workspace("Team A").await;
    let (id, slug) = (string(&created["id"]), string(&created["slug"]));
    assert!(slug.starts_with("ws-"), "{slug}");
    for key in [&id, &slug] {
        let read = client.get(&format!("/admin/workspaces/{key}")).await;
        assert_eq!(
            (&read["id"], &read["name"]),
            (&created["id"], &json!("Team A"))
        );
        assert_eq!(
            (&read["is_default"], &read["object"]),
            (&json!(0), &json!("workspace"))
        );
        assert_eq!(
            (&read["defaults"], &read["usage_limits"], &read["users"]),
            (&Value::Null, &Value::Null, &json!([]))
        );
        assert_fields(
            &read,
            &[
                "icon",
                "security_settings",
                "settings",
                "organisation_id",
                "last_reset_at",
                "created_by",
            ],
        );
    }

    let change = json!({"name": "Team B", "defaults": {"metadata": {"env": "test"}},
        "usage_limits": [{"type": "cost", "credit_limit": 10}]});
    assert_eq!(
        client.put(&format!("/admin/workspaces/{id}"), change).await,
        json!({})
    );
    let read = client.get(&format!("/admin/workspaces/{id}")).await;
    assert_eq!(
        (&read["name"], &read["defaults"]["metadata"]["env"]),
        (&json!("Team B"), &json!("test"))
    );
    assert_eq!(read["usage_limits"][0]["credit_limit"], 10);
    client
        .put(
            &format!("/admin/workspaces/{id}"),
            json!({"usage_limits": null}),
        )
        .await;
    assert_eq!(
        client.get(&format!("/admin/workspaces/{id}")).await["usage_limits"],
        Value::Null
    );

    let list = client.get("/admin/workspaces").await;
    assert_eq!(
        (&list["object"], &list["total"]),
        (&json!("list"), &json!(2))
    );
    assert_fields(
        &list["data"][0],
        &["status", "scim_source_id", "icon", "security_settings"],
    );
    assert_eq!(
        column(
            &client.get("/admin/workspaces?exact_name=Team%20B").await,
            "name"
        ),
        ["Team B"]
    );
    assert_eq!(
        column(&client.get("/admin/workspaces?name=team").await, "name"),
        ["Team B"]
    );
    assert_eq!(
        client.get("/admin/workspaces?status=archived").await["total"],
        0
    );
}

#[tokio::test]
async fn lists_page_from_zero() {
    let client = TestClient::new().await;
    for name in ["A", "B", "C", "D"] {
        client.workspace(name).await;
    }
    let page = |number: u32| format!("/admin/workspaces?page_size=2&current_page={number}");
    let mut names = Vec::new();
    for number in 0..4 {
        let list = client.get(&page(number)).await;
        assert_eq!(list["total"], 5);
        names.extend(column(&list, "name"));
    }
    assert_eq!(names, ["Platform", "A", "B", "C", "D"]);
}

#[tokio::test]
async fn the_icon_precedes_the_name() {
    let client = TestClient::new().await;
    let created = client
        .post("/admin/workspaces", json!({"name": "Team", "icon": "🚀"}))
        .await;
    assert_eq!(
        (&created["name"], &created["icon"]),
        (&json!("🚀 Team"), &json!("🚀"))
    );
    let path = format!("/admin/workspaces/{}", string(&created["id"]));
    let (status, _, message) = client
        .expect_error(Method::DELETE, &path, json!({"name": "🚀 Team"}))
        .await;
    assert!(status == 400 && message.contains("`/name`"), "{message}");
    client.put(&path, json!({"icon": ""})).await;
    let read = client.get(&path).await;
    assert_eq!(
        (&read["name"], &read["icon"]),
        (&json!("Team"), &Value::Null)
    );
    assert_eq!(client.workspace("✨ Sparkling").await["icon"], "✨");
}

#[tokio::test]
async fn a_missing_workspace_is_forbidden() {
    let client = TestClient::new().await;
    let (status, code, _) = client
        .expect_error(Method::GET, "/admin/workspaces/ws-gone", Value::Null)
        .await;
    assert_eq!((status, code.as_str()), (403, "AB03"));
}

#[tokio::test]
async fn deleting_requires_the_name_and_sometimes_force() {
    let client = TestClient::new().await;
    let id = string(&client.workspace("Short-lived").await["id"]);
    let path = format!("/admin/workspaces/{id}");
    for (body, field) in [
        (Value::Null, "body"),
        (json!({}), "`/name`"),
        (json!({"name": "Other"}), "`/name`"),
    ] {
        let (status, code, message) = client.expect_error(Method::DELETE, &path, body).await;
        assert_eq!((status, code.as_str()), (400, "AB01"));
        assert!(message.contains(field), "{message}");
    }

    let (key_id, secret) = client.workspace_key(&id, &["configs.list"]).await;
    client
        .post(
            "/configs",
            json!({"name": "c", "config": {"retry": {"attempts": 1}}, "workspace_id": id}),
        )
        .await;
    let (status, code, message) = client
        .expect_error(Method::DELETE, &path, json!({"name": "Short-lived"}))
        .await;
    assert_eq!((status, code.as_str()), (409, "AB07"));
    assert!(message.contains("API keys"), "{message}");

    let deleted = client
        .expect_ok(
            Method::DELETE,
            &path,
            json!({"name": "Short-lived", "force_delete": true}),
        )
        .await;
    assert_eq!(deleted, json!({}));
    assert_eq!(
        client.send(Method::GET, &path, Value::Null).await.status,
        403
    );
    assert_eq!(
        client
            .send(Method::GET, &format!("/api-keys/{key_id}"), Value::Null)
            .await
            .status,
        404
    );
    assert_eq!(
        client
            .send_as(&secret, Method::GET, "/configs", Value::Null)
            .await
            .status,
        401
    );
    assert_eq!(client.get("/configs").await["total"], 1);
}

#[tokio::test]
async fn an_empty_workspace_needs_no_force() {
    let client = TestClient::new().await;
    let id = string(&client.workspace("Empty").await["id"]);
    let deleted = client
        .expect_ok(
            Method::DELETE,
            &format!("/admin/workspaces/{id}"),
            json!({"name": "Empty"}),
        )
        .await;
    assert_eq!(deleted, json!({}));
    assert_eq!(client.get("/admin/workspaces").await["total"], 1);
}

#[tokio::test]
async fn configs_and_virtual_keys_block_deletion_too() {
    let client = TestClient::new().await;
    let seed_data = client.first_workspace().await;
    let path = format!("/admin/workspaces/{seed_data}");
    let message = client
        .expect_error(Method::DELETE, &path, json!({"name": "Platform"}))
        .await
        .2;
    assert!(message.contains("virtual keys"), "{message}");
    let id = string(&client.workspace("Other").await["id"]);
    client
        .post(
            "/configs",
            json!({"name": "c", "config": {"retry": {"attempts": 1}}, "workspace_id": id}),
        )
        .await;
    let message = client
        .expect_error(
            Method::DELETE,
            &format!("/admin/workspaces/{id}"),
            json!({"name": "Other"}),
        )
        .await
        .2;
    assert!(message.contains("configs"), "{message}");
}

#[tokio::test]
async fn members_are_added_changed_and_removed() {
    let client = TestClient::new().await;
    let id = string(&client.workspace("Team").await["id"]);
    let users = column(&client.get("/admin/users").await, "id");
    let members = format!("/admin/workspaces/{id}/users");
    let body =
        json!({"users": [{"id": users[1], "role": "member"}, {"id": users[2], "role": "manager"}]});
    assert_eq!(client.post(&members, body).await, json!({}));

    let list = client.get(&members).await;
    assert_eq!(
        (&list["object"], &list["total"]),
        (&json!("list"), &json!(2))
    );
    assert_eq!(column(&list, "role"), ["member", "manager"]);
    assert_eq!(
        column(
            &client.get(&format!("{members}?role=manager")).await,
            "email"
        ),
        ["user3@example.com"]
    );
    assert_eq!(
        column(
            &client
                .get(&format!("{members}?page_size=1&current_page=1"))
                .await,
            "id"
        ),
        [users[2].clone()]
    );

    let one = format!("{members}/{}", users[1]);
    assert_eq!(client.put(&one, json!({"role": "admin"})).await, json!({}));
    let member = client.get(&one).await;
    assert_eq!(
        (&member["role"], &member["org_role"], &member["settings"]),
        (&json!("admin"), &json!("admin"), &Value::Null)
    );
    let nested = &client.get(&format!("/admin/workspaces/{id}")).await["users"][0];
    assert!(
        nested.get("email").is_none() && nested["id"] == users[1],
        "{nested}"
    );
    assert_eq!(
        client.get(&format!("/admin/users/{}", users[1])).await["workspace_ids"]
            .as_array()
            .unwrap()
            .len(),
        2
    );

    assert_eq!(client.delete(&one).await, json!({}));
    let (status, code, _) = client.expect_error(Method::GET, &one, Value::Null).await;
    assert_eq!((status, code.as_str()), (404, "AB08"));
    let stranger =
        json!({"users": [{"id": "a0000000-0000-4000-8000-000000000000", "role": "member"}]});
    let (status, _, message) = client.expect_error(Method::POST, &members, stranger).await;
    assert!(
        status == 400 && message.contains("`/users/0/id`"),
        "{message}"
    );
}

#[tokio::test]
async fn invalid_limits_are_rejected() {
    let client = TestClient::new().await;
    let two = json!([{"type": "cost", "credit_limit": 1}, {"type": "tokens", "credit_limit": 1}]);
    let late = json!([{"type": "cost", "credit_limit": 10, "alert_threshold": 11}]);
    for (limits, field) in [
        (two, "`/usage_limits`"),
        (late, "`/usage_limits/0/alert_threshold`"),
    ] {
        let body = json!({"name": "a", "usage_limits": limits});
        let (status, _, message) = client
            .expect_error(Method::POST, "/admin/workspaces", body)
            .await;
        assert!(status == 400 && message.contains(field), "{message}");
    }
    let body = json!({"name": "a", "scopes": ["x"], "usage_limits": {"type": "cost", "credit_limit": 1, "alert_threshold": 2}});
    let (status, _, message) = client
        .expect_error(Method::POST, "/api-keys/organisation/service", body)
        .await;
    assert!(
        status == 400 && message.contains("`/usage_limits/alert_threshold`"),
        "{message}"
    );
}

/// The default collection is deleted with its workspace and does not prevent the deletion.
#[tokio::test]
async fn a_new_workspace_has_a_default_collection() {
    let client = TestClient::new().await;
    let id = string(&client.workspace("Fresh").await["id"]);
    let collections = client.get(&format!("/collections?workspace_id={id}")).await;
    assert_eq!(
        (&collections["total"], &collections["data"][0]["is_default"]),
        (&json!(1), &json!(1))
    );
    let path = format!("/collections/{}", string(&collections["data"][0]["id"]));
    client
        .expect_ok(
            Method::DELETE,
            &format!("/admin/workspaces/{id}"),
            json!({"name": "Fresh"}),
        )
        .await;
    assert_eq!(
        client.expect_error(Method::GET, &path, Value::Null).await.0,
        404
    );
}

#[tokio::test]
async fn security_settings_are_replaced_as_a_whole() {
    let client = TestClient::new().await;
    let created = client.workspace("Team").await;
    let (id, slug) = (string(&created["id"]), string(&created["slug"]));
    let mut settings =
        client.get(&format!("/admin/workspaces/{id}")).await["security_settings"].clone();
    assert_eq!(settings["membersViewLogs"], true);
    settings["membersViewLogs"] = json!(false);
    settings["membersViewAgents"] = json!(true);
    let body = json!({"security_settings": settings});
    client
        .put(&format!("/admin/workspaces/{id}"), body.clone())
        .await;
    let read = client.get(&format!("/admin/workspaces/{id}")).await;
    assert_eq!(read["security_settings"], settings);

    // The slug, a missing setting and a value of another type are refused.
    let mut incomplete = body.clone();
    incomplete["security_settings"]
        .as_object_mut()
        .unwrap()
        .remove("managersViewLogs");
    let mut mistyped = body.clone();
    mistyped["security_settings"]["managersViewLogs"] = json!("no");
    for (key, body) in [(&slug, body), (&id, incomplete), (&id, mistyped)] {
        let path = format!("/admin/workspaces/{key}");
        let (status, code, _) = client.expect_error(Method::PUT, &path, body).await;
        assert_eq!((status, code.as_str()), (400, "AB01"));
    }
}

#[tokio::test]
async fn settings_of_a_workspace_are_merged() {
    let client = TestClient::new().await;
    let path = format!(
        "/admin/workspaces/{}",
        string(&client.workspace("🚀 Team").await["id"])
    );
    let change = json!({"settings": {"debug_log": 1, "user_api_key_rotation_period": 7}});
    client.put(&path, change).await;
    client
        .put(&path, json!({"settings": {"user_api_key_count": 2}}))
        .await;
    let settings = &client.get(&path).await["settings"];
    assert_eq!(
        (
            &settings["debug_log"],
            &settings["user_api_key_rotation_period"],
            &settings["user_api_key_count"],
            &settings["user_api_key_auto_create"]
        ),
        (&json!(1), &json!(7), &json!(2), &json!(false))
    );
    assert_eq!(client.get(&path).await["name"], "🚀 Team");
    let plain = client.get(&format!("{path}?name_format=plain")).await;
    assert_eq!(plain["name"], "Team");
}
