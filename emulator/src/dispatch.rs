//! The dispatcher of the control plane, which takes a request from its route to its response.
//!
//! The order of the checks is that of the service: path, key, permissions, the operation's quirks,
//! validation against the OpenAPI document, workspace, and then the handler.

use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use chrono::TimeDelta;
use portkey_admin_codegen::manifest::Plane;

use crate::access;
use crate::api_spec::ApiSpec;
use crate::audit;
use crate::call::{Call, Caller, RequestMetadata};
use crate::check::{Check, UncheckedRequest};
use crate::clock::AdjustableClock;
use crate::gateway;
use crate::handlers::{self, Handler, State};
use crate::ids::Ids;
use crate::journal::Journal;
use crate::response::{ApiError, HandlerResult};
use crate::route::{RemovedPath, Route, RouteMatch, decode_path};
use crate::state::{Organisation, Organisations};

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
    /// The journal of writes; locked after the organisations, never before.
    journal: Option<Mutex<Journal>>,
}

/// A request as received.
#[derive(Debug)]
pub(crate) struct IncomingRequest {
    pub(crate) method: String,
    /// The path without the query, as received.
    pub(crate) path: String,
    /// The segments of the path, each percent-decoded once.
    pub(crate) segments: Vec<String>,
    /// The query as received.
    pub(crate) query: String,
    /// The value of `x-portkey-api-key`; an error if it is not a valid string.
    pub(crate) key: Option<Result<String, ()>>,
    pub(crate) user_agent: Option<String>,
    pub(crate) client_ip: String,
    pub(crate) body: Vec<u8>,
    pub(crate) gateway: gateway::GatewayContext,
    /// The `x-portkey-request-id` of the response.
    pub(crate) request_id: String,
}

/// A request that is authorised and has a handler.
struct AuthorisedRequest<'a> {
    route: &'a Route,
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
        journal: Option<Journal>,
        ids: Ids,
    ) -> Self {
        Self {
            spec,
            origin,
            clock: AdjustableClock::new(crate::Clock::System),
            delay: TimeDelta::zero(),
            organisations: RwLock::new(organisations),
            ids: Mutex::new(ids),
            journal: journal.map(Mutex::new),
        }
    }

    /// Returns the operation id for a method and path.
    pub(crate) fn operation_id(&self, method: &str, segments: &[String]) -> Option<&'static str> {
        match self.spec.routes.find(method, segments) {
            RouteMatch::Operation(route, _) => Some(&route.entry.id),
            _ => None,
        }
    }

    /// Returns a new UUID, for ids that are not part of the state.
    pub(crate) fn new_id(&self) -> String {
        lock(&self.ids).uuid()
    }

    /// Locks the organisations for reading, after applying the changes that are due.
    pub(crate) fn read(&self) -> RwLockReadGuard<'_, Organisations> {
        let read_lock = || {
            self.organisations
                .read()
                .unwrap_or_else(PoisonError::into_inner)
        };
        let (now, organisations) = (self.clock.now(), read_lock());
        if !organisations.has_due_changes(now) {
            return organisations;
        }
        drop(organisations);
        self.write().apply_due_changes(now);
        read_lock()
    }

    fn write(&self) -> RwLockWriteGuard<'_, Organisations> {
        self.organisations
            .write()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Consumes the dispatcher and returns its organisations.
    pub(crate) fn into_organisations(self) -> Organisations {
        let organisations = self.organisations.into_inner();
        organisations.unwrap_or_else(PoisonError::into_inner)
    }

    /// Replaces the state.
    pub(crate) fn replace(&self, organisations: Organisations) -> std::io::Result<()> {
        let mut current = self.write();
        *current = organisations;
        match &self.journal {
            Some(journal) => lock(journal).compact(&current),
            None => Ok(()),
        }
    }

    /// Handles a request.
    pub(crate) fn handle(&self, request: &IncomingRequest) -> HandlerResult {
        if let Some(link) = self.follow_link(request) {
            return link;
        }
        let (route, path) = match self.spec.routes.find(&request.method, &request.segments) {
            RouteMatch::Operation(route, path) => (route, path),
            RouteMatch::OtherMethod(route) => {
                self.authenticate(route, request)?;
                return Err(unknown_method(route, &request.method));
            }
            RouteMatch::Removed(removed) => return Err(removed_path_error(removed, request)),
            RouteMatch::NotFound => return Err(unknown_route()),
        };
        let AuthorisedRequest {
            route,
            handler,
            check,
            unchecked,
            organisation,
            mut call,
        } = self.authorise(route, path, request)?;
        check.check(unchecked)?;
        let in_query = check.declares_query_param("workspace_id");
        match handler {
            Handler::Read(read) => {
                let organisations = self.read();
                let state = organisation_at(&organisations, organisation)?
                    .state_for_reads(call.now, self.delay);
                call.workspace_id = access::resolve_workspace(state, &call, in_query)?;
                call.paging.clone_from(&route.entry.paging);
                read(state, &call)
            }
            Handler::Write(_) => {
                call.request.body = check.audit_body(&self.spec.document, &call.body);
                self.execute_write(organisation, call, in_query)
            }
            Handler::Gateway(_) => self.execute_write(organisation, call, in_query),
        }
    }

    /// Checks the key's permissions and the rules that the service applies before validation.
    fn authorise<'a>(
        &self,
        route: &'a Route,
        path: Vec<String>,
        request: &IncomingRequest,
    ) -> Result<AuthorisedRequest<'a>, ApiError> {
        let (organisation, caller) = self.authenticate(route, request)?;
        let plan = organisation_at(&self.read(), organisation)?
            .state
            .organisation
            .plan;
        access::authorise(&route.entry, &caller, plan)?;
        let handler = route.handler.ok_or_else(|| not_implemented(route))?;
        let check = self.compiled_check(route)?;
        let named: Vec<(&str, &str)> = route
            .parameter_names()
            .zip(path.iter().map(String::as_str))
            .collect();
        let unchecked = match &request.gateway.form {
            Some(form) => check.parse_form(&named, &request.query, form.text_fields()),
            None => check.parse(&named, &request.query, &request.body),
        };
        drop(named);
        let mut call = self.call(&route.entry.id, caller, path, request);
        (call.query, call.body) = (unchecked.query(), unchecked.body());
        let organisations = self.read();
        let state = &organisation_at(&organisations, organisation)?.state;
        for rule in route.guards.iter().chain(&route.quirks) {
            rule(state, &call)?;
        }
        Ok(AuthorisedRequest {
            route,
            handler,
            check,
            unchecked,
            organisation,
            call,
        })
    }

    /// Executes a write and appends it to the journal.
    fn execute_write(&self, position: usize, mut call: Call, in_query: bool) -> HandlerResult {
        let mut organisations = self.write();
        let organisation = organisations
            .all
            .get_mut(position)
            .ok_or_else(organisation_gone)?;
        call.workspace_id = access::resolve_workspace(&organisation.state, &call, in_query)?;
        let Some(journal) = &self.journal else {
            organisation.push_history(call.now, self.delay);
            return apply(&mut organisation.state, &call);
        };
        let mut journal = lock(journal);
        if !journal.is_writable() {
            return Err(state_file_error("an earlier write failed"));
        }
        organisation.push_history(call.now, self.delay);
        let response = apply(&mut organisation.state, &call)?;
        journal.append(position, &call).map_err(state_file_error)?;
        // The write is already on disk; if compaction fails, the next write fails.
        let _ = journal.compact_if_long(&organisations);
        Ok(response)
    }

    fn compiled_check<'a>(&self, route: &'a Route) -> Result<&'a Check, ApiError> {
        route.check(&self.spec.document).map_err(|error| {
            let message = format!("invalid schema for `{}`: {error}", route.key());
            ApiError::new(500, None, message)
        })
    }

    fn authenticate(
        &self,
        route: &Route,
        request: &IncomingRequest,
    ) -> Result<(usize, Caller), ApiError> {
        if route.entry.plane == Plane::Public {
            return Ok((0, Caller::anonymous()));
        }
        let reason = match &request.key {
            None => "missing",
            Some(Err(())) => "not a valid string",
            Some(Ok(key)) => match self.read().authenticate(key, self.clock.now()) {
                Some(authenticated) => return Ok(authenticated),
                None => "invalid key",
            },
        };
        let message = format!("header `x-portkey-api-key`: {reason}");
        Err(ApiError::new(401, None, message))
    }

    fn call(
        &self,
        operation: &str,
        caller: Caller,
        path: Vec<String>,
        request: &IncomingRequest,
    ) -> Call {
        Call {
            operation: operation.to_owned(),
            workspace_id: caller.workspace_id.clone(),
            caller,
            path,
            query: serde_json::Map::new(),
            body: serde_json::Value::Null,
            form: request.gateway.form.clone(),
            scripted_reply: request.gateway.scripted_reply(),
            has_scripted_content: request.gateway.has_scripted_content(),
            now: self.clock.now(),
            ids: Ids::new(lock(&self.ids).next_seed()),
            origin: self.origin.clone(),
            request: RequestMetadata {
                id: request.request_id.clone(),
                method: request.method.clone(),
                uri: request.path.clone(),
                query: request.query.clone(),
                client_ip: request.client_ip.clone(),
                user_agent: request.user_agent.clone(),
                body: String::new(),
                gateway: request.gateway.headers.clone(),
            },
            paging: None,
        }
    }

    /// Handles a link from an earlier response: `/emulator/{organisation}/{name}/…`.
    fn follow_link(&self, request: &IncomingRequest) -> Option<HandlerResult> {
        let [first, organisation_id, name, rest @ ..] = request.segments.as_slice() else {
            return None;
        };
        if first != "emulator" {
            return None;
        }
        let organisations = self.read();
        let mut all = organisations.all.iter();
        let position =
            all.position(|organisation| organisation.state.organisation.id == *organisation_id)?;
        let mut call = self.call(name, Caller::anonymous(), rest.to_vec(), request);
        call.query = crate::check::query_strings(&request.query);
        match request.method.as_str() {
            "GET" => {
                let reader = handlers::link_handler(name)?;
                let organisation = organisations.all.get(position)?;
                Some(reader(
                    organisation.state_for_reads(call.now, self.delay),
                    &call,
                ))
            }
            "POST" => {
                handlers::link_action(name)?.clone_into(&mut call.operation);
                call.caller.user_id = Some(self.new_id());
                drop(organisations);
                Some(self.execute_write(position, call, false))
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
        self.handle(&IncomingRequest {
            method: "POST".to_owned(),
            segments: decode_path(&path),
            path,
            query: String::new(),
            key: None,
            user_agent: None,
            client_ip: "127.0.0.1".to_owned(),
            body: Vec::new(),
            gateway: gateway::GatewayContext::default(),
            request_id: self.new_id(),
        })
    }
}

/// Executes a write, whose effect depends only on the state and the call. Failed writes are not
/// recorded in the audit log.
pub(crate) fn apply(state: &mut State, call: &Call) -> HandlerResult {
    if let Some(Handler::Gateway(write)) = handlers::handler(&call.operation) {
        return write(state, call);
    }
    let Some(write) = handlers::write_handler(&call.operation) else {
        let message = format!("`{}` is not a write operation", call.operation);
        return Err(ApiError::new(500, None, message));
    };
    state.api_keys.apply_due_rotations(call.now);
    let response = write(state, call)?;
    audit::record_write(state, call, 200);
    Ok(response)
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

/// Locks a mutex. Poisoning is ignored: no caller leaves inconsistent state behind when it panics.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn state_file_error(reason: impl std::fmt::Display) -> ApiError {
    let message = format!("failed to write the state file: {reason}");
    ApiError::new(500, None, message)
}

fn not_implemented(route: &Route) -> ApiError {
    let message = format!("the emulator does not implement `{}`", route.entry.id);
    ApiError::new(501, None, message)
}

/// Returns the error observed from the service for a documented path that does not exist.
fn removed_path_error(removed: &RemovedPath, request: &IncomingRequest) -> ApiError {
    let hint = removed
        .replacement
        .as_ref()
        .map(|replacement| format!("; use `{replacement}`"))
        .unwrap_or_default();
    match removed.status {
        400 => unknown_route(),
        404 => ApiError::not_found(&format!("{} {}{hint}:", request.method, request.path)),
        status => {
            let message = format!("this path does not accept {}{hint}", request.method);
            ApiError::new(status, None, message)
        }
    }
}

/// Returns the error for a path that exists with other methods only.
fn unknown_method(route: &Route, method: &str) -> ApiError {
    ApiError::not_found(&format!("{method} `{}`:", route.path))
}

/// Returns the error for an unknown path, which the service treats as a gateway request without a
/// provider.
fn unknown_route() -> ApiError {
    let message = "no operation has this path, and a gateway request requires a header x-portkey-config or x-portkey-provider";
    ApiError::new(400, None, message)
}

#[cfg(test)]
mod tests {
    use chrono::Utc;
    use serde_json::{Map, Value, json};

    use super::apply;
    use crate::call::{Call, Caller, RequestMetadata, Scopes};
    use crate::ids::Ids;
    use crate::seed::{self, Organisation};

    fn call(operation: &str, body: Value) -> Call {
        Call {
            operation: operation.to_owned(),
            caller: Caller {
                key_id: "key".to_owned(),
                scopes: Scopes::All,
                ..Caller::anonymous()
            },
            workspace_id: None,
            path: Vec::new(),
            query: Map::new(),
            body,
            form: None,
            scripted_reply: None,
            has_scripted_content: false,
            now: Utc::now(),
            ids: Ids::new(3),
            origin: String::new(),
            request: RequestMetadata {
                method: "POST".to_owned(),
                uri: "/v1/admin/workspaces".to_owned(),
                body: r#"{"name":"w"}"#.to_owned(),
                ..RequestMetadata::default()
            },
            paging: None,
        }
    }

    #[test]
    fn successful_writes_create_an_audit_record() {
        let organisation = Organisation::named("A");
        let mut state = seed::state(&organisation, Utc::now(), &Ids::new(1)).unwrap();
        apply(&mut state, &call("create_workspace", json!({}))).unwrap_err();
        apply(&mut state, &call("list_workspaces", json!({}))).unwrap_err();
        assert_eq!(state.audit_records.len(), 0);
        apply(&mut state, &call("create_workspace", json!({"name": "w"}))).unwrap();
        let record = state.audit_records.iter().next().unwrap();
        assert_eq!(
            (&*record.action, &*record.resource_type),
            ("create", "workspace")
        );
        assert_eq!((&*record.user_type, &*record.user_id), ("api_key", "key"));
        assert_eq!(record.request_body, r#"{"name":"w"}"#);
    }

    #[test]
    fn the_same_call_has_the_same_effect() {
        let organisation = Organisation::with_defaults();
        let state = seed::state(&organisation, Utc::now(), &Ids::new(1)).unwrap();
        let call = call("create_workspace", json!({"name": "w"}));
        let json = serde_json::to_string(&call).unwrap();
        let after = |call: &Call| {
            let mut state = state.clone();
            apply(&mut state, call).unwrap();
            serde_json::to_value(&state).unwrap()
        };
        assert_eq!(after(&call), after(&serde_json::from_str(&json).unwrap()));
    }
}
