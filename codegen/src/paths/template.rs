//! Path templates, and an index of the paths of a document.

use std::collections::HashMap;
use std::fmt;

use serde_json::{Map, Value};

use crate::{Error, Result, document};

/// A path with named parameters.
#[derive(Debug, Clone)]
pub(super) struct Template {
    pub(super) text: String,
    /// The text without parameter names; paths with the same identity are the same.
    pub(super) identity: String,
    pub(super) parameters: Vec<String>,
}

impl Template {
    pub(super) fn parse(location: &str, text: &str) -> Result<Self> {
        let problem =
            |problem: &str| Err(Error::new(location, format!("the path `{text}` {problem}")));
        if !text.starts_with('/') {
            return problem("does not start with `/`");
        }
        let mut identity = String::new();
        let mut parameters: Vec<String> = Vec::new();
        let mut rest = text;
        while let Some((literal, after)) = rest.split_once('{') {
            let Some((name, after)) = after.split_once('}') else {
                return problem("has an unclosed `{`");
            };
            if name.is_empty() || name.contains(['{', '/']) {
                return problem("has a parameter with an invalid name");
            }
            if parameters.iter().any(|other| other == name) {
                return problem("has two parameters of the same name");
            }
            identity.push_str(literal);
            identity.push_str("{}");
            parameters.push(name.to_owned());
            rest = after;
        }
        identity.push_str(rest);
        if identity.replace("{}", "").contains(['{', '}', '?', '#']) {
            return problem("has an unexpected `{`, `}`, `?` or `#`");
        }
        Ok(Self {
            text: text.to_owned(),
            identity,
            parameters,
        })
    }

    pub(super) fn matches(&self, other: &Self) -> bool {
        self.identity == other.identity
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The paths of a document, by identity.
pub(super) struct PathIndex<'d> {
    paths: HashMap<String, Vec<&'d str>>,
    items: Option<&'d Map<String, Value>>,
}

impl<'d> PathIndex<'d> {
    /// Creates the index. Paths that are not valid templates are skipped, because no rule matches
    /// them.
    pub(super) fn new(document: &'d Value) -> Self {
        let items = document["paths"].as_object();
        let mut paths: HashMap<String, Vec<&str>> = HashMap::new();
        for path in items.into_iter().flat_map(Map::keys) {
            if let Ok(template) = Template::parse("", path) {
                paths.entry(template.identity).or_default().push(path);
            }
        }
        Self { paths, items }
    }

    /// Returns the spellings of a path in the document, usually none or one.
    pub(super) fn paths(&self, template: &Template) -> &[&'d str] {
        self.paths
            .get(&template.identity)
            .map_or(&[], Vec::as_slice)
    }

    fn item(&self, path: &str) -> Option<&'d Value> {
        self.items.and_then(|items| items.get(path))
    }

    /// Returns the methods of all spellings of a path.
    pub(super) fn methods(&self, template: &Template) -> Vec<&'static str> {
        let has = |method: &&str| {
            let mut items = self
                .paths(template)
                .iter()
                .filter_map(|path| self.item(path));
            items.any(|item| item.get(*method).is_some())
        };
        document::METHODS.into_iter().filter(has).collect()
    }

    /// Returns the path that has the method, as spelled in the document.
    pub(super) fn find(
        &self,
        location: &str,
        template: &Template,
        method: &str,
    ) -> Result<Option<String>> {
        let mut found: Option<&str> = None;
        for path in self.paths(template) {
            let item = self.item(path);
            if item.is_some_and(|item| item.get("$ref").is_some()) {
                let problem = format!("`{path}` is a `$ref`, which path rules do not support");
                return Err(Error::new(location, problem));
            }
            if item.is_none_or(|item| item.get(method).is_none()) {
                continue;
            }
            if let Some(other) = found.replace(path) {
                let method = method.to_ascii_uppercase();
                let problem = format!(
                    "the document has both `{method} {other}` and `{method} {path}`, the same path"
                );
                return Err(Error::new(location, problem));
            }
        }
        Ok(found.map(str::to_owned))
    }
}
