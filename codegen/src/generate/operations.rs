//! Operations: the client method, the builder and the static metadata of each operation.

use std::collections::{BTreeMap, BTreeSet};

use heck::ToShoutySnakeCase;
use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, format_ident, quote};

use super::{
    constraints, docs,
    model::{
        Model, Operation, Parameter, ParameterGroup, ReservedSegments, RustType, Types,
        setter_name, type_path,
    },
    request_types::maybe_setter,
};
use crate::{
    manifest::{Access, Idempotency, Paging, RequiredScopes},
    reserved_segments::{Part, parts, segments},
};

/// The generated code of all operations.
#[derive(Default)]
pub struct OperationsCode {
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
}

/// The generated code of the operations of a module.
#[derive(Default)]
pub struct ModuleOperations {
    /// The methods of the client.
    pub methods: TokenStream,
    /// The builders that these methods return.
    pub builders: TokenStream,
    /// The conversions from response types to request types.
    pub conversions: TokenStream,
    /// The builders that are written by hand.
    pub handwritten: Vec<Ident>,
    /// A row of the table in the docs for each operation.
    pub rows: Vec<String>,
}

/// Generates the code of every operation.
pub fn code(model: &Model<'_>) -> OperationsCode {
    let types = &model.types;
    let mut code = OperationsCode::default();
    for operation in &model.operations {
        let module = code.modules.entry(operation.module.clone()).or_default();
        module
            .rows
            .push(docs::table_row(&operation.key, operation.entry));
        // The method and the builder of a handwritten operation are in the `src/` of the client.
        if operation.entry.handwritten.is_none() {
            module.methods.extend(operation.method(types));
            module.builders.extend(operation.builder(types));
        } else {
            module.handwritten.push(operation.builder_name());
            code.handwritten_calls.extend(operation.handwritten_call());
        }
        code.table
            .extend(operation.table_entry(model.reserved_segments));
        code.round_trips.extend(operation.round_trip(types));
        let name = operation.static_name();
        code.operation_refs.extend(quote!(&#name,));
    }
    code
}

/// Returns the implementation of `ResponseBody` for the responses of a module, except for lists.
pub fn response_bodies(model: &Model<'_>, module: &str) -> TokenStream {
    let responses =
        model
            .operations
            .iter()
            .filter_map(|operation| match operation.response.as_ref()? {
                RustType::Named(name) => Some(name.as_str()),
                _ => None,
            });
    let names: BTreeSet<&str> = responses
        .filter(|name| model.types.modules().home(name) == module)
        .filter(|name| !model.lists.contains_key(*name))
        .collect();
    let names = names.into_iter().map(|name| format_ident!("{name}"));
    quote!(#(impl crate::response_future::ResponseBody for #names {})*)
}

impl Operation<'_> {
    fn method(&self, types: &Types) -> TokenStream {
        let name = format_ident!("{}", self.entry.id);
        let (builder, operation) = (self.builder_name(), self.static_name());
        let docs = docs::operation(&self.key, self.entry, &self.example);
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
            match argument.ty {
                RustType::String => quote!(#ident.into()),
                RustType::DateTime => quote!(crate::parameters::timestamp(#ident.into())),
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
            .map(|parameter| parameter.setter(&quote!(call.parameters), builder_methods, types));
        let groups = self.groups.iter().map(|group| group.setter_method(types));
        let future = quote!(crate::ResponseFuture);
        let body = self.body.as_ref().map(|(ty, _)| body_setter(ty, types));
        let docs = format!(
            " Builder of [`Client::{0}`](crate::Client::{0}).",
            self.entry.id
        );
        quote! {
            #[doc = #docs]
            #[derive(Clone, Debug)]
            #[must_use = "nothing is sent before it is awaited"]
            pub struct #name {
                pub(crate) call: crate::call::Call,
            }

            impl #name {
                #(#groups)*
                #(#setters)*
                #body

                /// Sends the request and decodes the response.
                #[inline]
                pub fn send(self) -> #future<#response> {
                    #future::new(self.call)
                }

                /// Sends the request and returns the response with its status, headers and raw body.
                #[inline]
                pub fn send_with_response(self) -> #future<crate::Response<#response>> {
                    #future::new(self.call)
                }

                #update_and_get
                #pages
                #stream
            }

            impl IntoFuture for #name {
                type Output = Result<#response, crate::Error>;
                type IntoFuture = #future<#response>;

                #[inline]
                fn into_future(self) -> Self::IntoFuture {
                    self.send()
                }
            }
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
            #[inline]
            pub fn stream(self) -> crate::Items<#response> {
                crate::pagination::items(self.call)
            }

            #[doc = #pages]
            #[inline]
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

    /// Returns the method that reads the resource after an update that does not return it.
    fn update_and_get(&self, types: &Types) -> Option<TokenStream> {
        let (id, response) = self.read_operation.as_ref()?;
        let response = type_tokens(response.as_ref(), types);
        let operation = format_ident!("{}", id.to_shouty_snake_case());
        let docs = format!(
            " Sends the update, then reads the resource with [`Client::{id}`](crate::Client::{id}), because \
             the update does not return it. The service may need a moment: the result can still be stale."
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
            .all_parameters()
            .filter(|parameter| parameter.required)
            .map(|parameter| &parameter.wire);
        let body_required = self.body.as_ref().is_some_and(|(_, required)| *required);
        let access = access(&self.entry.access);
        let retry = match self.entry.retry {
            Idempotency::Safe => quote!(Idempotency::Safe),
            Idempotency::Idempotent => quote!(Idempotency::Idempotent),
            Idempotency::NonIdempotent => quote!(Idempotency::NonIdempotent),
        };
        let triggers = &self.entry.triggers;
        let paging = option(self.entry.paging.as_ref().map(paging));
        let success_is_result = self.entry.success_is_result;
        let default_workspace = self.entry.default_workspace;
        let constraints = self.constraints.iter().map(constraints::expression);
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
                success_is_result: #success_is_result,
                default_workspace: #default_workspace,
                constraints: &[#(#constraints),*],
                validate: #check,
                access: #access,
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
    /// Returns the setter; the value is stored in `parameters`, a path from `self`, as a string in
    /// a header or the query.
    fn setter(
        &self,
        parameters: &TokenStream,
        builder_methods: &[&str],
        types: &Types,
    ) -> TokenStream {
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
        if let RustType::List(item) = &self.ty {
            return self.list_setter(item, parameters, &ident, types);
        }
        if matches!(self.ty, RustType::JsonObject) {
            return self.object_setter(parameters, &ident, &location, wire);
        }
        let (generics, argument) = match &self.ty {
            RustType::Bool
            | RustType::Flag
            | RustType::Integer
            | RustType::UInt32
            | RustType::Float => (None, quote!(impl Into<Option<#ty>>)),
            _ => (Some(quote!(<M>)), quote!(impl crate::IntoOptional<#ty, M>)),
        };
        let value = match generics {
            Some(_) => quote!(self.#parameters.argument(#wire, value)),
            None => quote!(value.into()),
        };
        let statement = match &self.ty {
            RustType::Float if !self.header => quote!(self.#parameters.number(#wire, value)),
            RustType::Amount(_) if !self.header => quote!(self.#parameters.number(#wire, value.0)),
            RustType::Integer | RustType::UInt32 if !self.header => {
                quote!(self.#parameters.query(#wire, value))
            }
            RustType::Flag => {
                quote!(self.#parameters.#location(#wire, i64::from(value).to_string()))
            }
            RustType::String => quote!(self.#parameters.#location(#wire, value)),
            RustType::DateTime => {
                quote!(self.#parameters.#location(#wire, crate::parameters::timestamp(value)))
            }
            _ => quote!(self.#parameters.#location(#wire, value.to_string())),
        };
        quote! {
            #[doc = #docs]
            pub fn #ident #generics(mut self, value: #argument) -> Self {
                if let Some(value) = #value {
                    #statement;
                }
                self
            }
        }
    }

    /// Returns the two setters of an object, which is sent as JSON.
    fn object_setter(
        &self,
        parameters: &TokenStream,
        setter: &Ident,
        location: &Ident,
        wire: &str,
    ) -> TokenStream {
        let docs = &self.docs;
        let argument = quote!(impl serde::Serialize);
        let maybe_setter = maybe_setter(&self.ident, setter, &TokenStream::new(), &argument);
        quote! {
            #[doc = #docs]
            pub fn #setter(mut self, value: #argument) -> Self {
                if let Some(json) = self.#parameters.json_object(#wire, &value) {
                    self.#parameters.#location(#wire, json);
                }
                self
            }
            #maybe_setter
        }
    }

    /// Returns the two setters of a list in the query.
    fn list_setter(
        &self,
        item: &RustType,
        parameters: &TokenStream,
        setter: &Ident,
        types: &Types,
    ) -> TokenStream {
        let Self {
            wire,
            docs,
            comma_separated,
            ..
        } = self;
        let (argument, items) = match item {
            RustType::String => (
                quote!(impl IntoIterator<Item: AsRef<str>>),
                quote!(crate::builder_support::strings(value).into_iter()),
            ),
            _ => {
                let item = item.tokens(types.modules());
                (
                    quote!(impl IntoIterator<Item = impl Into<#item>>),
                    quote!(value.into_iter().map(|item| item.into().to_string())),
                )
            }
        };
        let maybe_setter = maybe_setter(&self.ident, setter, &TokenStream::new(), &argument);
        quote! {
            #[doc = #docs]
            pub fn #setter(mut self, value: #argument) -> Self {
                self.#parameters.query_list(#wire, #items, #comma_separated);
                self
            }
            #maybe_setter
        }
    }
}

impl ParameterGroup {
    /// Returns the type.
    pub fn definition(&self, types: &Types) -> TokenStream {
        let Self {
            name,
            docs,
            parameters,
        } = self;
        let ident = format_ident!("{name}");
        let setters = parameters
            .iter()
            .map(|parameter| parameter.setter(&quote!(parameters), &["new"], types));
        let usage = docs::parameter_group_usage(name, types.modules());
        quote! {
            #[doc = #docs]
            #(#[doc = #usage])*
            #[derive(Clone, Debug, Default)]
            #[must_use]
            pub struct #ident {
                pub(crate) parameters: crate::parameters::Parameters,
            }

            impl #ident {
                /// Creates a value that sets no parameter.
                pub fn new() -> Self {
                    Self::default()
                }

                #(#setters)*
            }
        }
    }

    /// Returns the method of a builder that takes the type.
    fn setter_method(&self, types: &Types) -> TokenStream {
        let (setter, ty) = (self.setter(), type_path(&self.name, types.modules()));
        let docs = format!(
            " Sets the parameters of [`{0}`]({1}), a value or a reference. Those that it does not set \
             are unchanged.",
            self.name,
            ty.to_string().replace(' ', ""),
        );
        quote! {
            #[doc = #docs]
            pub fn #setter(mut self, value: impl std::borrow::Borrow<#ty>) -> Self {
                self.call.parameters.extend(&value.borrow().parameters);
                self
            }
        }
    }
}

/// Returns the part of the manifest's `paging` that the client needs to request a page.
fn paging(paging: &Paging) -> TokenStream {
    let [page, size, after, next] =
        [&paging.page, &paging.size, &paging.after, &paging.next].map(|name| option(name.as_ref()));
    let first = paging.first.unwrap_or_default();
    quote!(Paging { page: #page, size: #size, first: #first, after: #after, next: #next })
}

fn access(access: &Access) -> TokenStream {
    let (keys, roles) = (&access.keys, &access.roles);
    let plan = option(access.plan.as_ref());
    let scopes = option(access.scopes.as_ref().map(|scopes| match scopes {
        RequiredScopes::AnyOf(names) => quote!(RequiredScopes::AnyOf(&[#(#names),*])),
        RequiredScopes::AllOf(names) => quote!(RequiredScopes::AllOf(&[#(#names),*])),
    }));
    quote!(Access { keys: &[#(#keys),*], scopes: #scopes, plan: #plan, roles: &[#(#roles),*] })
}

fn option(value: Option<impl ToTokens>) -> TokenStream {
    match value {
        Some(value) => quote!(Some(#value)),
        None => quote!(None),
    }
}

fn body_setter(ty: &RustType, types: &Types) -> TokenStream {
    let tokens = ty.tokens(types.modules());
    let (generics, argument, value) = match ty {
        _ if types.has_builder(ty) => (
            quote!(<M>),
            quote!(impl crate::IntoBody<#tokens, M>),
            quote!(value.into_body()),
        ),
        RustType::Named(_) | RustType::JsonObject => (
            quote!(<V: TryInto<#tokens, Error: Into<crate::Error>>>),
            quote!(V),
            quote!(crate::call::encode_body::<#tokens, V>(value)),
        ),
        _ => (
            TokenStream::new(),
            quote!(impl Into<#tokens>),
            quote!(crate::call::encode_json::<#tokens>(&value.into())),
        ),
    };
    let json = types.has_builder(ty).then(|| {
        quote! {
            ///
            /// A JSON object (`serde_json::json!({…})`) is sent as it is, after a check that it
            /// contains the required fields.
        }
    });
    quote! {
        /// Sets the request body. A builder is built and validated here.
        #json
        pub fn body #generics(mut self, value: #argument) -> Self {
            self.call.body(#value);
            self
        }
    }
}

/// Returns the tokens of a response type, `()` if there is none.
fn type_tokens(response: Option<&RustType>, types: &Types) -> TokenStream {
    match response {
        Some(ty) => ty.tokens(types.modules()),
        None => quote!(()),
    }
}
