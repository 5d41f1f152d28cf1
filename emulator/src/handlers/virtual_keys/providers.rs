//! Providers: virtual keys under `/providers`.

use serde_json::{Value, json};

use crate::call::Call;
use crate::error::ApiError;
use crate::handlers::virtual_keys::{PAGE_SIZES, find, is_slug_taken, remove};
use crate::response::{HandlerResult, ResponseBody, respond};
use crate::state::access_list::Shared;
use crate::state::integrations::Integration;
use crate::state::virtual_keys::VirtualKey;
use crate::state::{State, slugs};

/// The name in error messages.
const NAME: &str = "provider";

/// Returns a provider; unset fields are null.
fn json(key: &VirtualKey, call: &Call) -> Value {
    let mut body = key.json(call);
    body["ai_provider_name"] = json!(key.provider);
    body["workspace_id"] = json!(key.workspace_id);
    body["reset_usage"] = Value::Null;
    body["last_updated_at"] = json!(key.last_updated_at);
    body["object"] = json!("provider");
    body
}

pub(super) fn list(state: &State, call: &Call) -> HandlerResult {
    let keys = state.virtual_keys.list_for(call);
    if call.has_query_param(&["tags"]) {
        let matching = keys.filter(|key| call.matches_tags(&key.tags));
        return Ok(call.page_sized(PAGE_SIZES, matching, |key| json(key, call)));
    }
    Ok(call.page_sized(PAGE_SIZES, keys, |key| json(key, call)))
}

/// Lists the enabled models of the integrations behind the providers of a workspace, as requests name
/// them.
pub(super) fn list_models(state: &State, call: &Call) -> HandlerResult {
    let mut models = Vec::new();
    for key in state.virtual_keys.list_for(call).iter() {
        let integration = state.integrations.get(&key.integration_id);
        let all = integration.map_or(&[][..], |integration| &integration.models.list);
        models.extend(all.iter().filter(|model| model.enabled).map(|model| {
            json!({
                "id": format!("@{}/{}", key.slug, model.slug),
                "slug": model.slug,
                "ai_provider_name": key.provider,
                "provider_slug": key.slug,
                "workspace_id": key.workspace_id,
                "object": "model",
            })
        }));
    }
    Ok(call.page(models, std::convert::identity))
}

/// A single provider also has the masked key (V108).
pub(super) fn get(state: &State, call: &Call) -> HandlerResult {
    let key = find(state, call, NAME)?;
    let integration = state.integrations.get(&key.integration_id);
    let mut body = json(key, call);
    body["key"] = json!("");
    body["masked_api_key"] = json!(integration.and_then(Integration::masked_key));
    body["last_reset_at"] = json!(key.last_reset_at);
    respond(body)
}

pub(super) fn create(state: &mut State, call: &Call) -> HandlerResult {
    let (name, workspace) = (call.required_str("name")?, call.required_workspace()?);
    let integration = state.integrations.get(call.required_str("integration_id")?);
    let integration = integration.ok_or_else(|| ApiError::not_found("integration"))?;
    if !integration.allows_workspace(workspace) {
        let message = "the integration is not enabled for the workspace";
        return Err(ApiError::forbidden(message));
    }
    let is_taken = |slug: &str| is_slug_taken(state, workspace, slug);
    let slug = slugs::choose(call.body_str("slug"), "slug", is_taken, name, &call.ids)?;
    let uses = (integration.ai_provider_id(), integration.slug.as_str());
    let mut key = VirtualKey::new(slug, workspace, uses, &call.timestamp(), &call.ids);
    key.apply(call);
    let body = json!({"id": key.id, "slug": key.slug, "object": NAME});
    state.virtual_keys.put(key);
    respond(body)
}

pub(super) fn update(state: &mut State, call: &Call) -> HandlerResult {
    let mut key = find(state, call, NAME)?.clone();
    key.apply(call);
    key.last_updated_at = Some(call.timestamp());
    if call.body_value("reset_usage") == true {
        key.reset_usage(&call.timestamp());
    }
    let body = json!({"id": key.id, "slug": key.slug});
    state.virtual_keys.put(key);
    respond(body)
}

pub(super) fn delete(state: &mut State, call: &Call) -> HandlerResult {
    let key = find(state, call, NAME)?.clone();
    remove(state, &key);
    Ok(ResponseBody::empty_object())
}
