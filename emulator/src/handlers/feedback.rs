//! Operations on feedback.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::call::Call;
use crate::handlers::resource::Handler::Write;
use crate::handlers::resource::Resource;
use crate::response::{HandlerResult, ResponseBody};
use crate::state::State;
use crate::state::feedback::FeedbackItem;
use crate::state::logs::filter::FeedbackScores;

pub(crate) const RESOURCE: Resource = Resource::new(&[
    ("create_feedback", Write(create)),
    ("update_feedback", Write(update)),
]);

/// Returns the average weighted feedback of each trace in a workspace.
pub(crate) fn scores(state: &State, workspace: &str) -> FeedbackScores {
    let mut sums: HashMap<&str, (f64, f64)> = HashMap::new();
    for item in state.feedback.in_workspace(workspace).iter() {
        let (sum, count) = sums.entry(&item.trace_id).or_default();
        *sum += item.weighted();
        *count += 1.0;
    }
    let average = |(trace, (sum, count)): (&str, (f64, f64))| (trace.to_owned(), sum / count);
    sums.into_iter().map(average).collect()
}

fn feedback_response(message: &str, ids: &[String]) -> ResponseBody {
    ResponseBody::json(json!({"status": "success", "message": message, "feedback_ids": ids}))
}

/// Accepts a single feedback item or a list.
fn create(state: &mut State, call: &Call) -> HandlerResult {
    let workspace = call.required_workspace()?;
    let bodies = match &call.body {
        Value::Array(bodies) => bodies.as_slice(),
        single => std::slice::from_ref(single),
    };
    let mut ids = Vec::new();
    for body in bodies {
        let item = FeedbackItem {
            id: call.ids.uuid(),
            workspace_id: workspace.to_owned(),
            trace_id: body["trace_id"].as_str().unwrap_or_default().to_owned(),
            value: body["value"].as_i64().unwrap_or(0),
            weight: body["weight"].as_f64().unwrap_or(1.0),
            metadata: body["metadata"].clone(),
            at: call.now.timestamp_millis(),
        };
        ids.push(item.id.clone());
        state.feedback.put(item);
    }
    Ok(feedback_response("feedback was saved", &ids))
}

fn update(state: &mut State, call: &Call) -> HandlerResult {
    let mut item = state.feedback.find_by_path(call)?.clone();
    if let Some(value) = call.body_field("value").and_then(Value::as_i64) {
        item.value = value;
    }
    if let Some(weight) = call.body_field("weight").and_then(Value::as_f64) {
        item.weight = weight;
    }
    call.set_value("metadata", &mut item.metadata);
    let id = item.id.clone();
    state.feedback.put(item);
    Ok(feedback_response("feedback was updated", &[id]))
}
