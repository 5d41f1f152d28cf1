//! What workspaces are called, and what their deletion wants.

use crate::{
    Client, Error,
    builder::DeleteWorkspace,
    types::{DeleteWorkspaceRequest, Workspace},
};

impl Workspace {
    /// Whether it is the one that goes by this UUID or slug: some answers have the one and some the
    /// other (S12, M114, M213).
    pub fn matches_id_or_slug(&self, id_or_slug: &str) -> bool {
        self.id == id_or_slug || self.slug == id_or_slug
    }

    /// The name without the icon, which the service puts before it in every answer (M186, S07).
    pub fn name_without_icon(&self) -> &str {
        let icon = self.icon.as_deref().filter(|icon| !icon.is_empty());
        let rest = icon.and_then(|icon| self.name.strip_prefix(icon));
        rest.and_then(|rest| rest.strip_prefix(' '))
            .unwrap_or(&self.name)
    }
}

impl DeleteWorkspace {
    /// Names the workspace that is to go, as it is called now, and says whether its contents go with
    /// it. Takes the place of the body.
    ///
    /// The service wants the name to be sure (M192): without the icon that its answers put in front,
    /// which is [`Workspace::name_without_icon`] (M186, S06). A name that holds an emoji is refused current,
    /// although it may be set (E25); rename the workspace first.
    ///
    /// With `force` the service also deletes what the workspace owns: **providers and virtual keys,
    /// configs and API keys** (M193). Without it, owning any of them is a 409 ([`Error::is_conflict`]),
    /// and so may be a new workspace, which can own some unasked (S20); without force they go first, in the
    /// order API keys, configs, integrations and providers (S19).
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

impl Client {
    /// The UUID of a workspace that is known by its slug (or by its UUID, which is then checked).
    ///
    /// Most operations take either, but a filter of SCIM mappings matches the UUID only (M211), and the
    /// answer of an integration has the slug only (M114); see [`Workspace::matches_id_or_slug`].
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
    /// Those of [`Client::get_workspace`]; [`Error::is_gone_or_hidden`] where there is none (S13).
    pub async fn resolve_workspace_id(
        &self,
        id_or_slug: impl Into<String>,
    ) -> Result<String, Error> {
        Ok(self.get_workspace(id_or_slug).send().await?.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_the_icon_and_its_space_go() {
        for (icon, name, plain) in [
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
            assert_eq!(workspace.name_without_icon(), plain, "{icon} {name}");
        }
    }

    #[test]
    fn it_goes_by_its_id_and_its_slug_only() {
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
