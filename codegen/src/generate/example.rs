//! The example in the rustdoc of an operation: the shortest call that compiles.

use super::model::{Definition, Field, Operation, RustType, Types, UnionKind, UnionType};

/// Returns a doctest for the operation that sets every required value.
pub fn example(operation: &Operation<'_>, types: &Types) -> String {
    let arguments: Vec<String> = operation
        .arguments
        .iter()
        .map(|argument| match (&argument.ty, &argument.sample) {
            (RustType::Named(name), Some(value)) => {
                types.sample_variant(name, Some(value)).map_or_else(
                    || format!("{value:?}"),
                    |variant| format!("{name}::{variant}"),
                )
            }
            _ => sample(&argument.ty, &argument.wire, types, 0),
        })
        .collect();
    let mut call = format!("client.{}({})", operation.entry.id, arguments.join(", "));
    for parameter in operation
        .parameters
        .iter()
        .filter(|parameter| parameter.required)
    {
        let value = sample(&parameter.ty, &parameter.wire, types, 0);
        call += &format!(".{}({value})", parameter.ident);
    }
    if let Some((ty, _)) = &operation.body {
        call += &format!(".body({})", sample(ty, "body", types, 0));
    }
    let statement = format!("let response = {call}.send().await?;");
    let mut lines = vec![
        "# async fn example(client: &portkey_admin::Client) -> Result<(), portkey_admin::Error> {"
            .to_owned(),
    ];
    lines.extend(formatted(&statement));
    lines.extend(["# let _ = response;", "# Ok(())", "# }"].map(str::to_owned));
    let used: Vec<_> = types
        .names()
        .filter(|name| uses_type(&statement, name))
        .collect();
    if !used.is_empty() {
        let import = format!(
            "use portkey_admin::{}::{{{}}};",
            operation.module,
            used.join(", ")
        );
        let mut import = unparsed(&import).unwrap_or(vec![import]);
        import.push(String::new());
        lines.splice(0..0, import);
    }
    lines.join("\n")
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

/// Strings in examples by the end of the wire name; others are the name itself.
const SAMPLE_STRINGS: [(&str, &str); 24] = [
    ("scopes", "completions.write"),
    ("key", "team"),
    ("email", "new.user@example.com"),
    ("first_name", "Ada"),
    ("last_name", "Lovelace"),
    ("workspace_id", "research"),
    ("workspaceId", "research"),
    ("provider", "openai"),
    ("ai_provider_id", "openai"),
    ("virtual_key", "openai-production"),
    ("model", "gpt-4o"),
    ("url", "https://example.com"),
    ("uri", "https://example.com"),
    ("host", "https://example.com"),
    ("description", "Used by the nightly jobs"),
    ("content", "Hello!"),
    ("prompt", "Write a haiku about rivers."),
    ("string", "Answer in one sentence: {{question}}"),
    ("input", "Hello!"),
    ("slug", "production"),
    ("version", "3"),
    ("name", "production"),
    ("Id", "5f0c6c1e-7d2a-4f7e-9f64-0d5b8a1c2e3f"),
    ("id", "5f0c6c1e-7d2a-4f7e-9f64-0d5b8a1c2e3f"),
];

fn sample_string(wire: &str) -> String {
    let found = SAMPLE_STRINGS.iter().find(|(end, _)| {
        wire.strip_suffix(end)
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('_') || end.starts_with('I'))
    });
    format!("{:?}", found.map_or(wire, |(_, value)| value))
}

fn sample(ty: &RustType, wire: &str, types: &Types, depth: usize) -> String {
    match ty {
        RustType::String => sample_string(wire),
        RustType::Secret => "\"value of the secret\"".to_owned(),
        RustType::Bool => "true".to_owned(),
        RustType::Integer => "1".to_owned(),
        RustType::Float => "1.0".to_owned(),
        RustType::DateTime => "std::time::SystemTime::now()".to_owned(),
        RustType::List(item) | RustType::LenientList(item) => {
            format!("[{}]", sample(item, wire, types, depth))
        }
        RustType::Map(item) => format!("[(\"team\", {})]", sample(item, "value", types, depth)),
        RustType::JsonValue => "serde_json::json!({})".to_owned(),
        RustType::JsonObject => "[(\"team\", \"research\")]".to_owned(),
        RustType::Option(inner) | RustType::Box(inner) => sample(inner, wire, types, depth),
        RustType::Named(name) => sample_named(name, wire, types, depth),
        RustType::Other(_) => "Default::default()".to_owned(),
    }
}

fn sample_named(name: &str, wire: &str, types: &Types, depth: usize) -> String {
    match types.get(name) {
        Some(Definition::Enum(_)) => match types.sample_variant(name, None) {
            Some(variant) => format!("{name}::{variant}"),
            None => format!("\"{wire}\""),
        },
        Some(Definition::Struct(structure)) if depth < 4 => {
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
        Some(Definition::Union(union)) => format!("{name}::{}", union_sample(union)),
        _ => "serde_json::json!({})".to_owned(),
    }
}

/// Returns an example value, relative to the path of the union.
fn union_sample(union: &UnionType) -> &'static str {
    match &union.kind {
        UnionKind::JsonKind(variants) if variants.iter().any(|v| v.ident == "Text") => {
            "Text(\"text\".into())"
        }
        UnionKind::JsonKind(_) => "List(Vec::new())",
        UnionKind::Tagged { .. } => "Unknown(Default::default())",
        UnionKind::Raw { .. } => "from(serde_json::json!({}))",
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
