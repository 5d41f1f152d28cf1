//! Operations on deployments.

use serde_json::{Map, Value, json};

use crate::call::Call;
use crate::error::ApiError;
use crate::handlers::resource::Handler::{Read, Write};
use crate::handlers::resource::Resource;
use crate::response::{HandlerResult, ResponseBody, respond};
use crate::state::State;
use crate::state::deployments::Deployment;

pub(crate) const RESOURCE: Resource = Resource::new(&[
    ("list_deployments", Read(list)),
    ("get_deployment", Read(get)),
    ("create_deployment", Write(create)),
    ("update_deployment", Write(update)),
    ("delete_deployment", Write(delete)),
    ("ping_deployment", Read(ping)),
]);

/// Replaces a token in responses, except when it is created or rotated.
const MASK: &str = "*****";

impl Deployment {
    fn detail_json(&self, state: &State) -> Value {
        let mut body = self.json();
        let mut settings = self.settings.clone();
        settings.insert("workspaces_allowed".to_owned(), json!(self.workspaces));
        settings.insert("jwt_subs_allowed".to_owned(), json!(self.jwt_subjects));
        let all = i32::from(self.workspaces.is_empty());
        settings.insert("allow_all_workspaces".to_owned(), json!(all));
        let workspaces = self.workspaces.iter().filter_map(|slug| {
            let workspace = state.workspaces.get(slug)?;
            Some(json!({"id": workspace.id, "slug": workspace.slug}))
        });
        body["auth_settings"] = Value::Object(settings);
        body["deployment_config"] = self.config.clone();
        body["workspaces"] = workspaces.collect();
        body["client_auth"] = json!(MASK);
        body
    }

    /// Applies a create or update request.
    fn apply(&mut self, state: &State, call: &Call) -> Result<(), ApiError> {
        for (name, field) in [("name", &mut self.name), ("type", &mut self.kind)] {
            if let Some(value) = call.body_str(name) {
                value.clone_into(field);
            }
        }
        call.set_value("deployment_config", &mut self.config);
        self.last_updated_at = call.timestamp();
        let settings = call.body_value("auth_settings");
        self.apply_settings(&settings);
        self.apply_workspaces(
            state,
            &settings,
            call.body_value("override_existing") == true,
        )
    }

    /// Adds to the lists, or replaces them if `replace` is set; then removes the entries that the
    /// request removes.
    fn apply_workspaces(
        &mut self,
        state: &State,
        settings: &Value,
        replace: bool,
    ) -> Result<(), ApiError> {
        for (field, removed, list) in [
            (
                "workspaces_allowed",
                "remove_workspaces_allowed",
                &mut self.workspaces,
            ),
            (
                "jwt_subs_allowed",
                "remove_subs_allowed",
                &mut self.jwt_subjects,
            ),
        ] {
            if replace && settings.get(field).is_some() {
                list.clear();
            }
            list.extend(string_list(&settings[field]));
            list.sort();
            list.dedup();
            let removed = string_list(&settings[removed]);
            list.retain(|entry| !removed.contains(entry));
        }
        if settings["allow_all_workspaces"] == true {
            self.workspaces.clear();
        }
        let is_unknown = |slug: &&String| state.workspaces.get(slug).is_none();
        match self.workspaces.iter().find(is_unknown) {
            Some(_) => Err(ApiError::invalid_field(
                "auth_settings/workspaces_allowed",
                "names a workspace that does not exist",
            )),
            None => Ok(()),
        }
    }
}

fn string_list(value: &Value) -> Vec<String> {
    let items = value.as_array().into_iter().flatten();
    let strings = items.filter_map(Value::as_str);
    strings.map(str::to_owned).collect()
}

/// Returns whether there is another active deployment.
fn has_other_active(state: &State, id: &str) -> bool {
    let mut all = state.deployments.iter();
    all.any(|other| other.id != id && !other.archived)
}

fn list(state: &State, call: &Call) -> HandlerResult {
    let slugs = call.query.get("workspace_slug").map(string_list);
    let matching = state.deployments.all().filter(|deployment| {
        let status = if deployment.archived {
            "archived"
        } else {
            "active"
        };
        let is_available_to = |slug: &String| {
            deployment.workspaces.is_empty() || deployment.workspaces.contains(slug)
        };
        call.matches_filter("status", status)
            && call.matches_filter("type", &deployment.kind)
            && call.matches_search(&[&deployment.name])
            && slugs
                .as_ref()
                .is_none_or(|slugs| slugs.iter().any(is_available_to))
    });
    Ok(call.page(matching, |deployment| deployment.json()))
}

fn get(state: &State, call: &Call) -> HandlerResult {
    let deployment = state.deployments.find_by_path(call)?;
    respond(deployment.detail_json(state))
}

/// The first active deployment is always the default one.
fn create(state: &mut State, call: &Call) -> HandlerResult {
    let name = call.required_str("name")?;
    let slug = call.body_str("slug").map(str::to_owned);
    let mut deployment = Deployment {
        id: call.ids.uuid(),
        slug: slug.unwrap_or_else(|| call.ids.slug("dp", name)),
        name: name.to_owned(),
        kind: "production".to_owned(),
        archived: false,
        is_default: false,
        created_by: state.users.acting_user(call).to_owned(),
        created_at: call.timestamp(),
        last_updated_at: call.timestamp(),
        config: Value::Null,
        settings: Map::new(),
        workspaces: Vec::new(),
        jwt_subjects: Vec::new(),
        token: call.ids.secret("deployment"),
    };
    deployment.apply(state, call)?;
    let is_only = !has_other_active(state, &deployment.id);
    if is_only || call.body_value("is_default") == true {
        make_default(state, &mut deployment);
    }
    let body = json!({
        "id": deployment.id,
        "organisation_id": state.organisation.id,
        "client_auth": deployment.token,
        "object": "deployment",
    });
    state.deployments.put(deployment);
    respond(body)
}

fn make_default(state: &mut State, deployment: &mut Deployment) {
    let is_default = |other: &Deployment| other.is_default;
    state
        .deployments
        .update_where(is_default, |other| other.is_default = false);
    deployment.is_default = true;
}

fn update(state: &mut State, call: &Call) -> HandlerResult {
    let mut deployment = state.deployments.find_by_path(call)?.clone();
    deployment.apply(state, call)?;
    if let Some(status) = call.body_str("status") {
        deployment.archived = status == "archived";
    }
    if call.body_value("is_default") == false {
        if deployment.is_default && !has_other_active(state, &deployment.id) {
            let reason = "cannot be false for the only active deployment";
            return Err(ApiError::invalid_field("is_default", reason));
        }
        deployment.is_default = false;
    }
    let mut body = json!({});
    if call.body_value("rotate_auth") == true {
        deployment.token = call.ids.secret("deployment");
        body = json!({"client_auth": deployment.token});
    }
    if call.body_value("is_default") == true {
        make_default(state, &mut deployment);
    }
    state.deployments.put(deployment);
    respond(body)
}

fn delete(state: &mut State, call: &Call) -> HandlerResult {
    let mut deployment = state.deployments.find_by_path(call)?.clone();
    deployment.archived = true;
    deployment.is_default = false;
    deployment.last_updated_at = call.timestamp();
    state.deployments.put(deployment);
    Ok(ResponseBody::empty_object())
}

/// Sends nothing over the network: a gateway with an address is always healthy.
fn ping(state: &State, call: &Call) -> HandlerResult {
    let deployment = state.deployments.find_by_path(call)?;
    let gateway = deployment.gateway().ok_or_else(|| {
        ApiError::bad_request("the deployment has no `auth_settings/gateway_base_url`")
    })?;
    respond(json!({
        "status": "healthy",
        "gateway_base_url": gateway,
        "outbound": {"status": "healthy", "status_code": 200},
        "inbound": {"status": "healthy"},
        "object": "deployment",
    }))
}
