//! The code of the types: response structs, open enums, and through other modules the rest.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use super::{
    model::{Definition, Field, OpenEnum, RustType, StructType, Types},
    request_types, unions,
};
use crate::{lower::Direction, modules::Modules};

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
        Definition::Struct(structure) => response_struct(structure, modules),
        Definition::Enum(ty) => open_enum(ty),
        Definition::Union(union) => unions::definition(union, types),
    }
}

/// Returns a response struct: absent lists and maps are empty, and unknown fields are kept.
fn response_struct(structure: &StructType, modules: &Modules) -> TokenStream {
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
        let (ident, wire, rule) = (
            &field.ident,
            &field.wire,
            format_ident!("{}", presence_rule(field)),
        );
        quote!(#ident #wire #rule,)
    });
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

        crate::decode::response_object! { #ident { #(#rules)* } }
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
        RustType::List(_) | RustType::Map(_) | RustType::JsonObject => "or_default",
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
