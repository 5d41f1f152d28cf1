//! Operations: the method of the client, the builder, the entry of the table.

use std::collections::BTreeMap;

use heck::{ToShoutySnakeCase, ToSnakeCase, ToUpperCamelCase};
use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, format_ident, quote};
use serde_json::Value;
use syn::{Fields, GenericArgument, ImplItem, Item, ItemStruct, PathArguments, ReturnType, Type};

use super::{
    docs, example,
    request_types::setter_name,
    rust_type::{RustType, Shape},
    types::Types,
};
use crate::{
    Error, Ledger, Result, document,
    ledger::{self, Entry, Paging},
    siblings::{Position, is_parameter, segments},
};
use std::collections::BTreeSet;

/// What the operations become.
#[derive(Default)]
pub struct Refined {
    /// Methods of the client.
    pub methods: TokenStream,
    /// The builders that they return.
    pub builders: TokenStream,
    /// One static for each operation.
    pub table: TokenStream,
    /// One arm for each operation: decode its answer and encode it again.
    pub round_trips: TokenStream,
}

/// The literal siblings of every path parameter.
pub type Siblings = BTreeMap<Position, BTreeSet<String>>;

/// Refines the items of progenitor's module `builder`.
pub fn refine(
    items: &[Item],
    document: &Value,
    ledger: &Ledger,
    types: &Types,
    siblings: &Siblings,
) -> Result<Refined> {
    let mut refined = Refined::default();
    for (path, method, operation) in document::operations(document) {
        let entry = ledger
            .get(method, path)
            .ok_or_else(|| Error::new(ledger::key(method, path), "is not in the ledger"))?;
        let operation = Operation::read(items, path, method, operation, entry)?;
        refined.methods.extend(operation.method(types));
        refined.builders.extend(operation.builder(types));
        refined.table.extend(operation.table_entry(siblings));
        refined.round_trips.extend(operation.round_trip());
    }
    Ok(refined)
}

/// One operation, as progenitor and the ledger know it.
pub struct Operation<'a> {
    /// The ledger's entry.
    pub entry: &'a Entry,
    key: String,
    method: &'a str,
    path: &'a str,
    deprecated: bool,
    /// The parameters in the path, in their order there.
    pub arguments: Vec<Parameter>,
    /// Every other parameter.
    pub parameters: Vec<Parameter>,
    /// The type of the body and whether it is required.
    pub body: Option<(RustType, bool)>,
    answer: TokenStream,
}

/// A parameter of an operation.
pub struct Parameter {
    /// Its name on the wire.
    pub wire: String,
    /// Its Rust name.
    pub ident: Ident,
    /// Its type, without `Option`.
    pub kind: RustType,
    /// Whether the service wants it.
    pub required: bool,
    /// A value for examples (`x-sample`), where the first that comes to hand would be refused.
    pub sample: Option<String>,
    header: bool,
    joined: bool,
    docs: String,
}

impl<'a> Operation<'a> {
    fn read(
        items: &[Item],
        path: &'a str,
        method: &'a str,
        operation: &Value,
        entry: &'a Entry,
    ) -> Result<Self> {
        let name = entry.id.to_upper_camel_case();
        let builder = builder_struct(items, &name)?;
        let parameters = operation["parameters"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|parameter| {
                Ok((
                    parameter["in"] == "path",
                    Parameter::read(builder, parameter)?,
                ))
            })
            .collect::<Result<Vec<_>>>()?;
        let (mut arguments, parameters): (Vec<_>, Vec<_>) =
            parameters.into_iter().partition(|(in_path, _)| *in_path);
        arguments.sort_by_key(|(_, argument)| path.find(&format!("{{{}}}", argument.wire)));
        let body = operation.get("requestBody").map(|body| {
            field_type(builder, "body").map(|kind| (RustType::of(kind), body["required"] == true))
        });
        Ok(Self {
            entry,
            key: ledger::key(method, path),
            method,
            path,
            deprecated: operation["deprecated"] == true,
            arguments: arguments
                .into_iter()
                .map(|(_, argument)| argument)
                .collect(),
            parameters: parameters
                .into_iter()
                .map(|(_, parameter)| parameter)
                .collect(),
            body: body.transpose()?,
            answer: answer_type(items, &name)?,
        })
    }

    /// The name of the builder.
    pub fn builder_name(&self) -> Ident {
        format_ident!("{}", self.entry.id.to_upper_camel_case())
    }

    fn static_name(&self) -> Ident {
        format_ident!("{}", self.entry.id.to_shouty_snake_case())
    }

    fn method(&self, types: &Types) -> TokenStream {
        let name = format_ident!("{}", self.entry.id);
        let (builder, operation) = (self.builder_name(), self.static_name());
        let docs = docs::operation(&self.key, self.entry, &example::example(self, types));
        let deprecated = self
            .deprecated
            .then(|| quote!(#[deprecated = "Portkey's document marks it so"]));
        let prefix = quote!(types::);
        let arguments = self.arguments.iter().map(|argument| {
            let ident = &argument.ident;
            let kind = argument.kind.written(&prefix);
            quote!(#ident: impl Into<#kind>)
        });
        let values = self.arguments.iter().map(|argument| {
            let ident = &argument.ident;
            match argument.kind.shape {
                Shape::Text => quote!(#ident.into()),
                _ => quote!(#ident.into().to_string()),
            }
        });
        quote! {
            #docs
            #deprecated
            pub fn #name(&self, #(#arguments),*) -> builder::#builder {
                builder::#builder {
                    call: crate::call::Call::new(self, &operations::#operation, vec![#(#values),*]),
                }
            }
        }
    }

    fn builder(&self, types: &Types) -> TokenStream {
        let (name, answer) = (self.builder_name(), &self.answer);
        let setters = self.parameters.iter().map(Parameter::setter);
        let (send, send_with_response) = self.sends();
        let body = self.body.as_ref().map(|(kind, _)| body_setter(kind, types));
        let docs = format!(
            " Builder of [`Client::{0}`](crate::Client::{0}).",
            self.entry.id
        );
        quote! {
            #[doc = #docs]
            #[derive(Clone, Debug)]
            #[must_use = "nothing is sent before `send`"]
            pub struct #name {
                pub(crate) call: crate::call::Call,
            }

            impl #name {
                #(#setters)*
                #body

                /// Sends the request and decodes the answer.
                pub async fn send(self) -> Result<#answer, crate::Error> {
                    self.call.#send().await
                }

                /// Sends the request; gives the answer with its status, headers and raw body.
                pub async fn send_with_response(self) -> Result<crate::Response<#answer>, crate::Error> {
                    self.call.#send_with_response().await
                }
            }
        }
    }

    /// The runtime's functions for an answer with a value and for one that carries nothing.
    fn sends(&self) -> (Ident, Ident) {
        let nothing = self.answer.to_string() == "()";
        let name = |suffix: &str| match nothing {
            true => format_ident!("send_for_nothing{suffix}"),
            false => format_ident!("send{suffix}"),
        };
        (name(""), name("_with_response"))
    }

    /// The way by which the property test reaches the type of the answer.
    fn round_trip(&self) -> TokenStream {
        let (id, answer) = (&self.entry.id, &self.answer);
        match answer.to_string() == "()" {
            true => quote!(#id => Ok(serde_json::Value::Null),),
            false => quote!(#id => crate::answer::every::round_trip::<#answer>(body),),
        }
    }

    fn table_entry(&self, siblings: &Siblings) -> TokenStream {
        let (name, id, path) = (self.static_name(), &self.entry.id, self.path);
        let docs = format!(" `{}`.", self.key);
        let method = format_ident!("{}", self.method.to_ascii_uppercase());
        let plane = format_ident!("{}", format!("{:?}", self.entry.plane));
        let base = format_ident!("{}", format!("{:?}", self.entry.base));
        let segments = self.segments(siblings);
        let required = self
            .parameters
            .iter()
            .filter(|parameter| parameter.required)
            .map(|parameter| &parameter.wire);
        let body_required = self.body.as_ref().is_some_and(|(_, required)| *required);
        let (keys, scopes) = (&self.entry.access.keys, &self.entry.access.scopes);
        let plan = option(self.entry.access.plan.as_ref());
        let retry = format_ident!("{}", format!("{:?}", self.entry.retry));
        let triggers = &self.entry.triggers;
        let paging = option(self.entry.paging.as_ref().map(paging));
        let default_workspace = self.entry.default_workspace;
        let check = match self.entry.check {
            true => {
                let function = format_ident!("{id}");
                quote!(Some(crate::checks::#function))
            }
            false => quote!(None),
        };
        quote! {
            #[doc = #docs]
            pub static #name: Operation = Operation {
                id: #id,
                method: http::Method::#method,
                path: #path,
                segments: &[#(#segments),*],
                plane: Plane::#plane,
                base: Base::#base,
                required: &[#(#required),*],
                body_required: #body_required,
                retry: Retry::#retry,
                triggers: &[#(#triggers),*],
                paging: #paging,
                default_workspace: #default_workspace,
                check: #check,
                access: Access { keys: &[#(#keys),*], scopes: &[#(#scopes),*], plan: #plan },
            };
        }
    }

    fn segments(&self, siblings: &Siblings) -> Vec<TokenStream> {
        segments(self.path)
            .enumerate()
            .map(|(index, segment)| {
                if !is_parameter(segment) {
                    return quote!(Segment::Literal(#segment));
                }
                let name = segment.trim_matches(['{', '}']);
                let position = (self.method.to_owned(), self.path.to_owned(), index);
                let reserved = siblings.get(&position).into_iter().flatten();
                quote!(Segment::Parameter { name: #name, reserved: &[#(#reserved),*] })
            })
            .collect()
    }
}

impl Parameter {
    fn read(builder: &ItemStruct, parameter: &Value) -> Result<Self> {
        let wire = parameter["name"].as_str().unwrap_or_default().to_owned();
        let ident = rust_ident(&wire);
        let kind = RustType::of(field_type(builder, &ident.to_string())?);
        Ok(Self {
            ident,
            kind: kind.unwrapped().clone(),
            required: parameter["required"] == true,
            sample: parameter["x-sample"].as_str().map(str::to_owned),
            header: parameter["in"] == "header",
            joined: parameter["explode"] == false,
            docs: match parameter["description"].as_str() {
                Some(text) => format!(" {text}"),
                None => format!(
                    " Sets the {} parameter `{wire}`.",
                    parameter["in"].as_str().unwrap_or("query")
                ),
            },
            wire,
        })
    }

    /// Header, query or repeated query: the call keeps it as text.
    fn setter(&self) -> TokenStream {
        let Self { docs, wire, .. } = self;
        let ident = setter_name(&self.ident, &["send", "send_with_response", "body"]);
        let place = if self.header {
            format_ident!("header")
        } else {
            format_ident!("query")
        };
        let prefix = quote!(types::);
        let kind = self.kind.written(&prefix);
        let (argument, statement) = match &self.kind.shape {
            Shape::Number => (kind, quote!(self.call.number(#wire, value))),
            Shape::Bool | Shape::Integer => {
                (kind, quote!(self.call.#place(#wire, value.to_string())))
            }
            Shape::Text => (
                quote!(impl Into<String>),
                quote!(self.call.#place(#wire, value.into())),
            ),
            Shape::Time => (
                quote!(impl Into<#kind>),
                quote!(self.call.#place(#wire, crate::call::time(value.into()))),
            ),
            Shape::List(item) => {
                let item = item.written(&prefix);
                let joined = self.joined;
                (
                    quote!(impl IntoIterator<Item = impl Into<#item>>),
                    quote!(self.call.query_list(#wire, value.into_iter().map(|item| item.into().to_string()), #joined)),
                )
            }
            Shape::Object => (
                kind,
                quote!(self.call.#place(#wire, serde_json::Value::Object(value.into_map()).to_string())),
            ),
            _ => (
                quote!(impl Into<#kind>),
                quote!(self.call.#place(#wire, value.into().to_string())),
            ),
        };
        quote! {
            #[doc = #docs]
            pub fn #ident(mut self, value: #argument) -> Self {
                #statement;
                self
            }
        }
    }
}

/// The part of the ledger's `paging` that the client needs to ask for a page.
fn paging(paging: &Paging) -> TokenStream {
    let [page, size, after] = [&paging.page, &paging.size, &paging.after]
        .map(|parameter| option(parameter.as_ref()));
    let first = paging.first.unwrap_or_default();
    quote!(Paging { page: #page, size: #size, first: #first, after: #after })
}

fn option(value: Option<impl ToTokens>) -> TokenStream {
    match value {
        Some(value) => quote!(Some(#value)),
        None => quote!(None),
    }
}

fn body_setter(kind: &RustType, types: &Types) -> TokenStream {
    let prefix = quote!(types::);
    let written = kind.written(&prefix);
    let (bounds, argument, value) = match &kind.shape {
        _ if types.is_built(kind) => (
            quote!(<V: TryInto<#written, Error: Into<crate::Error>>>),
            quote!(V),
            quote!(value.try_into()),
        ),
        _ => (
            TokenStream::new(),
            quote!(impl Into<#written>),
            quote!(Ok::<#written, crate::Error>(value.into())),
        ),
    };
    quote! {
        /// Sets the body; a builder is finished and checked here.
        pub fn body #bounds(mut self, value: #argument) -> Self {
            self.call.body(#value);
            self
        }
    }
}

/// The Rust name that progenitor gives a parameter.
fn rust_ident(wire: &str) -> Ident {
    let name = wire.to_snake_case();
    syn::parse_str::<Ident>(&name).unwrap_or_else(|_| format_ident!("{name}_"))
}

fn builder_struct<'a>(items: &'a [Item], name: &str) -> Result<&'a ItemStruct> {
    items
        .iter()
        .find_map(|item| match item {
            Item::Struct(item) if item.ident == name => Some(item),
            _ => None,
        })
        .ok_or_else(|| Error::new("progenitor", format!("wrote no builder `{name}`")))
}

/// The type of a builder's field, without the `Result` and the `Option` around it.
fn field_type<'a>(builder: &'a ItemStruct, name: &str) -> Result<&'a Type> {
    let Fields::Named(fields) = &builder.fields else {
        return Err(Error::new(
            "progenitor",
            format!("builder `{}` has no fields", builder.ident),
        ));
    };
    let field = fields
        .named
        .iter()
        .find(|field| field.ident.as_ref().is_some_and(|ident| ident == name))
        .ok_or_else(|| {
            Error::new(
                "progenitor",
                format!("builder `{}` has no field `{name}`", builder.ident),
            )
        })?;
    Ok(inside(inside(&field.ty, "Result"), "Option"))
}

/// `Outer<T, …>` → `T`; any other type as it is.
fn inside<'a>(kind: &'a Type, outer: &str) -> &'a Type {
    let Type::Path(path) = kind else {
        return kind;
    };
    match path.path.segments.last() {
        Some(last) if last.ident == outer => match &last.arguments {
            PathArguments::AngleBracketed(list) => match list.args.first() {
                Some(GenericArgument::Type(inner)) => inner,
                _ => kind,
            },
            _ => kind,
        },
        _ => kind,
    }
}

/// `T` of `send(self) -> Result<ResponseValue<T>, …>`.
fn answer_type(items: &[Item], name: &str) -> Result<TokenStream> {
    let send = items.iter().find_map(|item| match item {
        Item::Impl(item) if is_named(&item.self_ty, name) => {
            item.items.iter().find_map(|item| match item {
                ImplItem::Fn(function) if function.sig.ident == "send" => {
                    Some(&function.sig.output)
                }
                _ => None,
            })
        }
        _ => None,
    });
    match send {
        Some(ReturnType::Type(_, kind)) => {
            let answer = inside(inside(kind, "Result"), "ResponseValue");
            Ok(match answer {
                Type::Tuple(_) => quote!(()),
                other => RustType::of(other).written(&quote!(types::)),
            })
        }
        _ => Err(Error::new(
            "progenitor",
            format!("wrote no `send` for `{name}`"),
        )),
    }
}

fn is_named(kind: &Type, name: &str) -> bool {
    matches!(kind, Type::Path(path) if path.path.segments.last().is_some_and(|last| last.ident == name))
}
