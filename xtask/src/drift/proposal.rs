//! Ledger entries for operations that have none yet, ready to paste.

use std::collections::{BTreeMap, BTreeSet};

use portkey_admin_codegen::ledger::{self, Entry, Ledger, Paging, Plane};
use portkey_admin_codegen::{Result, Source, document, siblings};
use serde_json::Value;

use super::pairing;

/// An entry for an operation that the ledger lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// The operation: `GET /api-keys`.
    pub key: String,
    /// The name of its method.
    pub id: String,
    /// The operation whose entry this is, where upstream only moved it.
    pub moved_from: Option<String>,
    /// The entry as it would stand in the file.
    pub text: String,
}

/// The documents (patched) and the ledger that a proposal follows.
pub struct Context<'a> {
    /// The document that the ledger describes.
    pub old: &'a Value,
    /// The document that has operations without an entry.
    pub new: &'a Value,
    /// The ledger.
    pub ledger: &'a Ledger,
    /// The text of the ledger, of which moved operations take their entries.
    pub text: &'a str,
    /// The day (`YYYY-MM-DD`) on which the document was seen.
    pub today: &'a str,
}

/// Proposes an entry for every operation of the new document that has none.
pub fn proposals(context: &Context<'_>) -> Vec<Proposal> {
    let moved: BTreeMap<String, String> = pairing::operations(context.old, context.new)
        .common
        .into_iter()
        .map(|(old, new)| (new.key(), old.key()))
        .collect();
    let mut taken: BTreeSet<String> = context
        .ledger
        .iter()
        .map(|(_, entry)| entry.id.clone())
        .collect();
    let mut found = Vec::new();
    for key in context.ledger.lacking(context.new) {
        let proposal = moved
            .get(&key)
            .and_then(|from| moved_entry(context, &key, from))
            .or_else(|| new_entry(context, &key, &taken));
        if let Some(proposal) = proposal {
            taken.insert(proposal.id.clone());
            found.push(proposal);
        }
    }
    found
}

/// The proposals as a ledger, which shows that they can be pasted.
pub fn parse(proposals: &[Proposal]) -> Result<Ledger> {
    let texts: Vec<&str> = proposals
        .iter()
        .map(|proposal| proposal.text.as_str())
        .collect();
    Ledger::parse(&Source {
        name: "proposed entries".to_owned(),
        text: match texts.is_empty() {
            true => "{}".to_owned(),
            false => texts.join("\n"),
        },
    })
}

/// The entry of an operation that upstream moved, under its new key.
fn moved_entry(context: &Context<'_>, key: &str, from: &str) -> Option<Proposal> {
    let (method, path) = ledger::split_key(from)?;
    let id = context.ledger.get(method, path)?.id.clone();
    let head = format!("{from}:");
    let mut lines = context.text.lines().skip_while(|line| *line != head);
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
    let (method, path) = ledger::split_key(key)?;
    let route = Route {
        method,
        path,
        operation: &context.new["paths"][path][method.to_ascii_lowercase()],
        document: context.new,
    };
    let name = Name::of(&route, &verbs(context.ledger));
    let id = unused(&name.id(), taken);
    let neighbour = neighbour(context.ledger, path);
    let (area, plane) = neighbour.map_or(("gateway # a guess", Plane::Gateway), |entry| {
        (entry.area.as_str(), entry.plane)
    });
    let mut lines = vec![
        format!("{key}:"),
        format!("  id: {id}"),
        format!("  summary: {}", name.summary()),
        format!("  plane: {}", plane_word(plane)),
        format!("  area: {area}"),
    ];
    lines.extend(
        route
            .paging(&name, context.ledger)
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

fn plane_word(plane: Plane) -> &'static str {
    match plane {
        Plane::Control => "control",
        Plane::Gateway => "gateway",
        Plane::Public => "public",
    }
}

fn unused(id: &str, taken: &BTreeSet<String>) -> String {
    let numbered = (2..).map(|number| format!("{id}_{number}"));
    std::iter::once(id.to_owned())
        .chain(numbered)
        .find(|id| !taken.contains(id))
        .unwrap_or_default()
}

/// What a path may say is done, so that doing it twice may differ from doing it once.
const DEEDS: [&str; 11] = [
    "archive", "cancel", "disable", "enable", "publish", "reset", "restore", "rotate", "start",
    "sync", "test",
];

/// What can be done to something: the first words of the names in use, and some that are to be expected.
fn verbs(ledger: &Ledger) -> BTreeSet<&str> {
    let used = ledger
        .iter()
        .filter_map(|(_, entry)| entry.id.split('_').next());
    used.chain(DEEDS).chain(["download"]).collect()
}

/// The entry of the operation whose path has the longest common beginning with `path`.
fn neighbour<'a>(ledger: &'a Ledger, path: &str) -> Option<&'a Entry> {
    let common = |other: &str| {
        let pairs = siblings::segments(path).zip(siblings::segments(other));
        pairs.take_while(|(one, two)| one == two).count()
    };
    let near = ledger.iter().filter_map(|(key, entry)| {
        let (_, other) = ledger::split_key(key)?;
        Some((common(other), entry)).filter(|(common, _)| *common > 0)
    });
    first_of_most(near)
}

/// What stands beside the largest number; the first of several.
fn first_of_most<T>(counted: impl Iterator<Item = (usize, T)>) -> Option<T> {
    let most = counted.reduce(|best, item| if best.0 >= item.0 { best } else { item });
    most.map(|(_, item)| item)
}

/// An operation as the document has it.
struct Route<'a> {
    method: &'a str,
    path: &'a str,
    operation: &'a Value,
    document: &'a Value,
}

impl Route<'_> {
    /// Whether it may be sent again. A method says less than it should: there are updates that make a
    /// new version, and what is named after a deed does one. So what may do harm is not repeated until
    /// whoever pastes the entry knows better.
    fn retry(&self, verb: &str) -> &'static str {
        match (self.method, DEEDS.contains(&verb)) {
            ("GET" | "HEAD" | "OPTIONS", false) => "safe",
            ("GET" | "HEAD" | "OPTIONS", true) => "never # safe if it only reads",
            ("PUT", false) => "never # idempotent if it replaces",
            ("DELETE", false) => "idempotent",
            _ => "never",
        }
    }

    /// The schema of the success answer.
    fn answer(&self) -> Option<&Value> {
        let answers = self.operation["responses"].as_object()?;
        let success = answers.iter().find(|(status, _)| status.starts_with('2'));
        let answer = document::resolve(self.document, success?.1).ok()?;
        let schema = answer["content"]["application/json"].get("schema")?;
        document::resolve(self.document, schema).ok()
    }

    /// Whether the answer is a list, or an envelope around one.
    fn is_list(&self) -> bool {
        self.answer()
            .is_some_and(|answer| self.holds_list(answer, 0))
    }

    fn holds_list(&self, schema: &Value, depth: usize) -> bool {
        let resolved = |schema| document::resolve(self.document, schema).unwrap_or(&Value::Null);
        let properties = schema["properties"].as_object().into_iter().flatten();
        let mut lists = properties
            .filter(|(_, member)| resolved(member)["type"] == "array")
            .map(|(name, _)| name.as_str());
        // Any list counts where the path speaks of several things.
        let last = siblings::segments(self.path).last().unwrap_or_default();
        let plural = last.ends_with('s');
        if schema["type"] == "array"
            || lists.any(|name| plural || name == "data" || name == "items")
        {
            return true;
        }
        let branches = ["allOf", "oneOf", "anyOf"].iter();
        let mut branches = branches.filter_map(|key| schema[*key].as_array()).flatten();
        // A schema may hold itself; nobody nests envelopes deeper.
        depth < 4 && branches.any(|branch| self.holds_list(resolved(branch), depth + 1))
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

    /// The paging that most lists with these parameters have.
    fn paging(&self, name: &Name, ledger: &Ledger) -> Option<String> {
        if name.verb != "list" {
            return None;
        }
        let mut known: Vec<(usize, &Paging)> = Vec::new();
        let pagings = ledger.iter().filter_map(|(_, entry)| entry.paging.as_ref());
        for paging in pagings.filter(|paging| self.is_paged_by(paging)) {
            match known.iter_mut().find(|(_, other)| *other == paging) {
                Some((count, _)) => *count += 1,
                None => known.push((1, paging)),
            }
        }
        first_of_most(known.into_iter()).map(paging_text)
    }

    fn is_paged_by(&self, paging: &Paging) -> bool {
        let named = [&paging.page, &paging.after, &paging.size];
        let mut named = named.into_iter().flatten().peekable();
        named.peek().is_some() && named.all(|name| self.has_parameter(name))
    }

    /// Why the operation cannot be generated, if it cannot.
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
        let answers = self.operation["responses"].as_object();
        let answered: Vec<String> = answers
            .into_iter()
            .flatten()
            .filter(|(status, _)| status.starts_with('2'))
            .flat_map(|(_, answer)| media(answer))
            .collect();
        if answered.is_empty() || answered.iter().any(is_json) {
            return None;
        }
        match answered.iter().all(|media| media == "text/event-stream") {
            true => Some("event-stream"),
            false => Some("binary"),
        }
    }
}

fn paging_text(paging: &Paging) -> String {
    let first = paging.first.map(|first| first.to_string());
    let members = [
        ("page", &paging.page),
        ("after", &paging.after),
        ("size", &paging.size),
        ("first", &first),
        ("items", &paging.items),
        ("total", &paging.total),
        ("more", &paging.more),
    ];
    let texts: Vec<String> = members
        .into_iter()
        .filter_map(|(name, value)| Some(format!("{name}: {}", value.as_ref()?)))
        .collect();
    format!("{{{}}}", texts.join(", "))
}

/// A method's name, `verb_noun`.
#[derive(Debug, PartialEq, Eq)]
struct Name {
    verb: String,
    noun: String,
}

impl Name {
    /// `GET /api-keys` → `list`, `api_keys`; `POST /api-keys/{id}/rotate` → `rotate`, `api_key`.
    fn of(route: &Route<'_>, verbs: &BTreeSet<&str>) -> Self {
        // What only says where something lies is not part of its name.
        let segments: Vec<&str> = siblings::segments(route.path)
            .filter(|segment| !matches!(*segment, "admin" | "v1" | "v2"))
            .collect();
        let (action, rest) = match segments.split_last() {
            Some((last, rest))
                if !rest.is_empty() && !siblings::is_parameter(last) && is_action(last, verbs) =>
            {
                (Some(snake(last)), rest)
            }
            _ => (None, segments.as_slice()),
        };
        let one = rest.last().is_some_and(|last| siblings::is_parameter(last));
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

    /// A first sentence; whoever pastes the entry has a better one.
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

/// Whether the last segment of a path says what is done (`rotate`, `makeDefault`).
fn is_action(segment: &str, verbs: &BTreeSet<&str>) -> bool {
    let snake = snake(segment);
    snake
        .split('_')
        .next()
        .is_some_and(|word| verbs.contains(word))
}

/// The literal segments, all but the last in the singular; `one` puts that in the singular, too.
fn noun(segments: &[&str], one: bool) -> String {
    let literals: Vec<&str> = segments
        .iter()
        .copied()
        .filter(|segment| !siblings::is_parameter(segment))
        .collect();
    let last = literals.len().saturating_sub(1);
    let words: Vec<String> = literals
        .iter()
        .enumerate()
        .map(|(index, segment)| match index < last || one {
            true => singular(&snake(segment)),
            false => snake(segment),
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

/// `api-keys` → `api_keys`, `makeDefault` → `make_default`.
fn snake(segment: &str) -> String {
    let mut text = String::new();
    for letter in segment.chars() {
        match letter {
            'A'..='Z' => {
                if !text.is_empty() && !text.ends_with('_') {
                    text.push('_');
                }
                text.push(letter.to_ascii_lowercase());
            }
            letter if letter.is_ascii_alphanumeric() => text.push(letter),
            _ if !text.is_empty() && !text.ends_with('_') => text.push('_'),
            _ => {}
        }
    }
    text.trim_end_matches('_').to_owned()
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
        Name::of(&route, &verbs(&patched.ledger)).id()
    }

    #[test]
    fn most_names_of_the_ledger_would_be_proposed() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let patched = patch(&Sources::read(&root).unwrap()).unwrap();
        let (mut all, mut met) = (0, 0);
        for (key, entry) in patched
            .ledger
            .iter()
            .filter(|(_, entry)| entry.area != "analytics")
        {
            let (method, path) = ledger::split_key(key).unwrap();
            all += 1;
            if proposed(method, path, &patched) == entry.id {
                met += 1;
            }
        }
        assert!(met * 3 >= all * 2, "{met} of {all}");
    }

    #[test]
    fn segments_become_words() {
        assert_eq!(snake("api-keys"), "api_keys");
        assert_eq!(snake("makeDefault"), "make_default");
        assert_eq!(singular("policies"), "policy");
        assert_eq!(singular("batches"), "batch");
        assert_eq!(singular("user_access"), "user_access");
    }
}
