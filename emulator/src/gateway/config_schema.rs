//! The check of inline configs. A stored config is checked like any other body.

use std::sync::OnceLock;

use jsonschema::{Draft, Validator};
use portkey_admin_codegen::{constraints, json_schema};
use portkey_admin_constraints::Constraint;
use serde_json::{Value, json};

use crate::api_spec;

/// What is wrong with a config.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ConfigError {
    /// The JSON pointer of the member; empty for the config itself.
    pub(crate) location: String,
    pub(crate) reason: String,
}

/// Checks a config. The error names the member but not its value, which may be a secret.
pub(crate) fn check(config: &Value) -> Result<(), ConfigError> {
    let schema = schema().map_err(|reason| ConfigError {
        location: String::new(),
        reason: reason.to_owned(),
    })?;
    portkey_admin_constraints::check(&schema.constraints, &json!({"body": config})).map_err(
        |violation| ConfigError {
            location: violation.pointer(),
            reason: violation.reason,
        },
    )?;
    schema
        .validator
        .validate(config)
        .map_err(|error| ConfigError {
            location: error.instance_path().to_string(),
            reason: error.masked().to_string(),
        })
}

/// Returns a config and all its targets, with their locations.
pub(crate) fn targets<'a>(config: &'a Value, location: &str) -> Vec<(String, &'a Value)> {
    let mut all = vec![(location.to_owned(), config)];
    let nested = config["targets"].as_array().into_iter().flatten();
    for (index, target) in nested.enumerate() {
        all.extend(targets(target, &format!("{location}/targets/{index}")));
    }
    all
}

/// The schema `GatewayConfig` of the API specification.
struct Schema {
    constraints: Vec<Constraint>,
    validator: Validator,
}

/// Returns the compiled schema, or the error in it.
fn schema() -> Result<&'static Schema, &'static str> {
    static SCHEMA: OnceLock<Result<Schema, String>> = OnceLock::new();
    let compiled = SCHEMA.get_or_init(|| {
        let document = &api_spec::get()?.document;
        let reference = json!({"$ref": "#/components/schemas/GatewayConfig"});
        let constraints = constraints::schema_constraints(document, &reference);
        let schema =
            json_schema::bundle(document, &reference).map_err(|error| error.to_string())?;
        let options = jsonschema::options().with_draft(Draft::Draft202012);
        Ok(Schema {
            constraints: constraints.map_err(|error| error.to_string())?,
            validator: options.build(&schema).map_err(|error| error.to_string())?,
        })
    });
    compiled.as_ref().map_err(String::as_str)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::check;

    #[test]
    fn documented_configs_are_accepted() {
        for config in [
            json!({"retry": {"attempts": 3}, "cache": {"mode": "simple", "max_age": 60}}),
            json!({"provider": "@openai-prod", "weight": 0.5}),
            json!({"virtual_key": "a", "input_guardrails": ["guard_1", {"id": "guard_2"}]}),
            json!({"strategy": {"mode": "loadbalance"}, "targets": [
                {"override_params": {"model": "@a/b"}, "weight": 1},
                {"strategy": {"mode": "fallback", "on_status_codes": [429]}, "targets": [{"virtual_key": "b"}]},
            ]}),
            json!({"strategy": {"mode": "conditional", "default": "a", "conditions": [
                {"query": {"metadata.plan": {"$eq": "paid"}}, "then": "a"}]},
                "targets": [{"name": "a", "virtual_key": "b"}]}),
            json!({"cache": {"mode": "semantic"}, "some_new_member": true}),
            json!({"strategy": {"mode": "fallback"}, "targets": [
                {"passthrough": true, "override_params": {"model": "a"}}, {"provider": "@b"}]}),
            json!({"strategy": {"mode": "loadbalance", "sticky": {"enabled": true, "hash_fields": ["metadata.user"]},
                "cb_config": {"failure_threshold_percentage": 20, "cooldown_interval": 60_000}},
                "targets": [{"provider": "@b", "weight": 0}]}),
        ] {
            assert_eq!(check(&config), Ok(()), "{config}");
        }
    }

    #[test]
    fn errors_name_the_member_and_not_its_value() {
        let cases = [
            (json!({}), "/provider"),
            (json!([]), ""),
            (json!({"name": "canary"}), "/provider"),
            (
                json!({"targets": [{"cache": {"mode": "simple"}}]}),
                "/provider",
            ),
            (json!({"strategy": {"mode": "single"}}), "/provider"),
            (
                json!({"strategy": {"mode": "dance"}, "targets": []}),
                "/strategy/mode",
            ),
            (
                json!({"strategy": {"mode": "single"}, "targets": "canary"}),
                "/targets",
            ),
            (
                json!({"strategy": {"mode": "single"}, "targets": [{"weight": 1}]}),
                "/targets/0/provider",
            ),
            (
                json!({"strategy": {"mode": "conditional"}, "targets": []}),
                "/strategy/conditions",
            ),
            (json!({"retry": {}}), "/retry/attempts"),
            (json!({"provider": "a", "weight": -1}), "/weight"),
            (json!({"cache": {"mode": ["canary"]}}), "/cache/mode"),
            (json!({"virtual_key": 7}), "/virtual_key"),
            (
                json!({"retry": {"attempts": 1}, "cb_config": {"failure_threshold": 1, "cooldown_interval": 5}}),
                "/cb_config/cooldown_interval",
            ),
        ];
        for (config, location) in cases {
            let error = check(&config).expect_err(&config.to_string());
            assert_eq!(error.location, location, "{config}: {}", error.reason);
            assert!(!error.reason.contains("canary"), "{}", error.reason);
        }
    }

    #[test]
    fn deeply_nested_targets_are_checked() {
        let mut config = json!({"strategy": {"mode": "dance"}, "targets": []});
        for _ in 0..50 {
            config = json!({"strategy": {"mode": "single"}, "targets": [config]});
        }
        assert!(check(&config).is_err());
        assert!(check(&Value::Null).is_err());
    }
}
