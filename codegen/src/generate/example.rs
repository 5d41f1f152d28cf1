//! The example in an operation's rustdoc: the shortest call that compiles.

use super::{
    operations::Operation,
    rust_type::{RustType, Shape},
    types::{Field, Refined, Types},
};

/// A doctest for the operation, with everything that is required.
pub fn example(operation: &Operation<'_>, types: &Types) -> String {
    let arguments: Vec<String> = operation
        .arguments
        .iter()
        .map(|argument| match (&argument.kind.shape, &argument.sample) {
            (Shape::Named(name), Some(value)) => {
                types.sample_variant(name, Some(value)).map_or_else(
                    || format!("{value:?}"),
                    |variant| format!("{}::{variant}", path(name)),
                )
            }
            _ => sample(&argument.kind, &argument.wire, types, 0),
        })
        .collect();
    let mut lines = vec![
        "# async fn example(client: &portkey_admin::Client) -> Result<(), portkey_admin::Error> {"
            .to_owned(),
        "let answer = client".to_owned(),
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
            sample(&parameter.kind, &parameter.wire, types, 0)
        ));
    }
    if let Some((kind, _)) = &operation.body {
        lines.push(format!("    .body({})", sample(kind, "body", types, 0)));
    }
    lines.extend(
        [
            "    .send()",
            "    .await?;",
            "# let _ = answer;",
            "# Ok(())",
            "# }",
        ]
        .map(str::to_owned),
    );
    if lines.iter().any(|line| line.contains("types::")) {
        lines.insert(0, "use portkey_admin::types;\n".to_owned());
    }
    lines.join("\n")
}

fn sample(kind: &RustType, wire: &str, types: &Types, depth: usize) -> String {
    match &kind.shape {
        Shape::Text | Shape::Secret => format!("\"{wire}\""),
        Shape::Bool => "true".to_owned(),
        Shape::Integer => "1".to_owned(),
        Shape::Number => "1.0".to_owned(),
        Shape::Time => "std::time::SystemTime::now()".to_owned(),
        Shape::List(item) => format!("[{}]", sample(item, wire, types, depth)),
        Shape::Map(item) => format!("[(\"key\", {})]", sample(item, "value", types, depth)),
        Shape::Any => "serde_json::json!({})".to_owned(),
        Shape::Object => "[(\"key\", \"value\")]".to_owned(),
        Shape::Option(inner) | Shape::Boxed(inner) => sample(inner, wire, types, depth),
        Shape::Named(name) => named(name, wire, types, depth),
        Shape::Other => "Default::default()".to_owned(),
    }
}

fn named(name: &str, wire: &str, types: &Types, depth: usize) -> String {
    match types.get(name) {
        Some(Refined::Enum(_)) => match types.sample_variant(name, None) {
            Some(variant) => format!("{}::{variant}", path(name)),
            None => format!("\"{wire}\""),
        },
        Some(Refined::Struct(one)) if depth < 4 => {
            let members: String = one
                .fields
                .iter()
                .filter(|field| is_required(field))
                .map(|field| {
                    format!(
                        ".{}({})",
                        field.ident,
                        sample(&field.kind, &field.wire, types, depth + 1)
                    )
                })
                .collect();
            format!("{}::builder(){members}", path(name))
        }
        Some(Refined::Union(one)) => format!("{}::{}", path(name), one.sample),
        _ => "serde_json::json!({})".to_owned(),
    }
}

fn path(name: &str) -> String {
    format!("types::{name}")
}

fn is_required(field: &Field) -> bool {
    !field.kind.is_option() && !field.flatten && field.clear.is_none() && field.constant.is_none()
}
