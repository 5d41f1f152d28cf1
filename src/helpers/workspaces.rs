//! Names and ids of workspaces, changes of their security settings, and the confirmation of their
//! deletion.

use crate::{
    Client, Error, Named,
    workspaces::{
        DeleteWorkspace, DeleteWorkspaceRequest, UpdateWorkspaceRequest, Workspace,
        WorkspaceSecuritySettings,
    },
};

impl Workspace {
    /// Returns whether the given string is the UUID or the slug of the workspace. Some responses
    /// refer to a workspace by its UUID and others by its slug.
    pub fn matches_id_or_slug(&self, id_or_slug: &str) -> bool {
        self.id == id_or_slug || self.slug == id_or_slug
    }

    /// Returns the name without the icon. The service prepends the icon to the name in all
    /// responses.
    pub fn name_without_icon(&self) -> &str {
        Named::name_without_icon(self).unwrap_or(&self.name)
    }
}

impl DeleteWorkspace {
    /// Confirms the deletion with the current name of the workspace, and sets whether the contents
    /// of the workspace are deleted as well. Replaces the body.
    ///
    /// The service requires the name as a confirmation, without the icon that responses prepend
    /// ([`Workspace::name_without_icon`]). It rejects a name that contains an emoji here, although
    /// such a name can be set; rename the workspace first.
    ///
    /// With `force`, the service also deletes what the workspace owns: **providers and virtual
    /// keys, configs and API keys**. Without it, a workspace that owns any of them is not deleted
    /// and the error is a 409 ([`Error::is_conflict`]). Even a new workspace can own some of them.
    /// To delete without `force`, first delete the API keys, then configs, integrations and
    /// providers, in this order.
    ///
    /// ```no_run
    /// # async fn example(client: portkey_admin::Client) -> Result<(), portkey_admin::Error> {
    /// let workspace = client.get_workspace("ws-research").send().await?;
    /// client
    ///     .delete_workspace(&workspace.id)
    ///     .confirm(workspace.name_without_icon(), true)
    ///     .send()
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn confirm(self, current_name: impl Into<String>, force: bool) -> Self {
        self.body(DeleteWorkspaceRequest {
            name: current_name.into(),
            force_delete: force.then_some(true),
        })
    }
}

/// # Helpers
impl Client {
    /// Reads a workspace and returns its UUID. Takes the slug of the workspace, or its UUID, whose
    /// existence is thereby verified.
    ///
    /// Most operations accept both, but the filter of SCIM mappings matches only the UUID, and
    /// responses about integrations contain only the slug; see [`Workspace::matches_id_or_slug`].
    ///
    /// ```no_run
    /// # async fn example(client: portkey_admin::Client) -> Result<(), portkey_admin::Error> {
    /// let id = client.resolve_workspace_id("ws-research").await?;
    /// let mappings = client.list_scim_workspace_mappings().workspace_id(id).send().await?;
    /// # let _ = mappings;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The errors of [`Client::get_workspace`]; [`Error::is_gone_or_hidden`] if the workspace does
    /// not exist.
    pub async fn resolve_workspace_id(
        &self,
        id_or_slug: impl Into<String>,
    ) -> Result<String, Error> {
        Ok(self.get_workspace(id_or_slug).send().await?.id)
    }

    /// Reads the security settings of a workspace, changes them, and sends all of them, because the
    /// service refuses incomplete settings. Takes the slug of the workspace or its UUID. Returns the
    /// settings that were sent, with those that this version of the crate does not know.
    ///
    /// A change that another client makes between the read and the update is overwritten; the
    /// service has no version of the settings to detect it.
    ///
    /// ```no_run
    /// # async fn example(client: portkey_admin::Client) -> Result<(), portkey_admin::Error> {
    /// client
    ///     .update_workspace_security_settings("ws-research", |settings| {
    ///         settings.members_view_logs = Some(false);
    ///     })
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The errors of [`Client::get_workspace`] and [`Client::update_workspace`]. If a setting is
    /// missing, nothing is changed: the settings are checked before they are sent.
    pub async fn update_workspace_security_settings(
        &self,
        id_or_slug: impl Into<String>,
        change: impl FnOnce(&mut WorkspaceSecuritySettings),
    ) -> Result<WorkspaceSecuritySettings, Error> {
        let workspace = self.get_workspace(id_or_slug).send().await?;
        let mut settings = workspace.security_settings.ok_or_else(|| {
            Error::unexpected_response(
                "expected an object for `security_settings` of Workspace, found nothing".to_owned(),
            )
        })?;
        change(&mut settings);
        let body = UpdateWorkspaceRequest::builder().security_settings(&settings);
        self.update_workspace(workspace.id)
            .body(body)
            .send()
            .await?;
        Ok(settings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_the_icon_and_its_space_are_removed() {
        for (icon, name, expected) in [
            (json!("🚀"), "🚀 Research", "Research"),
            (json!("🚀"), "🚀 🚀 Research", "🚀 Research"),
            (json!("🚀"), "Research", "Research"),
            (json!("Re"), "Research", "Research"),
            (json!(""), " Research", " Research"),
            (json!(null), "🚀 Research", "🚀 Research"),
        ] {
            let workspace: Workspace = serde_json::from_value(json!({
                "id": "one", "slug": "ws-one", "name": name, "icon": icon,
                "created_at": "2026-01-02T03:04:05.000Z",
                "last_updated_at": "2026-01-02T03:04:05.000Z",
            }))
            .unwrap();
            assert_eq!(workspace.name_without_icon(), expected, "{icon} {name}");
        }
    }

    #[test]
    fn a_workspace_matches_only_its_id_and_its_slug() {
        let workspace: Workspace = serde_json::from_value(json!({
            "id": "one", "slug": "ws-one", "name": "two",
            "created_at": "2026-01-02T03:04:05.000Z",
            "last_updated_at": "2026-01-02T03:04:05.000Z",
        }))
        .unwrap();
        assert!(workspace.matches_id_or_slug("one") && workspace.matches_id_or_slug("ws-one"));
        assert!(!workspace.matches_id_or_slug("two") && !workspace.matches_id_or_slug(""));
    }
}
