//! The default guardrails, which apply to every request of the organisation.

use serde::{Deserialize, Serialize};

/// The UUIDs of the default guardrails, in order.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Defaults {
    pub(crate) input: Vec<String>,
    pub(crate) output: Vec<String>,
}

impl Defaults {
    pub(crate) fn remove(&mut self, guardrail: &str) {
        for list in [&mut self.input, &mut self.output] {
            list.retain(|id| id != guardrail);
        }
    }
}
