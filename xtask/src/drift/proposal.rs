//! Proposes manifest entries for operations that have none yet.

use std::collections::{BTreeMap, BTreeSet};

use heck::ToSnakeCase;
use portkey_admin_codegen::manifest::{self, Entry, Manifest, Paging, Plane};
use portkey_admin_codegen::{Result, Source, document, reserved_segments};
use serde_json::Value;

use super::matching;

/// A manifest entry for an operation that has none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// The operation, such as `GET /api-keys`.
    pub key: String,
    /// The name of the client method.
    pub id: String,
    /// The operation that the entry belonged to, if upstream only moved it.
    pub moved_from: Option<String>,
    /// The entry as YAML.
    pub text: String,
}

/// The patched documents and the manifest on which proposals are based.
pub struct Context<'a> {
    /// The document that the manifest describes.
    pub old: &'a Value,
    /// The document with operations that have no entry.
    pub new: &'a Value,
    /// The manifest.
    pub manifest: &'a Manifest,
    /// The manifest as YAML; entries of moved operations are copied from it.
    pub manifest_text: &'a str,
    /// The date (`YYYY-MM-DD`) recorded as evidence.
    pub today: &'a str,
}

/// Proposes an entry for every operation of the new document that has none.
pub fn proposals(context: &Context<'_>) -> Vec<Proposal> {
    let moved: BTreeMap<String, String> = matching::match_operations(context.old, context.new)
        .common
        .into_iter()
        .map(|(old, new)| (new.key(), old.key()))
        .collect();
    let missing = context.manifest.missing(context.new);
    let adopted: Vec<Option<Proposal>> = missing
        .iter()
        .map(|key| moved_entry(context, key, moved.get(key)?))
        .collect();
    // The id of an entry whose operation is gone is free, unless a moved operation keeps it.
    let stale = context.manifest.stale(context.new);
    let kept = context.manifest.iter();
    let kept = kept.filter(|(key, _)| !stale.contains(key));
    let mut taken: BTreeSet<String> = kept
        .map(|(_, entry)| entry.id.clone())
        .chain(adopted.iter().flatten().map(|proposal| proposal.id.clone()))
        .collect();
    let mut found = Vec::new();
    for (key, adopted) in missing.iter().zip(adopted) {
        let proposal = adopted.or_else(|| new_entry(context, key, &taken));
        if let Some(proposal) = proposal {
            taken.insert(proposal.id.clone());
            found.push(proposal);
        }
    }
    found
}

/// Parses the proposals as a manifest, which shows that they can be pasted.
pub fn parse(proposals: &[Proposal]) -> Result<Manifest> {
    let texts: Vec<&str> = proposals
        .iter()
        .map(|proposal| proposal.text.as_str())
        .collect();
    Manifest::parse(&Source {
        name: "proposed entries".to_owned(),
        text: match texts.is_empty() {
            true => "{}".to_owned(),
            false => texts.join("\n"),
        },
    })
}

/// Returns the entry of an operation that upstream moved, under its new key.
fn moved_entry(context: &Context<'_>, key: &str, from: &str) -> Option<Proposal> {
    let (method, path) = manifest::split_key(from)?;
    let id = context.manifest.get(method, path)?.id.clone();
    let head = format!("{from}:");
    let mut lines = context
        .manifest_text
        .lines()
        .skip_while(|line| *line != head);
    lines.next()?;
    let body = lines.take_while(|line| line.starts_with(' '));
    let text = body.fold(format!("{key}:\n"), |text, line| text + line + "\n");
    Some(Proposal {
        key: key.to_owned(),
        id,
        moved_from: Some(from.to_owned()),
        text,
    })
}

fn new_entry(context: &Context<'_>, key: &str, taken: &BTreeSet<String>) -> Option<Proposal> {
    let (method, path) = manifest::split_key(key)?;
    let route = Route {
        method,
        path,
        operation: &context.new["paths"][path][method.to_ascii_lowercase()],
        document: context.new,
    };
    let name = MethodName::of(&route, &verbs(context.manifest));
    let id = unique_id(&name.id(), taken);
    let closest = closest_entry(context.manifest, path);
    let (area, plane) = closest.map_or(("gateway # a guess", Plane::Gateway), |entry| {
        (entry.area.as_str(), entry.plane)
    });
    let mut lines = vec![
        format!("{key}:"),
        format!("  id: {id}"),
        format!("  summary: {}", name.summary()),
        format!("  plane: {}", plane.name()),
        format!("  area: {area}"),
    ];
    lines.extend(
        route
            .paging(&name, context.manifest)
            .map(|paging| format!("  paging: {paging}")),
    );
    lines.push(format!("  retry: {}", route.retry(&name.verb)));
    lines.push("  status: unverified".to_owned());
    lines.push(format!(
        "  evidence: {{on: {}, by: document}}",
        context.today
    ));
    lines.extend(
        route
            .handwritten()
            .map(|kind| format!("  handwritten: {kind}")),
    );
    Some(Proposal {
        key: key.to_owned(),
        id,
        moved_from: None,
        text: lines.join("\n") + "\n",
    })
}

fn unique_id(id: &str, taken: &BTreeSet<String>) -> String {
    let numbered = (2..).map(|number| format!("{id}_{number}"));
    std::iter::once(id.to_owned())
        .chain(numbered)
        .find(|id| !taken.contains(id))
        .unwrap_or_default()
}

/// Verbs in a path for which calling twice may differ from calling once.
const ACTION_VERBS: [&str; 11] = [
    "archive", "cancel", "disable", "enable", "publish", "reset", "restore", "rotate", "start",
    "sync", "test",
];

/// Returns the known verbs: the first words of method names in use, and a few more.
fn verbs(manifest: &Manifest) -> BTreeSet<&str> {
    let used = manifest
        .iter()
        .filter_map(|(_, entry)| entry.id.split('_').next());
    used.chain(ACTION_VERBS).chain(["download"]).collect()
}

/// Returns the entry of the operation whose path has the longest common prefix with `path`.
fn closest_entry<'a>(manifest: &'a Manifest, path: &str) -> Option<&'a Entry> {
    let common = |other: &str| {
        let pairs = reserved_segments::segments(path).zip(reserved_segments::segments(other));
        pairs.take_while(|(one, two)| one == two).count()
    };
    let near = manifest.iter().filter_map(|(key, entry)| {
        let (_, other) = manifest::split_key(key)?;
        Some((common(other), entry)).filter(|(common, _)| *common > 0)
    });
    first_with_highest_count(near)
}

/// Returns the item with the highest count; the first of several.
fn first_with_highest_count<T>(counted: impl Iterator<Item = (usize, T)>) -> Option<T> {
    let most = counted.reduce(|best, item| if best.0 >= item.0 { best } else { item });
    most.map(|(_, item)| item)
}

/// An operation as described by the document.
struct Route<'a> {
    method: &'a str,
    path: &'a str,
    operation: &'a Value,
    document: &'a Value,
}

impl Route<'_> {
    /// Proposes the retry class. The HTTP method is not enough: some updates create a new version,
    /// and a path that ends in a verb performs that action. An operation that may do harm when
    /// repeated is `never` until a maintainer decides otherwise.
    fn retry(&self, verb: &str) -> &'static str {
        match (self.method, ACTION_VERBS.contains(&verb)) {
            ("GET" | "HEAD" | "OPTIONS", false) => "safe",
            ("GET" | "HEAD" | "OPTIONS", true) => "never # safe if it only reads",
            ("PUT", false) => "never # idempotent if it replaces",
            ("DELETE", false) => "idempotent",
            _ => "never",
        }
    }

    /// Returns the schema of the success response.
    fn response_schema(&self) -> Option<&Value> {
        let responses = self.operation["responses"].as_object()?;
        let success = responses.iter().find(|(status, _)| status.starts_with('2'));
        let response = document::resolve(self.document, success?.1).ok()?;
        let schema = response["content"]["application/json"].get("schema")?;
        document::resolve(self.document, schema).ok()
    }

    /// Whether the response is a list or an envelope around one.
    fn is_list(&self) -> bool {
        self.response_schema()
            .is_some_and(|response| self.contains_list(response, 0))
    }

    fn contains_list(&self, schema: &Value, depth: usize) -> bool {
        let resolved = |schema| document::resolve(self.document, schema).unwrap_or(&Value::Null);
        let properties = schema["properties"].as_object().into_iter().flatten();
        let mut lists = properties
            .filter(|(_, property)| resolved(property)["type"] == "array")
            .map(|(name, _)| name.as_str());
        // If the last segment of the path is a plural, any list counts.
        let last = reserved_segments::segments(self.path)
            .last()
            .unwrap_or_default();
        let plural = last.ends_with('s');
        if schema["type"] == "array"
            || lists.any(|name| plural || name == "data" || name == "items")
        {
            return true;
        }
        let branches = ["allOf", "oneOf", "anyOf"].iter();
        let mut branches = branches.filter_map(|key| schema[*key].as_array()).flatten();
        // A schema may contain itself; envelopes are not nested deeper than this.
        depth < 4 && branches.any(|branch| self.contains_list(resolved(branch), depth + 1))
    }

    fn has_parameter(&self, name: &str) -> bool {
        let item = &self.document["paths"][self.path];
        [item, self.operation]
            .iter()
            .filter_map(|holder| holder["parameters"].as_array())
            .flatten()
            .filter_map(|parameter| document::resolve(self.document, parameter).ok())
            .any(|parameter| parameter["name"] == name && parameter["in"] == "query")
    }

    /// Returns the most common paging among lists with these parameters.
    fn paging(&self, name: &MethodName, manifest: &Manifest) -> Option<String> {
        if name.verb != "list" {
            return None;
        }
        let mut known: Vec<(usize, &Paging)> = Vec::new();
        let pagings = manifest
            .iter()
            .filter_map(|(_, entry)| entry.paging.as_ref());
        for paging in pagings.filter(|paging| self.is_paged_by(paging)) {
            match known.iter_mut().find(|(_, other)| *other == paging) {
                Some((count, _)) => *count += 1,
                None => known.push((1, paging)),
            }
        }
        first_with_highest_count(known.into_iter()).map(paging_text)
    }

    fn is_paged_by(&self, paging: &Paging) -> bool {
        let named = [&paging.page, &paging.after, &paging.size];
        let mut named = named.into_iter().flatten().peekable();
        named.peek().is_some() && named.all(|name| self.has_parameter(name))
    }

    /// Returns why the operation cannot be generated, if it cannot.
    fn handwritten(&self) -> Option<&'static str> {
        let media = |holder: &Value| -> Vec<String> {
            let holder = document::resolve(self.document, holder).unwrap_or(&Value::Null);
            let content = holder["content"].as_object();
            content
                .into_iter()
                .flat_map(|content| content.keys().cloned())
                .collect()
        };
        let is_json = |media: &String| media.contains("json");
        let body = media(&self.operation["requestBody"]);
        if body.iter().any(|media| media == "multipart/form-data") && !body.iter().any(is_json) {
            return Some("multipart");
        }
        let responses = self.operation["responses"].as_object();
        let media_types: Vec<String> = responses
            .into_iter()
            .flatten()
            .filter(|(status, _)| status.starts_with('2'))
            .flat_map(|(_, response)| media(response))
            .collect();
        if media_types.is_empty() || media_types.iter().any(is_json) {
            return None;
        }
        match media_types.iter().all(|media| media == "text/event-stream") {
            true => Some("event-stream"),
            false => Some("binary"),
        }
    }
}

fn paging_text(paging: &Paging) -> String {
    let first = paging.first.map(|first| first.to_string());
    let fields = [
        ("page", &paging.page),
        ("after", &paging.after),
        ("size", &paging.size),
        ("first", &first),
        ("items", &paging.items),
        ("total", &paging.total),
        ("more", &paging.more),
        ("next", &paging.next),
    ];
    let texts: Vec<String> = fields
        .into_iter()
        .filter_map(|(name, value)| Some(format!("{name}: {}", value.as_ref()?)))
        .collect();
    format!("{{{}}}", texts.join(", "))
}

/// A method name, `verb_noun`.
#[derive(Debug, PartialEq, Eq)]
struct MethodName {
    verb: String,
    noun: String,
}

impl MethodName {
    /// Derives the name: `GET /api-keys` → `list`, `api_keys`; `POST /api-keys/{id}/rotate` →
    /// `rotate`, `api_key`.
    fn of(route: &Route<'_>, verbs: &BTreeSet<&str>) -> Self {
        // Prefixes are not part of the name.
        let segments: Vec<&str> = reserved_segments::segments(route.path)
            .filter(|segment| !matches!(*segment, "admin" | "v1" | "v2"))
            .collect();
        let (action, rest) = match segments.split_last() {
            Some((last, rest))
                if !rest.is_empty()
                    && !reserved_segments::is_parameter(last)
                    && is_action(last, verbs) =>
            {
                (Some(last.to_snake_case()), rest)
            }
            _ => (None, segments.as_slice()),
        };
        let one = rest
            .last()
            .is_some_and(|last| reserved_segments::is_parameter(last));
        match action {
            Some(action) => {
                let (verb, object) = match action.split_once('_') {
                    Some((verb, object)) => (verb.to_owned(), format!("_{object}")),
                    None => (action, String::new()),
                };
                let noun = noun(rest, one) + &object;
                Self { verb, noun }
            }
            None => {
                let verb = verb(route, one);
                let noun = noun(rest, one || verb == "create");
                Self {
                    verb: verb.to_owned(),
                    noun,
                }
            }
        }
    }

    fn id(&self) -> String {
        match self.noun.is_empty() {
            true => self.verb.clone(),
            false => format!("{}_{}", self.verb, self.noun),
        }
    }

    /// Returns a placeholder for the summary, which the maintainer replaces.
    fn summary(&self) -> String {
        let what = self.noun.replace('_', " ");
        let verb = match self.verb.as_str() {
            "list" => "Lists".to_owned(),
            "get" => "Fetches".to_owned(),
            "create" => "Creates".to_owned(),
            "update" => "Changes".to_owned(),
            "delete" => "Deletes".to_owned(),
            other => format!("Calls `{other}` on"),
        };
        format!("{verb} {what}.")
    }
}

fn verb(route: &Route<'_>, one: bool) -> &'static str {
    match (route.method, one) {
        ("GET" | "HEAD", true) => "get",
        ("GET" | "HEAD", false) if route.is_list() => "list",
        ("GET" | "HEAD", false) => "get",
        ("POST", false) => "create",
        ("DELETE", _) => "delete",
        _ => "update",
    }
}

/// Whether the last segment of a path is an action (`rotate`, `makeDefault`).
fn is_action(segment: &str, verbs: &BTreeSet<&str>) -> bool {
    let snake = segment.to_snake_case();
    snake
        .split('_')
        .next()
        .is_some_and(|word| verbs.contains(word))
}

/// Joins the literal segments, all but the last in the singular; with `one`, the last is in the
/// singular as well.
fn noun(segments: &[&str], one: bool) -> String {
    let literals: Vec<&str> = segments
        .iter()
        .copied()
        .filter(|segment| !reserved_segments::is_parameter(segment))
        .collect();
    let last = literals.len().saturating_sub(1);
    let words: Vec<String> = literals
        .iter()
        .enumerate()
        .map(|(index, segment)| match index < last || one {
            true => singular(&segment.to_snake_case()),
            false => segment.to_snake_case(),
        })
        .collect();
    words.join("_")
}

/// `policies` → `policy`, `batches` → `batch`, `api_keys` → `api_key`.
fn singular(plural: &str) -> String {
    if let Some(stem) = plural.strip_suffix("ies") {
        return format!("{stem}y");
    }
    for ending in ["ches", "shes", "xes", "sses"] {
        if plural.ends_with(ending) {
            return plural.trim_end_matches("es").to_owned();
        }
    }
    match plural.strip_suffix('s') {
        Some(stem) if !stem.ends_with('s') => stem.to_owned(),
        _ => plural.to_owned(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::path::Path;

    use portkey_admin_codegen::{Sources, patch};

    use super::*;

    fn proposed(method: &str, path: &str, patched: &portkey_admin_codegen::Patched) -> String {
        let route = Route {
            method,
            path,
            operation: &patched.document["paths"][path][method.to_ascii_lowercase()],
            document: &patched.document,
        };
        MethodName::of(&route, &verbs(&patched.manifest)).id()
    }

    #[test]
    fn most_method_names_of_the_manifest_would_be_proposed() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let patched = patch(&Sources::read(&root).unwrap()).unwrap();
        let (mut total, mut matching) = (0, 0);
        for (key, entry) in patched
            .manifest
            .iter()
            .filter(|(_, entry)| entry.area != "analytics")
        {
            let (method, path) = manifest::split_key(key).unwrap();
            total += 1;
            if proposed(method, path, &patched) == entry.id {
                matching += 1;
            }
        }
        assert!(matching * 3 >= total * 2, "{matching} of {total}");
    }

    #[test]
    fn plural_becomes_singular() {
        assert_eq!(singular("policies"), "policy");
        assert_eq!(singular("batches"), "batch");
        assert_eq!(singular("user_access"), "user_access");
    }
}
