//! The catalogues of the service: AI providers, guardrail partners and guardrail checks. The service's
//! lists are much longer.

use serde_json::{Value, json};

/// AI providers: slug, which `ai_provider_id` of an integration accepts, and name.
const AI_PROVIDERS: [(&str, &str); 8] = [
    ("anthropic", "Anthropic"),
    ("azure-ai", "Azure AI Foundry"),
    ("azure-openai", "Azure OpenAI"),
    ("bedrock", "AWS Bedrock"),
    ("example-provider", "Example Provider"),
    ("ollama", "Ollama"),
    ("openai", "OpenAI"),
    ("vertex-ai", "Google Vertex AI"),
];

/// Partners with guardrail checks: slug and name.
const PLUGIN_PROVIDERS: [(&str, &str); 3] = [
    ("aporia", "Aporia"),
    ("pangea", "Pangea"),
    ("patronus", "Patronus AI"),
];

/// Guardrail checks: id, name and JSON schema of the parameters.
fn checks() -> [(&'static str, &'static str, Value); 3] {
    let words = json!({"type": "array", "items": {"type": "string"}});
    let count = json!({"type": "integer", "minimum": 0});
    [
        (
            "default.contains",
            "Contains",
            json!({
                "words": words,
                "operator": {"type": "string", "enum": ["any", "all", "none"]},
            }),
        ),
        (
            "default.regexMatch",
            "Regex Match",
            json!({"rule": {"type": "string"}}),
        ),
        (
            "default.wordCount",
            "Word Count",
            json!({"minWords": count, "maxWords": count}),
        ),
    ]
}

/// Returns the entries of a catalogue; their ids are their slugs.
fn entries(catalogue: &[(&str, &str)]) -> Vec<Value> {
    let entry = |(slug, name): &(&str, &str)| {
        json!({
            "id": slug,
            "slug": slug,
            "name": name,
            "status": "active",
            "description": null,
            "created_at": null,
            "last_updated_at": null,
        })
    };
    catalogue.iter().map(entry).collect()
}

pub(crate) fn ai_providers() -> Vec<Value> {
    entries(&AI_PROVIDERS)
}

pub(crate) fn plugin_providers() -> Vec<Value> {
    entries(&PLUGIN_PROVIDERS)
}

/// Returns the slug of the guardrail partner with this id.
pub(crate) fn plugin_provider(id: &str) -> Option<&'static str> {
    let mut slugs = PLUGIN_PROVIDERS.iter().map(|(slug, _)| *slug);
    slugs.find(|slug| *slug == id)
}

/// Returns the JSON schemas of the guardrail checks.
pub(crate) fn check_schemas() -> Vec<Value> {
    let schema = |(id, name, properties): (&str, &str, Value)| {
        json!({
            "id": id,
            "name": name,
            "parameters": {"type": "object", "properties": properties},
        })
    };
    checks().into_iter().map(schema).collect()
}
