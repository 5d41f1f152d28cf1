//! The Rust names that progenitor and typify give to wire names.

use heck::{ToPascalCase, ToSnakeCase, ToUpperCamelCase};

/// The methods of the builder of a request type that are not setters; their names are taken.
pub const BUILDER_METHODS: [&str; 3] = ["build", "builder", "extra"];

/// Words that cannot be the name of an item; both crates append `_` to them.
const KEYWORDS: [&str; 53] = [
    "_", "abstract", "as", "async", "await", "become", "box", "break", "const", "continue",
    "crate", "do", "dyn", "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if",
    "impl", "in", "let", "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub",
    "ref", "return", "Self", "self", "static", "struct", "super", "trait", "true", "try", "type",
    "typeof", "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];

/// Returns the name of a type. Converting the result again does not change it.
pub fn type_name(text: &str) -> String {
    let mut name = text.to_upper_camel_case();
    // `a_b_test` → `ABTest` → `AbTest`
    for _ in 0..text.len() {
        let again = name.to_upper_camel_case();
        if again == name {
            break;
        }
        name = again;
    }
    name
}

/// Returns the name of a parameter in a builder.
pub fn parameter(wire: &str) -> String {
    sanitize(wire, str::to_snake_case, "_", "x")
}

/// Returns the name of a field of a struct.
pub fn field(wire: &str) -> String {
    sanitize(wire, str::to_snake_case, "x", "x")
}

/// Returns the name of a variant of an enum.
pub fn variant(value: &str) -> String {
    sanitize(value, str::to_pascal_case, "X", "X")
}

/// Returns the name of a variant of a union with a discriminator.
pub fn tagged_variant(value: &str) -> String {
    match variant(value).as_str() {
        "Unknown" => "UnknownValue".to_owned(),
        other => other.to_owned(),
    }
}

/// Returns the name of the builder of an operation.
pub fn builder(id: &str) -> String {
    id.to_upper_camel_case()
}

/// Returns whether a text is an identifier and not a keyword.
pub fn is_identifier(text: &str) -> bool {
    !KEYWORDS.contains(&text) && syn::parse_str::<syn::Ident>(text).is_ok()
}

/// Converts a wire name. `before_digit` goes before a name that starts with a digit, `empty`
/// replaces a name without letters and digits.
fn sanitize(text: &str, convert: fn(&str) -> String, before_digit: &str, empty: &str) -> String {
    let name = match text {
        "+1" => "plus1".to_owned(),
        "-1" => "minus1".to_owned(),
        _ => {
            let is_part = |part: char| syn::parse_str::<syn::Ident>(&format!("zz{part}")).is_ok();
            convert(&text.replace('\'', "").replace(|part| !is_part(part), "-"))
        }
    };
    let is_start = |start: char| syn::parse_str::<syn::Ident>(&format!("{start}zz")).is_ok();
    let name = match name.chars().next() {
        None => empty.to_owned(),
        Some(start) if is_start(start) && start != '_' => name,
        Some(_) => format!("{before_digit}{name}"),
    };
    match KEYWORDS.contains(&name.as_str()) {
        true => format!("{name}_"),
        false => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn type_names_are_stable() {
        for (text, expected) in [
            ("Thing-a_b_test", "ThingAbTest"),
            ("ApiKey", "ApiKey"),
            ("HTTPServer_x", "HttpServerX"),
            ("", ""),
        ] {
            assert_eq!(type_name(text), expected);
        }
    }

    #[test]
    fn wire_names_become_identifiers() {
        for (text, expected) in [
            ("2fa", "_2fa"),
            ("self", "self_"),
            ("gen", "gen_"),
            ("%", "x"),
        ] {
            assert_eq!(parameter(text), expected);
        }
        for (text, expected) in [("2fa", "x2fa"), ("type", "type_"), ("userId", "user_id")] {
            assert_eq!(field(text), expected);
        }
        for (text, expected) in [
            ("2024-01-01", "X20240101"),
            ("ASC", "Asc"),
            ("self", "Self_"),
        ] {
            assert_eq!(variant(text), expected);
        }
    }
}
