//! The link of a resent invitation, for which there are two field names.

use crate::{Secret, users::ResendUserInviteResponse};

impl ResendUserInviteResponse {
    /// Returns the link from `inviteLink`, the field name in Portkey's OpenAPI document, or from
    /// `invite_link`, the field name in the response to the creation of an invitation.
    pub fn link(&self) -> Option<Secret> {
        let alternative = self.extra.get("invite_link");
        let alternative = || {
            alternative
                .and_then(serde_json::Value::as_str)
                .map(Secret::from)
        };
        self.invite_link.clone().or_else(alternative)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_link_is_read_from_both_field_names() {
        for name in ["inviteLink", "invite_link"] {
            let response = format!(r#"{{"{name}": "canary"}}"#);
            let response: ResendUserInviteResponse = serde_json::from_str(&response).unwrap();
            assert_eq!(response.link(), Some("canary".into()), "{name}");
        }
        let empty: ResendUserInviteResponse = serde_json::from_str("{}").unwrap();
        assert_eq!(empty.link(), None);
    }
}
