//! From what was received to what is sent: `UsageLimits` → `UsageLimitsInput`.
//!
//! Only where nothing is masked: a secret that was read cannot be sent back. What the input
//! requires may be missing from an answer, so the conversion can fail; setters take it as it is.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use super::{
    rust_type::{RustType, Shape},
    types::{Field, Refined, Struct, Types},
};

/// `TryFrom` of the answer's type for the request's type `one`, where there is such a pair.
pub fn from_answer(one: &Struct, types: &Types) -> Option<TokenStream> {
    let name = one.ident.to_string();
    let base = name.strip_suffix("Input")?;
    let Some(Refined::Struct(answer)) = types.get(base) else {
        return None;
    };
    let members = one
        .fields
        .iter()
        .filter(|field| !field.flatten)
        .map(|field| member(field, answer, &name, types))
        .collect::<Option<Vec<_>>>()?;
    let extra = one
        .fields
        .iter()
        .filter(|field| field.flatten)
        .map(|field| {
            let ident = &field.ident;
            quote!(#ident: Default::default())
        });
    let (ident, base) = (&one.ident, format_ident!("{base}"));
    let docs = format!(" Fails where a field that is required in `{name}` was not in the answer.");
    Some(quote! {
        #[doc = #docs]
        impl TryFrom<#base> for #ident {
            type Error = crate::Error;

            fn try_from(answer: #base) -> Result<Self, crate::Error> {
                Ok(Self { #(#members,)* #(#extra,)* })
            }
        }
    })
}

/// `None` where the answer has no such member, or one that cannot be sent.
fn member(field: &Field, answer: &Struct, name: &str, types: &Types) -> Option<TokenStream> {
    let from = answer
        .fields
        .iter()
        .find(|other| other.wire == field.wire)?;
    let (ident, source, wire) = (&field.ident, &from.ident, &field.wire);
    let plain = quote!(answer.#source);
    let option = match &from.kind.unwrapped().shape {
        Shape::List(_) | Shape::Map(_) | Shape::Object => {
            quote!(crate::builder_support::non_empty(#plain))
        }
        _ if from.kind.is_option() => plain,
        _ => quote!(Some(#plain)),
    };
    let option = converted(
        field.kind.unwrapped(),
        from.kind.unwrapped(),
        &option,
        types,
    )?;
    Some(if field.clear.is_some() {
        quote!(#ident: crate::Patch::set(#option))
    } else if field.kind.is_option() {
        quote!(#ident: #option)
    } else {
        quote!(#ident: crate::builder_support::required(#option, #name, #wire)?)
    })
}

/// The expression for `Option` of the input's type; `None` where the type is not to be sent back,
/// or is another than the answer's and not made from it.
fn converted(
    kind: &RustType,
    from: &RustType,
    option: &TokenStream,
    types: &Types,
) -> Option<TokenStream> {
    match &kind.shape {
        Shape::Secret => None,
        Shape::List(item) if types.is_built(item) => Some(quote! {
            #option.map(|items| items.into_iter().map(TryInto::try_into).collect::<Result<Vec<_>, crate::Error>>()).transpose()?
        }),
        Shape::List(item) | Shape::Map(item) | Shape::Option(item) | Shape::Boxed(item)
            if types.is_built(item) =>
        {
            None
        }
        Shape::List(item) if types.converts(item) => {
            Some(quote!(#option.map(|items| items.into_iter().map(Into::into).collect())))
        }
        _ if types.is_built(kind) => Some(quote!(#option.map(TryInto::try_into).transpose()?)),
        _ if types.converts(kind) => Some(quote!(#option.map(Into::into))),
        _ => {
            let written = |kind: &RustType| kind.written(&TokenStream::new()).to_string();
            (written(kind) == written(from)).then(|| option.clone())
        }
    }
}
