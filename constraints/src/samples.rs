//! Requests that satisfy or violate a constraint, generated from the constraint.

use serde_json::{Map, Value, json};

use crate::{
    Condition, ConditionValue, Constraint, Rule,
    check::{FIELD_END, repetition},
};

/// A string that no rule and no condition names.
const OTHER: &str = "boss";

/// Requests `{path, query, body}` that contain only what a constraint is about.
#[derive(Clone, Debug)]
pub struct Samples {
    /// Requests that satisfy the constraint.
    pub accepted: Vec<Value>,
    /// Requests that violate it.
    pub refused: Vec<Value>,
}

/// Generates the samples of a constraint.
pub fn samples(constraint: &Constraint) -> Samples {
    let (accepted, refused) = values(&constraint.rule);
    let holds = constraint.condition.as_ref().map(condition_field);
    let request = |value: Value| request(constraint, value, holds.as_ref());
    let mut accepted: Vec<Value> = accepted.into_iter().map(request).collect();
    if let Some(condition) = &constraint.condition {
        // Without the condition, the refused values are accepted.
        let other = (condition.field.to_string(), json!(OTHER));
        let unconditional = refused.iter().cloned();
        accepted.extend(unconditional.map(|value| self::request(constraint, value, Some(&other))));
    }
    Samples {
        accepted,
        refused: refused.into_iter().map(request).collect(),
    }
}

/// Returns the field and the value with which a condition holds; `null` if it must be absent.
fn condition_field(condition: &Condition) -> (String, Value) {
    let value = condition.values.first().map(|value| match value {
        ConditionValue::Absent => Value::Null,
        ConditionValue::Bool(value) => json!(value),
        ConditionValue::String(value) => json!(value),
    });
    (condition.field.to_string(), value.unwrap_or_default())
}

/// Returns values that satisfy a rule and values that do not.
fn values(rule: &Rule) -> (Vec<Value>, Vec<Value>) {
    match rule {
        Rule::Minimum(minimum) => (
            vec![number(*minimum), number(minimum + 1.0)],
            vec![number(minimum - 1.0)],
        ),
        Rule::Maximum(maximum) => (
            vec![number(*maximum), number(maximum - 1.0)],
            vec![number(maximum + 1.0)],
        ),
        Rule::MinItems(minimum) => (vec![items(*minimum)], vec![items(minimum - 1)]),
        Rule::MaxItems(maximum) => (vec![items(*maximum)], vec![items(maximum + 1)]),
        Rule::MinLength(minimum) => (vec![string(*minimum)], vec![string(minimum - 1)]),
        Rule::MaxLength(maximum) => (vec![string(*maximum)], vec![string(maximum + 1)]),
        Rule::OneOf {
            values,
            ignore_case,
        } => {
            let accepted = values.iter().map(|value| match ignore_case {
                true => json!(value.to_ascii_uppercase()),
                false => json!(value),
            });
            (accepted.collect(), vec![json!(OTHER)])
        }
        Rule::Required(names) => {
            let without = |missing| object(names.iter().filter(|name| *name != missing));
            (
                vec![object(names.iter())],
                names.iter().map(without).collect(),
            )
        }
        Rule::ExactlyOne(names) => {
            let mut refused = pairs(names);
            refused.push(json!({}));
            (singles(names), refused)
        }
        Rule::AtMostOne(names) => {
            let mut accepted = singles(names);
            accepted.push(json!({}));
            (accepted, pairs(names))
        }
        Rule::AtLeastOne(names) => (singles(names), vec![json!({})]),
        Rule::AtMostField { field, bound } => {
            let object = |fields: &[(&str, i32)]| {
                let fields = fields.iter();
                let fields = fields.map(|(name, number)| ((*name).to_owned(), json!(number)));
                Value::Object(fields.collect())
            };
            let accepted = vec![
                object(&[(field, 1), (bound, 1)]),
                object(&[(field, 2)]),
                object(&[(bound, 1)]),
            ];
            (accepted, vec![object(&[(field, 2), (bound, 1)])])
        }
    }
}

/// Returns a number, as an integer if it is one.
fn number(number: f64) -> Value {
    match number.fract() == 0.0 {
        true => json!(number as i64),
        false => json!(number),
    }
}

fn items(count: usize) -> Value {
    Value::Array(vec![json!({}); count])
}

fn string(length: usize) -> Value {
    json!("x".repeat(length))
}

fn object<N: AsRef<str>>(names: impl IntoIterator<Item = N>) -> Value {
    let fields = names.into_iter();
    Value::Object(
        fields
            .map(|name| (name.as_ref().to_owned(), json!("x")))
            .collect(),
    )
}

fn singles<N: AsRef<str>>(names: &[N]) -> Vec<Value> {
    names.iter().map(|name| object([name])).collect()
}

fn pairs<N: AsRef<str>>(names: &[N]) -> Vec<Value> {
    names.windows(2).map(object).collect()
}

/// Returns a request with `value` at the location of the constraint, and `field` in the object that
/// its condition is about.
fn request(constraint: &Constraint, value: Value, field: Option<&(String, Value)>) -> Value {
    let mut value = value;
    if constraint.rule.is_about_object() {
        set(&mut value, field);
    }
    let mut request = json!({"path": {}, "query": {}, "body": {}});
    request[constraint.part.name()] = at(&constraint.path, value, field);
    request
}

/// Returns JSON with `value` at a path.
fn at(path: &str, value: Value, field: Option<&(String, Value)>) -> Value {
    if let Some(rest) = path.strip_prefix("[]") {
        return json!([at(rest, value, field)]);
    }
    if let Some(rest) = path.strip_prefix("{}") {
        return json!({"key": at(rest, value, field)});
    }
    if let Some((_, rest)) = repetition(path) {
        return at(rest, value, field);
    }
    let path = path.strip_prefix('.').unwrap_or(path);
    if path.is_empty() {
        return value;
    }
    let end = path.find(FIELD_END).unwrap_or(path.len());
    let (name, rest) = path.split_at(end);
    let is_parent = !value.is_object() && !rest.contains('.');
    let mut fields = Map::new();
    fields.insert(name.to_owned(), at(rest, value, field));
    let mut object = Value::Object(fields);
    if is_parent {
        set(&mut object, field);
    }
    object
}

/// Sets a field of an object unless its value is `null`.
fn set(object: &mut Value, field: Option<&(String, Value)>) {
    if let Some((name, value)) = field.filter(|(_, value)| !value.is_null()) {
        object[name.as_str()] = value.clone();
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;
    use crate::{Names, Part, check};

    fn names(names: &[&'static str]) -> Names {
        names.iter().map(|name| Cow::Borrowed(*name)).collect()
    }

    fn rules() -> Vec<Rule> {
        let one_of = |ignore_case| Rule::OneOf {
            values: names(&["a", "b"]),
            ignore_case,
        };
        vec![
            Rule::Minimum(1.0),
            Rule::Maximum(0.5),
            Rule::MinItems(1),
            Rule::MaxItems(1),
            Rule::MinLength(1),
            Rule::MaxLength(3),
            one_of(false),
            one_of(true),
            Rule::Required(names(&["a", "b"])),
            Rule::ExactlyOne(names(&["a", "b"])),
            Rule::AtMostOne(names(&["a", "b", "c"])),
            Rule::AtLeastOne(names(&["a", "b"])),
            Rule::AtMostField {
                field: "a".into(),
                bound: "b".into(),
            },
        ]
    }

    #[test]
    fn samples_satisfy_and_violate_every_rule() {
        let condition = Condition {
            field: "type".into(),
            values: vec![ConditionValue::String("x".into())].into(),
        };
        for rule in rules() {
            for path in [
                "",
                "one",
                "one[]",
                "one[].two",
                "one{}.two[]",
                "one(.more[])*.two",
            ] {
                if path.is_empty() && !rule.is_about_object() {
                    continue;
                }
                for condition in [None, Some(condition.clone())] {
                    let constraint = Constraint {
                        part: Part::Body,
                        path: path.into(),
                        condition,
                        rule: rule.clone(),
                    };
                    let Samples { accepted, refused } = samples(&constraint);
                    let constraints = std::slice::from_ref(&constraint);
                    assert!(!accepted.is_empty() && !refused.is_empty());
                    for request in accepted {
                        assert_eq!(check(constraints, &request), Ok(()), "{constraint:?}");
                    }
                    for request in refused {
                        assert!(
                            check(constraints, &request).is_err(),
                            "{constraint:?} {request}"
                        );
                    }
                }
            }
        }
    }
}
