//! Whom a change breaks: judged on the public surface of the generated code, and on what must be
//! sent from now on.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde_json::Value;

use super::code::Code;
use super::difference::{Aspect, Difference, Kind};
use super::reach::Direction;
use crate::surface;

/// What a change means for those who use the crate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Impact {
    /// They cannot notice.
    Invisible,
    /// They can use more.
    Additive,
    /// What they wrote may not compile, or may be refused.
    Breaking,
}

impl Impact {
    /// The words for it, in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Invisible => "invisible",
            Self::Additive => "additive",
            Self::Breaking => "breaking",
        }
    }

    /// What a change of the surface means.
    pub fn of(change: &surface::Change) -> Self {
        match change {
            surface::Change::Added { .. } => Self::Additive,
            // The names of arguments are for readers alone.
            surface::Change::Changed { old, new, .. } if unnamed(old) == unnamed(new) => {
                Self::Invisible
            }
            surface::Change::Removed { .. } | surface::Change::Changed { .. } => Self::Breaking,
        }
    }
}

/// An impact, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// What it means.
    pub impact: Impact,
    /// Why.
    pub reason: String,
}

impl Verdict {
    fn new(impact: Impact, reason: impl Into<String>) -> Self {
        Self {
            impact,
            reason: reason.into(),
        }
    }
}

/// A difference with what is needed to judge it.
pub struct Case<'a> {
    /// The difference between the documents.
    pub difference: &'a Difference,
    /// The ids of the operations that it belongs to.
    pub ids: BTreeSet<String>,
    /// Whether it is sent, or received.
    pub direction: Direction,
    /// Whether it is still a difference once the overrides are applied.
    pub remains: bool,
}

/// Judges every difference. Without code (it could not be generated) the kind of the difference decides.
pub fn verdicts(cases: &[Case<'_>], code: Option<&Code>) -> Vec<Verdict> {
    let Some(code) = code else {
        return cases.iter().map(by_kind).collect();
    };
    let index = Index::of(code);
    let named: Vec<Vec<&surface::Change>> = cases.iter().map(|case| index.named(case)).collect();
    let sure = cases
        .iter()
        .zip(&named)
        .filter(|(case, _)| is_structural(case));
    let claimed: HashSet<&str> = sure
        .flat_map(|(_, changes)| changes.iter().map(|change| change.path()))
        .collect();
    cases
        .iter()
        .zip(named)
        .map(|(case, mut effects)| {
            if !is_structural(case) {
                effects.retain(|change| !claimed.contains(change.path()));
            }
            if has_nameless_effects(case) {
                effects.extend(index.nearby(case, &claimed));
            }
            if effects.is_empty() && !case.ids.is_disjoint(&code.left_out) {
                by_kind(case)
            } else {
                by_surface(case, &effects)
            }
        })
        .collect()
}

/// Whether a difference, rather than a remark beside it, explains a change of the code.
fn is_structural(case: &Case<'_>) -> bool {
    !matches!(
        case.difference.aspect,
        Aspect::Default | Aspect::Deprecation | Aspect::Bound | Aspect::Nullability
    )
}

fn by_surface(case: &Case<'_>, effects: &[&surface::Change]) -> Verdict {
    if !case.remains {
        return overridden();
    }
    let worst = effects
        .iter()
        .min_by_key(|change| (Reverse(Impact::of(change)), telling(change.path())));
    let verdict = match worst {
        Some(change) if Impact::of(change) > Impact::Invisible => {
            Verdict::new(Impact::of(change), effect(change))
        }
        _ => Verdict::new(Impact::Invisible, "nothing public depends on it"),
    };
    match demands(case) {
        Some(reason) if verdict.impact < Impact::Breaking => Verdict::new(Impact::Breaking, reason),
        _ => verdict,
    }
}

fn by_kind(case: &Case<'_>) -> Verdict {
    if !case.remains {
        return overridden();
    }
    if let Some(reason) = demands(case) {
        return Verdict::new(Impact::Breaking, reason);
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
        _ if !public => Verdict::new(Impact::Invisible, "no name or type follows from it"),
        Kind::Added => Verdict::new(Impact::Additive, "it is new"),
        _ => Verdict::new(Impact::Breaking, "a name or a type may change"),
    }
}

fn overridden() -> Verdict {
    Verdict::new(Impact::Invisible, "an override decides this")
}

fn effect(change: &surface::Change) -> String {
    let verb = match change {
        surface::Change::Added { .. } => "adds",
        surface::Change::Removed { .. } => "removes",
        surface::Change::Changed { .. } => "changes",
    };
    format!("{verb} `{}`", change.path())
}

/// What a request that was good may be refused for from now on.
fn demands(case: &Case<'_>) -> Option<String> {
    let difference = case.difference;
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
    match difference.entries() {
        Some((_, won)) => !won.is_empty(),
        None => difference.new.is_some(),
    }
}

/// A value is gone, or there was no list of values before.
fn narrows_enum(difference: &Difference) -> bool {
    match (&difference.old, &difference.new) {
        (None, Some(_)) => true,
        (Some(_), None) => false,
        _ => difference
            .entries()
            .is_none_or(|(lost, _)| !lost.is_empty()),
    }
}

/// A bound is new, or closer than before. Of patterns nobody can say, so a new one counts.
fn narrows_bound(difference: &Difference) -> bool {
    let (Some(new), old) = (&difference.new, &difference.old) else {
        return false;
    };
    let Some(old) = old else { return true };
    let key = new.place.last_key().unwrap_or_default();
    match (old.value.as_f64(), new.value.as_f64()) {
        (Some(old), Some(new)) if key.starts_with("max") => new < old,
        (Some(old), Some(new)) if key.starts_with("min") => new > old,
        _ => true,
    }
}

/// Whether a difference can change code in which its own name does not occur.
fn has_nameless_effects(case: &Case<'_>) -> bool {
    match case.difference.aspect {
        Aspect::Component => case.difference.kind == Kind::Renamed,
        aspect => matches!(
            aspect,
            Aspect::Type
                | Aspect::Reference
                | Aspect::Branch
                | Aspect::Body
                | Aspect::Answer
                | Aspect::MediaType
        ),
    }
}

/// The changes of the surface by the operations and types that they belong to.
struct Index<'a> {
    code: &'a Code,
    by_owner: BTreeMap<String, Vec<&'a surface::Change>>,
}

impl<'a> Index<'a> {
    fn of(code: &'a Code) -> Self {
        let mut by_owner: BTreeMap<String, Vec<&surface::Change>> = BTreeMap::new();
        for change in &code.changes {
            by_owner
                .entry(owner(change.path()))
                .or_default()
                .push(change);
        }
        Self { code, by_owner }
    }

    /// The changes in the code of a case's operations, and in the types that they reach.
    fn around(&self, case: &Case<'_>) -> Vec<&'a surface::Change> {
        let mut owners: BTreeSet<String> = BTreeSet::new();
        for id in &case.ids {
            owners.insert(plain(id));
            let types = self.code.types.get(id).into_iter().flatten();
            owners.extend(types.map(|name| plain(name)));
        }
        let changes = owners.iter().filter_map(|owner| self.by_owner.get(owner));
        changes.flatten().copied().collect()
    }

    /// Those among them that bear a name of the difference.
    fn named(&self, case: &Case<'_>) -> Vec<&'a surface::Change> {
        let names = names(case);
        let mut found = self.around(case);
        found.retain(|change| match case.difference.aspect {
            // A property may be called like a type, and so may an operation.
            Aspect::Component => {
                change.path().starts_with("types::") && names.contains(&owner(change.path()))
            }
            _ => {
                let last = last_name(change.path());
                let plain_last = plain(last.trim_start_matches("clear_"));
                names.contains(&plain(last)) || names.contains(&plain_last)
            }
        });
        found
    }

    /// Those among them that no difference has claimed by a name.
    fn nearby(&self, case: &Case<'_>, claimed: &HashSet<&str>) -> Vec<&'a surface::Change> {
        let mut found = self.around(case);
        found.retain(|change| !claimed.contains(change.path()));
        found
    }
}

/// The names under which a difference can show in the code, without their punctuation.
fn names(case: &Case<'_>) -> BTreeSet<String> {
    let difference = case.difference;
    let mut names: BTreeSet<String> = BTreeSet::new();
    match difference.aspect {
        Aspect::Operation | Aspect::Path => names.extend(case.ids.iter().map(|id| plain(id))),
        // One in the path is an argument of the method.
        Aspect::Parameter => {
            names.extend(holders(difference));
            names.extend(case.ids.iter().map(|id| plain(id)));
        }
        Aspect::Enum | Aspect::Required => {
            let (lost, won) = difference.entries().unwrap_or_default();
            let values = lost.into_iter().chain(won).filter_map(Value::as_str);
            names.extend(values.map(plain));
            names.extend(holders(difference));
        }
        _ => names.extend(holders(difference)),
    }
    names
}

/// The parameter, property or component in which a difference stands.
fn holders(difference: &Difference) -> BTreeSet<String> {
    [&difference.old, &difference.new]
        .into_iter()
        .flatten()
        .filter_map(|fact| fact.place.innermost_name())
        .map(|name| plain(&name))
        .collect()
}

/// The type or the operation that an item belongs to.
fn owner(path: &str) -> String {
    let item = path.split(": ").next().unwrap_or(path);
    let parts: Vec<&str> = item.split("::").collect();
    match parts.as_slice() {
        ["types", "builder", name, ..] | [_, name, ..] => plain(name),
        [name] => plain(name),
        [] => String::new(),
    }
}

fn last_name(path: &str) -> &str {
    let item = path.split(": ").next().unwrap_or(path);
    item.rsplit("::").next().unwrap_or(item)
}

/// How well an item explains a change to a reader: a method or a field better than a trait of its type.
fn telling(path: &str) -> (bool, usize) {
    const KINDS: [&str; 4] = ["Client::", "types::", "builder::", "operations::"];
    let kind = KINDS.iter().position(|kind| path.starts_with(kind));
    (path.contains(": "), kind.unwrap_or(KINDS.len()))
}

/// A signature without the names of its arguments.
fn unnamed(signature: &str) -> String {
    let mut parts = signature.split(": ").peekable();
    let mut text = String::new();
    while let Some(part) = parts.next() {
        let kept = match parts.peek() {
            Some(_) => {
                part.trim_end_matches(|letter: char| letter.is_alphanumeric() || letter == '_')
            }
            None => part,
        };
        text.push_str(kept);
    }
    text
}

/// A name in small letters and digits alone: `page_size`, `pageSize` and `PageSize` are one.
fn plain(name: &str) -> String {
    name.chars()
        .filter(|letter| letter.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}
