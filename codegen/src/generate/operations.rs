//! Operations: the client method, the builder and the static metadata of each operation.

use std::collections::BTreeMap;

use heck::{ToShoutySnakeCase, ToUpperCamelCase};
use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, format_ident, quote};
use serde_json::Value;
use syn::{Fields, GenericArgument, ImplItem, Item, ItemStruct, PathArguments, ReturnType, Type};

use super::{
    docs, example, lists, module,
    request_types::setter_name,
    rust_type::{RustType, TypeKind, type_path},
    types::Types,
};
use crate::{
    Error, Manifest, Result,
    error::Problems,
    lower::EVENT_KEY,
    manifest::{self, Entry, Idempotency, Paging},
    modules::module_of,
    reserved_segments::{Part, Position, parts, segments},
    rust_names,
};
use std::collections::BTreeSet;

/// The generated code of all operations.
#[derive(Default)]
pub struct RefinedOperations<'a> {
    /// The operations, in the order of the manifest.
    pub operations: Vec<Operation<'a>>,
    /// The code of each module that has operations.
    pub modules: BTreeMap<String, ModuleOperations>,
    /// A static with the metadata of each operation.
    pub table: TokenStream,
    /// A match arm for each operation that decodes its response and encodes it again.
    pub round_trips: TokenStream,
    /// A reference to each of the statics.
    pub operation_refs: TokenStream,
    /// The id of each handwritten operation with the `Debug` output of its builder.
    pub handwritten_calls: TokenStream,
    /// The pagination impls of the list responses, by the name of the type.
    pub list_impls: BTreeMap<String, TokenStream>,
}

/// The generated code of the operations of a module.
#[derive(Default)]
pub struct ModuleOperations {
    /// The methods of the client.
    pub methods: TokenStream,
    /// The builders that these methods return.
    pub builders: TokenStream,
    /// The builders that are written by hand.
    pub handwritten: Vec<Ident>,
    /// A row of the table in the docs for each operation.
    pub rows: Vec<String>,
}

/// The reserved segments of every path parameter.
pub type ReservedSegments = BTreeMap<Position, BTreeSet<String>>;

/// Generates the code of every operation in the document, from the output of progenitor.
pub fn refine<'a>(
    generated: &syn::File,
    document: &'a Value,
    manifest: &'a Manifest,
    types: &Types,
    reserved_segments: &ReservedSegments,
) -> Result<RefinedOperations<'a>> {
    let items = module(&generated.items, "builder")?;
    let type_items = module(&generated.items, "types")?;
    let mut refined = RefinedOperations::default();
    let mut problems = Problems::default();
    for (key, entry) in manifest.iter() {
        let Some((method, path)) = manifest::split_key(key) else {
            continue;
        };
        // The selection may have left the operation out.
        let Some((method, path, source)) = find_operation(document, method, path) else {
            continue;
        };
        let operation =
            Operation::new(items, path, method, source, entry).map_err(|error| error.within(key));
        let Some(operation) = problems.check(operation) else {
            continue;
        };
        let module = refined.modules.entry(operation.module.clone()).or_default();
        module.rows.push(docs::table_row(&operation.key, entry));
        // The method and the builder of a handwritten operation are in the `src/` of the client.
        if entry.handwritten.is_none() {
            module.methods.extend(operation.method(types));
            module.builders.extend(operation.builder(types));
        } else {
            module.handwritten.push(operation.builder_name());
            refined
                .handwritten_calls
                .extend(operation.handwritten_call());
        }
        refined
            .table
            .extend(operation.table_entry(reserved_segments));
        refined.round_trips.extend(operation.round_trip(types));
        let name = operation.static_name();
        refined.operation_refs.extend(quote!(&#name,));
        let list_impls = operation
            .list_impls(types, type_items)
            .map_err(|error| error.within(key));
        for (name, tokens) in problems.check(list_impls).unwrap_or_default() {
            let added = add_list_impl(&mut refined.list_impls, name, tokens);
            problems.check(added.map_err(|error| error.within(key)));
        }
        refined.operations.push(operation);
    }
    problems.finish(refined)
}

/// Returns the method, the path and the operation of the selected document.
fn find_operation<'a>(
    document: &'a Value,
    method: &str,
    path: &str,
) -> Option<(&'a str, &'a str, &'a Value)> {
    let (path, item) = document["paths"].as_object()?.get_key_value(path)?;
    let (method, operation) = item
        .as_object()?
        .get_key_value(&method.to_ascii_lowercase())?;
    Some((method, path, operation))
}

/// Adds a pagination impl. Operations with the same response type must agree on it.
fn add_list_impl(
    list_impls: &mut BTreeMap<String, TokenStream>,
    name: String,
    tokens: TokenStream,
) -> Result<()> {
    let text = tokens.to_string();
    match list_impls.insert(name.clone(), tokens) {
        Some(other) if other.to_string() != text => Err(Error::new(
            format!("list `{name}`"),
            "two operations paginate it differently",
        )),
        _ => Ok(()),
    }
}

/// An operation, from the output of progenitor and the manifest.
pub struct Operation<'a> {
    /// The entry in the manifest.
    pub entry: &'a Entry,
    /// The module of the operation.
    pub module: String,
    key: String,
    method: &'a str,
    path: &'a str,
    deprecated: bool,
    /// The path parameters, in path order.
    pub arguments: Vec<Parameter>,
    /// All other parameters.
    pub parameters: Vec<Parameter>,
    /// The type of the body and whether it is required.
    pub body: Option<(RustType, bool)>,
    /// The type of the response; `None` if it has no body.
    pub response: Option<RustType>,
    /// The type of the streamed events.
    pub event: Option<String>,
    /// The operation that reads the updated resource, and the type of its response.
    pub read_operation: Option<(&'a str, Option<RustType>)>,
}

/// A parameter of an operation.
pub struct Parameter {
    /// The name on the wire.
    pub wire: String,
    /// The Rust name.
    pub ident: Ident,
    /// The type, without `Option`.
    pub ty: RustType,
    /// Whether the parameter is required.
    pub required: bool,
    /// A value for examples (`x-sample`), if the service rejects the default sample.
    pub sample: Option<String>,
    header: bool,
    comma_separated: bool,
    docs: String,
}

impl<'a> Operation<'a> {
    fn new(
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
                    Parameter::new(builder, parameter)?,
                ))
            })
            .collect::<Result<Vec<_>>>()?;
        let (mut arguments, parameters): (Vec<_>, Vec<_>) =
            parameters.into_iter().partition(|(in_path, _)| *in_path);
        arguments.sort_by_key(|(_, argument)| path.find(&format!("{{{}}}", argument.wire)));
        let body = operation.get("requestBody").map(|body| {
            field_type(builder, "body").map(|ty| (RustType::new(ty), body["required"] == true))
        });
        let read_operation = entry
            .reads
            .as_deref()
            .map(|id| Ok((id, response_type(items, &id.to_upper_camel_case())?)));
        Ok(Self {
            read_operation: read_operation.transpose()?,
            event: event_type(operation),
            module: module_of(entry, path),
            entry,
            key: manifest::key(method, path),
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
            response: response_type(items, &name)?,
        })
    }

    /// Returns the name of the builder.
    pub fn builder_name(&self) -> Ident {
        format_ident!("{}", self.entry.id.to_upper_camel_case())
    }

    /// Returns the name of the static with its metadata.
    pub fn static_name(&self) -> Ident {
        format_ident!("{}", self.entry.id.to_shouty_snake_case())
    }

    fn method(&self, types: &Types) -> TokenStream {
        let name = format_ident!("{}", self.entry.id);
        let (builder, operation) = (self.builder_name(), self.static_name());
        let docs = docs::operation(&self.key, self.entry, &example::example(self, types));
        let deprecated = self
            .deprecated
            .then(|| quote!(#[deprecated = "deprecated in Portkey's OpenAPI document"]));
        let arguments = self.arguments.iter().map(|argument| {
            let ident = &argument.ident;
            let ty = argument.ty.tokens(types.modules());
            quote!(#ident: impl Into<#ty>)
        });
        let values = self.arguments.iter().map(|argument| {
            let ident = &argument.ident;
            match argument.ty.kind {
                TypeKind::String => quote!(#ident.into()),
                TypeKind::DateTime => quote!(crate::call::timestamp(#ident.into())),
                _ => quote!(#ident.into().to_string()),
            }
        });
        let alias = docs::alias(&self.key, &self.entry.id);
        quote! {
            #docs
            #alias
            #deprecated
            pub fn #name(&self, #(#arguments),*) -> #builder {
                #builder {
                    call: crate::call::Call::new(self, &crate::operations::#operation, vec![#(#values),*]),
                }
            }
        }
    }

    fn builder(&self, types: &Types) -> TokenStream {
        let (name, response) = (self.builder_name(), self.response_tokens(types));
        let pages = self.pages(types);
        let update_and_get = self.update_and_get(types);
        let stream = self.stream(types);
        let builder_methods = self.builder_methods();
        let setters = self
            .parameters
            .iter()
            .map(|parameter| parameter.setter(builder_methods, types));
        let (send, send_with_response) = self.send_functions();
        let body = self.body.as_ref().map(|(ty, _)| body_setter(ty, types));
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

                /// Sends the request and decodes the response.
                pub async fn send(self) -> Result<#response, crate::Error> {
                    self.call.#send().await
                }

                /// Sends the request and returns the response with its status, headers and raw body.
                pub async fn send_with_response(self) -> Result<crate::Response<#response>, crate::Error> {
                    self.call.#send_with_response().await
                }

                #update_and_get
                #pages
                #stream
            }
        }
    }

    /// Returns the builder methods that are not setters; their names are taken.
    pub fn builder_methods(&self) -> &'static [&'static str] {
        match (&self.entry.paging, &self.event) {
            (Some(_), _) => &["send", "send_with_response", "body", "stream", "pages"],
            (None, Some(_)) => &["send", "send_with_response", "body", "stream"],
            (None, None) => &["send", "send_with_response", "body"],
        }
    }

    fn response_tokens(&self, types: &Types) -> TokenStream {
        type_tokens(self.response.as_ref(), types)
    }

    /// Returns the two stream methods of a list.
    fn pages(&self, types: &Types) -> Option<TokenStream> {
        let paging = self.entry.paging.as_ref()?;
        let response = self.response_tokens(types);
        let extent = match paging.page.is_some() || paging.after.is_some() {
            true => ", fetched page by page",
            false => "; there is only one page",
        };
        let items = format!(" Returns the list as a stream of items{extent}.");
        let pages = format!(" Returns the list as a stream of pages{extent}.");
        Some(quote! {
            #[doc = #items]
            pub fn stream(self) -> crate::Items<#response> {
                crate::pagination::items(self.call)
            }

            #[doc = #pages]
            pub fn pages(self) -> crate::Pages<#response> {
                crate::pagination::pages(self.call)
            }
        })
    }

    /// Returns the method that streams the response as events.
    fn stream(&self, types: &Types) -> Option<TokenStream> {
        let event = type_path(self.event.as_ref()?, types.modules());
        let open = match self
            .entry
            .stream
            .as_ref()
            .is_some_and(|stream| stream.named)
        {
            true => format_ident!("open_named"),
            false => format_ident!("open"),
        };
        Some(quote! {
            /// Streams the response as events while it is generated.
            ///
            /// Sets `stream` in the request body.
            pub fn stream(self) -> crate::gateway::OpenStream<#event> {
                crate::gateway::events::#open(self.call)
            }
        })
    }

    /// Returns the pagination impls of the response type.
    fn list_impls(&self, types: &Types, items: &[Item]) -> Result<Vec<(String, TokenStream)>> {
        match (
            &self.entry.paging,
            self.response.as_ref().map(|response| &response.kind),
        ) {
            (None, _) => Ok(Vec::new()),
            (Some(paging), Some(TypeKind::Named(name))) => {
                lists::paged_impls(name, paging, types, items)
            }
            _ => Err(Error::new(
                "response",
                "expected a named type for the response of a list",
            )),
        }
    }

    /// Returns the method that reads the resource after an update without a response body.
    fn update_and_get(&self, types: &Types) -> Option<TokenStream> {
        let (id, response) = self.read_operation.as_ref()?;
        let response = type_tokens(response.as_ref(), types);
        let operation = format_ident!("{}", id.to_shouty_snake_case());
        let docs = format!(
            " Sends the update, then reads the resource with [`Client::{id}`](crate::Client::{id}), because \
             the update returns no data. The service may need a moment: the result can still be stale."
        );
        Some(quote! {
            #[doc = #docs]
            ///
            /// # Errors
            ///
            /// Fails if the update or the read fails.
            /// An error of the read means that the update succeeded.
            pub async fn update_and_get(self) -> Result<#response, crate::Error> {
                crate::update_and_get::update_and_get(self.call, &crate::operations::#operation).await
            }
        })
    }

    /// Returns the names of the two send functions, which depend on whether there is a response
    /// body.
    fn send_functions(&self) -> (Ident, Ident) {
        let name = |suffix: &str| match self.response.is_none() {
            true => format_ident!("send_unit{suffix}"),
            false => format_ident!("send{suffix}"),
        };
        (name(""), name("_with_response"))
    }

    /// Returns a call of the handwritten method of the operation.
    fn handwritten_call(&self) -> TokenStream {
        let (id, method) = (&self.entry.id, format_ident!("{}", self.entry.id));
        let arguments = self.arguments.iter().map(|_| quote!("one"));
        quote!((#id, format!("{:?}", client.#method(#(#arguments),*))),)
    }

    /// Returns the match arm that round-trips the response type in the property test.
    fn round_trip(&self, types: &Types) -> TokenStream {
        let (id, response) = (&self.entry.id, self.response_tokens(types));
        match self.response.is_none() {
            true => quote!(#id => Ok(serde_json::Value::Null),),
            false => quote!(#id => crate::decode::round_trip_tests::round_trip::<#response>(body),),
        }
    }

    fn table_entry(&self, reserved_segments: &ReservedSegments) -> TokenStream {
        let (name, id, path) = (self.static_name(), &self.entry.id, self.path);
        let docs = format!(" `{}`.", self.key);
        let method = format_ident!("{}", self.method.to_ascii_uppercase());
        let plane = format_ident!("{}", format!("{:?}", self.entry.plane));
        let base = format_ident!("{}", format!("{:?}", self.entry.base));
        let segments = self.segments(reserved_segments);
        let required = self
            .parameters
            .iter()
            .filter(|parameter| parameter.required)
            .map(|parameter| &parameter.wire);
        let body_required = self.body.as_ref().is_some_and(|(_, required)| *required);
        let (keys, scopes) = (&self.entry.access.keys, &self.entry.access.scopes);
        let plan = option(self.entry.access.plan.as_ref());
        let retry = match self.entry.retry {
            Idempotency::Safe => quote!(Idempotency::Safe),
            Idempotency::Idempotent => quote!(Idempotency::Idempotent),
            Idempotency::NonIdempotent => quote!(Idempotency::NonIdempotent),
        };
        let triggers = &self.entry.triggers;
        let paging = option(self.entry.paging.as_ref().map(paging));
        let default_workspace = self.entry.default_workspace;
        let check = match self.entry.check {
            true => {
                let function = format_ident!("{id}");
                quote!(Some(crate::validation::#function))
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
                api_version: ApiVersion::#base,
                required: &[#(#required),*],
                body_required: #body_required,
                idempotency: #retry,
                non_idempotent_fields: &[#(#triggers),*],
                paging: #paging,
                default_workspace: #default_workspace,
                validate: #check,
                access: Access { keys: &[#(#keys),*], scopes: &[#(#scopes),*], plan: #plan },
            };
        }
    }

    fn segments(&self, reserved_segments: &ReservedSegments) -> Vec<TokenStream> {
        segments(self.path)
            .enumerate()
            .map(|(index, segment)| {
                let method = self.method.to_ascii_lowercase();
                let position = (method, self.path.to_owned(), index);
                let reserved = reserved_segments.get(&position).into_iter().flatten();
                match parts(segment).as_slice() {
                    [Part::Parameter(name)] => {
                        quote!(Segment::Parameter { name: #name, reserved: &[#(#reserved),*] })
                    }
                    parts if parts.iter().any(|part| matches!(part, Part::Parameter(_))) => {
                        let parts = parts.iter().map(|part| match part {
                            Part::Literal(text) => quote!(Part::Literal(#text)),
                            Part::Parameter(name) => quote!(Part::Parameter(#name)),
                        });
                        quote!(Segment::Template { parts: &[#(#parts),*], reserved: &[#(#reserved),*] })
                    }
                    _ => quote!(Segment::Literal(#segment)),
                }
            })
            .collect()
    }
}

impl Parameter {
    fn new(builder: &ItemStruct, parameter: &Value) -> Result<Self> {
        let wire = parameter["name"].as_str().unwrap_or_default().to_owned();
        let ident = format_ident!("{}", rust_names::parameter(&wire));
        let ty = RustType::new(field_type(builder, &ident.to_string())?);
        Ok(Self {
            ident: short_ident(&ident),
            ty: ty.without_option().clone(),
            required: parameter["required"] == true,
            sample: parameter["x-sample"].as_str().map(str::to_owned),
            header: parameter["in"] == "header",
            comma_separated: parameter["explode"] == false,
            docs: match parameter["description"].as_str() {
                Some(text) => format!(" {text}"),
                None => format!(" {}", docs::description(&ty, &parameter["schema"])),
            },
            wire,
        })
    }

    /// Returns the setter; the value is stored as a string in a header or the query.
    fn setter(&self, builder_methods: &[&str], types: &Types) -> TokenStream {
        let docs = &self.docs;
        // Names of headers are not case-sensitive, and `HeaderName::from_static` wants lower case.
        let wire = match self.header {
            true => &self.wire.to_ascii_lowercase(),
            false => &self.wire,
        };
        let ident = setter_name(&self.ident, builder_methods);
        let location = if self.header {
            format_ident!("header")
        } else {
            format_ident!("query")
        };
        let ty = self.ty.tokens(types.modules());
        let (argument, statement) = match &self.ty.kind {
            TypeKind::Float if !self.header => (ty, quote!(self.call.number(#wire, value))),
            TypeKind::Integer if !self.header => (ty, quote!(self.call.query(#wire, value))),
            TypeKind::Bool | TypeKind::Integer | TypeKind::Float => {
                (ty, quote!(self.call.#location(#wire, value.to_string())))
            }
            TypeKind::String => (
                quote!(impl Into<String>),
                quote!(self.call.#location(#wire, value.into())),
            ),
            TypeKind::DateTime => (
                quote!(impl Into<#ty>),
                quote!(self.call.#location(#wire, crate::call::timestamp(value.into()))),
            ),
            TypeKind::List(item) => {
                let item = item.tokens(types.modules());
                let comma_separated = self.comma_separated;
                (
                    quote!(impl IntoIterator<Item = impl Into<#item>>),
                    quote!(self.call.query_list(#wire, value.into_iter().map(|item| item.into().to_string()), #comma_separated)),
                )
            }
            TypeKind::JsonObject => (
                ty,
                quote!(self.call.#location(#wire, serde_json::Value::Object(value.into_map()).to_string())),
            ),
            _ => (
                quote!(impl Into<#ty>),
                quote!(self.call.#location(#wire, value.into().to_string())),
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

/// Returns the part of the manifest's `paging` that the client needs to request a page.
fn paging(paging: &Paging) -> TokenStream {
    let [page, size, after] =
        [&paging.page, &paging.size, &paging.after].map(|parameter| option(parameter.as_ref()));
    let first = paging.first.unwrap_or_default();
    quote!(Paging { page: #page, size: #size, first: #first, after: #after })
}

fn option(value: Option<impl ToTokens>) -> TokenStream {
    match value {
        Some(value) => quote!(Some(#value)),
        None => quote!(None),
    }
}

fn body_setter(ty: &RustType, types: &Types) -> TokenStream {
    let tokens = ty.tokens(types.modules());
    let (bounds, argument, value) = match &ty.kind {
        _ if types.has_builder(ty) => (
            quote!(<V: TryInto<#tokens, Error: Into<crate::Error>>>),
            quote!(V),
            quote!(value.try_into()),
        ),
        _ => (
            TokenStream::new(),
            quote!(impl Into<#tokens>),
            quote!(Ok::<#tokens, crate::Error>(value.into())),
        ),
    };
    quote! {
        /// Sets the request body. A builder is built and validated here.
        pub fn body #bounds(mut self, value: #argument) -> Self {
            self.call.body(#value);
            self
        }
    }
}

/// Returns the name of a setter without the prefix that all headers of Portkey have.
fn short_ident(ident: &Ident) -> Ident {
    match ident.to_string().strip_prefix("x_portkey_") {
        Some(name) => format_ident!("{name}"),
        None => ident.clone(),
    }
}

fn builder_struct<'a>(items: &'a [Item], name: &str) -> Result<&'a ItemStruct> {
    items
        .iter()
        .find_map(|item| match item {
            Item::Struct(item) if item.ident == name => Some(item),
            _ => None,
        })
        .ok_or_else(|| Error::new("progenitor", format!("generated no builder `{name}`")))
}

/// Returns the type of a builder field without the enclosing `Result` and `Option`.
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
    Ok(strip_wrapper(strip_wrapper(&field.ty, "Result"), "Option"))
}

/// Returns `T` of `Outer<T, …>`; any other type is returned unchanged.
fn strip_wrapper<'a>(ty: &'a Type, outer: &str) -> &'a Type {
    let Type::Path(path) = ty else {
        return ty;
    };
    match path.path.segments.last() {
        Some(last) if last.ident == outer => match &last.arguments {
            PathArguments::AngleBracketed(list) => match list.args.first() {
                Some(GenericArgument::Type(inner)) => inner,
                _ => ty,
            },
            _ => ty,
        },
        _ => ty,
    }
}

/// Returns the tokens of a response type, `()` if there is none.
fn type_tokens(response: Option<&RustType>, types: &Types) -> TokenStream {
    match response {
        Some(ty) => ty.tokens(types.modules()),
        None => quote!(()),
    }
}

/// Returns `T` of `send(self) -> Result<ResponseValue<T>, …>`, or `None` if it is `()`.
fn response_type(items: &[Item], name: &str) -> Result<Option<RustType>> {
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
        Some(ReturnType::Type(_, ty)) => {
            let response = strip_wrapper(strip_wrapper(ty, "Result"), "ResponseValue");
            Ok(match response {
                Type::Tuple(_) => None,
                other => Some(RustType::new(other)),
            })
        }
        _ => Err(Error::new(
            "progenitor",
            format!("generated no `send` for `{name}`"),
        )),
    }
}

/// Returns the event type of a lowered operation.
fn event_type(operation: &Value) -> Option<String> {
    let reference = operation[EVENT_KEY]["$ref"].as_str()?;
    let name = reference.rsplit('/').next()?;
    Some(name.to_upper_camel_case())
}

fn is_named(ty: &Type, name: &str) -> bool {
    matches!(ty, Type::Path(path) if path.path.segments.last().is_some_and(|last| last.ident == name))
}
