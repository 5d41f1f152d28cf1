//! Citations: the ids of facts that the overrides and the comments of the code contain.

use std::fs;
use std::path::Path;

use crate::sources::read;
use crate::{Error, Result, Source};

/// The name of the file with the facts.
pub const FILE: &str = "overrides/evidence.yaml";

/// The first letters of ids.
const GROUPS: &str = "TSEPBMACNVY";

/// The folders whose Rust files are searched.
const CODE: [&str; 8] = [
    "codegen/src",
    "codegen/tests",
    "emulator/src",
    "emulator/tests",
    "src",
    "tests",
    "xtask/src",
    "xtask/tests",
];

/// An id and where it is cited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Citation {
    /// The id.
    pub id: String,
    /// The file, relative to the project.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
}

/// Returns every citation below `root`: ids anywhere in `overrides/*.yaml`, and in the `//` comments
/// of the code. Missing folders are skipped.
pub fn citations(root: &Path) -> Result<Vec<Citation>> {
    let mut files = Vec::new();
    find_files(root, "overrides", ".yaml", &mut files)?;
    for folder in CODE {
        find_files(root, folder, ".rs", &mut files)?;
    }
    let mut found = Vec::new();
    for name in files {
        found.extend(citations_in(&read(root, &name)?));
    }
    Ok(found)
}

/// Collects the files in `folder` and its subfolders, sorted by name.
fn find_files(root: &Path, folder: &str, ending: &str, files: &mut Vec<String>) -> Result<()> {
    let path = root.join(folder);
    if !path.is_dir() {
        return Ok(());
    }
    let problem = |error: std::io::Error| Error::new(folder, error.to_string());
    let mut names = fs::read_dir(&path)
        .map_err(problem)?
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<std::io::Result<Vec<_>>>()
        .map_err(problem)?;
    names.sort();
    for name in names {
        let name = format!("{folder}/{name}");
        if root.join(&name).is_dir() {
            find_files(root, &name, ending, files)?;
        } else if name.ends_with(ending) {
            files.push(name);
        }
    }
    Ok(())
}

fn citations_in(source: &Source) -> Vec<Citation> {
    let is_code = source.name.ends_with(".rs");
    let mut found = Vec::new();
    for (number, line) in (1..).zip(source.text.lines()) {
        let text = match is_code {
            true => comment(line),
            false if source.name == FILE => without_fact_key(line),
            false => line,
        };
        found.extend(ids(text).map(|id| Citation {
            id: id.to_owned(),
            file: source.name.clone(),
            line: number,
        }));
    }
    found
}

/// Returns the part of a line after `//`, which may be empty. A `//` after a colon belongs to a URL.
fn comment(line: &str) -> &str {
    let start = line
        .match_indices("//")
        .map(|(start, _)| start)
        .find(|start| !line[..*start].ends_with(':'));
    start.map_or("", |start| &line[start..])
}

/// Removes the key of a fact (`  M042:`) from the start of a line of the evidence.
fn without_fact_key(line: &str) -> &str {
    match line.trim_start().split_once(':') {
        Some((key, rest)) if is_id(key) => rest,
        _ => line,
    }
}

/// Returns the ids in a text. A part of a longer word, a date, a time or a UUID is not an id.
pub fn ids(text: &str) -> impl Iterator<Item = &str> {
    let is_separator = |c: char| !c.is_ascii_alphanumeric() && !matches!(c, '_' | '-' | ':' | '.');
    text.split(is_separator)
        .map(|word| word.trim_matches(['-', ':', '.']))
        .flat_map(|word| match word.split_once('-') {
            // The ends of a range.
            Some((first, last)) if is_id(first) && is_id(last) => vec![first, last],
            _ => vec![word],
        })
        .filter(|word| is_id(word))
}

/// Whether a word has the form of an id: the letter of a group and two or three digits.
pub(super) fn is_id(word: &str) -> bool {
    let Some(digits) = word.strip_prefix(|first| GROUPS.contains(first)) else {
        return false;
    };
    matches!(digits.len(), 2 | 3) && digits.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids_of(text: &str) -> Vec<&str> {
        ids(text).collect()
    }

    #[test]
    fn ids_are_found_between_punctuation() {
        assert_eq!(
            ids_of("rows: [M013, E08] # (T24), see V075/N01: B04."),
            ["M013", "E08", "T24", "V075", "N01", "B04"]
        );
        assert_eq!(ids_of("T24-T26, M001–M003"), ["T24", "T26", "M001", "M003"]);
    }

    #[test]
    fn times_uuids_and_parts_of_words_are_not_ids() {
        for text in [
            "2026-01-01T00:00:00Z",
            "T00:00",
            "258EAFA5-E914-47DA-95CA-C5AB0DC85B11",
            "E914-47DA",
            "UTF-8, SHA256, xM042, M042x, M042_1, M1, M1234, X042, m042",
            "v1.B04.2",
        ] {
            assert_eq!(ids_of(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn only_comments_of_code_are_searched() {
        // `#` stands for `//`, so that these ids are not citations.
        let text = "let a = \"M001\"; # M002\nlet url = \"https:#M003\"; #/ M004\n";
        let source = Source {
            name: "src/a.rs".to_owned(),
            text: text.replace('#', "//"),
        };
        let found: Vec<_> = citations_in(&source)
            .into_iter()
            .map(|citation| (citation.id, citation.line))
            .collect();
        assert_eq!(found, [("M002".to_owned(), 1), ("M004".to_owned(), 2)]);
    }

    #[test]
    fn keys_of_facts_are_not_citations() {
        let source = Source {
            name: FILE.to_owned(),
            text: "# Like M001.\nfacts:\n  M002:\n    corrected_by: [M003]\n  M004: {a: M005}\n"
                .to_owned(),
        };
        let found: Vec<_> = citations_in(&source)
            .into_iter()
            .map(|citation| citation.id)
            .collect();
        assert_eq!(found, ["M001", "M003", "M005"]);
    }
}
