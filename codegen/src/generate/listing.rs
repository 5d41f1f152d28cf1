//! Listing: the public items of the generated code, from the refined types and operations.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::TokenStream;

use super::{
    model::{
        Definition, Model, Operation, Parameter, ParameterGroup, RustType, StructType, Types,
        UnionKind, UnionType, maybe_setter_name, setter_name,
    },
    request_types::{builder_name, field_type},
    types::{Accessor, accessor, response_field_type},
};
use crate::{
    lower::Direction,
    modules::{Modules, SHARED, area_of},
};

/// Lists the public items: the signature of each by its path, which is relative to the crate.
pub fn list(model: &Model<'_>) -> BTreeMap<String, String> {
    let types = &model.types;
    let mut items = Items::default();
    let mut modules = BTreeSet::from([SHARED.to_owned()]);
    for operation in &model.operations {
        modules.insert(area_of(&operation.module).to_owned());
        modules.insert(operation.module.clone());
        list_operation(operation, types, &mut items);
    }
    for name in types.names() {
        modules.insert(types.modules().home(name).to_owned());
    }
    for module in &modules {
        let own = types
            .names()
            .filter(|name| types.modules().home(name) == module);
        for name in own.chain(types.modules().reexports(module)) {
            // The type of another area does not exist if that area is not generated.
            if let Some(ty) = types.get(name) {
                list_type(module, name, ty, types, &mut items);
            }
        }
        for (name, group) in model.groups() {
            let mut reexports = types.modules().reexports(module);
            if types.modules().home(name) == module || reexports.any(|other| other == name) {
                list_group(&format!("{module}::{name}"), group, types, &mut items);
            }
        }
        items.add(module.clone(), "mod");
    }
    items.0
}

#[derive(Default)]
struct Items(BTreeMap<String, String>);

impl Items {
    fn add(&mut self, path: String, signature: impl Into<String>) {
        self.0.insert(path, signature.into());
    }
}

fn list_type(module: &str, name: &str, ty: &Definition, types: &Types, items: &mut Items) {
    let path = format!("{module}::{name}");
    match ty {
        Definition::Struct(structure) if structure.direction == Direction::Request => {
            let builder = format!("{module}::{}", builder_name(&structure.ident));
            list_request(&path, &builder, structure, types.modules(), items);
        }
        Definition::Struct(structure) => {
            for field in &structure.fields {
                let ty = type_name(response_field_type(field).tokens(types.modules()));
                items.add(format!("{path}::{}", field.ident), format!("field: {ty}"));
                let returned = match accessor(field) {
                    Some(Accessor::Required) => "Result<&str>",
                    Some(Accessor::Time) => "Option<DateTime<Utc>>",
                    None => continue,
                };
                let signature = format!("fn(&self) -> {returned}");
                items.add(format!("{path}::{}()", field.ident), signature);
            }
            items.add(format!("{path}::extra"), "field: JsonObject");
            items.add(path, "struct");
        }
        Definition::Enum(open_enum) => {
            for (variant, _) in &open_enum.variants {
                items.add(format!("{path}::{variant}"), "variant");
            }
            let unknown = open_enum.unknown_variant();
            items.add(format!("{path}::{unknown}"), "variant(String)");
            items.add(path, "enum");
        }
        Definition::Union(union) => list_union(path, union, types.modules(), items),
    }
}

fn list_request(
    path: &str,
    builder: &str,
    structure: &StructType,
    modules: &Modules,
    items: &mut Items,
) {
    for field in &structure.fields {
        let name = &field.ident;
        let ty = type_name(field_type(field, modules));
        items.add(format!("{path}::{name}"), format!("field: {ty}"));
        if field.flatten {
            let setter = "fn(self, name: String, value: Value) -> Self";
            items.add(format!("{builder}::extra"), setter);
            continue;
        }
        let setter = field.setter();
        let ty = type_name(field.ty.without_option().tokens(modules));
        items.add(format!("{builder}::{setter}"), setter_signature(&ty));
        if field.ty.without_option().has_maybe_setter() {
            let maybe = format!("{builder}::{}", maybe_setter_name(name));
            items.add(maybe, setter_signature(&format!("Option<{ty}>")));
        }
        if field.clear.is_some() {
            let name = name.to_string();
            let clear = format!("{builder}::clear_{}", name.trim_end_matches('_'));
            items.add(clear, "fn(self) -> Self");
        }
    }
    items.add(path.to_owned(), "struct");
    items.add(builder.to_owned(), "builder");
}

fn list_union(path: String, union: &UnionType, modules: &Modules, items: &mut Items) {
    let text = |ty: &RustType| type_name(ty.tokens(modules));
    let mut variant = |name, ty| {
        items.add(format!("{path}::{name}"), format!("variant({})", text(ty)));
    };
    match &union.kind {
        UnionKind::JsonKind(variants) => {
            variants.iter().for_each(|v| variant(&v.ident, &v.ty));
        }
        UnionKind::Tagged { variants, .. } => {
            variants.iter().for_each(|v| variant(&v.ident, &v.ty));
        }
        UnionKind::Raw { views, .. } => {
            for (name, ty) in views {
                match union.direction {
                    Direction::Request => {
                        items.add(format!("{path}: From<{}>", text(ty)), "impl");
                    }
                    _ => {
                        let signature = format!("fn(&self) -> Result<{}>", text(ty));
                        items.add(format!("{path}::as_{name}"), signature);
                    }
                }
            }
            return items.add(path, "struct");
        }
    }
    items.add(path, "enum");
}

fn list_operation(operation: &Operation<'_>, types: &Types, items: &mut Items) {
    let modules = types.modules();
    let builder = format!("{}::{}", operation.module, operation.builder_name());
    items.add(
        format!("operations::{}", operation.static_name()),
        "static: Operation",
    );
    // The method of a handwritten operation is not generated, and its builder is a re-export.
    if operation.entry.handwritten.is_some() {
        items.add(builder, "builder");
        return;
    }
    let arguments: String = operation
        .arguments
        .iter()
        .map(|argument| {
            let ty = type_name(argument.ty.tokens(modules));
            format!(", {}: {ty}", argument.ident)
        })
        .collect();
    items.add(
        format!("Client::{}", operation.entry.id),
        format!("fn(&self{arguments}) -> {builder}"),
    );
    let taken = operation.builder_methods();
    for parameter in &operation.parameters {
        list_parameter(&builder, parameter, taken, modules, items);
    }
    for group in &operation.groups {
        let setter = format!("{builder}::{}", group.setter());
        items.add(setter, setter_signature(&group.name));
    }
    if let Some((ty, _)) = &operation.body {
        let ty = type_name(ty.tokens(modules));
        items.add(format!("{builder}::body"), setter_signature(&ty));
    }
    let response = response_name(operation.response.as_ref(), modules);
    items.add(
        format!("{builder}::send"),
        format!("async fn(self) -> Result<{response}>"),
    );
    if operation.entry.paging.is_some() {
        items.add(
            format!("{builder}::stream"),
            format!("fn(self) -> Items<{response}>"),
        );
    } else if let Some(event) = &operation.event {
        items.add(
            format!("{builder}::stream"),
            format!("fn(self) -> OpenStream<{event}>"),
        );
    }
    if let Some((_, response)) = &operation.read_operation {
        let response = response_name(response.as_ref(), modules);
        items.add(
            format!("{builder}::update_and_get"),
            format!("async fn(self) -> Result<{response}>"),
        );
    }
    items.add(builder, "builder");
}

fn list_group(path: &str, group: &ParameterGroup, types: &Types, items: &mut Items) {
    for parameter in &group.parameters {
        list_parameter(path, parameter, &["new"], types.modules(), items);
    }
    items.add(path.to_owned(), "struct");
}

/// Lists the setters of a parameter.
fn list_parameter(
    path: &str,
    parameter: &Parameter,
    taken: &[&str],
    modules: &Modules,
    items: &mut Items,
) {
    let setter = setter_name(&parameter.ident, taken);
    let ty = type_name(parameter.ty.tokens(modules));
    items.add(format!("{path}::{setter}"), setter_signature(&ty));
    if parameter.ty.has_maybe_setter() {
        let maybe = format!("{path}::{}", maybe_setter_name(&parameter.ident));
        items.add(maybe, setter_signature(&format!("Option<{ty}>")));
    }
}

/// Returns the signature of a setter. A setter also accepts what converts into the type.
fn setter_signature(ty: &str) -> String {
    format!("fn(self, value: {ty}) -> Self")
}

fn response_name(response: Option<&RustType>, modules: &Modules) -> String {
    response.map_or("()".to_owned(), |ty| type_name(ty.tokens(modules)))
}

/// Returns a type as text, without the modules: no two public types have the same name, and a type
/// may move to the module of the shared types.
fn type_name(tokens: TokenStream) -> String {
    let text = tokens.to_string().replace(' ', "");
    let mut name = String::with_capacity(text.len());
    for part in text.split_inclusive(|character: char| !is_part_of_path(character)) {
        let path = part.trim_end_matches(|character: char| !is_part_of_path(character));
        name.push_str(path.rsplit("::").next().unwrap_or(path));
        name.push_str(&part[path.len()..]);
    }
    name.replace(',', ", ")
}

fn is_part_of_path(character: char) -> bool {
    character.is_alphanumeric() || character == '_' || character == ':'
}
