//! Generated rustdoc, from the manifest and the overlays; the docs of progenitor are dropped.

use heck::ToSnakeCase;
use proc_macro2::TokenStream;
use quote::quote;
use syn::{Attribute, Expr, ExprLit, Lit, Meta};

use crate::manifest::{Access, Entry, Evidence, EvidenceGrade, Plane, Status};

/// Returns the doc attributes, without lines that only repeat the name of the item.
pub fn doc_attributes(attributes: &[Attribute]) -> Vec<Attribute> {
    attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("doc"))
        .filter_map(doc_text)
        .filter(|text| !is_name_only(text))
        .map(|text| attribute(&text))
        .collect()
}

/// Returns a `#[doc]` with a leading space, as in a handwritten `///` comment.
fn attribute(text: &str) -> Attribute {
    let text = format!(" {}", text.trim());
    syn::parse_quote!(#[doc = #text])
}

/// Returns the doc attributes, or `fallback` as a sentence if there are none.
pub fn or_default(attributes: &[Attribute], fallback: &str) -> Vec<Attribute> {
    let docs = doc_attributes(attributes);
    if !docs.is_empty() {
        return docs;
    }
    vec![attribute(&format!("{fallback}."))]
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
pub const TABLE_HEAD: [&str; 2] = [" | method | route | | status |", " |---|---|---|---|"];

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

/// Returns the rustdoc of an operation: summary, route, access, evidence, notes, example.
pub fn operation(key: &str, entry: &Entry, example: &str) -> TokenStream {
    let mut lines = vec![
        entry.summary.clone(),
        String::new(),
        format!("`{key}`"),
        String::new(),
    ];
    lines.extend(access(&entry.access, entry.plane).map(|text| format!("* **Access:** {text}")));
    lines.push(format!(
        "* **Evidence:** {}",
        evidence(&entry.evidence, entry.status)
    ));
    lines.extend(entry.notes.iter().map(|note| format!("* {note}")));
    lines.extend(["", "# Example", "", "```no_run"].map(str::to_owned));
    lines.extend(example.lines().map(str::to_owned));
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

fn access(access: &Access, plane: Plane) -> Option<String> {
    if plane == Plane::Public {
        return Some("public; the API key is not sent.".to_owned());
    }
    let keys = (!access.keys.is_empty()).then(|| format!("{} keys", access.keys.join(" and ")));
    let scopes =
        (!access.scopes.is_empty()).then(|| format!("scope `{}`", access.scopes.join("` or `")));
    let plan = access
        .plan
        .as_deref()
        .filter(|plan| *plan != "any")
        .map(|plan| format!("{plan} plan"));
    let parts: Vec<String> = [keys, scopes, plan].into_iter().flatten().collect();
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
