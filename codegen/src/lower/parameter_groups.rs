//! Groups of parameters that several operations share, each of which becomes one type.
//!
//! `components.x-parameter-groups` of the patched document names the components of a group. An
//! operation that references all of them takes the type; any other has a setter for each parameter.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::Direction;
use crate::{Error, Result, error::Problems};

/// The field of a lowered parameter that names its group.
pub const PARAMETER_GROUP_KEY: &str = "x-parameter-group";

const REFERENCE: &str = "#/components/parameters/";

/// The groups of the parameters of an operation, by the name of the component.
pub struct ParameterGroups<'a>(BTreeMap<&'a str, &'a str>);

impl<'a> ParameterGroups<'a> {
    /// Returns the groups of which the lists of parameters reference every component.
    pub fn of(document: &'a Value, lists: &[&Value]) -> Self {
        let lists = lists.iter().filter_map(|list| list.as_array()).flatten();
        let referenced: BTreeSet<&str> = lists.filter_map(component).collect();
        let complete = groups(document).filter(|(_, group)| {
            let mut members = members(group).peekable();
            members.peek().is_some() && members.all(|name| referenced.contains(name))
        });
        Self(
            complete
                .flat_map(|(group, value)| members(value).map(move |name| (name, group.as_str())))
                .collect(),
        )
    }

    /// Returns the group of a parameter, which is a reference to a component.
    pub fn group(&self, parameter: &Value) -> Option<&'a str> {
        self.0.get(component(parameter)?).copied()
    }
}

/// Returns the description of a group.
pub fn description<'a>(document: &'a Value, group: &str) -> &'a str {
    let group = &document["components"]["x-parameter-groups"][group];
    group["description"].as_str().unwrap_or_default()
}

/// Checks that the components of every group exist, and that its name is not the name of a type.
pub fn check(document: &Value, directions: &BTreeMap<String, Direction>) -> Result<()> {
    let mut problems = Problems::default();
    for (name, group) in groups(document) {
        let location = format!("components.x-parameter-groups.{name}");
        if directions.contains_key(name) {
            problems.push(Error::new(&location, "a type has the same name"));
        }
        let parameters = &document["components"]["parameters"];
        for member in members(group).filter(|member| parameters.get(member).is_none()) {
            let problem = format!("`{member}` is not in components.parameters");
            problems.push(Error::new(&location, problem));
        }
        if members(group).next().is_none() {
            problems.push(Error::new(&location, "expected a list `parameters`"));
        }
    }
    problems.finish(())
}

fn groups(document: &Value) -> impl Iterator<Item = (&String, &Value)> {
    let groups = document["components"]["x-parameter-groups"].as_object();
    groups.into_iter().flat_map(Map::iter)
}

fn members(group: &Value) -> impl Iterator<Item = &str> {
    let members = group["parameters"].as_array();
    members.into_iter().flatten().filter_map(Value::as_str)
}

/// Returns the name of the referenced component.
fn component(parameter: &Value) -> Option<&str> {
    parameter["$ref"].as_str()?.strip_prefix(REFERENCE)
}
