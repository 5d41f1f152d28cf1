//! The routing configuration of a config, which is a string or an object.

use serde::Deserialize;
use serde_json::{Error, Value};

use super::upsert::{Creation, Upserted};
use crate::{
    JsonObject,
    configs::{Config, ConfigVersion, CreateConfig, GatewayConfig},
};

impl CreateConfig {
    /// Updates the config with the name in the body, or creates it if the workspace has none.
    ///
    /// The service has no such operation, so the list is read first. Names need not be unique: two
    /// clients that call this at the same time can create two configs, and later calls fail. An
    /// update creates a new version, also without a change, and does not apply `isDefault`.
    ///
    /// ```no_run
    /// # async fn example(client: portkey_admin::Client) -> Result<(), portkey_admin::Error> {
    /// use portkey_admin::configs::CreateConfigRequest;
    /// use serde_json::json;
    ///
    /// let body = CreateConfigRequest::builder()
    ///     .name("production")
    ///     .workspace_id("ws-research")
    ///     .config(json!({"retry": {"attempts": 3}}));
    /// let config = client.create_config().body(body).upsert().await?;
    /// println!("{} {}", config.id(), if config.is_created() { "created" } else { "updated" });
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// If several configs have the name ([`Error::is_ambiguous`](crate::Error::is_ambiguous));
    /// otherwise the errors of [`Client::list_configs`](crate::Client::list_configs),
    /// [`Client::create_config`](crate::Client::create_config) and
    /// [`Client::update_config`](crate::Client::update_config).
    pub async fn upsert(self) -> Result<Upserted, crate::Error> {
        let creation = Creation::new(&self.call)?;
        let client = &creation.client;
        let configs = client
            .list_configs()
            .workspace_id(creation.string("workspace_id"));
        match configs.stream().find_by_name(&creation.name).await? {
            Some(config) => {
                let body = creation.update(&["workspace_id", "isDefault"]);
                let body = JsonObject::from(body);
                client.update_config(&config.slug).body(body).await?;
                Ok(Upserted::Updated(config.slug))
            }
            None => Ok(Upserted::Created(self.send().await?.slug)),
        }
    }
}

/// Implements the access to the routing configuration.
macro_rules! routing_configuration {
    ($name:ident) => {
        impl $name {
            /// Returns the routing configuration as a type, whether the service sent it as a string or
            /// as an object. Fields that the type lacks or that do not match it are in `extra`, so
            /// sending it back loses nothing.
            ///
            /// # Errors
            ///
            /// If it is absent, as in items of a list, or is not a JSON object.
            pub fn gateway_config(&self) -> Result<GatewayConfig, Error> {
                GatewayConfig::deserialize(self.config_json()?)
            }

            /// Returns the routing configuration as JSON, whether the service sent it as a string or as
            /// an object; `null` if it is absent. The field `config` contains it unchanged.
            ///
            /// # Errors
            ///
            /// If it is a string that is not valid JSON.
            pub fn config_json(&self) -> Result<Value, Error> {
                parse(self.config.as_ref())
            }
        }
    };
}

routing_configuration!(Config);
routing_configuration!(ConfigVersion);

fn parse(config: Option<&Value>) -> Result<Value, Error> {
    match config {
        Some(Value::String(json)) => serde_json::from_str(json),
        Some(other) => Ok(other.clone()),
        None => Ok(Value::Null),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::configs::{CreateConfigRequest, StrategyMode};
    use serde_json::json;

    fn version(response: Value) -> ConfigVersion {
        serde_json::from_value(response).unwrap()
    }

    #[test]
    fn a_string_and_an_object_give_the_same_configuration() {
        let config = json!({"retry": {"attempts": 3}});
        for sent in [json!(config.to_string()), config.clone()] {
            let version = version(json!({"config": sent}));
            assert_eq!(version.config_json().unwrap(), config);
            assert_eq!(version.config, Some(sent));
        }
    }

    #[test]
    fn a_config_is_parsed_like_its_versions() {
        let config: Config = serde_json::from_value(json!({
            "id": "one", "name": "one", "slug": "pc-one", "status": "active",
            "organisation_id": "two", "config": "{\"cache\":{}}",
            "created_at": "2026-01-02T03:04:05.000Z",
            "last_updated_at": "2026-01-02T03:04:05.000Z",
        }))
        .unwrap();
        assert_eq!(config.config_json().unwrap(), json!({"cache": {}}));
    }

    #[test]
    fn a_typed_configuration_is_sent_as_it_was_read() {
        let config = json!({
            "strategy": {"mode": "fallback", "on_status_codes": []},
            "targets": [
                {"provider": "@one", "weight": 0.5, "override_params": {"model": "a"}, "new": null, "x": 1},
                {"api_key": "canary", "retry": {"attempts": "many"}, "input_guardrails": ["g", {"id": "h"}]},
            ],
            "cache": {"max_age": 60},
        });
        let typed = version(json!({"config": config.to_string()}))
            .gateway_config()
            .unwrap();
        let targets = typed.targets.as_deref().unwrap();
        assert_eq!(
            typed.strategy.as_ref().unwrap().mode,
            StrategyMode::Fallback
        );
        assert_eq!(targets[0].weight, Some(0.5));
        assert_eq!(targets[0].extra["x"], 1);
        assert_eq!(targets[1].api_key, Some("canary".into()));
        assert_eq!(targets[1].extra["retry"]["attempts"], "many");
        assert!(!format!("{typed:?}").contains("canary"));
        let mut expected = config;
        // `null` is the same as an absent field.
        expected["targets"][0]
            .as_object_mut()
            .unwrap()
            .remove("new");
        let body = CreateConfigRequest::builder()
            .config(typed)
            .build()
            .unwrap();
        assert_eq!(serde_json::to_value(body).unwrap()["config"], expected);
    }

    #[test]
    fn an_absent_configuration_is_null_and_malformed_json_is_an_error() {
        assert_eq!(version(json!({})).config_json().unwrap(), Value::Null);
        for (config, expected) in [
            (json!({"config": "{"}), "EOF"),
            (json!({}), "expected an object, found null"),
            (
                json!({"config": "[]"}),
                "expected an object, found an array",
            ),
        ] {
            let error = version(config.clone()).gateway_config().unwrap_err();
            assert!(error.to_string().contains(expected), "{config}: {error}");
        }
        assert!(version(json!({"config": "{"})).config_json().is_err());
    }
}
