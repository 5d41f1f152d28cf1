//! The models of an integration.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::call::Call;
use crate::error::ApiError;
use crate::state::custom_host;

/// The built-in models of an integration, by AI provider. The service's lists are much longer; any
/// other slug is treated as built in.
pub(crate) const BUILT_IN: [(&str, &[&str]); 3] = [
    ("openai", &["gpt-4o", "gpt-4o-mini"]),
    (
        "anthropic",
        &["claude-sonnet-4-0", "claude-3-5-haiku-latest"],
    ),
    ("bedrock", &["anthropic.claude-3-haiku-20240307-v1:0"]),
];

/// The models of one integration.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Models {
    /// Whether models that are not enabled individually may be used.
    pub(crate) allow_all: bool,
    pub(crate) list: Vec<Model>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Model {
    pub(crate) slug: String,
    pub(crate) enabled: bool,
    pub(crate) is_custom: bool,
    pub(crate) is_finetune: bool,
    pub(crate) base_model_slug: Value,
    pub(crate) pricing_config: Value,
    pub(crate) configurations: Value,
    pub(crate) created_at: String,
    pub(crate) last_updated_at: String,
}

impl Models {
    /// Returns the built-in models of an AI provider.
    pub(crate) fn built_in(ai_provider_id: &str, at: &str) -> Self {
        let mut known = BUILT_IN.iter();
        let known = known.find(|(provider, _)| *provider == ai_provider_id);
        let slugs = known.map_or(&[][..], |(_, slugs)| slugs);
        Self {
            allow_all: true,
            list: slugs.iter().map(|slug| Model::new(slug, at)).collect(),
        }
    }

    /// Adds and updates models; models that are not listed are kept or, if the request overrides
    /// the access, disabled.
    pub(crate) fn apply(&mut self, call: &Call, ai_provider_id: &str) -> Result<(), ApiError> {
        let known = self.list.iter().enumerate();
        let mut positions: HashMap<String, usize> =
            known.map(|(at, model)| (model.slug.clone(), at)).collect();
        if call.body_value("override_existing_model_access") == true {
            self.list.iter_mut().for_each(|model| model.enabled = false);
        }
        for (index, item) in call.body_items("models").iter().enumerate() {
            let slug = item["slug"].as_str().unwrap_or_default();
            validate(item, &format!("models/{index}"), ai_provider_id)?;
            let position = *positions.entry(slug.to_owned()).or_insert_with(|| {
                self.list.push(Model {
                    is_custom: is_truthy(&item["is_custom"]),
                    ..Model::new(slug, &call.timestamp())
                });
                self.list.len() - 1
            });
            if let Some(model) = self.list.get_mut(position) {
                model.apply(item, &call.timestamp());
            }
        }
        if let Some(all) = call.body_field("allow_all_models").and_then(Value::as_bool) {
            self.allow_all = all;
        }
        Ok(())
    }

    /// Removes the models with these slugs: all of them or, on an error, none.
    pub(crate) fn remove(&mut self, slugs: &HashSet<&str>) -> Result<(), ApiError> {
        let is_named = |model: &&Model| slugs.contains(model.slug.as_str());
        let found: Vec<&Model> = self.list.iter().filter(is_named).collect();
        if found.len() < slugs.len() {
            return Err(ApiError::not_found("model"));
        }
        if let Some(built_in) = found.iter().find(|model| !model.is_custom) {
            let message = format!(
                "query parameter `slugs`: `{}` is not a custom model; disable it instead",
                built_in.slug
            );
            return Err(ApiError::bad_request(message));
        }
        self.list
            .retain(|model| !slugs.contains(model.slug.as_str()));
        Ok(())
    }
}

/// Returns whether a value is one of the representations of `true` that clients send.
pub(crate) fn is_truthy(value: &Value) -> bool {
    *value == true || *value == 1 || *value == "true"
}

/// Checks that the ARN of an inference profile comes with its model.
pub(crate) fn validate(
    item: &Value,
    field_path: &str,
    ai_provider_id: &str,
) -> Result<(), ApiError> {
    let slug = item["slug"].as_str().unwrap_or_default();
    if slug.is_empty() {
        return Err(ApiError::invalid_field(
            &format!("{field_path}/slug"),
            "must not be empty",
        ));
    }
    let host_path = format!("{field_path}/configurations/custom_host");
    custom_host::validate(&item["configurations"]["custom_host"], &host_path)?;
    let is_inference_profile = ai_provider_id == "bedrock" && slug.starts_with("arn:");
    if is_inference_profile && is_truthy(&item["is_custom"]) && item["base_model_slug"].is_null() {
        let field_path = format!("{field_path}/base_model_slug");
        return Err(ApiError::invalid_field(
            &field_path,
            "is required for an ARN",
        ));
    }
    Ok(())
}

impl Model {
    pub(crate) fn new(slug: &str, at: &str) -> Self {
        Self {
            slug: slug.to_owned(),
            enabled: true,
            is_custom: false,
            is_finetune: false,
            base_model_slug: Value::Null,
            pricing_config: Value::Null,
            configurations: Value::Null,
            created_at: at.to_owned(),
            last_updated_at: at.to_owned(),
        }
    }

    pub(crate) fn apply(&mut self, item: &Value, at: &str) {
        if let Some(enabled) = item["enabled"].as_bool() {
            self.enabled = enabled;
        }
        if let Some(is_finetune) = item.get("is_finetune") {
            self.is_finetune = is_truthy(is_finetune);
        }
        let values = [
            ("base_model_slug", &mut self.base_model_slug),
            ("pricing_config", &mut self.pricing_config),
            ("configurations", &mut self.configurations),
        ];
        for (name, target) in values {
            if let Some(value) = item.get(name) {
                target.clone_from(value);
            }
        }
        at.clone_into(&mut self.last_updated_at);
    }

    /// Formats each boolean as the service does: as a boolean, an integer or a string.
    pub(crate) fn json(&self) -> Value {
        json!({
            "slug": self.slug,
            "name": self.slug,
            "enabled": self.enabled,
            "is_custom": i32::from(self.is_custom),
            "is_finetune": self.is_finetune.to_string(),
            "base_model_slug": self.base_model_slug,
            "pricing_config": self.pricing_config,
            "configurations": self.configurations,
            "created_at": self.created_at,
            "last_updated_at": self.last_updated_at,
        })
    }
}
