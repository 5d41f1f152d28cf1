//! Names: what a path means in a module, and how users of the crate write it.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{Item, ItemUse, UseTree, Visibility};

use super::tokens::{self, Piece};
use super::tree::{self, Place, Tree};

/// What a path leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// Something in this crate.
    Here(Place),
    /// Something in another crate, or a name that every module has.
    Elsewhere(Place),
}

/// One name that a `use` brings.
pub struct Import {
    /// The name; `*` for all names of what the path leads to.
    pub name: String,
    path: Place,
    /// Whether it is passed on to users.
    pub public: bool,
}

impl Import {
    /// Where it leads to, as it is written.
    pub fn path(&self) -> String {
        let glob = if self.name == "*" { "::*" } else { "" };
        self.path.join("::") + glob
    }
}

/// The names of all modules of a crate.
pub struct Names<'a> {
    tree: &'a Tree,
    scopes: HashMap<&'a [String], Scope>,
    /// For what users can reach: the path by which they do.
    public: BTreeMap<Place, Place>,
    /// Other paths to the same, by the module that offers them.
    others: Vec<(Place, Place, Place)>,
    /// What is passed on to users without being known here.
    passed_on: HashSet<Place>,
}

#[derive(Default)]
struct Scope {
    own: HashSet<String>,
    imports: Vec<Import>,
}

/// How far imports may lead through each other.
const DEPTH: usize = 16;

impl<'a> Names<'a> {
    /// Finds every name, and what users can reach.
    pub fn of(tree: &'a Tree) -> Self {
        let scopes = tree
            .iter()
            .map(|(place, module)| (place.as_slice(), Scope::of(module)));
        let mut names = Self {
            tree,
            scopes: scopes.collect(),
            public: BTreeMap::new(),
            others: Vec::new(),
            passed_on: HashSet::new(),
        };
        names.find_public();
        names
    }

    /// What users can reach, and by which path; the shortest where there are several.
    pub fn public(&self) -> &BTreeMap<Place, Place> {
        &self.public
    }

    /// Whether it is passed on to users without being known here.
    pub fn is_passed_on(&self, place: &[String]) -> bool {
        self.passed_on.contains(place)
    }

    /// The public imports of a module.
    pub fn public_imports(&self, module: &[String]) -> impl Iterator<Item = &Import> {
        let imports = self
            .scopes
            .get(module)
            .map(|scope| scope.imports.as_slice());
        imports.unwrap_or_default().iter().filter(|one| one.public)
    }

    /// Breadth first: what the root offers comes before what lies deeper.
    fn find_public(&mut self) {
        let mut modules = VecDeque::from([(Place::new(), Place::new())]);
        let mut seen = HashSet::new();
        while let Some((module, public)) = modules.pop_front() {
            if !seen.insert((module.clone(), public.clone())) {
                continue;
            }
            for (name, target) in self.offered(&module) {
                let path = below(&public, &name);
                if name == "*" && self.tree.get(&target).is_some() {
                    modules.push_back((target, public.clone()));
                } else if self.public.contains_key(&target) {
                    self.others.push((module.clone(), path, target));
                } else {
                    self.public.insert(target.clone(), path.clone());
                    modules.push_back((target, path));
                }
            }
        }
    }

    /// The paths that a module offers to what has a better one, each with that one.
    pub fn others(&self, module: &[String]) -> impl Iterator<Item = (&Place, &Place)> {
        self.others.iter().filter_map(move |(by, path, target)| {
            (by == module).then_some((path, self.public.get(target)?))
        })
    }

    /// The public names of a module and what they lead to.
    fn offered(&mut self, module: &[String]) -> Vec<(String, Place)> {
        let mut offered = Vec::new();
        if let Some(found) = self.tree.get(module) {
            let items = found
                .items
                .iter()
                .filter(|item| is_public(item))
                .filter_map(name_of);
            let inner = found.inner.iter().filter(|inner| inner.public);
            let names = items.chain(inner.map(|inner| inner.name.clone()));
            offered.extend(names.map(|name| (name.clone(), below(module, &name))));
        }
        let mut unknown = Vec::new();
        for import in self.public_imports(module) {
            match self.resolve(module, &import.path) {
                Target::Here(target) if self.exists(&target) => {
                    offered.push((import.name.clone(), target));
                }
                // Users get it under this name, wherever it is from.
                _ => unknown.push(import.name.clone()),
            }
        }
        for name in unknown {
            let place = below(module, &name);
            self.passed_on.insert(place.clone());
            offered.push((name, place));
        }
        offered
    }

    fn exists(&self, place: &[String]) -> bool {
        let in_parent = place.split_last().is_some_and(|(name, parent)| {
            self.scopes
                .get(parent)
                .is_some_and(|scope| scope.own.contains(name))
        });
        in_parent || self.tree.get(place).is_some()
    }

    /// What `path` means in `module`.
    pub fn resolve(&self, module: &[String], path: &[String]) -> Target {
        self.follow(module, path, 0)
    }

    fn follow(&self, module: &[String], path: &[String], depth: usize) -> Target {
        let elsewhere = || Target::Elsewhere(path.to_vec());
        let Some((first, rest)) = path.split_first() else {
            return Target::Here(module.to_vec());
        };
        let start = match first.as_str() {
            "crate" => Vec::new(),
            "self" => module.to_vec(),
            "super" => module
                .split_last()
                .map(|(_, parent)| parent.to_vec())
                .unwrap_or_default(),
            "" => return Target::Elsewhere(rest.to_vec()),
            name => match self.lookup(module, name, depth) {
                Some(Target::Here(place)) => place,
                Some(Target::Elsewhere(path)) => return Target::Elsewhere([&path, rest].concat()),
                None => return elsewhere(),
            },
        };
        let mut place = start;
        for (index, name) in rest.iter().enumerate() {
            if name == "super" {
                place.pop();
                continue;
            }
            match self.lookup(&place, name, depth) {
                Some(Target::Here(found)) => place = found,
                Some(Target::Elsewhere(path)) => {
                    return Target::Elsewhere([&path, &rest[index + 1..]].concat());
                }
                // A variant or a member of a type, or a name of a part that is not here.
                None => place.push(name.clone()),
            }
        }
        Target::Here(place)
    }

    /// What a name in a module means.
    fn lookup(&self, module: &[String], name: &str, depth: usize) -> Option<Target> {
        let scope = self.scopes.get(module)?;
        if depth > DEPTH {
            return None;
        }
        if scope.own.contains(name) {
            return Some(Target::Here(below(module, name)));
        }
        if let Some(import) = scope.imports.iter().find(|import| import.name == name) {
            return Some(self.follow(module, &import.path, depth + 1));
        }
        let globs = scope.imports.iter().filter(|import| import.name == "*");
        globs
            .filter_map(
                |import| match self.follow(module, &import.path, depth + 1) {
                    Target::Here(place) if place != module => self.lookup(&place, name, depth + 1),
                    _ => None,
                },
            )
            .next()
    }

    /// How users write what `path` means in `module`; `None` where they cannot reach it.
    pub fn written(&self, module: &[String], path: &[String]) -> Option<String> {
        match self.resolve(module, path) {
            Target::Elsewhere(path) => Some(short(&path)),
            Target::Here(place) => self.public.get(&place).map(|public| public.join("::")),
        }
    }

    /// Tokens of a type, a bound or generics, in the words of users and on one line.
    pub fn text(&self, module: &[String], tokens: &impl ToTokens) -> String {
        let pieces = tokens::pieces(tokens.to_token_stream());
        tokens::write(&self.translated(module, pieces))
    }

    fn translated(&self, module: &[String], pieces: Vec<Piece>) -> Vec<Piece> {
        let mut output: Vec<Piece> = Vec::new();
        let mut at = 0;
        while at < pieces.len() {
            let path = path_at(&pieces, at, output.last());
            if path.is_empty() {
                let closes = pieces[at] == Piece::Sign(">");
                if closes && output.last() == Some(&Piece::Sign(",")) {
                    output.pop();
                }
                output.push(pieces[at].clone());
                at += 1;
                continue;
            }
            // The names, with a sign between each two and before an empty one.
            let follows_type = output.last() == Some(&Piece::Sign("::"));
            at += 2 * path.len() - 1 - usize::from(path[0].is_empty());
            let is_binding = matches!(pieces.get(at), Some(Piece::Sign("=" | ":")));
            let is_name = path.len() > 1 || !(is_binding || follows_type || is_word(&path[0]));
            let written = is_name.then(|| self.written(module, &path)).flatten();
            // What users cannot reach is written as it is, so that a change of it shows.
            output.push(Piece::Word(written.unwrap_or_else(|| path.join("::"))));
        }
        output
    }
}

impl Scope {
    fn of(module: &tree::Module) -> Self {
        let mut scope = Self::default();
        scope
            .own
            .extend(module.inner.iter().map(|inner| inner.name.clone()));
        for item in &module.items {
            scope.own.extend(name_of(item));
            if let Item::Use(item) = item {
                imports(item, &mut scope.imports);
            }
        }
        scope
    }
}

/// The place of what has that name in a module.
pub fn below(place: &[String], name: &str) -> Place {
    [place, &[name.to_owned()]].concat()
}

/// The path that starts at a piece, if one does; a leading `::` is an empty name.
fn path_at(pieces: &[Piece], mut at: usize, last: Option<&Piece>) -> Place {
    let mut path = Place::new();
    // After a type in angle brackets comes one of its members.
    let starts = matches!(&pieces[at..], [Piece::Sign("::"), Piece::Word(_), ..]);
    if starts && last != Some(&Piece::Sign(">")) {
        path.push(String::new());
        at += 1;
    }
    while let Some(Piece::Word(word)) = pieces.get(at) {
        path.push(word.clone());
        if pieces.get(at + 1) != Some(&Piece::Sign("::")) {
            break;
        }
        at += 2;
    }
    path
}

/// Words that are no names.
fn is_word(word: &str) -> bool {
    const WORDS: [&str; 13] = [
        "as", "async", "const", "dyn", "fn", "for", "impl", "mut", "self", "unsafe", "use",
        "where", "Self",
    ];
    WORDS.contains(&word) || !word.starts_with(|first: char| first.is_alphabetic() || first == '_')
}

/// The name under which an item stands in its module.
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

/// Whether users may use an item where they reach its module.
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
        None => Place::new(),
    };
    leaves(&item.tree, start, &mut |name, path| {
        found.push(Import { name, path, public });
    });
}

/// Every name of a tree of imports with its path.
fn leaves(tree: &UseTree, mut path: Place, found: &mut impl FnMut(String, Place)) {
    match tree {
        UseTree::Path(inner) => {
            path.push(inner.ident.to_string());
            leaves(&inner.tree, path, found);
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
                leaves(tree, path.clone(), found);
            }
        }
    }
}

/// The path of another crate's item, without the modules of what everybody knows by its last name.
fn short(path: &[String]) -> String {
    const KNOWN: [&str; 13] = [
        "borrow", "boxed", "clone", "cmp", "convert", "default", "fmt", "hash", "iter", "option",
        "result", "str", "string",
    ];
    const OTHERS: [&str; 2] = ["Error", "Result"];
    match path {
        [root, module, name]
            if matches!(root.as_str(), "std" | "core" | "alloc")
                && (KNOWN.contains(&module.as_str()) || (module == "vec" && name == "Vec"))
                && (module == "result" || !OTHERS.contains(&name.as_str())) =>
        {
            name.clone()
        }
        path => path.join("::"),
    }
}

/// The path of a type or a trait, if it is one.
pub fn path_of(tokens: TokenStream) -> Option<Place> {
    let path = syn::parse2::<syn::Path>(tokens).ok()?;
    let segments = path
        .segments
        .iter()
        .map(|segment| segment.ident.to_string());
    let start = path.leading_colon.map(|_| String::new());
    Some(start.into_iter().chain(segments).collect())
}
