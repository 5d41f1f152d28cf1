//! Users of the organisation, and invitations.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::call::{Call, timestamp};
use crate::ids::Ids;
use crate::state::table::{ResourceState, Row, Table, row};

/// The users of the organisation, and the invitations.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Users {
    pub(crate) accounts: Table<User>,
    pub(crate) invites: Table<Invite>,
}

/// A user of the organisation.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct User {
    pub(crate) id: String,
    pub(crate) first_name: String,
    pub(crate) last_name: String,
    pub(crate) role: String,
    pub(crate) email: String,
    pub(crate) created_at: String,
    pub(crate) last_updated_at: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Invite {
    pub(crate) id: String,
    pub(crate) email: String,
    pub(crate) role: String,
    pub(crate) created_at: String,
    pub(crate) expires_at: DateTime<Utc>,
    pub(crate) invited_by: String,
    pub(crate) workspaces: Vec<Value>,
    /// The scopes of the keys that the user gets in each workspace; `None` for no keys.
    #[serde(default)]
    pub(crate) key_scopes: Option<Vec<String>>,
    #[serde(default)]
    pub(crate) accepted_at: Option<DateTime<Utc>>,
    /// The last path segment of the current link; older links are invalid.
    pub(crate) token: String,
}

row! { User: "user", id: id }

row! { Invite: "invite", id: id }

impl Users {
    /// Returns the user on whose behalf organisation keys act.
    pub(crate) fn owner(&self) -> &str {
        self.accounts.iter().next().map_or("", |user| &user.id)
    }

    /// Returns the user on whose behalf a request acts: the user of the key, or else the owner.
    pub(crate) fn acting_user<'a>(&'a self, call: &'a Call) -> &'a str {
        let user = call.caller.user_id.as_deref();
        user.unwrap_or_else(|| self.owner())
    }
}

impl User {
    /// Creates a user whose name is derived from the email address.
    pub(crate) fn seed(email: &str, role: &str, now: DateTime<Utc>, ids: &Ids) -> Self {
        let name = email.split('@').next().unwrap_or_default();
        let letters = name.trim_end_matches(|c: char| c.is_ascii_digit());
        let mut first_name = letters.to_owned();
        if let Some(first) = first_name.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        Self {
            id: ids.uuid(),
            first_name,
            last_name: name[letters.len()..].to_owned(),
            role: role.to_owned(),
            email: email.to_owned(),
            created_at: timestamp(now),
            last_updated_at: timestamp(now),
        }
    }
}

impl Invite {
    pub(crate) fn status(&self, now: DateTime<Utc>) -> &'static str {
        match self.accepted_at {
            Some(_) => "accepted",
            None if self.expires_at > now => "pending",
            None => "expired",
        }
    }

    pub(crate) fn json(&self, now: DateTime<Utc>) -> Value {
        json!({
            "object": "invite",
            "id": self.id,
            "email": self.email,
            "role": self.role,
            "created_at": self.created_at,
            "expires_at": timestamp(self.expires_at),
            "accepted_at": self.accepted_at.map(timestamp),
            "status": self.status(now),
            "invited_by": self.invited_by,
            "workspaces": self.workspaces,
        })
    }
}

impl ResourceState for Users {}
