//! The workspaces that are excluded from the organisation's default guardrails.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// The UUIDs of excluded workspaces.
pub(crate) type Excluded = BTreeSet<String>;

/// The workspaces excluded from input and from output guardrails.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Exclusions {
    pub(crate) input: Excluded,
    pub(crate) output: Excluded,
}

impl Exclusions {
    pub(crate) fn remove(&mut self, workspace: &str) {
        self.input.remove(workspace);
        self.output.remove(workspace);
    }
}
