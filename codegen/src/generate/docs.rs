//! Generated rustdoc, from the manifest and the overlays; the docs of progenitor are dropped.

use heck::{ToSnakeCase, ToUpperCamelCase};
use proc_macro2::TokenStream;
use quote::quote;
use serde_json::Value;
use syn::{Attribute, Expr, ExprLit, Lit, Meta};

use super::model::RustType;
use crate::{
    manifest::{Access, Entry, Evidence, EvidenceGrade, Plane, Status},
    modules::{Modules, SHARED},
    reserved_segments::{has_parameter, segments},
};

/// Returns the lines of the doc attributes, without lines that only repeat the name of the item.
fn doc_lines(attributes: &[Attribute]) -> Vec<String> {
    attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("doc"))
        .filter_map(doc_text)
        .filter(|text| !is_name_only(text))
        .map(|text| line(&text))
        .collect()
}

/// Returns a line with a leading space, as in a handwritten `///` comment.
fn line(text: &str) -> String {
    format!(" {}", text.trim())
}

/// Returns the lines of the doc attributes, or `fallback` as a sentence if there are none.
pub fn or_default(attributes: &[Attribute], fallback: &str) -> Vec<String> {
    let docs = doc_lines(attributes);
    if !docs.is_empty() {
        return docs;
    }
    vec![line(&format!("{fallback}."))]
}

/// Returns the docs of a field, or a sentence with its type and bounds if there are none.
pub fn field(attributes: &[Attribute], ty: &RustType, schema: &Value) -> Vec<String> {
    let docs = doc_lines(attributes);
    match docs.is_empty() {
        true => vec![line(&description(ty, schema))],
        false => docs,
    }
}

/// Describes a value by its type, its bounds and its default.
pub fn description(ty: &RustType, schema: &Value) -> String {
    let mut text = type_words(ty);
    let bounds = [
        ("minimum", "at least"),
        ("maximum", "at most"),
        ("minLength", "characters: at least"),
        ("maxLength", "characters: at most"),
        ("minItems", "items: at least"),
        ("maxItems", "items: at most"),
        ("default", "default"),
    ];
    for (key, words) in bounds {
        match &schema[key] {
            Value::Null => {}
            value => text += &format!(", {words} `{value}`"),
        }
    }
    format!("{text}.")
}

fn type_words(ty: &RustType) -> String {
    match ty {
        RustType::String => "A string".to_owned(),
        RustType::Secret => "A secret".to_owned(),
        RustType::Bool | RustType::Flag => "A boolean".to_owned(),
        RustType::Integer | RustType::UInt32 => "An integer".to_owned(),
        RustType::Float => "A number".to_owned(),
        RustType::Amount(name) => format!("An amount in {}", name.to_lowercase()),
        RustType::DateTime => "A date and time".to_owned(),
        RustType::List(item) | RustType::LenientList(item) => {
            format!("List of items: {}", in_sentence(item))
        }
        RustType::Map(item) | RustType::LenientMap(item) => {
            format!("Map of values: {}", in_sentence(item))
        }
        RustType::Option(inner) | RustType::Box(inner) => type_words(inner),
        RustType::JsonValue => "Any JSON value".to_owned(),
        RustType::JsonObject | RustType::JsonMap => "A JSON object".to_owned(),
        RustType::Named(name) => sentence_case(name),
        RustType::Other(_) => "A value".to_owned(),
    }
}

/// Returns the words for a type after a colon.
fn in_sentence(ty: &RustType) -> String {
    let words = type_words(ty);
    let mut chars = words.chars();
    let first = chars.next().map(|first| first.to_ascii_lowercase());
    first.into_iter().chain(chars).collect()
}

/// Converts `ApiKeyList` to `Api key list`.
pub fn sentence_case(name: &str) -> String {
    let words = name.to_snake_case().replace('_', " ");
    let mut chars = words.chars();
    chars
        .next()
        .map(|first| first.to_uppercase().chain(chars).collect())
        .unwrap_or_default()
}

fn doc_text(attribute: &Attribute) -> Option<String> {
    match &attribute.meta {
        Meta::NameValue(pair) => match &pair.value {
            Expr::Lit(ExprLit {
                lit: Lit::Str(text),
                ..
            }) => Some(text.value()),
            _ => None,
        },
        _ => None,
    }
}

fn is_name_only(text: &str) -> bool {
    let text = text.trim();
    text.is_empty() || (text.starts_with('`') && text.ends_with('`') && !text.contains(' '))
}

/// The head of the table of operations in the docs of a module.
pub const TABLE_HEAD: [&str; 2] = [
    " | method | route | what it does | status |",
    " |---|---|---|---|",
];

/// Returns the row of an operation in that table.
pub fn table_row(key: &str, entry: &Entry) -> String {
    let Entry { id, summary, .. } = entry;
    let status = match entry.status {
        Status::Works => "works",
        Status::Unverified => "unverified",
        Status::ForbiddenSeen => "exists",
        Status::Broken => "broken",
    };
    let summary = summary.replace('|', "\\|");
    format!(" | [`{id}`](crate::Client::{id}) | `{key}` | {summary} | {status} |")
}

/// The most operations that the docs of a type name.
const MAX_USAGES: usize = 4;

/// Returns the lines that name the operations that use a type.
pub fn usage(name: &str, modules: &Modules) -> Vec<String> {
    let Some(usage) = modules.usage(name) else {
        return Vec::new();
    };
    // A link would be broken if the feature of the operation is off.
    let is_shared = modules.home(name) == SHARED;
    let method = |id: &String| match is_shared {
        true => format!("`Client::{id}`"),
        false => format!("[`Client::{id}`](crate::Client::{id})"),
    };
    let sentence = |verb: &str, ids: &[String]| {
        let named: Vec<String> = ids.iter().take(MAX_USAGES).map(method).collect();
        let more = match ids.len().saturating_sub(MAX_USAGES) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        (!ids.is_empty()).then(|| format!("{verb} {}{more}.", named.join(", ")))
    };
    let mut sentences: Vec<String> = [
        sentence("Request body of", &usage.bodies),
        sentence("Returned by", &usage.responses),
        sentence("Streamed by", &usage.events),
    ]
    .into_iter()
    .flatten()
    .collect();
    if sentences.is_empty() {
        sentences.extend(sentence("Used by", &usage.parts));
    }
    if sentences.is_empty() {
        return Vec::new();
    }
    vec![String::new(), line(&sentences.join(" "))]
}

/// Returns the lines that name the operations that take a parameter group.
pub fn parameter_group_usage(name: &str, modules: &Modules) -> Vec<String> {
    let count = modules.usage(name).map_or(0, |usage| usage.parts.len());
    let sentence = format!("{count} operations take it; their rustdoc has the method.");
    vec![String::new(), line(&sentence)]
}

/// Returns the `doc(alias)` of an operation: the last fixed segment of its path.
pub fn alias(key: &str, id: &str) -> Option<TokenStream> {
    let (_, path) = key.split_once(' ')?;
    let alias = segments(path)
        .filter(|segment| !has_parameter(segment))
        .last()?;
    (alias != id && !alias.contains('{')).then(|| quote!(#[doc(alias = #alias)]))
}

/// Returns the rustdoc of an operation: summary, route, feature, access, evidence with the page of
/// `cargo xtask endpoints` that has its sources, notes, example.
pub fn operation(key: &str, entry: &Entry, example: &[String]) -> TokenStream {
    let mut lines = vec![
        entry.summary.clone(),
        String::new(),
        format!("`{key}`"),
        String::new(),
    ];
    lines.push(format!("* **Feature:** `{}`.", entry.area));
    lines.extend(access(&entry.access, entry.plane).map(|text| format!("* **Access:** {text}")));
    lines.push(format!(
        "* **Evidence:** {} Sources: `docs/endpoints/{}.md#{}`.",
        evidence(&entry.evidence, entry.status),
        entry.area,
        entry.id
    ));
    lines.extend(entry.notes.iter().map(|note| format!("* {note}")));
    lines.extend(helpers(entry));
    lines.extend(["", "# Example", "", "```no_run"].map(str::to_owned));
    lines.extend_from_slice(example);
    lines.push("```".to_owned());
    let lines = lines.iter().map(|line| {
        if line.is_empty() {
            String::new()
        } else {
            format!(" {line}")
        }
    });
    quote!(#(#[doc = #lines])*)
}

/// Returns the line that links the handwritten methods of the builder.
fn helpers(entry: &Entry) -> Option<String> {
    let builder = entry.id.to_upper_camel_case();
    let update_and_get = entry.reads.as_ref().map(|_| "update_and_get".to_owned());
    let links: Vec<String> = entry
        .helpers
        .iter()
        .chain(&update_and_get)
        .map(|name| format!("[`{name}`]({builder}::{name})"))
        .collect();
    (!links.is_empty()).then(|| format!("* **Helpers:** {}.", links.join(", ")))
}

fn access(access: &Access, plane: Plane) -> Option<String> {
    if !plane.needs_key() {
        return Some("public; the API key is not sent.".to_owned());
    }
    let parts = access.requirements();
    (!parts.is_empty()).then(|| format!("{}.", parts.join("; ")))
}

fn evidence(evidence: &Evidence, status: Status) -> String {
    let grade = match evidence.by {
        EvidenceGrade::Live => "live service",
        EvidenceGrade::OfficialClient => "official Portkey client",
        EvidenceGrade::Document => "documentation only",
    };
    let observation = match evidence.seen {
        Some(status) => format!("{status}, {grade}"),
        None => grade.to_owned(),
    };
    let date = evidence
        .on
        .as_deref()
        .map(|date| format!(", {date}"))
        .unwrap_or_default();
    let qualifier = match status {
        Status::Works => "",
        Status::Unverified => " (unverified)",
        Status::ForbiddenSeen => " (exists; only 403 was observed)",
        Status::Broken => " (known not to work as documented)",
    };
    format!("{observation}{date}{qualifier}.")
}
