//! The extensions `x-constraints` and `x-closed`.

use std::borrow::Cow;

use indexmap::IndexMap;
use portkey_admin_constraints::{Condition, ConditionValue, Constraint, Names, Part, Rule};
use serde::Deserialize;
use serde_json::Value;

use crate::{Error, Result};

/// An element of `x-constraints`: a condition and one rule.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Element {
    /// A field and the value, or the values, with which the rule applies; `null` stands for an
    /// absent field.
    #[serde(default)]
    when: Option<IndexMap<String, Value>>,
    #[serde(default)]
    required: Option<Vec<String>>,
    #[serde(default)]
    exactly_one: Option<Vec<String>>,
    #[serde(default)]
    at_most_one: Option<Vec<String>>,
    #[serde(default)]
    at_least_one: Option<Vec<String>>,
    /// A field and its minimum.
    #[serde(default)]
    at_least: Option<IndexMap<String, f64>>,
    /// A field and the field with its maximum.
    #[serde(default)]
    at_most: Option<IndexMap<String, String>>,
}

/// The value of `x-closed`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Closed {
    /// Values that the service also accepts.
    #[serde(default)]
    also: Vec<String>,
    /// Whether upper and lower case are the same.
    #[serde(default)]
    ignore_case: bool,
}

/// Returns the constraints in `x-constraints` of a schema or an operation. If `fields` are given,
/// the constraints must not name others.
pub(super) fn constraints(
    owner: &Value,
    part: Part,
    path: &str,
    fields: Option<&[&str]>,
) -> Result<Vec<Constraint>> {
    let Some(elements) = owner.get("x-constraints") else {
        return Ok(Vec::new());
    };
    let problem = |problem: String| Error::new("x-constraints", problem);
    let elements: Vec<Element> =
        serde_json::from_value(elements.clone()).map_err(|error| problem(error.to_string()))?;
    let mut found = Vec::new();
    for element in elements {
        let condition = element
            .when
            .as_ref()
            .map(condition)
            .transpose()
            .map_err(problem)?;
        let (field, rule) = element.rule().map_err(problem)?;
        let named = condition.iter().map(|condition| &*condition.field);
        let named = named.chain(named_fields(&rule)).chain(field.as_deref());
        if let Some(unknown) = fields.and_then(|fields| {
            named
                .into_iter()
                .find(|name| !fields.contains(name))
                .map(str::to_owned)
        }) {
            return Err(problem(format!("there is no field `{unknown}`")));
        }
        found.push(Constraint {
            part,
            path: match (path, field) {
                (path, None) => path.to_owned().into(),
                ("", Some(field)) => field.into(),
                (path, Some(field)) => format!("{path}.{field}").into(),
            },
            condition,
            rule,
        });
    }
    Ok(found)
}

/// Returns the rule of an enum that is marked with `x-closed`.
pub(super) fn closed(schema: &Value) -> Result<Option<Rule>> {
    let Some(closed) = schema.get("x-closed") else {
        return Ok(None);
    };
    let problem = |problem: String| Error::new("x-closed", problem);
    let Closed { also, ignore_case } =
        serde_json::from_value(closed.clone()).map_err(|error| problem(error.to_string()))?;
    let values = schema["enum"].as_array().into_iter().flatten();
    let values: Vec<String> = values
        .filter_map(|value| value.as_str().map(str::to_owned))
        .chain(also)
        .collect();
    match values.is_empty() {
        true => Err(problem(
            "expected an `enum` of strings beside it".to_owned(),
        )),
        false => Ok(Some(Rule::OneOf {
            values: names(values),
            ignore_case,
        })),
    }
}

impl Element {
    /// Returns the rule, and the field that it is about if it is not about the whole object.
    fn rule(self) -> std::result::Result<(Option<String>, Rule), String> {
        let lists = [
            self.required.map(|list| Rule::Required(names(list))),
            self.exactly_one.map(|list| Rule::ExactlyOne(names(list))),
            self.at_most_one.map(|list| Rule::AtMostOne(names(list))),
            self.at_least_one.map(|list| Rule::AtLeastOne(names(list))),
        ];
        let mut rules: Vec<_> = lists
            .into_iter()
            .flatten()
            .map(|rule| (None, rule))
            .collect();
        for (field, minimum) in self.at_least.into_iter().flatten() {
            rules.push((Some(field), Rule::Minimum(minimum)));
        }
        for (field, bound) in self.at_most.into_iter().flatten() {
            let (field, bound) = (field.into(), bound.into());
            rules.push((None, Rule::AtMostField { field, bound }));
        }
        match (rules.pop(), rules.pop()) {
            (Some(rule), None) => Ok(rule),
            _ => Err(
                "expected one of `required`, `exactly_one`, `at_most_one`, `at_least_one`, \
                 `at_least` and `at_most` in each element, with one field in the last two"
                    .to_owned(),
            ),
        }
    }
}

fn condition(when: &IndexMap<String, Value>) -> std::result::Result<Condition, String> {
    let Some((field, values)) = when.first().filter(|_| when.len() == 1) else {
        return Err("`when`: expected one field".to_owned());
    };
    let values = match values {
        Value::Array(values) => values.as_slice(),
        value => std::slice::from_ref(value),
    };
    let values = values.iter().map(|value| match value {
        Value::Null => Ok(ConditionValue::Absent),
        Value::Bool(value) => Ok(ConditionValue::Bool(*value)),
        Value::String(value) => Ok(ConditionValue::String(value.clone().into())),
        other => Err(format!(
            "`when`: expected null, a boolean or a string, found {other}"
        )),
    });
    Ok(Condition {
        field: field.clone().into(),
        values: values.collect::<std::result::Result<_, _>>()?,
    })
}

/// Returns the fields that a rule about an object names.
fn named_fields(rule: &Rule) -> Vec<&str> {
    match rule {
        Rule::Required(names)
        | Rule::ExactlyOne(names)
        | Rule::AtMostOne(names)
        | Rule::AtLeastOne(names) => names.iter().map(Cow::as_ref).collect(),
        Rule::AtMostField { field, bound } => vec![field, bound],
        _ => Vec::new(),
    }
}

fn names(names: Vec<String>) -> Names {
    names.into_iter().map(Cow::Owned).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn problem(elements: Value) -> String {
        let owner = json!({"x-constraints": elements});
        let result = constraints(&owner, Part::Body, "", Some(&["a", "b"]));
        result.unwrap_err().to_string()
    }

    #[test]
    fn malformed_constraints_are_errors() {
        for (elements, expected) in [
            (json!([{"required": ["a", "c"]}]), "no field `c`"),
            (json!([{"at_least": {"c": 1}}]), "no field `c`"),
            (json!([{"at_most": {"a": "c"}}]), "no field `c`"),
            (
                json!([{"when": {"c": true}, "required": ["a"]}]),
                "no field `c`",
            ),
            (json!([{"when": {"a": 1}, "required": ["a"]}]), "found 1"),
            (
                json!([{"when": {"a": "x", "b": "x"}, "required": ["a"]}]),
                "expected one field",
            ),
            (json!([{}]), "expected one of"),
            (
                json!([{"required": ["a"], "exactly_one": ["a", "b"]}]),
                "expected one of",
            ),
            (json!([{"not_both": ["a", "b"]}]), "not_both"),
            (json!({"required": ["a"]}), "sequence"),
        ] {
            let found = problem(elements);
            assert!(found.contains(expected), "{expected}: {found}");
        }
    }

    #[test]
    fn closed_list_contains_the_enum_and_the_other_accepted_values() {
        let schema = json!({"enum": ["a", null], "x-closed": {"also": ["b"], "ignore_case": true}});
        let expected = Rule::OneOf {
            values: names(vec!["a".to_owned(), "b".to_owned()]),
            ignore_case: true,
        };
        assert_eq!(closed(&schema).unwrap(), Some(expected));
        assert_eq!(closed(&json!({"enum": ["a"]})).unwrap(), None);
        assert!(closed(&json!({"x-closed": {}})).is_err());
    }
}
