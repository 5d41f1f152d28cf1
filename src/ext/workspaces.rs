//! The name of a workspace without its icon.

use crate::types::Workspace;

impl Workspace {
    /// The name without the icon, which the service puts before it in every answer (M186, S07).
    pub fn plain_name(&self) -> &str {
        let icon = self.icon.as_deref().filter(|icon| !icon.is_empty());
        let rest = icon.and_then(|icon| self.name.strip_prefix(icon));
        rest.and_then(|rest| rest.strip_prefix(' '))
            .unwrap_or(&self.name)
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
            assert_eq!(workspace.plain_name(), plain, "{icon} {name}");
        }
    }
}
