//! Feedback on traced requests.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Handler::Write;
use super::logs::Scores;
use super::{Room, State};
use crate::call::Call;
use crate::reply::{Answer, Reply};
use crate::shelf::{Item, Shelf};

pub(crate) const ROOM: Room = Room {
    forget_workspace: |state, workspace| state.feedback.forget_workspace(workspace),
    ..Room::of(&[
        ("create_feedback", Write(create)),
        ("update_feedback", Write(update)),
    ])
};

pub(crate) type Feedback = Shelf<Piece>;

/// What somebody thought of an answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Piece {
    id: String,
    workspace_id: String,
    pub(crate) trace_id: String,
    /// From -10 to 10.
    pub(crate) value: i64,
    /// From 0 to 1.
    weight: f64,
    metadata: Value,
    /// Milliseconds since the Unix epoch.
    pub(crate) at: i64,
}

impl Item for Piece {
    const NAME: &'static str = "feedback";

    fn id(&self) -> &str {
        &self.id
    }

    fn workspace(&self) -> Option<&str> {
        Some(&self.workspace_id)
    }
}

impl Piece {
    #[allow(clippy::cast_precision_loss)]
    pub(crate) fn weighted(&self) -> f64 {
        self.value as f64 * self.weight
    }
}

/// The average of the weighted feedback of each trace of a workspace.
pub(crate) fn scores(state: &State, workspace: &str) -> Scores {
    let mut sums: HashMap<&str, (f64, f64)> = HashMap::new();
    for piece in state.feedback.in_workspace(workspace).iter() {
        let (sum, count) = sums.entry(&piece.trace_id).or_default();
        *sum += piece.weighted();
        *count += 1.0;
    }
    let average = |(trace, (sum, count)): (&str, (f64, f64))| (trace.to_owned(), sum / count);
    sums.into_iter().map(average).collect()
}

fn receipt(message: &str, ids: &[String]) -> Reply {
    Reply::json(json!({"status": "success", "message": message, "feedback_ids": ids}))
}

/// One piece, or a list of them.
fn create(state: &mut State, call: &Call) -> Answer {
    let workspace = call.needed_workspace()?;
    let bodies = match &call.body {
        Value::Array(bodies) => bodies.as_slice(),
        one => std::slice::from_ref(one),
    };
    let mut ids = Vec::new();
    for body in bodies {
        let piece = Piece {
            id: call.ids.uuid(),
            workspace_id: workspace.to_owned(),
            trace_id: body["trace_id"].as_str().unwrap_or_default().to_owned(),
            value: body["value"].as_i64().unwrap_or(0),
            weight: body["weight"].as_f64().unwrap_or(1.0),
            metadata: body["metadata"].clone(),
            at: call.now.timestamp_millis(),
        };
        ids.push(piece.id.clone());
        state.feedback.put(piece);
    }
    Ok(receipt("feedback was saved", &ids))
}

fn update(state: &mut State, call: &Call) -> Answer {
    let mut piece = state.feedback.find(call.id(0), call)?.clone();
    if let Some(value) = call.given("value").and_then(Value::as_i64) {
        piece.value = value;
    }
    if let Some(weight) = call.given("weight").and_then(Value::as_f64) {
        piece.weight = weight;
    }
    if let Some(metadata) = call.given("metadata") {
        piece.metadata = metadata.clone();
    }
    let id = piece.id.clone();
    state.feedback.put(piece);
    Ok(receipt("feedback was updated", &[id]))
}
