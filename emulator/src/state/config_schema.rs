//! The form of gateway configs, of which the vendor publishes a JSON Schema (V205).
//!
//! Members that the schema does not have are accepted, since the vendor's guides use such members.

use std::sync::OnceLock;

use jsonschema::{Draft, Validator};
use serde_json::{Value, json};

/// A config has at least one of these members, or `strategy` and `targets`. The published schema
/// asks for credentials beside `provider`; a saved provider (`@slug`) and a request with its own
/// `Authorization` do not need them.
const EFFECTIVE_MEMBERS: [&str; 15] = [
    "after_request_hooks",
    "before_request_hooks",
    "cache",
    "default_params",
    "drop_params",
    "forward_headers",
    "input_guardrails",
    "output_guardrails",
    "override_params",
    "passthrough",
    "prompt_id",
    "provider",
    "request_timeout",
    "retry",
    "virtual_key",
];

/// The members that exclude `passthrough: true` (V092).
const NOT_WITH_PASSTHROUGH: [&str; 5] = [
    "targets",
    "strategy",
    "override_params",
    "input_guardrails",
    "output_guardrails",
];

/// What is wrong with a config.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ConfigError {
    /// The JSON pointer of the member; empty for the config itself.
    pub(crate) location: String,
    pub(crate) reason: String,
}

/// Checks a config. The error names the member but not its value, which may be a secret.
pub(crate) fn check(config: &Value) -> Result<(), ConfigError> {
    let validator = validator().map_err(|reason| ConfigError {
        location: String::new(),
        reason: reason.to_owned(),
    })?;
    match validator.validate(config) {
        Ok(()) => check_members(config, ""),
        Err(error) => Err(ConfigError {
            location: error.instance_path().to_string(),
            reason: error.masked().to_string(),
        }),
    }
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

fn check_members(config: &Value, location: &str) -> Result<(), ConfigError> {
    for (location, target) in targets(config, location) {
        let has = |name: &str| !target[name].is_null();
        let is_routing = has("strategy") && has("targets");
        if !is_routing && !EFFECTIVE_MEMBERS.into_iter().any(has) {
            let reason = "has no member that selects a provider or changes a request".to_owned();
            return Err(ConfigError { location, reason });
        }
        let excluded = NOT_WITH_PASSTHROUGH.into_iter().find(|name| has(name));
        if let (true, Some(name)) = (target["passthrough"] == true, excluded) {
            let reason = "cannot be combined with `passthrough`".to_owned();
            let location = format!("{location}/{name}");
            return Err(ConfigError { location, reason });
        }
    }
    Ok(())
}

/// Returns the compiled schema, or the error in it.
fn validator() -> Result<&'static Validator, &'static str> {
    static VALIDATOR: OnceLock<Result<Validator, String>> = OnceLock::new();
    let compiled = VALIDATOR.get_or_init(|| {
        let options = jsonschema::options().with_draft(Draft::Draft202012);
        options.build(&schema()).map_err(|error| error.to_string())
    });
    compiled.as_ref().map_err(String::as_str)
}

/// The types of the members that have the same type wherever they occur.
const TYPES: [(&str, &[&str]); 4] = [
    (
        "string",
        &[
            "name",
            "provider",
            "api_key",
            "virtual_key",
            "prompt_id",
            "custom_host",
            "resource_name",
            "deployment_id",
            "api_version",
            "aws_access_key_id",
            "aws_secret_access_key",
            "aws_region",
            "aws_session_token",
            "openai_organization",
            "openai_project",
            "vertex_project_id",
            "vertex_region",
            "azure_region",
            "azure_deployment_name",
            "azure_endpoint_name",
            "azure_api_version",
        ],
    ),
    ("boolean", &["strict_open_ai_compliance", "passthrough"]),
    ("number", &["weight", "request_timeout"]),
    (
        "object",
        &[
            "override_params",
            "default_params",
            "vertex_service_account_json",
        ],
    ),
];

fn schema() -> Value {
    let list_of = |kind: &str| json!({"type": "array", "items": {"type": kind}});
    let guardrails = json!({"type": "array", "items": {"type": ["object", "string"]}});
    let hooks = json!({
        "type": "array",
        "items": {"type": "object", "properties": {"id": {"type": "string"}}},
    });
    let mut schema = json!({
        "type": "object",
        "properties": {
            "strategy": {
                "type": "object",
                "required": ["mode"],
                "properties": {
                    "mode": {"enum": ["single", "loadbalance", "fallback", "conditional"]},
                    "on_status_codes": list_of("integer"),
                    "default": {"type": "string"},
                    "conditions": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "required": ["query", "then"],
                            "properties": {"query": {"type": "object"}, "then": {"type": "string"}},
                        },
                    },
                },
                "if": {"properties": {"mode": {"const": "conditional"}}},
                "then": {"required": ["conditions", "default"]},
            },
            "cache": {
                "type": "object",
                "required": ["mode"],
                "properties": {
                    "mode": {"enum": ["simple", "semantic"]},
                    "max_age": {"type": "number"},
                },
            },
            "retry": {
                "type": "object",
                "required": ["attempts"],
                "properties": {
                    "attempts": {"type": "number"},
                    "on_status_codes": list_of("number"),
                },
            },
            "cb_config": {
                "type": "object",
                "required": ["failure_threshold", "cooldown_interval"],
                "properties": {
                    "failure_threshold": {"type": "number", "minimum": 1},
                    "cooldown_interval": {"type": "number", "minimum": 30_000},
                    "failure_status_codes": list_of("integer"),
                },
            },
            "targets": {"type": "array", "items": {"$ref": "#"}},
            "drop_params": list_of("string"),
            "forward_headers": list_of("string"),
            "on_status_codes": list_of("integer"),
            "azure_deployment_type": {"enum": ["serverless", "managed"]},
            "input_guardrails": guardrails,
            "output_guardrails": guardrails,
            "before_request_hooks": hooks,
            "after_request_hooks": hooks,
        },
    });
    for (kind, names) in TYPES {
        for name in names {
            schema["properties"][*name] = json!({"type": kind});
        }
    }
    schema
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
        ] {
            assert_eq!(check(&config), Ok(()), "{config}");
        }
    }

    #[test]
    fn errors_name_the_member_and_not_its_value() {
        let cases = [
            (json!({}), ""),
            (json!([]), ""),
            (json!({"name": "canary"}), ""),
            (
                json!({"strategy": {"mode": "canary"}, "targets": []}),
                "/strategy/mode",
            ),
            (
                json!({"strategy": {"mode": "single"}, "targets": "canary"}),
                "/targets",
            ),
            (
                json!({"strategy": {"mode": "single"}, "targets": [{"weight": 1}]}),
                "/targets/0",
            ),
            (
                json!({"strategy": {"mode": "conditional"}, "targets": []}),
                "/strategy",
            ),
            (json!({"retry": {}}), "/retry"),
            (json!({"cache": {"mode": ["canary"]}}), "/cache/mode"),
            (json!({"virtual_key": 7}), "/virtual_key"),
            (
                json!({"retry": {"attempts": 1}, "cb_config": {"failure_threshold": 1, "cooldown_interval": 5}}),
                "/cb_config/cooldown_interval",
            ),
            (json!({"passthrough": true, "targets": []}), "/targets"),
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
