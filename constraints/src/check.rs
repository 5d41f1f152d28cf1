//! The check of a request against constraints.

use std::{
    borrow::Cow,
    fmt::{self, Write as _},
};

use serde_json::Value;

use crate::{Condition, ConditionValue, Constraint, Rule, Violation};

/// The maximum number of characters of a string that a violation repeats.
const MAX_SHOWN: usize = 40;

/// Checks a request, `{path, query, body}`, and returns the first violation.
///
/// A body that is a list is checked item by item: operations that accept one object also accept a
/// list of them.
///
/// # Errors
///
/// Returns the first violation.
pub fn check(constraints: &[Constraint], request: &Value) -> Result<(), Violation> {
    for constraint in constraints {
        let root = &request[constraint.part.name()];
        match root.as_array() {
            Some(items) => {
                for (index, item) in items.iter().enumerate() {
                    check_at(constraint, item, &format!("[{index}]"))?;
                }
            }
            None => check_at(constraint, root, "")?,
        }
    }
    Ok(())
}

/// Checks the values at the location of a constraint below `root`, whose own path is `at`.
fn check_at(constraint: &Constraint, root: &Value, at: &str) -> Result<(), Violation> {
    let Constraint {
        part,
        path,
        condition,
        rule,
    } = constraint;
    visit(path, root, root, at, &mut |value, parent, at| {
        let object = rule.object(value, parent);
        if condition
            .as_ref()
            .is_some_and(|condition| !condition.holds(object))
        {
            return Ok(());
        }
        rule.check(value)
            .map_err(|Broken { field, reason }| Violation {
                part: *part,
                field: join(at, field),
                reason: match condition {
                    Some(condition) => format!("{reason} when {condition}"),
                    None => reason,
                },
            })
    })
}

/// Calls `check` with each value at `path` below `value`, the object that contains it, and its own
/// path.
fn visit(
    path: &str,
    value: &Value,
    parent: &Value,
    at: &str,
    check: &mut dyn FnMut(&Value, &Value, &str) -> Result<(), Violation>,
) -> Result<(), Violation> {
    if let Some(rest) = path.strip_prefix("[]") {
        for (index, item) in value.as_array().into_iter().flatten().enumerate() {
            visit(rest, item, parent, &format!("{at}[{index}]"), check)?;
        }
        return Ok(());
    }
    if let Some(rest) = path.strip_prefix("{}") {
        for (key, item) in value.as_object().into_iter().flatten() {
            visit(rest, item, parent, &join(at, key), check)?;
        }
        return Ok(());
    }
    if let Some((repeated, rest)) = repetition(path) {
        visit(rest, value, parent, at, check)?;
        return visit(repeated, value, parent, at, &mut |inner, parent, at| {
            visit(path, inner, parent, at, check)
        });
    }
    let path = path.strip_prefix('.').unwrap_or(path);
    if path.is_empty() {
        return check(value, parent, at);
    }
    let end = path.find(FIELD_END).unwrap_or(path.len());
    let (name, rest) = path.split_at(end);
    match value.get(name) {
        Some(field) => visit(rest, field, value, &join(at, name), check),
        None => Ok(()),
    }
}

/// The characters that end the name of a field in a path.
pub(crate) const FIELD_END: [char; 4] = ['.', '[', '{', '('];

/// Splits `(repeated)*rest`.
pub(crate) fn repetition(path: &str) -> Option<(&str, &str)> {
    path.strip_prefix('(')?.split_once(")*")
}

/// Appends the name of a field to a path.
fn join(at: &str, name: &str) -> String {
    match (at, name) {
        (at, "") => at.to_owned(),
        ("", name) => name.to_owned(),
        (at, name) => format!("{at}.{name}"),
    }
}

/// A rule that is not satisfied.
struct Broken<'a> {
    /// The name of a field of the object, or empty for the value itself.
    field: &'a str,
    reason: String,
}

impl Rule {
    /// Returns the object that a condition is about: the value of a rule about an object, otherwise
    /// the object that contains the value.
    pub(crate) fn object<'v>(&self, value: &'v Value, parent: &'v Value) -> &'v Value {
        match self.is_about_object() {
            true => value,
            false => parent,
        }
    }

    fn check(&self, value: &Value) -> Result<(), Broken<'_>> {
        match self {
            Self::Minimum(minimum) => check_number(value, |number| number >= *minimum)
                .map_err(|found| broken(format!("must be at least {minimum}, found {found}"))),
            Self::Maximum(maximum) => check_number(value, |number| number <= *maximum)
                .map_err(|found| broken(format!("must be at most {maximum}, found {found}"))),
            Self::MinItems(minimum) => check_items(value, |count| count >= *minimum)
                .map_err(|found| broken(at_least(*minimum, "item", found))),
            Self::MaxItems(maximum) => check_items(value, |count| count <= *maximum)
                .map_err(|found| broken(at_most(*maximum, "item", found))),
            Self::MinLength(minimum) => check_length(value, |length| length >= *minimum)
                .map_err(|found| broken(at_least(*minimum, "character", found))),
            Self::MaxLength(maximum) => check_length(value, |length| length <= *maximum)
                .map_err(|found| broken(at_most(*maximum, "character", found))),
            Self::OneOf {
                values,
                ignore_case,
            } => check_one_of(value, values, *ignore_case),
            Self::Required(names) => check_required(value, names),
            Self::ExactlyOne(names) => {
                check_any(value, names, has_value)?;
                check_at_most_one(value, names)
            }
            Self::AtMostOne(names) => check_at_most_one(value, names),
            Self::AtLeastOne(names) => {
                check_any(value, names, |value, name| value.get(name).is_some())
            }
            Self::AtMostField { field, bound } => check_at_most_field(value, field, bound),
        }
    }
}

/// Returns the violation of a rule about the value itself.
fn broken<'a>(reason: String) -> Broken<'a> {
    Broken { field: "", reason }
}

fn at_least(minimum: usize, noun: &str, found: usize) -> String {
    format!(
        "must have at least {}, found {found}",
        counted(minimum, noun)
    )
}

fn at_most(maximum: usize, noun: &str, found: usize) -> String {
    format!(
        "must have at most {}, found {found}",
        counted(maximum, noun)
    )
}

fn counted(count: usize, noun: &str) -> String {
    match count {
        1 => format!("1 {noun}"),
        _ => format!("{count} {noun}s"),
    }
}

fn check_number(value: &Value, is_allowed: impl Fn(f64) -> bool) -> Result<(), &Value> {
    match value.as_f64() {
        Some(number) if !is_allowed(number) => Err(value),
        _ => Ok(()),
    }
}

fn check_items(value: &Value, is_allowed: impl Fn(usize) -> bool) -> Result<(), usize> {
    match value.as_array().map(Vec::len) {
        Some(count) if !is_allowed(count) => Err(count),
        _ => Ok(()),
    }
}

fn check_length(value: &Value, is_allowed: impl Fn(usize) -> bool) -> Result<(), usize> {
    match value.as_str().map(|string| string.chars().count()) {
        Some(length) if !is_allowed(length) => Err(length),
        _ => Ok(()),
    }
}

fn check_one_of<'a>(
    value: &Value,
    values: &[Cow<'_, str>],
    ignore_case: bool,
) -> Result<(), Broken<'a>> {
    let Some(found) = value.as_str() else {
        return Ok(());
    };
    let is_same = |allowed: &Cow<'_, str>| match ignore_case {
        true => allowed.eq_ignore_ascii_case(found),
        false => allowed == found,
    };
    if values.iter().any(is_same) {
        return Ok(());
    }
    let found: String = found.chars().take(MAX_SHOWN).collect();
    Err(broken(format!(
        "must be one of {}, found `{}`",
        list(values),
        found.escape_debug()
    )))
}

fn check_required<'a>(value: &Value, names: &'a [Cow<'_, str>]) -> Result<(), Broken<'a>> {
    let is_missing = |name: &&Cow<'_, str>| value.is_object() && !has_value(value, name);
    match names.iter().find(is_missing) {
        Some(missing) => Err(Broken {
            field: missing,
            reason: "is required".to_owned(),
        }),
        None => Ok(()),
    }
}

fn check_any<'a>(
    value: &Value,
    names: &'a [Cow<'_, str>],
    is_set: impl Fn(&Value, &str) -> bool,
) -> Result<(), Broken<'a>> {
    if !value.is_object() || names.iter().any(|name| is_set(value, name)) {
        return Ok(());
    }
    let (first, others) = names
        .split_first()
        .map_or(("", &[][..]), |(first, others)| (first.as_ref(), others));
    Err(Broken {
        field: first,
        reason: match others {
            [] => "is required".to_owned(),
            [other] => format!("or `{other}` is required"),
            others => format!("or one of {} is required", list(others)),
        },
    })
}

fn check_at_most_one<'a>(value: &Value, names: &'a [Cow<'_, str>]) -> Result<(), Broken<'a>> {
    let mut set = names.iter().filter(|name| has_value(value, name));
    match (set.next(), set.next()) {
        (Some(first), Some(second)) => Err(Broken {
            field: first,
            reason: format!("and `{second}` are mutually exclusive, found both"),
        }),
        _ => Ok(()),
    }
}

fn check_at_most_field<'a>(value: &Value, field: &'a str, bound: &str) -> Result<(), Broken<'a>> {
    match (value[field].as_f64(), value[bound].as_f64()) {
        (Some(number), Some(limit)) if number > limit => Err(Broken {
            field,
            reason: format!("must be at most `{bound}` ({limit}), found {number}"),
        }),
        _ => Ok(()),
    }
}

/// Returns whether a field is neither absent nor `null` nor an empty string.
fn has_value(object: &Value, name: &str) -> bool {
    let value = &object[name];
    !value.is_null() && value != ""
}

/// Returns names in backquotes: `` `a`, `b` or `c` ``.
fn list(names: &[Cow<'_, str>]) -> String {
    let mut text = String::new();
    for (index, name) in names.iter().enumerate() {
        text.push_str(match index {
            0 => "",
            _ if index + 1 == names.len() => " or ",
            _ => ", ",
        });
        let _ = write!(text, "`{name}`");
    }
    text
}

impl Condition {
    fn holds(&self, object: &Value) -> bool {
        let value = &object[&*self.field];
        self.values.iter().any(|expected| match expected {
            ConditionValue::Absent => value.is_null(),
            ConditionValue::Bool(expected) => value == expected,
            ConditionValue::String(expected) => value.as_str() == Some(expected.as_ref()),
        })
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is ", self.field)?;
        for (index, value) in self.values.iter().enumerate() {
            f.write_str(if index > 0 { " or " } else { "" })?;
            match value {
                ConditionValue::Absent => f.write_str("absent")?,
                ConditionValue::Bool(value) => write!(f, "`{value}`")?,
                ConditionValue::String(value) => write!(f, "`{value}`")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Part;

    fn constraint(path: &'static str, rule: Rule) -> Constraint {
        Constraint {
            part: Part::Body,
            path: path.into(),
            condition: None,
            rule,
        }
    }

    fn names(names: &[&'static str]) -> crate::Names {
        names.iter().map(|name| Cow::Borrowed(*name)).collect()
    }

    /// Returns the message for a body, or an empty string if it is allowed.
    fn message(constraint: &Constraint, body: Value) -> String {
        let request = json!({"path": {}, "query": {}, "body": body});
        match check(std::slice::from_ref(constraint), &request) {
            Ok(()) => String::new(),
            Err(violation) => violation.to_string(),
        }
    }

    #[test]
    fn violation_names_the_field_what_is_allowed_and_what_was_found() {
        let roles = Rule::OneOf {
            values: names(&["admin", "member"]),
            ignore_case: false,
        };
        for (path, rule, body, expected) in [
            (
                "limits[].credit",
                Rule::Minimum(1.0),
                json!({"limits": [{"credit": 1}, {"credit": 0.5}]}),
                "`limits[1].credit` must be at least 1, found 0.5",
            ),
            (
                "value",
                Rule::Maximum(10.0),
                json!([{"value": 10}, {"value": 99}]),
                "`[1].value` must be at most 10, found 99",
            ),
            (
                "limits",
                Rule::MaxItems(1),
                json!({"limits": [{}, {}]}),
                "`limits` must have at most 1 item, found 2",
            ),
            (
                "scopes",
                Rule::MinItems(1),
                json!({"scopes": []}),
                "`scopes` must have at least 1 item, found 0",
            ),
            (
                "name",
                Rule::MaxLength(2),
                json!({"name": "äöü"}),
                "`name` must have at most 2 characters, found 3",
            ),
            (
                "tags{}",
                Rule::MinLength(1),
                json!({"tags": {"team": ""}}),
                "`tags.team` must have at least 1 character, found 0",
            ),
            (
                "users[].role",
                roles,
                json!({"users": [{"role": "boss"}]}),
                "`users[0].role` must be one of `admin` or `member`, found `boss`",
            ),
            (
                "",
                Rule::Required(names(&["a", "b"])),
                json!({"a": 1, "b": ""}),
                "`b` is required",
            ),
            (
                "x",
                Rule::ExactlyOne(names(&["a", "b"])),
                json!({"x": {"a": null}}),
                "`x.a` or `b` is required",
            ),
            (
                "",
                Rule::ExactlyOne(names(&["a", "b"])),
                json!({"a": 1, "b": 2}),
                "`a` and `b` are mutually exclusive, found both",
            ),
            (
                "",
                Rule::AtLeastOne(names(&["a", "b", "c"])),
                json!({"d": 1}),
                "`a` or one of `b` or `c` is required",
            ),
            (
                "config(.targets[])*.retry",
                Rule::Required(names(&["attempts"])),
                json!({"config": {"retry": {"attempts": 1}, "targets": [
                    {}, {"targets": [{"retry": {}}]}]}}),
                "`config.targets[1].targets[0].retry.attempts` is required",
            ),
            (
                "config(.targets[])*",
                Rule::AtLeastOne(names(&["a"])),
                json!({"config": {"a": 1, "targets": [{"b": 1}]}}),
                "`config.targets[0].a` is required",
            ),
            (
                "(.targets[])*.weight",
                Rule::Minimum(0.0),
                json!({"weight": -1}),
                "`weight` must be at least 0, found -1",
            ),
            (
                "",
                Rule::AtMostField {
                    field: "alert".into(),
                    bound: "credit".into(),
                },
                json!({"alert": 2, "credit": 1.5}),
                "`alert` must be at most `credit` (1.5), found 2",
            ),
        ] {
            assert_eq!(message(&constraint(path, rule), body), expected);
        }
    }

    #[test]
    fn absent_null_and_values_of_other_types_are_allowed() {
        let rules = [
            Rule::Minimum(1.0),
            Rule::Maximum(-1.0),
            Rule::MinItems(1),
            Rule::MaxItems(0),
            Rule::MinLength(1),
            Rule::MaxLength(0),
            Rule::OneOf {
                values: names(&["a"]),
                ignore_case: false,
            },
        ];
        for rule in rules {
            for body in [
                json!(null),
                json!({}),
                json!({"a": null}),
                json!({"a": true}),
                json!({"a": {}}),
                json!("a"),
            ] {
                assert_eq!(
                    message(&constraint("a", rule.clone()), body),
                    "",
                    "{rule:?}"
                );
            }
        }
    }

    #[test]
    fn cleared_field_counts_as_a_change_but_not_as_a_value() {
        let body = json!({"a": null});
        let at_least_one = constraint("", Rule::AtLeastOne(names(&["a", "b"])));
        assert_eq!(message(&at_least_one, body), "");
        let at_most_one = constraint("", Rule::AtMostOne(names(&["a", "b"])));
        assert_eq!(message(&at_most_one, json!({"a": null, "b": 1})), "");
        assert_eq!(message(&at_most_one, json!({"a": "", "b": 1})), "");
    }

    #[test]
    fn condition_is_about_the_same_object() {
        let condition = |field: &'static str, values: Vec<ConditionValue>| {
            Some(Condition {
                field: field.into(),
                values: values.into(),
            })
        };
        let required = Constraint {
            condition: condition(
                "target",
                vec![ConditionValue::Absent, ConditionValue::String("llm".into())],
            ),
            ..constraint("", Rule::Required(names(&["checks"])))
        };
        let expected = "`checks` is required when `target` is absent or `llm`";
        assert_eq!(message(&required, json!({})), expected);
        assert_eq!(message(&required, json!({"target": "llm"})), expected);
        assert_eq!(message(&required, json!({"target": "mcp"})), "");
        let minimum = Constraint {
            condition: condition("type", vec![ConditionValue::String("tokens".into())]),
            ..constraint("limits[].credit", Rule::Minimum(100.0))
        };
        let body = json!({"limits": [
            {"type": "cost", "credit": 1}, {"type": "tokens", "credit": 99},
        ]});
        let expected = "`limits[1].credit` must be at least 100, found 99 when `type` is `tokens`";
        assert_eq!(message(&minimum, body), expected);
    }

    #[test]
    fn pointer_of_a_violation_is_a_json_pointer() {
        let request = json!({"body": [{"limits": [{"credit": 0}]}]});
        let constraint = constraint("limits[].credit", Rule::Minimum(1.0));
        let violation = check(&[constraint], &request).unwrap_err();
        assert_eq!(violation.pointer(), "/0/limits/0/credit");
        assert_eq!(
            request["body"].pointer(&violation.pointer()),
            Some(&json!(0))
        );
    }

    #[test]
    fn found_string_is_escaped_and_truncated() {
        let rule = Rule::OneOf {
            values: names(&["a"]),
            ignore_case: true,
        };
        let constraint = constraint("role", rule);
        assert_eq!(message(&constraint, json!({"role": "A"})), "");
        let found = message(&constraint, json!({"role": "b\n".repeat(100)}));
        assert!(
            found.ends_with(&format!("found `{}`", "b\\n".repeat(20))),
            "{found}"
        );
    }
}
