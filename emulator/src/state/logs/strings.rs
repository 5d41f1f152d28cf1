//! Interned strings, so that comparing and counting is cheap.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Arc;

/// The id of an interned string.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct StringId(NonZeroU32);

/// The interned strings of all logs.
#[derive(Debug, Clone, Default)]
pub(crate) struct StringPool {
    pub(crate) ids: HashMap<Arc<str>, StringId>,
    pub(crate) strings: Vec<Arc<str>>,
}

impl StringPool {
    /// Returns the id of a string, which is added if it is new.
    pub(crate) fn intern(&mut self, string: &str) -> StringId {
        if let Some(id) = self.ids.get(string) {
            return *id;
        }
        let string: Arc<str> = string.into();
        self.strings.push(Arc::clone(&string));
        let count = u32::try_from(self.strings.len()).unwrap_or(u32::MAX);
        let id = StringId(NonZeroU32::new(count).unwrap_or(NonZeroU32::MAX));
        self.ids.insert(string, id);
        id
    }

    /// Returns the id of a string, if any log has it.
    pub(crate) fn get(&self, string: &str) -> Option<StringId> {
        self.ids.get(string).copied()
    }

    /// Returns the string of an id.
    pub(crate) fn resolve(&self, id: StringId) -> &str {
        let position = id.0.get() as usize - 1;
        self.strings.get(position).map_or("", AsRef::as_ref)
    }
}
