//! Conversions from response types to request types, which setters and `body` accept.
//!
//! - The two types of one schema: `UsageLimits` → `UsageLimitsInput`. All fields must convert.
//! - The response that describes an object, and the requests that create and update one: `Config` →
//!   `CreateConfigRequest`. Fields that do not convert are not set; the docs name them.
//!
//! Secrets do not convert, because responses mask them. A field that the request type requires may
//! be missing from a response, so each conversion is a `TryFrom`.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::TokenStream;
use quote::quote;

use super::model::{
    Definition, Field, Model, Operation, RustType, StructType, Types, UnionKind, UnionType,
    type_path,
};
use crate::lower::Direction;

/// A request type and the response type that converts to it.
type Pair = (String, String);

/// Returns the conversions to the request types of each module.
pub fn code(model: &Model<'_>) -> BTreeMap<String, TokenStream> {
    let types = &model.types;
    let roots: BTreeSet<Pair> = schema_pairs(types).chain(object_pairs(model)).collect();
    let mut converter = Converter {
        types,
        impossible: BTreeSet::new(),
        nested: Vec::new(),
    };
    // A conversion may contain another one that turns out to be impossible, so all are generated
    // again until no more are.
    loop {
        let known = converter.impossible.len();
        let found = converter.convert_all(&roots);
        if converter.impossible.len() == known {
            return by_module(found, types);
        }
    }
}

/// Returns the request and the response type of each schema that is used in both directions.
fn schema_pairs(types: &Types) -> impl Iterator<Item = Pair> {
    types.names().filter_map(|name| {
        let response = name.strip_suffix("Input")?;
        // A union converts only as a part of another type.
        if !types.is_request_struct(name) {
            return None;
        }
        Some((name.to_owned(), response.to_owned()))
    })
}

/// Returns the body type of each `create_x` and `update_x` with the response type of `get_x`, unless
/// the response masks values or the body requires a secret.
fn object_pairs<'a>(model: &'a Model<'_>) -> impl Iterator<Item = Pair> + 'a {
    model.operations.iter().filter_map(|operation| {
        let (verb, object) = operation.entry.id.split_once('_')?;
        if !matches!(verb, "create" | "update") {
            return None;
        }
        let get = format!("get_{object}");
        let mut operations = model.operations.iter();
        let read = operations.find(|read| read.entry.id == get && !read.entry.masked)?;
        let (body, response) = (body_name(operation)?, response_name(read)?);
        (!requires_secret(&body, &model.types)).then_some((body, response))
    })
}

fn requires_secret(name: &str, types: &Types) -> bool {
    match types.get(name) {
        Some(Definition::Struct(structure)) => structure
            .fields
            .iter()
            .any(|field| matches!(field.ty, RustType::Secret)),
        _ => false,
    }
}

fn body_name(operation: &Operation<'_>) -> Option<String> {
    named(&operation.body.as_ref()?.0)
}

fn response_name(operation: &Operation<'_>) -> Option<String> {
    named(operation.response.as_ref()?)
}

fn named(ty: &RustType) -> Option<String> {
    match ty {
        RustType::Named(name) => Some(name.clone()),
        _ => None,
    }
}

fn by_module(found: BTreeMap<Pair, TokenStream>, types: &Types) -> BTreeMap<String, TokenStream> {
    let mut modules = BTreeMap::<String, TokenStream>::new();
    for ((request, _), code) in found {
        let module = types.modules().home(&request).to_owned();
        modules.entry(module).or_default().extend(code);
    }
    modules
}

struct Converter<'a> {
    types: &'a Types,
    /// Pairs that do not convert.
    impossible: BTreeSet<Pair>,
    /// Pairs that a generated conversion contains.
    nested: Vec<Pair>,
}

impl Converter<'_> {
    fn convert_all(&mut self, roots: &BTreeSet<Pair>) -> BTreeMap<Pair, TokenStream> {
        let mut found = BTreeMap::new();
        self.nested = roots.iter().cloned().collect();
        while let Some(pair) = self.nested.pop() {
            if found.contains_key(&pair) || self.impossible.contains(&pair) {
                continue;
            }
            match self.conversion(&pair) {
                Some(code) => {
                    found.insert(pair, code);
                }
                None => {
                    self.impossible.insert(pair);
                }
            }
        }
        found
    }

    /// Returns the conversion of a pair, or `None` if there is none.
    fn conversion(&mut self, (request, response): &Pair) -> Option<TokenStream> {
        let types = self.types;
        let (target, source) = match (types.get(request)?, types.get(response)?) {
            (Definition::Struct(target), Definition::Struct(source)) => (target, source),
            (Definition::Union(target), Definition::Union(source)) => {
                return self.union_conversion(target, source, response);
            }
            _ => return None,
        };
        if !types.is_request_struct(request) || types.is_request_struct(response) {
            return None;
        }
        let is_same_schema = request.strip_suffix("Input") == Some(response);
        let mut unset = Vec::new();
        let mut fields = Vec::new();
        for field in &target.fields {
            let ident = &field.ident;
            let value = match field.flatten {
                true => None,
                false => self.field(field, source, request),
            };
            fields.push(match value {
                Some(value) => value,
                None if field.flatten => quote!(#ident: Default::default()),
                None if is_same_schema || !field.is_optional() => return None,
                None => {
                    unset.push(format!("`{}`", field.wire));
                    quote!(#ident: Default::default())
                }
            });
        }
        if unset.len() == fields.len() {
            return None;
        }
        let (ident, source) = (&target.ident, type_path(response, types.modules()));
        let docs = docs(request, &unset);
        Some(quote! {
            #(#[doc = #docs])*
            impl TryFrom<#source> for #ident {
                type Error = crate::Error;

                #[inline]
                fn try_from(response: #source) -> Result<Self, crate::Error> {
                    Ok(Self { #(#fields,)* })
                }
            }
        })
    }

    /// Returns the conversion of a union of objects with a discriminator, if all variants convert.
    fn union_conversion(
        &mut self,
        target: &UnionType,
        source: &UnionType,
        response: &str,
    ) -> Option<TokenStream> {
        let (
            UnionKind::Tagged { variants, .. },
            UnionKind::Tagged {
                variants: from_variants,
                ..
            },
        ) = (&target.kind, &source.kind)
        else {
            return None;
        };
        let arms = variants.iter().map(|variant| {
            let from = from_variants
                .iter()
                .find(|from| from.value == variant.value)?;
            let (ident, from_ident) = (&variant.ident, &from.ident);
            self.converts(&variant.ty, &from.ty).then(
                || quote!(Response::#from_ident(value) => Self::#ident(Box::new((*value).try_into()?))),
            )
        });
        let arms = arms.collect::<Option<Vec<_>>>()?;
        let (ident, source) = (&target.ident, type_path(response, self.types.modules()));
        let docs = docs(&ident.to_string(), &[]);
        Some(quote! {
            #(#[doc = #docs])*
            impl TryFrom<#source> for #ident {
                type Error = crate::Error;

                #[inline]
                fn try_from(response: #source) -> Result<Self, crate::Error> {
                    use #source as Response;
                    Ok(match response {
                        #(#arms,)*
                        Response::Unknown(value) => Self::Unknown(value),
                    })
                }
            }
        })
    }

    /// Returns whether a request type converts from the response type of the same schema by
    /// [`TryFrom`].
    fn has_conversion(&self, ty: &RustType) -> bool {
        let is_tagged = |name: &String| {
            matches!(
                self.types.get(name),
                Some(Definition::Union(union))
                    if union.direction == Direction::Request
                        && matches!(union.kind, UnionKind::Tagged { .. })
            )
        };
        self.types.has_builder(ty) || matches!(ty, RustType::Named(name) if is_tagged(name))
    }

    /// Returns the initializer of a field, or `None` if the response has no such field or it cannot
    /// be converted.
    fn field(&mut self, field: &Field, response: &StructType, name: &str) -> Option<TokenStream> {
        let from = source_field(field, response)?;
        let (ident, source, wire) = (&field.ident, &from.ident, &field.wire);
        let plain = quote!(response.#source);
        let option = match from.ty.without_option() {
            RustType::List(_) | RustType::Map(_) | RustType::JsonObject | RustType::JsonMap => {
                quote!(crate::builder_support::non_empty(#plain))
            }
            _ if from.ty.is_option() => plain,
            _ => quote!(Some(#plain)),
        };
        let option = self.value(
            field.ty.without_option(),
            from.ty.without_option(),
            &option,
            wire,
        )?;
        Some(if field.clear.is_some() {
            quote!(#ident: crate::Patch::set(#option))
        } else if field.ty.is_option() {
            quote!(#ident: #option)
        } else {
            quote!(#ident: crate::builder_support::required(#option, #name, #wire)?)
        })
    }

    /// Returns an expression of type `Option<request type>`, or `None` if the type is a secret or
    /// cannot be converted.
    fn value(
        &mut self,
        ty: &RustType,
        from: &RustType,
        option: &TokenStream,
        wire: &str,
    ) -> Option<TokenStream> {
        let types = self.types;
        match (ty, from) {
            (RustType::Secret, _) => None,
            // The service returns some objects as strings of JSON.
            (_, RustType::JsonValue) if types.is_deserialized(ty) => Some(
                quote!(#option.map(|value| crate::builder_support::object_in(value, #wire)).transpose()?.map(TryInto::try_into).transpose()?),
            ),
            (RustType::List(item), RustType::List(from)) if self.has_conversion(item) => {
                self.converts(item, from).then(|| quote! {
                    #option.map(|items| items.into_iter().map(TryInto::try_into).collect::<Result<Vec<_>, crate::Error>>()).transpose()?
                })
            }
            (
                RustType::List(item)
                | RustType::Map(item)
                | RustType::Option(item)
                | RustType::Box(item),
                _,
            ) if self.has_conversion(item) => None,
            (RustType::List(item), _) if types.converts_from_response(item) => {
                Some(quote!(#option.map(|items| items.into_iter().map(Into::into).collect())))
            }
            _ if self.has_conversion(ty) => self
                .converts(ty, from)
                .then(|| quote!(#option.map(TryInto::try_into).transpose()?)),
            _ if types.converts_from_response(ty) => Some(quote!(#option.map(Into::into))),
            // The service returns some objects as strings of JSON.
            (RustType::JsonObject, RustType::JsonValue) => Some(
                quote!(#option.map(|value| crate::builder_support::object_in(value, #wire)).transpose()?),
            ),
            _ => (ty == from).then(|| option.clone()),
        }
    }

    /// Returns whether a response type converts to a request type, which is generated, too.
    fn converts(&mut self, request: &RustType, response: &RustType) -> bool {
        let (RustType::Named(request), RustType::Named(response)) = (request, response) else {
            return false;
        };
        let pair = (request.clone(), response.clone());
        let converts = !self.impossible.contains(&pair);
        if converts {
            self.nested.push(pair);
        }
        converts
    }
}

/// Returns the field of a response that has the value of a field of a request: the field of the same
/// name, or with the name of the object before it (`prompt_version_description`).
fn source_field<'a>(field: &Field, response: &'a StructType) -> Option<&'a Field> {
    let prefixed = |other: &&Field| {
        let object = other.wire.strip_suffix(field.wire.as_str());
        let object = object.and_then(|object| object.strip_suffix('_'));
        object.is_some_and(|object| response.ident.to_string().to_lowercase() == object)
    };
    let fields = &response.fields;
    let same = fields.iter().find(|other| other.wire == field.wire);
    same.or_else(|| fields.iter().find(prefixed))
}

fn docs(request: &str, unset: &[String]) -> Vec<String> {
    let mut docs = vec![format!(
        " Fails if a field that `{request}` requires is missing from the response."
    )];
    if !unset.is_empty() {
        docs.push(String::new());
        docs.push(format!(
            " Does not set the fields that the response does not contain in the form of the request: {}.",
            unset.join(", ")
        ));
    }
    docs
}
