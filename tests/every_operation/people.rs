//! Users, invitations, workspaces, their members, and SCIM.

use portkey_admin::{
    types::WorkspaceRole,
    users::{AssignableRole, CreateUserInviteRequest, UpdateUserRequest},
    workspaces::{
        AddWorkspaceMembersRequest, CreateScimWorkspaceMappingRequest, CreateWorkspaceRequest,
        NewWorkspaceMember, UpdateWorkspaceMemberRequest, UpdateWorkspaceRequest,
    },
};

use crate::{Outcome, TestContext, created_id};

pub async fn call_all(context: &TestContext) -> Outcome {
    users(context).await?;
    workspaces(context).await?;
    scim(context).await
}

async fn users(context: &TestContext) -> Outcome {
    let (admin, organisation) = (&context.admin, &context.organisation);
    let invite = CreateUserInviteRequest::builder()
        .email("newcomer@example.com")
        .role(AssignableRole::Member);
    let invite = admin.create_user_invite().body(invite).send().await?;
    let invite = created_id(invite.id);
    admin.list_user_invites().send().await?;
    admin.get_user_invite(&invite).send().await?;
    admin.resend_user_invite(&invite).send().await?;
    admin.delete_user_invite(&invite).send().await?;

    let members = admin.list_organisation_members(organisation);
    members.send().await?;

    let departing = admin.list_users().email("leaver@example.com");
    let departing = created_id(departing.send().await?.data.remove(0).id);
    let role = UpdateUserRequest::builder().role(AssignableRole::Admin);
    let update = admin.update_user(&departing).body(role);
    let read = update.update_and_get().await?;
    assert_eq!(read.email.as_deref(), Some("leaver@example.com"));
    admin.delete_user(&departing).send().await
}

async fn workspaces(TestContext { admin, user, .. }: &TestContext) -> Outcome {
    let workspace = CreateWorkspaceRequest::builder().name("Short-lived");
    let workspace = admin.create_workspace().body(workspace).send().await?;
    let id = &workspace.id;
    let change = UpdateWorkspaceRequest::builder().description("Changed");
    let update = admin.update_workspace(id).body(change);
    let read = update.update_and_get().await?;
    assert_eq!(read.description.as_deref(), Some("Changed"));
    assert!(!admin.list_workspaces().send().await?.data.is_empty());

    let member = NewWorkspaceMember::builder()
        .id(user)
        .role(WorkspaceRole::Member);
    let members = AddWorkspaceMembersRequest::builder().users([member]);
    admin.add_workspace_members(id).body(members).send().await?;
    admin.list_workspace_members(id).send().await?;
    let role = UpdateWorkspaceMemberRequest::builder().role(WorkspaceRole::Manager);
    let update = admin.update_workspace_member(id, user).body(role);
    let member = update.update_and_get().await?;
    assert_eq!(member.role, Some(WorkspaceRole::Manager));
    admin.remove_workspace_member(id, user).send().await?;
    let delete = admin.delete_workspace(id);
    delete
        .confirm(workspace.name_without_icon(), false)
        .send()
        .await
}

async fn scim(context: &TestContext) -> Outcome {
    let admin = &context.admin;
    let mapping = CreateScimWorkspaceMappingRequest::builder()
        .workspace_id(&context.workspace)
        .scim_group_name("engineering")
        .role(WorkspaceRole::Member);
    let mapping = admin.create_scim_workspace_mapping().body(mapping);
    let mapping = created_id(mapping.send().await?.id);
    admin.list_scim_workspace_mappings().send().await?;
    admin.list_scim_groups().send().await?;
    admin.delete_scim_workspace_mapping(mapping).send().await
}
