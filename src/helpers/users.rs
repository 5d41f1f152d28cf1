//! The link of a resent invitation, which is spelled in two ways.

use crate::{Secret, types::ResendUserInviteResponse};

impl ResendUserInviteResponse {
    /// The link, whether it came as `inviteLink`, as the document has it, or as `invite_link`, as
    /// the creation of an invitation spells it (M177).
    pub fn link(&self) -> Option<Secret> {
        let other = self.extra.get("invite_link");
        let other = || other.and_then(serde_json::Value::as_str).map(Secret::from);
        self.invite_link.clone().or_else(other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_are_read() {
        for name in ["inviteLink", "invite_link"] {
            let answer = format!(r#"{{"{name}": "canary"}}"#);
            let answer: ResendUserInviteResponse = serde_json::from_str(&answer).unwrap();
            assert_eq!(answer.link(), Some("canary".into()), "{name}");
        }
        let nothing: ResendUserInviteResponse = serde_json::from_str("{}").unwrap();
        assert_eq!(nothing.link(), None);
    }
}
