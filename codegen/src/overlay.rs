//! OpenAPI Overlay 1.1: corrections of the OpenAPI document as data (`overrides/*.overlay.yaml`).
//!
//! An overlay is a list of actions. Each action selects nodes of the document with a JSONPath query
//! (RFC 9535) and merges a value into them (`update`), merges another node into them (`copy`) or
//! removes them (`remove`). Actions run in order, each on the result of the previous one.
//!
//! This implementation is stricter than the standard where leniency would hide a mistake: an action
//! that matches nothing, does nothing, is a duplicate or has both `update` and `copy` is an error.
//! Of the extensions, `x-evidence` cites the evidence for the correction; all others are ignored.

#[cfg(feature = "maintenance")]
mod compare;

use std::collections::HashMap;
use std::{fmt, ptr};

use serde_json::{Map, Value};
use serde_json_path::{JsonPath, PathElement};

use crate::error::Problems;
use crate::{Error, Result, Source, document};

#[cfg(feature = "maintenance")]
pub use compare::Verdict;

/// A step from a node to its child.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// The key of a map.
    Name(String),
    /// The position in a list.
    Index(usize),
}

/// An overlay document.
#[derive(Debug, Clone)]
pub struct Overlay {
    title: String,
    actions: Vec<Action>,
}

/// A correction: the nodes that it selects and the change.
#[derive(Debug, Clone)]
pub struct Action {
    location: String,
    index: usize,
    line: Option<usize>,
    target: Query,
    description: Option<String>,
    evidence: Option<Value>,
    kind: ActionKind,
}

/// The change that an action makes to the selected nodes.
#[derive(Debug, Clone)]
pub enum ActionKind {
    /// Merges this value into each node.
    Update(Value),
    /// Merges the node that this query selects into each node.
    Copy(Query),
    /// Removes each node.
    Remove,
}

/// A parsed JSONPath query.
#[derive(Debug, Clone)]
pub struct Query {
    text: String,
    path: JsonPath,
}

impl Overlay {
    /// Parses an overlay.
    ///
    /// # Errors
    ///
    /// Fails with the location of anything that Overlay 1.1 does not allow.
    pub fn parse(source: &Source) -> Result<Self> {
        let value = document::parse(&source.name, &source.text)?;
        let root = as_map(&source.name, "the overlay", &value)?;
        check_version(&source.name, root)?;
        check_fields(
            &source.name,
            root,
            &["overlay", "info", "extends", "actions"],
        )?;
        string_field(&source.name, root, "extends")?;
        Ok(Self {
            title: parse_title(&source.name, root)?,
            actions: parse_actions(source, root)?,
        })
    }

    /// Returns the title (`info.title`).
    pub fn title(&self) -> &str {
        &self.title
    }

    /// Returns the actions, in the order in which they are applied.
    pub fn actions(&self) -> &[Action] {
        &self.actions
    }

    /// Applies every action.
    ///
    /// # Errors
    ///
    /// Fails with every action that does not fit. The document is then partly corrected and must be
    /// discarded.
    pub fn apply(&self, document: &mut Value) -> Result<()> {
        let mut problems = Problems::default();
        for action in &self.actions {
            problems.check(action.apply(document));
        }
        problems.finish(())
    }
}

impl Action {
    /// Returns file, line if known, and index: `overrides/a.overlay.yaml:7: actions[0]`.
    pub fn location(&self) -> &str {
        &self.location
    }

    /// Returns the line on which the action starts (from 1); unknown for actions in flow style.
    pub fn line(&self) -> Option<usize> {
        self.line
    }

    /// Returns the position in the list of actions.
    pub fn index(&self) -> usize {
        self.index
    }

    /// Returns the query that selects the nodes.
    pub fn target(&self) -> &str {
        &self.target.text
    }

    /// Returns the description of the action.
    pub fn description(&self) -> Option<&str> {
        self.description.as_deref()
    }

    /// Returns the evidence (`x-evidence`), as written.
    pub fn evidence(&self) -> Option<&Value> {
        self.evidence.as_ref()
    }

    /// Returns the change.
    pub fn kind(&self) -> &ActionKind {
        &self.kind
    }

    /// Returns the location of each node that the target selects: the segments of a JSON pointer.
    #[cfg(feature = "maintenance")]
    pub(crate) fn selected_nodes(&self, document: &Value) -> Vec<Vec<String>> {
        let nodes = self.target.find_nodes(document).into_iter();
        nodes
            .map(|node| node.0.iter().map(Step::to_string).collect())
            .collect()
    }

    pub(crate) fn apply(&self, document: &mut Value) -> Result<()> {
        self.execute(document)
            .map_err(|problem| self.error(problem))
    }

    fn execute(&self, document: &mut Value) -> ActionResult {
        let targets = self.target.find_nodes(document);
        let absent = self.execute_at(document, targets)?;
        match absent.is_empty() {
            true => Ok(()),
            false => Err(describe_absent(&absent)),
        }
    }

    /// Applies the change at the paths that the target selects. Returns the path of each absent node
    /// that the action only describes; these parts are skipped.
    fn execute_at(
        &self,
        document: &mut Value,
        targets: Vec<NodePath>,
    ) -> ActionResult<Vec<AbsentNode>> {
        if targets.is_empty() {
            return Err("matches nothing in the document".to_owned());
        }
        match &self.kind {
            ActionKind::Update(value) => merge_into(document, targets, value),
            ActionKind::Copy(from) => {
                let value = copy_source(document, from)?;
                merge_into(document, targets, &value)
            }
            ActionKind::Remove => remove(document, &targets).map(|()| Vec::new()),
        }
    }

    fn error(&self, problem: impl fmt::Display) -> Error {
        let target = &self.target;
        let problem = match self.description.as_deref().map(str::trim) {
            Some(description) => format!("target `{target}` ({description}): {problem}"),
            None => format!("target `{target}`: {problem}"),
        };
        Error::new(&self.location, problem)
    }
}

impl Query {
    fn parse(location: &str, field: &str, text: &str) -> Result<Self> {
        check_nesting(location, field, text)?;
        let path = JsonPath::parse(text).map_err(|error| {
            Error::new(
                location,
                format!("`{field}: {text}` is not a valid JSONPath query: {error}"),
            )
        })?;
        Ok(Self {
            text: text.to_owned(),
            path,
        })
    }

    /// Returns the paths of the selected nodes, sorted and without duplicates.
    fn find_nodes(&self, document: &Value) -> Vec<NodePath> {
        let mut paths = if self.text.contains("..") {
            self.find_descendants(document)
        } else {
            let nodes = self.path.query_located(document);
            let paths = nodes.locations();
            paths
                .map(|path| NodePath(path.iter().map(Step::from).collect()))
                .collect()
        };
        paths.sort();
        paths.dedup();
        paths
    }
}

impl Query {
    /// Finds the nodes of a query with `..`. For such a query `query_located` builds the path of
    /// every node that it visits, so this queries only the nodes and then builds the paths of
    /// those.
    fn find_descendants(&self, document: &Value) -> Vec<NodePath> {
        let nodes = self.path.query(document);
        let mut found: Vec<*const Value> = nodes.iter().map(|node| ptr::from_ref(*node)).collect();
        found.sort();
        let mut paths = Vec::new();
        if !found.is_empty() {
            collect_paths(&found, document, &mut Vec::new(), &mut paths);
        }
        paths
    }
}

/// Adds the path of each node in `found` (sorted) at or below `node`; `steps` is the path of
/// `node`.
fn collect_paths<'a>(
    found: &[*const Value],
    node: &'a Value,
    steps: &mut Vec<PathElement<'a>>,
    paths: &mut Vec<NodePath>,
) {
    if found.binary_search(&ptr::from_ref(node)).is_ok() {
        paths.push(NodePath(steps.iter().map(Step::from).collect()));
    }
    let mut visit = |step: PathElement<'a>, child: &'a Value| {
        steps.push(step);
        collect_paths(found, child, steps, paths);
        steps.pop();
    };
    match node {
        Value::Object(fields) => {
            for (name, child) in fields {
                visit(PathElement::Name(name), child);
            }
        }
        Value::Array(items) => {
            for (index, child) in items.iter().enumerate() {
                visit(PathElement::Index(index), child);
            }
        }
        _ => {}
    }
}

/// The number of brackets in brackets of a query. The parser is recursive.
const MAX_QUERY_DEPTH: usize = 16;

/// Checks that the brackets of a query are not nested too deep; those in strings count as well.
fn check_nesting(location: &str, field: &str, text: &str) -> Result<()> {
    let (mut depth, mut deepest) = (0_usize, 0);
    for byte in text.bytes() {
        match byte {
            b'(' | b'[' => depth += 1,
            b')' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    // `!!!` is nested as well.
    match deepest > MAX_QUERY_DEPTH || text.contains(&"!".repeat(MAX_QUERY_DEPTH)) {
        true => Err(Error::new(
            location,
            format!("`{field}` is nested more than {MAX_QUERY_DEPTH} levels deep"),
        )),
        false => Ok(()),
    }
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Success, or the problem with an action.
type ActionResult<T = ()> = std::result::Result<T, String>;

/// Returns the node that `copy` selects, before any change.
fn copy_source(document: &Value, from: &Query) -> ActionResult<Value> {
    match from.find_nodes(document).as_slice() {
        [source] => Ok(source.get(document).cloned().unwrap_or_default()),
        sources => Err(format!(
            "`copy: {from}` must select exactly one node, but selects {}",
            sources.len()
        )),
    }
}

/// Merges a value into each target and returns the path of each absent node that the value only
/// describes.
fn merge_into(
    document: &mut Value,
    targets: Vec<NodePath>,
    value: &Value,
) -> ActionResult<Vec<AbsentNode>> {
    check_same_kind(document, &targets)?;
    let mut absent = Vec::new();
    for target in targets {
        let has_names = match target.0.last() {
            Some(Step::Name(name)) => is_name_map(name, value),
            _ => false,
        };
        let mut merge = Merge {
            path: target.clone(),
            target_length: target.0.len(),
            absent: &mut absent,
        };
        // Merging never moves a node, so every path stays valid.
        if let Some(node) = target.get_mut(document) {
            merge.at_target(node, value, has_names)?;
        }
    }
    Ok(absent)
}

/// A node that an action only describes and that does not exist.
struct AbsentNode {
    path: NodePath,
    /// The number of steps of `path` that lead to the target.
    #[cfg_attr(not(feature = "maintenance"), allow(dead_code))]
    target_length: usize,
}

/// Returns `does not exist: $['a']; the action only describes it`.
fn describe_absent(absent: &[AbsentNode]) -> String {
    let subject = if absent.len() == 1 { "it" } else { "them" };
    let paths: Vec<String> = absent.iter().map(|node| node.path.to_string()).collect();
    format!(
        "does not exist: {}; the action only describes {subject}",
        paths.join(", ")
    )
}

/// Checks that all targets are objects, all are arrays or all are primitives, as the standard
/// requires.
fn check_same_kind(document: &Value, targets: &[NodePath]) -> ActionResult {
    let mut first: Option<(&'static str, &NodePath)> = None;
    for target in targets {
        let kind = target.get(document).map_or("nothing", node_kind);
        match first {
            None => first = Some((kind, target)),
            Some((expected, other)) if expected != kind => {
                return Err(format!(
                    "matches nodes of different kinds: {expected} at {other}, {kind} at {target}"
                ));
            }
            Some(_) => {}
        }
    }
    Ok(())
}

/// Removes in reverse path order, so that no index shifts and nested nodes go before their parents.
fn remove(document: &mut Value, targets: &[NodePath]) -> ActionResult {
    for target in targets.iter().rev() {
        let Some((last, parent)) = target.0.split_last() else {
            return Err("cannot remove the document root".to_owned());
        };
        match (get_mut(document, parent), last) {
            (Some(Value::Object(fields)), Step::Name(name)) => {
                fields.shift_remove(name);
            }
            (Some(Value::Array(items)), Step::Index(index)) if *index < items.len() => {
                items.remove(*index);
            }
            _ => {}
        }
    }
    Ok(())
}

/// The path from the root to a node.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct NodePath(Vec<Step>);

impl NodePath {
    fn get<'a>(&self, document: &'a Value) -> Option<&'a Value> {
        self.0.iter().try_fold(document, |node, step| match step {
            Step::Name(name) => node.get(name),
            Step::Index(index) => node.get(index),
        })
    }

    fn get_mut<'a>(&self, document: &'a mut Value) -> Option<&'a mut Value> {
        get_mut(document, &self.0)
    }
}

fn get_mut<'a>(document: &'a mut Value, steps: &[Step]) -> Option<&'a mut Value> {
    steps.iter().try_fold(document, |node, step| match step {
        Step::Name(name) => node.get_mut(name),
        Step::Index(index) => node.get_mut(index),
    })
}

impl From<&PathElement<'_>> for Step {
    fn from(element: &PathElement<'_>) -> Self {
        match element {
            PathElement::Name(name) => Self::Name((*name).to_owned()),
            PathElement::Index(index) => Self::Index(*index),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Name(name) => f.write_str(name),
            Step::Index(index) => write!(f, "{index}"),
        }
    }
}

impl fmt::Display for NodePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("$")?;
        self.0.iter().try_for_each(|step| match step {
            Step::Name(name) => {
                write!(f, "['{}']", name.replace('\\', "\\\\").replace('\'', "\\'"))
            }
            Step::Index(index) => write!(f, "[{index}]"),
        })
    }
}

/// A merge into one target.
struct Merge<'a> {
    /// The path of the current node.
    path: NodePath,
    /// The number of steps of `path` that lead to the target.
    target_length: usize,
    /// The absent nodes that the value only describes.
    absent: &'a mut Vec<AbsentNode>,
}

impl Merge<'_> {
    /// Merges into a selected node. A selected array also accepts a value that is not an array, as
    /// one more item; nested arrays merge only with arrays.
    fn at_target(&mut self, target: &mut Value, value: &Value, has_names: bool) -> ActionResult {
        match target {
            Value::Array(items) if !value.is_array() => {
                self.check_depth(value)?;
                items.push(value.clone());
                Ok(())
            }
            _ => self.node(target, value, has_names),
        }
    }

    /// Merges into a node. `has_names`: the keys of the node are names, not keywords.
    fn node(&mut self, target: &mut Value, value: &Value, has_names: bool) -> ActionResult {
        match (target, value) {
            (Value::Object(target), Value::Object(value)) => self.fields(target, value, has_names),
            (Value::Array(target), Value::Array(items)) => {
                self.check_depth(value)?;
                target.extend(items.iter().cloned());
                Ok(())
            }
            (target, value) if node_kind(target) == PRIMITIVE && node_kind(value) == PRIMITIVE => {
                *target = value.clone();
                Ok(())
            }
            (target, value) => Err(format!(
                "{} cannot be merged into {} at {}",
                node_kind(value),
                node_kind(target),
                self.path
            )),
        }
    }

    fn fields(
        &mut self,
        target: &mut Map<String, Value>,
        fields: &Map<String, Value>,
        has_names: bool,
    ) -> ActionResult {
        for (name, value) in fields {
            self.path.0.push(Step::Name(name.clone()));
            let value_has_names = !has_names && is_name_map(name, value);
            match target.get_mut(name) {
                Some(field) => self.node(field, value, value_has_names)?,
                // Words must not bring back what upstream removed.
                None if (has_names || !is_description(name))
                    && only_describes(value, value_has_names) =>
                {
                    self.absent.push(AbsentNode {
                        path: self.path.clone(),
                        target_length: self.target_length,
                    });
                }
                None => {
                    self.check_depth(value)?;
                    target.insert(name.clone(), value.clone());
                }
            }
            self.path.0.pop();
        }
        Ok(())
    }

    /// Checks that the document does not become deeper than the other stages can handle.
    fn check_depth(&self, value: &Value) -> ActionResult {
        match document::is_deeper_than(value, document::MAX_DEPTH.saturating_sub(self.path.0.len()))
        {
            true => Err(format!(
                "{} would be nested more than {} levels deep",
                self.path,
                document::MAX_DEPTH
            )),
            false => Ok(()),
        }
    }
}

/// Fields whose keys are names, not keywords.
const NAME_MAPS: [&str; 10] = [
    "paths",
    "properties",
    "responses",
    "content",
    "headers",
    "schemas",
    "parameters",
    "requestBodies",
    "securitySchemes",
    "callbacks",
];

/// Fields with prose. Upstream cannot confirm or contradict what an override sets there.
const PROSE_FIELDS: [&str; 4] = ["description", "summary", "title", "externalDocs"];

/// Returns whether the keys of the field `key` are names. (`parameters` can also be a list.)
fn is_name_map(key: &str, value: &Value) -> bool {
    NAME_MAPS.contains(&key) && value.is_object()
}

/// Returns whether a keyword is prose or an extension.
fn is_prose(key: &str) -> bool {
    key.starts_with("x-") || PROSE_FIELDS.contains(&key)
}

/// Returns whether a keyword only describes what other keywords define.
fn is_description(key: &str) -> bool {
    is_prose(key) || key == "nullable"
}

/// Returns whether a value has descriptions and no facts. `has_names`: its keys are names.
fn only_describes(value: &Value, has_names: bool) -> bool {
    match value {
        Value::Object(fields) => {
            !fields.is_empty()
                && fields.iter().all(|(key, value)| {
                    (!has_names && is_description(key))
                        || only_describes(value, !has_names && is_name_map(key, value))
                })
        }
        Value::Array(items) => {
            !items.is_empty() && items.iter().all(|item| only_describes(item, false))
        }
        _ => false,
    }
}

const PRIMITIVE: &str = "a primitive";

/// Returns the kind of node as the standard distinguishes them; `null` is a primitive.
fn node_kind(value: &Value) -> &'static str {
    match value {
        Value::Object(_) => "an object",
        Value::Array(_) => "an array",
        _ => PRIMITIVE,
    }
}

fn check_version(location: &str, root: &Map<String, Value>) -> Result<()> {
    let version =
        string_field(location, root, "overlay")?.ok_or_else(|| missing(location, "overlay"))?;
    let patch = version.strip_prefix("1.1.").unwrap_or_default();
    if !patch.is_empty() && patch.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(());
    }
    Err(Error::new(
        location,
        format!("expected Overlay version 1.1.x, found `{version}`"),
    ))
}

fn parse_title(name: &str, root: &Map<String, Value>) -> Result<String> {
    let location = format!("{name}: info");
    let info = root.get("info").ok_or_else(|| missing(name, "info"))?;
    let info = as_map(&location, "`info`", info)?;
    check_fields(&location, info, &["title", "version", "description"])?;
    string_field(&location, info, "version")?.ok_or_else(|| missing(&location, "version"))?;
    string_field(&location, info, "description")?;
    let title =
        string_field(&location, info, "title")?.ok_or_else(|| missing(&location, "title"))?;
    Ok(title.to_owned())
}

fn parse_actions(source: &Source, root: &Map<String, Value>) -> Result<Vec<Action>> {
    let actions = root
        .get("actions")
        .ok_or_else(|| missing(&source.name, "actions"))?
        .as_array()
        .filter(|actions| !actions.is_empty())
        .ok_or_else(|| Error::new(&source.name, "expected a non-empty list for `actions`"))?;
    let lines = action_lines(&source.text);
    // Where the scan and the parser disagree (flow style), omit the line.
    let lines = if lines.len() == actions.len() {
        lines
    } else {
        Vec::new()
    };
    let parsed = Problems::collect(actions.iter().enumerate().map(|(index, action)| {
        parse_action(&source.name, index, lines.get(index).copied(), action)
    }))?;
    check_unique(&parsed, actions)?;
    Ok(parsed)
}

fn parse_action(name: &str, index: usize, line: Option<usize>, action: &Value) -> Result<Action> {
    let location = match line {
        Some(line) => format!("{name}:{line}: actions[{index}]"),
        None => format!("{name}: actions[{index}]"),
    };
    let fields = as_map(&location, "the action", action)?;
    check_fields(
        &location,
        fields,
        &["target", "description", "update", "remove", "copy"],
    )?;
    let target =
        string_field(&location, fields, "target")?.ok_or_else(|| missing(&location, "target"))?;
    Ok(Action {
        target: Query::parse(&location, "target", target)?,
        description: string_field(&location, fields, "description")?.map(str::to_owned),
        evidence: fields.get("x-evidence").cloned(),
        kind: parse_kind(&location, fields)?,
        line,
        index,
        location,
    })
}

fn parse_kind(location: &str, fields: &Map<String, Value>) -> Result<ActionKind> {
    let update = fields.get("update");
    let copy = string_field(location, fields, "copy")?;
    let copy = copy
        .map(|copy| Query::parse(location, "copy", copy))
        .transpose()?;
    let remove = fields.get("remove").unwrap_or(&Value::Bool(false));
    let remove = remove
        .as_bool()
        .ok_or_else(|| Error::new(location, "expected a boolean for `remove`"))?;
    match (remove, update, copy) {
        // By the standard each of the two would disable the other.
        (_, Some(_), Some(_)) => Err(Error::new(
            location,
            "`update` and `copy` are mutually exclusive",
        )),
        (true, _, _) => Ok(ActionKind::Remove),
        (false, Some(value), None) => Ok(ActionKind::Update(value.clone())),
        (false, None, Some(from)) => Ok(ActionKind::Copy(from)),
        (false, None, None) => Err(Error::new(
            location,
            "expected `update`, `copy` or `remove: true`",
        )),
    }
}

/// Checks that actions are unique, as the schema of the standard requires.
fn check_unique(actions: &[Action], written: &[Value]) -> Result<()> {
    let mut by_target: HashMap<&str, Vec<usize>> = HashMap::new();
    for (index, action) in actions.iter().enumerate() {
        let same_target = by_target.entry(action.target()).or_default();
        if let Some(earlier) = same_target
            .iter()
            .find(|earlier| written[**earlier] == written[index])
        {
            return Err(action.error(format!("duplicate of actions[{earlier}]")));
        }
        same_target.push(index);
    }
    Ok(())
}

fn as_map<'a>(location: &str, what: &str, value: &'a Value) -> Result<&'a Map<String, Value>> {
    value
        .as_object()
        .ok_or_else(|| Error::new(location, format!("expected a map for {what}")))
}

fn check_fields(location: &str, fields: &Map<String, Value>, known: &[&str]) -> Result<()> {
    let unknown = fields
        .keys()
        .find(|name| !name.starts_with("x-") && !known.contains(&name.as_str()));
    match unknown {
        Some(name) => Err(Error::new(
            location,
            format!(
                "unknown field `{name}`, expected one of {} or `x-…`",
                known.join(", ")
            ),
        )),
        None => Ok(()),
    }
}

fn string_field<'a>(
    location: &str,
    fields: &'a Map<String, Value>,
    name: &str,
) -> Result<Option<&'a str>> {
    match fields.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Error::new(
            location,
            format!("expected a string for `{name}` (add quotes)"),
        )),
    }
}

fn missing(location: &str, name: &str) -> Error {
    Error::new(location, format!("missing field `{name}`"))
}

/// Returns the lines on which the items of the top-level list `actions` start, in block style.
fn action_lines(text: &str) -> Vec<usize> {
    let mut lines = (1..)
        .zip(text.lines())
        .skip_while(|(_, line)| !starts_actions(line));
    lines.next();
    let mut dash: Option<usize> = None;
    let mut found = Vec::new();
    for (number, line) in lines {
        let content = line.trim_start();
        if content.is_empty() || content.starts_with('#') {
            continue;
        }
        let indent = line.len() - content.len();
        let is_item = content == "-" || content.starts_with("- ");
        // The content of an item is indented deeper than its dash.
        match (indent.cmp(dash.get_or_insert(indent)), is_item) {
            (std::cmp::Ordering::Equal, true) => found.push(number),
            (std::cmp::Ordering::Greater, _) => {}
            _ => break,
        }
    }
    found
}

fn starts_actions(line: &str) -> bool {
    line.strip_prefix("actions:")
        .is_some_and(|rest| rest.trim_start().is_empty() || rest.trim_start().starts_with('#'))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn descendant_query_finds_the_nodes_of_query_located() {
        let thing = json!({"enum": ["a", "b"], "x/y": [{"name": "n", "enum": ["a"]}, null]});
        let document = json!({"b": thing, "a": [thing, {"deep": {"name": "n", "again": thing}}]});
        for (text, finds) in [
            ("$..*", true),
            ("$..[?length(@.enum) == 2]", true),
            ("$..[?@.name == 'n']", true),
            ("$.a..['enum', 'name']", true),
            ("$..a..enum", true),
            ("$..none", false),
        ] {
            let query = Query {
                text: text.to_owned(),
                path: JsonPath::parse(text).unwrap(),
            };
            let nodes = query.path.query_located(&document);
            let paths = nodes.locations();
            let mut expected: Vec<NodePath> = paths
                .map(|path| NodePath(path.iter().map(Step::from).collect()))
                .collect();
            expected.sort();
            expected.dedup();
            assert_eq!(query.find_nodes(&document), expected, "{text}");
            assert_eq!(!expected.is_empty(), finds, "{text}");
        }
    }
}
