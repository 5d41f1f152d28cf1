//! The control plane: one request from its route to its answer.
//!
//! The order is that of the service: an unknown path, the key, what the key may do, the quirks of
//! the operation, the request as the document describes it, the workspace, and then the handler.

use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use chrono::TimeDelta;
use portkey_admin_codegen::ledger::Plane;

use crate::access;
use crate::audit;
use crate::call::{Call, Caller, RequestFacts};
use crate::check::{Check, Unchecked};
use crate::clock::Time;
use crate::gateway;
use crate::ids::Ids;
use crate::journal::Journal;
use crate::model::Model;
use crate::reply::{Answer, Refusal};
use crate::rooms::{self, Handler, State};
use crate::route::{Found, Retired, Route, decode};
use crate::world::{Tenant, World};

/// What all requests to one emulator share.
pub(crate) struct ControlPlane {
    pub(crate) model: &'static Model,
    /// `http://127.0.0.1:PORT`.
    pub(crate) origin: String,
    pub(crate) time: Time,
    /// How long reads do not see a write.
    pub(crate) delay: TimeDelta,
    world: RwLock<World>,
    ids: Mutex<Ids>,
    /// Where writes are kept; locked after the world, never before.
    journal: Option<Mutex<Journal>>,
}

/// A request as it arrived.
#[derive(Debug)]
pub(crate) struct Incoming {
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
    pub(crate) gateway: gateway::Extras,
    /// What the answer will carry as `x-portkey-request-id`.
    pub(crate) request_id: String,
}

/// A request that has a handler and may use it.
struct Admitted<'a> {
    route: &'a Route,
    handler: Handler,
    check: &'a Check,
    request: Unchecked,
    tenant: usize,
    call: Call,
}

impl ControlPlane {
    pub(crate) fn new(
        model: &'static Model,
        origin: String,
        world: World,
        journal: Option<Journal>,
        ids: Ids,
    ) -> Self {
        Self {
            model,
            origin,
            time: Time::new(crate::Clock::System),
            delay: TimeDelta::zero(),
            world: RwLock::new(world),
            ids: Mutex::new(ids),
            journal: journal.map(Mutex::new),
        }
    }

    /// The operation that a request is for, if there is one.
    pub(crate) fn operation(&self, method: &str, segments: &[String]) -> Option<&'static str> {
        match self.model.routes.find(method, segments) {
            Found::Operation(route, _) => Some(&route.entry.id),
            _ => None,
        }
    }

    /// A new UUID, for what is not part of a state.
    pub(crate) fn new_id(&self) -> String {
        lock(&self.ids).uuid()
    }

    /// What there is at this moment: keys whose time has come have rotated.
    pub(crate) fn read(&self) -> RwLockReadGuard<'_, World> {
        let look = || self.world.read().unwrap_or_else(PoisonError::into_inner);
        let (now, world) = (self.time.now(), look());
        if !world.is_due(now) {
            return world;
        }
        drop(world);
        self.write().catch_up(now);
        look()
    }

    fn write(&self) -> RwLockWriteGuard<'_, World> {
        self.world.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// What all of this was about.
    pub(crate) fn into_world(self) -> World {
        let world = self.world.into_inner();
        world.unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts another state in place of the present one.
    pub(crate) fn replace(&self, world: World) -> std::io::Result<()> {
        let mut current = self.write();
        *current = world;
        match &self.journal {
            Some(journal) => lock(journal).fold(&current),
            None => Ok(()),
        }
    }

    /// Answers a request.
    pub(crate) fn answer(&self, incoming: &Incoming) -> Answer {
        if let Some(link) = self.follow(incoming) {
            return link;
        }
        let (route, path) = match self.model.routes.find(&incoming.method, &incoming.segments) {
            Found::Operation(route, path) => (route, path),
            Found::OtherMethod(route) => {
                self.authenticate(route, incoming)?;
                return Err(other_method(route, &incoming.method));
            }
            Found::Retired(retired) => return Err(retired_path(retired, incoming)),
            Found::Nothing => return Err(unknown_route()),
        };
        let Admitted {
            route,
            handler,
            check,
            request,
            tenant,
            mut call,
        } = self.admit(route, path, incoming)?;
        check.check(request)?;
        let in_query = check.takes_query("workspace_id");
        match handler {
            Handler::Read(read) => {
                let world = self.read();
                let state = tenant_at(&world, tenant)?.seen(call.now, self.delay);
                call.workspace_id = access::workspace(state, &call, in_query)?;
                call.paging.clone_from(&route.entry.paging);
                read(state, &call)
            }
            Handler::Write(_) => {
                call.request.body = check.shown(&self.model.document, &call.body);
                self.change(tenant, call, in_query)
            }
            Handler::Gateway(_) => self.change(tenant, call, in_query),
        }
    }

    /// Whether the key may do this, and whether the service refuses it before it looks closer.
    fn admit<'a>(
        &self,
        route: &'a Route,
        path: Vec<String>,
        incoming: &Incoming,
    ) -> Result<Admitted<'a>, Refusal> {
        let (tenant, caller) = self.authenticate(route, incoming)?;
        let plan = tenant_at(&self.read(), tenant)?.state.organisation.plan;
        access::authorise(&route.entry, &caller, plan)?;
        let handler = route.handler.ok_or_else(|| not_yet(route))?;
        let check = self.compiled(route)?;
        let named: Vec<(&str, &str)> = route.names().zip(path.iter().map(String::as_str)).collect();
        let request = match &incoming.gateway.form {
            Some(form) => check.read_form(&named, &incoming.query, form.texts()),
            None => check.read(&named, &incoming.query, &incoming.body),
        };
        drop(named);
        let mut call = self.call(&route.entry.id, caller, path, incoming);
        (call.query, call.body) = (request.query(), request.body());
        let world = self.read();
        let state = &tenant_at(&world, tenant)?.state;
        for rule in route.guards.iter().chain(&route.quirks) {
            rule(state, &call)?;
        }
        Ok(Admitted {
            route,
            handler,
            check,
            request,
            tenant,
            call,
        })
    }

    /// Carries out a write and keeps it.
    fn change(&self, position: usize, mut call: Call, in_query: bool) -> Answer {
        let mut world = self.write();
        let tenant = world.tenants.get_mut(position).ok_or_else(gone)?;
        call.workspace_id = access::workspace(&tenant.state, &call, in_query)?;
        let Some(journal) = &self.journal else {
            tenant.remember(call.now, self.delay);
            return apply(&mut tenant.state, &call);
        };
        let mut journal = lock(journal);
        if !journal.is_sound() {
            return Err(unkept("an earlier write failed"));
        }
        tenant.remember(call.now, self.delay);
        let reply = apply(&mut tenant.state, &call)?;
        journal.append(position, &call).map_err(unkept)?;
        // The write is kept already; if folding fails, the next one is told.
        let _ = journal.fold_if_long(&world);
        Ok(reply)
    }

    fn compiled<'a>(&self, route: &'a Route) -> Result<&'a Check, Refusal> {
        route.check(&self.model.document).map_err(|problem| {
            let message = format!("no request check for `{}`: {problem}", route.key());
            Refusal::new(500, None, message)
        })
    }

    fn authenticate(&self, route: &Route, incoming: &Incoming) -> Result<(usize, Caller), Refusal> {
        if route.entry.plane == Plane::Public {
            return Ok((0, Caller::nobody()));
        }
        let problem = match &incoming.key {
            None => "no key was sent",
            Some(Err(())) => "what was sent is not text",
            Some(Ok(key)) => match self.read().authenticate(key, self.time.now()) {
                Some(found) => return Ok(found),
                None => "the key sent is not valid",
            },
        };
        let message = format!("header `x-portkey-api-key`: {problem}");
        Err(Refusal::new(401, None, message))
    }

    fn call(&self, operation: &str, caller: Caller, path: Vec<String>, from: &Incoming) -> Call {
        Call {
            operation: operation.to_owned(),
            workspace_id: caller.workspace_id.clone(),
            caller,
            path,
            query: serde_json::Map::new(),
            body: serde_json::Value::Null,
            form: from.gateway.form.clone(),
            say: from.gateway.say(),
            has_scripted_content: from.gateway.has_content(),
            now: self.time.now(),
            ids: Ids::new(lock(&self.ids).seed()),
            origin: self.origin.clone(),
            request: RequestFacts {
                id: from.request_id.clone(),
                method: from.method.clone(),
                uri: from.path.clone(),
                query: from.query.clone(),
                client_ip: from.client_ip.clone(),
                user_agent: from.user_agent.clone(),
                body: String::new(),
                gateway: from.gateway.headers.clone(),
            },
            paging: None,
        }
    }

    /// Answers a link that an earlier answer handed out: `/emulator/{organisation}/{name}/…`.
    fn follow(&self, incoming: &Incoming) -> Option<Answer> {
        let [first, organisation, name, rest @ ..] = incoming.segments.as_slice() else {
            return None;
        };
        if first != "emulator" {
            return None;
        }
        let world = self.read();
        let mut tenants = world.tenants.iter();
        let position = tenants.position(|tenant| tenant.state.organisation.id == *organisation)?;
        let mut call = self.call(name, Caller::nobody(), rest.to_vec(), incoming);
        call.query = crate::check::texts(&incoming.query);
        match incoming.method.as_str() {
            "GET" => {
                let reader = rooms::link(name)?;
                let tenant = world.tenants.get(position)?;
                Some(reader(tenant.seen(call.now, self.delay), &call))
            }
            "POST" => {
                rooms::deed(name)?.clone_into(&mut call.operation);
                call.caller.user_id = Some(self.new_id());
                drop(world);
                Some(self.change(position, call, false))
            }
            _ => None,
        }
    }

    /// Accepts an invitation as whoever opened its link would.
    pub(crate) fn accept_invite(&self, id: &str) -> Answer {
        let world = self.read();
        let mut tenants = world.tenants.iter();
        let link = tenants.find_map(|tenant| tenant.state.users.invite_path(&tenant.state, id));
        drop(world);
        let path = link.ok_or_else(|| Refusal::missing("invite"))?;
        self.answer(&Incoming {
            method: "POST".to_owned(),
            segments: decode(&path),
            path,
            query: String::new(),
            key: None,
            user_agent: None,
            client_ip: "127.0.0.1".to_owned(),
            body: Vec::new(),
            gateway: gateway::Extras::default(),
            request_id: self.new_id(),
        })
    }
}

/// Carries out a write on a state, which it depends on alone; refused writes leave no record.
pub(crate) fn apply(state: &mut State, call: &Call) -> Answer {
    if let Some(Handler::Gateway(write)) = rooms::handler(&call.operation) {
        return write(state, call);
    }
    let Some(write) = rooms::writer(&call.operation) else {
        let message = format!("`{}` is no write of this emulator", call.operation);
        return Err(Refusal::new(500, None, message));
    };
    state.api_keys.catch_up(call.now);
    let reply = write(state, call)?;
    audit::record(state, call, 200);
    Ok(reply)
}

/// An organisation, unless another state took its place in the meantime.
fn tenant_at(world: &World, position: usize) -> Result<&Tenant, Refusal> {
    world.tenants.get(position).ok_or_else(gone)
}

fn gone() -> Refusal {
    Refusal::new(401, None, "the organisation of this key is gone")
}

/// A thread that panicked has not left anything half done that a test could mistake for state.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn unkept(problem: impl std::fmt::Display) -> Refusal {
    let message = format!("the state file can no longer be written: {problem}");
    Refusal::new(500, None, message)
}

fn not_yet(route: &Route) -> Refusal {
    let message = format!("the emulator does not answer `{}` yet", route.entry.id);
    Refusal::new(501, None, message)
}

/// What the service was seen to answer at a path that it does not know.
fn retired_path(retired: &Retired, incoming: &Incoming) -> Refusal {
    let hint = retired
        .instead
        .as_ref()
        .map(|instead| format!("; there is `{instead}`"))
        .unwrap_or_default();
    match retired.status {
        400 => unknown_route(),
        404 => Refusal::missing(&format!("{} {}{hint}:", incoming.method, incoming.path)),
        status => {
            let message = format!("this path does not take {}{hint}", incoming.method);
            Refusal::new(status, None, message)
        }
    }
}

/// The path exists under another method.
fn other_method(route: &Route, method: &str) -> Refusal {
    Refusal::missing(&format!("{method} `{}`:", route.path))
}

/// An unknown path falls through to the gateway, which does not know where to send it.
fn unknown_route() -> Refusal {
    let message = "no operation has this path, and the gateway needs a header x-portkey-config or x-portkey-provider";
    Refusal::new(400, None, message)
}

#[cfg(test)]
mod tests {
    use chrono::Utc;
    use serde_json::{Map, Value, json};

    use super::apply;
    use crate::call::{Call, Caller, RequestFacts, Scopes};
    use crate::ids::Ids;
    use crate::seed::{self, Organisation};

    fn call(operation: &str, body: Value) -> Call {
        Call {
            operation: operation.to_owned(),
            caller: Caller {
                key_id: "key".to_owned(),
                scopes: Scopes::All,
                ..Caller::nobody()
            },
            workspace_id: None,
            path: Vec::new(),
            query: Map::new(),
            body,
            form: None,
            say: None,
            has_scripted_content: false,
            now: Utc::now(),
            ids: Ids::new(3),
            origin: String::new(),
            request: RequestFacts {
                method: "POST".to_owned(),
                uri: "/v1/admin/workspaces".to_owned(),
                body: r#"{"name":"w"}"#.to_owned(),
                ..RequestFacts::default()
            },
            paging: None,
        }
    }

    #[test]
    fn writes_that_take_effect_leave_a_record() {
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
        let organisation = Organisation::furnished();
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
