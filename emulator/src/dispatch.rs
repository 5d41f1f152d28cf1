//! The control plane: one request from its route to its answer.
//!
//! The order is that of the service: an unknown path, the key, what the key may do, the quirks of
//! the operation, the request as the document describes it, the workspace, and then the handler.

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
use crate::route::{Retired, Route, RouteMatch, decode_path};
use crate::state::{Organisation, Organisations};

/// What all requests to one emulator share.
pub(crate) struct Dispatcher {
    pub(crate) spec: &'static ApiSpec,
    /// `http://127.0.0.1:PORT`.
    pub(crate) origin: String,
    pub(crate) clock: AdjustableClock,
    /// How long reads do not see a write.
    pub(crate) delay: TimeDelta,
    organisations: RwLock<Organisations>,
    ids: Mutex<Ids>,
    /// Where writes are kept; locked after the organisations, never before.
    journal: Option<Mutex<Journal>>,
}

/// A request as it arrived.
#[derive(Debug)]
pub(crate) struct IncomingRequest {
    pub(crate) method: String,
    /// The path without the query, as it came.
    pub(crate) path: String,
    /// The segments of the path, each percent-decoded once.
    pub(crate) segments: Vec<String>,
    /// The query as it came.
    pub(crate) query: String,
    /// What was sent as `x-portkey-api-key`; an error where it is no text.
    pub(crate) key: Option<Result<String, ()>>,
    pub(crate) user_agent: Option<String>,
    pub(crate) client_ip: String,
    pub(crate) body: Vec<u8>,
    pub(crate) gateway: gateway::GatewayContext,
    /// What the answer will carry as `x-portkey-request-id`.
    pub(crate) request_id: String,
}

/// A request that has a handler and may use it.
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

    /// The operation that a request is for, if there is one.
    pub(crate) fn operation_id(&self, method: &str, segments: &[String]) -> Option<&'static str> {
        match self.spec.routes.find(method, segments) {
            RouteMatch::Operation(route, _) => Some(&route.entry.id),
            _ => None,
        }
    }

    /// A new UUID, for what is not part of a state.
    pub(crate) fn new_id(&self) -> String {
        lock(&self.ids).uuid()
    }

    /// What there is at this moment: keys whose time has come have rotated.
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

    /// What all of this was about.
    pub(crate) fn into_organisations(self) -> Organisations {
        let organisations = self.organisations.into_inner();
        organisations.unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts another state in place of the present one.
    pub(crate) fn replace(&self, organisations: Organisations) -> std::io::Result<()> {
        let mut current = self.write();
        *current = organisations;
        match &self.journal {
            Some(journal) => lock(journal).compact(&current),
            None => Ok(()),
        }
    }

    /// Answers a request.
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
            RouteMatch::Retired(retired) => return Err(retired_path(retired, request)),
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

    /// Whether the key may do this, and whether the service refuses it before it looks closer.
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

    /// Carries out a write and keeps it.
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
        // The write is kept already; if compacting fails, the next one is told.
        let _ = journal.compact_if_long(&organisations);
        Ok(response)
    }

    fn compiled_check<'a>(&self, route: &'a Route) -> Result<&'a Check, ApiError> {
        route.check(&self.spec.document).map_err(|problem| {
            let message = format!("no request check for `{}`: {problem}", route.key());
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
        let problem = match &request.key {
            None => "no key was sent",
            Some(Err(())) => "what was sent is not text",
            Some(Ok(key)) => match self.read().authenticate(key, self.clock.now()) {
                Some(authenticated) => return Ok(authenticated),
                None => "the key sent is not valid",
            },
        };
        let message = format!("header `x-portkey-api-key`: {problem}");
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

    /// Answers a link that an earlier answer handed out: `/emulator/{organisation}/{name}/…`.
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

    /// Accepts an invitation as whoever opened its link would.
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

/// Carries out a write on a state, which it depends on alone; refused writes leave no record.
pub(crate) fn apply(state: &mut State, call: &Call) -> HandlerResult {
    if let Some(Handler::Gateway(write)) = handlers::handler(&call.operation) {
        return write(state, call);
    }
    let Some(write) = handlers::write_handler(&call.operation) else {
        let message = format!("`{}` is no write of this emulator", call.operation);
        return Err(ApiError::new(500, None, message));
    };
    state.api_keys.apply_due_rotations(call.now);
    let response = write(state, call)?;
    audit::record_write(state, call, 200);
    Ok(response)
}

/// An organisation, unless another state took its place in the meantime.
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
    ApiError::new(401, None, "the organisation of this key is gone")
}

/// A thread that panicked has not left anything half done that a test could mistake for state.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn state_file_error(problem: impl std::fmt::Display) -> ApiError {
    let message = format!("the state file can no longer be written: {problem}");
    ApiError::new(500, None, message)
}

fn not_implemented(route: &Route) -> ApiError {
    let message = format!("the emulator does not answer `{}` yet", route.entry.id);
    ApiError::new(501, None, message)
}

/// What the service was seen to answer at a path that it does not know.
fn retired_path(retired: &Retired, request: &IncomingRequest) -> ApiError {
    let hint = retired
        .replacement
        .as_ref()
        .map(|instead| format!("; there is `{instead}`"))
        .unwrap_or_default();
    match retired.status {
        400 => unknown_route(),
        404 => ApiError::not_found(&format!("{} {}{hint}:", request.method, request.path)),
        status => {
            let message = format!("this path does not take {}{hint}", request.method);
            ApiError::new(status, None, message)
        }
    }
}

/// The path exists under another method.
fn unknown_method(route: &Route, method: &str) -> ApiError {
    ApiError::not_found(&format!("{method} `{}`:", route.path))
}

/// An unknown path falls through to the gateway, which does not know where to send it.
fn unknown_route() -> ApiError {
    let message = "no operation has this path, and the gateway needs a header x-portkey-config or x-portkey-provider";
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
        let text = serde_json::to_string(&call).unwrap();
        let after = |call: &Call| {
            let mut state = state.clone();
            apply(&mut state, call).unwrap();
            serde_json::to_value(&state).unwrap()
        };
        assert_eq!(after(&call), after(&serde_json::from_str(&text).unwrap()));
    }
}
