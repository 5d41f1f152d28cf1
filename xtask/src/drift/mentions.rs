//! Lines of handwritten files that name something that the new document removes or changes.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use portkey_admin_codegen::Manifest;

use super::difference::Kind;
use super::generated_code::CodeDiff;
use super::impact::{Impact, normalized};
use super::public_api::split_path;

/// Folders and files that are written by hand and name operations, types or members.
const HANDWRITTEN: [&str; 11] = [
    "Cargo.toml",
    "README.md",
    "src",
    "emulator/src",
    "emulator/tests",
    "tests",
    "testing",
    "examples",
    "benches",
    "docs/guide",
    "docs/benchmarks.md",
];

const EXTENSIONS: [&str; 7] = ["rs", "md", "txt", "json", "toml", "py", "mjs"];

/// The emulator has types of its own and does not use those of the client.
const WITHOUT_TYPES: &str = "emulator/";

/// The number of lines after the method of an operation in which its builder is called.
const CALL_LINES: usize = 12;

/// A line that names something that goes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mention {
    /// The file, relative to the root.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The path of the item in the public API.
    pub item: String,
    /// Whether the item is removed; otherwise it changes.
    pub is_removed: bool,
    /// The ids of the operations that have or use the item.
    pub ids: BTreeSet<String>,
}

/// A name to look for.
struct Name<'a> {
    item: &'a str,
    is_removed: bool,
    ids: BTreeSet<String>,
    kind: NameKind,
}

/// How a name is used.
enum NameKind {
    /// Alone: a method of the client, or the metadata of an operation.
    Operation,
    /// Alone: a type.
    Type,
    /// In a path, or as a feature.
    Module,
    /// As a member, in a file that names this type.
    Member(String),
    /// As a call, after this method of the client.
    Setter(String),
}

/// Finds the lines that name removed or changed items of the public API.
pub fn find(root: &Path, code: &CodeDiff, manifest: &Manifest) -> Vec<Mention> {
    let names = names(code, manifest);
    if names.is_empty() {
        return Vec::new();
    }
    let mut files = Vec::new();
    for name in HANDWRITTEN {
        collect_files(&root.join(name), &mut files);
    }
    files.sort();
    let mut found = Vec::new();
    for file in files {
        // A file that cannot be read as text has no names.
        if let Ok(text) = fs::read_to_string(&file) {
            let name = file.strip_prefix(root).unwrap_or(&file);
            let name = name.to_string_lossy().replace('\\', "/");
            mentions_in(&name, &text, &names, &mut found);
        }
    }
    found
}

fn collect_files(path: &Path, files: &mut Vec<PathBuf>) {
    if path.is_file() {
        let extension = path.extension().and_then(|extension| extension.to_str());
        if extension.is_some_and(|extension| EXTENSIONS.contains(&extension)) {
            files.push(path.to_owned());
        }
        return;
    }
    let is_dependency = path.file_name().is_some_and(|name| name == "node_modules");
    if let (Ok(entries), false) = (fs::read_dir(path), is_dependency) {
        for entry in entries.flatten() {
            collect_files(&entry.path(), files);
        }
    }
}

/// Returns the names of the items that are removed or change, by word.
fn names<'a>(code: &'a CodeDiff, manifest: &Manifest) -> HashMap<String, Vec<Name<'a>>> {
    let ids: BTreeMap<String, &str> = manifest
        .iter()
        .map(|(_, entry)| (normalized(&entry.id), entry.id.as_str()))
        .collect();
    let mut users: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (id, types) in &code.types {
        for name in types {
            let users = users.entry(normalized(name)).or_default();
            users.insert(id.clone());
        }
    }
    let items = |kind: Kind| -> BTreeSet<&str> {
        let changes = code.changes.iter().filter(|change| change.kind == kind);
        changes.map(|change| split_path(&change.path).1).collect()
    };
    // An item that only moves to another module keeps its name.
    let (removed, added) = (items(Kind::Removed), items(Kind::Added));
    let mut found: HashMap<String, Vec<Name<'_>>> = HashMap::new();
    for change in &code.changes {
        let (module, item) = split_path(&change.path);
        let is_removed = change.kind == Kind::Removed;
        if Impact::of(change) < Impact::Breaking || (is_removed && added.contains(item)) {
            continue;
        }
        let parts: Vec<&str> = item.split("::").collect();
        let (word, kind) = match parts.as_slice() {
            [single] if module == "operations" => (*single, NameKind::Operation),
            [single] if single.starts_with(char::is_uppercase) => (*single, NameKind::Type),
            [single] => (*single, NameKind::Module),
            ["Client", method] => (*method, NameKind::Operation),
            [owner, ..] if removed.contains(owner) => continue,
            [owner, member] => match (ids.get(&normalized(owner)), *member) {
                (Some(method), "send") => (*method, NameKind::Operation),
                (Some(method), member) => (member, NameKind::Setter((*method).to_owned())),
                (None, member) => (member, NameKind::Member((*owner).to_owned())),
            },
            _ => continue,
        };
        let owner_name = parts
            .iter()
            .find(|part| **part != "Client")
            .unwrap_or(&word);
        let key = normalized(owner_name.trim_end_matches("Builder"));
        let mut operations = users.get(&key).cloned().unwrap_or_default();
        operations.extend(ids.get(&key).map(|id| (*id).to_owned()));
        found.entry(word.to_owned()).or_default().push(Name {
            item: &change.path,
            is_removed,
            ids: operations,
            kind,
        });
    }
    found
}

fn mentions_in(
    file: &str,
    text: &str,
    names: &HashMap<String, Vec<Name<'_>>>,
    found: &mut Vec<Mention>,
) {
    let words_of_file: BTreeSet<&str> = text.split(is_no_word).collect();
    let lines: Vec<&str> = text.lines().collect();
    for (index, content) in lines.iter().enumerate() {
        let mut words = BTreeSet::new();
        for word in content.split(is_no_word).filter(|word| !word.is_empty()) {
            let named = names.get(word).into_iter().flatten();
            let mut named = named.filter(|name| match &name.kind {
                NameKind::Operation => true,
                _ if file.starts_with(WITHOUT_TYPES) => false,
                NameKind::Type => true,
                NameKind::Module => is_module(content, word),
                NameKind::Member(owner) => {
                    words_of_file.contains(owner.as_str()) && is_member(content, word)
                }
                NameKind::Setter(method) => {
                    let start = index.saturating_sub(CALL_LINES);
                    let mut before = lines[start..=index].iter();
                    is_member(content, word) && before.any(|line| has_word(line, method))
                }
            });
            if let Some(name) = named.next()
                && words.insert(word)
            {
                found.push(Mention {
                    file: file.to_owned(),
                    line: index + 1,
                    item: name.item.to_owned(),
                    is_removed: name.is_removed,
                    ids: name.ids.clone(),
                });
            }
        }
    }
}

fn has_word(line: &str, word: &str) -> bool {
    line.split(is_no_word).any(|other| other == word)
}

/// Whether a word is part of a path, or is written like a feature.
fn is_module(line: &str, word: &str) -> bool {
    let paths = [format!("{word}::"), format!("::{word}")];
    let features = [
        format!("\"{word}\""),
        format!("`{word}`"),
        format!("{word} = ["),
    ];
    let mut uses = paths.iter().chain(&features);
    has_word(line, word) && uses.any(|text| line.contains(text))
}

fn is_no_word(character: char) -> bool {
    !character.is_ascii_alphanumeric() && character != '_'
}

/// Whether a word is used as a field, a method or a variant.
fn is_member(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(position, _)| {
        let (before, after) = (&line[..position], &line[position + word.len()..]);
        let is_whole = !before.ends_with(|last| !is_no_word(last))
            && !after.starts_with(|first| !is_no_word(first));
        is_whole && (before.ends_with(['.', ':']) || after.starts_with(": "))
    })
}
