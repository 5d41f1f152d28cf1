//! The dispatcher of the control plane, which takes a request from its route to its response.
//!
//! The order of the checks is that of the service: path, key, permissions, the operation's quirks,
//! validation against the OpenAPI document, workspace, and then the handler.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use chrono::TimeDelta;
use hyper::header::{CONTENT_ENCODING, HeaderMap, HeaderName, HeaderValue};

use crate::access::{self, WorkspaceParameter};
use crate::api_spec::ApiSpec;
use crate::apply::{Write, apply};
use crate::call::{Call, Caller, RequestMetadata};
use crate::clock::AdjustableClock;
use crate::error::ApiError;
use crate::gateway::routing;
use crate::handlers;
use crate::handlers::resource::Handler;
use crate::http::content::ContentQuota;
use crate::http::form::Form;
use crate::ids::Ids;
use crate::response::HandlerResult;
use crate::route::{Link, Matched, Operation, RemovedPath, Routing};
use crate::scripts::Script;
use crate::state::organisations::{Organisation, Organisations};
use crate::store::{StateFile, WriteError};
use crate::sync::{self, lock};
use crate::validate::{Check, UncheckedRequest};

/// The state shared by all requests to one emulator.
pub(crate) struct Dispatcher {
    pub(crate) spec: &'static ApiSpec,
    /// `http://127.0.0.1:PORT`.
    pub(crate) origin: String,
    pub(crate) clock: AdjustableClock,
    /// How long writes stay invisible to reads.
    pub(crate) delay: TimeDelta,
    organisations: RwLock<Organisations>,
    ids: Mutex<Ids>,
    /// Locked after the organisations, never before.
    state_file: Option<Mutex<StateFile>>,
    /// Why a refused write could not be rolled back, if one could not.
    unusable: Mutex<Option<String>>,
    /// The quota for the content of files.
    pub(crate) content_quota: ContentQuota,
}

/// A request as received.
#[derive(Debug)]
pub(crate) struct IncomingRequest {
    pub(crate) method: String,
    /// The path without the query, as received.
    pub(crate) path: String,
    /// The query as received.
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) client_ip: String,
    pub(crate) body: Vec<u8>,
    /// The multipart form, if the body is one.
    pub(crate) form: Option<Form>,
    pub(crate) script: Option<Script>,
    /// The `x-portkey-request-id` of the response.
    pub(crate) request_id: String,
}

/// The header that contains the key.
const KEY_HEADER: &str = "x-portkey-api-key";

/// The headers that are recorded in logs. An inline config is not, since it may contain secrets.
const LOGGED_HEADERS: [&str; 8] = [
    "x-portkey-provider",
    "x-portkey-virtual-key",
    "x-portkey-config",
    "x-portkey-metadata",
    "x-portkey-trace-id",
    "x-portkey-span-id",
    "x-portkey-span-name",
    "x-portkey-parent-span-id",
];

impl IncomingRequest {
    /// Returns the value of a header if it is a valid string.
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Returns the headers that are recorded in the gateway's logs, by name.
    fn logged_headers(&self) -> BTreeMap<String, String> {
        let headers = LOGGED_HEADERS.iter().filter_map(|name| {
            let value = self.header(name)?;
            let is_inline = *name == "x-portkey-config" && value.trim_start().starts_with('{');
            (!is_inline).then(|| ((*name).to_owned(), value.to_owned()))
        });
        headers.collect()
    }
}

/// A request that is authorised but not validated.
struct AuthorisedRequest<'a> {
    handler: Handler,
    check: &'a Check,
    unchecked: UncheckedRequest,
    organisation: usize,
    call: Call,
}

impl Dispatcher {
    pub(crate) fn new(
        spec: &'static ApiSpec,
        origin: String,
        organisations: Organisations,
        state_file: Option<StateFile>,
        ids: Ids,
    ) -> Self {
        let content_quota = ContentQuota::default();
        organisations.count_content(&content_quota);
        Self {
            spec,
            origin,
            clock: AdjustableClock::new(crate::Clock::System),
            delay: TimeDelta::zero(),
            organisations: RwLock::new(organisations),
            ids: Mutex::new(ids),
            state_file: state_file.map(Mutex::new),
            unusable: Mutex::new(None),
            content_quota,
        }
    }

    /// Returns a new UUID, for ids that are not part of the state.
    pub(crate) fn new_id(&self) -> String {
        lock(&self.ids).uuid()
    }

    /// Locks the organisations for reading, after applying the changes that are due.
    pub(crate) fn read(&self) -> RwLockReadGuard<'_, Organisations> {
        let (now, organisations) = (self.clock.now(), sync::read(&self.organisations));
        if !organisations.has_due_changes(now) {
            return organisations;
        }
        drop(organisations);
        self.write().apply_due_changes(now);
        sync::read(&self.organisations)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Organisations> {
        sync::write(&self.organisations)
    }

    /// Consumes the dispatcher and returns its organisations.
    pub(crate) fn into_organisations(self) -> Organisations {
        let organisations = self.organisations.into_inner();
        organisations.unwrap_or_else(PoisonError::into_inner)
    }

    /// Replaces the state. After an error, it is unchanged.
    pub(crate) fn replace(&self, organisations: Organisations) -> std::io::Result<()> {
        let mut current = self.write();
        if let Some(state_file) = &self.state_file {
            lock(state_file).compact(&organisations)?;
        }
        *current = organisations;
        *lock(&self.unusable) = None;
        current.count_content(&self.content_quota);
        Ok(())
    }

    /// Routes a method (upper case) and a raw path.
    pub(crate) fn route(&self, method: &str, path: &str) -> Routing {
        self.spec.routes.find(method, path)
    }

    /// Handles a request with the result of routing it.
    pub(crate) fn handle(&self, routing: Routing, request: &IncomingRequest) -> HandlerResult {
        if let Some(reason) = &*lock(&self.unusable) {
            return Err(state_file_error(reason));
        }
        match routing {
            Routing::Operation(matched) => self.execute(matched, request),
            Routing::Link(link) => self
                .follow_link(link, request)
                .unwrap_or_else(unknown_route),
            Routing::OtherMethod(operation) => {
                self.authenticate(operation, request)?;
                Err(unknown_method(operation, &request.method))
            }
            Routing::Removed(removed) => removed_path_error(removed, request),
            Routing::NotFound => unknown_route(),
        }
    }

    /// Routes and handles a request of the emulator itself, with a key.
    pub(crate) fn send(
        &self,
        method: &str,
        target: &str,
        key: Option<&str>,
        body: Vec<u8>,
    ) -> HandlerResult {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let key = key.and_then(|key| HeaderValue::from_str(key).ok());
        let headers = key.map(|key| (HeaderName::from_static(KEY_HEADER), key));
        let request = IncomingRequest {
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            headers: headers.into_iter().collect(),
            client_ip: "127.0.0.1".to_owned(),
            body,
            form: None,
            script: None,
            request_id: self.new_id(),
        };
        self.handle(self.route(method, path), &request)
    }

    fn execute(&self, matched: Matched, request: &IncomingRequest) -> HandlerResult {
        let operation = matched.operation;
        let AuthorisedRequest {
            handler,
            check,
            unchecked,
            organisation,
            mut call,
        } = self.authorise(matched, request)?;
        check.check(unchecked)?;
        let workspace = WorkspaceParameter::new(&operation.entry, check);
        match handler {
            Handler::Read(read) => {
                let organisations = self.read();
                let state = organisation_at(&organisations, organisation)?
                    .state_for_reads(call.now, self.delay);
                call.workspace_id = access::resolve_workspace(state, &call, workspace)?;
                call.paging.clone_from(&operation.entry.paging);
                read(state, &call)
            }
            Handler::Write(write) => {
                call.request.body = check.audit_body(&self.spec.document, &call.body);
                self.execute_write(Write::Audited(write), organisation, call, workspace)
            }
            Handler::Gateway(write) => {
                self.execute_write(Write::Unaudited(write), organisation, call, workspace)
            }
        }
    }

    /// Checks the key's permissions and the rules that the service applies before validation.
    fn authorise(
        &self,
        matched: Matched,
        request: &IncomingRequest,
    ) -> Result<AuthorisedRequest<'static>, ApiError> {
        let operation = matched.operation;
        let (organisation, caller) = self.authenticate(operation, request)?;
        let plan = organisation_at(&self.read(), organisation)?
            .state
            .organisation
            .plan;
        access::authorise(&operation.entry, &caller, plan)?;
        let handler = operation
            .handler
            .ok_or_else(|| not_implemented(operation))?;
        let check = self.compiled_check(operation)?;
        reject_encoded_body(&request.headers)?;
        let unchecked = match &request.form {
            Some(form) => check.parse_form(&matched.arguments, &request.query, form.text_fields()),
            None => check.parse(&matched.arguments, &request.query, &request.body),
        };
        let path = matched.arguments.into_iter().map(|(_, value)| value);
        let mut call = self.call(&operation.entry.id, caller, path.collect(), request);
        (call.query, call.body) = (unchecked.query(), unchecked.body());
        let organisations = self.read();
        let state = &organisation_at(&organisations, organisation)?.state;
        for rule in operation.guards.iter().chain(&operation.quirks) {
            rule(state, &call)?;
        }
        if routing::is_model_request(&operation.entry.id) {
            routing::route(state, &mut call, request.header(routing::CONFIG_HEADER))?;
        }
        Ok(AuthorisedRequest {
            handler,
            check,
            unchecked,
            organisation,
            call,
        })
    }

    /// Executes a write and persists it.
    fn execute_write(
        &self,
        write: Write,
        position: usize,
        mut call: Call,
        workspace: WorkspaceParameter,
    ) -> HandlerResult {
        let mut organisations = self.write();
        let state = &organisation_at(&organisations, position)?.state;
        call.workspace_id = access::resolve_workspace(state, &call, workspace)?;
        let mut state_file = self.state_file.as_ref().map(lock);
        if let Some(state_file) = &mut state_file {
            let recovered = state_file.recover(&organisations);
            recovered.map_err(state_file_error)?;
        }
        let organisation = organisations.all.get_mut(position);
        let organisation = organisation.ok_or_else(organisation_gone)?;
        organisation.push_history(call.now, self.delay);
        let response = apply(&mut organisation.state, &call, write)?;
        if let Some(state_file) = &mut state_file {
            self.persist(state_file, &mut organisations, position, &call)?;
        }
        Ok(response)
    }

    /// Appends an executed write to the state file; rolls it back if that fails.
    fn persist(
        &self,
        state_file: &mut StateFile,
        organisations: &mut Organisations,
        position: usize,
        call: &Call,
    ) -> Result<(), ApiError> {
        let Err(WriteError { error, before }) = state_file.append(position, call) else {
            state_file.compact_if_long(organisations);
            return Ok(());
        };
        match before {
            Ok(before) => organisations.roll_back(before, &self.content_quota),
            // Without the state before the write, no further response would be correct.
            Err(reason) => *lock(&self.unusable) = Some(reason),
        }
        Err(state_file_error(error))
    }

    fn compiled_check(&self, operation: &'static Operation) -> Result<&'static Check, ApiError> {
        operation.check(&self.spec.document).map_err(|error| {
            let message = format!("invalid schema for `{}`: {error}", operation.key());
            ApiError::new(500, None, message)
        })
    }

    fn authenticate(
        &self,
        operation: &Operation,
        request: &IncomingRequest,
    ) -> Result<(usize, Caller), ApiError> {
        if !operation.entry.plane.needs_key() {
            return Ok((0, Caller::anonymous()));
        }
        let reason = match request.headers.get(KEY_HEADER).map(HeaderValue::to_str) {
            None => "missing",
            Some(Err(_)) => "not a valid string",
            Some(Ok(key)) => match self.read().authenticate(key, self.clock.now()) {
                Some(authenticated) => return Ok(authenticated),
                None => "invalid key",
            },
        };
        let message = format!("header `{KEY_HEADER}`: {reason}");
        // No response is recorded; the older document of the vendor shows no code (M142, V005).
        Err(ApiError::with_status_code(401, message))
    }

    fn call(
        &self,
        operation: &str,
        caller: Caller,
        path: Vec<String>,
        request: &IncomingRequest,
    ) -> Call {
        let script = request.script.as_ref();
        Call {
            operation: operation.to_owned(),
            workspace_id: caller.workspace_id.clone(),
            caller,
            path,
            query: serde_json::Map::new(),
            body: serde_json::Value::Null,
            form: request.form.clone(),
            scripted_reply: script.and_then(|script| script.reply.clone()),
            has_scripted_content: script.is_some_and(|script| script.content.is_some()),
            now: self.clock.now(),
            ids: Ids::new(lock(&self.ids).next_seed()),
            origin: self.origin.clone(),
            request: RequestMetadata {
                id: request.request_id.clone(),
                method: request.method.clone(),
                uri: request.path.clone(),
                query: request.query.clone(),
                client_ip: request.client_ip.clone(),
                user_agent: request.header("user-agent").map(str::to_owned),
                body: String::new(),
                gateway: request.logged_headers(),
            },
            paging: None,
        }
    }

    /// Handles a link from an earlier response; `None` if there is no such link.
    fn follow_link(&self, link: Link, request: &IncomingRequest) -> Option<HandlerResult> {
        let organisations = self.read();
        let mut all = organisations.all.iter();
        let position =
            all.position(|organisation| organisation.state.organisation.id == link.organisation)?;
        let mut call = self.call(&link.name, Caller::anonymous(), link.rest, request);
        call.query = crate::validate::query_strings(&request.query);
        match request.method.as_str() {
            "GET" => {
                let reader = handlers::link_handler(&link.name)?;
                let organisation = organisations.all.get(position)?;
                let state = organisation.state_for_reads(call.now, self.delay);
                Some(reader(state, &call))
            }
            "POST" => {
                let (action, write) = handlers::link_action(&link.name)?;
                action.clone_into(&mut call.operation);
                call.caller.user_id = Some(self.new_id());
                drop(organisations);
                let workspace = WorkspaceParameter::default();
                Some(self.execute_write(Write::Audited(write), position, call, workspace))
            }
            _ => None,
        }
    }

    /// Accepts an invitation by following its link.
    pub(crate) fn accept_invite(&self, id: &str) -> HandlerResult {
        let organisations = self.read();
        let mut all = organisations.all.iter();
        let link = all.find_map(|organisation| {
            organisation
                .state
                .users
                .invite_path(&organisation.state, id)
        });
        drop(organisations);
        let path = link.ok_or_else(|| ApiError::not_found("invite"))?;
        self.send("POST", &path, None, Vec::new())
    }
}

/// Returns an organisation; an error if the state was replaced in the meantime.
fn organisation_at(
    organisations: &Organisations,
    position: usize,
) -> Result<&Organisation, ApiError> {
    organisations
        .all
        .get(position)
        .ok_or_else(organisation_gone)
}

fn organisation_gone() -> ApiError {
    ApiError::new(401, None, "the organisation of this key no longer exists")
}

/// Rejects a body that is compressed, which would otherwise not be valid JSON.
pub(crate) fn reject_encoded_body(headers: &HeaderMap) -> Result<(), ApiError> {
    let encoding = headers.get(CONTENT_ENCODING).map(HeaderValue::to_str);
    match encoding {
        None | Some(Ok("" | "identity")) => Ok(()),
        Some(encoding) => {
            let found = encoding.unwrap_or("an invalid value");
            let message = format!(
                "header `content-encoding`: expected `identity`, found `{found}`; compressed bodies \
                 are not supported"
            );
            Err(ApiError::new(415, None, message))
        }
    }
}

fn state_file_error(reason: impl std::fmt::Display) -> ApiError {
    let message = format!("failed to write the state file: {reason}");
    ApiError::new(500, None, message)
}

fn not_implemented(operation: &Operation) -> ApiError {
    let message = format!("the emulator does not implement `{}`", operation.entry.id);
    ApiError::new(501, None, message)
}

/// Returns the error observed from the service for a documented path that does not exist.
fn removed_path_error(removed: &RemovedPath, request: &IncomingRequest) -> HandlerResult {
    let hint = removed.replacement.as_ref();
    let hint = hint.map_or_else(String::new, |path| format!("; use `{path}`"));
    let (method, path) = (&request.method, &request.path);
    match removed.status {
        400 => unknown_route(),
        404 => Err(ApiError::not_found(&format!("{method} {path}{hint}:"))),
        status => {
            let message = format!("this path does not accept {method}{hint}");
            Err(ApiError::new(status, None, message))
        }
    }
}

/// Returns the error for a path that exists with other methods only.
fn unknown_method(operation: &Operation, method: &str) -> ApiError {
    ApiError::not_found(&format!("{method} `{}`:", operation.path))
}

/// Returns the error for an unknown path, which the service treats as a gateway request without a
/// provider.
fn unknown_route() -> HandlerResult {
    let message = "no operation has this path, and a gateway request requires a header x-portkey-config or x-portkey-provider";
    Err(ApiError::new(400, None, message))
}
