//! Resolves names: what a path refers to in a module, and how users of the crate write it.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{Item, ItemUse, UseTree, Visibility};

use super::tokens::{self, Lexeme};
use super::tree::{self, ItemPath, Tree};

/// What a path refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolution {
    /// An item of this crate.
    Local(ItemPath),
    /// An item of another crate, or a name in the prelude.
    External(ItemPath),
}

/// A name that a `use` imports.
pub struct Import {
    /// The name; `*` for a glob import.
    pub name: String,
    path: ItemPath,
    /// Whether it is re-exported.
    pub public: bool,
}

impl Import {
    /// Returns the imported path as written.
    pub fn path(&self) -> String {
        let glob = if self.name == "*" { "::*" } else { "" };
        self.path.join("::") + glob
    }
}

/// The names of all modules of a crate.
pub struct Names<'a> {
    tree: &'a Tree,
    scopes: HashMap<&'a [String], Scope>,
    /// The public path of each item that users can reach.
    public: BTreeMap<ItemPath, ItemPath>,
    /// Additional public paths: the exporting module, the path, and the item.
    aliases: Vec<(ItemPath, ItemPath, ItemPath)>,
    /// Re-exports of items that are not part of this crate.
    external_reexports: HashSet<ItemPath>,
}

#[derive(Default)]
struct Scope {
    items: HashSet<String>,
    imports: Vec<Import>,
}

/// Maximum number of imports that lead to each other.
const MAX_DEPTH: usize = 16;

impl<'a> Names<'a> {
    /// Collects all names and the public paths.
    pub fn of(tree: &'a Tree) -> Self {
        let scopes = tree
            .iter()
            .map(|(item_path, module)| (item_path.as_slice(), Scope::of(module)));
        let mut names = Self {
            tree,
            scopes: scopes.collect(),
            public: BTreeMap::new(),
            aliases: Vec::new(),
            external_reexports: HashSet::new(),
        };
        names.find_public();
        names
    }

    /// Returns the public path of each item that users can reach; the shortest if there are
    /// several.
    pub fn public(&self) -> &BTreeMap<ItemPath, ItemPath> {
        &self.public
    }

    /// Whether this is a re-export of an item that is not part of this crate.
    pub fn is_external_reexport(&self, item_path: &[String]) -> bool {
        self.external_reexports.contains(item_path)
    }

    /// Returns the re-exports of a module.
    pub fn public_imports(&self, module: &[String]) -> impl Iterator<Item = &Import> {
        let imports = self
            .scopes
            .get(module)
            .map(|scope| scope.imports.as_slice());
        imports.unwrap_or_default().iter().filter(|one| one.public)
    }

    /// Searches breadth-first, so that shorter paths win.
    fn find_public(&mut self) {
        let mut modules = VecDeque::from([(ItemPath::new(), ItemPath::new())]);
        let mut seen = HashSet::new();
        while let Some((module, public)) = modules.pop_front() {
            if !seen.insert((module.clone(), public.clone())) {
                continue;
            }
            for (name, target) in self.public_names(&module) {
                let path = child(&public, &name);
                if name == "*" && self.tree.get(&target).is_some() {
                    modules.push_back((target, public.clone()));
                } else if self.public.contains_key(&target) {
                    self.aliases.push((module.clone(), path, target));
                } else {
                    self.public.insert(target.clone(), path.clone());
                    modules.push_back((target, path));
                }
            }
        }
    }

    /// Returns the additional paths that a module exports, each with the shortest path of the same
    /// item.
    pub fn aliases(&self, module: &[String]) -> impl Iterator<Item = (&ItemPath, &ItemPath)> {
        self.aliases.iter().filter_map(move |(by, path, target)| {
            (by == module).then_some((path, self.public.get(target)?))
        })
    }

    /// Returns the public names of a module and the items to which they refer.
    fn public_names(&mut self, module: &[String]) -> Vec<(String, ItemPath)> {
        let mut public_names = Vec::new();
        if let Some(found) = self.tree.get(module) {
            let items = found
                .items
                .iter()
                .filter(|item| is_public(item))
                .filter_map(name_of);
            let submodules = found.submodules.iter().filter(|submodule| submodule.public);
            let names = items.chain(submodules.map(|submodule| submodule.name.clone()));
            public_names.extend(names.map(|name| (name.clone(), child(module, &name))));
        }
        let mut unknown = Vec::new();
        for import in self.public_imports(module) {
            match self.resolve(module, &import.path) {
                Resolution::Local(target) if self.exists(&target) => {
                    public_names.push((import.name.clone(), target));
                }
                // Users see it under this name, wherever it is defined.
                _ => unknown.push(import.name.clone()),
            }
        }
        for name in unknown {
            let item_path = child(module, &name);
            self.external_reexports.insert(item_path.clone());
            public_names.push((name, item_path));
        }
        public_names
    }

    fn exists(&self, item_path: &[String]) -> bool {
        let in_parent = item_path.split_last().is_some_and(|(name, parent)| {
            self.scopes
                .get(parent)
                .is_some_and(|scope| scope.items.contains(name))
        });
        in_parent || self.tree.get(item_path).is_some()
    }

    /// Returns the item to which `path` refers in `module`.
    pub fn resolve(&self, module: &[String], path: &[String]) -> Resolution {
        self.follow(module, path, 0)
    }

    fn follow(&self, module: &[String], path: &[String], depth: usize) -> Resolution {
        let external = || Resolution::External(path.to_vec());
        let Some((first, rest)) = path.split_first() else {
            return Resolution::Local(module.to_vec());
        };
        let start = match first.as_str() {
            "crate" => Vec::new(),
            "self" => module.to_vec(),
            "super" => module
                .split_last()
                .map(|(_, parent)| parent.to_vec())
                .unwrap_or_default(),
            "" => return Resolution::External(rest.to_vec()),
            name => match self.lookup(module, name, depth) {
                Some(Resolution::Local(item_path)) => item_path,
                Some(Resolution::External(path)) => {
                    return Resolution::External([&path, rest].concat());
                }
                None => return external(),
            },
        };
        let mut item_path = start;
        for (index, name) in rest.iter().enumerate() {
            if name == "super" {
                item_path.pop();
                continue;
            }
            match self.lookup(&item_path, name, depth) {
                Some(Resolution::Local(found)) => item_path = found,
                Some(Resolution::External(path)) => {
                    return Resolution::External([&path, &rest[index + 1..]].concat());
                }
                // A variant or an associated item of a type, or an item that was not read.
                None => item_path.push(name.clone()),
            }
        }
        Resolution::Local(item_path)
    }

    /// Returns the item to which a name refers in a module.
    fn lookup(&self, module: &[String], name: &str, depth: usize) -> Option<Resolution> {
        let scope = self.scopes.get(module)?;
        if depth > MAX_DEPTH {
            return None;
        }
        if scope.items.contains(name) {
            return Some(Resolution::Local(child(module, name)));
        }
        if let Some(import) = scope.imports.iter().find(|import| import.name == name) {
            return Some(self.follow(module, &import.path, depth + 1));
        }
        let globs = scope.imports.iter().filter(|import| import.name == "*");
        globs
            .filter_map(
                |import| match self.follow(module, &import.path, depth + 1) {
                    Resolution::Local(item_path) if item_path != module => {
                        self.lookup(&item_path, name, depth + 1)
                    }
                    _ => None,
                },
            )
            .next()
    }

    /// Returns the path by which users write `path`, or `None` if they cannot reach it.
    pub fn public_path(&self, module: &[String], path: &[String]) -> Option<String> {
        match self.resolve(module, path) {
            Resolution::External(path) => Some(shorten(&path)),
            Resolution::Local(item_path) => {
                self.public.get(&item_path).map(|public| public.join("::"))
            }
        }
    }

    /// Formats a type, a bound or generics on one line, with public paths.
    pub fn text(&self, module: &[String], tokens: &impl ToTokens) -> String {
        let lexemes = tokens::lexemes(tokens.to_token_stream());
        tokens::format(&self.with_public_paths(module, lexemes))
    }

    fn with_public_paths(&self, module: &[String], lexemes: Vec<Lexeme>) -> Vec<Lexeme> {
        let mut output: Vec<Lexeme> = Vec::new();
        let mut at = 0;
        while at < lexemes.len() {
            let path = path_at(&lexemes, at, output.last());
            if path.is_empty() {
                let closes = lexemes[at] == Lexeme::Symbol(">");
                if closes && output.last() == Some(&Lexeme::Symbol(",")) {
                    output.pop();
                }
                output.push(lexemes[at].clone());
                at += 1;
                continue;
            }
            // The names with a `::` between each two, and before an empty one.
            let follows_type = output.last() == Some(&Lexeme::Symbol("::"));
            at += 2 * path.len() - 1 - usize::from(path[0].is_empty());
            let is_binding = matches!(lexemes.get(at), Some(Lexeme::Symbol("=" | ":")));
            let is_name = path.len() > 1 || !(is_binding || follows_type || is_keyword(&path[0]));
            let public_path = is_name.then(|| self.public_path(module, &path)).flatten();
            // Private paths are kept as written, so that a change is visible.
            output.push(Lexeme::Word(public_path.unwrap_or_else(|| path.join("::"))));
        }
        output
    }
}

impl Scope {
    fn of(module: &tree::Module) -> Self {
        let mut scope = Self::default();
        scope.items.extend(
            module
                .submodules
                .iter()
                .map(|submodules| submodules.name.clone()),
        );
        for item in &module.items {
            scope.items.extend(name_of(item));
            if let Item::Use(item) = item {
                imports(item, &mut scope.imports);
            }
        }
        scope
    }
}

/// Returns the path of a name in a module.
pub fn child(item_path: &[String], name: &str) -> ItemPath {
    [item_path, &[name.to_owned()]].concat()
}

/// Returns the path that starts at a lexeme, if any; a leading `::` is an empty name.
fn path_at(lexemes: &[Lexeme], mut at: usize, last: Option<&Lexeme>) -> ItemPath {
    let mut path = ItemPath::new();
    // A path after a type in angle brackets is one of its associated items.
    let starts = matches!(&lexemes[at..], [Lexeme::Symbol("::"), Lexeme::Word(_), ..]);
    if starts && last != Some(&Lexeme::Symbol(">")) {
        path.push(String::new());
        at += 1;
    }
    while let Some(Lexeme::Word(word)) = lexemes.get(at) {
        path.push(word.clone());
        if lexemes.get(at + 1) != Some(&Lexeme::Symbol("::")) {
            break;
        }
        at += 2;
    }
    path
}

/// Whether a word is a keyword, a literal or a lifetime.
fn is_keyword(word: &str) -> bool {
    const KEYWORDS: [&str; 13] = [
        "as", "async", "const", "dyn", "fn", "for", "impl", "mut", "self", "unsafe", "use",
        "where", "Self",
    ];
    KEYWORDS.contains(&word)
        || !word.starts_with(|first: char| first.is_alphabetic() || first == '_')
}

/// Returns the name of an item.
pub fn name_of(item: &Item) -> Option<String> {
    let name = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Macro(item) => item.ident.as_ref()?,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        _ => return None,
    };
    (name != "_").then(|| name.to_string())
}

/// Whether an item is public and not hidden.
fn is_public(item: &Item) -> bool {
    let visibility = match item {
        Item::Const(item) => &item.vis,
        Item::Enum(item) => &item.vis,
        Item::Fn(item) => &item.vis,
        Item::Static(item) => &item.vis,
        Item::Struct(item) => &item.vis,
        Item::Trait(item) => &item.vis,
        Item::Type(item) => &item.vis,
        Item::Union(item) => &item.vis,
        _ => return false,
    };
    matches!(visibility, Visibility::Public(_)) && !tree::is_hidden(tree::attributes(item))
}

fn imports(item: &ItemUse, found: &mut Vec<Import>) {
    let public = matches!(item.vis, Visibility::Public(_)) && !tree::is_hidden(&item.attrs);
    let start = match item.leading_colon {
        Some(_) => vec![String::new()],
        None => ItemPath::new(),
    };
    visit_use_tree(&item.tree, start, &mut |name, path| {
        found.push(Import { name, path, public });
    });
}

/// Calls `found` for every imported name with its path.
fn visit_use_tree(tree: &UseTree, mut path: ItemPath, found: &mut impl FnMut(String, ItemPath)) {
    match tree {
        UseTree::Path(submodules) => {
            path.push(submodules.ident.to_string());
            visit_use_tree(&submodules.tree, path, found);
        }
        UseTree::Name(leaf) if leaf.ident == "self" => {
            found(path.last().cloned().unwrap_or_default(), path);
        }
        UseTree::Name(leaf) => {
            path.push(leaf.ident.to_string());
            found(leaf.ident.to_string(), path);
        }
        UseTree::Rename(leaf) => {
            if leaf.ident != "self" {
                path.push(leaf.ident.to_string());
            }
            found(leaf.rename.to_string(), path);
        }
        UseTree::Glob(_) => found("*".to_owned(), path),
        UseTree::Group(group) => {
            for tree in &group.items {
                visit_use_tree(tree, path.clone(), found);
            }
        }
    }
}

/// Shortens the path of a standard library item that is commonly written without its module.
fn shorten(path: &[String]) -> String {
    const KNOWN_MODULES: [&str; 13] = [
        "borrow", "boxed", "clone", "cmp", "convert", "default", "fmt", "hash", "iter", "option",
        "result", "str", "string",
    ];
    const AMBIGUOUS: [&str; 2] = ["Error", "Result"];
    match path {
        [root, module, name]
            if matches!(root.as_str(), "std" | "core" | "alloc")
                && (KNOWN_MODULES.contains(&module.as_str())
                    || (module == "vec" && name == "Vec"))
                && (module == "result" || !AMBIGUOUS.contains(&name.as_str())) =>
        {
            name.clone()
        }
        path => path.join("::"),
    }
}

/// Returns the path of a type or a trait, if the tokens form one.
pub fn path_of(tokens: TokenStream) -> Option<ItemPath> {
    let path = syn::parse2::<syn::Path>(tokens).ok()?;
    let segments = path
        .segments
        .iter()
        .map(|segment| segment.ident.to_string());
    let start = path.leading_colon.map(|_| String::new());
    Some(start.into_iter().chain(segments).collect())
}
