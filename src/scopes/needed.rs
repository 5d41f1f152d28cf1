//! The scopes that a list of operations needs.

use crate::operation::{Operation, Plane, RequiredScopes};

/// The scopes that a key needs to call some operations; returned by [`needed_by`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NeededScopes {
    /// The scopes that every such key needs, in alphabetical order.
    pub all_of: Vec<&'static str>,
    /// Lists of alternatives: of each list, the key needs one more scope.
    pub any_of: Vec<Vec<&'static str>>,
    /// The kinds of key that all operations accept. If it is empty, the operations need keys of
    /// different kinds.
    pub keys: Vec<&'static str>,
    /// The ids of the operations whose scopes are not known.
    pub unknown: Vec<&'static str>,
}

impl NeededScopes {
    /// Returns `true` if the scopes of a key are sufficient for every operation that is not in
    /// [`unknown`](Self::unknown).
    pub fn are_granted<S: AsRef<str>>(&self, scopes: &[S]) -> bool {
        let is_granted = |name: &&str| scopes.iter().any(|scope| scope.as_ref() == *name);
        let has_one = |names: &Vec<&str>| names.iter().any(is_granted);
        self.all_of.iter().all(is_granted) && self.any_of.iter().all(has_one)
    }

    fn add(&mut self, operation: &Operation) {
        if matches!(operation.plane, Plane::Public | Plane::Prices) {
            return;
        }
        let access = &operation.access;
        if !access.keys.is_empty() {
            self.keys.retain(|kind| access.keys.contains(kind));
        }
        match access.scopes {
            Some(RequiredScopes::AllOf(names) | RequiredScopes::AnyOf(names @ [_])) => {
                self.all_of.extend(names);
            }
            Some(RequiredScopes::AnyOf(names)) => self.any_of.push(names.to_vec()),
            None => self.unknown.push(operation.id),
        }
    }

    /// Removes what follows from the rest.
    fn minimise(&mut self) {
        self.all_of.sort_unstable();
        self.all_of.dedup();
        let all_of = &self.all_of;
        self.any_of
            .retain(|names| !names.iter().any(|name| all_of.contains(name)));
        // A list is satisfied by a scope of any list that it contains, so short lists come first.
        let mut lists = std::mem::take(&mut self.any_of);
        lists.sort_by_key(Vec::len);
        for names in lists {
            let contains = |other: &Vec<&str>| other.iter().all(|name| names.contains(name));
            if !self.any_of.iter().any(contains) {
                self.any_of.push(names);
            }
        }
    }
}

/// Returns the scopes that a key needs to call all of `operations`, and no others.
///
/// Scopes are included if the service's documentation or a refusal ties them to an operation; the
/// operations without such evidence are in [`NeededScopes::unknown`]. An operation that several scopes
/// permit adds a list of alternatives, unless the other operations already need one of them.
///
/// # Example
///
/// The request that creates a key that can do what a program does, and nothing else:
///
/// ```
/// # #[cfg(all(feature = "api_keys", feature = "configs", feature = "prompts"))] {
/// use portkey_admin::{api_keys::CreateApiKeyRequest, operations, scopes};
///
/// let needed = scopes::needed_by([
///     &operations::LIST_CONFIGS,
///     &operations::RUN_PROMPT,
///     &operations::LIST_API_KEYS,
/// ]);
/// assert_eq!(needed.all_of, [scopes::COMPLETIONS_WRITE, scopes::CONFIGS_LIST]);
/// assert_eq!(needed.keys, ["workspace"]);
/// assert!(needed.unknown.is_empty());
///
/// // The scope for the list of keys depends on the kind of these keys.
/// assert!(needed.any_of[0].contains(&scopes::WORKSPACE_SERVICE_API_KEYS_LIST));
/// let mut granted = needed.all_of.clone();
/// granted.push(scopes::WORKSPACE_SERVICE_API_KEYS_LIST);
/// assert!(needed.are_granted(&granted));
///
/// let body = CreateApiKeyRequest::builder().name("report").scopes(granted);
/// # }
/// ```
pub fn needed_by<'a>(operations: impl IntoIterator<Item = &'a Operation>) -> NeededScopes {
    let mut needed = NeededScopes {
        all_of: Vec::new(),
        any_of: Vec::new(),
        keys: vec!["organisation", "workspace"],
        unknown: Vec::new(),
    };
    for operation in operations {
        needed.add(operation);
    }
    needed.unknown.sort_unstable();
    needed.unknown.dedup();
    needed.minimise();
    needed
}
