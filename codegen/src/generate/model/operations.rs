//! The operations of the client.

use heck::{ToShoutySnakeCase, ToSnakeCase, ToUpperCamelCase};
use portkey_admin_constraints::Constraint;
use proc_macro2::Ident;
use quote::format_ident;

use super::RustType;
use crate::manifest::Entry;

/// An operation, from the output of progenitor and the manifest.
pub struct Operation<'a> {
    /// The entry in the manifest.
    pub entry: &'a Entry,
    /// The module of the operation.
    pub module: String,
    /// The key in the manifest.
    pub key: String,
    /// The HTTP method, in lower case.
    pub method: &'a str,
    /// The path template.
    pub path: &'a str,
    /// Whether the OpenAPI document marks it as deprecated.
    pub deprecated: bool,
    /// The path parameters, in path order.
    pub arguments: Vec<Parameter>,
    /// All other parameters except those of groups.
    pub parameters: Vec<Parameter>,
    /// The groups of parameters that it takes as one value each.
    pub groups: Vec<ParameterGroup>,
    /// The type of the body and whether it is required.
    pub body: Option<(RustType, bool)>,
    /// The type of the response; `None` if it has no body.
    pub response: Option<RustType>,
    /// The type of the streamed events.
    pub event: Option<String>,
    /// The operation that reads the updated resource, and the type of its response.
    pub read_operation: Option<(&'a str, Option<RustType>)>,
    /// The lines of the example in the docs; those that start with `# ` are hidden. Empty for a
    /// handwritten operation.
    pub example: Vec<String>,
    /// The constraints on a request.
    pub constraints: Vec<Constraint>,
}

/// A parameter of an operation.
#[derive(Clone)]
pub struct Parameter {
    /// The name on the wire.
    pub wire: String,
    /// The Rust name.
    pub ident: Ident,
    /// The type, without `Option`.
    pub ty: RustType,
    /// Whether the parameter is required.
    pub required: bool,
    /// Whether it is sent as a header.
    pub header: bool,
    /// Whether the values of a list are sent as one, separated by commas.
    pub comma_separated: bool,
    /// The documentation.
    pub docs: String,
}

/// Parameters that several operations share and that are one type.
#[derive(Clone)]
pub struct ParameterGroup {
    /// The name of the type.
    pub name: String,
    /// The documentation of the type.
    pub docs: String,
    /// The parameters.
    pub parameters: Vec<Parameter>,
}

impl ParameterGroup {
    /// Returns the name of the setter that takes the type: the last word of its name.
    pub fn setter(&self) -> Ident {
        let name = self.name.to_snake_case();
        format_ident!("{}", name.rsplit('_').next().unwrap_or(&name))
    }
}

impl Operation<'_> {
    /// Returns the name of the builder.
    pub fn builder_name(&self) -> Ident {
        format_ident!("{}", self.entry.id.to_upper_camel_case())
    }

    /// Returns the name of the static with its metadata.
    pub fn static_name(&self) -> Ident {
        format_ident!("{}", self.entry.id.to_shouty_snake_case())
    }

    /// Returns all parameters that are not in the path.
    pub fn all_parameters(&self) -> impl Iterator<Item = &Parameter> {
        let groups = self.groups.iter().flat_map(|group| &group.parameters);
        self.parameters.iter().chain(groups)
    }

    /// Returns the builder methods that are not setters; their names are taken.
    pub fn builder_methods(&self) -> &'static [&'static str] {
        match (&self.entry.paging, &self.event) {
            (Some(_), _) => &["send", "send_with_response", "body", "stream", "pages"],
            (None, Some(_)) => &["send", "send_with_response", "body", "stream"],
            (None, None) => &["send", "send_with_response", "body"],
        }
    }
}
