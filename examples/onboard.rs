//! Gives people access to workspaces, from a CSV file with the columns `email`, `workspace` (a name)
//! and `role`. It can be run again: what is there already is not changed.
//!
//! `onboard PEOPLE.CSV`

use std::{collections::HashMap, error::Error};

use portkey_admin::{
    Client, Error as ApiError, OptionalExt,
    types::WorkspaceRole,
    users::{AssignableRole, CreateUserInviteRequest, UserInviteWorkspaceInput},
    workspaces::{
        AddWorkspaceMembersRequest, CreateWorkspaceRequest, NewWorkspaceMember,
        UpdateWorkspaceMemberRequest,
    },
};

#[derive(serde::Deserialize)]
struct Row {
    email: String,
    workspace: String,
    role: WorkspaceRole,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("usage: onboard PEOPLE.CSV")?;
    let client = Client::from_env()?;
    let rows = csv::Reader::from_path(path)?.into_deserialize();
    let rows = rows.collect::<Result<Vec<Row>, _>>()?;
    if let Some(row) = rows.iter().find(|row| !row.role.is_known()) {
        return Err(format!("{}: unknown role `{}`", row.email, row.role).into());
    }
    let (mut workspaces, mut failures) = (HashMap::new(), 0);
    for row in rows {
        let outcome = match onboard(&client, &row, &mut workspaces).await {
            Ok(outcome) => outcome.to_owned(),
            Err(error) => {
                failures += 1;
                let is_known = !error.may_have_executed();
                format!("{}: {error}", if is_known { "not done" } else { "unknown" })
            }
        };
        println!("{} in {}: {outcome}", row.email, row.workspace);
    }
    match failures {
        0 => Ok(()),
        _ => Err(format!("{failures} rows failed").into()),
    }
}

async fn onboard(
    client: &Client,
    row: &Row,
    workspaces: &mut HashMap<String, String>,
) -> Result<&'static str, ApiError> {
    let workspace = match workspaces.get(&row.workspace) {
        Some(id) => id.clone(),
        None => workspace(client, &row.workspace).await?,
    };
    workspaces.insert(row.workspace.clone(), workspace.clone());
    let users = client.list_users().email(&row.email).stream();
    match users.try_collect().await?.first() {
        Some(user) => add_member(client, &workspace, user.id()?, row.role.clone()).await,
        None => invite(client, &workspace, row).await,
    }
}

/// Returns the id of the workspace with this name, which is created if there is none.
async fn workspace(client: &Client, name: &str) -> Result<String, ApiError> {
    match client.list_workspaces().stream().find_by_name(name).await? {
        Some(workspace) => Ok(workspace.id),
        None => {
            let body = CreateWorkspaceRequest::builder().name(name);
            Ok(client.create_workspace().body(body).await?.id)
        }
    }
}

async fn add_member(
    client: &Client,
    workspace: &str,
    user: &str,
    role: WorkspaceRole,
) -> Result<&'static str, ApiError> {
    let member = client.get_workspace_member(workspace, user).await;
    match member.optional_or_hidden()? {
        Some(member) if member.role.as_ref() == Some(&role) => Ok("unchanged"),
        Some(_) => {
            let body = UpdateWorkspaceMemberRequest::builder().role(role);
            client
                .update_workspace_member(workspace, user)
                .body(body)
                .await?;
            Ok("role changed")
        }
        None => {
            let member = NewWorkspaceMember::builder().id(user).role(role);
            let body = AddWorkspaceMembersRequest::builder().users([member]);
            client.add_workspace_members(workspace).body(body).await?;
            Ok("added")
        }
    }
}

async fn invite(client: &Client, workspace: &str, row: &Row) -> Result<&'static str, ApiError> {
    let invites = client.list_user_invites().email(&row.email).stream();
    if !invites.try_collect().await?.is_empty() {
        return Ok("invited before");
    }
    let access = UserInviteWorkspaceInput::builder()
        .id(workspace)
        .role(row.role.clone());
    let body = CreateUserInviteRequest::builder()
        .email(&row.email)
        .role(AssignableRole::Member)
        .workspaces([access]);
    client.create_user_invite().body(body).await?;
    Ok("invited")
}
