//! The routing configuration inside a config, which comes as text or as an object.

use serde_json::{Error, Value};

use crate::types::{Config, ConfigVersion};

impl Config {
    /// The routing configuration as JSON, whether it came as text or as an object (M022); `null`
    /// where it did not come. The field `config` has it as it came.
    ///
    /// Text that is not JSON is an error.
    pub fn config_json(&self) -> Result<Value, Error> {
        parsed(self.config.as_ref())
    }
}

impl ConfigVersion {
    /// The routing configuration as JSON, whether it came as text or as an object (M022, M028);
    /// `null` where it did not come. The field `config` has it as it came.
    ///
    /// Text that is not JSON is an error.
    pub fn config_json(&self) -> Result<Value, Error> {
        parsed(self.config.as_ref())
    }
}

fn parsed(config: Option<&Value>) -> Result<Value, Error> {
    match config {
        Some(Value::String(text)) => serde_json::from_str(text),
        Some(other) => Ok(other.clone()),
        None => Ok(Value::Null),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn version(answer: Value) -> ConfigVersion {
        serde_json::from_value(answer).unwrap()
    }

    #[test]
    fn text_and_object_are_the_same_configuration() {
        let config = json!({"retry": {"attempts": 3}});
        for sent in [json!(config.to_string()), config.clone()] {
            let version = version(json!({"config": sent}));
            assert_eq!(version.config_json().unwrap(), config);
            assert_eq!(version.config, Some(sent));
        }
    }

    #[test]
    fn a_config_is_read_like_its_versions() {
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
    fn an_absent_configuration_is_null_and_a_broken_one_an_error() {
        assert_eq!(version(json!({})).config_json().unwrap(), Value::Null);
        assert!(version(json!({"config": "{"})).config_json().is_err());
    }
}
