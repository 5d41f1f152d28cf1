//! Request types: strict structs and their builders.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use super::model::{ClearValue, Field, RustType, StructType, Types, setter_name};
use crate::modules::Modules;

/// Returns a request struct; fields that are not set are not serialized.
pub fn struct_definition(structure: &StructType, modules: &Modules) -> TokenStream {
    let StructType {
        ident,
        docs,
        fields,
        ..
    } = structure;
    let field_definitions = fields.iter().map(|field| {
        let Field { ident, docs, .. } = field;
        let attribute = serde_attribute(field);
        let extra = field
            .flatten
            .then(|| quote!(#[doc = " Additional fields that are not part of the schema."]));
        let ty = field_type(field, modules);
        quote!(#(#[doc = #docs])* #extra #attribute pub #ident: #ty)
    });
    let builder = builder_name(ident);
    quote! {
        #(#[doc = #docs])*
        #[derive(Clone, Debug, serde::Serialize)]
        #[non_exhaustive]
        pub struct #ident { #(#field_definitions),* }

        impl #ident {
            /// Creates a builder.
            ///
            /// Required fields are checked by `build()` or when the request is sent.
            pub fn builder() -> #builder {
                Default::default()
            }
        }
    }
}

/// Returns the type of a field: `Patch` if an update can clear it.
pub fn field_type(field: &Field, modules: &Modules) -> TokenStream {
    match field.clear {
        Some(_) => {
            let ty = field.ty.without_option().tokens(modules);
            quote!(crate::Patch<#ty>)
        }
        None => field.ty.tokens(modules),
    }
}

/// Returns whether a field can be omitted.
fn is_optional(field: &Field) -> bool {
    field.ty.is_option() || field.flatten || field.clear.is_some()
}

fn serde_attribute(field: &Field) -> TokenStream {
    if field.flatten {
        return quote!(#[serde(flatten)]);
    }
    let mut parts = rename(field);
    if matches!(field.ty.without_option(), RustType::Secret) {
        let path = if field.ty.is_option() {
            "crate::secret::reveal_option"
        } else {
            "crate::secret::reveal"
        };
        parts.extend(quote!(serialize_with = #path,));
    }
    match field.clear {
        Some(ClearValue::EmptyString) => {
            parts.extend(quote!(serialize_with = "crate::patch::empty_string",))
        }
        Some(ClearValue::EmptyArray) => {
            parts.extend(quote!(serialize_with = "crate::patch::empty_array",))
        }
        _ => {}
    }
    if field.clear.is_some() {
        parts.extend(quote!(skip_serializing_if = "crate::Patch::is_keep",));
    } else if field.ty.is_option() {
        parts.extend(quote!(skip_serializing_if = "Option::is_none",));
    }
    if parts.is_empty() {
        parts
    } else {
        quote!(#[serde(#parts)])
    }
}

/// Returns `rename = "…",` if the wire name differs from the Rust name.
fn rename(field: &Field) -> TokenStream {
    if field.ident == field.wire {
        return TokenStream::new();
    }
    let wire = &field.wire;
    quote!(rename = #wire,)
}

/// Returns the builder of a request struct; required fields are `Option`s that start as `None`.
pub fn builder(structure: &StructType, types: &Types) -> TokenStream {
    let StructType { ident, fields, .. } = structure;
    let builder = builder_name(ident);
    let builder_fields = fields
        .iter()
        .map(|field| builder_field(field, types.modules()));
    let setters = fields.iter().map(|field| setter(field, types));
    let name = ident.to_string();
    let initializers = fields.iter().map(|field| {
        let Field { ident, wire, .. } = field;
        if is_optional(field) {
            quote!(#ident: self.#ident)
        } else if let Some(value) = &field.constant {
            quote!(#ident: self.#ident.unwrap_or_else(|| #value.into()))
        } else {
            quote!(#ident: crate::builder_support::required(self.#ident, #name, #wire)?)
        }
    });
    let docs = format!(" Builder of [`{name}`].");
    quote! {
        #[doc = #docs]
        #[derive(Clone, Debug, Default)]
        pub struct #builder {
            #(#builder_fields,)*
            problem: Option<crate::builder_support::BuildError>,
        }

        impl #builder {
            #(#setters)*

            /// Builds the value. Fails if a required field is missing or a value is invalid.
            pub fn build(self) -> Result<#ident, crate::Error> {
                crate::builder_support::finish(self.problem)?;
                Ok(#ident { #(#initializers),* })
            }
        }

        impl TryFrom<#builder> for #ident {
            type Error = crate::Error;
            fn try_from(builder: #builder) -> Result<Self, crate::Error> {
                builder.build()
            }
        }
    }
}

/// Returns the name of the builder of a request struct.
pub fn builder_name(ident: &Ident) -> Ident {
    format_ident!("{ident}Builder")
}

fn builder_field(field: &Field, modules: &Modules) -> TokenStream {
    let ident = &field.ident;
    let ty = field_type(field, modules);
    if is_optional(field) {
        quote!(#ident: #ty)
    } else {
        quote!(#ident: Option<#ty>)
    }
}

fn setter(field: &Field, types: &Types) -> TokenStream {
    let Field {
        ident, docs, wire, ..
    } = field;
    if field.flatten {
        return quote! {
            /// Sets an additional field that is not part of the schema.
            pub fn extra(mut self, name: impl Into<String>, value: impl Into<serde_json::Value>) -> Self {
                self.extra.insert(name.into(), value.into());
                self
            }
        };
    }
    let docs = quote!(#(#[doc = #docs])*);
    let setter = setter_name(ident, &["build", "builder", "extra"]);
    let Argument {
        bounds,
        argument,
        value,
    } = argument(field.ty.without_option(), wire, types);
    let (value, clear_setter) = match field.clear {
        Some(_) => (
            quote!(crate::Patch::set(#value)),
            Some(clear_setter(ident, wire)),
        ),
        None => (value, None),
    };
    quote! {
        #docs
        pub fn #setter #bounds(mut self, value: #argument) -> Self {
            self.#ident = #value;
            self
        }
        #clear_setter
    }
}

/// Returns the setter that clears a field.
fn clear_setter(ident: &Ident, wire: &str) -> TokenStream {
    let name = format_ident!("clear_{}", ident.to_string().trim_end_matches('_'));
    let docs = format!(
        " Clears `{wire}`. The field keeps its value if neither this method nor its setter is called."
    );
    quote! {
        #[doc = #docs]
        pub fn #name(mut self) -> Self {
            self.#ident = crate::Patch::Clear;
            self
        }
    }
}

/// The argument of a setter, and the expression that converts it to an `Option` of the field type.
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

fn argument(ty: &RustType, wire: &str, types: &Types) -> Argument {
    let tokens = ty.tokens(types.modules());
    match ty {
        RustType::Float => Argument::new(
            tokens,
            quote!(crate::builder_support::finite(&mut self.problem, #wire, value)),
        ),
        RustType::Bool | RustType::Integer => Argument::new(tokens, quote!(Some(value))),
        RustType::List(item) => list_argument(item, wire, types),
        RustType::Map(inner) => map_argument(inner, wire, types),
        _ if types.has_builder(ty) => Argument {
            bounds: quote!(<V: TryInto<#tokens, Error: Into<crate::Error>>>),
            argument: quote!(V),
            value: quote!(crate::builder_support::converted(&mut self.problem, #wire, value)),
        },
        RustType::Box(inner) => {
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
        RustType::Other(_) => Argument::new(tokens, quote!(Some(value))),
        _ => Argument::new(quote!(impl Into<#tokens>), quote!(Some(value.into()))),
    }
}

fn list_argument(item: &RustType, wire: &str, types: &Types) -> Argument {
    let tokens = item.tokens(types.modules());
    match item {
        _ if types.has_builder(item) => Argument {
            bounds: quote!(<V: TryInto<#tokens, Error: Into<crate::Error>>>),
            argument: quote!(impl IntoIterator<Item = V>),
            value: quote!(crate::builder_support::converted_list(&mut self.problem, #wire, value)),
        },
        RustType::String | RustType::Secret | RustType::Named(_) | RustType::JsonValue => {
            Argument::new(
                quote!(impl IntoIterator<Item = impl Into<#tokens>>),
                quote!(Some(value.into_iter().map(Into::into).collect())),
            )
        }
        _ => Argument::new(
            quote!(impl IntoIterator<Item = #tokens>),
            quote!(Some(value.into_iter().collect())),
        ),
    }
}

fn map_argument(inner: &RustType, wire: &str, types: &Types) -> Argument {
    let tokens = inner.tokens(types.modules());
    if types.has_builder(inner) {
        return Argument {
            bounds: quote!(<V: TryInto<#tokens, Error: Into<crate::Error>>>),
            argument: quote!(impl IntoIterator<Item = (impl Into<String>, V)>),
            value: quote!(crate::builder_support::converted_map(&mut self.problem, #wire, value)),
        };
    }
    Argument::new(
        quote!(impl IntoIterator<Item = (impl Into<String>, impl Into<#tokens>)>),
        quote!(Some(
            value
                .into_iter()
                .map(|(name, value)| (name.into(), value.into()))
                .collect()
        )),
    )
}
