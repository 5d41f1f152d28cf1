//! Flattens schemas: structs, enums and unions become named components, everything else stays
//! inline.

use heck::ToSnakeCase;
use serde_json::{Map, Value, json};

use super::names::{Origin, TypeNames};
use crate::{Error, Result, document};

/// Flattens the schemas of one operation into [`TypeNames`].
pub struct Flattener<'a> {
    document: &'a Value,
    names: &'a mut TypeNames,
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
        Self { document, names }
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
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            return self.flatten_component(schema, reference);
        }
        let (schema, nullable) = self.simplify(schema, 0)?;
        if schema.get("$ref").is_some() {
            return Ok(nullable_if(
                self.flatten(&schema, name, location, origin)?,
                nullable,
            ));
        }
        let (name, origin) = match schema.get("x-name").and_then(Value::as_str) {
            Some(given) => (given.to_owned(), Origin::Explicit),
            None => (TypeNames::rust_name(name), origin),
        };
        let flat = match self.classify(&schema)? {
            SchemaKind::Plain => {
                return Ok(nullable_if(
                    self.flatten_plain(&schema, &name, location)?,
                    nullable,
                ));
            }
            SchemaKind::Struct => self.flatten_struct(&schema, &name, location)?,
            SchemaKind::Enum => string_enum(&schema),
            SchemaKind::Union(variants) => {
                self.flatten_union(&schema, &variants, &name, location)?
            }
            SchemaKind::Tagged(tagged) => self.flatten_tagged(&schema, &tagged, &name, location)?,
            SchemaKind::Raw(variants) => self.flatten_raw(&schema, &variants, &name, location)?,
        };
        let name = self.names.register(&name, flat, location, origin)?;
        Ok(nullable_if(reference_to(&name), nullable))
    }

    /// Flattens the target of a `$ref` once; a type without a name is inlined.
    fn flatten_component(&mut self, schema: &Value, reference: &str) -> Result<Value> {
        let target = document::resolve(self.document, schema)?;
        let own_name = reference.rsplit('/').next().unwrap_or(reference);
        let (target, nullable) = self.simplify(target, 0)?;
        if target.get("$ref").is_some() {
            return Ok(nullable_if(
                self.flatten_inline(&target, own_name, reference)?,
                nullable,
            ));
        }
        let name = target["x-name"]
            .as_str()
            .map_or_else(|| TypeNames::rust_name(own_name), str::to_owned);
        let kind = self.classify(&target)?;
        if matches!(kind, SchemaKind::Plain) {
            return Ok(nullable_if(
                self.flatten_plain(&target, &name, reference)?,
                nullable,
            ));
        }
        if !self.names.contains(&name) {
            self.names.reserve(&name, reference);
            let flat = match kind {
                SchemaKind::Struct => self.flatten_struct(&target, &name, reference)?,
                SchemaKind::Enum => string_enum(&target),
                SchemaKind::Union(variants) => {
                    self.flatten_union(&target, &variants, &name, reference)?
                }
                SchemaKind::Tagged(tagged) => {
                    self.flatten_tagged(&target, &tagged, &name, reference)?
                }
                SchemaKind::Raw(variants) => {
                    self.flatten_raw(&target, &variants, &name, reference)?
                }
                SchemaKind::Plain => Value::Null,
            };
            self.names.define(&name, flat);
        }
        Ok(nullable_if(reference_to(&name), nullable))
    }

    /// Merges `allOf`, unwraps unions of one variant and removes `null` from unions. Returns
    /// whether `null` is allowed.
    fn simplify(&self, schema: &Value, depth: usize) -> Result<(Value, bool)> {
        if depth > 32 {
            return Err(Error::new("allOf", "nested more than 32 levels deep"));
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
        let has_own_fields = schema["properties"]
            .as_object()
            .is_some_and(|own| !own.is_empty());
        if let ([only], false) = (parts, has_own_fields) {
            return if only.get("$ref").is_some() {
                Ok((only.clone(), false))
            } else {
                self.simplify(only, depth + 1)
            };
        }
        let mut merged = Map::from_iter([("type".to_owned(), json!("object"))]);
        let mut own = schema.clone();
        if let Some(own) = own.as_object_mut() {
            own.remove("allOf");
        }
        for part in parts.iter().chain([&own]) {
            let (part, _) = self.simplify(document::resolve(self.document, part)?, depth + 1)?;
            if part.get("oneOf").or(part.get("anyOf")).is_some() {
                // A union inside `allOf` has no Rust equivalent: allow additional fields.
                merged.insert("additionalProperties".into(), json!(true));
                continue;
            }
            merge_object(&mut merged, document::resolve(self.document, &part)?);
        }
        match schema.get("x-name") {
            Some(name) => merged.insert("x-name".into(), name.clone()),
            None => merged.remove("x-name"),
        };
        Ok((Value::Object(merged), false))
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
            return Ok(SchemaKind::Struct);
        }
        let strings = schema["enum"].as_array().map_or(0, |values| {
            values.iter().filter(|value| value.is_string()).count()
        });
        Ok(if strings > 1 {
            SchemaKind::Enum
        } else {
            SchemaKind::Plain
        })
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
        let (simple, _) = self.simplify(document::resolve(self.document, schema)?, 0)?;
        document::resolve(self.document, &simple).cloned()
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
        for key in ["description", "required", "x-always"] {
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
            views.insert(view_name(&flat), flat);
        }
        let mut flat = json!({"type": "object", "properties": views, "x-raw": true});
        copy_description(&mut flat, schema);
        Ok(flat)
    }

    fn flatten_plain(&mut self, schema: &Value, name: &str, location: &str) -> Result<Value> {
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
                _ => json!({"type": "object"}),
            },
            Some("string") => string_schema(schema),
            Some("number") => json!({"type": schema["type"]}),
            Some(kind) => json!({"type": kind}),
            None => json!({}),
        };
        copy_description(&mut flat, schema);
        Ok(flat)
    }
}

/// Returns a string schema; only formats that affect the Rust type are kept.
fn string_schema(schema: &Value) -> Value {
    match schema["format"].as_str() {
        Some(format @ ("date-time" | "secret")) => json!({"type": "string", "format": format}),
        _ => json!({"type": "string"}),
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
    copy_description(&mut flat, schema);
    flat
}

/// Returns the JSON kind of a schema, if it has only one.
fn json_kind(schema: &Value) -> Option<&'static str> {
    match schema["type"].as_str() {
        Some("string") => Some("string"),
        Some("integer" | "number") => Some("number"),
        Some("boolean") => Some("boolean"),
        Some("array") => Some("array"),
        Some("object") => Some("object"),
        _ if schema.get("properties").is_some() => Some("object"),
        _ if schema.get("items").is_some() => Some("array"),
        _ if is_string_union(schema) => Some("string"),
        _ => None,
    }
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

fn is_string_union(schema: &Value) -> bool {
    ["oneOf", "anyOf"].iter().any(|keyword| {
        schema[keyword]
            .as_array()
            .is_some_and(|variants| variants.iter().all(|variant| variant["type"] == "string"))
    })
}

fn is_null(schema: &Value) -> bool {
    schema["type"] == "null"
        || schema["enum"]
            .as_array()
            .is_some_and(|values| values.iter().all(Value::is_null))
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

fn merge_object(merged: &mut Map<String, Value>, part: &Value) {
    for (key, value) in part.as_object().into_iter().flatten() {
        match (merged.get_mut(key), value) {
            (Some(Value::Object(own)), Value::Object(more)) if key == "properties" => {
                own.extend(more.iter().map(|(key, value)| (key.clone(), value.clone())));
            }
            (Some(Value::Array(own)), Value::Array(more))
                if key == "required" || key == "x-always" =>
            {
                let new: Vec<Value> = more
                    .iter()
                    .filter(|item| !own.contains(item))
                    .cloned()
                    .collect();
                own.extend(new);
            }
            (_, value) if key != "type" && key != "nullable" => {
                merged.insert(key.clone(), value.clone());
            }
            _ => {}
        }
    }
}
