//! Impact of a change on users of the crate, derived from the public API of the generated code and
//! from new requirements on requests.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde_json::Value;

use super::difference::{Aspect, Difference, Kind};
use super::generated_code::CodeDiff;
use super::public_api::{Change as ApiChange, split_path};
use super::usage::Direction;

/// What a change means for users of the crate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Impact {
    /// Users cannot notice it.
    #[default]
    Invisible,
    /// Users can do more than before.
    Additive,
    /// Existing code may not compile, or its requests may be rejected.
    Breaking,
}

impl Impact {
    /// Returns the name used in reports.
    pub fn label(self) -> &'static str {
        match self {
            Self::Invisible => "invisible",
            Self::Additive => "additive",
            Self::Breaking => "breaking",
        }
    }

    /// Returns the impact of a change of the public API.
    pub fn of(change: &ApiChange) -> Self {
        let contract =
            |signature: &Option<String>| signature.as_deref().map(without_argument_names);
        match contract(&change.old) == contract(&change.new) {
            // Argument names are not part of the contract.
            true => Self::Invisible,
            false if change.kind == Kind::Added => Self::Additive,
            false => Self::Breaking,
        }
    }
}

/// An impact and the reason for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assessment {
    /// The impact.
    pub impact: Impact,
    /// The reason.
    pub reason: String,
}

impl Assessment {
    fn new(impact: Impact, reason: impl Into<String>) -> Self {
        Self {
            impact,
            reason: reason.into(),
        }
    }
}

/// A difference with the context needed to assess it.
pub struct Case {
    pub difference: Difference,
    /// The operations that it concerns, as spelled in the documents.
    pub operations: Vec<String>,
    /// The ids of these operations.
    pub ids: BTreeSet<String>,
    /// The types in whose schemas it is, under their names in both documents.
    pub types: BTreeSet<String>,
    /// Whether it is part of requests, of responses, or of both.
    pub direction: Direction,
    /// Whether the difference remains after the overrides are applied.
    pub remains: bool,
}

/// Assesses every difference. If the code could not be generated, the kind of difference decides.
pub fn assess(cases: &[Case], code: Option<&CodeDiff>) -> Vec<Assessment> {
    let Some(code) = code else {
        return cases.iter().map(assess_by_kind).collect();
    };
    let index = ChangeIndex::of(code);
    let named: Vec<Vec<&ApiChange>> = cases.iter().map(|case| index.matching_name(case)).collect();
    let structural = cases
        .iter()
        .zip(&named)
        .filter(|(case, _)| is_structural(case));
    let claimed: HashSet<&str> = structural
        .flat_map(|(_, changes)| changes.iter().map(|change| change.path.as_str()))
        .collect();
    let mut effects: Vec<Vec<&ApiChange>> = cases
        .iter()
        .zip(named)
        .map(|(case, mut effects)| {
            let is_unclaimed = |change: &&ApiChange| !claimed.contains(change.path.as_str());
            if !is_structural(case) {
                effects.retain(is_unclaimed);
            }
            if may_affect_other_names(case) {
                effects.extend(
                    index
                        .changes_in_scope(case)
                        .into_iter()
                        .filter(is_unclaimed),
                );
            }
            effects
        })
        .collect();
    explain_rest(cases, &index, &mut effects);
    cases
        .iter()
        .zip(effects)
        .map(|(case, effects)| {
            if effects.is_empty() && !case.ids.is_disjoint(&code.excluded_ids) {
                assess_by_kind(case)
            } else {
                assess_by_public_api(case, &effects)
            }
        })
        .collect()
}

/// Assigns changes of the public API that no difference explains to differences of an unknown kind
/// in the same operations and types.
fn explain_rest<'a>(cases: &[Case], index: &ChangeIndex<'a>, effects: &mut [Vec<&'a ApiChange>]) {
    let explained: HashSet<&str> = cases
        .iter()
        .zip(effects.iter())
        .filter(|(case, _)| case.remains)
        .flat_map(|(_, changes)| changes.iter().map(|change| change.path.as_str()))
        .collect();
    for (case, effects) in cases.iter().zip(effects) {
        if case.remains && case.difference.aspect == Aspect::Other && effects.is_empty() {
            let mut rest = index.changes_in_scope(case);
            rest.retain(|change| !explained.contains(change.path.as_str()));
            effects.extend(rest);
        }
    }
}

/// Whether a difference can explain a change of the code by itself. Annotations such as a default
/// cannot.
fn is_structural(case: &Case) -> bool {
    !matches!(
        case.difference.aspect,
        Aspect::Default | Aspect::Deprecation | Aspect::Bound | Aspect::Nullability
    )
}

fn assess_by_public_api(case: &Case, effects: &[&ApiChange]) -> Assessment {
    if !case.remains {
        return overridden();
    }
    let worst = effects
        .iter()
        .min_by_key(|change| (Reverse(Impact::of(change)), relevance(&change.path)));
    let assessment = match worst {
        Some(change) if Impact::of(change) > Impact::Invisible => {
            Assessment::new(Impact::of(change), describe(change))
        }
        _ => Assessment::new(Impact::Invisible, "nothing public depends on it"),
    };
    match new_restriction(case) {
        Some(reason) if assessment.impact < Impact::Breaking => {
            Assessment::new(Impact::Breaking, reason)
        }
        _ => assessment,
    }
}

fn assess_by_kind(case: &Case) -> Assessment {
    if !case.remains {
        return overridden();
    }
    if let Some(reason) = new_restriction(case) {
        return Assessment::new(Impact::Breaking, reason);
    }
    let public = matches!(
        case.difference.aspect,
        Aspect::Operation
            | Aspect::Parameter
            | Aspect::Body
            | Aspect::Property
            | Aspect::Enum
            | Aspect::Type
            | Aspect::Branch
            | Aspect::Reference
            | Aspect::Component
            | Aspect::Required
    );
    match case.difference.kind {
        _ if !public => Assessment::new(Impact::Invisible, "no public name or type depends on it"),
        Kind::Added => Assessment::new(Impact::Additive, "it is new"),
        _ => Assessment::new(Impact::Breaking, "a name or a type may change"),
    }
}

fn overridden() -> Assessment {
    Assessment::new(Impact::Invisible, "an override decides this")
}

fn describe(change: &ApiChange) -> String {
    let verb = match change.kind {
        Kind::Added => "adds",
        Kind::Removed => "removes",
        _ => "changes",
    };
    format!("{verb} `{}`", change.path)
}

/// Describes why a request that was valid before may be rejected from now on.
fn new_restriction(case: &Case) -> Option<String> {
    let difference = &case.difference;
    if !case.direction.request {
        return None;
    }
    let now = |what: &str| Some(format!("{what} from now on"));
    match (difference.aspect, difference.kind) {
        (Aspect::Parameter | Aspect::Body | Aspect::Property, Kind::Added)
            if difference.required =>
        {
            now("it must be sent")
        }
        (Aspect::Branch | Aspect::Reference, _) if difference.required => now("more must be sent"),
        (Aspect::Required, Kind::Added | Kind::Changed) if requires_more(difference) => {
            now("it must be sent")
        }
        (Aspect::Nullability, Kind::Removed) => now("null is refused"),
        (Aspect::Enum, _) if narrows_enum(difference) => now("fewer values are accepted"),
        (Aspect::Bound, _) if narrows_bound(difference) => now("fewer values are accepted"),
        _ => None,
    }
}

fn requires_more(difference: &Difference) -> bool {
    match difference.list_changes() {
        Some((_, added)) => !added.is_empty(),
        None => difference.new.is_some(),
    }
}

/// Whether a value was removed, or any value was allowed before.
fn narrows_enum(difference: &Difference) -> bool {
    match (&difference.old, &difference.new) {
        (None, Some(_)) => true,
        (Some(_), None) => false,
        _ => difference
            .list_changes()
            .is_none_or(|(removed, _)| !removed.is_empty()),
    }
}

/// Whether a bound is new or tighter than before. Patterns cannot be compared, so every new pattern
/// counts.
fn narrows_bound(difference: &Difference) -> bool {
    let (Some(new), old) = (&difference.new, &difference.old) else {
        return false;
    };
    let Some(old) = old else { return true };
    let key = new.location.last_key().unwrap_or_default();
    match (old.value.as_f64(), new.value.as_f64()) {
        (Some(old), Some(new)) if key.starts_with("max") => new < old,
        (Some(old), Some(new)) if key.starts_with("min") => new > old,
        _ => true,
    }
}

/// Whether a difference can change code in which its own name does not occur.
fn may_affect_other_names(case: &Case) -> bool {
    match case.difference.aspect {
        Aspect::Component => case.difference.kind == Kind::Renamed,
        aspect => matches!(
            aspect,
            Aspect::Type
                | Aspect::Reference
                | Aspect::Branch
                | Aspect::Body
                | Aspect::Response
                | Aspect::MediaType
        ),
    }
}

/// Changes of the public API, indexed by the operation or type that they belong to.
struct ChangeIndex<'a> {
    code: &'a CodeDiff,
    by_owning_item: BTreeMap<String, Vec<&'a ApiChange>>,
}

impl<'a> ChangeIndex<'a> {
    fn of(code: &'a CodeDiff) -> Self {
        let mut by_owning_item: BTreeMap<String, Vec<&ApiChange>> = BTreeMap::new();
        for change in &code.changes {
            for owner in owning_items(&change.path) {
                by_owning_item.entry(owner).or_default().push(change);
            }
        }
        Self {
            code,
            by_owning_item,
        }
    }

    /// Returns the changes in the code of the case's operations and in the types that those use.
    fn changes_in_scope(&self, case: &Case) -> Vec<&'a ApiChange> {
        let mut owners: BTreeSet<String> = BTreeSet::new();
        for id in &case.ids {
            owners.insert(normalized(id));
            let types = self.code.types.get(id).into_iter().flatten();
            owners.extend(types.map(|name| normalized(name)));
        }
        let changes = owners
            .iter()
            .filter_map(|owner| self.by_owning_item.get(owner));
        changes.flatten().copied().collect()
    }

    /// Returns the changes in scope whose name matches the difference.
    fn matching_name(&self, case: &Case) -> Vec<&'a ApiChange> {
        let names = possible_names(case);
        let mut found = self.changes_in_scope(case);
        found.retain(|change| match case.difference.aspect {
            // A property or an operation may have the same name as a type.
            Aspect::Component => {
                is_part_of_type(&change.path)
                    && owning_items(&change.path)
                        .iter()
                        .any(|owner| names.contains(owner))
            }
            _ => {
                let last = last_segment(&change.path);
                let normalized_last = normalized(last.trim_start_matches("clear_"));
                names.contains(&normalized(last)) || names.contains(&normalized_last)
            }
        });
        retain_own_type(case, &mut found);
        found
    }
}

/// Removes the changes of other types if the type that the difference belongs to has changed.
fn retain_own_type(case: &Case, changes: &mut Vec<&ApiChange>) {
    let types: BTreeSet<String> = case.types.iter().map(|name| normalized(name)).collect();
    let is_own = |change: &ApiChange| {
        let mut owners = owning_items(&change.path).into_iter();
        owners.any(|owner| types.contains(&owner))
    };
    if changes.iter().any(|change| is_own(change)) {
        changes.retain(|change| is_own(change) || !is_part_of_type(&change.path));
    }
}

/// Returns the names under which a difference can appear in the code, normalized.
fn possible_names(case: &Case) -> BTreeSet<String> {
    let difference = &case.difference;
    let aspect = difference.aspect;
    let mut names: BTreeSet<String> = BTreeSet::new();
    // A path parameter is an argument of the method.
    if matches!(aspect, Aspect::Operation | Aspect::Path | Aspect::Parameter) {
        names.extend(case.ids.iter().map(|id| normalized(id)));
    }
    if matches!(aspect, Aspect::Enum | Aspect::Required) {
        let (removed, added) = difference.list_changes().unwrap_or_default();
        let values = removed.into_iter().chain(added).filter_map(Value::as_str);
        names.extend(values.map(normalized));
    }
    if !matches!(aspect, Aspect::Operation | Aspect::Path) {
        let facts = [&difference.old, &difference.new].into_iter().flatten();
        let containing = facts.filter_map(|fact| fact.location.innermost_name());
        names.extend(containing.map(|name| normalized(&name)));
    }
    names
}

/// Returns the type or operation that an item belongs to, normalized. An item of `ThingBuilder`
/// belongs to `Thing`, but a type may have that name as well.
fn owning_items(path: &str) -> Vec<String> {
    let (_, item) = split_path(path);
    let item = item.strip_prefix("Client::").unwrap_or(item);
    let owner = item.split(':').next().unwrap_or(item);
    let built = owner.strip_suffix("Builder").map(normalized);
    built.into_iter().chain([normalized(owner)]).collect()
}

/// Whether an item belongs to a type or to the builder of an operation.
fn is_part_of_type(path: &str) -> bool {
    !path.starts_with("Client::") && !path.starts_with("operations::")
}

fn last_segment(path: &str) -> &str {
    let item = path.split(": ").next().unwrap_or(path);
    item.rsplit("::").next().unwrap_or(item)
}

/// Sort key for how well an item explains a change: a method of the client is better than a type,
/// which is better than its builder; the metadata of an operation is last.
fn relevance(path: &str) -> usize {
    let (module, item) = split_path(path);
    let owner = item.split("::").next().unwrap_or(item);
    match (module, owner) {
        (_, "Client") => 0,
        ("operations", _) => 3,
        _ if owner.ends_with("Builder") || path.contains(": ") => 2,
        _ => 1,
    }
}

/// Returns a signature without the names of its arguments.
fn without_argument_names(signature: &str) -> String {
    let is_name = |character: char| character.is_alphanumeric() || character == '_';
    let mut parts: Vec<&str> = signature.split(": ").collect();
    let last = parts.pop().unwrap_or_default();
    let others = parts.into_iter().map(|part| part.trim_end_matches(is_name));
    others.chain([last]).collect()
}

/// Reduces a name to lower-case letters and digits, so that `page_size`, `pageSize` and `PageSize`
/// are equal.
pub fn normalized(name: &str) -> String {
    name.chars()
        .filter(|character| character.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}
