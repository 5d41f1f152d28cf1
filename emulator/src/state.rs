//! Every organisation of one emulator, and what its reads see while writes spread.

use std::collections::VecDeque;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::call::Caller;
use crate::handlers::State;

/// Every organisation of one emulator.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Organisations {
    pub(crate) all: Vec<Organisation>,
}

/// One organisation.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Organisation {
    pub(crate) state: State,
    /// Each recent write: when it was, and the state before it.
    #[serde(skip)]
    history: VecDeque<(DateTime<Utc>, State)>,
}

impl Organisations {
    pub(crate) fn new(states: impl IntoIterator<Item = State>) -> Self {
        let organisation = |state| Organisation {
            state,
            history: VecDeque::new(),
        };
        Self {
            all: states.into_iter().map(organisation).collect(),
        }
    }

    /// Whether time alone may have changed something.
    pub(crate) fn has_due_changes(&self, now: DateTime<Utc>) -> bool {
        let mut all = self.all.iter();
        all.any(|organisation| organisation.state.api_keys.has_due_rotation(now))
    }

    /// Does what time alone does.
    pub(crate) fn apply_due_changes(&mut self, now: DateTime<Utc>) {
        for organisation in &mut self.all {
            organisation.state.api_keys.apply_due_rotations(now);
        }
    }

    /// Whom a key lets in: the position of the organisation, and the caller.
    pub(crate) fn authenticate(&self, key: &str, now: DateTime<Utc>) -> Option<(usize, Caller)> {
        self.all
            .iter()
            .enumerate()
            .find_map(|(position, organisation)| {
                let caller = organisation.state.api_keys.authenticate(key, now)?;
                Some((position, caller))
            })
    }
}

impl Organisation {
    /// What a read sees: the state without the writes of the last `delay`.
    pub(crate) fn state_for_reads(&self, now: DateTime<Utc>, delay: TimeDelta) -> &State {
        let mut hidden = self.history.iter().filter(|(at, _)| *at + delay > now);
        hidden.next().map_or(&self.state, |(_, before)| before)
    }

    /// Keeps the state as it is before a write, for as long as reads are to see it.
    pub(crate) fn push_history(&mut self, now: DateTime<Utc>, delay: TimeDelta) {
        self.history.retain(|(at, _)| *at + delay > now);
        if delay > TimeDelta::zero() {
            self.history.push_back((now, self.state.clone()));
        }
    }
}
