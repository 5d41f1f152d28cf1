//! What is sent: strict structs and their builders.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use super::{
    rust_type::{RustType, Shape},
    types::{Clear, Field, Struct, Types, rename},
};

/// A sent struct: what is not set is not sent.
pub fn structure(one: &Struct) -> TokenStream {
    let Struct {
        ident,
        docs,
        fields,
        ..
    } = one;
    let lines = fields.iter().map(|field| {
        let Field { ident, docs, .. } = field;
        let attribute = attribute(field);
        let extra = field
            .flatten
            .then(|| quote!(#[doc = " Members that the document does not name."]));
        let kind = written(field, &TokenStream::new());
        quote!(#(#docs)* #extra #attribute pub #ident: #kind)
    });
    quote! {
        #(#docs)*
        #[derive(Clone, Debug, serde::Serialize)]
        #[non_exhaustive]
        pub struct #ident { #(#lines),* }

        impl #ident {
            /// Starts one; what is required is checked when it is built or sent.
            pub fn builder() -> builder::#ident {
                Default::default()
            }
        }
    }
}

/// The type of a member: one that can be cleared is a `Patch`.
fn written(field: &Field, prefix: &TokenStream) -> TokenStream {
    match field.clear {
        Some(_) => {
            let kind = field.kind.unwrapped().written(prefix);
            quote!(crate::Patch<#kind>)
        }
        None => field.kind.written(prefix),
    }
}

/// Whether a member may be left out.
fn is_optional(field: &Field) -> bool {
    field.kind.is_option() || field.flatten || field.clear.is_some()
}

fn attribute(field: &Field) -> TokenStream {
    if field.flatten {
        return quote!(#[serde(flatten)]);
    }
    let mut parts = rename(field);
    if matches!(field.kind.unwrapped().shape, Shape::Secret) {
        let path = if field.kind.is_option() {
            "crate::secret::reveal_option"
        } else {
            "crate::secret::reveal"
        };
        parts.extend(quote!(serialize_with = #path,));
    }
    match field.clear {
        Some(Clear::EmptyString) => {
            parts.extend(quote!(serialize_with = "crate::patch::empty_string",))
        }
        Some(Clear::EmptyArray) => {
            parts.extend(quote!(serialize_with = "crate::patch::empty_array",))
        }
        _ => {}
    }
    if field.clear.is_some() {
        parts.extend(quote!(skip_serializing_if = "crate::Patch::is_keep",));
    } else if field.kind.is_option() {
        parts.extend(quote!(skip_serializing_if = "Option::is_none",));
    }
    if parts.is_empty() {
        parts
    } else {
        quote!(#[serde(#parts)])
    }
}

/// The builder of a sent struct: the members that are required start out missing.
pub fn builder(one: &Struct, types: &Types) -> TokenStream {
    let Struct { ident, fields, .. } = one;
    let prefix = quote!(super::);
    let slots = fields.iter().map(|field| slot(field, &prefix));
    let setters = fields.iter().map(|field| setter(field, types));
    let name = ident.to_string();
    let moves = fields.iter().map(|field| {
        let Field { ident, wire, .. } = field;
        if is_optional(field) {
            quote!(#ident: self.#ident)
        } else if let Some(value) = &field.constant {
            quote!(#ident: self.#ident.unwrap_or_else(|| #value.into()))
        } else {
            quote!(#ident: crate::builder_support::required(self.#ident, #name, #wire)?)
        }
    });
    let docs = format!(" Builds a [`{name}`](super::{name}).");
    quote! {
        #[doc = #docs]
        #[derive(Clone, Debug, Default)]
        pub struct #ident {
            #(#slots,)*
            problem: Option<crate::builder_support::BuildError>,
        }

        impl #ident {
            #(#setters)*

            /// The finished value, or the first thing that is wrong with it.
            pub fn build(self) -> Result<super::#ident, crate::Error> {
                crate::builder_support::finish(self.problem)?;
                Ok(super::#ident { #(#moves),* })
            }
        }

        impl TryFrom<#ident> for super::#ident {
            type Error = crate::Error;
            fn try_from(builder: #ident) -> Result<Self, crate::Error> {
                builder.build()
            }
        }
    }
}

fn slot(field: &Field, prefix: &TokenStream) -> TokenStream {
    let ident = &field.ident;
    let kind = written(field, prefix);
    if is_optional(field) {
        quote!(#ident: #kind)
    } else {
        quote!(#ident: Option<#kind>)
    }
}

fn setter(field: &Field, types: &Types) -> TokenStream {
    let Field {
        ident, docs, wire, ..
    } = field;
    if field.flatten {
        return quote! {
            /// A member that the document does not name.
            pub fn extra(mut self, name: impl Into<String>, value: impl Into<serde_json::Value>) -> Self {
                self.extra.insert(name.into(), value.into());
                self
            }
        };
    }
    let docs = if docs.is_empty() {
        let text = format!(" Sets `{wire}`.");
        quote!(#[doc = #text])
    } else {
        quote!(#(#docs)*)
    };
    let setter = setter_name(ident, &["build", "builder", "extra"]);
    let Argument {
        bounds,
        argument,
        value,
    } = argument(field.kind.unwrapped(), wire, types);
    let (value, clearing) = match field.clear {
        Some(_) => (
            quote!(crate::Patch::set(#value)),
            Some(clearing(ident, wire)),
        ),
        None => (value, None),
    };
    quote! {
        #docs
        pub fn #setter #bounds(mut self, value: #argument) -> Self {
            self.#ident = #value;
            self
        }
        #clearing
    }
}

/// The second setter of a member that can be cleared.
fn clearing(ident: &Ident, wire: &str) -> TokenStream {
    let name = format_ident!("clear_{}", ident.to_string().trim_end_matches('_'));
    let docs = format!(" Empties `{wire}`; not calling this, nor its setter, leaves it as it is.");
    quote! {
        #[doc = #docs]
        pub fn #name(mut self) -> Self {
            self.#ident = crate::Patch::Clear;
            self
        }
    }
}

/// The name of a setter: the member's own, unless the builder has a function of that name.
pub fn setter_name(ident: &Ident, taken: &[&str]) -> Ident {
    if taken.iter().any(|name| ident == name) {
        format_ident!("{ident}_")
    } else {
        ident.clone()
    }
}

/// How a setter takes a value, and how it becomes `Option` of the member's type.
struct Argument {
    bounds: TokenStream,
    argument: TokenStream,
    value: TokenStream,
}

impl Argument {
    fn new(argument: TokenStream, value: TokenStream) -> Self {
        Self {
            bounds: TokenStream::new(),
            argument,
            value,
        }
    }
}

fn argument(kind: &RustType, wire: &str, types: &Types) -> Argument {
    let prefix = quote!(super::);
    let written = kind.written(&prefix);
    match &kind.shape {
        Shape::Number => Argument::new(
            written,
            quote!(crate::builder_support::finite(&mut self.problem, #wire, value)),
        ),
        Shape::Bool | Shape::Integer => Argument::new(written, quote!(Some(value))),
        Shape::List(item) => list(item, wire, types),
        Shape::Map(inner) => map(inner, wire, types),
        _ if types.is_built(kind) => Argument {
            bounds: quote!(<V: TryInto<#written, Error: Into<crate::Error>>>),
            argument: quote!(V),
            value: quote!(crate::builder_support::converted(&mut self.problem, #wire, value)),
        },
        Shape::Boxed(inner) => {
            let Argument {
                bounds,
                argument,
                value,
            } = argument(inner, wire, types);
            Argument {
                bounds,
                argument,
                value: quote!((#value).map(Box::new)),
            }
        }
        Shape::Other => Argument::new(written, quote!(Some(value))),
        _ => Argument::new(quote!(impl Into<#written>), quote!(Some(value.into()))),
    }
}

fn list(item: &RustType, wire: &str, types: &Types) -> Argument {
    let prefix = quote!(super::);
    let written = item.written(&prefix);
    match &item.shape {
        _ if types.is_built(item) => Argument {
            bounds: quote!(<V: TryInto<#written, Error: Into<crate::Error>>>),
            argument: quote!(impl IntoIterator<Item = V>),
            value: quote!(crate::builder_support::converted_list(&mut self.problem, #wire, value)),
        },
        Shape::Text | Shape::Secret | Shape::Named(_) | Shape::Any => Argument::new(
            quote!(impl IntoIterator<Item = impl Into<#written>>),
            quote!(Some(value.into_iter().map(Into::into).collect())),
        ),
        _ => Argument::new(
            quote!(impl IntoIterator<Item = #written>),
            quote!(Some(value.into_iter().collect())),
        ),
    }
}

fn map(inner: &RustType, wire: &str, types: &Types) -> Argument {
    let written = inner.written(&quote!(super::));
    if types.is_built(inner) {
        return Argument {
            bounds: quote!(<V: TryInto<#written, Error: Into<crate::Error>>>),
            argument: quote!(impl IntoIterator<Item = (impl Into<String>, V)>),
            value: quote!(crate::builder_support::converted_map(&mut self.problem, #wire, value)),
        };
    }
    Argument::new(
        quote!(impl IntoIterator<Item = (impl Into<String>, impl Into<#written>)>),
        quote!(Some(
            value
                .into_iter()
                .map(|(name, value)| (name.into(), value.into()))
                .collect()
        )),
    )
}
