//! Flattens schemas: structs, enums and unions become named components, everything else stays
//! inline.

use std::cell::Cell;

use heck::ToSnakeCase;
use serde_json::{Map, Value, json};

use super::all_of::AllOf;
use super::json_kind::json_kind;
use super::names::{Origin, TypeNames};
use crate::{Error, Result, document, rust_names};

/// The number of schemas that may contain or reference each other. The lowered document is processed
/// recursively.
const MAX_NESTED_SCHEMAS: usize = 64;

/// The number of schemas that `allOf` and unions of one operation may expand to. Each can reference
/// two others, so a small document can expand to 2⁶⁴ schemas.
const MAX_EXPANDED_SCHEMAS: usize = 100_000;

/// Flattens the schemas of one operation into [`TypeNames`].
pub struct Flattener<'a> {
    document: &'a Value,
    names: &'a mut TypeNames,
    /// The references that are being flattened.
    active: Vec<ActiveReference>,
    depth: usize,
    expanded: Cell<usize>,
}

/// A reference that is being flattened.
struct ActiveReference {
    reference: String,
    /// Whether its target has a name, so that it can contain itself.
    is_named: bool,
    /// Whether the items or values of its target are being flattened.
    in_items: bool,
}

/// The kind of Rust type that a schema becomes.
enum SchemaKind {
    /// Properties: a struct.
    Struct,
    /// Several strings: an open enum.
    Enum,
    /// A `oneOf` or `anyOf` of schemas with different JSON kinds.
    Union(Vec<Value>),
    /// A union of objects with a discriminator.
    Tagged(Tagged),
    /// A union without a discriminator.
    Raw(Vec<Value>),
    /// A type without a name.
    Plain,
}

/// A union of objects that have one field with a different constant in each variant.
struct Tagged {
    field: String,
    /// The value of the field, and the variant.
    variants: Vec<(String, Value)>,
}

impl<'a> Flattener<'a> {
    /// Creates a flattener over `document` that registers types in `names`.
    pub fn new(document: &'a Value, names: &'a mut TypeNames) -> Self {
        Self {
            document,
            names,
            active: Vec::new(),
            depth: 0,
            expanded: Cell::new(0),
        }
    }

    /// Flattens a request or response body, which has a fixed name.
    pub fn flatten_named(&mut self, schema: &Value, name: &str, location: &str) -> Result<Value> {
        self.flatten(schema, name, location, Origin::Explicit)
    }

    /// Flattens a nested schema, whose name is its `x-name` or is derived from its position.
    pub fn flatten_inline(&mut self, schema: &Value, name: &str, location: &str) -> Result<Value> {
        self.flatten(schema, name, location, Origin::Derived)
    }

    fn flatten(
        &mut self,
        schema: &Value,
        name: &str,
        location: &str,
        origin: Origin,
    ) -> Result<Value> {
        if self.depth >= MAX_NESTED_SCHEMAS {
            let problem = format!(
                "schemas contain or reference each other more than {MAX_NESTED_SCHEMAS} levels deep"
            );
            return Err(Error::new(location, problem));
        }
        self.depth += 1;
        let flat = match schema.get("$ref").and_then(Value::as_str) {
            Some(reference) => self.flatten_component(schema, reference),
            None => self.flatten_schema(schema, name, location, origin),
        };
        self.depth -= 1;
        flat
    }

    fn flatten_schema(
        &mut self,
        schema: &Value,
        name: &str,
        location: &str,
        origin: Origin,
    ) -> Result<Value> {
        let (schema, nullable) = self
            .simplify(schema, 0)
            .map_err(|error| error.within(location))?;
        if schema.get("$ref").is_some() {
            return Ok(nullable_if(
                self.flatten(&schema, name, location, origin)?,
                nullable,
            ));
        }
        let (name, origin) = match schema.get("x-name").and_then(Value::as_str) {
            Some(given) => (given.to_owned(), Origin::Explicit),
            None => (rust_names::type_name(name), origin),
        };
        let kind = self
            .classify(&schema)
            .map_err(|error| error.within(location))?;
        let flat = match kind {
            SchemaKind::Plain => {
                return Ok(nullable_if(
                    self.flatten_plain(&schema, &name, location)?,
                    nullable,
                ));
            }
            kind => self.flatten_kind(kind, &schema, &name, location)?,
        };
        let name = self.names.register(&name, flat, location, origin)?;
        Ok(nullable_if(reference_to(&name), nullable))
    }

    fn flatten_kind(
        &mut self,
        kind: SchemaKind,
        schema: &Value,
        name: &str,
        location: &str,
    ) -> Result<Value> {
        match kind {
            SchemaKind::Struct => self.flatten_struct(schema, name, location),
            SchemaKind::Enum => Ok(string_enum(schema)),
            SchemaKind::Union(variants) => self.flatten_union(schema, &variants, name, location),
            SchemaKind::Tagged(tagged) => self.flatten_tagged(schema, &tagged, name, location),
            SchemaKind::Raw(variants) => self.flatten_raw(schema, &variants, name, location),
            SchemaKind::Plain => self.flatten_plain(schema, name, location),
        }
    }

    /// Flattens the target of a `$ref` once; a type without a name is inlined.
    fn flatten_component(&mut self, schema: &Value, reference: &str) -> Result<Value> {
        let target = document::resolve(self.document, schema)?;
        let own_name = component_name(reference);
        let (target, nullable) = self
            .simplify(target, 0)
            .map_err(|error| error.within(reference))?;
        let flat = if target.get("$ref").is_some() {
            self.flatten_unnamed(reference, |flattener| {
                flattener.flatten_inline(&target, &own_name, reference)
            })
        } else {
            let name = target["x-name"]
                .as_str()
                .map_or_else(|| rust_names::type_name(&own_name), str::to_owned);
            match self
                .classify(&target)
                .map_err(|error| error.within(reference))?
            {
                SchemaKind::Plain => self.flatten_unnamed(reference, |flattener| {
                    flattener.flatten_plain(&target, &name, reference)
                }),
                kind => self.flatten_named_component(kind, &target, &name, reference),
            }
        };
        Ok(nullable_if(flat?, nullable))
    }

    /// Inlines the target of a reference. Items or values that are the target itself are any JSON
    /// value, because a type without a name cannot contain itself.
    fn flatten_unnamed(
        &mut self,
        reference: &str,
        flatten: impl FnOnce(&mut Self) -> Result<Value>,
    ) -> Result<Value> {
        let outer = self
            .active
            .iter()
            .rposition(|active| active.reference == reference);
        let cycle = outer.map_or(&[][..], |outer| &self.active[outer..]);
        if !cycle.is_empty() && !cycle.iter().any(|active| active.is_named) {
            return match cycle.iter().any(|active| active.in_items) {
                true => Ok(json!({})),
                false => Err(Error::new(
                    reference,
                    "the schema is only a reference to itself",
                )),
            };
        }
        self.with_active(reference, false, flatten)
    }

    /// Flattens the target of a reference under its name.
    fn flatten_named_component(
        &mut self,
        kind: SchemaKind,
        target: &Value,
        name: &str,
        reference: &str,
    ) -> Result<Value> {
        let is_active = |active: &ActiveReference| active.reference == reference;
        match self.names.is_named(name, reference) {
            Some(true) => {}
            // The comparison with the schema of the same name may come to a reference again.
            Some(false) if self.active.iter().any(is_active) => {}
            Some(false) => {
                let flat = self.with_active(reference, true, |flattener| {
                    flattener.flatten_kind(kind, target, name, reference)
                })?;
                self.names.share(name, &flat, reference)?;
            }
            None => {
                self.names.reserve(name, reference)?;
                let flat = self.with_active(reference, true, |flattener| {
                    flattener.flatten_kind(kind, target, name, reference)
                })?;
                self.names.define(name, flat);
            }
        }
        Ok(reference_to(name))
    }

    fn with_active<T>(
        &mut self,
        reference: &str,
        is_named: bool,
        flatten: impl FnOnce(&mut Self) -> T,
    ) -> T {
        self.active.push(ActiveReference {
            reference: reference.to_owned(),
            is_named,
            in_items: false,
        });
        let result = flatten(self);
        self.active.pop();
        result
    }

    /// Merges `allOf`, unwraps unions of one variant and removes `null` from unions. Returns
    /// whether `null` is allowed.
    fn simplify(&self, schema: &Value, depth: usize) -> Result<(Value, bool)> {
        self.expanded.set(self.expanded.get() + 1);
        if depth > 32 {
            return Err(Error::new("allOf", "nested more than 32 levels deep"));
        }
        if self.expanded.get() > MAX_EXPANDED_SCHEMAS {
            return Err(Error::new(
                "allOf",
                format!("expands to more than {MAX_EXPANDED_SCHEMAS} schemas"),
            ));
        }
        let nullable = schema["nullable"] == true;
        if let Some(parts) = schema["allOf"].as_array() {
            let (merged, inner) = self.merge_all_of(schema, parts, depth)?;
            return Ok((merged, nullable || inner));
        }
        for keyword in ["oneOf", "anyOf"] {
            let Some(variants) = schema[keyword].as_array() else {
                continue;
            };
            if variants.iter().all(is_required_only) {
                continue;
            }
            let (variants, null): (Vec<_>, Vec<_>) =
                variants.iter().partition(|variant| !is_null(variant));
            if let [only] = variants.as_slice() {
                let (only, inner) = self.simplify(only, depth + 1)?;
                return Ok((only, nullable || inner || !null.is_empty()));
            }
            return Ok((schema.clone(), nullable || !null.is_empty()));
        }
        Ok((schema.clone(), nullable))
    }

    /// Merges `allOf`: a single reference is kept, objects become one object with all fields.
    fn merge_all_of(&self, schema: &Value, parts: &[Value], depth: usize) -> Result<(Value, bool)> {
        if let [only] = parts
            && !self.constrains_beside(schema, only, depth)?
        {
            return if only.get("$ref").is_some() {
                Ok((only.clone(), false))
            } else {
                self.simplify(only, depth + 1)
            };
        }
        let mut own = schema.clone();
        if let Some(own) = own.as_object_mut() {
            own.remove("allOf");
        }
        let mut merged = AllOf::default();
        for part in parts.iter().chain([&own]) {
            let (simple, nullable) =
                self.simplify(document::resolve(self.document, part)?, depth + 1)?;
            let resolved = self.resolve_at(&simple, depth + 1)?;
            merged.add(part, &resolved, nullable);
        }
        let (merged, nullable) = merged.finish(schema)?;
        if ["allOf", "oneOf", "anyOf"]
            .iter()
            .all(|key| merged.get(*key).is_none())
        {
            return Ok((merged, nullable));
        }
        let (simple, inner) = self.simplify(&merged, depth + 1)?;
        Ok((simple, nullable || inner))
    }

    /// Returns whether a schema constrains the value more than the only part of its `allOf`.
    fn constrains_beside(&self, schema: &Value, only: &Value, depth: usize) -> Result<bool> {
        let has_own_fields = schema["properties"]
            .as_object()
            .is_some_and(|own| !own.is_empty());
        let kind = schema["type"].as_str().filter(|kind| *kind != "object");
        if has_own_fields || kind.is_none() {
            return Ok(has_own_fields);
        }
        let part = self.resolve_at(only, depth + 1)?;
        let is_union = ["oneOf", "anyOf"]
            .iter()
            .any(|key| part.get(*key).is_some());
        Ok(!is_union && json_kind(&part) != json_kind(schema))
    }

    fn classify(&self, schema: &Value) -> Result<SchemaKind> {
        let variants = schema["oneOf"].as_array().or(schema["anyOf"].as_array());
        if let Some(variants) = variants.filter(|variants| !variants.iter().all(is_required_only)) {
            return self.classify_union(schema, variants);
        }
        if schema["properties"]
            .as_object()
            .is_some_and(|fields| !fields.is_empty())
        {
            check_type(schema, "object", "properties")?;
            return Ok(SchemaKind::Struct);
        }
        let strings = schema["enum"].as_array().map_or(0, |values| {
            values.iter().filter(|value| value.is_string()).count()
        });
        if strings > 1 {
            check_type(schema, "string", "an enum of strings")?;
            return Ok(SchemaKind::Enum);
        }
        Ok(SchemaKind::Plain)
    }

    /// Classifies a union by the JSON kinds of its variants or by a discriminator. Other unions are
    /// raw JSON with views.
    fn classify_union(&self, schema: &Value, variants: &[Value]) -> Result<SchemaKind> {
        let kept: Vec<Value> = variants
            .iter()
            .filter(|variant| !is_null(variant))
            .cloned()
            .collect();
        let resolved = kept
            .iter()
            .map(|variant| self.resolve(variant))
            .collect::<Result<Vec<_>>>()?;
        let kinds: Vec<_> = resolved.iter().map(json_kind).collect();
        if kinds.iter().all(|kind| *kind == Some("string")) {
            return Ok(SchemaKind::Plain);
        }
        let mut distinct = kinds.clone();
        distinct.sort_unstable();
        distinct.dedup();
        if kinds.iter().all(Option::is_some) && distinct.len() == kinds.len() {
            return Ok(SchemaKind::Union(kept));
        }
        if let Some(tagged) = self.find_tag(schema, &kept, &resolved)? {
            return Ok(SchemaKind::Tagged(tagged));
        }
        let expanded = self.expand_unions(&kept, 0)?;
        let resolved = expanded
            .iter()
            .map(|variant| self.resolve(variant))
            .collect::<Result<Vec<_>>>()?;
        let tagged = self.find_tag(schema, &expanded, &resolved)?;
        Ok(tagged.map_or(SchemaKind::Raw(kept), SchemaKind::Tagged))
    }

    /// Replaces nested unions with their variants.
    fn expand_unions(&self, variants: &[Value], depth: usize) -> Result<Vec<Value>> {
        if depth > 32 {
            return Err(Error::new("union", "nested more than 32 levels deep"));
        }
        let mut expanded = Vec::new();
        for variant in variants {
            let resolved = self.resolve(variant)?;
            match resolved["oneOf"]
                .as_array()
                .or(resolved["anyOf"].as_array())
            {
                Some(inner) if !inner.iter().all(is_required_only) => {
                    expanded.extend(self.expand_unions(inner, depth + 1)?);
                }
                _ => expanded.push(variant.clone()),
            }
        }
        Ok(expanded)
    }

    /// Resolves references, `allOf` and unions of one variant.
    fn resolve(&self, schema: &Value) -> Result<Value> {
        self.resolve_at(schema, 0)
    }

    fn resolve_at(&self, schema: &Value, depth: usize) -> Result<Value> {
        let (simple, _) = self.simplify(document::resolve(self.document, schema)?, depth)?;
        match simple.get("$ref") {
            Some(_) => self.resolve_at(&simple, depth + 1),
            None => Ok(simple),
        }
    }

    /// Finds the discriminator: the declared one, or a field with a different constant in each
    /// variant.
    fn find_tag(
        &self,
        schema: &Value,
        variants: &[Value],
        resolved: &[Value],
    ) -> Result<Option<Tagged>> {
        let Some(first) = resolved
            .first()
            .and_then(|first| first["properties"].as_object())
        else {
            return Ok(None);
        };
        let declared = schema["discriminator"]["propertyName"].as_str();
        for field in declared.into_iter().chain(first.keys().map(String::as_str)) {
            let values = resolved
                .iter()
                .map(|variant| self.constant_value(variant, field))
                .collect::<Result<Option<Vec<_>>>>()?;
            let Some(values) = values else { continue };
            let mut distinct = values.clone();
            distinct.sort_unstable();
            distinct.dedup();
            if distinct.len() == values.len() {
                return Ok(Some(Tagged {
                    field: field.to_owned(),
                    variants: values.into_iter().zip(variants.iter().cloned()).collect(),
                }));
            }
        }
        Ok(None)
    }

    /// Returns the only value that a field of an object can have.
    fn constant_value(&self, schema: &Value, field: &str) -> Result<Option<String>> {
        let field = self.resolve(&schema["properties"][field])?;
        Ok(match field["enum"].as_array().map(Vec::as_slice) {
            Some([Value::String(value)]) => Some(value.clone()),
            _ => None,
        })
    }

    fn flatten_struct(&mut self, schema: &Value, name: &str, location: &str) -> Result<Value> {
        let mut properties = Map::new();
        let (mut clears, mut constants, mut read_only) = (Map::new(), Map::new(), Map::new());
        for (key, field) in schema["properties"].as_object().into_iter().flatten() {
            let inner = format!("{location}.{key}");
            let mut flat = self.flatten_inline(field, &format!("{name}-{key}"), &inner)?;
            copy_description(&mut flat, field);
            properties.insert(key.clone(), flat);
            if let Some(value) = self.constant_value(schema, key)? {
                constants.insert(key.clone(), value.into());
            }
            if let Some(clear) = field.get("x-clear") {
                clears.insert(key.clone(), clear.clone());
            }
            if field["readOnly"] == true {
                read_only.insert(key.clone(), json!(true));
            }
        }
        let mut flat = json!({"type": "object", "properties": properties});
        for (extension, fields) in [
            ("x-clear", clears),
            ("x-const", constants),
            ("x-read-only", read_only),
        ] {
            if !fields.is_empty() {
                flat[extension] = Value::Object(fields);
            }
        }
        for key in [
            "description",
            "required",
            "x-always",
            "x-deserialize",
            "x-also-in",
        ] {
            if let Some(value) = schema.get(key) {
                flat[key] = value.clone();
            }
        }
        match &schema["additionalProperties"] {
            Value::Bool(true) | Value::Object(_) => flat["additionalProperties"] = json!({}),
            _ => {}
        }
        Ok(flat)
    }

    fn flatten_union(
        &mut self,
        schema: &Value,
        variants: &[Value],
        name: &str,
        location: &str,
    ) -> Result<Value> {
        let variants = variants
            .iter()
            .map(|variant| {
                let (simple, _) = self.simplify(document::resolve(self.document, variant)?, 0)?;
                let suffix =
                    json_kind(document::resolve(self.document, &simple)?).unwrap_or("value");
                self.flatten_inline(
                    variant,
                    &format!("{name}-{suffix}"),
                    &format!("{location}<{suffix}>"),
                )
            })
            .collect::<Result<Vec<_>>>()?;
        let mut flat = json!({"oneOf": variants});
        copy_description(&mut flat, schema);
        Ok(flat)
    }

    /// Progenitor gets an object without fields; the generator writes the variants.
    fn flatten_tagged(
        &mut self,
        schema: &Value,
        tagged: &Tagged,
        name: &str,
        location: &str,
    ) -> Result<Value> {
        let variants = tagged
            .variants
            .iter()
            .map(|(value, variant)| {
                let flat = self.flatten_inline(
                    variant,
                    &format!("{name}-{value}"),
                    &format!("{location}<{value}>"),
                )?;
                Ok(json!({"value": value, "schema": flat}))
            })
            .collect::<Result<Vec<_>>>()?;
        let mut flat =
            json!({"type": "object", "x-tagged": {"member": tagged.field, "variants": variants}});
        copy_description(&mut flat, schema);
        Ok(flat)
    }

    /// Progenitor gets an object with a field for each variant, named after its type; the generator
    /// turns them into views.
    fn flatten_raw(
        &mut self,
        schema: &Value,
        variants: &[Value],
        name: &str,
        location: &str,
    ) -> Result<Value> {
        let mut views = Map::new();
        for variant in variants {
            let flat =
                self.flatten_inline(variant, &format!("{name}-object"), &format!("{location}<>"))?;
            let name = view_name(&flat);
            let mut unique = name.clone();
            let mut number = 1;
            while views.get(&unique).is_some_and(|other| *other != flat) {
                number += 1;
                unique = format!("{name}{number}");
            }
            views.insert(unique, flat);
        }
        let mut flat = json!({"type": "object", "properties": views, "x-raw": true});
        copy_description(&mut flat, schema);
        Ok(flat)
    }

    fn flatten_plain(&mut self, schema: &Value, name: &str, location: &str) -> Result<Value> {
        if let Some(active) = self.active.last_mut() {
            active.in_items = true;
        }
        let mut flat = match json_kind(schema) {
            Some("array") => {
                let items = self.flatten_inline(
                    &schema["items"],
                    &format!("{name}-item"),
                    &format!("{location}[]"),
                )?;
                json!({"type": "array", "items": items})
            }
            Some("object") => match &schema["additionalProperties"] {
                Value::Object(values) if !values.is_empty() => {
                    let values = Value::Object(values.clone());
                    let values = self.flatten_inline(
                        &values,
                        &format!("{name}-value"),
                        &format!("{location}{{}}"),
                    )?;
                    json!({"type": "object", "additionalProperties": values})
                }
                _ if schema["x-public"] == true => json!({"type": "object", "x-public": true}),
                _ => json!({"type": "object"}),
            },
            Some("string") => string_schema(schema),
            Some("number") => number_schema(schema),
            Some(kind) => json!({"type": kind}),
            None => json!({}),
        };
        copy_description(&mut flat, schema);
        Ok(flat)
    }
}

/// Checks that the type of a schema, if there is one, is the one that its other keywords imply.
fn check_type(schema: &Value, expected: &str, keywords: &str) -> Result<()> {
    match schema["type"].as_str() {
        Some(found) if found != expected => Err(Error::new(
            "type",
            format!("expected `{expected}` beside {keywords}, found `{found}`"),
        )),
        _ => Ok(()),
    }
}

/// Returns a string schema; only formats that affect the Rust type are kept.
fn string_schema(schema: &Value) -> Value {
    match schema["format"].as_str() {
        Some(format @ ("date-time" | "secret")) => json!({"type": "string", "format": format}),
        _ => json!({"type": "string"}),
    }
}

/// Returns a number schema. Formats that affect the Rust type are kept as `x-format`, because
/// progenitor does not know them.
fn number_schema(schema: &Value) -> Value {
    match schema["format"].as_str() {
        Some(format @ "flag") => json!({"type": "boolean", "x-format": format}),
        Some(format @ ("uint32" | "cents" | "dollars" | "unix-time")) => {
            json!({"type": schema["type"], "x-format": format})
        }
        _ => json!({"type": schema["type"]}),
    }
}

fn string_enum(schema: &Value) -> Value {
    let values: Vec<&Value> = schema["enum"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|value| value.is_string())
        .collect();
    let mut flat = json!({"type": "string", "enum": values});
    if let Some(aliases) = schema.get("x-aliases") {
        flat["x-aliases"] = aliases.clone();
    }
    copy_description(&mut flat, schema);
    flat
}

/// Returns the name of a component from its reference (`#/components/schemas/User`).
fn component_name(reference: &str) -> String {
    let last = reference.rsplit('/').next().unwrap_or(reference);
    last.replace("~1", "/").replace("~0", "~")
}

/// Returns whether a variant consists of `required` only.
fn is_required_only(variant: &Value) -> bool {
    variant
        .as_object()
        .is_some_and(|variant| variant.len() == 1 && variant.contains_key("required"))
}

/// Returns the name of the view of a variant: `text`, `integer_list`, `function_tool`.
fn view_name(flat: &Value) -> String {
    if let Some(reference) = flat["$ref"].as_str() {
        let name = reference.rsplit('/').next().unwrap_or(reference);
        return name.to_snake_case();
    }
    match flat["type"].as_str() {
        Some("string") => "text".to_owned(),
        Some("array") => format!("{}_list", view_name(&flat["items"])),
        Some(kind) => kind.to_owned(),
        None => "value".to_owned(),
    }
}

fn is_null(schema: &Value) -> bool {
    schema["type"] == "null"
        || schema["enum"]
            .as_array()
            .is_some_and(|values| !values.is_empty() && values.iter().all(Value::is_null))
}

fn reference_to(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

/// Makes a schema nullable. OpenAPI 3.0 ignores `nullable` beside `$ref`, so a reference is
/// wrapped.
fn nullable_if(schema: Value, nullable: bool) -> Value {
    if !nullable {
        return schema;
    }
    let mut schema = if schema.get("$ref").is_some() {
        json!({"allOf": [schema]})
    } else {
        schema
    };
    schema["nullable"] = json!(true);
    schema
}

fn copy_description(flat: &mut Value, source: &Value) {
    if let Some(description) = source.get("description").filter(|text| text.is_string()) {
        if flat.get("$ref").is_some() {
            *flat = json!({"allOf": [flat.clone()]});
        }
        flat["description"] = description.clone();
    }
}
