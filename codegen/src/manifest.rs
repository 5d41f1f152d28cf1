//! The manifest, `overrides/operations.yaml`: one entry for each operation of the patched document.

mod rules;

use std::collections::HashSet;

use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::Value;

use crate::{Error, Result, Source, document};

/// Every entry, by operation key (`GET /api-keys`), in the order of the file.
#[derive(Debug, Clone)]
pub struct Manifest {
    entries: IndexMap<String, Entry>,
}

/// What we know about one operation.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The method's name in Rust, `verb_noun`.
    pub id: String,
    /// One sentence: what the operation does.
    pub summary: String,
    /// Which base URL it is sent to, and whether with a key.
    pub plane: Plane,
    /// Which version segment the base URL ends in.
    #[serde(default)]
    pub base: ApiVersion,
    /// The Cargo feature it belongs to.
    pub area: String,
    /// How the list is cut into pages; absent where the operation is no list.
    #[serde(default)]
    pub paging: Option<Paging>,
    /// Whether it may be sent again.
    pub retry: Idempotency,
    /// Members of the body that make even an operation that may be repeated a trigger, which may not.
    #[serde(default)]
    pub triggers: Vec<String>,
    /// The operation that reads what this one updates, where the answer to the update says nothing.
    #[serde(default)]
    pub reads: Option<String>,
    /// Whether the client's default workspace goes into the query parameter `workspace_id`.
    #[serde(default)]
    pub default_workspace: bool,
    /// Who may call it, as far as known.
    #[serde(default)]
    pub access: Access,
    /// Whether it was seen to work.
    pub status: Status,
    /// What was seen, when, by whom.
    pub evidence: Evidence,
    /// Facts that a caller should know, one sentence each.
    #[serde(default)]
    pub notes: Vec<String>,
    /// Whether a function of the client (`src/checks.rs`, of the operation's name) checks each
    /// request before it is sent.
    #[serde(default)]
    pub check: bool,
    /// Set where the body's member `stream` turns the answer into an event stream.
    #[serde(default)]
    pub stream: Option<Stream>,
    /// Set where the operation cannot be generated: why it is written by hand.
    #[serde(default)]
    pub handwritten: Option<Handwritten>,
}

/// The service half that answers an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Plane {
    /// The control plane: organisations, keys, prompts, analytics.
    Control,
    /// The data plane (the AI gateway).
    Gateway,
    /// Public facts, asked for without a key.
    Public,
}

/// The version segment of the base URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ApiVersion {
    /// The base URL as configured.
    #[default]
    V1,
    /// The base URL with its final `/v1` replaced by `/v2`.
    V2,
}

/// How a list is paged: the names of its query parameters and of its envelope's members.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Paging {
    /// The query parameter with the page number.
    #[serde(default)]
    pub page: Option<String>,
    /// The query parameter with the page size.
    #[serde(default)]
    pub size: Option<String>,
    /// The number of the first page.
    #[serde(default)]
    pub first: Option<u32>,
    /// The query parameter with the cursor (the id of the last item seen).
    #[serde(default)]
    pub after: Option<String>,
    /// The member that holds the items; absent where the body itself is the list.
    #[serde(default)]
    pub items: Option<String>,
    /// Another member that was seen to hold the items instead.
    #[serde(default)]
    pub also: Option<String>,
    /// The member of an item that tells it from the others, where that is neither its `id` nor, for
    /// want of one, its `slug`.
    #[serde(default)]
    pub key: Option<String>,
    /// The member that counts all items.
    #[serde(default)]
    pub total: Option<String>,
    /// The member that says whether there are more.
    #[serde(default)]
    pub more: Option<String>,
}

/// What an event stream consists of.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stream {
    /// The schema of an event.
    pub event: String,
    /// Whether the schema's members are the name and the data of the event (`event`, `data`), rather
    /// than those of the data.
    #[serde(default)]
    pub named: bool,
}

impl Stream {
    /// The schema as the document refers to it.
    pub fn reference(&self) -> String {
        format!("#/components/schemas/{}", self.event)
    }
}

/// Whether an operation may be sent again after a failure that may have executed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Idempotency {
    /// It only reads.
    Safe,
    /// Sending it twice has the effect of sending it once.
    Idempotent,
    /// Each execution leaves something behind.
    #[serde(rename = "never")]
    NonIdempotent,
}

/// Who may call an operation, as far as known.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Access {
    /// Kinds of key that may call it (`organisation`, `workspace`); empty where unknown.
    #[serde(default)]
    pub keys: Vec<String>,
    /// Scopes of which the key needs one; empty where unknown.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// The plan it needs (`any`, `enterprise`), where known.
    #[serde(default)]
    pub plan: Option<String>,
}

/// Whether an operation was seen to work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// Answered as expected, or an official client relies on it.
    Works,
    /// Nobody was seen to call it successfully.
    Unverified,
    /// Known to exist: it answered 403.
    ForbiddenSeen,
    /// Known not to work as documented.
    Broken,
}

/// What was seen, when, by whom.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// The status that was answered, where one was recorded.
    #[serde(default)]
    pub seen: Option<u16>,
    /// The date (`YYYY-MM-DD`) of the observation or of the source.
    #[serde(default)]
    pub on: Option<String>,
    /// `live`, `official-client` or `document`.
    pub by: EvidenceGrade,
    /// The rows of evidence it rests on, or what else there is to say.
    #[serde(default)]
    pub note: Option<String>,
}

/// Who saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EvidenceGrade {
    /// An answer of the live service.
    Live,
    /// Code of Portkey's own clients depends on it.
    OfficialClient,
    /// Only a document says so.
    Document,
}

/// Why an operation is not generated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Handwritten {
    /// Its body is `multipart/form-data`.
    Multipart,
    /// It answers only with an event stream.
    EventStream,
    /// It answers with bytes.
    Binary,
    /// It is a websocket.
    Websocket,
}

impl Manifest {
    /// Reads the manifest; a key that is no `METHOD /path`, an unknown field or a repeated id is an error.
    pub fn parse(source: &Source) -> Result<Self> {
        let value = document::parse(&source.name, &source.text)?;
        let map = value.as_object().ok_or_else(|| {
            Error::new(
                &source.name,
                "must be a map from `METHOD /path` to an entry",
            )
        })?;
        let mut entries = IndexMap::new();
        let mut ids: IndexMap<String, String> = IndexMap::new();
        for (key, value) in map {
            let location = format!("{}: {key}", source.name);
            check_key(&location, key)?;
            let entry: Entry = serde_json::from_value(value.clone())
                .map_err(|error| Error::new(&location, error.to_string()))?;
            if let Some(other) = ids.insert(entry.id.clone(), key.clone()) {
                return Err(Error::new(
                    location,
                    format!("id `{}` is already used by `{other}`", entry.id),
                ));
            }
            entries.insert(key.clone(), entry);
        }
        Ok(Self { entries })
    }

    /// Checks that the manifest and the document name the same operations, and that what the manifest
    /// says of parameters and bodies is there.
    pub fn check(&self, name: &str, document: &Value) -> Result<()> {
        if let Some(key) = self.missing(document).first() {
            let problem = format!("no entry for `{key}` of the patched document");
            return Err(Error::new(name, problem));
        }
        match self.stale(document).first() {
            Some(key) => Err(Error::new(
                name,
                format!("`{key}` is not an operation of the patched document"),
            )),
            None => match self.problems(document).into_iter().next() {
                Some((key, problem)) => Err(Error::new(format!("{name}: {key}"), problem)),
                None => Ok(()),
            },
        }
    }

    /// What the entries say of parameters and bodies, and of other operations, that does not hold in
    /// the document: each with the operation's key. Entries without an operation are left out.
    pub fn problems(&self, document: &Value) -> Vec<(String, String)> {
        rules::problems(self, document)
    }

    /// The keys of the document's operations that have no entry.
    pub fn missing(&self, document: &Value) -> Vec<String> {
        document::operations(document)
            .map(|(path, method, _)| key(method, path))
            .filter(|key| !self.entries.contains_key(key))
            .collect()
    }

    /// The keys of the entries that are no operation of the document.
    pub fn stale(&self, document: &Value) -> Vec<&str> {
        let known: HashSet<String> = document::operations(document)
            .map(|(path, method, _)| key(method, path))
            .collect();
        self.entries
            .keys()
            .map(String::as_str)
            .filter(|key| !known.contains(*key))
            .collect()
    }

    /// The same manifest with the entries of `more` instead of those that have no operation in the
    /// document.
    pub fn adjusted(&self, document: &Value, more: Self) -> Self {
        let stale: HashSet<&str> = self.stale(document).into_iter().collect();
        let mut entries = self.entries.clone();
        entries.retain(|key, _| !stale.contains(key.as_str()));
        entries.extend(more.entries);
        Self { entries }
    }

    /// The same manifest without what leads nowhere: `reads` of an operation that has no entry, and a
    /// `stream` of a schema that the document lacks. What remains can be generated.
    pub fn prune_dangling_refs(&self, document: &Value) -> Self {
        let ids: HashSet<&str> = self.iter().map(|(_, entry)| entry.id.as_str()).collect();
        let schemas = &document["components"]["schemas"];
        let mut entries = self.entries.clone();
        for entry in entries.values_mut() {
            entry.reads.take_if(|id| !ids.contains(id.as_str()));
            entry
                .stream
                .take_if(|stream| schemas.get(&stream.event).is_none());
        }
        Self { entries }
    }

    /// The entry of an operation.
    pub fn get(&self, method: &str, path: &str) -> Option<&Entry> {
        self.entries.get(&key(method, path))
    }

    /// The areas that operations belong to.
    pub fn areas(&self) -> std::collections::BTreeSet<String> {
        self.entries
            .values()
            .map(|entry| entry.area.clone())
            .collect()
    }

    /// Every key (`GET /api-keys`) with its entry, in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.entries
            .iter()
            .map(|(key, entry)| (key.as_str(), entry))
    }
}

/// The key of an operation: `GET /api-keys`.
pub fn key(method: &str, path: &str) -> String {
    format!("{} {path}", method.to_ascii_uppercase())
}

/// The two halves of a key: method in upper case, path.
pub fn split_key(key: &str) -> Option<(&str, &str)> {
    let (method, path) = key.split_once(' ')?;
    (path.starts_with('/') && document::METHODS.contains(&method.to_ascii_lowercase().as_str()))
        .then_some((method, path))
}

fn check_key(location: &str, key: &str) -> Result<()> {
    match split_key(key) {
        Some((method, _)) if method == method.to_ascii_uppercase() => Ok(()),
        _ => Err(Error::new(location, "a key must read `METHOD /path`")),
    }
}
