//! Nodes of an OpenAPI document and their locations.

use std::fmt;

use portkey_admin_codegen::document;
use serde_json::{Map, Value};

/// Keywords that describe and do not restrict a value.
const ANNOTATIONS: [&str; 6] = [
    "description",
    "summary",
    "title",
    "example",
    "examples",
    "externalDocs",
];

/// Whether a keyword is an annotation or an extension, which the comparison ignores.
pub fn is_annotation(key: &str) -> bool {
    key.starts_with("x-") || ANNOTATIONS.contains(&key)
}

/// One step from a node to its child.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// A key of a map.
    Key(String),
    /// An item of a list. A parameter is identified by its location and name, not by its position.
    Item(usize, Option<(String, String)>),
}

/// The path from the root of a document to a node.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Location(Vec<Step>);

impl Location {
    /// The whole document.
    pub const ROOT: Self = Self(Vec::new());

    /// Returns the steps, from the root on.
    pub fn steps(&self) -> &[Step] {
        &self.0
    }

    /// Returns the keys up to the first list item.
    pub fn keys(&self) -> Vec<&str> {
        self.0.iter().map_while(Step::key).collect()
    }

    /// Returns the last key.
    pub fn last_key(&self) -> Option<&str> {
        self.0.iter().rev().find_map(Step::key)
    }

    /// Returns the name of the innermost property, parameter, header or component at or around the
    /// location.
    pub fn innermost_name(&self) -> Option<String> {
        let named = |index: usize| match (&self.0[index], index.checked_sub(1)) {
            (Step::Item(_, Some((_, name))), _) => Some(name.clone()),
            (Step::Key(name), Some(before)) => match self.0[before].key() {
                Some("properties" | "headers") => Some(name.clone()),
                Some(_) if index == 2 && self.0[0].key() == Some("components") => {
                    Some(name.clone())
                }
                _ => None,
            },
            _ => None,
        };
        (0..self.0.len()).rev().find_map(named)
    }

    /// Returns the location of the value at `key`.
    pub fn child(&self, key: &str) -> Self {
        self.push_step(Step::Key(key.to_owned()))
    }

    fn push_step(&self, step: Step) -> Self {
        let mut steps = self.0.clone();
        steps.push(step);
        Self(steps)
    }

    /// Returns the location as a JSON pointer after `#`, with positions for list items.
    pub fn pointer(&self) -> String {
        self.0
            .iter()
            .fold(String::from("#"), |text, step| match step {
                Step::Key(key) => format!("{text}/{}", document::pointer_segment(key)),
                Step::Item(index, _) => format!("{text}/{index}"),
            })
    }

    /// Whether `other` is at or below this location. Positions of parameters are ignored.
    pub fn contains(&self, other: &Self) -> bool {
        other.0.len() >= self.0.len()
            && self.0.iter().zip(&other.0).all(|pair| match pair {
                (Step::Item(_, Some(one)), Step::Item(_, Some(two))) => one == two,
                (one, two) => one == two,
            })
    }

    /// Replaces the API path of a location below `$.paths`.
    pub fn with_path(&self, to: &str) -> Self {
        let mut steps = self.0.clone();
        if let [Step::Key(paths), Step::Key(path), ..] = steps.as_mut_slice()
            && paths == "paths"
        {
            to.clone_into(path);
        }
        Self(steps)
    }
}

impl Step {
    /// Returns the key, if the step is one.
    pub fn key(&self) -> Option<&str> {
        match self {
            Self::Key(key) => Some(key),
            Self::Item(..) => None,
        }
    }
}

impl FromIterator<String> for Location {
    fn from_iter<T: IntoIterator<Item = String>>(keys: T) -> Self {
        Self(keys.into_iter().map(Step::Key).collect())
    }
}

/// Writes a JSONPath that can be used as the target of an overlay action.
impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self
            .0
            .iter()
            .fold(String::from("$"), |text, step| match step {
                Step::Key(key) => document::child_path(&text, key),
                Step::Item(_, Some((location, name))) => {
                    format!("{text}[?@.name=='{name}' && @.in=='{location}']")
                }
                Step::Item(index, None) => format!("{text}[{index}]"),
            });
        f.write_str(&text)
    }
}

/// A value with its location and its document.
#[derive(Debug, Clone)]
pub struct Node<'a> {
    /// The document.
    pub root: &'a Value,
    /// The location.
    pub location: Location,
    /// The value.
    pub value: &'a Value,
}

impl<'a> Node<'a> {
    /// Returns the node for the whole document.
    pub fn root(root: &'a Value) -> Self {
        Self {
            root,
            location: Location::default(),
            value: root,
        }
    }

    /// Returns the node at `key`, if there is one.
    pub fn get(&self, key: &str) -> Option<Self> {
        self.value.get(key).map(|value| Self {
            root: self.root,
            location: self.location.child(key),
            value,
        })
    }

    /// Returns the entries of a map; empty for any other value.
    pub fn entries(&self) -> impl Iterator<Item = (&'a str, Self)> + use<'a> {
        let (root, location) = (self.root, self.location.clone());
        self.value
            .as_object()
            .into_iter()
            .flat_map(Map::iter)
            .map(move |(key, value)| {
                let location = location.child(key);
                (
                    key.as_str(),
                    Self {
                        root,
                        location,
                        value,
                    },
                )
            })
    }

    /// Returns the items of a list; empty for any other value.
    pub fn items(&self) -> impl Iterator<Item = Self> + use<'a> {
        let (root, location) = (self.root, self.location.clone());
        let list = self.value.as_array().into_iter().flatten().enumerate();
        list.map(move |(index, value)| {
            let identity = parameter_identity(root, value);
            Self {
                root,
                location: location.push_step(Step::Item(index, identity)),
                value,
            }
        })
    }

    /// Returns the node that `$ref` refers to, which may be a reference itself.
    pub fn referenced(&self) -> Option<Self> {
        let reference = self.value.get("$ref")?.as_str()?;
        let value = document::lookup(self.root, reference).ok()?;
        let keys = reference.trim_start_matches("#/").split('/');
        let location = keys.map(|key| key.replace("~1", "/").replace("~0", "~"));
        Some(Self {
            root: self.root,
            location: location.collect(),
            value,
        })
    }

    /// Follows a chain of references to its end.
    pub fn resolved(&self) -> Self {
        let mut node = self.clone();
        // The distiller rejects circular references; this bound only guarantees termination.
        for _ in 0..64 {
            match node.referenced() {
                Some(target) => node = target,
                None => break,
            }
        }
        node
    }

    /// Returns `components/…` without its prefix (`schemas/User`) if the node is the root of a
    /// component.
    pub fn component(&self) -> Option<String> {
        match self.location.steps() {
            [Step::Key(components), Step::Key(section), Step::Key(name)]
                if components == "components" =>
            {
                Some(format!("{section}/{name}"))
            }
            _ => None,
        }
    }
}

fn parameter_identity(root: &Value, entry: &Value) -> Option<(String, String)> {
    let entry = document::resolve(root, entry).ok()?;
    let text = |key: &str| entry.get(key)?.as_str().map(str::to_owned);
    Some((text("in")?, text("name")?))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn location_is_a_valid_overlay_target() {
        let document = json!({"paths": {"/a~b": {"get": {"parameters": [
            {"$ref": "#/components/parameters/P"}
        ]}}}, "components": {"parameters": {"P": {"name": "p", "in": "query"}}}});
        let list = ["paths", "/a~b", "get", "parameters"]
            .iter()
            .fold(Node::root(&document), |node, key| node.get(key).unwrap());
        let entry = list.items().next().unwrap();
        assert_eq!(
            entry.location.to_string(),
            "$.paths['/a~b'].get.parameters[?@.name=='p' && @.in=='query']"
        );
        assert_eq!(entry.location.pointer(), "#/paths/~1a~0b/get/parameters/0");
        let target = entry.resolved();
        assert_eq!(target.location.to_string(), "$.components.parameters.P");
        assert_eq!(target.component().unwrap(), "parameters/P");
        assert!(list.location.contains(&entry.location));
        assert!(!entry.location.contains(&list.location));
    }
}
