//! Response bodies in the format of the service.

use serde_json::{Value, json};

/// Returns an API key with `null` for unset fields, and some fields that are not in the OpenAPI document.
pub fn key(index: usize) -> Value {
    json!({
        "id": format!("00000000-0000-4000-8000-{index:012}"),
        "key": "ab*****xyz",
        "name": format!("Key {index}"),
        "description": null,
        "type": "workspace-service",
        "organisation_id": "00000000-0000-4000-8000-000000000099",
        "workspace_id": "00000000-0000-4000-8000-000000000021",
        "user_id": null,
        "status": "active",
        "creation_mode": "ui",
        "created_at": "2026-01-02T03:04:05.120Z",
        "last_updated_at": "2026-01-02T03:04:05.120Z",
        "rate_limits": [{"type": "requests", "unit": "rpm", "value": 100}],
        "usage_limits": {"type": "cost", "credit_limit": 10, "alert_threshold": 8, "periodic_reset": "monthly"},
        "reset_usage": null,
        "last_reset_at": null,
        "expires_at": null,
        "alert_emails": null,
        "expiry_enforced": 0,
        "allow_config_override": 1,
        "api_key_defaults_id": null,
        "scopes": [
            "logs.list", "logs.view", "configs.list", "configs.read", "prompts.list", "prompts.read",
            "virtual_keys.list", "virtual_keys.read", "completions.write"
        ],
        "defaults": {"metadata": {"team": "one"}, "config_id": null, "allow_config_override": true},
        "object": "api-key",
        "unheard_of": {"a": [1, 2, 3]}
    })
}

/// Returns a page of a list with `total` items.
pub fn list(total: usize, items: Vec<Value>) -> String {
    json!({"object": "list", "total": total, "data": items}).to_string()
}
