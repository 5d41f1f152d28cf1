//! Operations: the method of the client, the builder, the entry of the table.

use std::collections::BTreeMap;

use heck::{ToShoutySnakeCase, ToSnakeCase, ToUpperCamelCase};
use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, format_ident, quote};
use serde_json::Value;
use syn::{Fields, GenericArgument, ImplItem, Item, ItemStruct, PathArguments, ReturnType, Type};

use super::{
    docs, example, lists, module,
    request_types::setter_name,
    rust_type::{RustType, Shape},
    types::Types,
};
use crate::{
    Error, Ledger, Result, document,
    ledger::{self, Entry, Paging},
    shape::EVENT,
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
    /// A reference to each of the statics.
    pub all: TokenStream,
    /// For each handwritten operation its id, and what its method returns.
    pub by_hand: TokenStream,
    /// What makes the answers of list operations pages of lists.
    pub lists: TokenStream,
}

/// The literal siblings of every path parameter.
pub type Siblings = BTreeMap<Position, BTreeSet<String>>;

/// Refines the operations of progenitor's code.
pub fn refine(
    generated: &syn::File,
    document: &Value,
    ledger: &Ledger,
    types: &Types,
    siblings: &Siblings,
) -> Result<Refined> {
    let items = module(&generated.items, "builder")?;
    let type_items = module(&generated.items, "types")?;
    let mut refined = Refined::default();
    let mut lists = BTreeMap::new();
    for (path, method, operation) in document::operations(document) {
        let entry = ledger
            .get(method, path)
            .ok_or_else(|| Error::new(ledger::key(method, path), "is not in the ledger"))?;
        let operation = Operation::read(items, path, method, operation, entry)?;
        // The method and the builder of a handwritten operation are in the crate's own `src/`.
        if entry.handwritten.is_none() {
            refined.methods.extend(operation.method(types));
            refined.builders.extend(operation.builder(types));
        } else {
            refined.by_hand.extend(operation.call_by_hand());
        }
        refined.table.extend(operation.table_entry(siblings));
        refined.round_trips.extend(operation.round_trip());
        let name = operation.static_name();
        refined.all.extend(quote!(&#name,));
        for (name, tokens) in operation.lists(types, type_items)? {
            add_list(&mut lists, name, tokens)?;
        }
    }
    refined.lists = lists.into_values().collect();
    Ok(refined)
}

/// Two operations may answer with the same list, and then must agree on how it is read.
fn add_list(
    lists: &mut BTreeMap<String, TokenStream>,
    name: String,
    tokens: TokenStream,
) -> Result<()> {
    let text = tokens.to_string();
    match lists.insert(name.clone(), tokens) {
        Some(other) if other.to_string() != text => Err(Error::new(
            format!("list `{name}`"),
            "is read in two ways by its operations",
        )),
        _ => Ok(()),
    }
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
    /// The type of the answer; absent where it carries nothing.
    answer: Option<RustType>,
    /// The type of the events that it streams.
    event: Option<Ident>,
    /// The operation that reads what this one updates, and the type of its answer.
    reads: Option<(&'a str, TokenStream)>,
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
        let reads = entry.reads.as_deref().map(|id| {
            let answer = answer_type(items, &id.to_upper_camel_case())?;
            Ok((id, written(answer.as_ref())))
        });
        Ok(Self {
            reads: reads.transpose()?,
            event: event_type(operation),
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
        let (name, answer) = (self.builder_name(), self.answer());
        let pages = self.pages();
        let update_and_get = self.update_and_get();
        let stream = self.stream();
        let own = self.own_methods();
        let setters = self
            .parameters
            .iter()
            .map(|parameter| parameter.setter(own));
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

                #update_and_get
                #pages
                #stream
            }
        }
    }

    /// The methods of the builder that set nothing; none of its setters may be called so.
    fn own_methods(&self) -> &'static [&'static str] {
        match (&self.entry.paging, &self.event) {
            (Some(_), _) => &["send", "send_with_response", "body", "stream", "pages"],
            (None, Some(_)) => &["send", "send_with_response", "body", "stream"],
            (None, None) => &["send", "send_with_response", "body"],
        }
    }

    fn answer(&self) -> TokenStream {
        written(self.answer.as_ref())
    }

    /// The two streams of a list.
    fn pages(&self) -> Option<TokenStream> {
        let paging = self.entry.paging.as_ref()?;
        let answer = self.answer();
        let how = match paging.page.is_some() || paging.after.is_some() {
            true => "page after page",
            false => "of which there is one page only",
        };
        let items = format!(" The list as a stream of items, {how}.");
        let pages = format!(" The list as a stream of pages, {how}.").replace(
            "pages, of which there is one page only",
            "pages, of which there is one only",
        );
        Some(quote! {
            #[doc = #items]
            pub fn stream(self) -> crate::Items<#answer> {
                crate::pagination::items(self.call)
            }

            #[doc = #pages]
            pub fn pages(self) -> crate::Pages<#answer> {
                crate::pagination::pages(self.call)
            }
        })
    }

    /// The events of an answer that is streamed.
    fn stream(&self) -> Option<TokenStream> {
        let event = self.event.as_ref()?;
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
            /// The answer as a stream of events, which comes while it is made; the member `stream` of
            /// the body is set.
            pub fn stream(self) -> crate::OpenStream<types::#event> {
                crate::gateway::events::#open(self.call)
            }
        })
    }

    /// The answer of a list operation as a page, with what that needs.
    fn lists(&self, types: &Types, items: &[Item]) -> Result<Vec<(String, TokenStream)>> {
        match (
            &self.entry.paging,
            self.answer.as_ref().map(|answer| &answer.shape),
        ) {
            (None, _) => Ok(Vec::new()),
            (Some(paging), Some(Shape::Named(name))) => lists::paged(name, paging, types, items),
            _ => Err(Error::new(
                &self.key,
                "is a list whose answer has no type of a name",
            )),
        }
    }

    /// The read after an update that answers with nothing.
    fn update_and_get(&self) -> Option<TokenStream> {
        let (id, answer) = self.reads.as_ref()?;
        let operation = format_ident!("{}", id.to_shouty_snake_case());
        let docs = format!(
            " Sends the update, then reads with [`Client::{id}`](crate::Client::{id}), because the answer \
             to an update says nothing. The service may need a moment: what is read can still be old."
        );
        Some(quote! {
            #[doc = #docs]
            ///
            /// # Errors
            ///
            /// Those of both; one of the read comes after an update that has succeeded.
            pub async fn update_and_get(self) -> Result<#answer, crate::Error> {
                crate::update_and_get::update_and_get(self.call, &crate::operations::#operation).await
            }
        })
    }

    /// The runtime's functions for an answer with a value and for one that carries nothing.
    fn sends(&self) -> (Ident, Ident) {
        let name = |suffix: &str| match self.answer.is_none() {
            true => format_ident!("send_unit{suffix}"),
            false => format_ident!("send{suffix}"),
        };
        (name(""), name("_with_response"))
    }

    /// A call of the method that somebody has written for the operation.
    fn call_by_hand(&self) -> TokenStream {
        let (id, method) = (&self.entry.id, format_ident!("{}", self.entry.id));
        let arguments = self.arguments.iter().map(|_| quote!("one"));
        quote!((#id, format!("{:?}", client.#method(#(#arguments),*))),)
    }

    /// The way by which the property test reaches the type of the answer.
    fn round_trip(&self) -> TokenStream {
        let (id, answer) = (&self.entry.id, self.answer());
        match self.answer.is_none() {
            true => quote!(#id => Ok(serde_json::Value::Null),),
            false => quote!(#id => crate::decode::round_trip_tests::round_trip::<#answer>(body),),
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
                idempotency: Idempotency::#retry,
                non_idempotent_fields: &[#(#triggers),*],
                paging: #paging,
                default_workspace: #default_workspace,
                validate: #check,
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
    /// `own` are the builder's other methods.
    fn setter(&self, own: &[&str]) -> TokenStream {
        let Self { docs, wire, .. } = self;
        let ident = setter_name(&self.ident, own);
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
                quote!(self.call.#place(#wire, crate::call::timestamp(value.into()))),
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

/// The type of an answer, as it stands in the code.
fn written(answer: Option<&RustType>) -> TokenStream {
    match answer {
        Some(kind) => kind.written(&quote!(types::)),
        None => quote!(()),
    }
}

/// `T` of `send(self) -> Result<ResponseValue<T>, …>`; absent where it is `()`.
fn answer_type(items: &[Item], name: &str) -> Result<Option<RustType>> {
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
                Type::Tuple(_) => None,
                other => Some(RustType::of(other)),
            })
        }
        _ => Err(Error::new(
            "progenitor",
            format!("wrote no `send` for `{name}`"),
        )),
    }
}

/// The type of the events, where the shaped operation has one.
fn event_type(operation: &Value) -> Option<Ident> {
    let reference = operation[EVENT]["$ref"].as_str()?;
    let name = reference.rsplit('/').next()?;
    Some(format_ident!("{}", name.to_upper_camel_case()))
}

fn is_named(kind: &Type, name: &str) -> bool {
    matches!(kind, Type::Path(path) if path.path.segments.last().is_some_and(|last| last.ident == name))
}
