//! Conversions from response types to request types: `UsageLimits` → `UsageLimitsInput`.
//!
//! Types with secrets have none, because responses mask secrets. A field that the request type
//! requires may be missing from a response, so the conversion is a `TryFrom`; setters accept it.

use proc_macro2::TokenStream;
use quote::quote;

use super::model::{Definition, Field, RustType, StructType, Types, type_path};

/// Returns `TryFrom` of the response type for the request type, if both exist.
pub fn from_response(structure: &StructType, types: &Types) -> Option<TokenStream> {
    let name = structure.ident.to_string();
    let base = name.strip_suffix("Input")?;
    let Some(Definition::Struct(response)) = types.get(base) else {
        return None;
    };
    let fields = structure
        .fields
        .iter()
        .filter(|field| !field.flatten)
        .map(|field| convert_field(field, response, &name, types))
        .collect::<Option<Vec<_>>>()?;
    let extra = structure
        .fields
        .iter()
        .filter(|field| field.flatten)
        .map(|field| {
            let ident = &field.ident;
            quote!(#ident: Default::default())
        });
    let (ident, base) = (&structure.ident, type_path(base, types.modules()));
    let docs = format!(" Fails if a field that `{name}` requires is missing from the response.");
    Some(quote! {
        #[doc = #docs]
        impl TryFrom<#base> for #ident {
            type Error = crate::Error;

            fn try_from(response: #base) -> Result<Self, crate::Error> {
                Ok(Self { #(#fields,)* #(#extra,)* })
            }
        }
    })
}

/// Returns the initializer of a field, or `None` if the response has no such field or it cannot be
/// converted.
fn convert_field(
    field: &Field,
    response: &StructType,
    name: &str,
    types: &Types,
) -> Option<TokenStream> {
    let from = response
        .fields
        .iter()
        .find(|other| other.wire == field.wire)?;
    let (ident, source, wire) = (&field.ident, &from.ident, &field.wire);
    let plain = quote!(response.#source);
    let option = match from.ty.without_option() {
        RustType::List(_) | RustType::Map(_) | RustType::JsonObject => {
            quote!(crate::builder_support::non_empty(#plain))
        }
        _ if from.ty.is_option() => plain,
        _ => quote!(Some(#plain)),
    };
    let option = convert(
        field.ty.without_option(),
        from.ty.without_option(),
        &option,
        types,
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
fn convert(
    ty: &RustType,
    from: &RustType,
    option: &TokenStream,
    types: &Types,
) -> Option<TokenStream> {
    match ty {
        RustType::Secret => None,
        RustType::List(item) if types.has_builder(item) => Some(quote! {
            #option.map(|items| items.into_iter().map(TryInto::try_into).collect::<Result<Vec<_>, crate::Error>>()).transpose()?
        }),
        RustType::List(item)
        | RustType::Map(item)
        | RustType::Option(item)
        | RustType::Box(item)
            if types.has_builder(item) =>
        {
            None
        }
        RustType::List(item) if types.converts_from_response(item) => {
            Some(quote!(#option.map(|items| items.into_iter().map(Into::into).collect())))
        }
        _ if types.has_builder(ty) => Some(quote!(#option.map(TryInto::try_into).transpose()?)),
        _ if types.converts_from_response(ty) => Some(quote!(#option.map(Into::into))),
        _ => (ty == from).then(|| option.clone()),
    }
}
