//! Users and invitations.

use std::time::Duration;

use portkey_admin_emulator::{Clock, Emulator};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{TestClient, column, receive, string};

#[tokio::test]
async fn the_default_organisation_has_three_users() {
    let client = TestClient::new().await;
    let list = client.get("/admin/users").await;
    assert_eq!(
        (&list["object"], &list["total"]),
        (&json!("list"), &json!(3))
    );
    assert_eq!(column(&list, "role"), ["owner", "admin", "member"]);
    assert_eq!(
        column(&client.get("/admin/users?role=member").await, "email"),
        ["user3@example.com"]
    );
    assert_eq!(
        column(
            &client.get("/admin/users?email=user2%40example.com").await,
            "role"
        ),
        ["admin"]
    );
}

#[tokio::test]
async fn user_pagination_uses_camel_case() {
    let client = TestClient::new().await;
    let list = client.get("/admin/users?pageSize=2&currentPage=1").await;
    assert_eq!(
        (column(&list, "role"), &list["total"]),
        (vec!["member".to_owned()], &json!(3))
    );
    assert_eq!(
        column(
            &client.get("/admin/users?page_size=2&current_page=1").await,
            "role"
        )
        .len(),
        3
    );
}

#[tokio::test]
async fn setting_the_same_role_is_rejected() {
    let client = TestClient::new().await;
    let id = column(&client.get("/admin/users").await, "id")[2].clone();
    let path = format!("/admin/users/{id}");
    let (status, code, message) = client
        .expect_error(Method::PUT, &path, json!({"role": "member"}))
        .await;
    assert_eq!((status, code.as_str()), (400, "AB01"));
    assert!(message.contains("`/role`"), "{message}");
    assert_eq!(client.put(&path, json!({"role": "admin"})).await, json!({}));
    assert_eq!(client.get(&path).await["role"], "admin");
}

#[tokio::test]
async fn deleting_a_user_removes_workspace_memberships() {
    let client = TestClient::new().await;
    let id = column(&client.get("/admin/users").await, "id")[1].clone();
    let workspace = client.first_workspace().await;
    assert_eq!(
        client.delete(&format!("/admin/users/{id}")).await,
        json!({})
    );
    let (status, code, _) = client
        .expect_error(Method::GET, &format!("/admin/users/{id}"), Value::Null)
        .await;
    assert_eq!((status, code.as_str()), (404, "AB08"));
    assert_eq!(
        client
            .get(&format!("/admin/workspaces/{workspace}/users"))
            .await["total"],
        1
    );
}

#[tokio::test]
async fn an_invitation_is_sent_read_resent_and_withdrawn() {
    let client = TestClient::new().await;
    let workspace = string(&client.first("/admin/workspaces").await["slug"]);
    let body = json!({"email": "new@example.com", "role": "member",
        "workspaces": [{"id": workspace, "role": "manager"}],
        "workspace_api_key_details": {"scopes": ["logs.list"]}});
    let sent = client.post("/admin/users/invites", body).await;
    let path = format!("/admin/users/invites/{}", string(&sent["id"]));
    assert!(string(&sent["invite_link"]).starts_with(&client.emulator.public_base_url()));

    let invite = client.get(&path).await;
    assert_eq!(
        (&invite["status"], &invite["accepted_at"]),
        (&json!("pending"), &Value::Null)
    );
    assert_eq!(
        invite["workspaces"],
        json!([{"id": workspace, "role": "manager"}])
    );
    let resent = client
        .expect_ok(Method::POST, &format!("{path}/resend"), Value::Null)
        .await;
    assert_ne!(resent["inviteLink"], sent["invite_link"]);

    assert_eq!(
        client
            .get("/admin/users/invites?status=pending&role=member&pageSize=1")
            .await["total"],
        1
    );
    assert_eq!(
        client.get("/admin/users/invites?status=accepted").await["total"],
        0
    );
    assert_eq!(client.delete(&path).await, json!({}));
    let (status, code, _) = client.expect_error(Method::GET, &path, Value::Null).await;
    assert_eq!((status, code.as_str()), (404, "AB08"));
}

#[tokio::test]
async fn an_invitation_requires_existing_workspaces() {
    let client = TestClient::new().await;
    let invite = |workspaces: Value| json!({"email": "a@example.com", "role": "member", "workspaces": workspaces});
    let body = json!({"email": "a@example.com", "role": "member"});
    client.post("/admin/users/invites", body).await;
    let unknown = invite(json!([{"id": "ws-none", "role": "member"}]));
    let message = client
        .expect_error(Method::POST, "/admin/users/invites", unknown)
        .await
        .2;
    assert!(message.contains("`/workspaces/0/id`"), "{message}");
}

#[tokio::test]
async fn only_the_latest_invitation_link_is_valid() {
    let client = TestClient::new().await;
    let body = json!({"email": "new@example.com", "role": "member"});
    let invite = client.post("/admin/users/invites", body).await;
    let path = format!("/admin/users/invites/{}", string(&invite["id"]));
    let open = |link: String| {
        let request = client.http.get(link).send();
        async move { request.await.unwrap() }
    };
    let first = string(&invite["invite_link"]);
    let page = open(first.clone()).await;
    assert_eq!(page.headers()["content-type"], "text/plain; charset=utf-8");
    assert!(page.text().await.unwrap().contains("new@example.com"));
    let resent = client.post(&format!("{path}/resend"), Value::Null).await;
    let second = string(&resent["inviteLink"]);
    assert_eq!(open(first).await.status(), 404);
    assert_eq!(open(second.clone()).await.status(), 200);
    client.delete(&path).await;
    assert_eq!(open(second).await.status(), 404);
}

/// Creates an emulator with a fixed clock and an invitation to its workspace; returns the path and
/// the link of the invitation.
async fn create_invite() -> (TestClient, String, String) {
    let clock = Clock::fixed(std::time::SystemTime::UNIX_EPOCH);
    let client = TestClient::with_emulator(Emulator::builder().clock(clock).start().await.unwrap());
    let workspace = string(&client.first("/admin/workspaces").await["slug"]);
    let body = json!({"email": "new@example.com", "role": "admin",
        "workspaces": [{"id": workspace, "role": "manager"}],
        "workspace_api_key_details": {"scopes": ["configs.list"]}});
    let sent = client.post("/admin/users/invites", body).await;
    let path = format!("/admin/users/invites/{}", string(&sent["id"]));
    (client, path, string(&sent["invite_link"]))
}

#[tokio::test]
async fn accepting_an_invitation_creates_a_user() {
    let (client, path, link) = create_invite().await;
    let accepted = receive(client.http.post(&link)).await;
    assert_eq!(accepted.status, 200, "{}", accepted.body);
    let found = client.get("/admin/users?email=new%40example.com").await;
    let user = &found["data"][0];
    assert_eq!(
        (&found["total"], &user["id"], &user["role"]),
        (&json!(1), &accepted.body["id"], &json!("admin"))
    );
    let workspace = client.first_workspace().await;
    assert_eq!(user["workspace_ids"], json!([workspace]));
    let member = format!(
        "/admin/workspaces/{workspace}/users/{}",
        string(&user["id"])
    );
    assert_eq!(client.get(&member).await["role"], "manager");
    let invite = client.get(&path).await;
    assert_eq!(
        (&invite["status"], &invite["accepted_at"]),
        (&json!("accepted"), &json!("1970-01-01T00:00:00.000Z"))
    );
    let accepted = "/admin/users/invites?status=accepted";
    assert_eq!(client.get(accepted).await["total"], 1);

    // The user's key has the scopes of the invitation.
    let key = client.emulator.key("new@example.com (Platform)").unwrap();
    let get = |path: &'static str| client.send_as(&key, Method::GET, path, Value::Null);
    assert_eq!(get("/configs").await.status, 200);
    assert_eq!(get("/prompts").await.status, 403);
    let keys = client.get("/api-keys").await;
    let own = &keys["data"][1];
    assert_eq!(
        (&own["type"], &own["creation_mode"], &own["user_id"]),
        (&json!("workspace-user"), &json!("auto"), &user["id"])
    );

    // The link and the invitation can be used only once.
    for method in [Method::GET, Method::POST] {
        let again = client.http.request(method, &link);
        assert_eq!(receive(again).await.status, 404);
    }
    let (status, code, _) = client
        .expect_error(Method::POST, &format!("{path}/resend"), Value::Null)
        .await;
    assert_eq!((status, code.as_str()), (400, "AB01"));
}

#[tokio::test]
async fn accepting_creates_an_audit_record_with_the_user() {
    let (client, _, link) = create_invite().await;
    let accepted = receive(client.http.post(&link)).await;
    let organisation = client.emulator.organisation_id("Example").unwrap();
    let span = "start_time=1960-01-01T00:00:00Z&end_time=2999-01-01T00:00:00Z";
    let records = client
        .get(&format!(
            "/audit-logs?{span}&organisation_id={organisation}&action=accept"
        ))
        .await;
    let [record] = records["records"].as_array().unwrap().as_slice() else {
        panic!("{records}")
    };
    assert_eq!(
        (
            &record["resource_type"],
            &record["user_type"],
            &record["user_id"]
        ),
        (&json!("user_invite"), &json!("user"), &accepted.body["id"])
    );
}

#[tokio::test]
async fn a_test_can_accept_an_invitation_by_its_id() {
    let (client, path, _) = create_invite().await;
    let id = path.rsplit('/').next().unwrap();
    let user = client.emulator.accept_invite(id).unwrap();
    let read = client.get(&format!("/admin/users/{user}")).await;
    assert_eq!(read["email"], "new@example.com");
    let again = client.emulator.accept_invite(id).unwrap_err().to_string();
    assert!(again.contains("invite not found"), "{again}");
    assert!(client.emulator.accept_invite("none").is_err());

    // A second invitation with the same address, in other case.
    let body = json!({"email": "New@example.com", "role": "member"});
    let second = client.post("/admin/users/invites", body).await;
    let rejected = client.emulator.accept_invite(&string(&second["id"]));
    let message = rejected.unwrap_err().to_string();
    assert!(message.contains("already"), "{message}");
    assert_eq!(client.get("/admin/users").await["total"], 4);
}

#[tokio::test]
async fn an_invitation_expires() {
    let (client, path, link) = create_invite().await;
    client.emulator.advance(Duration::from_secs(7 * 24 * 3600));
    assert_eq!(client.get(&path).await["status"], "expired");
    assert_eq!(receive(client.http.post(&link)).await.status, 404);
    client.post(&format!("{path}/resend"), Value::Null).await;
    assert_eq!(client.get(&path).await["status"], "pending");
    let id = path.rsplit('/').next().unwrap();
    assert!(client.emulator.accept_invite(id).is_ok());
}

#[tokio::test]
async fn the_members_of_the_organisation_are_its_users() {
    let client = TestClient::new().await;
    let organisation = client.emulator.organisation_id("Example").unwrap();
    let members = client
        .get(&format!("/v2/organisations/{organisation}/members"))
        .await;
    assert_eq!(members["data"], client.get("/admin/users").await["data"]);
    let other = client.expect_error(Method::GET, "/v2/organisations/other/members", Value::Null);
    let (status, code, _) = other.await;
    assert_eq!((status, code.as_str()), (403, "AB03"));
}
