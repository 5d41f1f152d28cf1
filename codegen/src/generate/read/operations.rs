//! Reads the operations: the builders of progenitor, with their entries in the manifest.

use std::collections::BTreeMap;

use heck::ToUpperCamelCase;
use proc_macro2::Ident;
use quote::format_ident;
use serde_json::Value;
use syn::{Fields, GenericArgument, ImplItem, Item, ItemStruct, PathArguments, ReturnType, Type};

use super::{example, lists};
use crate::{
    Error, Patched, Result,
    constraints::constraints,
    error::Problems,
    generate::{
        docs,
        model::{ListResponse, Operation, Parameter, ParameterGroup, RustType, Types},
    },
    lower::{EVENT_KEY, PARAMETER_GROUP_KEY, parameter_group_description},
    manifest::{self, Entry},
    modules::module_of,
    rust_names,
};

/// The operations, in the order of the manifest, and the list responses by the name of the type.
type Operations<'a> = (Vec<Operation<'a>>, BTreeMap<String, ListResponse>);

/// Reads every operation of the selected document from the builders of progenitor.
pub fn read<'a>(
    builders: &[Item],
    document: &'a Value,
    patched: &'a Patched,
    types: &Types,
) -> Result<Operations<'a>> {
    let mut operations = Vec::new();
    let mut lists = BTreeMap::new();
    let mut problems = Problems::default();
    for (key, entry) in patched.manifest.iter() {
        let Some((method, path)) = manifest::split_key(key) else {
            continue;
        };
        // The selection may have left the operation out.
        let Some((method, path, source)) = find_operation(document, method, path) else {
            continue;
        };
        let operation = read_operation(builders, path, method, source, entry, &patched.document)
            .and_then(|operation| with_example(operation, source, types))
            .map_err(|error| error.within(key));
        let Some(operation) = problems.check(operation) else {
            continue;
        };
        let found = list_responses(&operation, types).map_err(|error| error.within(key));
        for (name, list) in problems.check(found).unwrap_or_default() {
            let added = add_list(&mut lists, name, list);
            problems.check(added.map_err(|error| error.within(key)));
        }
        operations.push(operation);
    }
    problems.finish((operations, lists))
}

/// Returns the method, the path and the operation of the selected document.
fn find_operation<'a>(
    document: &'a Value,
    method: &str,
    path: &str,
) -> Option<(&'a str, &'a str, &'a Value)> {
    let (path, item) = document["paths"].as_object()?.get_key_value(path)?;
    let (method, operation) = item
        .as_object()?
        .get_key_value(&method.to_ascii_lowercase())?;
    Some((method, path, operation))
}

/// Returns the list responses of an operation.
fn list_responses(operation: &Operation<'_>, types: &Types) -> Result<Vec<(String, ListResponse)>> {
    match (&operation.entry.paging, &operation.response) {
        (None, _) => Ok(Vec::new()),
        (Some(paging), Some(RustType::Named(name))) => lists::read(name, paging, types),
        _ => Err(Error::new(
            "response",
            "expected a named type for the response of a list",
        )),
    }
}

/// Adds a list response. Operations with the same response type must agree on it.
fn add_list(
    lists: &mut BTreeMap<String, ListResponse>,
    name: String,
    list: ListResponse,
) -> Result<()> {
    if lists.get(&name).is_some_and(|other| *other != list) {
        return Err(Error::new(
            format!("list `{name}`"),
            "two operations paginate it differently",
        ));
    }
    lists.insert(name, list);
    Ok(())
}

fn read_operation<'a>(
    items: &[Item],
    path: &'a str,
    method: &'a str,
    operation: &Value,
    entry: &'a Entry,
    patched: &Value,
) -> Result<Operation<'a>> {
    let name = entry.id.to_upper_camel_case();
    let builder = builder_struct(items, &name)?;
    let (mut arguments, mut parameters) = (Vec::new(), Vec::new());
    let mut groups: Vec<ParameterGroup> = Vec::new();
    for source in operation["parameters"].as_array().into_iter().flatten() {
        let parameter = read_parameter(builder, source)?;
        match source[PARAMETER_GROUP_KEY].as_str() {
            Some(group) => group_of(&mut groups, group, patched).push(parameter),
            None if source["in"] == "path" => arguments.push(parameter),
            None => parameters.push(parameter),
        }
    }
    arguments.sort_by_key(|argument| path.find(&format!("{{{}}}", argument.wire)));
    let body = operation.get("requestBody").map(|body| {
        field_type(builder, "body").map(|ty| (RustType::new(ty), body["required"] == true))
    });
    let read_operation = entry
        .reads
        .as_deref()
        .map(|id| Ok((id, response_type(items, &id.to_upper_camel_case())?)));
    Ok(Operation {
        read_operation: read_operation.transpose()?,
        constraints: constraints(patched, method, path, entry)?,
        event: event_type(operation),
        module: module_of(entry, path),
        entry,
        key: manifest::key(method, path),
        method,
        path,
        deprecated: operation["deprecated"] == true,
        arguments,
        parameters,
        groups,
        body: body.transpose()?,
        response: response_type(items, &name)?,
        example: Vec::new(),
    })
}

/// Returns the parameters of a group, which is added if it is new.
fn group_of<'a>(
    groups: &'a mut Vec<ParameterGroup>,
    name: &str,
    patched: &Value,
) -> &'a mut Vec<Parameter> {
    let known = groups.iter().position(|group| group.name == name);
    let index = known.unwrap_or_else(|| {
        groups.push(ParameterGroup {
            name: name.to_owned(),
            docs: format!(" {}", parameter_group_description(patched, name)),
            parameters: Vec::new(),
        });
        groups.len() - 1
    });
    &mut groups[index].parameters
}

/// Adds the example. That of a handwritten operation is in the `src/` of the client.
fn with_example<'a>(
    mut operation: Operation<'a>,
    source: &Value,
    types: &Types,
) -> Result<Operation<'a>> {
    if operation.entry.handwritten.is_none() {
        operation.example = example::read(&operation, &source["x-example"], types)?;
    }
    Ok(operation)
}

fn read_parameter(builder: &ItemStruct, parameter: &Value) -> Result<Parameter> {
    let wire = parameter["name"].as_str().unwrap_or_default().to_owned();
    let ident = format_ident!("{}", rust_names::parameter(&wire));
    let ty = RustType::new(field_type(builder, &ident.to_string())?);
    let ty = ty.with_format(&parameter["schema"]);
    Ok(Parameter {
        ident: short_ident(&ident),
        ty: ty.without_option().clone(),
        required: parameter["required"] == true,
        header: parameter["in"] == "header",
        comma_separated: parameter["explode"] == false,
        docs: match parameter["description"].as_str() {
            Some(text) => format!(" {text}"),
            None => format!(" {}", docs::description(&ty, &parameter["schema"])),
        },
        wire,
    })
}

/// Returns the name of a setter without the prefix that all headers of Portkey have.
fn short_ident(ident: &Ident) -> Ident {
    match ident.to_string().strip_prefix("x_portkey_") {
        Some(name) => format_ident!("{name}"),
        None => ident.clone(),
    }
}

fn builder_struct<'a>(items: &'a [Item], name: &str) -> Result<&'a ItemStruct> {
    items
        .iter()
        .find_map(|item| match item {
            Item::Struct(item) if item.ident == name => Some(item),
            _ => None,
        })
        .ok_or_else(|| Error::new("progenitor", format!("generated no builder `{name}`")))
}

/// Returns the type of a builder field without the enclosing `Result` and `Option`.
fn field_type<'a>(builder: &'a ItemStruct, name: &str) -> Result<&'a Type> {
    let Fields::Named(fields) = &builder.fields else {
        return Err(Error::new(
            "progenitor",
            format!("builder `{}` has no fields", builder.ident),
        ));
    };
    let field = fields
        .named
        .iter()
        .find(|field| field.ident.as_ref().is_some_and(|ident| ident == name))
        .ok_or_else(|| {
            Error::new(
                "progenitor",
                format!("builder `{}` has no field `{name}`", builder.ident),
            )
        })?;
    Ok(strip_wrapper(strip_wrapper(&field.ty, "Result"), "Option"))
}

/// Returns `T` of `Outer<T, …>`; any other type is returned unchanged.
fn strip_wrapper<'a>(ty: &'a Type, outer: &str) -> &'a Type {
    let Type::Path(path) = ty else {
        return ty;
    };
    match path.path.segments.last() {
        Some(last) if last.ident == outer => match &last.arguments {
            PathArguments::AngleBracketed(list) => match list.args.first() {
                Some(GenericArgument::Type(inner)) => inner,
                _ => ty,
            },
            _ => ty,
        },
        _ => ty,
    }
}

/// Returns `T` of `send(self) -> Result<ResponseValue<T>, …>`, or `None` if it is `()`.
fn response_type(items: &[Item], name: &str) -> Result<Option<RustType>> {
    let send = items.iter().find_map(|item| match item {
        Item::Impl(item) if is_named(&item.self_ty, name) => {
            item.items.iter().find_map(|item| match item {
                ImplItem::Fn(function) if function.sig.ident == "send" => {
                    Some(&function.sig.output)
                }
                _ => None,
            })
        }
        _ => None,
    });
    match send {
        Some(ReturnType::Type(_, ty)) => {
            let response = strip_wrapper(strip_wrapper(ty, "Result"), "ResponseValue");
            Ok(match response {
                Type::Tuple(_) => None,
                other => Some(match RustType::new(other) {
                    // A response that is a map has no `extra` for mismatched entries.
                    RustType::Map(item) => RustType::LenientMap(item),
                    ty => ty,
                }),
            })
        }
        _ => Err(Error::new(
            "progenitor",
            format!("generated no `send` for `{name}`"),
        )),
    }
}

/// Returns the event type of a lowered operation.
fn event_type(operation: &Value) -> Option<String> {
    let reference = operation[EVENT_KEY]["$ref"].as_str()?;
    let name = reference.rsplit('/').next()?;
    Some(name.to_upper_camel_case())
}

fn is_named(ty: &Type, name: &str) -> bool {
    matches!(ty, Type::Path(path) if path.path.segments.last().is_some_and(|last| last.ident == name))
}
