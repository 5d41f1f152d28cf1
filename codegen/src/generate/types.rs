//! The code of the types: response structs, open enums, and through other modules the rest.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use super::{
    model::{Definition, Field, OpenEnum, RustType, StructType, Types},
    request_types, unions,
};
use crate::lower::Direction;

/// Returns the code of the types of a module, sorted by name.
pub fn tokens(types: &Types, module: &str) -> TokenStream {
    let definitions = types.in_module(module).map(|ty| definition(ty, types));
    let builders = types
        .request_structs(module)
        .map(|structure| request_types::builder(structure, types));
    definitions.chain(builders).collect()
}

fn definition(ty: &Definition, types: &Types) -> TokenStream {
    let modules = types.modules();
    match ty {
        Definition::Struct(structure) if structure.direction == Direction::Request => {
            request_types::struct_definition(structure, modules)
        }
        Definition::Struct(structure) => response_struct(structure, types),
        Definition::Enum(ty) => open_enum(ty),
        Definition::Union(union) => unions::definition(union, types),
    }
}

/// Returns a response struct: absent lists and maps are empty, and unknown fields are kept.
fn response_struct(structure: &StructType, types: &Types) -> TokenStream {
    let modules = types.modules();
    let StructType {
        ident,
        docs,
        fields,
        ..
    } = structure;
    let definitions = fields.iter().map(|field| {
        let Field { ident, docs, .. } = field;
        let ty = response_field_type(field).tokens(modules);
        quote!(#(#[doc = #docs])* pub #ident: #ty)
    });
    let rules = fields.iter().map(|field| {
        let Field {
            ident, wire, ty, ..
        } = field;
        let rule = format_ident!("{}", presence_rule(field));
        let ty = ty.without_option().tokens(modules);
        quote!(#ident #wire #rule #ty,)
    });
    let redacted = redacted(structure, types);
    let accessors = accessors(structure);
    quote! {
        #(#[doc = #docs])*
        #[derive(Clone, Debug, PartialEq)]
        #[non_exhaustive]
        pub struct #ident {
            #(#definitions,)*
            /// Fields that are not part of the schema, and values whose type did not match.
            ///
            /// For lists and maps, only the mismatched items, by index or key.
            pub extra: crate::JsonObject,
        }

        crate::decode::response_object! { #ident { #(#rules)* } #redacted }

        #accessors
    }
}

/// Returns the list of the fields with secrets, which are not kept if their type does not match.
fn redacted(structure: &StructType, types: &Types) -> Option<TokenStream> {
    let fields: Vec<_> = structure
        .fields
        .iter()
        .filter(|field| types.contains_secret(&field.ty))
        .map(|Field { wire, ty, .. }| {
            let ty = ty.without_option().tokens(types.modules());
            quote!(#wire #ty,)
        })
        .collect();
    (!fields.is_empty()).then(|| quote!(redacted { #(#fields)* }))
}

/// Returns the methods of a response struct: required access to optional ids, and times of fields
/// in Unix seconds.
fn accessors(structure: &StructType) -> Option<TokenStream> {
    let ident = &structure.ident;
    let methods: Vec<TokenStream> = structure
        .fields
        .iter()
        .filter_map(|field| match accessor(field)? {
            Accessor::Required => Some(required_accessor(ident, field)),
            Accessor::Time => Some(time_accessor(field)),
        })
        .collect();
    (!methods.is_empty()).then(|| quote!(impl #ident { #(#methods)* }))
}

/// A method with the name of a field of a response.
pub enum Accessor {
    /// Returns the value, or an error that names the response.
    Required,
    /// Returns the time of Unix seconds.
    Time,
}

/// Returns the accessor of a field of a response.
pub fn accessor(field: &Field) -> Option<Accessor> {
    let is_optional_string =
        field.ty.is_option() && matches!(field.ty.without_option(), RustType::String);
    match field.ident.to_string().as_str() {
        _ if field.is_unix_time => Some(Accessor::Time),
        "id" | "slug" if is_optional_string => Some(Accessor::Required),
        _ => None,
    }
}

fn required_accessor(structure: &Ident, field: &Field) -> TokenStream {
    let Field { ident, wire, .. } = field;
    let name = structure.to_string();
    let docs = format!(" Returns `{wire}`, which every response is expected to contain.");
    let errors = format!(" Fails if the response has no `{wire}`.");
    quote! {
        #[doc = #docs]
        ///
        /// # Errors
        ///
        #[doc = #errors]
        #[inline]
        pub fn #ident(&self) -> Result<&str, crate::Error> {
            crate::decode::present(self.#ident.as_deref(), #name, #wire, &self.extra)
        }
    }
}

fn time_accessor(field: &Field) -> TokenStream {
    let Field { ident, wire, .. } = field;
    let docs = format!(" Returns the time of `{wire}`; `None` if it is absent or out of range.");
    let value = match field.ty.is_option() {
        true => quote!(self.#ident),
        false => quote!(Some(self.#ident)),
    };
    let seconds = match field.ty.without_option() {
        RustType::Float => quote!(#value.map(|seconds| seconds as i64)),
        _ => value,
    };
    quote! {
        #[doc = #docs]
        pub fn #ident(&self) -> Option<chrono::DateTime<chrono::Utc>> {
            #seconds.and_then(|seconds| chrono::DateTime::from_timestamp(seconds, 0))
        }
    }
}

/// Returns the type of a field of a response: an absent list or map is empty.
pub fn response_field_type(field: &Field) -> &RustType {
    match presence_rule(field) {
        "or_default" => field.ty.without_option(),
        _ => &field.ty,
    }
}

/// Returns how an absent field is decoded: as an empty list or map, as `None`, or as an error.
fn presence_rule(field: &Field) -> &'static str {
    match field.ty.without_option() {
        RustType::List(_) | RustType::Map(_) | RustType::JsonObject | RustType::JsonMap => {
            "or_default"
        }
        _ if field.ty.is_option() => "optional",
        _ => "required",
    }
}

fn open_enum(ty: &OpenEnum) -> TokenStream {
    let OpenEnum {
        ident,
        docs,
        variants,
        aliases,
    } = ty;
    let other = ty.unknown_variant();
    let definitions = variants.iter().map(|(name, text)| {
        let aliases = aliases.iter().filter(|(_, value)| *value == text);
        let aliases = aliases.map(|(alias, _)| alias);
        quote!(#name = #text #(| #aliases)*,)
    });
    quote! {
        crate::open_enum::open_enum! {
            #(#[doc = #docs])*
            #ident, #other { #(#definitions)* }
        }
    }
}
