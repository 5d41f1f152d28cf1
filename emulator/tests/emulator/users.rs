//! Users and invitations.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{World, column, text};

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
