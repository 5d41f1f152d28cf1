//! Every organisation of one emulator, and what its reads see while writes spread.

use std::collections::VecDeque;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::call::Caller;
use crate::rooms::State;

/// Every organisation of one emulator.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct World {
    pub(crate) tenants: Vec<Tenant>,
}

/// One organisation.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Tenant {
    pub(crate) state: State,
    /// Each recent write: when it was, and the state before it.
    #[serde(skip)]
    past: VecDeque<(DateTime<Utc>, State)>,
}

impl World {
    pub(crate) fn new(states: impl IntoIterator<Item = State>) -> Self {
        let tenant = |state| Tenant {
            state,
            past: VecDeque::new(),
        };
        Self {
            tenants: states.into_iter().map(tenant).collect(),
        }
    }

    /// Whether time alone may have changed something.
    pub(crate) fn is_due(&self, now: DateTime<Utc>) -> bool {
        let mut tenants = self.tenants.iter();
        tenants.any(|tenant| tenant.state.api_keys.any_due(now))
    }

    /// Does what time alone does.
    pub(crate) fn catch_up(&mut self, now: DateTime<Utc>) {
        for tenant in &mut self.tenants {
            tenant.state.api_keys.catch_up(now);
        }
    }

    /// Whom a key lets in: the position of the organisation, and the caller.
    pub(crate) fn authenticate(&self, key: &str, now: DateTime<Utc>) -> Option<(usize, Caller)> {
        self.tenants
            .iter()
            .enumerate()
            .find_map(|(position, tenant)| {
                let caller = tenant.state.api_keys.authenticate(key, now)?;
                Some((position, caller))
            })
    }
}

impl Tenant {
    /// What a read sees: the state without the writes of the last `delay`.
    pub(crate) fn seen(&self, now: DateTime<Utc>, delay: TimeDelta) -> &State {
        let mut unseen = self.past.iter().filter(|(at, _)| *at + delay > now);
        unseen.next().map_or(&self.state, |(_, before)| before)
    }

    /// Keeps the state as it is before a write, for as long as reads are to see it.
    pub(crate) fn remember(&mut self, now: DateTime<Utc>, delay: TimeDelta) {
        self.past.retain(|(at, _)| *at + delay > now);
        if delay > TimeDelta::zero() {
            self.past.push_back((now, self.state.clone()));
        }
    }
}
