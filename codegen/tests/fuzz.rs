//! A seeded mutator: no stage panics, overflows the stack or generates code that does not parse,
//! whatever the input is.
//!
//! `PORTKEY_FUZZ_SECONDS` sets the time of a long run, `PORTKEY_FUZZ_SEED` where it starts. The
//! input that runs is in `target/tmp/fuzz-*.yaml`, in case it aborts the process.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeSet;
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use std::time::{Duration, Instant};

use portkey_admin_codegen::{
    Manifest, Patched, Result, Source, Sources, distil, document, generate, json_schema, lower,
    manifest, overlay::Overlay, override_audit, paths::Rules, select::Areas,
};
use serde_json::{Map, Value, json};

/// The number of inputs of a short run, and its longest time.
const SHORT_RUN: (u64, Duration) = (250, Duration::from_secs(40));

#[test]
fn no_input_panics() {
    let variable = |name: &str| std::env::var(name).ok()?.parse::<u64>().ok();
    let first = variable("PORTKEY_FUZZ_SEED").unwrap_or_default();
    let (count, time) = match variable("PORTKEY_FUZZ_SECONDS") {
        Some(seconds) => (u64::MAX, Duration::from_secs(seconds)),
        None => SHORT_RUN,
    };
    let corpus = Corpus::read();
    let start = Instant::now();
    let mut generated = 0;
    let mut inputs = 0;
    // Progenitor panics on some documents; the generator turns that into an error.
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    let mut failures = Vec::new();
    for seed in first.. {
        if inputs == count || start.elapsed() > time || failures.len() == 10 {
            break;
        }
        inputs += 1;
        let input = corpus.input(seed);
        input.save();
        match panic::catch_unwind(AssertUnwindSafe(|| run(&input))) {
            Ok(is_generated) => generated += u64::from(is_generated),
            Err(cause) => {
                let text = cause.downcast_ref::<String>().cloned();
                let text =
                    text.or_else(|| cause.downcast_ref::<&str>().map(|text| text.to_string()));
                failures.push(format!("seed {seed}: {}", text.unwrap_or_default()));
            }
        }
    }
    panic::set_hook(hook);
    println!(
        "{inputs} inputs, {generated} generated, {:?}",
        start.elapsed()
    );
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(
        generated * 20 > inputs,
        "only {generated} of {inputs} inputs were generated"
    );
}

/// Runs an input through every stage. Returns whether code was generated.
fn run(input: &Input) -> bool {
    let Ok(value) = document::parse("document", &input.document) else {
        return false;
    };
    let Ok(distilled) = distil::distil(&value) else {
        return false;
    };
    let text = distil::to_yaml(&distilled).unwrap();
    let again = document::parse("document", &text).unwrap();
    assert_eq!(again, distilled, "the canonical YAML is not read back");
    assert_eq!(
        distil::distil(&again).unwrap(),
        distilled,
        "distilling twice differs"
    );
    audit(input, &text, &distilled);
    generate(input, distilled).unwrap_or(false)
}

/// Audits the overrides against the unchanged document, as `sync-spec` does.
fn audit(input: &Input, text: &str, distilled: &Value) {
    let sources = input.sources(text);
    let _ = portkey_admin_codegen::patch(&sources);
    if let Ok(audit) = override_audit::audit(&sources, distilled.clone()) {
        audit.audit_entries(&audit.old.manifest);
    }
}

fn generate(input: &Input, mut document: Value) -> Result<bool> {
    let sources = input.sources("");
    if let Ok(rules) = Rules::parse(&sources.paths) {
        // After an error, the document is still a document.
        let _ = rules.apply_lenient(&mut document);
    }
    for source in &sources.overlays {
        if let Ok(overlay) = Overlay::parse(source) {
            let _ = overlay.apply(&mut document);
        }
    }
    let schemas = document["components"]["schemas"].as_object();
    for schema in schemas.into_iter().flat_map(Map::values) {
        let _ = json_schema::bundle(&document, schema);
    }
    let mut patched = Patched {
        manifest: input.manifest(&document)?,
        document,
        path_outcomes: Vec::new(),
    };
    patched.manifest.check("manifest", &patched.document)?;
    let lowered = loop {
        match lower::lower(&patched) {
            Ok(lowered) => break lowered,
            Err(error) => remove_operations(&mut patched.document, error)?,
        }
    };
    let tokens = generate::tokens(&patched, &lowered, &patched.manifest.areas());
    let tokens = tokens.inspect_err(check_names_operations)?;
    check_code(syn::parse2(tokens).expect("the code is not valid Rust"));
    let _ = generate::tokens(&patched, &lowered, &Areas::new())?;
    Ok(true)
}

/// Checks that each problem is about an operation.
fn check_names_operations(error: &portkey_admin_codegen::Error) {
    if std::env::var_os("PORTKEY_FUZZ_SHOW").is_some() {
        println!("{error}");
    }
    for error in error.clone().split() {
        let key = error.location().split(": ").next().unwrap_or_default();
        assert!(
            manifest::split_key(key).is_some(),
            "no operation in `{error}`"
        );
    }
}

/// Removes the operations that cannot be generated, so that the others are tested.
fn remove_operations(document: &mut Value, error: portkey_admin_codegen::Error) -> Result<()> {
    let mut is_removed = false;
    for error in error.clone().split() {
        let key = error.location().split(": ").next().unwrap_or_default();
        let Some((method, path)) = manifest::split_key(key) else {
            continue;
        };
        let item = document["paths"]
            .get_mut(path)
            .and_then(Value::as_object_mut);
        is_removed |= item
            .and_then(|item| item.remove(&method.to_lowercase()))
            .is_some();
    }
    if is_removed { Ok(()) } else { Err(error) }
}

/// Checks that no module has two items and no type two fields or methods of the same name.
fn check_code(code: syn::File) {
    fn check(items: &[syn::Item]) {
        let mut types = BTreeSet::new();
        let mut methods = BTreeSet::new();
        for item in items {
            match item {
                syn::Item::Mod(module) => {
                    check(module.content.as_ref().map_or(&[], |(_, items)| items));
                }
                syn::Item::Struct(item) => {
                    assert!(
                        types.insert(item.ident.to_string()),
                        "two types {}",
                        item.ident
                    );
                    let mut fields = BTreeSet::new();
                    for field in item.fields.iter().filter_map(|field| field.ident.as_ref()) {
                        assert!(fields.insert(field), "two fields {}.{field}", item.ident);
                    }
                }
                syn::Item::Enum(item) => {
                    assert!(
                        types.insert(item.ident.to_string()),
                        "two types {}",
                        item.ident
                    );
                    let mut variants = BTreeSet::new();
                    for variant in &item.variants {
                        let name = &variant.ident;
                        assert!(variants.insert(name), "two variants {}::{name}", item.ident);
                    }
                }
                syn::Item::Impl(item) if item.trait_.is_none() => {
                    let syn::Type::Path(path) = &*item.self_ty else {
                        continue;
                    };
                    let owner = path.path.segments.last().unwrap().ident.to_string();
                    for member in &item.items {
                        if let syn::ImplItem::Fn(function) = member {
                            let name = (owner.clone(), function.sig.ident.to_string());
                            assert!(methods.insert(name.clone()), "two methods {name:?}");
                        }
                    }
                }
                _ => {}
            }
        }
    }
    check(&code.items);
}

/// The text of a document and its overrides.
struct Input {
    document: String,
    overlay: String,
    paths: String,
    /// A seed for the entries of the manifest.
    seed: u64,
}

impl Input {
    fn sources(&self, document: &str) -> Sources {
        let source = |name: &str, text: &str| Source {
            name: name.to_owned(),
            text: text.to_owned(),
        };
        Sources {
            document: source("document", document),
            paths: source("paths", &self.paths),
            overlays: vec![source("overlay", &self.overlay)],
            manifest: source("manifest", "{}"),
        }
    }

    /// Returns a manifest with an entry for every operation.
    fn manifest(&self, document: &Value) -> Result<Manifest> {
        let mut random = Random(self.seed);
        let mut entries = Map::new();
        for (index, (path, method, operation)) in document::operations(document).enumerate() {
            let id = match operation["operationId"].as_str() {
                Some(id) if random.one_in(2) => id.to_owned(),
                _ => format!("operation_{index}"),
            };
            let mut entry = json!({
                "id": id, "summary": "S.", "plane": "control", "retry": "safe", "status": "works",
                "area": random.choose(&["things", "gateway", "parts"]),
                "evidence": {"by": "document"},
            });
            if random.one_in(8) {
                entry["handwritten"] = json!("multipart");
            }
            if random.one_in(8) {
                entry["paging"] = json!({"items": random.choose(&["data", "none"])});
            }
            entries.insert(manifest::key(method, path), entry);
        }
        Manifest::parse(&Source {
            name: "manifest".to_owned(),
            text: Value::Object(entries).to_string(),
        })
    }

    /// Writes the texts to a folder, so that they survive an abort.
    fn save(&self) {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        for (name, text) in [
            ("fuzz-document.yaml", &self.document),
            ("fuzz-overlay.yaml", &self.overlay),
            ("fuzz-paths.yaml", &self.paths),
        ] {
            std::fs::write(folder.join(name), text).unwrap();
        }
    }
}

/// The files that inputs are made from.
struct Corpus {
    documents: Vec<String>,
    overlays: Vec<String>,
    paths: Vec<String>,
    /// Parts of all files, to put into others.
    parts: Vec<Value>,
    keys: Vec<String>,
}

impl Corpus {
    fn read() -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/corpus");
        let mut files: Vec<_> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        files.sort();
        let mut corpus = Self {
            documents: Vec::new(),
            overlays: Vec::new(),
            paths: Vec::new(),
            parts: Vec::new(),
            keys: Vec::new(),
        };
        for file in files {
            let name = file.to_string_lossy().into_owned();
            let text = std::fs::read_to_string(&file).unwrap();
            let value = document::parse(&name, &text).unwrap();
            corpus.collect_parts(&value);
            match () {
                () if name.ends_with(".overlay.yaml") => corpus.overlays.push(text),
                () if name.ends_with(".paths.yaml") => corpus.paths.push(text),
                () => corpus.documents.push(text),
            }
        }
        corpus
    }

    fn collect_parts(&mut self, value: &Value) {
        self.parts.push(value.clone());
        match value {
            Value::Object(map) => {
                for (key, value) in map {
                    self.keys.push(key.clone());
                    self.collect_parts(value);
                }
            }
            Value::Array(list) => list.iter().for_each(|value| self.collect_parts(value)),
            _ => {}
        }
    }

    fn input(&self, seed: u64) -> Input {
        let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let document = random.choose(&self.documents).clone();
        let overlay = random.choose(&self.overlays).clone();
        let paths = random.choose(&self.paths).clone();
        let document = self.mutated(&mut random, &document);
        let [overlay, paths] = [overlay, paths].map(|text| match random.one_in(2) {
            true => self.mutated(&mut random, &text),
            false => text,
        });
        Input {
            document,
            overlay,
            paths,
            seed,
        }
    }

    fn mutated(&self, random: &mut Random, text: &str) -> String {
        if random.one_in(8) {
            return mutate_text(random, text);
        }
        let mut value = document::parse("corpus", text).unwrap();
        for _ in 0..=random.below(3) {
            self.mutate_value(random, &mut value);
        }
        // Texts beyond the limit of the parser are rejected, which is tested as well.
        value.to_string()
    }

    /// Changes one node of a value.
    fn mutate_value(&self, random: &mut Random, value: &mut Value) {
        let mut pointers = Vec::new();
        collect_pointers(value, String::new(), &mut pointers);
        let pointer = random.choose(&pointers).clone();
        let other = value
            .pointer(random.choose::<String>(&pointers))
            .cloned()
            .unwrap();
        let reference = json!({"$ref": format!("#{}", random.choose(&pointers))});
        let node = value.pointer_mut(&pointer).unwrap();
        match random.below(12) {
            0 => *node = random.choose(&self.parts).clone(),
            1 => *node = other,
            2 => *node = reference,
            3 => *node = interesting(random),
            4 => {
                *node =
                    json!({(*random.choose(&["allOf", "oneOf", "anyOf"])): [node.clone(), other]})
            }
            5 => {
                let depth = [3, 30, 60, 100, 200][random.below(5)];
                let (key, inner) = (random.choose(&self.keys).clone(), node.clone());
                *node = (0..depth).fold(inner, |inner, _| json!({(key.as_str()): inner}));
            }
            6 => *node = json!({"type": "array", "items": node.clone()}),
            _ => match node {
                Value::Object(map) if !map.is_empty() => {
                    let keys: Vec<String> = map.keys().cloned().collect();
                    let key = random.choose(&keys).clone();
                    match random.below(3) {
                        0 => drop(map.remove(&key)),
                        1 => {
                            let value = map[&key].clone();
                            map.insert(self.new_key(random, &key), value);
                        }
                        _ => drop(map.insert(self.new_key(random, &key), other)),
                    }
                }
                Value::Array(list) if !list.is_empty() => {
                    let index = random.below(list.len());
                    match random.one_in(2) {
                        true => drop(list.remove(index)),
                        false => list.push(other),
                    }
                }
                node => *node = interesting(random),
            },
        }
    }

    fn new_key(&self, random: &mut Random, key: &str) -> String {
        match random.below(4) {
            0 => key.to_uppercase(),
            1 => key.replace('_', ""),
            2 => interesting_text(random).to_owned(),
            _ => random.choose(&self.keys).clone(),
        }
    }
}

fn collect_pointers(value: &Value, pointer: String, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| {
            let child = format!("{pointer}/{}", document::pointer_segment(key));
            collect_pointers(value, child, found);
        }),
        Value::Array(list) => list.iter().enumerate().for_each(|(index, value)| {
            collect_pointers(value, format!("{pointer}/{index}"), found);
        }),
        _ => {}
    }
    found.push(pointer);
}

const TEXTS: &[&str] = &[
    "",
    " ",
    "%",
    "'",
    "\"",
    "{",
    "{}",
    "{a}{b}",
    "/",
    "/{a}.json",
    "//",
    "~1",
    "$ref",
    "<<",
    "x-name",
    "self",
    "Self",
    "type",
    "gen",
    "2fa",
    "é",
    "\u{0}",
    "\u{200b}",
    "𝒜",
    "_",
    "__",
    "a_b_test",
    "ABTest",
    "String",
    "Option",
    "Value",
    "Secret",
    "extra",
    "problem",
    "body",
    "client",
    "send",
    "value",
    "null",
    "object",
    "array",
    "string",
    "2024-01-01",
    "Unknown",
    "Unrecognised",
    "get",
    "20",
    "200",
    "application/json",
    "application/jsonl",
    "header",
    "path",
    "cookie",
    "deepObject",
    "date-time",
    "$",
    "$..*",
    "$.paths[?@.a]",
    "$[?match(@.a, '(')]",
    "#/components/schemas/Shelf",
    "#",
    "#/%7",
];

fn interesting_text(random: &mut Random) -> &'static str {
    random.choose::<&str>(TEXTS)
}

fn interesting(random: &mut Random) -> Value {
    match random.below(8) {
        0 => Value::Null,
        1 => json!(true),
        2 => json!([]),
        3 => json!({}),
        4 => random
            .choose(&[
                json!(0),
                json!(-1),
                json!(1e300),
                json!(i64::MIN),
                json!(u64::MAX),
            ])
            .clone(),
        5 => json!([null, "a", "A", ""]),
        _ => json!(interesting_text(random)),
    }
}

/// Removes, repeats or replaces a few characters or a line.
fn mutate_text(random: &mut Random, text: &str) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for _ in 0..=random.below(4) {
        let index = random.below(lines.len());
        match random.below(4) {
            0 => drop(lines.remove(index)),
            1 => lines.insert(index, lines[index].clone()),
            2 => lines[index] = format!("{}{}", " ".repeat(random.below(6)), lines[index].trim()),
            _ => {
                let chars: Vec<char> = lines[index].chars().collect();
                let at = random.below(chars.len() + 1);
                let insert = random.choose(&[
                    "[", "{", ":", "&a ", "*a", "\t", "!!x ", "- ", "'", "#", ", ",
                ]);
                let (before, after) = (&chars[..at], &chars[at..]);
                lines[index] = before
                    .iter()
                    .chain(&insert.chars().collect::<Vec<_>>())
                    .chain(after)
                    .collect();
            }
        }
        if lines.is_empty() {
            break;
        }
    }
    lines.join("\n")
}

/// A small random number generator (SplitMix64), so that a seed always yields the same input.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit as u64).unwrap()
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    fn choose<'a, T>(&mut self, values: &'a [T]) -> &'a T {
        &values[self.below(values.len())]
    }
}
