//! Deployments: gateways that an organisation runs itself.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::Handler::{Read, Write};
use super::{Room, State};
use crate::call::Call;
use crate::reply::{Answer, Refusal, Reply};
use crate::shelf::{Item, Shelf};

pub(crate) const ROOM: Room = Room::of(&[
    ("list_deployments", Read(list)),
    ("get_deployment", Read(get)),
    ("create_deployment", Write(create)),
    ("update_deployment", Write(update)),
    ("delete_deployment", Write(delete)),
    ("ping_deployment", Read(ping)),
]);

pub(crate) type Deployments = Shelf<Deployment>;

/// What a token is shown as when it is not new.
const MASK: &str = "*****";

/// A deployment. One that was deleted stays, archived.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Deployment {
    id: String,
    slug: String,
    name: String,
    kind: String,
    archived: bool,
    is_default: bool,
    created_by: String,
    created_at: String,
    last_updated_at: String,
    config: Value,
    /// Texts and numbers of the settings, by their names.
    settings: Map<String, Value>,
    /// The slugs of the workspaces that may use it; none means all.
    workspaces: Vec<String>,
    subjects: Vec<String>,
    token: String,
}

impl Item for Deployment {
    const NAME: &'static str = "deployment";

    fn id(&self) -> &str {
        &self.id
    }
}

impl Deployment {
    fn json(&self) -> Map<String, Value> {
        let body = json!({
            "id": self.id,
            "name": self.name,
            "slug": self.slug,
            "type": self.kind,
            "status": if self.archived { "archived" } else { "active" },
            "is_default": i32::from(self.is_default),
            "connection_status": "unknown",
            "created_by": self.created_by,
            "created_at": self.created_at,
            "last_updated_at": self.last_updated_at,
            "last_synced_at": null,
            "last_resynced_at": null,
            "object": "deployment",
        });
        body.as_object().cloned().unwrap_or_default()
    }

    fn detail_json(&self, state: &State) -> Value {
        let mut body = self.json();
        let mut settings = self.settings.clone();
        settings.insert("workspaces_allowed".to_owned(), json!(self.workspaces));
        settings.insert("jwt_subs_allowed".to_owned(), json!(self.subjects));
        let all = i32::from(self.workspaces.is_empty());
        settings.insert("allow_all_workspaces".to_owned(), json!(all));
        let workspaces = self.workspaces.iter().filter_map(|slug| {
            let workspace = state.workspaces.get(slug)?;
            Some(json!({"id": workspace.id, "slug": workspace.slug}))
        });
        let more = [
            ("auth_settings", Value::Object(settings)),
            ("deployment_config", self.config.clone()),
            ("workspaces", workspaces.collect()),
            ("client_auth", json!(MASK)),
        ];
        body.extend(more.map(|(name, value)| (name.to_owned(), value)));
        Value::Object(body)
    }

    fn gateway(&self) -> Option<&str> {
        self.settings.get("gateway_base_url")?.as_str()
    }

    /// Takes over what a create or update request gives.
    fn apply(&mut self, state: &State, call: &Call) -> Result<(), Refusal> {
        for (name, slot) in [("name", &mut self.name), ("type", &mut self.kind)] {
            if let Some(text) = call.text(name) {
                text.clone_into(slot);
            }
        }
        if let Some(config) = call.given("deployment_config") {
            self.config = config.clone();
        }
        self.last_updated_at = call.timestamp();
        let settings = call.value("auth_settings");
        self.apply_settings(&settings);
        self.apply_workspaces(state, &settings, call.value("override_existing") == true)
    }

    fn apply_settings(&mut self, settings: &Value) {
        const KEPT: [&str; 5] = [
            "gateway_base_url",
            "mcp_gateway_base_url",
            "is_dataservice_hosted",
            "is_playground_proxy_allowed",
            "jwt_sub_workspace_mapping",
        ];
        for name in KEPT {
            if let Some(value) = settings.get(name) {
                self.settings.insert(name.to_owned(), value.clone());
            }
        }
    }

    /// Lists are added to, unless the request replaces them; what it removes goes last.
    fn apply_workspaces(
        &mut self,
        state: &State,
        settings: &Value,
        replace: bool,
    ) -> Result<(), Refusal> {
        for (given, removed, slot) in [
            (
                "workspaces_allowed",
                "remove_workspaces_allowed",
                &mut self.workspaces,
            ),
            (
                "jwt_subs_allowed",
                "remove_subs_allowed",
                &mut self.subjects,
            ),
        ] {
            if replace && settings.get(given).is_some() {
                slot.clear();
            }
            slot.extend(texts(&settings[given]));
            slot.sort();
            slot.dedup();
            let removed = texts(&settings[removed]);
            slot.retain(|text| !removed.contains(text));
        }
        if settings["allow_all_workspaces"] == true {
            self.workspaces.clear();
        }
        let unknown = |slug: &&String| state.workspaces.get(slug).is_none();
        match self.workspaces.iter().find(unknown) {
            Some(_) => Err(Refusal::invalid_field(
                "auth_settings/workspaces_allowed",
                "names a workspace that does not exist",
            )),
            None => Ok(()),
        }
    }
}

fn texts(value: &Value) -> Vec<String> {
    let items = value.as_array().into_iter().flatten();
    let texts = items.filter_map(Value::as_str);
    texts.map(str::to_owned).collect()
}

/// Whether there is an active deployment besides this one.
fn has_other(state: &State, id: &str) -> bool {
    let mut all = state.deployments.iter();
    all.any(|other| other.id != id && !other.archived)
}

fn list(state: &State, call: &Call) -> Answer {
    let search = call.query_text("search").unwrap_or_default().to_lowercase();
    let slugs = call.query.get("workspace_slug").map(texts);
    let wanted = state.deployments.all().filter(|deployment| {
        let status = if deployment.archived {
            "archived"
        } else {
            "active"
        };
        let serves = |slug: &String| {
            deployment.workspaces.is_empty() || deployment.workspaces.contains(slug)
        };
        call.admits("status", status)
            && call.admits("type", &deployment.kind)
            && deployment.name.to_lowercase().contains(&search)
            && slugs.as_ref().is_none_or(|slugs| slugs.iter().any(serves))
    });
    Ok(call.page(wanted, |deployment| Value::Object(deployment.json())))
}

fn get(state: &State, call: &Call) -> Answer {
    let deployment = state.deployments.find(call.id(0), call)?;
    Ok(Reply::json(deployment.detail_json(state)))
}

/// The first active deployment is the default one, whatever the request says.
fn create(state: &mut State, call: &Call) -> Answer {
    let name = call.required("name")?;
    let slug = call.text("slug").map(str::to_owned);
    let mut deployment = Deployment {
        id: call.ids.uuid(),
        slug: slug.unwrap_or_else(|| call.ids.slug("dp", name)),
        name: name.to_owned(),
        kind: "production".to_owned(),
        archived: false,
        is_default: false,
        created_by: state.users.acting(call).to_owned(),
        created_at: call.timestamp(),
        last_updated_at: call.timestamp(),
        config: Value::Null,
        settings: Map::new(),
        workspaces: Vec::new(),
        subjects: Vec::new(),
        token: call.ids.secret("deployment"),
    };
    deployment.apply(state, call)?;
    let alone = !has_other(state, &deployment.id);
    if alone || call.value("is_default") == true {
        make_default(state, &mut deployment);
    }
    let body = json!({
        "id": deployment.id,
        "organisation_id": state.organisation.id,
        "client_auth": deployment.token,
        "object": "deployment",
    });
    state.deployments.put(deployment);
    Ok(Reply::json(body))
}

fn make_default(state: &mut State, deployment: &mut Deployment) {
    let others = |other: &Deployment| other.is_default;
    state
        .deployments
        .edit_all(others, |other| other.is_default = false);
    deployment.is_default = true;
}

fn update(state: &mut State, call: &Call) -> Answer {
    let mut deployment = state.deployments.find(call.id(0), call)?.clone();
    deployment.apply(state, call)?;
    if let Some(status) = call.text("status") {
        deployment.archived = status == "archived";
    }
    if call.value("is_default") == false {
        if deployment.is_default && !has_other(state, &deployment.id) {
            let problem = "cannot be taken from the only active deployment";
            return Err(Refusal::invalid_field("is_default", problem));
        }
        deployment.is_default = false;
    }
    let mut body = json!({});
    if call.value("rotate_auth") == true {
        deployment.token = call.ids.secret("deployment");
        body = json!({"client_auth": deployment.token});
    }
    if call.value("is_default") == true {
        make_default(state, &mut deployment);
    }
    state.deployments.put(deployment);
    Ok(Reply::json(body))
}

fn delete(state: &mut State, call: &Call) -> Answer {
    let mut deployment = state.deployments.find(call.id(0), call)?.clone();
    deployment.archived = true;
    deployment.is_default = false;
    deployment.last_updated_at = call.timestamp();
    state.deployments.put(deployment);
    Ok(Reply::done())
}

/// Nothing is asked over the network: a gateway that has an address is well.
fn ping(state: &State, call: &Call) -> Answer {
    let deployment = state.deployments.find(call.id(0), call)?;
    let gateway = deployment.gateway().ok_or_else(|| {
        Refusal::invalid("the deployment has no `auth_settings/gateway_base_url`")
    })?;
    Ok(Reply::json(json!({
        "status": "healthy",
        "gateway_base_url": gateway,
        "outbound": {"status": "healthy", "status_code": 200},
        "inbound": {"status": "healthy"},
        "object": "deployment",
    })))
}
