//! Secret references: the locations of secrets in external secret managers.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::call::Caller;
use crate::error::ApiError;
use crate::state::table::{Row, Table, row};

pub(crate) type SecretReferences = Table<SecretReference>;

/// The required settings of each authentication method: the secret manager, the setting that
/// selects the method, its value, and the required settings.
pub(crate) const AUTH_METHODS: [(&str, &str, &str, &[&str]); 9] = [
    (
        "aws_sm",
        "aws_auth_type",
        "accessKey",
        &["aws_access_key_id", "aws_secret_access_key", "aws_region"],
    ),
    (
        "aws_sm",
        "aws_auth_type",
        "assumedRole",
        &["aws_role_arn", "aws_region"],
    ),
    ("aws_sm", "aws_auth_type", "serviceRole", &[]),
    (
        "azure_kv",
        "azure_auth_mode",
        "entra",
        &[
            "azure_vault_url",
            "azure_entra_tenant_id",
            "azure_entra_client_id",
            "azure_entra_client_secret",
        ],
    ),
    (
        "azure_kv",
        "azure_auth_mode",
        "managed",
        &["azure_vault_url"],
    ),
    (
        "azure_kv",
        "azure_auth_mode",
        "default",
        &["azure_vault_url"],
    ),
    (
        "hashicorp_vault",
        "vault_auth_type",
        "token",
        &["vault_addr", "vault_token"],
    ),
    (
        "hashicorp_vault",
        "vault_auth_type",
        "approle",
        &["vault_addr", "vault_role_id", "vault_secret_id"],
    ),
    (
        "hashicorp_vault",
        "vault_auth_type",
        "kubernetes",
        &["vault_addr", "vault_role"],
    ),
];

/// A reference to a secret.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SecretReference {
    pub(crate) id: String,
    pub(crate) slug: String,
    pub(crate) name: String,
    pub(crate) description: Value,
    pub(crate) manager_type: String,
    pub(crate) auth_config: Map<String, Value>,
    pub(crate) secret_path: String,
    pub(crate) secret_key: Value,
    pub(crate) tags: Value,
    pub(crate) allow_all_workspaces: bool,
    /// The UUIDs of the workspaces that may use the reference, unless all may. Not in any response.
    pub(crate) allowed_workspaces: Vec<String>,
    pub(crate) created_by: String,
    pub(crate) created_at: String,
    pub(crate) last_updated_at: String,
}

row! {
    SecretReference: "secret reference", id: id, slug: slug,
    {
        /// A workspace key sees the references that its workspace may use.
        fn visible_to(&self, caller: &Caller) -> bool {
            caller
                .workspace()
                .is_none_or(|workspace| self.allows_workspace(workspace))
        }
    }
}

impl SecretReference {
    pub(crate) fn allows_workspace(&self, workspace: &str) -> bool {
        self.allow_all_workspaces || self.allowed_workspaces.iter().any(|id| id == workspace)
    }

    pub(crate) fn list_json(&self) -> Value {
        json!({
            "id": self.id,
            "slug": self.slug,
            "name": self.name,
            "manager_type": self.manager_type,
            "status": "ACTIVE",
            "created_at": self.created_at,
            "last_updated_at": self.last_updated_at,
            "object": "secret-reference",
        })
    }

    /// Merges settings by name; masked settings from a response are ignored.
    pub(crate) fn apply_auth(&mut self, auth_config: Option<&Value>) -> Result<(), ApiError> {
        let fields = auth_config.and_then(Value::as_object).into_iter().flatten();
        let settings = fields.filter(|(name, _)| !name.starts_with("masked_"));
        self.auth_config
            .extend(settings.map(|(name, value)| (name.clone(), value.clone())));
        validate_auth(&self.manager_type, &self.auth_config)
    }
}

pub(crate) fn validate_auth(manager: &str, settings: &Map<String, Value>) -> Result<(), ApiError> {
    let error = |name: &str, reason: &str| {
        let field_path = format!("auth_config/{name}");
        Err(ApiError::invalid_field(&field_path, reason))
    };
    let mut methods = AUTH_METHODS.iter().filter(|(kind, ..)| *kind == manager);
    let Some((_, discriminator, ..)) = methods.clone().next() else {
        return Ok(());
    };
    let Some(method) = settings.get(*discriminator).and_then(Value::as_str) else {
        return error(discriminator, "is required");
    };
    let Some((.., required_settings)) = methods.find(|(_, _, known, _)| *known == method) else {
        return error(
            discriminator,
            "is not an authentication method of the secret manager",
        );
    };
    match required_settings
        .iter()
        .find(|name| !settings.contains_key(**name))
    {
        Some(missing) => error(missing, "is required"),
        None => Ok(()),
    }
}

/// Returns whether any of these mappings fills this field.
pub(crate) fn is_mapped(secret_mappings: &[Value], target: &str) -> bool {
    let mut targets = secret_mappings
        .iter()
        .map(|mapping| &mapping["target_field"]);
    targets.any(|field| field == target)
}
