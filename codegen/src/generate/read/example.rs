//! The example in the rustdoc of an operation: a short call that the service accepts.
//!
//! `x-example` of the operation in the OpenAPI document has the values that the schema does not
//! tell: `parameters` by name, and `body`. Required values that it leaves out are samples.

mod json;
mod samples;

use std::{cell::RefCell, collections::BTreeSet};

use serde_json::{Map, Value};

use crate::{
    Error, Result,
    generate::model::{
        Definition, Field, OpenEnum, Operation, Parameter, RustType, StructType, Types, UnionKind,
        UnionType, setter_name,
    },
};

/// Nested structs below this depth are left out.
const MAX_DEPTH: usize = 4;

/// Returns the lines of a doctest. Lines that start with `# ` are hidden in the docs; without this
/// prefix the lines are a Rust function.
///
/// # Errors
///
/// Fails if `x-example` does not fit the parameters or the type of the body.
pub fn read(operation: &Operation<'_>, given: &Value, types: &Types) -> Result<Vec<String>> {
    let example = Example {
        types,
        json: RefCell::default(),
    };
    let call = example.call(operation, given)?;
    let statement = match operation.response {
        Some(_) => format!("let response = {call}.send().await?;"),
        None => format!("{call}.send().await?;"),
    };
    let mut lines = imports(&statement, operation, types);
    lines.push(
        "# async fn example(client: &portkey_admin::Client) -> Result<(), portkey_admin::Error> {"
            .to_owned(),
    );
    let json = example.json.into_inner();
    for line in formatted(&statement) {
        lines.extend(json::insert(line, &json).lines().map(str::to_owned));
    }
    if operation.response.is_some() {
        lines.push("# let _ = response;".to_owned());
    }
    lines.extend(["# Ok(())", "# }"].map(str::to_owned));
    Ok(lines)
}

/// Returns the `use` items of a statement, followed by an empty line.
fn imports(statement: &str, operation: &Operation<'_>, types: &Types) -> Vec<String> {
    let used = |path: &str, names: &[&str]| match names {
        [] => String::new(),
        [name] => format!("use {path}::{name};\n"),
        names => format!("use {path}::{{{}}};\n", names.join(", ")),
    };
    let used_types = used_types(statement);
    let groups = operation.groups.iter().map(|group| group.name.as_str());
    let named: Vec<_> = types
        .names()
        .chain(groups)
        .filter(|name| used_types.contains(name))
        .collect();
    let times: Vec<_> = ["Duration", "SystemTime"]
        .into_iter()
        .filter(|name| used_types.contains(name))
        .collect();
    let json: &[&str] = match statement.contains("json!(") {
        true => &["json"],
        false => &[],
    };
    let code = [
        used(&format!("portkey_admin::{}", operation.module), &named),
        used("serde_json", json),
        used("std::time", &times),
    ]
    .concat();
    let mut lines = unparsed(&code).unwrap_or_else(|| code.lines().map(str::to_owned).collect());
    if !lines.is_empty() {
        lines.push(String::new());
    }
    lines
}

/// Returns the lines of formatted code, or `None` if it cannot be parsed.
fn unparsed(code: &str) -> Option<Vec<String>> {
    let code = prettyplease::unparse(&syn::parse_file(code).ok()?);
    Some(code.lines().map(str::to_owned).collect())
}

/// Formats a statement; one that cannot be parsed stays on one line.
fn formatted(statement: &str) -> Vec<String> {
    let Some(lines) = unparsed(&format!("async fn f() {{ {statement} }}")) else {
        return vec![statement.to_owned()];
    };
    let body = lines.iter().skip(1).take_while(|line| *line != "}");
    body.map(|line| line.strip_prefix("    ").unwrap_or(line).to_owned())
        .collect()
}

/// Returns the names in front of `::` in a statement.
fn used_types(statement: &str) -> BTreeSet<&str> {
    let is_part_of_name = |part: char| part.is_alphanumeric() || part == '_';
    statement
        .match_indices("::")
        .filter_map(|(end, _)| {
            statement[..end]
                .rsplit(|part| !is_part_of_name(part))
                .next()
        })
        .collect()
}

/// Writes the values of an example as Rust expressions.
struct Example<'a> {
    types: &'a Types,
    /// The JSON values, which are inserted after formatting.
    json: RefCell<Vec<Value>>,
}

impl Example<'_> {
    fn call(&self, operation: &Operation<'_>, given: &Value) -> Result<String> {
        let parameters = &given["parameters"];
        check_names(operation, given)?;
        let arguments = operation
            .arguments
            .iter()
            .map(|argument| {
                let id = Value::from(samples::argument(operation.path, &argument.wire));
                let value = match parameters.get(&argument.wire) {
                    Some(value) => value,
                    None if matches!(argument.ty, RustType::String) => &id,
                    None => &Value::Null,
                };
                self.value(&argument.ty, &argument.wire, value, 0)
            })
            .collect::<Result<Vec<_>>>()?;
        let mut call = format!("client.{}({})", operation.entry.id, arguments.join(", "));
        for group in &operation.groups {
            let setters = self.setters(&group.parameters, parameters, &["new"])?;
            call += &format!(".{}({}::new(){setters})", group.setter(), group.name);
        }
        call += &self.setters(
            &operation.parameters,
            parameters,
            operation.builder_methods(),
        )?;
        if let Some((ty, is_required)) = &operation.body {
            let body = self.value(ty, "body", &given["body"], 0)?;
            // An optional body without fields says nothing.
            if *is_required || !body.ends_with("::builder()") {
                call += &format!(".body({body})");
            }
        }
        Ok(call)
    }

    /// Writes the setters of the given and the required parameters.
    fn setters(&self, parameters: &[Parameter], given: &Value, taken: &[&str]) -> Result<String> {
        let mut setters = String::new();
        for parameter in parameters {
            let value = given.get(&parameter.wire);
            if parameter.required || value.is_some() {
                let setter = setter_name(&parameter.ident, taken);
                let value = value.unwrap_or(&Value::Null);
                let value = self.value(&parameter.ty, &parameter.wire, value, 0)?;
                setters += &format!(".{setter}({value})");
            }
        }
        Ok(setters)
    }

    /// Writes a JSON value.
    fn json(&self, value: &Value) -> String {
        let mut json = self.json.borrow_mut();
        json.push(value.clone());
        format!("json!({})", json::placeholder(json.len() - 1, value))
    }

    /// Writes a value as the argument of a setter; `null` asks for a sample.
    fn value(&self, ty: &RustType, wire: &str, given: &Value, depth: usize) -> Result<String> {
        if given.is_null()
            && let Some(sample) = samples::plain(ty, wire)
        {
            return Ok(sample);
        }
        Ok(match (ty, given) {
            (RustType::Option(inner) | RustType::Box(inner), _) => {
                self.value(inner, wire, given, depth)?
            }
            (RustType::Named(name), _) => self.named(name, wire, given, depth)?,
            (RustType::List(item) | RustType::LenientList(item), Value::Null) => {
                format!("[{}]", self.value(item, wire, given, depth)?)
            }
            (RustType::List(item) | RustType::LenientList(item), Value::Array(values)) => {
                let values = values
                    .iter()
                    .map(|value| self.value(item, wire, value, depth))
                    .collect::<Result<Vec<_>>>()?;
                format!("[{}]", values.join(", "))
            }
            (RustType::Map(item), Value::Null) => {
                let value = self.value(item, "value", given, depth)?;
                format!("[(\"team\", {value})]")
            }
            (RustType::Map(item), Value::Object(fields)) => {
                let fields = fields
                    .iter()
                    .map(|(name, value)| {
                        Ok(format!(
                            "({name:?}, {})",
                            self.value(item, name, value, depth)?
                        ))
                    })
                    .collect::<Result<Vec<_>>>()?;
                format!("[{}]", fields.join(", "))
            }
            (RustType::String | RustType::Secret, Value::String(text)) => format!("{text:?}"),
            (RustType::Bool | RustType::Flag, Value::Bool(value)) => value.to_string(),
            (RustType::Integer | RustType::UInt32, Value::Number(value)) if value.is_i64() => {
                value.to_string()
            }
            (RustType::Float, Value::Number(value)) => {
                format!("{:?}", value.as_f64().unwrap_or_default())
            }
            (RustType::JsonObject, Value::Object(_)) | (RustType::JsonValue, _) => self.json(given),
            _ => return Err(mismatch(wire, "a value of the declared type", given)),
        })
    }

    fn named(&self, name: &str, wire: &str, given: &Value, depth: usize) -> Result<String> {
        match self.types.get(name) {
            Some(Definition::Enum(open_enum)) => variant(open_enum, wire, given),
            Some(Definition::Struct(_)) if depth >= MAX_DEPTH => Ok("json!({})".to_owned()),
            Some(Definition::Struct(structure)) => self.builder(structure, wire, given, depth),
            Some(Definition::Union(union)) => self.union(union, wire, given, depth),
            None => Ok("json!({})".to_owned()),
        }
    }

    /// Writes a builder with the given and the required fields. One without any sets the name.
    fn builder(
        &self,
        structure: &StructType,
        wire: &str,
        given: &Value,
        depth: usize,
    ) -> Result<String> {
        let rename = Map::from_iter([("name".to_owned(), Value::from("New name"))]);
        let given = match given {
            Value::Object(fields) => fields,
            Value::Null if is_rename(structure) => &rename,
            Value::Null => &Map::new(),
            other => return Err(mismatch(wire, "an object", other)),
        };
        let is_field = |name: &&String| structure.fields.iter().any(|field| field.wire == **name);
        if let Some(unknown) = given.keys().find(|name| !is_field(name)) {
            let problem = format!("`{unknown}` is not a field of `{}`", structure.ident);
            return Err(Error::new("x-example", problem));
        }
        let mut code = format!("{}::builder()", structure.ident);
        for field in fields_in_order(structure, given) {
            let value = given.get(&field.wire);
            let is_constant = field.constant.is_some()
                && value.is_none_or(|value| value.as_str() == field.constant.as_deref());
            if is_constant {
                continue;
            }
            let setter = field.setter();
            let value = value.unwrap_or(&Value::Null);
            let value = self.value(&field.ty, &field.wire, value, depth + 1)?;
            code += &format!(".{setter}({value})");
        }
        Ok(code)
    }

    /// Writes a value that converts into a union.
    fn union(&self, union: &UnionType, wire: &str, given: &Value, depth: usize) -> Result<String> {
        let variant = match &union.kind {
            UnionKind::Raw { views, .. } => {
                let has_text = views.iter().any(|(_, ty)| matches!(ty, RustType::String));
                return Ok(match given {
                    Value::Null if has_text => samples::string(wire),
                    Value::Null => "json!({})".to_owned(),
                    Value::String(text) if has_text => format!("{text:?}"),
                    value => self.json(value),
                });
            }
            UnionKind::JsonKind(variants) => variants
                .iter()
                .find(|variant| given.is_null() || variant.json == json_kind(given))
                .map(|variant| &variant.ty),
            UnionKind::Tagged { member, variants } => variants
                .iter()
                .find(|variant| given.is_null() || given[member] == *variant.value)
                .map(|variant| &variant.ty),
        };
        let Some(ty) = variant else {
            return Err(mismatch(
                wire,
                &format!("a variant of `{}`", union.ident),
                given,
            ));
        };
        let value = self.value(ty, wire, given, depth)?;
        Ok(match ty {
            ty if self.types.has_builder(ty) => format!("{value}.build()?"),
            RustType::List(_) | RustType::LenientList(_) => format!("vec!{value}"),
            _ => value,
        })
    }
}

/// Checks that `x-example` names only parameters of the operation, and a body only if it has one.
fn check_names(operation: &Operation<'_>, given: &Value) -> Result<()> {
    let is_other = |name: &&String| !["parameters", "body"].contains(&name.as_str());
    let mut names = given.as_object().into_iter().flat_map(Map::keys);
    if let Some(name) = names.find(is_other) {
        let problem = format!("expected `parameters` or `body`, found `{name}`");
        return Err(Error::new("x-example", problem));
    }
    let parameters = given["parameters"].as_object().into_iter().flatten();
    let is_known = |name: &str| {
        let mut all = operation.arguments.iter().chain(operation.all_parameters());
        all.any(|parameter| parameter.wire == name)
    };
    for (name, _) in parameters {
        if !is_known(name) {
            let problem = format!("`{name}` is not a parameter");
            return Err(Error::new("x-example", problem));
        }
    }
    if given.get("body").is_some() && operation.body.is_none() {
        return Err(Error::new("x-example", "the operation has no body"));
    }
    Ok(())
}

fn variant(open_enum: &OpenEnum, wire: &str, given: &Value) -> Result<String> {
    let found = match given {
        Value::Null => open_enum.variants.first(),
        given => open_enum.variants.iter().find(|(_, text)| *given == **text),
    };
    match found {
        Some((variant, _)) => Ok(format!("{}::{variant}", open_enum.ident)),
        None => Err(mismatch(
            wire,
            &format!("a value of `{}`", open_enum.ident),
            given,
        )),
    }
}

/// Returns the name of the variant of `serde_json::Value`.
fn json_kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "Null",
        Value::Bool(_) => "Bool",
        Value::Number(_) => "Number",
        Value::String(_) => "String",
        Value::Array(_) => "Array",
        Value::Object(_) => "Object",
    }
}

/// Returns the given fields in their order, and then the other required ones.
fn fields_in_order<'a>(
    structure: &'a StructType,
    given: &'a Map<String, Value>,
) -> impl Iterator<Item = &'a Field> {
    let fields = &structure.fields;
    let given_fields = given
        .keys()
        .filter_map(|name| fields.iter().find(|field| field.wire == *name));
    let others = fields
        .iter()
        .filter(|field| is_required(field) && !given.contains_key(&field.wire));
    given_fields.chain(others)
}

fn is_required(field: &Field) -> bool {
    !field.ty.is_option() && !field.flatten && field.clear.is_none() && field.constant.is_none()
}

/// Returns whether a struct has no required field, but a name.
fn is_rename(structure: &StructType) -> bool {
    let is_name = |field: &Field| {
        field.wire == "name" && matches!(field.ty.without_option(), RustType::String)
    };
    structure.fields.iter().any(is_name) && !structure.fields.iter().any(is_required)
}

fn mismatch(wire: &str, expected: &str, found: &Value) -> Error {
    let problem = format!("`{wire}`: expected {expected}, found {found}");
    Error::new("x-example", problem)
}
