//! Request types: strict structs and their builders.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use super::constraints;
use super::model::{
    ClearValue, Definition, Field, RustType, StructType, Types, maybe_setter_name, type_path,
};
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
    let comparison = structure
        .is_deserialized
        .then(|| quote!(#[derive(PartialEq)]));
    let decode = structure
        .is_deserialized
        .then(|| decode(structure, modules));
    quote! {
        #(#[doc = #docs])*
        #[derive(Clone, Debug, serde::Serialize)]
        #comparison
        #[non_exhaustive]
        pub struct #ident { #(#field_definitions),* }

        #decode

        impl #ident {
            /// Creates a builder.
            ///
            /// Required fields are checked by `build()` or when the request is sent.
            #[inline]
            pub fn builder() -> #builder {
                Default::default()
            }
        }
    }
}

/// Returns the decoding of a request struct, and its constraints.
fn decode(structure: &StructType, modules: &Modules) -> TokenStream {
    let StructType {
        ident,
        fields,
        constraints,
        ..
    } = structure;
    let rules = fields.iter().filter(|field| !field.flatten).map(|field| {
        let Field {
            ident, wire, ty, ..
        } = field;
        let rule = match field.is_optional() {
            true => format_ident!("optional"),
            false => format_ident!("required"),
        };
        let ty = ty.without_option().tokens(modules);
        quote!(#ident #wire #rule #ty,)
    });
    let constraints = (!constraints.is_empty()).then(|| {
        let constraints = constraints.iter().map(constraints::expression);
        quote! {
            impl #ident {
                /// The constraints on a value, as a body.
                pub(crate) const CONSTRAINTS: &[portkey_admin_constraints::Constraint] = {
                    use std::borrow::Cow;
                    use portkey_admin_constraints::{self as constraint, Condition, ConditionValue, Constraint, Rule};
                    &[#(#constraints),*]
                };
            }
        }
    });
    quote! {
        crate::decode::request_object! { #ident { #(#rules)* } }
        #constraints
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
    if matches!(field.ty.without_option(), RustType::Flag) {
        parts.extend(quote!(serialize_with = "crate::flag::serialize",));
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
        if field.is_optional() {
            quote!(#ident: self.#ident)
        } else if let Some(value) = &field.constant {
            quote!(#ident: self.#ident.unwrap_or_else(|| #value.into()))
        } else {
            quote!(#ident: crate::builder_support::required(self.#ident, #name, #wire)?)
        }
    });
    let docs = format!(" Builder of [`{name}`].");
    let request_object = request_object(structure);
    let response_builder = response_builder(structure, types);
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
            #[inline]
            pub fn build(self) -> Result<#ident, crate::Error> {
                crate::builder_support::finish(self.problem)?;
                Ok(#ident { #(#initializers),* })
            }
        }

        impl TryFrom<#builder> for #ident {
            type Error = crate::Error;
            #[inline]
            fn try_from(builder: #builder) -> Result<Self, crate::Error> {
                builder.build()
            }
        }

        #request_object
        #response_builder
    }
}

/// Returns the names of the required fields, for bodies that are JSON objects.
fn request_object(structure: &StructType) -> TokenStream {
    let StructType { ident, fields, .. } = structure;
    let name = ident.to_string();
    let required = fields
        .iter()
        .filter(|field| !field.is_optional() && field.constant.is_none())
        .map(|field| &field.wire);
    quote! {
        impl crate::RequestObject for #ident {
            const NAME: &'static str = #name;
            const REQUIRED: &'static [&'static str] = &[#(#required),*];
        }
    }
}

/// Returns `Thing::builder()` for a response type `Thing` whose request type is `ThingInput`.
fn response_builder(structure: &StructType, types: &Types) -> Option<TokenStream> {
    let name = structure.ident.to_string();
    let response = name.strip_suffix("Input")?;
    if !matches!(types.get(response), Some(Definition::Struct(_))) {
        return None;
    }
    let (response, builder) = (
        type_path(response, types.modules()),
        builder_name(&structure.ident),
    );
    let docs = format!(" Creates a builder of the request type [`{name}`].");
    Some(quote! {
        impl #response {
            #[doc = #docs]
            #[inline]
            pub fn builder() -> #builder {
                Default::default()
            }
        }
    })
}

/// Returns the name of the builder of a request struct.
pub fn builder_name(ident: &Ident) -> Ident {
    format_ident!("{ident}Builder")
}

fn builder_field(field: &Field, modules: &Modules) -> TokenStream {
    let ident = &field.ident;
    let ty = field_type(field, modules);
    if field.is_optional() {
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
    let setter = field.setter();
    let ty = field.ty.without_option();
    let Argument {
        generics,
        argument,
        value,
    } = argument(ty, wire, types);
    let maybe_setter = ty
        .has_maybe_setter()
        .then(|| maybe_setter(ident, &setter, &generics, &argument));
    let clear_setter = field.clear.map(|_| clear_setter(ident, wire));
    quote! {
        #docs
        pub fn #setter #generics(mut self, value: #argument) -> Self {
            crate::builder_support::assign(&mut self.#ident, #value);
            self
        }
        #maybe_setter
        #clear_setter
    }
}

/// Returns the setter that takes an `Option`.
pub fn maybe_setter(
    ident: &Ident,
    setter: &Ident,
    generics: &TokenStream,
    argument: &TokenStream,
) -> TokenStream {
    let name = maybe_setter_name(ident);
    let docs =
        format!(" Calls [`{setter}`](Self::{setter}) with the value; `None` changes nothing.");
    quote! {
        #[doc = #docs]
        pub fn #name #generics(self, value: Option<#argument>) -> Self {
            match value {
                Some(value) => self.#setter(value),
                None => self,
            }
        }
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
    generics: TokenStream,
    argument: TokenStream,
    value: TokenStream,
}

impl Argument {
    fn new(argument: TokenStream, value: TokenStream) -> Self {
        Self {
            generics: TokenStream::new(),
            argument,
            value,
        }
    }
}

fn argument(ty: &RustType, wire: &str, types: &Types) -> Argument {
    let tokens = ty.tokens(types.modules());
    match ty {
        RustType::Float => Argument::new(
            quote!(impl Into<Option<f64>>),
            quote!(crate::builder_support::finite(&mut self.problem, #wire, value.into())),
        ),
        // A literal has the type of the field, because only that type converts to its `Option`.
        RustType::Bool
        | RustType::Flag
        | RustType::Integer
        | RustType::UInt32
        | RustType::Other(_) => {
            Argument::new(quote!(impl Into<Option<#tokens>>), quote!(value.into()))
        }
        RustType::Amount(_) => Argument {
            generics: quote!(<M>),
            argument: quote!(impl crate::IntoOptional<#tokens, M>),
            value: quote!({
                let amount: Option<#tokens> =
                    crate::builder_support::optional(&mut self.problem, #wire, value);
                let amount = amount.map(|amount| amount.0);
                crate::builder_support::finite(&mut self.problem, #wire, amount).map(#tokens)
            }),
        },
        RustType::List(item) => list_argument(item, wire, types),
        RustType::Map(inner) => map_argument(inner, wire, types),
        RustType::JsonObject => Argument::new(
            quote!(impl serde::Serialize),
            quote!(crate::builder_support::object(&mut self.problem, #wire, &value)),
        ),
        RustType::JsonValue => Argument::new(
            quote!(impl Into<serde_json::Value>),
            quote!(Some(value.into())),
        ),
        RustType::Box(inner) => {
            let argument = argument(inner, wire, types);
            let value = &argument.value;
            Argument {
                value: quote!((#value).map(Box::new)),
                ..argument
            }
        }
        _ => Argument {
            generics: quote!(<M>),
            argument: quote!(impl crate::IntoOptional<#tokens, M>),
            value: quote!(crate::builder_support::optional(&mut self.problem, #wire, value)),
        },
    }
}

fn list_argument(item: &RustType, wire: &str, types: &Types) -> Argument {
    let tokens = item.tokens(types.modules());
    match item {
        RustType::String => Argument::new(
            quote!(impl IntoIterator<Item: AsRef<str>>),
            quote!(Some(crate::builder_support::strings(value))),
        ),
        RustType::JsonObject => Argument::new(
            quote!(impl IntoIterator<Item = impl serde::Serialize>),
            quote!(crate::builder_support::object_list(&mut self.problem, #wire, value)),
        ),
        RustType::JsonValue => Argument::new(
            quote!(impl IntoIterator<Item = impl Into<serde_json::Value>>),
            quote!(Some(value.into_iter().map(Into::into).collect())),
        ),
        RustType::Secret | RustType::Named(_) => Argument {
            generics: quote!(<V: TryInto<#tokens, Error: Into<crate::Error>>>),
            argument: quote!(impl IntoIterator<Item = V>),
            value: quote!(crate::builder_support::converted_list(&mut self.problem, #wire, value)),
        },
        _ => Argument::new(
            quote!(impl IntoIterator<Item = #tokens>),
            quote!(Some(value.into_iter().collect())),
        ),
    }
}

fn map_argument(inner: &RustType, wire: &str, types: &Types) -> Argument {
    let tokens = inner.tokens(types.modules());
    if matches!(inner, RustType::Named(_)) {
        return Argument {
            generics: quote!(<V: TryInto<#tokens, Error: Into<crate::Error>>>),
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
