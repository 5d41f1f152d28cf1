//! The modules of a crate with their items, macros expanded, tests left out.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use proc_macro2::TokenStream;
use syn::{Attribute, Item, ItemMod, Meta, Visibility};

use super::bodies::without_bodies;
use super::macros::{Macros, lex};

/// The path of a module or an item below the crate.
pub type Place = Vec<String>;

/// All modules of a crate by their path; the root's is empty.
pub struct Tree {
    modules: BTreeMap<Place, Module>,
}

/// A module.
#[derive(Default)]
pub struct Module {
    /// Its items; those of modules inside stand in modules of their own.
    pub items: Vec<Item>,
    /// The modules inside, with what stands before them.
    pub inner: Vec<Inner>,
    /// The conditions under which it is there (`#[cfg(…)]`).
    pub conditions: Vec<Attribute>,
    /// Whether it is in the file that `include!` brings.
    pub generated: bool,
}

/// The declaration of a module.
pub struct Inner {
    /// Its name.
    pub name: String,
    /// Whether it is `pub`.
    pub public: bool,
}

/// Macros that write nothing that could be public.
const PASSED_OVER: [&str; 2] = ["compile_error", "thread_local"];

impl Tree {
    /// Reads the crate whose root is `folder/lib.rs` and that includes `generated`.
    pub fn read(folder: &Path, generated: TokenStream) -> Result<Self> {
        let mut files = Files {
            generated,
            modules: BTreeMap::new(),
            macros: Macros::default(),
        };
        let root = Context {
            folder: folder.to_owned(),
            ..Context::default()
        };
        files.read(&folder.join("lib.rs"), &root)?;
        files.finish()
    }

    /// The module at `place`.
    pub fn get(&self, place: &[String]) -> Option<&Module> {
        self.modules.get(place)
    }

    /// Every module with its path.
    pub fn iter(&self) -> impl Iterator<Item = (&Place, &Module)> {
        self.modules.iter()
    }
}

/// A tree while its files are read. Macros are expanded last, when all definitions are known.
struct Files {
    /// What `include!` brings, until it has brought it.
    generated: TokenStream,
    modules: BTreeMap<Place, Module>,
    macros: Macros,
}

/// What a module has from where it stands.
#[derive(Clone, Default)]
struct Context {
    place: Place,
    /// Where the modules lie that it declares without a body.
    folder: PathBuf,
    conditions: Vec<Attribute>,
    generated: bool,
}

impl Files {
    fn read(&mut self, file: &Path, context: &Context) -> Result<()> {
        let name = || file.display().to_string();
        let text = std::fs::read_to_string(file).with_context(name)?;
        let items = items(lex(&text).with_context(name)?).with_context(name)?;
        self.add(items, context)
    }

    /// Adds a module with those inside it.
    fn add(&mut self, items: Vec<Item>, context: &Context) -> Result<()> {
        let mut module = Module {
            conditions: context.conditions.clone(),
            generated: context.generated,
            ..Module::default()
        };
        for item in items {
            match item {
                Item::Mod(inner) if is_test(&inner.attrs) || is_hidden(&inner.attrs) => {}
                Item::Mod(inner) => {
                    module.inner.push(Inner::of(&inner));
                    self.add_inner(inner, context)?;
                }
                Item::Macro(call) if call.mac.path.is_ident("include") => {
                    let context = Context {
                        generated: true,
                        ..context.clone()
                    };
                    let generated = std::mem::take(&mut self.generated);
                    let items = self::items(generated).context("generated code")?;
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
            .entry(context.place.clone())
            .or_default()
            .extend(module);
        Ok(())
    }

    fn add_inner(&mut self, inner: ItemMod, outer: &Context) -> Result<()> {
        let name = inner.ident.to_string();
        let mut context = outer.clone();
        context.folder.push(&name);
        context.place.push(name);
        context.conditions.extend(conditions(&inner.attrs).cloned());
        match inner.content {
            Some((_, items)) => self.add(items, &context),
            None => self.read(&file_of(&context.folder), &context),
        }
    }

    /// The tree with everything that macros write.
    fn finish(mut self) -> Result<Tree> {
        for (place, module) in &mut self.modules {
            let items = std::mem::take(&mut module.items);
            module.items = expanded(items, &self.macros)
                .with_context(|| format!("module `{}`", place.join("::")))?;
        }
        Ok(Tree {
            modules: self.modules,
        })
    }
}

impl Module {
    /// Adds what another part of the module holds.
    fn extend(&mut self, part: Self) {
        self.items.extend(part.items);
        self.inner.extend(part.inner);
        self.conditions = part.conditions;
        self.generated |= part.generated;
    }
}

impl Inner {
    fn of(item: &ItemMod) -> Self {
        Self {
            name: item.ident.to_string(),
            public: matches!(item.vis, Visibility::Public(_)),
        }
    }
}

/// The items of a file or of what a macro writes, without the bodies of functions.
fn items(tokens: TokenStream) -> Result<Vec<Item>> {
    Ok(syn::parse2::<syn::File>(without_bodies(tokens))?.items)
}

/// `folder.rs`, or `folder/mod.rs` where that is what there is.
fn file_of(folder: &Path) -> PathBuf {
    let nested = folder.join("mod.rs");
    if nested.is_file() {
        return nested;
    }
    folder.with_extension("rs")
}

fn expanded(calls: Vec<Item>, macros: &Macros) -> Result<Vec<Item>> {
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
            bail!("a macro without a name");
        };
        if PASSED_OVER.contains(&name.as_str()) {
            continue;
        }
        let tokens: TokenStream = macros.expand(&name, call.tokens)?;
        let written = items(tokens).with_context(|| format!("macro `{name}!`"))?;
        output.extend(expanded(written, macros)?);
    }
    Ok(output)
}

fn is_exported(attributes: &[Attribute]) -> bool {
    attributes
        .iter()
        .any(|one| one.path().is_ident("macro_export"))
}

/// What stands before an item.
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

/// The conditions among attributes.
pub fn conditions(attributes: &[Attribute]) -> impl Iterator<Item = &Attribute> {
    attributes.iter().filter(|one| one.path().is_ident("cfg"))
}

/// Whether it is there only in tests.
pub fn is_test(attributes: &[Attribute]) -> bool {
    conditions(attributes)
        .any(|one| matches!(&one.meta, Meta::List(list) if list.tokens.to_string() == "test"))
}

/// Whether it is `#[doc(hidden)]`, hence no promise.
pub fn is_hidden(attributes: &[Attribute]) -> bool {
    attributes
        .iter()
        .filter(|one| one.path().is_ident("doc"))
        .any(|one| matches!(&one.meta, Meta::List(list) if list.tokens.to_string() == "hidden"))
}
