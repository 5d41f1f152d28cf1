//! User access to MCP and agent servers, and user connections. The emulator has no sign-in: a user with
//! stored tokens is connected.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::state::users::User;

/// The access settings and tokens of users, by UUID.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct UserAccess {
    /// Whether access is denied to users without an override.
    pub(crate) denied_by_default: bool,
    pub(crate) overrides: BTreeMap<String, bool>,
    pub(crate) tokens: BTreeMap<String, Tokens>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) refresh: Value,
    pub(crate) created_at: String,
    pub(crate) last_updated_at: String,
}

impl UserAccess {
    pub(crate) fn is_allowed(&self, user: &str) -> bool {
        self.overrides
            .get(user)
            .copied()
            .unwrap_or(!self.denied_by_default)
    }

    pub(crate) fn json(&self, user: &User) -> Value {
        let connected = self.tokens.contains_key(&user.id);
        json!({
            "user_id": user.id,
            "first_name": user.first_name,
            "last_name": user.last_name,
            "enabled": self.is_allowed(&user.id),
            "has_override": self.overrides.contains_key(&user.id),
            "connection_status": if connected { "connected" } else { "not_connected" },
            // Misspelled by the service.
            "object": "user-acces",
        })
    }
}
