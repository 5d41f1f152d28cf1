//! The routing configuration of a config, which is a string or an object.

use serde_json::{Error, Value};

use super::upsert::{Creation, Upserted};
use crate::{
    JsonObject,
    configs::{Config, ConfigVersion, CreateConfig},
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

impl Config {
    /// Returns the routing configuration as JSON, whether the service sent it as a string or as an
    /// object; `null` if it is absent. The field `config` contains it unchanged.
    ///
    /// # Errors
    ///
    /// If it is a string that is not valid JSON.
    pub fn config_json(&self) -> Result<Value, Error> {
        parse(self.config.as_ref())
    }
}

impl ConfigVersion {
    /// Returns the routing configuration as JSON, whether the service sent it as a string or as an
    /// object; `null` if it is absent. The field `config` contains it unchanged.
    ///
    /// # Errors
    ///
    /// If it is a string that is not valid JSON.
    pub fn config_json(&self) -> Result<Value, Error> {
        parse(self.config.as_ref())
    }
}

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
    fn an_absent_configuration_is_null_and_malformed_json_is_an_error() {
        assert_eq!(version(json!({})).config_json().unwrap(), Value::Null);
        assert!(version(json!({"config": "{"})).config_json().is_err());
    }
}
