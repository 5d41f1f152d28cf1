//! Collects the public items: one line for each item that users can reach, and for each of its
//! public parts.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::punctuated::Punctuated;
use syn::{
    Attribute, Field, Fields, FnArg, GenericParam, Generics, ImplItem, Item, ItemEnum, ItemImpl,
    ItemStruct, ItemTrait, Pat, Path, Signature, Token, TraitItem, Visibility,
};

use super::names::{Names, Resolution, child, name_of, path_of};
use super::tree::{self, ItemPath, Module, Tree};

/// Returns every item that users can reach and whose module satisfies `include`: its path and its
/// signature.
pub fn public_items(tree: &Tree, include: impl Fn(&Module) -> bool) -> BTreeMap<String, String> {
    let names = Names::of(tree);
    let mut writer = Writer {
        names: &names,
        lines: BTreeMap::new(),
    };
    for (item_path, module) in tree.iter().filter(|(_, module)| include(module)) {
        let context = ModuleContext {
            module: item_path,
            cfgs: &module.cfgs,
        };
        writer.module(&context);
        for item in &module.items {
            writer.item(&context, item);
        }
    }
    let lines = writer.lines.into_iter();
    lines
        .map(|(path, signatures)| (path, Vec::from_iter(signatures).join(" | ")))
        .collect()
}

/// The module of an item.
struct ModuleContext<'a> {
    module: &'a ItemPath,
    cfgs: &'a [Attribute],
}

struct Writer<'a> {
    names: &'a Names<'a>,
    lines: BTreeMap<String, BTreeSet<String>>,
}

impl Writer<'_> {
    /// Items with the same path share a line: a field and a method, or alternatives under different
    /// `cfg`s.
    fn add(&mut self, path: String, signature: String) {
        let there = self.lines.entry(path).or_default();
        there.insert(signature);
    }

    /// Adds a module and its re-exports.
    fn module(&mut self, context: &ModuleContext<'_>) {
        let path = self.names.public().get(context.module).cloned();
        if let Some(path) = path.filter(|path| !path.is_empty()) {
            self.add(
                path.join("::"),
                with_attributes(context, &[], "mod".to_owned()),
            );
        }
        for (path, other) in self.names.aliases(context.module) {
            self.add(path.join("::"), format!("use {}", other.join("::")));
        }
        for import in self.names.public_imports(context.module) {
            let item_path = child(context.module, &import.name);
            if let (true, Some(path)) = (
                self.names.is_external_reexport(&item_path),
                self.names.public().get(&item_path),
            ) {
                self.add(path.join("::"), format!("use {}", import.path()));
            }
        }
    }

    fn item(&mut self, context: &ModuleContext<'_>, item: &Item) {
        if let Item::Impl(item) = item {
            return self.impl_item(context, item);
        }
        if let Item::Macro(item) = item
            && let Some(name) = &item.ident
        {
            // `#[macro_export]` puts the macro at the crate root.
            return self.add(name.to_string(), "macro".to_owned());
        }
        let Some(name) = name_of(item) else { return };
        let item_path = child(context.module, &name);
        let Some(path) = self
            .names
            .public()
            .get(&item_path)
            .map(|path| path.join("::"))
        else {
            return;
        };
        let text =
            |tokens: &dyn ToTokens| self.names.text(context.module, &tokens.to_token_stream());
        let signature = match item {
            Item::Const(item) => format!("const: {}", text(&item.ty)),
            Item::Static(item) => format!("static: {}", text(&item.ty)),
            Item::Fn(item) => self.function(context, &item.sig),
            Item::Type(item) => {
                format!("type{} = {}", text(&item.generics), text(&item.ty))
            }
            Item::Union(item) => format!("union{}", self.generics(context, &item.generics)),
            Item::Struct(item) => return self.struct_item(context, item, &path),
            Item::Enum(item) => return self.enum_item(context, item, &path),
            Item::Trait(item) => return self.trait_item(context, item, &path),
            _ => return,
        };
        self.add(
            path,
            with_attributes(context, tree::attributes(item), signature),
        );
    }

    fn struct_item(&mut self, context: &ModuleContext<'_>, item: &ItemStruct, path: &str) {
        let generics = self.generics(context, &item.generics);
        let body = match &item.fields {
            Fields::Unit => ";".to_owned(),
            Fields::Unnamed(fields) => {
                format!("({})", self.tuple_fields(context, &fields.unnamed, false))
            }
            Fields::Named(fields) if fields.named.iter().all(is_public_field) => String::new(),
            Fields::Named(_) => " { .. }".to_owned(),
        };
        let signature = format!("struct{generics}{body}");
        self.add(
            path.to_owned(),
            with_attributes(context, &item.attrs, signature),
        );
        if let Fields::Named(fields) = &item.fields {
            for field in fields.named.iter().filter(|field| is_public_field(field)) {
                self.field(context, field, path);
            }
        }
        self.derives(context, &item.attrs, &item.generics, path);
    }

    fn field(&mut self, context: &ModuleContext<'_>, field: &Field, path: &str) {
        if let Some(name) = &field.ident
            && !tree::is_hidden(&field.attrs)
        {
            let signature = format!("field: {}", self.names.text(context.module, &field.ty));
            self.add(
                format!("{path}::{name}"),
                with_attributes(context, &field.attrs, signature),
            );
        }
    }

    /// Formats the fields of a tuple; private ones as `_`.
    fn tuple_fields(
        &self,
        context: &ModuleContext<'_>,
        fields: &Punctuated<Field, Token![,]>,
        all: bool,
    ) -> String {
        let one = |field: &Field| match all || is_public_field(field) {
            true => self.names.text(context.module, &field.ty),
            false => "_".to_owned(),
        };
        fields.iter().map(one).collect::<Vec<_>>().join(", ")
    }

    fn enum_item(&mut self, context: &ModuleContext<'_>, item: &ItemEnum, path: &str) {
        let signature = format!("enum{}", self.generics(context, &item.generics));
        self.add(
            path.to_owned(),
            with_attributes(context, &item.attrs, signature),
        );
        for variant in &item.variants {
            if tree::is_hidden(&variant.attrs) {
                continue;
            }
            let path = format!("{path}::{}", variant.ident);
            let fields = match &variant.fields {
                Fields::Unnamed(fields) => {
                    format!("({})", self.tuple_fields(context, &fields.unnamed, true))
                }
                _ => String::new(),
            };
            let signature = format!("variant{fields}");
            self.add(
                path.clone(),
                with_attributes(context, &variant.attrs, signature),
            );
            if let Fields::Named(fields) = &variant.fields {
                fields
                    .named
                    .iter()
                    .for_each(|field| self.field(context, field, &path));
            }
        }
        self.derives(context, &item.attrs, &item.generics, path);
    }

    fn trait_item(&mut self, context: &ModuleContext<'_>, item: &ItemTrait, path: &str) {
        let mut signature = format!("trait{}", self.generics(context, &item.generics));
        if !item.supertraits.is_empty() {
            signature += &format!(": {}", self.names.text(context.module, &item.supertraits));
        }
        self.add(
            path.to_owned(),
            with_attributes(context, &item.attrs, signature),
        );
        for member in &item.items {
            let (name, attributes, signature) = match member {
                TraitItem::Fn(member) => {
                    let provided = if member.default.is_some() {
                        " { .. }"
                    } else {
                        ""
                    };
                    let signature = self.function(context, &member.sig) + provided;
                    (&member.sig.ident, &member.attrs, signature)
                }
                TraitItem::Type(member) => {
                    let bounds = self.names.text(context.module, &member.bounds);
                    (&member.ident, &member.attrs, format!("type: {bounds}"))
                }
                TraitItem::Const(member) => {
                    let kind = self.names.text(context.module, &member.ty);
                    (&member.ident, &member.attrs, format!("const: {kind}"))
                }
                _ => continue,
            };
            if !tree::is_hidden(attributes) {
                self.add(
                    format!("{path}::{name}"),
                    with_attributes(context, attributes, signature),
                );
            }
        }
    }

    /// Adds the traits of `derive`; a generic type implements them if its parameters do.
    fn derives(
        &mut self,
        context: &ModuleContext<'_>,
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
                let signature = format!("impl{}", self.generics(context, &generics));
                let path = format!("{path}: {}", self.names.text(context.module, &one));
                self.add(path, with_attributes(context, &[], signature));
            }
        }
    }

    fn impl_item(&mut self, context: &ModuleContext<'_>, item: &ItemImpl) {
        let Some(self_type) = self.self_type(context, item) else {
            return;
        };
        match &item.trait_ {
            Some((implemented, _)) => {
                if self.is_reachable(context, implemented) {
                    let (implemented, generics) = without_lifetimes(implemented, &item.generics);
                    let path = format!(
                        "{self_type}: {}",
                        self.names.text(context.module, &implemented)
                    );
                    let signature = self.trait_impl_signature(context, item, &generics);
                    self.add(path, with_attributes(context, &item.attrs, signature));
                }
            }
            None => self.inherent_impl(context, item, &self_type),
        }
    }

    /// Returns the type of an `impl` block as users write it, or `None` if they cannot reach it.
    fn self_type(&self, context: &ModuleContext<'_>, item: &ItemImpl) -> Option<String> {
        let kind = item.self_ty.to_token_stream();
        if tree::is_test(&item.attrs) || tree::is_hidden(&item.attrs) {
            return None;
        }
        let Some(path) = path_of(kind.clone()) else {
            return Some(self.names.text(context.module, &kind));
        };
        let public_path = self.names.public_path(context.module, &path)?;
        // The block's own parameters are left out; concrete arguments identify the type.
        let own = has_only_own_parameters(&kind, &item.generics);
        Some(if own {
            public_path
        } else {
            self.names.text(context.module, &kind)
        })
    }

    fn is_reachable(&self, context: &ModuleContext<'_>, path: &Path) -> bool {
        let mut bare = path.clone();
        for segment in &mut bare.segments {
            segment.arguments = syn::PathArguments::None;
        }
        path_of(bare.to_token_stream())
            .is_some_and(|path| self.names.public_path(context.module, &path).is_some())
            && !mentions_private(self.names, context.module, path)
    }

    /// Returns the generics of a trait implementation and its associated types.
    fn trait_impl_signature(
        &self,
        context: &ModuleContext<'_>,
        item: &ItemImpl,
        generics: &Generics,
    ) -> String {
        let chosen = item.items.iter().filter_map(|member| match member {
            ImplItem::Type(member) => {
                let kind = self.names.text(context.module, &member.ty);
                Some(format!("type {} = {kind};", member.ident))
            }
            _ => None,
        });
        let chosen: Vec<String> = chosen.collect();
        let generics = self.generics(context, generics);
        match chosen.is_empty() {
            true => format!("impl{generics}"),
            false => format!("impl{generics} {{ {} }}", chosen.join(" ")),
        }
    }

    fn inherent_impl(&mut self, context: &ModuleContext<'_>, item: &ItemImpl, self_type: &str) {
        let bounds = match has_bounds(&item.generics) {
            true => format!("impl{} ", self.generics(context, &item.generics)),
            false => String::new(),
        };
        let outer: Vec<Attribute> = tree::cfg_attributes(&item.attrs).cloned().collect();
        for member in &item.items {
            let (name, visibility, attributes, signature) = match member {
                ImplItem::Fn(member) => {
                    let signature = self.function(context, &member.sig);
                    (&member.sig.ident, &member.vis, &member.attrs, signature)
                }
                ImplItem::Const(member) => {
                    let kind = self.names.text(context.module, &member.ty);
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
                let signature =
                    with_attributes(context, &attributes, format!("{bounds}{signature}"));
                self.add(format!("{self_type}::{name}"), signature);
            }
        }
    }

    /// Formats `fn(&self, name: T) -> R` with its qualifiers and bounds.
    fn function(&self, context: &ModuleContext<'_>, signature: &Signature) -> String {
        let mut text = String::new();
        for (is_present, qualifier) in [
            (signature.constness.is_some(), "const "),
            (signature.asyncness.is_some(), "async "),
            (
                signature.safety.to_token_stream().to_string() == "unsafe",
                "unsafe ",
            ),
        ] {
            text += if is_present { qualifier } else { "" };
        }
        let arguments: Vec<String> = signature
            .inputs
            .iter()
            .map(|argument| self.argument(context, argument))
            .collect();
        let (parameters, _, condition) = signature.generics.split_for_impl();
        let parameters = self.names.text(context.module, &parameters);
        text += &format!("fn{parameters}({})", arguments.join(", "));
        let output = self.names.text(context.module, &signature.output);
        for part in [output, self.names.text(context.module, &condition)] {
            if !part.is_empty() {
                text += &format!(" {part}");
            }
        }
        text
    }

    fn argument(&self, context: &ModuleContext<'_>, argument: &FnArg) -> String {
        match argument {
            FnArg::Receiver(receiver) => {
                let mut receiver = receiver.clone();
                receiver.attrs.clear();
                receiver.mutability = None;
                self.names.text(context.module, &receiver)
            }
            FnArg::Typed(typed) => {
                let kind = self.names.text(context.module, &typed.ty);
                match &*typed.pat {
                    Pat::Ident(name) => format!("{}: {kind}", name.ident),
                    _ => format!("_: {kind}"),
                }
            }
        }
    }

    /// Formats `<T: Bound> where …`, or an empty string.
    fn generics(&self, context: &ModuleContext<'_>, generics: &Generics) -> String {
        let (parameters, _, condition) = generics.split_for_impl();
        let mut text = self.names.text(context.module, &parameters);
        let condition = self.names.text(context.module, &condition);
        if !condition.is_empty() {
            text += &format!(" {condition}");
        }
        text
    }
}

/// Whether a field is public.
fn is_public_field(field: &Field) -> bool {
    matches!(field.vis, Visibility::Public(_))
}

/// Whether the arguments of a type are exactly the parameters of its `impl` block.
fn has_only_own_parameters(kind: &TokenStream, generics: &Generics) -> bool {
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

/// Turns `Deserialize<'de>` into `Deserialize`, so that handwritten and derived implementations are
/// equal.
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

/// Whether the arguments of a trait contain a type that users cannot reach.
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
            Resolution::Local(_) => names.public_path(module, &path).is_none(),
            Resolution::External(_) => false,
        })
}

/// Adds the attributes that matter to users: `cfg`s and `non_exhaustive`.
fn with_attributes(
    context: &ModuleContext<'_>,
    attributes: &[Attribute],
    signature: String,
) -> String {
    let cfgs = context.cfgs.iter().chain(tree::cfg_attributes(attributes));
    let mut text = String::new();
    for condition in cfgs {
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

/// Formats `#[cfg(feature = "name")] `, with a trailing space.
fn attribute_text(attribute: &Attribute) -> String {
    use super::tokens::{format, lexemes};
    format!("#[{}] ", format(&lexemes(attribute.meta.to_token_stream())))
}
