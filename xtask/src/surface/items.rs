//! Items: one line for each that users can reach, and for each part of it that they can use.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::punctuated::Punctuated;
use syn::{
    Attribute, Field, Fields, FnArg, GenericParam, Generics, ImplItem, Item, ItemEnum, ItemImpl,
    ItemStruct, ItemTrait, Pat, Path, Signature, Token, TraitItem, Visibility,
};

use super::names::{Names, Target, below, name_of, path_of};
use super::tree::{self, Module, Place, Tree};

/// Every item that users can reach and that stands in a module that is `wanted`, by its path, with
/// its signature.
pub fn surface(tree: &Tree, wanted: impl Fn(&Module) -> bool) -> BTreeMap<String, String> {
    let names = Names::of(tree);
    let mut writer = Writer {
        names: &names,
        lines: BTreeMap::new(),
    };
    for (place, module) in tree.iter().filter(|(_, module)| wanted(module)) {
        let here = Here {
            module: place,
            conditions: &module.conditions,
        };
        writer.module(&here);
        for item in &module.items {
            writer.item(&here, item);
        }
    }
    let lines = writer.lines.into_iter();
    lines
        .map(|(path, signatures)| (path, Vec::from_iter(signatures).join(" | ")))
        .collect()
}

/// Where an item stands.
struct Here<'a> {
    module: &'a Place,
    conditions: &'a [Attribute],
}

struct Writer<'a> {
    names: &'a Names<'a>,
    lines: BTreeMap<String, BTreeSet<String>>,
}

impl Writer<'_> {
    /// Items of one path stand on one line: a field and a method, or what conditions choose from.
    fn add(&mut self, path: String, signature: String) {
        let there = self.lines.entry(path).or_default();
        there.insert(signature);
    }

    /// A module itself, and what it passes on from elsewhere.
    fn module(&mut self, here: &Here<'_>) {
        let path = self.names.public().get(here.module).cloned();
        if let Some(path) = path.filter(|path| !path.is_empty()) {
            self.add(path.join("::"), prefixed(here, &[], "mod".to_owned()));
        }
        for (path, other) in self.names.others(here.module) {
            self.add(path.join("::"), format!("use {}", other.join("::")));
        }
        for import in self.names.public_imports(here.module) {
            let place = below(here.module, &import.name);
            if let (true, Some(path)) = (
                self.names.is_passed_on(&place),
                self.names.public().get(&place),
            ) {
                self.add(path.join("::"), format!("use {}", import.path()));
            }
        }
    }

    fn item(&mut self, here: &Here<'_>, item: &Item) {
        if let Item::Impl(item) = item {
            return self.implementation(here, item);
        }
        if let Item::Macro(item) = item
            && let Some(name) = &item.ident
        {
            // `#[macro_export]` puts it at the root.
            return self.add(name.to_string(), "macro".to_owned());
        }
        let Some(name) = name_of(item) else { return };
        let place = below(here.module, &name);
        let Some(path) = self.names.public().get(&place).map(|path| path.join("::")) else {
            return;
        };
        let text = |tokens: &dyn ToTokens| self.names.text(here.module, &tokens.to_token_stream());
        let signature = match item {
            Item::Const(item) => format!("const: {}", text(&item.ty)),
            Item::Static(item) => format!("static: {}", text(&item.ty)),
            Item::Fn(item) => self.function(here, &item.sig),
            Item::Type(item) => {
                format!("type{} = {}", text(&item.generics), text(&item.ty))
            }
            Item::Union(item) => format!("union{}", self.generics(here, &item.generics)),
            Item::Struct(item) => return self.structure(here, item, &path),
            Item::Enum(item) => return self.enumeration(here, item, &path),
            Item::Trait(item) => return self.interface(here, item, &path),
            _ => return,
        };
        self.add(path, prefixed(here, tree::attributes(item), signature));
    }

    fn structure(&mut self, here: &Here<'_>, item: &ItemStruct, path: &str) {
        let generics = self.generics(here, &item.generics);
        let shape = match &item.fields {
            Fields::Unit => ";".to_owned(),
            Fields::Unnamed(fields) => format!("({})", self.tuple(here, &fields.unnamed, false)),
            Fields::Named(fields) if fields.named.iter().all(is_open) => String::new(),
            Fields::Named(_) => " { .. }".to_owned(),
        };
        let signature = format!("struct{generics}{shape}");
        self.add(path.to_owned(), prefixed(here, &item.attrs, signature));
        if let Fields::Named(fields) = &item.fields {
            for field in fields.named.iter().filter(|field| is_open(field)) {
                self.field(here, field, path);
            }
        }
        self.derived(here, &item.attrs, &item.generics, path);
    }

    fn field(&mut self, here: &Here<'_>, field: &Field, path: &str) {
        if let Some(name) = &field.ident
            && !tree::is_hidden(&field.attrs)
        {
            let signature = format!("field: {}", self.names.text(here.module, &field.ty));
            self.add(
                format!("{path}::{name}"),
                prefixed(here, &field.attrs, signature),
            );
        }
    }

    /// The fields of a tuple; private ones as `_`.
    fn tuple(&self, here: &Here<'_>, fields: &Punctuated<Field, Token![,]>, all: bool) -> String {
        let one = |field: &Field| match all || is_open(field) {
            true => self.names.text(here.module, &field.ty),
            false => "_".to_owned(),
        };
        fields.iter().map(one).collect::<Vec<_>>().join(", ")
    }

    fn enumeration(&mut self, here: &Here<'_>, item: &ItemEnum, path: &str) {
        let signature = format!("enum{}", self.generics(here, &item.generics));
        self.add(path.to_owned(), prefixed(here, &item.attrs, signature));
        for variant in &item.variants {
            if tree::is_hidden(&variant.attrs) {
                continue;
            }
            let path = format!("{path}::{}", variant.ident);
            let fields = match &variant.fields {
                Fields::Unnamed(fields) => format!("({})", self.tuple(here, &fields.unnamed, true)),
                _ => String::new(),
            };
            let signature = format!("variant{fields}");
            self.add(path.clone(), prefixed(here, &variant.attrs, signature));
            if let Fields::Named(fields) = &variant.fields {
                fields
                    .named
                    .iter()
                    .for_each(|field| self.field(here, field, &path));
            }
        }
        self.derived(here, &item.attrs, &item.generics, path);
    }

    fn interface(&mut self, here: &Here<'_>, item: &ItemTrait, path: &str) {
        let mut signature = format!("trait{}", self.generics(here, &item.generics));
        if !item.supertraits.is_empty() {
            signature += &format!(": {}", self.names.text(here.module, &item.supertraits));
        }
        self.add(path.to_owned(), prefixed(here, &item.attrs, signature));
        for member in &item.items {
            let (name, attributes, signature) = match member {
                TraitItem::Fn(member) => {
                    let provided = if member.default.is_some() {
                        " { .. }"
                    } else {
                        ""
                    };
                    let signature = self.function(here, &member.sig) + provided;
                    (&member.sig.ident, &member.attrs, signature)
                }
                TraitItem::Type(member) => {
                    let bounds = self.names.text(here.module, &member.bounds);
                    (&member.ident, &member.attrs, format!("type: {bounds}"))
                }
                TraitItem::Const(member) => {
                    let kind = self.names.text(here.module, &member.ty);
                    (&member.ident, &member.attrs, format!("const: {kind}"))
                }
                _ => continue,
            };
            if !tree::is_hidden(attributes) {
                self.add(
                    format!("{path}::{name}"),
                    prefixed(here, attributes, signature),
                );
            }
        }
    }

    /// The traits that `derive` implements; a generic type has them where its parameters do.
    fn derived(
        &mut self,
        here: &Here<'_>,
        attributes: &[Attribute],
        generics: &Generics,
        path: &str,
    ) {
        let derives = attributes
            .iter()
            .filter(|one| one.path().is_ident("derive"));
        for derive in derives {
            let traits = derive.parse_args_with(Punctuated::<Path, Token![,]>::parse_terminated);
            for one in traits.into_iter().flatten() {
                let mut generics = generics.clone();
                for parameter in generics.type_params_mut() {
                    parameter.bounds.push(syn::parse_quote!(#one));
                }
                let signature = format!("impl{}", self.generics(here, &generics));
                let path = format!("{path}: {}", self.names.text(here.module, &one));
                self.add(path, prefixed(here, &[], signature));
            }
        }
    }

    fn implementation(&mut self, here: &Here<'_>, item: &ItemImpl) {
        let Some(target) = self.target(here, item) else {
            return;
        };
        match &item.trait_ {
            Some((implemented, _)) => {
                if self.is_reachable(here, implemented) {
                    let (implemented, generics) = without_lifetimes(implemented, &item.generics);
                    let path = format!("{target}: {}", self.names.text(here.module, &implemented));
                    let signature = self.implemented(here, item, &generics);
                    self.add(path, prefixed(here, &item.attrs, signature));
                }
            }
            None => self.members(here, item, &target),
        }
    }

    /// The type that an implementation is for, as users write it; `None` where they cannot.
    fn target(&self, here: &Here<'_>, item: &ItemImpl) -> Option<String> {
        let kind = item.self_ty.to_token_stream();
        if tree::is_test(&item.attrs) || tree::is_hidden(&item.attrs) {
            return None;
        }
        let Some(path) = path_of(kind.clone()) else {
            return Some(self.names.text(here.module, &kind));
        };
        let written = self.names.written(here.module, &path)?;
        // Parameters of its own say nothing; other arguments say which of the types is meant.
        let own = is_generic_over(&kind, &item.generics);
        Some(if own {
            written
        } else {
            self.names.text(here.module, &kind)
        })
    }

    fn is_reachable(&self, here: &Here<'_>, path: &Path) -> bool {
        let mut bare = path.clone();
        for segment in &mut bare.segments {
            segment.arguments = syn::PathArguments::None;
        }
        path_of(bare.to_token_stream())
            .is_some_and(|path| self.names.written(here.module, &path).is_some())
            && !mentions_private(self.names, here.module, path)
    }

    /// What an implementation of a trait is generic over, and the types that it chooses.
    fn implemented(&self, here: &Here<'_>, item: &ItemImpl, generics: &Generics) -> String {
        let chosen = item.items.iter().filter_map(|member| match member {
            ImplItem::Type(member) => {
                let kind = self.names.text(here.module, &member.ty);
                Some(format!("type {} = {kind};", member.ident))
            }
            _ => None,
        });
        let chosen: Vec<String> = chosen.collect();
        let generics = self.generics(here, generics);
        match chosen.is_empty() {
            true => format!("impl{generics}"),
            false => format!("impl{generics} {{ {} }}", chosen.join(" ")),
        }
    }

    fn members(&mut self, here: &Here<'_>, item: &ItemImpl, target: &str) {
        let bounds = match has_bounds(&item.generics) {
            true => format!("impl{} ", self.generics(here, &item.generics)),
            false => String::new(),
        };
        let outer: Vec<Attribute> = tree::conditions(&item.attrs).cloned().collect();
        for member in &item.items {
            let (name, visibility, attributes, signature) = match member {
                ImplItem::Fn(member) => {
                    let signature = self.function(here, &member.sig);
                    (&member.sig.ident, &member.vis, &member.attrs, signature)
                }
                ImplItem::Const(member) => {
                    let kind = self.names.text(here.module, &member.ty);
                    (
                        &member.ident,
                        &member.vis,
                        &member.attrs,
                        format!("const: {kind}"),
                    )
                }
                _ => continue,
            };
            let public = matches!(visibility, Visibility::Public(_));
            if public && !tree::is_hidden(attributes) && !tree::is_test(attributes) {
                let attributes = [outer.as_slice(), attributes].concat();
                let signature = prefixed(here, &attributes, format!("{bounds}{signature}"));
                self.add(format!("{target}::{name}"), signature);
            }
        }
    }

    /// `fn(&self, name: T) -> R`, with what stands before and behind it.
    fn function(&self, here: &Here<'_>, signature: &Signature) -> String {
        let mut text = String::new();
        for (is_there, word) in [
            (signature.constness.is_some(), "const "),
            (signature.asyncness.is_some(), "async "),
            (
                signature.safety.to_token_stream().to_string() == "unsafe",
                "unsafe ",
            ),
        ] {
            text += if is_there { word } else { "" };
        }
        let arguments: Vec<String> = signature
            .inputs
            .iter()
            .map(|argument| self.argument(here, argument))
            .collect();
        let (parameters, _, condition) = signature.generics.split_for_impl();
        let parameters = self.names.text(here.module, &parameters);
        text += &format!("fn{parameters}({})", arguments.join(", "));
        let output = self.names.text(here.module, &signature.output);
        for part in [output, self.names.text(here.module, &condition)] {
            if !part.is_empty() {
                text += &format!(" {part}");
            }
        }
        text
    }

    fn argument(&self, here: &Here<'_>, argument: &FnArg) -> String {
        match argument {
            FnArg::Receiver(receiver) => {
                let mut receiver = receiver.clone();
                receiver.attrs.clear();
                receiver.mutability = None;
                self.names.text(here.module, &receiver)
            }
            FnArg::Typed(typed) => {
                let kind = self.names.text(here.module, &typed.ty);
                match &*typed.pat {
                    Pat::Ident(name) => format!("{}: {kind}", name.ident),
                    _ => format!("_: {kind}"),
                }
            }
        }
    }

    /// `<T: Bound> where …`, or nothing.
    fn generics(&self, here: &Here<'_>, generics: &Generics) -> String {
        let (parameters, _, condition) = generics.split_for_impl();
        let mut text = self.names.text(here.module, &parameters);
        let condition = self.names.text(here.module, &condition);
        if !condition.is_empty() {
            text += &format!(" {condition}");
        }
        text
    }
}

/// Whether users see a field.
fn is_open(field: &Field) -> bool {
    matches!(field.vis, Visibility::Public(_))
}

/// Whether the arguments of a type are the parameters of its implementation, each as it is.
fn is_generic_over(kind: &TokenStream, generics: &Generics) -> bool {
    let Ok(path) = syn::parse2::<Path>(kind.clone()) else {
        return false;
    };
    let parameters: HashSet<String> = generics
        .params
        .iter()
        .map(|parameter| match parameter {
            GenericParam::Type(one) => one.ident.to_string(),
            GenericParam::Lifetime(one) => one.lifetime.to_string(),
            GenericParam::Const(one) => one.ident.to_string(),
        })
        .collect();
    path.segments
        .iter()
        .all(|segment| match &segment.arguments {
            syn::PathArguments::None => true,
            syn::PathArguments::AngleBracketed(list) => {
                let known = |one: &syn::GenericArgument| {
                    parameters.contains(&one.to_token_stream().to_string().replace(' ', ""))
                };
                list.args.iter().all(known)
            }
            _ => false,
        })
}

/// `Deserialize` for `Deserialize<'de>`: written by hand or derived, it is the same to users.
fn without_lifetimes(implemented: &Path, generics: &Generics) -> (Path, Generics) {
    use syn::{GenericArgument, PathArguments};
    let (mut implemented, mut generics) = (implemented.clone(), generics.clone());
    for segment in &mut implemented.segments {
        if let PathArguments::AngleBracketed(list) = &segment.arguments
            && list
                .args
                .iter()
                .all(|one| matches!(one, GenericArgument::Lifetime(_)))
        {
            segment.arguments = PathArguments::None;
            let lasting = |one: &GenericParam| !matches!(one, GenericParam::Lifetime(_));
            generics.params = generics.params.into_iter().filter(lasting).collect();
        }
    }
    (implemented, generics)
}

fn has_bounds(generics: &Generics) -> bool {
    generics.where_clause.is_some()
        || generics
            .type_params()
            .any(|parameter| !parameter.bounds.is_empty())
}

/// Whether the arguments of a trait name a type that users cannot reach.
fn mentions_private(names: &Names<'_>, module: &[String], path: &Path) -> bool {
    let arguments = path
        .segments
        .iter()
        .filter_map(|segment| match &segment.arguments {
            syn::PathArguments::AngleBracketed(list) => Some(&list.args),
            _ => None,
        });
    arguments
        .flatten()
        .filter_map(|argument| path_of(argument.to_token_stream()))
        .any(|path| match names.resolve(module, &path) {
            Target::Here(_) => names.written(module, &path).is_none(),
            Target::Elsewhere(_) => false,
        })
}

/// The signature with what stands before the item and matters: conditions, and whether more may come.
fn prefixed(here: &Here<'_>, attributes: &[Attribute], signature: String) -> String {
    let conditions = here.conditions.iter().chain(tree::conditions(attributes));
    let mut text = String::new();
    for condition in conditions {
        text += &attribute_text(condition);
    }
    if attributes
        .iter()
        .any(|one| one.path().is_ident("non_exhaustive"))
    {
        text += "#[non_exhaustive] ";
    }
    text + &signature
}

/// `#[cfg(feature = "name")] `.
fn attribute_text(attribute: &Attribute) -> String {
    use super::tokens::{pieces, write};
    format!("#[{}] ", write(&pieces(attribute.meta.to_token_stream())))
}
