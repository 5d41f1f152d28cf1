//! Operations on SCIM groups and their mappings to workspaces.

use serde_json::{Value, json};

use crate::call::Call;
use crate::error::ApiError;
use crate::handlers::resource::Handler::{Read, Write};
use crate::handlers::resource::Resource;
use crate::response::{HandlerResult, ResponseBody, respond};
use crate::state::State;
use crate::state::scim::{Group, Mapping};

pub(crate) const RESOURCE: Resource = Resource::new(&[
    ("list_scim_workspace_mappings", Read(list_mappings)),
    ("create_scim_workspace_mapping", Write(create_mapping)),
    ("delete_scim_workspace_mapping", Write(delete_mapping)),
    ("list_scim_groups", Read(list_groups)),
]);

/// The default and the maximum page size.
const MAX_PAGE_SIZE: u64 = 100;

impl Mapping {
    /// The group's name is in `scim_group`, not in `scim_group_name`.
    fn json(&self, state: &State) -> Value {
        let group = state.scim.groups.get(&self.group_id);
        json!({
            "id": self.id,
            "workspace_id": self.workspace_id,
            "scim_group": group.map(|group| &group.name),
            "scim_group_id": self.group_id,
            "role": self.role,
        })
    }
}

/// Adds the number and the size of the page.
fn with_page(call: &Call, response: ResponseBody) -> ResponseBody {
    let number = |name: &str| call.query.get(name).and_then(Value::as_u64);
    let size = number("page_size").unwrap_or(MAX_PAGE_SIZE);
    match response {
        ResponseBody::Json(mut body) => {
            body["page"] = json!(number("page").unwrap_or(0));
            body["page_size"] = json!(size.min(MAX_PAGE_SIZE));
            ResponseBody::Json(body)
        }
        other => other,
    }
}

/// The filter `workspace_id` accepts UUIDs only: a slug matches nothing.
fn list_mappings(state: &State, call: &Call) -> HandlerResult {
    let matching = state.scim.mappings.list_for(call).filter(|mapping| {
        call.matches_filter("workspace_id", &mapping.workspace_id)
            && call.matches_filter("scim_group_id", &mapping.group_id)
            && call.matches_filter("role", &mapping.role)
    });
    let sizes = (MAX_PAGE_SIZE, MAX_PAGE_SIZE);
    let page = call.page_sized(sizes, matching, |mapping| mapping.json(state));
    Ok(with_page(call, page))
}

/// A group has the same role in all its workspaces. A mapping that exists is returned (V066).
fn create_mapping(state: &mut State, call: &Call) -> HandlerResult {
    let workspace_id = call.required_workspace()?.to_owned();
    let group = group(state, call)?;
    let role = call.required_str("role")?;
    let mappings = state.scim.mappings.iter();
    for mapping in mappings.filter(|mapping| mapping.group_id == group.id) {
        if mapping.role != role {
            let reason = "is not the role that the group has in another workspace";
            return Err(ApiError::invalid_field("role", reason));
        }
        if mapping.workspace_id == workspace_id {
            return respond(mapping.json(state));
        }
    }
    let mapping = Mapping {
        id: call.ids.uuid(),
        group_id: group.id.clone(),
        workspace_id,
        role: role.to_owned(),
    };
    state.scim.groups.put(group);
    let body = mapping.json(state);
    state.scim.mappings.put(mapping);
    respond(body)
}

/// Returns the group that the request gives by either id or name. A group with an unknown name is
/// created.
fn group(state: &State, call: &Call) -> Result<Group, ApiError> {
    let id = call.body_str("scim_group_id").filter(|id| !id.is_empty());
    if let Some(id) = id {
        let group = state.scim.groups.get(id).cloned();
        return group
            .ok_or_else(|| ApiError::invalid_field("scim_group_id", "is not a known SCIM group"));
    }
    let name = call.required_str("scim_group_name")?;
    let known = state.scim.groups.get(name).cloned();
    Ok(known.unwrap_or_else(|| Group::new(name, &call.ids)))
}

/// Users who got access through the mapping keep it.
fn delete_mapping(state: &mut State, call: &Call) -> HandlerResult {
    let id = state.scim.mappings.find_by_path(call)?.id.clone();
    state.scim.mappings.remove(&id);
    respond(json!({"success": true}))
}

fn list_groups(state: &State, call: &Call) -> HandlerResult {
    let groups = state.scim.groups.all();
    let matching = groups.filter(|group| call.matches_search(&[&group.name]));
    let sizes = (MAX_PAGE_SIZE, MAX_PAGE_SIZE);
    let to_json = |group: &Group| json!({"id": group.id, "name": group.name});
    Ok(with_page(call, call.page_sized(sizes, matching, to_json)))
}
