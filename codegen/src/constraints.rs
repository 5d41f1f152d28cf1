//! The constraints on the requests of an operation, read from the patched document.
//!
//! They come from the keywords of the schemas (`minimum`, `maximum`, `minItems`, `maxItems`,
//! `minLength`, `maxLength`) and from two extensions: `x-closed` of a list of values and
//! `x-constraints` of an object or of the parameters of an operation. On the gateway plane only the
//! extensions count, because the keywords there are those of OpenAI, and other providers have other
//! bounds.

mod extensions;

use portkey_admin_constraints::{Constraint, Part, Rule};
use serde_json::Value;

use crate::{
    Error, Result, document,
    manifest::{Entry, Paging, Plane},
};

/// Returns the constraints on the requests of an operation; `method` is in lower case.
///
/// # Errors
///
/// Fails if an extension is malformed or names a field that the schema does not have.
pub fn constraints(
    document: &Value,
    method: &str,
    path: &str,
    entry: &Entry,
) -> Result<Vec<Constraint>> {
    let item = &document["paths"][path];
    let operation = &item[method];
    let mut collector = Collector::new(document, entry.plane != Plane::Gateway);
    let mut parameters = Vec::new();
    for parameter in [item, operation]
        .into_iter()
        .filter_map(|owner| owner["parameters"].as_array())
        .flatten()
    {
        let parameter = document::resolve(document, parameter)?;
        parameters.extend(parameter["name"].as_str());
        collector.parameter(parameter)?;
    }
    if let Some(paging) = &entry.paging {
        collector.paging(paging);
    }
    collector.found.extend(extensions::constraints(
        operation,
        Part::Query,
        "",
        Some(parameters.as_slice()),
    )?);
    let body = document::resolve(document, &operation["requestBody"])?;
    collector.schema(
        &body["content"]["application/json"]["schema"],
        Part::Body,
        "",
    )?;
    Ok(collector.found)
}

/// Returns the constraints on a value of a schema, as if it were a body.
///
/// # Errors
///
/// Fails if an extension is malformed or names a field that the schema does not have.
pub fn schema_constraints(document: &Value, schema: &Value) -> Result<Vec<Constraint>> {
    let mut collector = Collector::new(document, true);
    collector.schema(schema, Part::Body, "")?;
    Ok(collector.found)
}

/// Collects the constraints of schemas.
struct Collector<'a> {
    document: &'a Value,
    with_keywords: bool,
    /// The references that are being followed.
    active: Vec<ActiveReference<'a>>,
    found: Vec<Constraint>,
}

/// A reference that is being followed.
struct ActiveReference<'a> {
    reference: &'a str,
    path: String,
    /// The path from the target to the same reference inside it.
    repeated: Option<String>,
}

impl<'a> Collector<'a> {
    fn new(document: &'a Value, with_keywords: bool) -> Self {
        Self {
            document,
            with_keywords,
            active: Vec::new(),
            found: Vec::new(),
        }
    }

    fn parameter(&mut self, parameter: &'a Value) -> Result<()> {
        let part = match parameter["in"].as_str() {
            Some("path") => Part::Path,
            Some("query") => Part::Query,
            _ => return Ok(()),
        };
        let schema = document::resolve(self.document, &parameter["schema"])?;
        // The items of a list are strings in a query.
        if schema["type"] == "array" {
            return Ok(());
        }
        let name = parameter["name"].as_str().unwrap_or_default();
        self.schema(schema, part, name)
    }

    /// Adds the bounds of page numbers and page sizes for which the document has none.
    fn paging(&mut self, paging: &Paging) {
        let first = paging.first.unwrap_or_default();
        for (name, minimum) in [(&paging.page, first), (&paging.size, 0)] {
            let Some(name) = name else { continue };
            let is_bounded = |constraint: &Constraint| {
                constraint.part == Part::Query
                    && constraint.path == name.as_str()
                    && matches!(constraint.rule, Rule::Minimum(_))
            };
            if !self.found.iter().any(is_bounded) {
                self.add(Part::Query, name, Rule::Minimum(minimum.into()));
            }
        }
    }

    fn add(&mut self, part: Part, path: &str, rule: Rule) {
        let constraint = Constraint {
            part,
            path: path.to_owned().into(),
            condition: None,
            rule,
        };
        if !self.found.contains(&constraint) {
            self.found.push(constraint);
        }
    }

    fn schema(&mut self, schema: &'a Value, part: Part, path: &str) -> Result<()> {
        if let Some(reference) = schema["$ref"].as_str() {
            return self.reference(reference, schema, part, path);
        }
        if self.with_keywords {
            self.keywords(schema, part, path);
        }
        if let Some(rule) = extensions::closed(schema).map_err(|error| error.within(path))? {
            self.add(part, path, rule);
        }
        let fields = schema["properties"].as_object();
        let names: Option<Vec<&str>> =
            fields.map(|fields| fields.keys().map(String::as_str).collect());
        let extended = extensions::constraints(schema, part, path, names.as_deref());
        self.found
            .extend(extended.map_err(|error| error.within(path))?);
        self.children(schema, part, path)
    }

    /// Adds the constraints of the target of a reference. If the target contains itself, they apply
    /// at every depth.
    fn reference(
        &mut self,
        reference: &'a str,
        schema: &'a Value,
        part: Part,
        path: &str,
    ) -> Result<()> {
        let mut active = self.active.iter_mut();
        if let Some(outer) = active.find(|active| active.reference == reference) {
            // Of several paths to itself, the first one is followed.
            let repeated = path[outer.path.len()..].to_owned();
            outer.repeated.get_or_insert(repeated);
            return Ok(());
        }
        self.active.push(ActiveReference {
            reference,
            path: path.to_owned(),
            repeated: None,
        });
        let before = self.found.len();
        let target = document::resolve(self.document, schema)?;
        let result = self.schema(target, part, path);
        let repeated = self.active.pop().and_then(|active| active.repeated);
        if let Some(repeated) = repeated {
            for constraint in &mut self.found[before..] {
                let inner = &constraint.path[path.len()..];
                let separator = match inner.is_empty() || inner.starts_with(['.', '[', '{']) {
                    true => "",
                    false => ".",
                };
                let dot = if repeated.starts_with('.') { "" } else { "." };
                constraint.path = format!("{path}({dot}{repeated})*{separator}{inner}").into();
            }
        }
        result
    }

    fn children(&mut self, schema: &'a Value, part: Part, path: &str) -> Result<()> {
        for branch in schema["allOf"].as_array().into_iter().flatten() {
            self.schema(branch, part, path)?;
        }
        // A value need not satisfy the constraints of each alternative.
        for keyword in ["oneOf", "anyOf"] {
            if let Some([only]) = schema[keyword].as_array().map(Vec::as_slice) {
                self.schema(only, part, path)?;
            }
        }
        for (name, field) in schema["properties"].as_object().into_iter().flatten() {
            if field["readOnly"] == true {
                continue;
            }
            let inner = match path {
                "" => name.clone(),
                path => format!("{path}.{name}"),
            };
            let before = self.found.len();
            self.schema(field, part, &inner)?;
            if name.contains(['.', '[', '{']) && self.found.len() > before {
                let problem = format!("a constraint cannot contain the field name `{name}`");
                return Err(Error::new(inner, problem));
            }
        }
        if schema["items"].is_object() {
            self.schema(&schema["items"], part, &format!("{path}[]"))?;
        }
        if schema["additionalProperties"].is_object() {
            self.schema(
                &schema["additionalProperties"],
                part,
                &format!("{path}{{}}"),
            )?;
        }
        Ok(())
    }

    fn keywords(&mut self, schema: &Value, part: Part, path: &str) {
        let number = |keyword: &str| schema[keyword].as_f64();
        // A lower bound of zero does not restrict anything.
        let count = |keyword: &str| {
            let count = schema[keyword].as_u64().filter(|count| *count > 0);
            count.and_then(|count| usize::try_from(count).ok())
        };
        let rules = [
            number("minimum").map(Rule::Minimum),
            number("maximum").map(Rule::Maximum),
            count("minItems").map(Rule::MinItems),
            count("maxItems").map(Rule::MaxItems),
            count("minLength").map(Rule::MinLength),
            count("maxLength").map(Rule::MaxLength),
        ];
        for rule in rules.into_iter().flatten() {
            self.add(part, path, rule);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn entry(plane: &str) -> Entry {
        let entry = json!({
            "id": "list_things", "summary": "Lists things.", "plane": plane, "area": "things",
            "retry": "safe", "status": "works", "evidence": {"by": "live"},
            "paging": {"page": "page", "size": "size", "first": 1, "items": "data"},
        });
        serde_json::from_value(entry).unwrap()
    }

    fn document(body: Value) -> Value {
        json!({
            "paths": {"/things/{id}": {
                "parameters": [{"name": "id", "in": "path", "schema": {"enum": ["a"], "x-closed": {}}}],
                "post": {
                    "parameters": [
                        {"name": "page", "in": "query", "schema": {"type": "integer"}},
                        {"name": "size", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 5}},
                        {"name": "to", "in": "query", "schema": {"type": "string"}},
                    ],
                    "x-constraints": [{"when": {"size": "all"}, "required": ["to"]}],
                    "requestBody": {"content": {"application/json": {"schema": body}}},
                },
            }},
            "components": {"schemas": {"Node": {
                "properties": {
                    "name": {"type": "string", "minLength": 1},
                    "children": {"type": "array", "items": {"$ref": "#/components/schemas/Node"}},
                },
            }}},
        })
    }

    /// Returns each constraint in one line.
    fn lines(document: &Value, plane: &str) -> Vec<String> {
        let found = constraints(document, "post", "/things/{id}", &entry(plane)).unwrap();
        let line = |constraint: &Constraint| {
            let Constraint {
                part, path, rule, ..
            } = constraint;
            format!("{}/{path} {rule:?}", part.name())
        };
        found.iter().map(line).collect()
    }

    #[test]
    fn keywords_become_constraints_at_their_location() {
        let body = json!({
            "allOf": [{"properties": {"list": {"type": "array", "maxItems": 1, "items": {"minimum": 0.5}}}}],
            "properties": {
                "map": {"additionalProperties": {"maxLength": 3}},
                "read": {"readOnly": true, "minimum": 1},
                "either": {"oneOf": [{"minimum": 1}, {"type": "string"}]},
                "tree": {"$ref": "#/components/schemas/Node"},
            },
        });
        assert_eq!(
            lines(&document(body), "control")[4..],
            [
                "query/ Required([\"to\"])",
                "body/list MaxItems(1)",
                "body/list[] Minimum(0.5)",
                "body/map{} MaxLength(3)",
                "body/tree(.children[])*.name MinLength(1)",
            ]
        );
    }

    #[test]
    fn constraints_of_a_recursive_schema_apply_at_every_depth() {
        let document = json!({"components": {"schemas": {"Node": {
            "x-constraints": [{"at_least_one": ["name", "children"]}],
            "properties": {
                "name": {"type": "string", "minLength": 1},
                "children": {"type": "array", "items": {"$ref": "#/components/schemas/Node"}},
            },
        }}}});
        let schema = json!({"$ref": "#/components/schemas/Node"});
        let found = schema_constraints(&document, &schema).unwrap();
        let paths: Vec<&str> = found.iter().map(|constraint| &*constraint.path).collect();
        assert_eq!(paths, ["(.children[])*", "(.children[])*.name"]);
        let check = |node: Value| portkey_admin_constraints::check(&found, &json!({"body": node}));
        assert!(check(json!({"children": [{"children": [{"name": "a"}]}]})).is_ok());
        let error = check(json!({"children": [{"children": [{}]}]})).unwrap_err();
        assert_eq!(error.pointer(), "/children/0/children/0/name");
    }

    #[test]
    fn page_number_has_the_minimum_of_the_manifest_unless_the_document_has_one() {
        assert_eq!(
            lines(&document(json!({})), "control")[..4],
            [
                "path/id OneOf { values: [\"a\"], ignore_case: false }",
                "query/size Minimum(1.0)",
                "query/size Maximum(5.0)",
                "query/page Minimum(1.0)",
            ]
        );
    }

    #[test]
    fn keywords_of_the_gateway_are_no_constraints() {
        let body = json!({
            "properties": {"temperature": {"maximum": 2}},
            "x-constraints": [{"at_most_one": ["temperature"]}],
        });
        let lines = lines(&document(body), "gateway");
        assert!(
            !lines.iter().any(|line| line.contains("Maximum")),
            "{lines:?}"
        );
        assert!(
            lines.iter().any(|line| line.contains("AtMostOne")),
            "{lines:?}"
        );
    }
}
