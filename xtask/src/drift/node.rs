//! Places in a document, and the nodes at them.

use std::fmt;

use portkey_admin_codegen::document;
use serde_json::{Map, Value};

/// One step on the way from the root of a document to a node.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// The member of a map.
    Key(String),
    /// The entry of a list; a parameter is known by its name and location, not by its position.
    Entry(usize, Option<(String, String)>),
}

/// The way from the root of a document to a node.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place(Vec<Step>);

impl Place {
    /// The whole document.
    pub const ROOT: Self = Self(Vec::new());

    /// The steps, from the root on.
    pub fn steps(&self) -> &[Step] {
        &self.0
    }

    /// The keys of the first steps, as long as they are keys.
    pub fn keys(&self) -> Vec<&str> {
        self.0.iter().map_while(Step::key).collect()
    }

    /// The last key on the way.
    pub fn last_key(&self) -> Option<&str> {
        self.0.iter().rev().find_map(Step::key)
    }

    /// The innermost property, parameter, header or component in which the place is.
    pub fn innermost_name(&self) -> Option<String> {
        let named = |index: usize| match (&self.0[index], index.checked_sub(1)) {
            (Step::Entry(_, Some((_, name))), _) => Some(name.clone()),
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

    /// The place of the member `key`.
    pub fn member(&self, key: &str) -> Self {
        self.with(Step::Key(key.to_owned()))
    }

    fn with(&self, step: Step) -> Self {
        let mut steps = self.0.clone();
        steps.push(step);
        Self(steps)
    }

    /// The place as a JSON pointer after `#`, with positions for entries.
    pub fn pointer(&self) -> String {
        self.0
            .iter()
            .fold(String::from("#"), |text, step| match step {
                Step::Key(key) => format!("{text}/{}", document::pointer_segment(key)),
                Step::Entry(index, _) => format!("{text}/{index}"),
            })
    }

    /// Whether `other` is this place or below it. Positions of parameters do not count.
    pub fn holds(&self, other: &Self) -> bool {
        other.0.len() >= self.0.len()
            && self.0.iter().zip(&other.0).all(|pair| match pair {
                (Step::Entry(_, Some(one)), Step::Entry(_, Some(two))) => one == two,
                (one, two) => one == two,
            })
    }

    /// The same place with another path of the API in it, if it is one below `$.paths`.
    pub fn moved(&self, to: &str) -> Self {
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
    /// The key, if it is one.
    pub fn key(&self) -> Option<&str> {
        match self {
            Self::Key(key) => Some(key),
            Self::Entry(..) => None,
        }
    }
}

impl FromIterator<String> for Place {
    fn from_iter<T: IntoIterator<Item = String>>(keys: T) -> Self {
        Self(keys.into_iter().map(Step::Key).collect())
    }
}

/// A JSONPath that an overlay could have for its target.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self
            .0
            .iter()
            .fold(String::from("$"), |text, step| match step {
                Step::Key(key) => document::member(&text, key),
                Step::Entry(_, Some((location, name))) => {
                    format!("{text}[?@.name=='{name}' && @.in=='{location}']")
                }
                Step::Entry(index, None) => format!("{text}[{index}]"),
            });
        f.write_str(&text)
    }
}

/// A value with its place, and the document around it.
#[derive(Debug, Clone)]
pub struct Node<'a> {
    /// The document.
    pub root: &'a Value,
    /// Where in it.
    pub place: Place,
    /// What stands there.
    pub value: &'a Value,
}

impl<'a> Node<'a> {
    /// The whole document.
    pub fn root(root: &'a Value) -> Self {
        Self {
            root,
            place: Place::default(),
            value: root,
        }
    }

    /// The member `key`, where there is one.
    pub fn get(&self, key: &str) -> Option<Self> {
        self.value.get(key).map(|value| Self {
            root: self.root,
            place: self.place.member(key),
            value,
        })
    }

    /// The members of a map; nothing else has any.
    pub fn members(&self) -> impl Iterator<Item = (&'a str, Self)> + use<'a> {
        let (root, place) = (self.root, self.place.clone());
        self.value
            .as_object()
            .into_iter()
            .flat_map(Map::iter)
            .map(move |(key, value)| {
                let place = place.member(key);
                (key.as_str(), Self { root, place, value })
            })
    }

    /// The entries of a list; nothing else has any.
    pub fn entries(&self) -> impl Iterator<Item = Self> + use<'a> {
        let (root, place) = (self.root, self.place.clone());
        let list = self.value.as_array().into_iter().flatten().enumerate();
        list.map(move |(index, value)| {
            let identity = parameter_identity(root, value);
            Self {
                root,
                place: place.with(Step::Entry(index, identity)),
                value,
            }
        })
    }

    /// What the node refers to, itself perhaps a reference; the node where it refers to nothing.
    pub fn target(&self) -> Option<Self> {
        let reference = self.value.get("$ref")?.as_str()?;
        let value = document::target(self.root, reference).ok()?;
        let keys = reference.trim_start_matches("#/").split('/');
        let place = keys.map(|key| key.replace("~1", "/").replace("~0", "~"));
        Some(Self {
            root: self.root,
            place: place.collect(),
            value,
        })
    }

    /// The node behind a chain of references.
    pub fn resolved(&self) -> Self {
        let mut node = self.clone();
        // A circle of references does not get through the distiller; this only makes sure of an end.
        for _ in 0..64 {
            match node.target() {
                Some(target) => node = target,
                None => break,
            }
        }
        node
    }

    /// `components/schemas/User` for the root of a component.
    pub fn component(&self) -> Option<String> {
        match self.place.steps() {
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
    fn a_place_reads_as_the_target_of_an_overlay() {
        let document = json!({"paths": {"/a~b": {"get": {"parameters": [
            {"$ref": "#/components/parameters/P"}
        ]}}}, "components": {"parameters": {"P": {"name": "p", "in": "query"}}}});
        let list = ["paths", "/a~b", "get", "parameters"]
            .iter()
            .fold(Node::root(&document), |node, key| node.get(key).unwrap());
        let entry = list.entries().next().unwrap();
        assert_eq!(
            entry.place.to_string(),
            "$.paths['/a~b'].get.parameters[?@.name=='p' && @.in=='query']"
        );
        assert_eq!(entry.place.pointer(), "#/paths/~1a~0b/get/parameters/0");
        let target = entry.resolved();
        assert_eq!(target.place.to_string(), "$.components.parameters.P");
        assert_eq!(target.component().unwrap(), "parameters/P");
        assert!(list.place.holds(&entry.place));
        assert!(!entry.place.holds(&list.place));
    }
}
