//! The evidence, `overrides/evidence.yaml`: the facts that the overrides and the code cite by id.
//!
//! `build.rs` does not read the file. The tests of this crate and `cargo xtask endpoints` check that
//! every citation resolves and that no override claims more than its facts support.

mod citations;

use std::path::Path;

use indexmap::IndexMap;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::manifest::{Entry, EvidenceGrade, Manifest, RequiredScopes, Status};
use crate::overlay::{Action, ActionKind, Overlay};
use crate::paths::Rules;
use crate::sources::read;
use crate::{Error, Result, Source, Sources, document};

pub use citations::{Citation, FILE, citations, ids};

/// All facts and their sources, in file order.
#[derive(Debug, Clone)]
pub struct Evidence {
    sources: IndexMap<String, Publication>,
    facts: IndexMap<String, Fact>,
}

/// A fact about the service or the OpenAPI document.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fact {
    /// The fact, in one or more sentences.
    pub fact: String,
    /// The name of each source, with the places in it.
    pub source: IndexMap<String, Places>,
    /// The date (`YYYY-MM-DD`) of the observation or of the source.
    pub on: String,
    /// How the fact is known.
    pub grade: Grade,
    /// Ids of later facts that changed this one.
    #[serde(default)]
    pub corrected_by: Vec<String>,
    /// Ids of later facts that agree with this one.
    #[serde(default)]
    pub confirmed_by: Vec<String>,
}

/// How a fact is known, strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Grade {
    /// From a response of the service.
    Live,
    /// From a response of the Strata Cloud Manager (SCM) deployment of the same backend.
    LiveScm,
    /// From client or gateway code of the vendor.
    OfficialClient,
    /// From the vendor's OpenAPI document or documentation.
    Document,
    /// From a third-party client only.
    ThirdParty,
}

impl Grade {
    /// Returns the name of the grade in the file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::LiveScm => "live-scm",
            Self::OfficialClient => "official-client",
            Self::Document => "document",
            Self::ThirdParty => "third-party",
        }
    }
}

/// Places in a source: lines, files, sections or names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places(pub Vec<String>);

impl<'de> Deserialize<'de> for Places {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "expected a place or a list of places")]
        enum OneOrMore {
            One(String),
            More(Vec<String>),
        }
        Ok(Self(match OneOrMore::deserialize(deserializer)? {
            OneOrMore::One(place) => vec![place],
            OneOrMore::More(places) => places,
        }))
    }
}

/// Where a fact was found.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(
    untagged,
    expecting = "expected `repository` and `revision`, `package`, `registry` and `version`, or `seed`"
)]
pub enum Publication {
    /// A public GitHub repository.
    Repository {
        /// Owner and name.
        repository: String,
        /// The commit.
        revision: String,
        /// The file, if the source is a single one.
        path: Option<String>,
    },
    /// A published package.
    Package {
        /// The name of the package.
        package: String,
        /// The name of the registry.
        registry: String,
        /// The version.
        version: String,
    },
    /// A file of notes that was given to the project.
    Seed {
        /// The name of the file.
        seed: String,
    },
}

impl Evidence {
    /// Reads the evidence below `root`, the folder that contains `overrides/`.
    ///
    /// # Errors
    ///
    /// Fails if the file cannot be read, and like [`Evidence::parse`].
    pub fn read(root: &Path) -> Result<Self> {
        Self::parse(&read(root, FILE)?)
    }

    /// Parses the evidence.
    ///
    /// # Errors
    ///
    /// Fails if an entry is malformed, or names a source or a fact that does not exist. The location
    /// contains the file and the id or name of the entry.
    pub fn parse(source: &Source) -> Result<Self> {
        let file = &source.name;
        let value = document::parse(file, &source.text)?;
        let section = |name: &str| {
            value[name]
                .as_object()
                .ok_or_else(|| Error::new(file, format!("expected a map for `{name}`")))
        };
        let evidence = Self {
            sources: parse_entries(file, section("sources")?)?,
            facts: parse_entries(file, section("facts")?)?,
        };
        for (id, fact) in &evidence.facts {
            let location = format!("{file}: {id}");
            if !citations::is_id(id) {
                let problem = "expected an id: a letter of a group and two or three digits";
                return Err(Error::new(location, problem));
            }
            evidence
                .check_references(fact)
                .map_err(|problem| Error::new(location, problem))?;
        }
        Ok(evidence)
    }

    fn check_references(&self, fact: &Fact) -> std::result::Result<(), String> {
        if fact.source.is_empty() {
            return Err("expected at least one source".to_owned());
        }
        if let Some(name) = fact.source.keys().find(|name| self.source(name).is_none()) {
            return Err(format!("source `{name}` is not listed in `sources`"));
        }
        for (field, ids) in [
            ("corrected_by", &fact.corrected_by),
            ("confirmed_by", &fact.confirmed_by),
        ] {
            if let Some(id) = ids.iter().find(|id| self.fact(id).is_none()) {
                return Err(format!("`{field}`: `{id}` is not listed in `facts`"));
            }
        }
        Ok(())
    }

    /// Returns a fact.
    pub fn fact(&self, id: &str) -> Option<&Fact> {
        self.facts.get(id)
    }

    /// Returns a fact with its id, which lives as long as the evidence.
    pub fn entry(&self, id: &str) -> Option<(&str, &Fact)> {
        let (id, fact) = self.facts.get_key_value(id)?;
        Some((id, fact))
    }

    /// Returns every id with its fact, in file order.
    pub fn facts(&self) -> impl Iterator<Item = (&str, &Fact)> {
        self.facts.iter().map(|(id, fact)| (id.as_str(), fact))
    }

    /// Returns a source by name.
    pub fn source(&self, name: &str) -> Option<&Publication> {
        self.sources.get(name)
    }

    /// Returns an error for each citation of an id that is not listed in `facts`.
    pub fn unresolved(&self, citations: &[Citation]) -> Vec<Error> {
        citations
            .iter()
            .filter(|citation| self.fact(&citation.id).is_none())
            .map(|citation| {
                let problem = format!("`{}` is not a fact of {FILE}", citation.id);
                Error::new(format!("{}:{}", citation.file, citation.line), problem)
            })
            .collect()
    }

    /// Returns the ids that no citation names.
    pub fn uncited(&self, citations: &[Citation]) -> Vec<&str> {
        let is_cited = |id: &str| citations.iter().any(|citation| citation.id == id);
        self.facts()
            .map(|(id, _)| id)
            .filter(|id| !is_cited(id))
            .collect()
    }

    /// Returns an error for each manifest entry and overlay action that claims more than its facts
    /// support. Rows that do not resolve are ignored; [`Evidence::unresolved`] reports them.
    pub fn exceeded_claims(&self, sources: &Sources) -> Result<Vec<Error>> {
        let mut found = Vec::new();
        for (key, entry) in Manifest::parse(&sources.manifest)?.iter() {
            let evidence = &entry.evidence;
            let grades = self.grades(&evidence.rows);
            let problem = if is_third_party(&grades) && entry.status != Status::Unverified {
                Some("all rows are `third-party`, so `status` must be `unverified`".to_owned())
            } else if evidence.seen.is_some() {
                None
            } else {
                let note = evidence.note.as_deref().unwrap_or_default();
                exceeded_claim(evidence.by, &grades, note)
            };
            let unnamed = self
                .unnamed_scopes(entry)
                .map(|scope| format!("`access.scopes`: no row names `{scope}` or its family"));
            let location = || format!("{}: {key}", sources.manifest.name);
            let problems = problem.into_iter().chain(unnamed);
            found.extend(problems.map(|problem| Error::new(location(), problem)));
        }
        for source in &sources.overlays {
            let overlay = Overlay::parse(source)?;
            let actions = overlay.actions().iter();
            found.extend(actions.filter_map(|action| self.check_action(action).err()));
        }
        Ok(found)
    }

    /// Returns the scopes of an entry that no cited fact names, neither by name nor by family
    /// (`configs.*`).
    fn unnamed_scopes<'a>(&self, entry: &'a Entry) -> impl Iterator<Item = &'a str> {
        let cited = entry.evidence.rows.iter().filter_map(|id| self.fact(id));
        let facts: Vec<&str> = cited.map(|fact| fact.fact.as_str()).collect();
        let scopes = entry.access.scopes.as_ref();
        let scopes = scopes.into_iter().flat_map(RequiredScopes::names);
        scopes.map(String::as_str).filter(move |scope| {
            let family = scope.split('.').next().unwrap_or_default();
            let names = [format!("`{scope}`"), format!("`{family}.*`")];
            !facts
                .iter()
                .any(|fact| names.iter().any(|name| fact.contains(name)))
        })
    }

    fn check_action(&self, action: &Action) -> Result<()> {
        let evidence = action_evidence(action)?;
        let Some(by) = evidence.by else { return Ok(()) };
        let description = action.description().unwrap_or_default();
        let text = format!("{description} {}", evidence.seen);
        match exceeded_claim(by, &self.grades(&evidence.rows), &text) {
            Some(problem) => Err(Error::new(
                action.location(),
                format!("x-evidence: {problem}"),
            )),
            None => Ok(()),
        }
    }

    fn grades(&self, rows: &[String]) -> Vec<Grade> {
        let facts = rows.iter().filter_map(|id| self.fact(id));
        facts.map(|fact| fact.grade).collect()
    }
}

/// Parses each entry of a section, so that an error names the entry.
fn parse_entries<T: DeserializeOwned>(
    file: &str,
    section: &Map<String, Value>,
) -> Result<IndexMap<String, T>> {
    let entries = section.iter().map(|(name, value)| {
        let entry = serde_json::from_value(value.clone())
            .map_err(|error| Error::new(format!("{file}: {name}"), error.to_string()))?;
        Ok((name.clone(), entry))
    });
    entries.collect()
}

fn is_third_party(grades: &[Grade]) -> bool {
    !grades.is_empty() && grades.iter().all(|grade| *grade == Grade::ThirdParty)
}

/// Returns a problem if `by` claims more than the best of the grades. `text` is the remark beside
/// it.
fn exceeded_claim(by: EvidenceGrade, grades: &[Grade], text: &str) -> Option<String> {
    let best = grades.iter().min().copied();
    let (claim, needed) = match by {
        EvidenceGrade::Document => return None,
        EvidenceGrade::OfficialClient => ("official-client", "`official-client` or better"),
        EvidenceGrade::Live => ("live", "`live`, or `live-scm` and a remark that names SCM"),
    };
    let is_supported = match by {
        EvidenceGrade::Live => match best {
            Some(Grade::LiveScm) => text.contains("SCM"),
            best => best == Some(Grade::Live),
        },
        _ => best.is_some_and(|best| best <= Grade::OfficialClient),
    };
    let best = best.map_or("no row", Grade::name);
    (!is_supported)
        .then(|| format!("`by: {claim}` needs a row with the grade {needed}; the best is {best}"))
}

/// The part of `x-evidence` that is checked.
#[derive(Debug, Default, Deserialize)]
struct ActionEvidence {
    #[serde(default)]
    rows: Vec<String>,
    by: Option<EvidenceGrade>,
    /// A status or a remark.
    #[serde(default)]
    seen: Value,
}

fn action_evidence(action: &Action) -> Result<ActionEvidence> {
    match action.evidence() {
        None => Ok(ActionEvidence::default()),
        Some(value) => serde_json::from_value(value.clone())
            .map_err(|error| Error::new(action.location(), format!("x-evidence: {error}"))),
    }
}

/// The rows of an overlay action, and what the action changes.
#[derive(Debug, Clone)]
pub struct Correction {
    /// The ids of the facts that the action rests on.
    pub rows: Vec<String>,
    /// The location of each changed node: the segments of a JSON pointer.
    pub nodes: Vec<Vec<String>>,
}

/// Returns the corrections of all overlay actions that cite facts.
///
/// The overlays are applied as in [`crate::patch`], because a target selects nodes of the document
/// that the earlier actions left.
pub fn corrections(sources: &Sources) -> Result<Vec<Correction>> {
    let mut document = document::parse(&sources.document.name, &sources.document.text)?;
    Rules::parse(&sources.paths)?.apply(&mut document)?;
    let mut corrections = Vec::new();
    for source in &sources.overlays {
        for action in Overlay::parse(source)?.actions() {
            let rows = action_evidence(action)?.rows;
            if !rows.is_empty() {
                let nodes = changed_nodes(action, &document);
                corrections.push(Correction { rows, nodes });
            }
            action.apply(&mut document)?;
        }
    }
    Ok(corrections)
}

/// The number of segments that identify an operation (`paths`, path, method) or a schema
/// (`components`, `schemas`, name).
const IDENTIFYING_SEGMENTS: usize = 3;

/// Returns the nodes that the action selects. If it adds operations or schemas to a selected map,
/// these are returned instead of the map.
fn changed_nodes(action: &Action, document: &Value) -> Vec<Vec<String>> {
    let empty = Value::Null;
    let update = match action.kind() {
        ActionKind::Update(value) => value,
        ActionKind::Copy(_) | ActionKind::Remove => &empty,
    };
    let mut found = Vec::new();
    let selected = action.selected_nodes(document);
    let mut pending: Vec<_> = selected.into_iter().map(|node| (node, update)).collect();
    while let Some((node, added)) = pending.pop() {
        match added.as_object() {
            Some(fields) if node.len() < IDENTIFYING_SEGMENTS => {
                pending.extend(fields.iter().map(|(name, value)| {
                    let mut child = node.clone();
                    child.push(name.clone());
                    (child, value)
                }));
            }
            _ => found.push(node),
        }
    }
    found
}
