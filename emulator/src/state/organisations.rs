//! The organisations of one emulator, with the history that delayed reads need.

use std::collections::VecDeque;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::call::Caller;
use crate::http::content::ContentQuota;
use crate::state::State;

/// All organisations of one emulator.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Organisations {
    pub(crate) all: Vec<Organisation>,
}

/// One organisation.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Organisation {
    pub(crate) state: State,
    /// The time of each recent write, and the state before it.
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

    /// Returns whether a scheduled change, such as a key rotation, is due.
    pub(crate) fn has_due_changes(&self, now: DateTime<Utc>) -> bool {
        let mut all = self.all.iter();
        all.any(|organisation| organisation.state.api_keys.has_due_rotation(now))
    }

    /// Applies all scheduled changes that are due.
    pub(crate) fn apply_due_changes(&mut self, now: DateTime<Utc>) {
        for organisation in &mut self.all {
            organisation.state.api_keys.apply_due_rotations(now);
        }
    }

    /// Counts the content of all files that is not counted yet, such as that of a state file.
    pub(crate) fn count_content(&self, quota: &ContentQuota) {
        for organisation in &self.all {
            for file in organisation.state.gateway.files.iter() {
                if let Some(content) = &file.content {
                    content.count_in(quota);
                }
            }
        }
    }

    /// Replaces the states by those before the last write. Reads within the delay keep seeing what
    /// they saw.
    pub(crate) fn roll_back(&mut self, before: Self, quota: &ContentQuota) {
        for (organisation, before) in self.all.iter_mut().zip(before.all) {
            organisation.state = before.state;
        }
        self.count_content(quota);
    }

    /// Looks a key up; returns the position of its organisation, and the caller.
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
    /// Returns the state for reads, without the writes of the last `delay`.
    pub(crate) fn state_for_reads(&self, now: DateTime<Utc>, delay: TimeDelta) -> &State {
        let mut hidden = self.history.iter().filter(|(at, _)| *at + delay > now);
        hidden.next().map_or(&self.state, |(_, before)| before)
    }

    /// Keeps a copy of the state before a write, for reads within `delay`.
    pub(crate) fn push_history(&mut self, now: DateTime<Utc>, delay: TimeDelta) {
        self.history.retain(|(at, _)| *at + delay > now);
        if delay > TimeDelta::zero() {
            self.history.push_back((now, self.state.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::Utc;

    use super::Organisations;
    use crate::http::content::{Content, ContentQuota};
    use crate::ids::Ids;
    use crate::seed;
    use crate::state::gateway::files::File;
    use crate::state::gateway::key::ResourceKey;

    #[test]
    fn the_content_of_every_file_is_counted() {
        let organisation = seed::Organisation::named("A");
        let mut state = seed::state(&organisation, Utc::now(), &Ids::new(1)).unwrap();
        for id in ["a", "b"] {
            let key = ResourceKey {
                id: id.to_owned(),
                workspace_id: String::new(),
            };
            let content = Content::bytes(vec![0; 32 << 20]);
            state
                .gateway
                .files
                .put(File::generated(key, 0, "f", content));
        }
        let (organisations, quota) = (Organisations::new([state]), ContentQuota::default());
        assert!(quota.reserve().try_grow(64 << 20));
        organisations.count_content(&quota);
        assert!(!quota.reserve().try_grow(1));
    }
}
