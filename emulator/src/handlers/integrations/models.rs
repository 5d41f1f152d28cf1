//! Operations on the models of an integration.

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::call::Call;
use crate::error::ApiError;
use crate::handlers::integrations::find;
use crate::response::{HandlerResult, ResponseBody};
use crate::state::State;
use crate::state::integrations::models::Model;

pub(super) fn list(state: &State, call: &Call) -> HandlerResult {
    let models = &find(state, call)?.models;
    let all: Vec<&Model> = models.list.iter().collect();
    Ok(call
        .page(all, Model::json)
        .with_field("allow_all_models", json!(models.allow_all)))
}

pub(super) fn update(state: &mut State, call: &Call) -> HandlerResult {
    let mut integration = find(state, call)?.clone();
    let provider = integration.ai_provider_id.clone();
    integration.models.apply(call, &provider)?;
    state.integrations.put(integration);
    Ok(ResponseBody::empty_object())
}

/// Takes the models from the query or, as the Terraform provider sends them, from the body.
pub(super) fn delete(state: &mut State, call: &Call) -> HandlerResult {
    let mut integration = find(state, call)?.clone();
    let in_query = call.query_param("slugs").unwrap_or_default().split(',');
    let in_body = call.body_items("models").iter().filter_map(Value::as_str);
    let slugs: HashSet<&str> = in_query
        .chain(in_body)
        .map(str::trim)
        .filter(|slug| !slug.is_empty())
        .collect();
    if slugs.is_empty() {
        let message =
            "query parameter `slugs`, or `/models` of the body, must name at least one model";
        return Err(ApiError::bad_request(message));
    }
    integration.models.remove(&slugs)?;
    state.integrations.put(integration);
    Ok(ResponseBody::empty_object())
}
