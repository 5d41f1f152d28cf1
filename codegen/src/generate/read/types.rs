//! Reads the types: the structs and enums of progenitor, with the extensions of their schemas.

use std::collections::BTreeMap;

use portkey_admin_constraints::Constraint;
use proc_macro2::Ident;
use quote::format_ident;
use serde_json::{Value, json};
use syn::{Attribute, Fields, Item, ItemEnum, ItemStruct};

use crate::{
    Error, Patched, Result,
    constraints::schema_constraints,
    generate::{
        docs,
        model::{
            ClearValue, Definition, Field, OpenEnum, RustType, StructType, TaggedVariant, Types,
            UnionKind, UnionType, UnionVariant,
        },
    },
    lower::{Direction, Lowered},
    modules::Modules,
    rust_names,
};

/// Reads the items of the module `types` of progenitor.
pub fn read(
    items: &[Item],
    selected: &Lowered,
    patched: &Patched,
    modules: &Modules,
) -> Result<Types> {
    let Lowered {
        document,
        directions,
        ..
    } = selected;
    let mut definitions = BTreeMap::new();
    for item in items {
        let (ident, attributes) = match item {
            Item::Struct(item) => (&item.ident, &item.attrs),
            Item::Enum(item) => (&item.ident, &item.attrs),
            _ => continue,
        };
        let name = ident.to_string();
        let Some(direction) = directions.get(&name).copied() else {
            return Err(Error::new(
                "progenitor",
                format!("generated the type `{name}`, which is not a schema"),
            ));
        };
        let mut docs = docs::or_default(attributes, &docs::sentence_case(&name));
        docs.extend(docs::usage(&name, modules));
        let schemas = &document["components"]["schemas"];
        let definition = match item {
            Item::Struct(item) => {
                let constraints = handwritten_constraints(&name, schemas, patched)?;
                read_struct(item, docs, schemas, direction, constraints)?
            }
            Item::Enum(item) if is_unit_only(item) => {
                Definition::Enum(read_enum(item, docs, &schemas[&name])?)
            }
            Item::Enum(item) => {
                let is_deserialized = schemas[&name]["x-deserialize"] == true;
                let variants = &schemas[&name]["oneOf"];
                let union = read_union(item, variants, docs, items, direction)?;
                Definition::Union(UnionType {
                    is_deserialized,
                    ..union
                })
            }
            _ => continue,
        };
        definitions.insert(name, definition);
    }
    match directions
        .keys()
        .find(|name| !definitions.contains_key(*name))
    {
        Some(name) => Err(Error::new(
            "progenitor",
            format!("generated no type for the schema `{name}`"),
        )),
        None => Ok(Types::new(definitions, modules.clone())),
    }
}

/// Returns the constraints on a type that handwritten code of an area uses.
fn handwritten_constraints(
    name: &str,
    schemas: &Value,
    patched: &Patched,
) -> Result<Vec<Constraint>> {
    if schemas[name].get("x-also-in").is_none() {
        return Ok(Vec::new());
    }
    let schema = json!({"$ref": format!("#/components/schemas/{name}")});
    schema_constraints(&patched.document, &schema)
        .map_err(|error| error.within(&format!("schema `{name}`")))
}

fn read_struct(
    item: &ItemStruct,
    docs: Vec<String>,
    schemas: &Value,
    direction: Direction,
    constraints: Vec<Constraint>,
) -> Result<Definition> {
    let name = item.ident.to_string();
    let schema = &schemas[&name];
    let kind = if let Some(tagged) = schema.get("x-tagged") {
        Some(read_tagged(tagged)?)
    } else if schema.get("x-raw").is_some() {
        Some(read_raw(item, &name, schemas))
    } else {
        None
    };
    let is_deserialized = schema["x-deserialize"] == true;
    if let Some(kind) = kind {
        return Ok(Definition::Union(UnionType {
            ident: item.ident.clone(),
            docs,
            direction,
            is_deserialized,
            kind,
        }));
    }
    let fields = item
        .fields
        .iter()
        .filter_map(|field| field.ident.clone().map(|ident| (ident, field)))
        .map(|(ident, field)| read_field(ident, field, schema))
        .collect::<Result<Vec<_>>>()?;
    check_field_names(&name, &fields)?;
    Ok(Definition::Struct(StructType {
        docs,
        direction,
        is_deserialized,
        constraints,
        ident: item.ident.clone(),
        fields,
    }))
}

fn read_field(ident: Ident, field: &syn::Field, schema: &Value) -> Result<Field> {
    let serde = SerdeAttributes::parse(&field.attrs);
    let wire = serde
        .rename
        .unwrap_or_else(|| ident.to_string().trim_start_matches("r#").to_owned());
    let property = &schema["properties"][&wire];
    let ty = RustType::new(&field.ty).with_format(property);
    Ok(Field {
        docs: docs::field(&field.attrs, &ty, property),
        ty,
        flatten: serde.flatten,
        clear: clear_value(schema, &wire)?,
        constant: schema["x-const"][&wire].as_str().map(str::to_owned),
        is_unix_time: property["x-format"] == "unix-time",
        ident,
        wire,
    })
}

/// Reads `x-clear` of a field.
fn clear_value(schema: &Value, wire: &str) -> Result<Option<ClearValue>> {
    match &schema["x-clear"][wire] {
        Value::Null => Ok(None),
        Value::String(text) if text == "null" => Ok(Some(ClearValue::Null)),
        Value::String(text) if text == "empty-string" => Ok(Some(ClearValue::EmptyString)),
        Value::String(text) if text == "empty-array" => Ok(Some(ClearValue::EmptyArray)),
        other => Err(Error::new(
            format!("x-clear of `{wire}`"),
            format!("expected \"null\", \"empty-string\" or \"empty-array\", found {other}"),
        )),
    }
}

/// Checks that no two wire names map to one Rust name and that none is named `extra`.
fn check_field_names(name: &str, fields: &[Field]) -> Result<()> {
    for (index, field) in fields.iter().enumerate() {
        if field.ident == "extra" && !field.flatten {
            return Err(Error::new(
                format!("type `{name}`"),
                "the field name `extra` is reserved for unknown fields",
            ));
        }
        if let Some(other) = fields[..index]
            .iter()
            .find(|other| other.ident == field.ident)
        {
            let problem = format!(
                "`{}` and `{}` both map to the Rust field `{}`",
                other.wire, field.wire, field.ident
            );
            return Err(Error::new(format!("type `{name}`"), problem));
        }
    }
    Ok(())
}

#[derive(Default)]
struct SerdeAttributes {
    rename: Option<String>,
    flatten: bool,
}

impl SerdeAttributes {
    fn parse(attributes: &[Attribute]) -> Self {
        let mut names = Self::default();
        for attribute in attributes
            .iter()
            .filter(|attribute| attribute.path().is_ident("serde"))
        {
            // The other attributes of progenitor are replaced.
            let _ = attribute.parse_nested_meta(|meta| {
                if meta.path.is_ident("flatten") {
                    names.flatten = true;
                } else if meta.path.is_ident("rename") {
                    names.rename = Some(meta.value()?.parse::<syn::LitStr>()?.value());
                } else if meta.input.peek(syn::Token![=]) {
                    meta.value()?.parse::<syn::Lit>()?;
                }
                Ok(())
            });
        }
        names
    }
}

fn read_enum(item: &ItemEnum, docs: Vec<String>, schema: &Value) -> Result<OpenEnum> {
    let variants: Vec<(Ident, String)> = item
        .variants
        .iter()
        .map(|variant| {
            let text = SerdeAttributes::parse(&variant.attrs)
                .rename
                .unwrap_or_else(|| variant.ident.to_string());
            (variant.ident.clone(), text)
        })
        .collect();
    Ok(OpenEnum {
        ident: item.ident.clone(),
        docs,
        aliases: read_aliases(schema, &variants)
            .map_err(|error| error.within(&item.ident.to_string()))?,
        variants,
    })
}

/// Reads the aliases of an enum, which must be new names of its values.
fn read_aliases(schema: &Value, variants: &[(Ident, String)]) -> Result<BTreeMap<String, String>> {
    let is_value = |text: &str| variants.iter().any(|(_, value)| value == text);
    let aliases = schema["x-aliases"].as_object().into_iter().flatten();
    aliases
        .map(|(alias, value)| match value.as_str() {
            Some(value) if is_value(value) && !is_value(alias) => {
                Ok((alias.clone(), value.to_owned()))
            }
            _ => Err(Error::new(
                "x-aliases",
                format!("expected a new name of one of the values, found `{alias}: {value}`"),
            )),
        })
        .collect()
}

/// Reads a union that has a variant for each kind of JSON value, in the order of its schemas.
///
/// # Errors
///
/// Fails if a request would contain a secret, which a union serializes redacted.
fn read_union(
    item: &ItemEnum,
    schemas: &Value,
    docs: Vec<String>,
    items: &[Item],
    direction: Direction,
) -> Result<UnionType> {
    let mut variants = Vec::new();
    for (index, variant) in item.variants.iter().enumerate() {
        let Some(field) = variant.fields.iter().next() else {
            continue;
        };
        let ty = RustType::new(&field.ty).with_format(&schemas[index]);
        if matches!(ty, RustType::Secret) && direction != Direction::Response {
            let problem = "a union of a request cannot contain a secret";
            return Err(Error::new(item.ident.to_string(), problem));
        }
        variants.push(union_variant(ty, items, direction));
    }
    Ok(UnionType {
        ident: item.ident.clone(),
        docs,
        direction,
        is_deserialized: false,
        kind: UnionKind::JsonKind(variants),
    })
}

fn union_variant(ty: RustType, items: &[Item], direction: Direction) -> UnionVariant {
    let json = match &ty {
        RustType::Named(name) if is_open_enum(name, items) => "String",
        _ => ty.json_kind(),
    };
    let (name, doc) = match json {
        "String" => ("Text", " A string."),
        "Number" => ("Number", " A number."),
        "Bool" => ("Bool", " A boolean."),
        "Array" => ("List", " A list."),
        _ => ("Object", " An object."),
    };
    UnionVariant {
        ident: format_ident!("{name}"),
        json: format_ident!("{json}"),
        doc,
        ty: match ty {
            // A bare list has no `extra` for mismatched items.
            RustType::List(item) if direction == Direction::Response => RustType::LenientList(item),
            ty => ty,
        },
    }
}

fn is_open_enum(name: &str, items: &[Item]) -> bool {
    items
        .iter()
        .any(|item| matches!(item, Item::Enum(item) if item.ident == name && is_unit_only(item)))
}

fn is_unit_only(item: &ItemEnum) -> bool {
    item.variants
        .iter()
        .all(|variant| matches!(variant.fields, Fields::Unit))
}

/// Reads the variants of a schema with `x-tagged`.
fn read_tagged(schema: &Value) -> Result<UnionKind> {
    let variants = schema["variants"]
        .as_array()
        .into_iter()
        .flatten()
        .map(tagged_variant)
        .collect::<Result<_>>()?;
    Ok(UnionKind::Tagged {
        member: schema["member"].as_str().unwrap_or_default().to_owned(),
        variants,
    })
}

fn tagged_variant(variant: &Value) -> Result<TaggedVariant> {
    let value = variant["value"].as_str().unwrap_or_default().to_owned();
    let problem = |problem: &str| Error::new(format!("variant `{value}`"), problem);
    let ty = variant["schema"]["$ref"]
        .as_str()
        .and_then(|text| text.rsplit('/').next())
        .ok_or_else(|| problem("expected a named schema"))?;
    let ident = syn::parse_str(&rust_names::tagged_variant(&value))
        .map_err(|_| problem("cannot be converted to a Rust identifier"))?;
    Ok(TaggedVariant {
        ident,
        ty: RustType::Named(ty.to_owned()),
        value,
    })
}

/// Reads the views of a schema with `x-raw`, which are the fields of a struct.
fn read_raw(item: &ItemStruct, name: &str, schemas: &Value) -> UnionKind {
    let views = item
        .fields
        .iter()
        .filter_map(|field| Some((field.ident.clone()?, view_type(RustType::new(&field.ty)))))
        .collect();
    let response = name.strip_suffix("Input");
    let response = response.filter(|response| schemas[response].get("x-raw").is_some());
    UnionKind::Raw {
        views,
        response: response.map(str::to_owned),
    }
}

/// Returns the type of a view without the `Option` and the `Box` that progenitor adds.
fn view_type(ty: RustType) -> RustType {
    match ty.without_option() {
        RustType::Box(inner) => inner.as_ref().clone(),
        ty => ty.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alias_is_a_new_name_of_a_value() {
        let variants = ["admin", "member"].map(|value| (format_ident!("V"), value.to_owned()));
        let read = |aliases: Value| read_aliases(&json!({"x-aliases": aliases}), &variants);
        let aliases = read(json!({"ws-admin": "admin"})).unwrap_or_default();
        assert_eq!(aliases.get("ws-admin").map(String::as_str), Some("admin"));
        for wrong in [
            json!({"ws-boss": "boss"}),
            json!({"member": "admin"}),
            json!({"ws-admin": 1}),
        ] {
            let error = read(wrong.clone()).err().map(|error| error.to_string());
            let is_expected = |error: &String| error.contains("expected a new name");
            assert!(
                error.as_ref().is_some_and(is_expected),
                "{wrong}: {error:?}"
            );
        }
    }
}
