//! The example in the rustdoc of an operation: the shortest call that compiles.

use super::{
    operations::Operation,
    rust_type::{RustType, TypeKind},
    types::{Field, RefinedType, Types},
};

/// Returns a doctest for the operation that sets every required value.
pub fn example(operation: &Operation<'_>, types: &Types) -> String {
    let arguments: Vec<String> = operation
        .arguments
        .iter()
        .map(|argument| match (&argument.ty.kind, &argument.sample) {
            (TypeKind::Named(name), Some(value)) => {
                types.sample_variant(name, Some(value)).map_or_else(
                    || format!("{value:?}"),
                    |variant| format!("{name}::{variant}"),
                )
            }
            _ => sample(&argument.ty, &argument.wire, types, 0),
        })
        .collect();
    let mut lines = vec![
        "# async fn example(client: &portkey_admin::Client) -> Result<(), portkey_admin::Error> {"
            .to_owned(),
        "let response = client".to_owned(),
        format!("    .{}({})", operation.entry.id, arguments.join(", ")),
    ];
    for parameter in operation
        .parameters
        .iter()
        .filter(|parameter| parameter.required)
    {
        lines.push(format!(
            "    .{}({})",
            parameter.ident,
            sample(&parameter.ty, &parameter.wire, types, 0)
        ));
    }
    if let Some((ty, _)) = &operation.body {
        lines.push(format!("    .body({})", sample(ty, "body", types, 0)));
    }
    lines.extend(
        [
            "    .send()",
            "    .await?;",
            "# let _ = response;",
            "# Ok(())",
            "# }",
        ]
        .map(str::to_owned),
    );
    let used = types
        .names()
        .filter(|name| lines.iter().any(|line| uses_type(line, name)))
        .collect::<Vec<_>>();
    let module = &operation.module;
    match used.as_slice() {
        [] => {}
        [name] => lines.insert(0, format!("use portkey_admin::{module}::{name};\n")),
        names => lines.insert(
            0,
            format!("use portkey_admin::{module}::{{{}}};\n", names.join(", ")),
        ),
    }
    lines.join("\n")
}

fn sample(ty: &RustType, wire: &str, types: &Types, depth: usize) -> String {
    match &ty.kind {
        TypeKind::String | TypeKind::Secret => format!("\"{wire}\""),
        TypeKind::Bool => "true".to_owned(),
        TypeKind::Integer => "1".to_owned(),
        TypeKind::Float => "1.0".to_owned(),
        TypeKind::DateTime => "std::time::SystemTime::now()".to_owned(),
        TypeKind::List(item) => format!("[{}]", sample(item, wire, types, depth)),
        TypeKind::Map(item) => format!("[(\"key\", {})]", sample(item, "value", types, depth)),
        TypeKind::JsonValue => "serde_json::json!({})".to_owned(),
        TypeKind::JsonObject => "[(\"key\", \"value\")]".to_owned(),
        TypeKind::Option(inner) | TypeKind::Box(inner) => sample(inner, wire, types, depth),
        TypeKind::Named(name) => sample_named(name, wire, types, depth),
        TypeKind::Other => "Default::default()".to_owned(),
    }
}

fn sample_named(name: &str, wire: &str, types: &Types, depth: usize) -> String {
    match types.get(name) {
        Some(RefinedType::Enum(_)) => match types.sample_variant(name, None) {
            Some(variant) => format!("{name}::{variant}"),
            None => format!("\"{wire}\""),
        },
        Some(RefinedType::Struct(structure)) if depth < 4 => {
            let setters: String = structure
                .fields
                .iter()
                .filter(|field| is_required(field))
                .map(|field| {
                    format!(
                        ".{}({})",
                        field.ident,
                        sample(&field.ty, &field.wire, types, depth + 1)
                    )
                })
                .collect();
            format!("{name}::builder(){setters}")
        }
        Some(RefinedType::Union(union)) => format!("{name}::{}", union.sample),
        _ => "serde_json::json!({})".to_owned(),
    }
}

/// Returns whether a line of the example names a type: `Name::`, not as part of a longer name.
fn uses_type(line: &str, name: &str) -> bool {
    let path = format!("{name}::");
    line.match_indices(&path).any(|(start, _)| {
        !line[..start].ends_with(|last: char| last.is_alphanumeric() || last == '_')
    })
}

fn is_required(field: &Field) -> bool {
    !field.ty.is_option() && !field.flatten && field.clear.is_none() && field.constant.is_none()
}
