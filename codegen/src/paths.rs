//! Path rules, `overrides/paths.yaml`: documented paths that the service does not serve.
//!
//! A `rename` states that an operation documented at one path is served at another. A `gone` rule
//! states that a path does not exist. A rule applies to some or all methods, each independently:
//!
//! | in the document        | `rename`                             | `gone`                |
//! |------------------------|--------------------------------------|-----------------------|
//! | the documented path    | moved to the tested path             | removed               |
//! | the tested path        | nothing to do                        |                       |
//! | both                   | the documented operation is removed  |                       |
//! | neither                | an error with the name of the rule   | nothing to do         |
//!
//! Paths are compared as templates, regardless of parameter names: `/a/{x}` is the same path as
//! `/a/{y}`. All renames are decided on the original document and applied before the `gone` rules.

mod relocate;
mod template;

use std::collections::HashMap;
use std::fmt;

use indexmap::IndexMap;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use relocate::{declare_parameter, put_operation, remove_item, rename_parameters, take_operation};
use template::{PathIndex, Template};

use crate::error::Problems;
use crate::{Error, Result, Source, document};

/// All path rules, in file order.
#[derive(Debug, Clone)]
pub struct Rules {
    renames: Vec<Rename>,
    removals: Vec<Removal>,
}

/// A documented path and the tested path that replaces it.
#[derive(Debug, Clone)]
pub struct Rename {
    location: String,
    from: Template,
    to: Template,
    methods: Methods,
    /// The index in `to` of each parameter of `from`.
    positions: Vec<usize>,
    adds: Vec<AddedParameter>,
    evidence: RenameEvidence,
}

/// A path that does not exist.
#[derive(Debug, Clone)]
pub struct Removal {
    location: String,
    path: Template,
    methods: Methods,
    instead: Option<String>,
    evidence: RemovalEvidence,
}

/// The responses observed at the two paths of a rename.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RenameEvidence {
    /// The response at the documented path, if recorded.
    #[serde(default)]
    pub documented: Option<ObservedResponse>,
    /// The response at the tested path, if recorded.
    #[serde(default)]
    pub tested: Option<ObservedResponse>,
    /// A remark; required if a response or its date is missing.
    #[serde(default)]
    pub note: Option<String>,
}

/// The response observed at a path that does not exist.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RemovalEvidence {
    /// The response, if recorded.
    #[serde(default)]
    pub answered: Option<ObservedResponse>,
    /// A remark; required if the response or its date is missing.
    #[serde(default)]
    pub note: Option<String>,
}

/// An observed response.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ObservedResponse {
    /// The HTTP status.
    pub status: u16,
    /// The date, `YYYY-MM-DD`.
    #[serde(default)]
    pub on: Option<String>,
}

/// The effect of a rule on one method (or, without a method, on a whole path).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The rule: `overrides/paths.yaml: rename[3]`.
    pub rule: String,
    /// The method, in lower case; `None` if a rule for every method found no operation.
    pub method: Option<&'static str>,
    /// The documented path as spelled in the document or, if absent, in the rule.
    pub documented: String,
    /// The tested path, likewise; `None` for a `gone` rule.
    pub tested: Option<String>,
    /// The effect.
    pub effect: Effect,
}

/// The effect of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// The documented operation was moved to the tested path.
    Applied,
    /// The document already satisfied the rule.
    Satisfied,
    /// Both paths existed: the documented operation was removed.
    Superseded,
    /// A path of a `gone` rule existed and was removed.
    Removed,
    /// Neither path existed. [`Rules::apply`] treats this as an error.
    Unmatched,
}

impl Rules {
    /// Parses the rules.
    ///
    /// # Errors
    ///
    /// Fails if a rule is malformed or two rules contradict each other.
    pub fn parse(source: &Source) -> Result<Self> {
        let value = document::parse(&source.name, &source.text)?;
        let file: RulesFile = deserialize(&source.name, value)?;
        let location = |kind: &str, index: usize| format!("{}: {kind}[{index}]", source.name);
        let renames = (0..)
            .zip(file.rename)
            .map(|(index, rule)| Rename::parse(location("rename", index), rule));
        let removals = (0..)
            .zip(file.gone)
            .map(|(index, rule)| Removal::parse(location("gone", index), rule));
        let rules = Self {
            renames: Problems::collect(renames)?,
            removals: Problems::collect(removals)?,
        };
        rules.check_duplicates()?;
        rules.check_contradictions()?;
        Ok(rules)
    }

    /// Returns the renames, in file order.
    pub fn renames(&self) -> &[Rename] {
        &self.renames
    }

    /// Returns the rules for paths that do not exist, in file order.
    pub fn removals(&self) -> &[Removal] {
        &self.removals
    }

    /// Applies the rules to the document and returns the outcome of each.
    ///
    /// A rename that finds neither path is an error; the document is then unchanged. After another
    /// error the document is partly changed and must be discarded.
    pub fn apply(&self, document: &mut Value) -> Result<Vec<Outcome>> {
        let decisions = self.decide_renames(document)?;
        let unmatched = decisions.iter().filter(|decision| decision.is_unmatched);
        Problems::collect(unmatched.map(|decision| Err::<(), _>(decision.unmatched_error())))?;
        self.execute(decisions, document)
    }

    /// Like [`Rules::apply`], but a rename that finds neither path is an outcome
    /// ([`Effect::Unmatched`]), for a document that the rules were not written for.
    ///
    /// # Errors
    ///
    /// Fails if two operations would be moved to the same path.
    pub fn apply_lenient(&self, document: &mut Value) -> Result<Vec<Outcome>> {
        let decisions = self.decide_renames(document)?;
        self.execute(decisions, document)
    }

    /// Decides every rename on the original document.
    fn decide_renames(&self, document: &Value) -> Result<Vec<Decision<'_>>> {
        let index = PathIndex::new(document);
        let mut decisions = Vec::new();
        for rename in &self.renames {
            decisions.extend(rename.decide(&index)?);
        }
        check_collisions(&mut decisions)?;
        Ok(decisions)
    }

    fn execute(&self, decisions: Vec<Decision<'_>>, document: &mut Value) -> Result<Vec<Outcome>> {
        let mut outcomes = Vec::new();
        for decision in decisions {
            outcomes.push(decision.execute(document)?);
        }
        for removal in &self.removals {
            outcomes.extend(removal.apply(document)?);
        }
        Ok(outcomes)
    }

    /// Checks that each method of a path has at most one rule of a kind.
    fn check_duplicates(&self) -> Result<()> {
        for (index, rule) in self.renames.iter().enumerate() {
            let earlier = self.renames[..index].iter().find(|earlier| {
                earlier.from.matches(&rule.from) && earlier.methods.overlap(&rule.methods)
            });
            if let Some(earlier) = earlier {
                return Err(duplicate_rule(
                    &rule.location,
                    &rule.from,
                    &earlier.location,
                ));
            }
        }
        for (index, rule) in self.removals.iter().enumerate() {
            let earlier = self.removals[..index].iter().find(|earlier| {
                earlier.path.matches(&rule.path) && earlier.methods.overlap(&rule.methods)
            });
            if let Some(earlier) = earlier {
                return Err(duplicate_rule(
                    &rule.location,
                    &rule.path,
                    &earlier.location,
                ));
            }
        }
        Ok(())
    }

    /// Checks that no rule moves or removes the tested path of another rule.
    fn check_contradictions(&self) -> Result<()> {
        for rename in &self.renames {
            let moved = self
                .renames
                .iter()
                .find(|other| {
                    other.from.matches(&rename.to) && other.methods.overlap(&rename.methods)
                })
                .map(|other| &other.location);
            let removed = self
                .removals
                .iter()
                .find(|removal| {
                    removal.path.matches(&rename.to) && removal.methods.overlap(&rename.methods)
                })
                .map(|removal| &removal.location);
            if let Some(other) = moved.or(removed) {
                let problem = format!(
                    "the tested path `{}` is moved or removed by {other}",
                    rename.to
                );
                return Err(Error::new(&rename.location, problem));
            }
        }
        Ok(())
    }
}

/// Checks that at most one operation is moved to each tested path, and marks the decisions whose
/// tested path stays absent. Several documented paths can have the same tested path (older and
/// newer documentation).
fn check_collisions(decisions: &mut [Decision]) -> Result<()> {
    let mut destinations: HashMap<(&str, Option<&str>), &Decision> = HashMap::new();
    for decision in decisions.iter() {
        if decision.effect() != Some(Effect::Applied) {
            continue;
        }
        let path = decision.rename.to.identity.as_str();
        destinations.insert((path, None), decision);
        if let Some(other) = destinations.insert((path, decision.method), decision) {
            return Err(decision.collision_error(other));
        }
    }
    let unmatched: Vec<bool> = decisions
        .iter()
        .map(|decision| {
            let destination = (decision.rename.to.identity.as_str(), decision.method);
            decision.effect().is_none() && !destinations.contains_key(&destination)
        })
        .collect();
    for (decision, is_unmatched) in decisions.iter_mut().zip(unmatched) {
        decision.is_unmatched = is_unmatched;
    }
    Ok(())
}

fn duplicate_rule(location: &str, path: &Template, earlier: &str) -> Error {
    let problem = format!("`{path}` already has a rule for the same method: {earlier}");
    Error::new(location, problem)
}

impl Rename {
    /// Returns the location of the rule: `overrides/paths.yaml: rename[3]`.
    pub fn location(&self) -> &str {
        &self.location
    }

    /// Returns the documented path.
    pub fn from(&self) -> &str {
        &self.from.text
    }

    /// Returns the tested path.
    pub fn to(&self) -> &str {
        &self.to.text
    }

    /// Returns the methods (in lower case) of the rule; `None` stands for every method.
    pub fn methods(&self) -> Option<&[&'static str]> {
        self.methods.0.as_deref()
    }

    /// Returns each parameter of the documented path with its name in the tested path.
    pub fn parameters(&self) -> impl Iterator<Item = (&str, &str)> {
        let names = self.from.parameters.iter().zip(&self.positions);
        names.map(|(from, position)| (from.as_str(), self.to.parameters[*position].as_str()))
    }

    /// Returns the parameters that the tested path adds, as OpenAPI parameter objects.
    pub fn adds(&self) -> impl Iterator<Item = &Value> {
        self.adds.iter().map(|added| &added.parameter)
    }

    /// Returns the evidence.
    pub fn evidence(&self) -> &RenameEvidence {
        &self.evidence
    }

    fn parse(location: String, rule: Value) -> Result<Self> {
        let rule: RawRename = deserialize(&location, rule)?;
        let from = Template::parse(&location, &rule.from)?;
        let to = Template::parse(&location, &rule.to)?;
        if from.matches(&to) {
            return Err(Error::new(location, "`from` and `to` are the same path"));
        }
        let adds = rule
            .adds
            .into_iter()
            .map(|parameter| AddedParameter::parse(&location, parameter, &to))
            .collect::<Result<Vec<_>>>()?;
        let evidence = rule.evidence;
        check_responses(
            &location,
            [&evidence.documented, &evidence.tested],
            evidence.note.as_deref(),
        )?;
        Ok(Self {
            methods: Methods::parse(&location, rule.methods)?,
            positions: match_positions(&location, &from, &to, &adds, rule.parameters)?,
            location,
            from,
            to,
            adds,
            evidence,
        })
    }

    fn decide(&self, index: &PathIndex) -> Result<Vec<Decision<'_>>> {
        let methods = match self.methods() {
            Some(methods) => methods.to_vec(),
            None => self.methods_in(index),
        };
        let decide = |method| {
            Ok(Decision {
                rename: self,
                method: Some(method),
                documented: index.find(&self.location, &self.from, method)?,
                tested: index.find(&self.location, &self.to, method)?,
                is_unmatched: false,
            })
        };
        match methods.is_empty() {
            false => methods.into_iter().map(decide).collect(),
            true => Ok(vec![Decision {
                rename: self,
                method: None,
                documented: None,
                tested: None,
                is_unmatched: false,
            }]),
        }
    }

    /// Returns the methods of a rule for every method: the documented ones or, if there are none,
    /// those of the tested path.
    fn methods_in(&self, index: &PathIndex) -> Vec<&'static str> {
        let documented = index.methods(&self.from);
        if documented.is_empty() {
            index.methods(&self.to)
        } else {
            documented
        }
    }

    /// Moves an operation to the tested path and returns that path as spelled in the document.
    fn relocate(&self, document: &mut Value, from: &str, method: &str) -> Result<String> {
        let existing = PathIndex::new(document)
            .paths(&self.to)
            .first()
            .map(|path| (*path).to_owned());
        let to = existing.unwrap_or_else(|| self.to.text.clone());
        let names = self.new_names(from, &to)?;
        let (mut operation, mut shared) = take_operation(document, from, method);
        rename_parameters(document, &mut operation, &names)?;
        rename_parameters(document, &mut shared, &names)?;
        self.add_parameters(document, &mut operation, &to)?;
        put_operation(document, &to, method, operation, &shared);
        Ok(to)
    }

    /// Returns the new names of the path parameters by old name, as spelled in the document.
    fn new_names(&self, from: &str, to: &str) -> Result<HashMap<String, String>> {
        let to = Template::parse(&self.location, to)?.parameters;
        let from = Template::parse(&self.location, from)?.parameters;
        let new = self.positions.iter().map(|position| to[*position].clone());
        Ok(from.into_iter().zip(new).collect())
    }

    /// Declares the added parameters; each replaces a parameter with the same `name` and `in`.
    fn add_parameters(
        &self,
        document: &Value,
        operation: &mut Map<String, Value>,
        to: &str,
    ) -> Result<()> {
        let names = Template::parse(&self.location, to)?.parameters;
        for added in &self.adds {
            let mut parameter = added.parameter.clone();
            if let Some(position) = added.position {
                parameter["name"] = json!(names[position]);
            }
            declare_parameter(document, operation, parameter);
        }
        Ok(())
    }
}

impl Removal {
    /// Returns the location of the rule: `overrides/paths.yaml: gone[2]`.
    pub fn location(&self) -> &str {
        &self.location
    }

    /// Returns the path that does not exist.
    pub fn path(&self) -> &str {
        &self.path.text
    }

    /// Returns the methods (in lower case) of the rule; `None` stands for every method.
    pub fn methods(&self) -> Option<&[&'static str]> {
        self.methods.0.as_deref()
    }

    /// Returns the operation to use instead, `METHOD /path`.
    pub fn instead(&self) -> Option<&str> {
        self.instead.as_deref()
    }

    /// Returns the evidence.
    pub fn evidence(&self) -> &RemovalEvidence {
        &self.evidence
    }

    fn parse(location: String, rule: Value) -> Result<Self> {
        let rule: RawRemoval = deserialize(&location, rule)?;
        if let Some(instead) = &rule.instead {
            check_operation_key(&location, instead)?;
        }
        check_responses(
            &location,
            [&rule.evidence.answered],
            rule.evidence.note.as_deref(),
        )?;
        Ok(Self {
            path: Template::parse(&location, &rule.path)?,
            methods: Methods::parse(&location, rule.methods)?,
            instead: rule.instead,
            evidence: rule.evidence,
            location,
        })
    }

    fn apply(&self, document: &mut Value) -> Result<Vec<Outcome>> {
        let Some(methods) = self.methods() else {
            return self.remove_path(document);
        };
        methods
            .iter()
            .map(|method| {
                let found = PathIndex::new(document).find(&self.location, &self.path, method)?;
                if let Some(path) = &found {
                    take_operation(document, path, method);
                }
                Ok(self.outcome(Some(*method), found))
            })
            .collect()
    }

    /// Removes the whole path item.
    fn remove_path(&self, document: &mut Value) -> Result<Vec<Outcome>> {
        let index = PathIndex::new(document);
        let paths: Vec<String> = index
            .paths(&self.path)
            .iter()
            .map(|path| (*path).to_owned())
            .collect();
        let mut outcomes: Vec<Outcome> = Vec::new();
        for method in index.methods(&self.path) {
            let path = index.find(&self.location, &self.path, method)?;
            outcomes.push(self.outcome(Some(method), path));
        }
        if outcomes.is_empty() {
            outcomes.push(self.outcome(None, paths.first().cloned()));
        }
        for path in &paths {
            remove_item(document, path);
        }
        Ok(outcomes)
    }

    fn outcome(&self, method: Option<&'static str>, found: Option<String>) -> Outcome {
        Outcome {
            rule: self.location.clone(),
            method,
            effect: match found {
                Some(_) => Effect::Removed,
                None => Effect::Satisfied,
            },
            documented: found.unwrap_or_else(|| self.path.text.clone()),
            tested: None,
        }
    }
}

/// The paths of one method of a rename, as spelled in the document.
struct Decision<'r> {
    rename: &'r Rename,
    /// `None` if a rule for every method finds no operation.
    method: Option<&'static str>,
    documented: Option<String>,
    tested: Option<String>,
    /// Whether neither path exists, before or after all renames.
    is_unmatched: bool,
}

impl Decision<'_> {
    /// Returns the effect, or `None` if neither path exists.
    fn effect(&self) -> Option<Effect> {
        match (&self.documented, &self.tested) {
            (Some(_), None) => Some(Effect::Applied),
            (None, Some(_)) => Some(Effect::Satisfied),
            (Some(_), Some(_)) => Some(Effect::Superseded),
            (None, None) => None,
        }
    }

    /// Returns `GET /users`, or the path if there is no method.
    fn operation(&self, path: &str) -> String {
        match self.method {
            Some(method) => crate::manifest::key(method, path),
            None => path.to_owned(),
        }
    }

    fn unmatched_error(&self) -> Error {
        let [from, to] = [self.rename.from(), self.rename.to()].map(|path| self.operation(path));
        let problem = format!("the document has neither `{from}` nor `{to}`");
        Error::new(&self.rename.location, problem)
    }

    fn collision_error(&self, other: &Self) -> Error {
        let problem = format!(
            "`{}` and (by {}) `{}` would both become `{}`",
            self.documented.as_deref().unwrap_or(self.rename.from()),
            other.rename.location,
            other.documented.as_deref().unwrap_or(other.rename.from()),
            self.operation(self.rename.to()),
        );
        Error::new(&self.rename.location, problem)
    }

    fn execute(self, document: &mut Value) -> Result<Outcome> {
        let effect = match self.effect() {
            Some(effect) => effect,
            None if self.is_unmatched => Effect::Unmatched,
            // Another rename has moved its operation to the tested path.
            None => Effect::Satisfied,
        };
        let mut tested = self.tested;
        if let (Some(from), Some(method)) = (&self.documented, self.method) {
            if tested.is_some() {
                take_operation(document, from, method);
            } else {
                tested = Some(self.rename.relocate(document, from, method)?);
            }
        }
        Ok(Outcome {
            rule: self.rename.location.clone(),
            method: self.method,
            documented: self
                .documented
                .unwrap_or_else(|| self.rename.from.text.clone()),
            tested: Some(tested.unwrap_or_else(|| self.rename.to.text.clone())),
            effect,
        })
    }
}

impl Outcome {
    /// Returns `GET /users → /admin/users`.
    pub fn route(&self) -> String {
        let from = match self.method {
            Some(method) => crate::manifest::key(method, &self.documented),
            None => self.documented.clone(),
        };
        match &self.tested {
            Some(tested) => format!("{from} → {tested}"),
            None => from,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.rule, self.route())?;
        f.write_str(match self.effect {
            Effect::Applied => ": renamed",
            Effect::Satisfied => ": satisfied",
            Effect::Superseded => ": documented path removed, the tested path exists",
            Effect::Removed => ": removed",
            Effect::Unmatched => ": neither path found",
        })
    }
}

/// A parameter that the tested path adds.
#[derive(Debug, Clone)]
struct AddedParameter {
    parameter: Value,
    /// The index in the tested path; `None` for a parameter that is not in the path.
    position: Option<usize>,
}

impl AddedParameter {
    fn parse(location: &str, parameter: Value, to: &Template) -> Result<Self> {
        let problem = |problem: String| Err(Error::new(location, problem));
        let (Some(name), Some(location)) = (parameter["name"].as_str(), parameter["in"].as_str())
        else {
            return problem(format!(
                "expected `name` and `in` for an entry of `adds`, found `{parameter}`"
            ));
        };
        if !parameter["schema"].is_object() {
            return problem(format!("the added parameter `{name}` has no `schema`"));
        }
        let position = match location {
            "path" => to.parameters.iter().position(|other| other == name),
            "query" | "header" | "cookie" => {
                return Ok(Self {
                    parameter,
                    position: None,
                });
            }
            _ => {
                return problem(format!(
                    "expected path, query, header or cookie for `in` of the added parameter \
                     `{name}`, found `{location}`"
                ));
            }
        };
        match position {
            None => problem(format!(
                "the added parameter `{name}` is not a parameter of `{to}`"
            )),
            Some(_) if parameter["required"] != true => problem(format!(
                "the added path parameter `{name}` must have `required: true`"
            )),
            Some(_) => Ok(Self {
                parameter,
                position,
            }),
        }
    }
}

/// Returns the index in `to` of each parameter of `from`, by name if there is a map, else by
/// position.
fn match_positions(
    location: &str,
    from: &Template,
    to: &Template,
    adds: &[AddedParameter],
    map: Option<IndexMap<String, String>>,
) -> Result<Vec<usize>> {
    let is_added = |position: &usize| adds.iter().any(|added| added.position == Some(*position));
    let positions: Vec<usize> = match map {
        Some(map) => match_positions_by_name(location, from, to, map)?,
        None => (0..to.parameters.len())
            .filter(|position| !is_added(position))
            .collect(),
    };
    let unfilled = (0..to.parameters.len()).find(|at| !is_added(at) && !positions.contains(at));
    if let Some(at) = unfilled {
        let problem = format!(
            "the parameter `{}` of `{to}` is neither mapped nor added",
            to.parameters[at]
        );
        return Err(Error::new(location, problem));
    }
    if let Some(at) = positions.iter().find(|at| is_added(at)) {
        let problem = format!(
            "the parameter `{}` of `{to}` is both mapped and added",
            to.parameters[*at]
        );
        return Err(Error::new(location, problem));
    }
    if positions.len() != from.parameters.len() {
        let problem =
            format!("the parameters of `{from}` and `{to}` cannot be matched by position");
        return Err(Error::new(location, problem));
    }
    Ok(positions)
}

fn match_positions_by_name(
    location: &str,
    from: &Template,
    to: &Template,
    mut map: IndexMap<String, String>,
) -> Result<Vec<usize>> {
    let mut positions = Vec::new();
    for name in &from.parameters {
        let new = map
            .shift_remove(name)
            .ok_or_else(|| Error::new(location, format!("`parameters` does not map `{name}`")))?;
        let position = to
            .parameters
            .iter()
            .position(|other| *other == new)
            .ok_or_else(|| {
                Error::new(
                    location,
                    format!("`parameters` maps to `{new}`, which is not a parameter of `{to}`"),
                )
            })?;
        if positions.contains(&position) {
            return Err(Error::new(
                location,
                format!("`parameters` maps to `{new}` twice"),
            ));
        }
        positions.push(position);
    }
    match map.keys().next() {
        Some(name) => Err(Error::new(
            location,
            format!("`parameters` maps `{name}`, which is not a parameter of `{from}`"),
        )),
        None => Ok(positions),
    }
}

/// The methods of a rule, in lower case; `None` stands for every method.
#[derive(Debug, Clone)]
struct Methods(Option<Vec<&'static str>>);

impl Methods {
    fn parse(location: &str, names: Option<Vec<String>>) -> Result<Self> {
        let Some(names) = names else {
            return Ok(Self(None));
        };
        let mut methods = Vec::new();
        for name in &names {
            let method = document::METHODS
                .into_iter()
                .find(|method| method.to_ascii_uppercase() == *name)
                .ok_or_else(|| {
                    Error::new(
                        location,
                        format!("expected an HTTP method in upper case, found `{name}`"),
                    )
                })?;
            if methods.contains(&method) {
                return Err(Error::new(
                    location,
                    format!("`methods` lists `{name}` twice"),
                ));
            }
            methods.push(method);
        }
        if methods.is_empty() {
            return Err(Error::new(
                location,
                "`methods` is empty; omit it to match every method",
            ));
        }
        Ok(Self(Some(methods)))
    }

    fn overlap(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Some(methods), Some(others)) => methods.iter().any(|method| others.contains(method)),
            _ => true,
        }
    }
}

/// The content of the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RulesFile {
    #[serde(default)]
    rename: Vec<Value>,
    #[serde(default)]
    gone: Vec<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRename {
    from: String,
    to: String,
    methods: Option<Vec<String>>,
    parameters: Option<IndexMap<String, String>>,
    #[serde(default)]
    adds: Vec<Value>,
    evidence: RenameEvidence,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRemoval {
    path: String,
    methods: Option<Vec<String>>,
    instead: Option<String>,
    evidence: RemovalEvidence,
}

fn deserialize<T: DeserializeOwned>(location: &str, value: Value) -> Result<T> {
    serde_json::from_value(value).map_err(|error| Error::new(location, error.to_string()))
}

/// Checks the responses of a rule. An incomplete record needs a note.
fn check_responses<const N: usize>(
    location: &str,
    responses: [&Option<ObservedResponse>; N],
    note: Option<&str>,
) -> Result<()> {
    for response in responses.into_iter().flatten() {
        if !(100..600).contains(&response.status) {
            return Err(Error::new(
                location,
                format!(
                    "expected an HTTP status from 100 to 599, found {}",
                    response.status
                ),
            ));
        }
        if let Some(on) = response.on.as_deref().filter(|on| !is_date(on)) {
            return Err(Error::new(
                location,
                format!("expected a date such as `2025-12-31`, found `{on}`"),
            ));
        }
    }
    let complete = responses.into_iter().all(|response| {
        response
            .as_ref()
            .is_some_and(|response| response.on.is_some())
    });
    if complete || note.is_some_and(|note| !note.trim().is_empty()) {
        return Ok(());
    }
    Err(Error::new(
        location,
        "a response or its date is missing, and there is no `note` that explains why",
    ))
}

fn is_date(text: &str) -> bool {
    text.len() == 10
        && text.bytes().enumerate().all(|(at, byte)| {
            if at == 4 || at == 7 {
                byte == b'-'
            } else {
                byte.is_ascii_digit()
            }
        })
}

fn check_operation_key(location: &str, key: &str) -> Result<()> {
    match crate::manifest::split_key(key) {
        Some((method, path)) if method == method.to_ascii_uppercase() => {
            Template::parse(location, path).map(|_| ())
        }
        _ => Err(Error::new(
            location,
            format!("expected `METHOD /path` for `instead`, found `{key}`"),
        )),
    }
}
