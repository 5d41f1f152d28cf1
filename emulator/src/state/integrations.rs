//! Integrations: credentials of AI providers, and the workspaces that may use them.

pub(crate) mod models;
pub(crate) mod workspaces;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::call::Caller;
use crate::error::ApiError;
use crate::ids::Ids;
use crate::state::access_list::Shared;
use crate::state::table::{Row, Table, row};
use crate::state::virtual_keys::VirtualKey;
use crate::state::{custom_host, masking, secret_references};

pub(crate) type Integrations = Table<Integration>;

/// AI providers that require no key.
pub(crate) const KEYLESS_PROVIDERS: [&str; 5] =
    ["bedrock", "ollama", "sagemaker", "triton", "vertex-ai"];

/// Settings that the service requires, by AI provider.
pub(crate) const REQUIRED_SETTINGS: [(&str, &[&str]); 2] = [
    (
        "azure-openai",
        &[
            "azure_auth_mode",
            "azure_resource_name",
            "azure_deployment_config",
        ],
    ),
    ("azure-ai", &["azure_auth_mode", "azure_foundry_url"]),
];

/// Settings that the Azure authentication mode `workload` requires (V115).
const WORKLOAD_SETTINGS: [&str; 2] = ["azure_workload_client_id", "azure_workload_tenant_id"];

/// The credentials of an AI provider.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Integration {
    pub(crate) id: String,
    pub(crate) slug: String,
    /// `None` for an integration of the organisation.
    pub(crate) workspace_id: Option<String>,
    pub(crate) secret_mappings: Vec<Value>,
    pub(crate) name: String,
    pub(crate) description: Value,
    pub(crate) ai_provider_id: String,
    pub(crate) owner_id: String,
    pub(crate) key: Option<String>,
    pub(crate) configurations: Value,
    pub(crate) pricing_adjustments: Value,
    #[serde(default)]
    pub(crate) tags: Value,
    /// The virtual key for which the integration was created, if any.
    pub(crate) virtual_key: Option<String>,
    pub(crate) models: models::Models,
    pub(crate) access: workspaces::Access,
    /// Whether the global access was set without creating default providers.
    #[serde(default)]
    pub(crate) without_providers: bool,
    pub(crate) created_at: String,
    pub(crate) last_updated_at: Option<String>,
}

row! {
    Integration: "integration", id: id, slug: slug, optional_workspace: workspace_id,
    {
        /// An integration of the organisation is visible to every key.
        fn visible_to(&self, caller: &Caller) -> bool {
            self.workspace()
                .is_none_or(|workspace| caller.can_see(workspace))
        }
    }
}

impl Shared for Integration {
    type Settings = workspaces::Limits;

    fn access(&self) -> &workspaces::Access {
        &self.access
    }
}

impl Integration {
    pub(crate) fn new(
        slug: String,
        name: &str,
        ai_provider_id: &str,
        owner: &str,
        at: &str,
        ids: &Ids,
    ) -> Self {
        Self {
            id: ids.uuid(),
            slug,
            workspace_id: None,
            secret_mappings: Vec::new(),
            name: name.to_owned(),
            description: Value::Null,
            ai_provider_id: ai_provider_id.to_owned(),
            owner_id: owner.to_owned(),
            key: None,
            configurations: Value::Null,
            pricing_adjustments: Value::Null,
            tags: Value::Null,
            virtual_key: None,
            models: models::Models::built_in(ai_provider_id, at),
            access: workspaces::Access::default(),
            without_providers: false,
            created_at: at.to_owned(),
            last_updated_at: None,
        }
    }

    /// Creates the integration that holds the credentials of a virtual key. It has the key's slug.
    pub(crate) fn for_virtual_key(
        key: &VirtualKey,
        secret: Option<&str>,
        owner: &str,
        ids: &Ids,
    ) -> Self {
        let slug = key.integration_id.clone();
        let mut integration =
            Self::new(slug, &key.name, &key.provider, owner, &key.created_at, ids);
        integration.assign_to_workspace(&key.workspace_id);
        integration.key = secret.map(str::to_owned);
        integration.virtual_key = Some(key.id.clone());
        integration
    }

    pub(crate) fn assign_to_workspace(&mut self, workspace: &str) {
        self.workspace_id = Some(workspace.to_owned());
        self.access.entry(workspace).enabled = true;
    }

    pub(crate) fn ai_provider_id(&self) -> &str {
        &self.ai_provider_id
    }

    /// Returns whether the integration was created for this virtual key.
    pub(crate) fn is_for_virtual_key(&self, key: &VirtualKey) -> bool {
        self.virtual_key.as_ref() == Some(&key.id)
    }

    /// Returns the masked key, as shown in responses.
    pub(crate) fn masked_key(&self) -> Option<String> {
        self.key.as_deref().map(masking::mask)
    }

    /// Rejects settings with which the service could not authenticate.
    pub(crate) fn validate_settings(&self) -> Result<(), ApiError> {
        let settings = REQUIRED_SETTINGS.iter();
        let required = settings.filter(|(provider, _)| *provider == self.ai_provider_id);
        let for_workload = match self.configurations["azure_auth_mode"] == "workload" {
            true => &WORKLOAD_SETTINGS[..],
            false => &[],
        };
        for name in required.flat_map(|(_, names)| *names).chain(for_workload) {
            let target = format!("configurations.{name}");
            if self.configurations[*name].is_null()
                && !secret_references::is_mapped(&self.secret_mappings, &target)
            {
                let field_path = format!("configurations/{name}");
                return Err(ApiError::invalid_field(&field_path, "is required"));
            }
        }
        custom_host::validate(
            &self.configurations["custom_host"],
            "configurations/custom_host",
        )?;
        // Azure has authentication modes that need no key.
        let mode = self.configurations["azure_auth_mode"].as_str();
        if mode.is_some_and(|mode| mode != "default") {
            return Ok(());
        }
        let key_is_mapped = secret_references::is_mapped(&self.secret_mappings, "key");
        require_key(&self.ai_provider_id, self.key.is_some() || key_is_mapped)
    }
}

/// Rejects credentials without a key if the AI provider requires one.
pub(crate) fn require_key(ai_provider_id: &str, has_key: bool) -> Result<(), ApiError> {
    match has_key || KEYLESS_PROVIDERS.contains(&ai_provider_id) {
        true => Ok(()),
        false => Err(ApiError::invalid_field(
            "key",
            "is required by the provider",
        )),
    }
}
