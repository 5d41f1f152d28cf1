//! Users and invitations.

use std::time::Duration;

use portkey_admin_emulator::{Clock, Emulator};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{World, column, receive, text};

#[tokio::test]
async fn three_users_are_there_from_the_start() {
    let world = World::new().await;
    let list = world.get("/admin/users").await;
    assert_eq!(
        (&list["object"], &list["total"]),
        (&json!("list"), &json!(3))
    );
    assert_eq!(column(&list, "role"), ["owner", "admin", "member"]);
    assert_eq!(
        column(&world.get("/admin/users?role=member").await, "email"),
        ["user3@example.com"]
    );
    assert_eq!(
        column(
            &world.get("/admin/users?email=user2%40example.com").await,
            "role"
        ),
        ["admin"]
    );
}

#[tokio::test]
async fn users_page_in_camel_case() {
    let world = World::new().await;
    let list = world.get("/admin/users?pageSize=2&currentPage=1").await;
    assert_eq!(
        (column(&list, "role"), &list["total"]),
        (vec!["member".to_owned()], &json!(3))
    );
    assert_eq!(
        column(
            &world.get("/admin/users?page_size=2&current_page=1").await,
            "role"
        )
        .len(),
        3
    );
}

#[tokio::test]
async fn a_role_can_change_but_not_to_what_it_is() {
    let world = World::new().await;
    let id = column(&world.get("/admin/users").await, "id")[2].clone();
    let path = format!("/admin/users/{id}");
    let (status, code, message) = world
        .refused(Method::PUT, &path, json!({"role": "member"}))
        .await;
    assert_eq!((status, code.as_str()), (400, "AB01"));
    assert!(message.contains("`/role`"), "{message}");
    assert_eq!(world.put(&path, json!({"role": "admin"})).await, json!({}));
    assert_eq!(world.get(&path).await["role"], "admin");
}

#[tokio::test]
async fn a_deleted_user_leaves_its_workspaces() {
    let world = World::new().await;
    let id = column(&world.get("/admin/users").await, "id")[1].clone();
    let workspace = text(&world.first("/admin/workspaces").await["id"]);
    assert_eq!(world.delete(&format!("/admin/users/{id}")).await, json!({}));
    let (status, code, _) = world
        .refused(Method::GET, &format!("/admin/users/{id}"), Value::Null)
        .await;
    assert_eq!((status, code.as_str()), (404, "AB08"));
    assert_eq!(
        world
            .get(&format!("/admin/workspaces/{workspace}/users"))
            .await["total"],
        1
    );
}

#[tokio::test]
async fn an_invitation_is_sent_read_resent_and_withdrawn() {
    let world = World::new().await;
    let workspace = text(&world.first("/admin/workspaces").await["slug"]);
    let body = json!({"email": "new@example.com", "role": "member",
        "workspaces": [{"id": workspace, "role": "manager"}],
        "workspace_api_key_details": {"scopes": ["logs.list"]}});
    let sent = world.post("/admin/users/invites", body).await;
    let path = format!("/admin/users/invites/{}", text(&sent["id"]));
    assert!(text(&sent["invite_link"]).starts_with(&world.emulator.public_base_url()));

    let invite = world.get(&path).await;
    assert_eq!(
        (&invite["status"], &invite["accepted_at"]),
        (&json!("pending"), &Value::Null)
    );
    assert_eq!(
        invite["workspaces"],
        json!([{"id": workspace, "role": "manager"}])
    );
    let resent = world
        .ok(Method::POST, &format!("{path}/resend"), Value::Null)
        .await;
    assert_ne!(resent["inviteLink"], sent["invite_link"]);

    assert_eq!(
        world
            .get("/admin/users/invites?status=pending&role=member&pageSize=1")
            .await["total"],
        1
    );
    assert_eq!(
        world.get("/admin/users/invites?status=accepted").await["total"],
        0
    );
    assert_eq!(world.delete(&path).await, json!({}));
    let (status, code, _) = world.refused(Method::GET, &path, Value::Null).await;
    assert_eq!((status, code.as_str()), (404, "AB08"));
}

#[tokio::test]
async fn an_invitation_needs_no_workspaces_but_real_ones() {
    let world = World::new().await;
    let invite = |workspaces: Value| json!({"email": "a@example.com", "role": "member", "workspaces": workspaces});
    let body = json!({"email": "a@example.com", "role": "member"});
    world.post("/admin/users/invites", body).await;
    let unknown = invite(json!([{"id": "ws-none", "role": "member"}]));
    let message = world
        .refused(Method::POST, "/admin/users/invites", unknown)
        .await
        .2;
    assert!(message.contains("`/workspaces/0/id`"), "{message}");
}

#[tokio::test]
async fn the_latest_link_of_an_invitation_opens_until_it_is_withdrawn() {
    let world = World::new().await;
    let body = json!({"email": "new@example.com", "role": "member"});
    let invite = world.post("/admin/users/invites", body).await;
    let path = format!("/admin/users/invites/{}", text(&invite["id"]));
    let open = |link: String| {
        let request = world.http.get(link).send();
        async move { request.await.unwrap() }
    };
    let first = text(&invite["invite_link"]);
    let page = open(first.clone()).await;
    assert_eq!(page.headers()["content-type"], "text/plain; charset=utf-8");
    assert!(page.text().await.unwrap().contains("new@example.com"));
    let resent = world.post(&format!("{path}/resend"), Value::Null).await;
    let second = text(&resent["inviteLink"]);
    assert_eq!(open(first).await.status(), 404);
    assert_eq!(open(second.clone()).await.status(), 200);
    world.delete(&path).await;
    assert_eq!(open(second).await.status(), 404);
}

/// A world whose time is the test's, and an invitation to its workspace: its path and its link.
async fn invited() -> (World, String, String) {
    let clock = Clock::fixed(std::time::SystemTime::UNIX_EPOCH);
    let world = World::of(Emulator::builder().clock(clock).start().await.unwrap());
    let workspace = text(&world.first("/admin/workspaces").await["slug"]);
    let body = json!({"email": "new@example.com", "role": "admin",
        "workspaces": [{"id": workspace, "role": "manager"}],
        "workspace_api_key_details": {"scopes": ["configs.list"]}});
    let sent = world.post("/admin/users/invites", body).await;
    let path = format!("/admin/users/invites/{}", text(&sent["id"]));
    (world, path, text(&sent["invite_link"]))
}

#[tokio::test]
async fn whoever_accepts_an_invitation_becomes_a_user() {
    let (world, path, link) = invited().await;
    let accepted = receive(world.http.post(&link)).await;
    assert_eq!(accepted.status, 200, "{}", accepted.body);
    let found = world.get("/admin/users?email=new%40example.com").await;
    let user = &found["data"][0];
    assert_eq!(
        (&found["total"], &user["id"], &user["role"]),
        (&json!(1), &accepted.body["id"], &json!("admin"))
    );
    let workspace = text(&world.first("/admin/workspaces").await["id"]);
    assert_eq!(user["workspace_ids"], json!([workspace]));
    let member = format!("/admin/workspaces/{workspace}/users/{}", text(&user["id"]));
    assert_eq!(world.get(&member).await["role"], "manager");
    let invite = world.get(&path).await;
    assert_eq!(
        (&invite["status"], &invite["accepted_at"]),
        (&json!("accepted"), &json!("1970-01-01T00:00:00.000Z"))
    );
    let accepted = "/admin/users/invites?status=accepted";
    assert_eq!(world.get(accepted).await["total"], 1);

    // The key that the invitation promised, for what it promised.
    let key = world.emulator.key("new@example.com (Platform)").unwrap();
    let get = |path: &'static str| world.send_as(&key, Method::GET, path, Value::Null);
    assert_eq!(get("/configs").await.status, 200);
    assert_eq!(get("/prompts").await.status, 403);
    let keys = world.get("/api-keys").await;
    let own = &keys["data"][1];
    assert_eq!(
        (&own["type"], &own["creation_mode"], &own["user_id"]),
        (&json!("workspace-user"), &json!("auto"), &user["id"])
    );

    // Once is enough: the link is used up, and so is the invitation.
    for method in [Method::GET, Method::POST] {
        let again = world.http.request(method, &link);
        assert_eq!(receive(again).await.status, 404);
    }
    let (status, code, _) = world
        .refused(Method::POST, &format!("{path}/resend"), Value::Null)
        .await;
    assert_eq!((status, code.as_str()), (400, "AB01"));
}

#[tokio::test]
async fn accepting_leaves_a_record_of_who_it_was() {
    let (world, _, link) = invited().await;
    let accepted = receive(world.http.post(&link)).await;
    let organisation = world.emulator.organisation_id("Example").unwrap();
    let span = "start_time=1960-01-01T00:00:00Z&end_time=2999-01-01T00:00:00Z";
    let records = world
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
    let (world, path, _) = invited().await;
    let id = path.rsplit('/').next().unwrap();
    let user = world.emulator.accept_invite(id).unwrap();
    let read = world.get(&format!("/admin/users/{user}")).await;
    assert_eq!(read["email"], "new@example.com");
    let again = world.emulator.accept_invite(id).unwrap_err().to_string();
    assert!(again.contains("invite not found"), "{again}");
    assert!(world.emulator.accept_invite("none").is_err());

    // The same person again.
    let body = json!({"email": "New@example.com", "role": "member"});
    let second = world.post("/admin/users/invites", body).await;
    let refused = world.emulator.accept_invite(&text(&second["id"]));
    let message = refused.unwrap_err().to_string();
    assert!(message.contains("already"), "{message}");
    assert_eq!(world.get("/admin/users").await["total"], 4);
}

#[tokio::test]
async fn an_invitation_expires() {
    let (world, path, link) = invited().await;
    world.emulator.advance(Duration::from_secs(7 * 24 * 3600));
    assert_eq!(world.get(&path).await["status"], "expired");
    assert_eq!(receive(world.http.post(&link)).await.status, 404);
    world.post(&format!("{path}/resend"), Value::Null).await;
    assert_eq!(world.get(&path).await["status"], "pending");
    let id = path.rsplit('/').next().unwrap();
    assert!(world.emulator.accept_invite(id).is_ok());
}
