//! The routing configuration of a config, which is a string or an object.

use serde_json::{Error, Value};

use crate::configs::{Config, ConfigVersion};

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
