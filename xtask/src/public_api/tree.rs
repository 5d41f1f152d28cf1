//! The module tree of a crate, with macros expanded and without tests.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use proc_macro2::TokenStream;
use syn::{Attribute, Item, ItemMod, Meta, Visibility};

use super::bodies::without_bodies;
use super::macros::{Macros, lex};

/// The path of a module or an item, relative to the crate.
pub type ItemPath = Vec<String>;

/// All modules of a crate by path; the path of the root is empty.
pub struct Tree {
    modules: BTreeMap<ItemPath, Module>,
}

/// A module.
#[derive(Default)]
pub struct Module {
    /// The items, without those of submodules.
    pub items: Vec<Item>,
    /// The declared submodules.
    pub submodules: Vec<Submodule>,
    /// The `cfg` attributes that apply to the module.
    pub cfgs: Vec<Attribute>,
    /// Whether it contains the file included by `include!`.
    pub generated: bool,
}

/// The declaration of a module.
pub struct Submodule {
    /// Its name.
    pub name: String,
    /// Whether it is `pub`.
    pub public: bool,
}

/// Macros that define no public items.
const IGNORED_MACROS: [&str; 2] = ["compile_error", "thread_local"];

impl Tree {
    /// Reads the crate with the root `folder/lib.rs`, which includes `generated`.
    pub fn read(folder: &Path, generated: TokenStream) -> Result<Self> {
        let mut reader = TreeReader {
            generated,
            modules: BTreeMap::new(),
            macros: Macros::default(),
        };
        let root = Context {
            folder: folder.to_owned(),
            ..Context::default()
        };
        reader.read(&folder.join("lib.rs"), &root)?;
        reader.finish()
    }

    /// Returns the module at `path`.
    pub fn get(&self, path: &[String]) -> Option<&Module> {
        self.modules.get(path)
    }

    /// Returns every module with its path.
    pub fn iter(&self) -> impl Iterator<Item = (&ItemPath, &Module)> {
        self.modules.iter()
    }
}

/// Reads the files of a crate. Macros are expanded last, when all definitions are known.
struct TreeReader {
    /// The tokens for `include!`, until it is reached.
    generated: TokenStream,
    modules: BTreeMap<ItemPath, Module>,
    macros: Macros,
}

/// Context that a module inherits from its parent.
#[derive(Clone, Default)]
struct Context {
    path: ItemPath,
    /// Folder of the files of its submodules.
    folder: PathBuf,
    cfgs: Vec<Attribute>,
    generated: bool,
}

impl TreeReader {
    fn read(&mut self, file: &Path, context: &Context) -> Result<()> {
        let name = || file.display().to_string();
        let text = std::fs::read_to_string(file).with_context(name)?;
        let items = parse_items(lex(&text).with_context(name)?).with_context(name)?;
        self.add(items, context)
    }

    /// Adds a module and its submodules.
    fn add(&mut self, items: Vec<Item>, context: &Context) -> Result<()> {
        let mut module = Module {
            cfgs: context.cfgs.clone(),
            generated: context.generated,
            ..Module::default()
        };
        for item in items {
            match item {
                Item::Mod(inner) if is_test(&inner.attrs) || is_hidden(&inner.attrs) => {}
                Item::Mod(inner) => {
                    module.submodules.push(Submodule::of(&inner));
                    self.add_inner(inner, context)?;
                }
                Item::Macro(call) if call.mac.path.is_ident("include") => {
                    let context = Context {
                        generated: true,
                        ..context.clone()
                    };
                    let generated = std::mem::take(&mut self.generated);
                    let items = self::parse_items(generated).context("generated code")?;
                    self.add(items, &context)?;
                }
                item if is_test(attributes(&item)) => {}
                Item::Macro(item) => {
                    if let Some(name) = &item.ident {
                        let body = item.mac.tokens.clone();
                        self.macros.define(&name.to_string(), body)?;
                    }
                    module.items.push(Item::Macro(item));
                }
                item => module.items.push(item),
            }
        }
        self.modules
            .entry(context.path.clone())
            .or_default()
            .extend(module);
        Ok(())
    }

    fn add_inner(&mut self, inner: ItemMod, outer: &Context) -> Result<()> {
        let name = inner.ident.to_string();
        let mut context = outer.clone();
        context.folder.push(&name);
        context.path.push(name);
        context.cfgs.extend(cfg_attributes(&inner.attrs).cloned());
        match inner.content {
            Some((_, items)) => self.add(items, &context),
            None => self.read(&module_file(&context.folder), &context),
        }
    }

    /// Returns the tree with all macros expanded.
    fn finish(mut self) -> Result<Tree> {
        for (path, module) in &mut self.modules {
            let items = std::mem::take(&mut module.items);
            module.items = expand_macros(items, &self.macros)
                .with_context(|| format!("module `{}`", path.join("::")))?;
        }
        Ok(Tree {
            modules: self.modules,
        })
    }
}

impl Module {
    /// Merges another part of the same module.
    fn extend(&mut self, part: Self) {
        self.items.extend(part.items);
        self.submodules.extend(part.submodules);
        self.cfgs = part.cfgs;
        self.generated |= part.generated;
    }
}

impl Submodule {
    fn of(item: &ItemMod) -> Self {
        Self {
            name: item.ident.to_string(),
            public: matches!(item.vis, Visibility::Public(_)),
        }
    }
}

/// Parses the items of a file or of a macro expansion, without function bodies.
fn parse_items(tokens: TokenStream) -> Result<Vec<Item>> {
    Ok(syn::parse2::<syn::File>(without_bodies(tokens))?.items)
}

/// Returns `folder/mod.rs` if it exists, or else `folder.rs`.
fn module_file(folder: &Path) -> PathBuf {
    let nested = folder.join("mod.rs");
    if nested.is_file() {
        return nested;
    }
    folder.with_extension("rs")
}

fn expand_macros(calls: Vec<Item>, macros: &Macros) -> Result<Vec<Item>> {
    let mut output = Vec::new();
    for item in calls {
        let call = match item {
            Item::Macro(call) if call.ident.is_none() => call.mac,
            Item::Macro(definition) if !is_exported(&definition.attrs) => continue,
            other => {
                output.push(other);
                continue;
            }
        };
        let Some(name) = call.path.segments.last().map(|last| last.ident.to_string()) else {
            bail!("macro call without a name");
        };
        if IGNORED_MACROS.contains(&name.as_str()) {
            continue;
        }
        let tokens: TokenStream = macros.expand(&name, call.tokens)?;
        let written = parse_items(tokens).with_context(|| format!("macro `{name}!`"))?;
        output.extend(expand_macros(written, macros)?);
    }
    Ok(output)
}

fn is_exported(attributes: &[Attribute]) -> bool {
    attributes
        .iter()
        .any(|one| one.path().is_ident("macro_export"))
}

/// Returns the attributes of an item.
pub fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::TraitAlias(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Union(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// Returns the `cfg` attributes.
pub fn cfg_attributes(attributes: &[Attribute]) -> impl Iterator<Item = &Attribute> {
    attributes.iter().filter(|one| one.path().is_ident("cfg"))
}

/// Whether the item exists only in tests.
pub fn is_test(attributes: &[Attribute]) -> bool {
    cfg_attributes(attributes)
        .any(|one| matches!(&one.meta, Meta::List(list) if list.tokens.to_string() == "test"))
}

/// Whether the item is `#[doc(hidden)]` and thus not part of the public API.
pub fn is_hidden(attributes: &[Attribute]) -> bool {
    attributes
        .iter()
        .filter(|one| one.path().is_ident("doc"))
        .any(|one| matches!(&one.meta, Meta::List(list) if list.tokens.to_string() == "hidden"))
}
