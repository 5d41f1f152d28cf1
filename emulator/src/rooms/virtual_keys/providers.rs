//! Providers: virtual keys as `/providers` shows them.

use serde_json::{Value, json};

use super::{PAGE, VirtualKey, find, is_taken, remove};
use crate::call::Call;
use crate::reply::{Answer, Refusal, Reply};
use crate::rooms::{State, slugs};

/// What refusals call one.
const NAME: &str = "provider";

/// Unset members are null.
fn json(key: &VirtualKey, call: &Call) -> Value {
    let mut body = Value::Object(key.json(call));
    body["ai_provider_name"] = json!(key.provider);
    body["workspace_id"] = json!(key.workspace_id);
    body["reset_usage"] = Value::Null;
    body["last_updated_at"] = json!(key.last_updated_at);
    body["object"] = json!("provider");
    body
}

pub(super) fn list(state: &State, call: &Call) -> Answer {
    let keys = state.virtual_keys.listed(call);
    Ok(call.page_sized(PAGE, keys, |key| json(key, call)))
}

pub(super) fn get(state: &State, call: &Call) -> Answer {
    Ok(Reply::json(json(find(state, call, NAME)?, call)))
}

pub(super) fn create(state: &mut State, call: &Call) -> Answer {
    let (name, workspace) = (call.required("name")?, call.needed_workspace()?);
    let integration = state.integrations.get(call.required("integration_id")?);
    let integration = integration.ok_or_else(|| Refusal::missing("integration"))?;
    if !integration.serves(workspace) {
        let message = "the integration is not enabled for the workspace";
        return Err(Refusal::forbidden(message));
    }
    let taken = |slug: &str| is_taken(state, workspace, slug);
    let slug = slugs::choose(call.text("slug"), "slug", taken, name, &call.ids)?;
    let of = (integration.ai_provider_id(), integration.slug.as_str());
    let mut key = VirtualKey::new(name, slug, workspace, of, &call.timestamp(), &call.ids);
    key.apply(call)?;
    let body = json!({"id": key.id, "slug": key.slug, "object": NAME});
    state.virtual_keys.put(key);
    Ok(Reply::json(body))
}

pub(super) fn update(state: &mut State, call: &Call) -> Answer {
    let mut key = find(state, call, NAME)?.clone();
    key.apply(call)?;
    key.last_updated_at = Some(call.timestamp());
    if call.value("reset_usage") == true {
        key.reset_usage(&call.timestamp());
    }
    let body = json!({"id": key.id, "slug": key.slug});
    state.virtual_keys.put(key);
    Ok(Reply::json(body))
}

pub(super) fn delete(state: &mut State, call: &Call) -> Answer {
    let key = find(state, call, NAME)?.clone();
    remove(state, &key);
    Ok(Reply::done())
}
