//! The operation manifest, `overrides/operations.yaml`: one entry for each operation of the patched
//! document.

mod access;
mod rules;

use std::collections::HashSet;

use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::Value;

use crate::error::Problems;
use crate::{Error, Result, Source, document};

pub use access::{Access, RequiredScopes};

/// All entries by operation key (`GET /api-keys`), in file order.
#[derive(Debug, Clone)]
pub struct Manifest {
    entries: IndexMap<String, Entry>,
}

/// The entry of an operation.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The name of the Rust method, `verb_noun`.
    pub id: String,
    /// What the operation does, in one sentence.
    pub summary: String,
    /// The plane, which decides the base URL and whether the API key is sent.
    pub plane: Plane,
    /// The API version, the last segment of the base URL.
    #[serde(default)]
    pub base: ApiVersion,
    /// The Cargo feature that the operation belongs to.
    pub area: String,
    /// How the list is paginated; `None` if the operation is not a list.
    #[serde(default)]
    pub paging: Option<Paging>,
    /// Whether the request may be retried.
    pub retry: Idempotency,
    /// Body fields that make a request of an idempotent operation non-idempotent.
    #[serde(default)]
    pub triggers: Vec<String>,
    /// The operation that reads the updated resource, if the response of the update does not
    /// contain it.
    #[serde(default)]
    pub reads: Option<String>,
    /// Whether the response masks values, so that it does not convert into a request.
    #[serde(default)]
    pub masked: bool,
    /// Whether the response field `success` is the result of the operation, so that `false` is not a
    /// failure.
    #[serde(default)]
    pub success_is_result: bool,
    /// Whether the query parameter `workspace_id` defaults to the client's workspace.
    #[serde(default)]
    pub default_workspace: bool,
    /// Who may call the operation, as far as known.
    #[serde(default)]
    pub access: Access,
    /// Whether the operation was observed to work.
    pub status: Status,
    /// The observation that the entry is based on.
    pub evidence: Evidence,
    /// Facts for the caller, one sentence each.
    #[serde(default)]
    pub notes: Vec<String>,
    /// Handwritten methods of the builder that the docs of the operation name.
    #[serde(default)]
    pub helpers: Vec<String>,
    /// Whether a function of the client, named like the operation, checks what no constraint can
    /// express.
    #[serde(default)]
    pub check: bool,
    /// Set if the body field `stream` turns the response into an event stream.
    #[serde(default)]
    pub stream: Option<Stream>,
    /// Set if the operation cannot be generated: the reason why it is handwritten.
    #[serde(default)]
    pub handwritten: Option<Handwritten>,
}

/// The part of the service that serves an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Plane {
    /// The control plane: organisations, keys, prompts, analytics.
    Control,
    /// The data plane (the AI gateway).
    Gateway,
    /// Public data, requested without an API key.
    Public,
    /// The MCP gateway, which also serves the registry of MCP servers.
    Mcp,
    /// Files with prices and capabilities of models, requested without an API key.
    Prices,
}

impl Plane {
    /// Returns the name in the manifest.
    pub fn name(self) -> &'static str {
        match self {
            Self::Control => "control",
            Self::Gateway => "gateway",
            Self::Public => "public",
            Self::Mcp => "mcp",
            Self::Prices => "prices",
        }
    }

    /// Returns `true` if the API key is sent.
    pub fn needs_key(self) -> bool {
        match self {
            Self::Control | Self::Gateway | Self::Mcp => true,
            Self::Public | Self::Prices => false,
        }
    }

    /// Returns `true` if the base URL of the hosted service ends in the API version.
    pub fn has_api_version(self) -> bool {
        matches!(self, Self::Control | Self::Gateway)
    }
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

/// The pagination of a list: names of query parameters and of response fields.
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
    /// The query parameter with the cursor: the id of the last item of the previous page, unless
    /// `next` is set.
    #[serde(default)]
    pub after: Option<String>,
    /// The response field with the cursor of the next page, which the last page lacks. A dot
    /// separates the names of nested fields.
    #[serde(default)]
    pub next: Option<String>,
    /// The response field with the items; `None` if the response is the list.
    #[serde(default)]
    pub items: Option<String>,
    /// Another response field that was observed to hold the items.
    #[serde(default)]
    pub also: Option<String>,
    /// The field that identifies an item, if it is neither `id` nor, if there is no `id`, `slug`.
    #[serde(default)]
    pub key: Option<String>,
    /// The response field with the total number of items.
    #[serde(default)]
    pub total: Option<String>,
    /// The response field that tells whether there are more items.
    #[serde(default)]
    pub more: Option<String>,
}

/// The events of an event stream.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stream {
    /// The schema of an event.
    pub event: String,
    /// Whether the fields of the schema are the name and the data of an event (`event`, `data`),
    /// not the fields of the data.
    #[serde(default)]
    pub named: bool,
}

impl Stream {
    /// Returns the reference to the event schema.
    pub fn reference(&self) -> String {
        format!("#/components/schemas/{}", self.event)
    }
}

/// Whether a request may be sent again after a failure that may have executed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Idempotency {
    /// The operation only reads.
    Safe,
    /// Two executions have the same effect as one.
    Idempotent,
    /// Each execution has a further effect.
    #[serde(rename = "never")]
    NonIdempotent,
}

/// Whether an operation was observed to work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// It responded as expected, or an official client relies on it.
    Works,
    /// No successful call was observed.
    Unverified,
    /// It exists: the response was 403.
    ForbiddenSeen,
    /// It does not work as documented.
    Broken,
}

/// The observation that an entry is based on.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// The observed HTTP status, if recorded.
    #[serde(default)]
    pub seen: Option<u16>,
    /// The date (`YYYY-MM-DD`) of the observation or of the source.
    #[serde(default)]
    pub on: Option<String>,
    /// The grade of the evidence.
    pub by: EvidenceGrade,
    /// The ids of the facts in `overrides/evidence.yaml` that the entry rests on.
    #[serde(default)]
    pub rows: Vec<String>,
    /// A remark.
    #[serde(default)]
    pub note: Option<String>,
}

/// The grade of evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EvidenceGrade {
    /// A response of the live service.
    Live,
    /// An official Portkey client relies on it.
    OfficialClient,
    /// Documentation only.
    Document,
}

/// Why an operation is not generated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Handwritten {
    /// The request body is `multipart/form-data`.
    Multipart,
    /// The response is always an event stream.
    EventStream,
    /// The response is binary.
    Binary,
    /// It is a websocket.
    Websocket,
}

impl Manifest {
    /// Parses the manifest.
    ///
    /// # Errors
    ///
    /// Fails if a key is not of the form `METHOD /path`, a field is unknown, or an id is not
    /// unique.
    pub fn parse(source: &Source) -> Result<Self> {
        let value = document::parse(&source.name, &source.text)?;
        let map = value.as_object().ok_or_else(|| {
            Error::new(
                &source.name,
                "expected a map from `METHOD /path` to an entry",
            )
        })?;
        let mut entries = IndexMap::new();
        let mut ids: IndexMap<String, String> = IndexMap::new();
        let mut problems = Problems::default();
        for (key, value) in map {
            let location = format!("{}: {key}", source.name);
            if let Some(entry) = problems.check(parse_entry(&location, key, value)) {
                if let Some(other) = ids.insert(entry.id.clone(), key.clone()) {
                    let problem = format!("id `{}` is already used by `{other}`", entry.id);
                    problems.push(Error::new(location, problem));
                }
                entries.insert(key.clone(), entry);
            }
        }
        problems.finish(Self { entries })
    }

    /// Checks that the manifest and the document have the same operations, and that the document
    /// has the parameters, fields and schemas that the manifest names.
    pub fn check(&self, name: &str, document: &Value) -> Result<()> {
        let mut problems = Problems::default();
        for key in self.missing(document) {
            let problem = format!("no entry for `{key}`, an operation of the patched document");
            problems.push(Error::new(name, problem));
        }
        for key in self.stale(document) {
            let problem = format!("`{key}` is not an operation of the patched document");
            problems.push(Error::new(name, problem));
        }
        for (key, problem) in self.problems(document) {
            problems.push(Error::new(format!("{name}: {key}"), problem));
        }
        problems.finish(())
    }

    /// Returns each statement about parameters, bodies and other operations that does not hold in
    /// the document, with the key of the operation. Entries without an operation are skipped.
    pub fn problems(&self, document: &Value) -> Vec<(String, String)> {
        rules::problems(self, document)
    }

    /// Returns the keys of the operations that have no entry.
    pub fn missing(&self, document: &Value) -> Vec<String> {
        document::operations(document)
            .map(|(path, method, _)| key(method, path))
            .filter(|key| !self.entries.contains_key(key))
            .collect()
    }

    /// Returns the keys of the entries that have no operation.
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

    /// Replaces the entries that have no operation in the document with the entries of `more`.
    pub fn adjusted(&self, document: &Value, more: Self) -> Self {
        let stale: HashSet<&str> = self.stale(document).into_iter().collect();
        let mut entries = self.entries.clone();
        entries.retain(|key, _| !stale.contains(key.as_str()));
        entries.extend(more.entries);
        Self { entries }
    }

    /// Removes references to missing targets: `reads` of an operation without an entry, and
    /// `stream` of a missing schema. The result can be generated.
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

    /// Returns the entry of an operation.
    pub fn get(&self, method: &str, path: &str) -> Option<&Entry> {
        self.entries.get(&key(method, path))
    }

    /// Returns all areas.
    pub fn areas(&self) -> std::collections::BTreeSet<String> {
        self.entries
            .values()
            .map(|entry| entry.area.clone())
            .collect()
    }

    /// Returns every key (`GET /api-keys`) with its entry, in file order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.entries
            .iter()
            .map(|(key, entry)| (key.as_str(), entry))
    }
}

/// Returns the key of an operation: `GET /api-keys`.
pub fn key(method: &str, path: &str) -> String {
    format!("{} {path}", method.to_ascii_uppercase())
}

/// Splits a key into method and path.
pub fn split_key(key: &str) -> Option<(&str, &str)> {
    let (method, path) = key.split_once(' ')?;
    (path.starts_with('/') && document::METHODS.contains(&method.to_ascii_lowercase().as_str()))
        .then_some((method, path))
}

fn parse_entry(location: &str, key: &str, value: &Value) -> Result<Entry> {
    check_key(location, key)?;
    serde_json::from_value(value.clone()).map_err(|error| Error::new(location, error.to_string()))
}

fn check_key(location: &str, key: &str) -> Result<()> {
    match split_key(key) {
        Some((method, _)) if method == method.to_ascii_uppercase() => Ok(()),
        _ => Err(Error::new(
            location,
            "expected a key of the form `METHOD /path`",
        )),
    }
}
