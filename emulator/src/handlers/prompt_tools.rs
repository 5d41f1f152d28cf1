//! Operations on the tools of prompts.

use serde_json::json;

use crate::call::Call;
use crate::handlers::plain::{delete, make_version_default};
use crate::handlers::resource::Handler::{Read, Write};
use crate::handlers::resource::Resource;
use crate::response::{HandlerResult, respond};
use crate::state::State;
use crate::state::prompt_tools::{Content, PromptTool};
use crate::state::versions::Versions;

pub(crate) const RESOURCE: Resource = Resource::new(&[
    ("list_prompt_tools", Read(list)),
    ("create_prompt_tool", Write(create)),
    ("update_prompt_tool", Write(update)),
    ("delete_prompt_tool", Write(delete::<PromptTool>)),
    ("list_prompt_tool_versions", Read(list_versions)),
    (
        "make_prompt_tool_version_default",
        Write(make_version_default::<PromptTool>),
    ),
]);

fn list(state: &State, call: &Call) -> HandlerResult {
    let key = call.query_param("collection_id").unwrap_or_default();
    let collection = state.collections.find(key, call)?;
    let tools = state.prompt_tools.in_workspace(&collection.workspace_id);
    let matching = tools.filter(|tool| tool.collection_id == collection.id);
    Ok(call.page(matching, PromptTool::json))
}

fn content(call: &Call) -> Content {
    Content {
        tool_def: call.body_value("tool_def"),
        created_by: call.caller.actor().to_owned(),
    }
}

fn create(state: &mut State, call: &Call) -> HandlerResult {
    let collection = state
        .collections
        .find(call.required_str("collection_id")?, call)?;
    let (name, at) = (call.required_str("name")?, call.timestamp());
    let description = call.body_value("version_description");
    let tool = PromptTool {
        id: call.ids.uuid(),
        slug: call.ids.slug("tool", name),
        workspace_id: collection.workspace_id.clone(),
        collection_id: collection.id.clone(),
        name: name.to_owned(),
        status: "active".to_owned(),
        created_by: call.caller.actor().to_owned(),
        created_at: at.clone(),
        last_updated_at: at.clone(),
        versions: Versions::new(content(call), description, &at, &call.ids),
    };
    let version_id = tool.versions.latest().map(|version| &version.id);
    let body =
        json!({"id": tool.id, "slug": tool.slug, "version_id": version_id, "object": "tool"});
    state.prompt_tools.put(tool);
    respond(body)
}

/// A new definition creates a version, which does not become the default; other changes create none.
fn update(state: &mut State, call: &Call) -> HandlerResult {
    let mut tool = state.prompt_tools.find_by_path(call)?.clone();
    call.set_str("name", &mut tool.name);
    call.set_str("status", &mut tool.status);
    tool.last_updated_at = call.timestamp();
    let mut body = json!({"object": "tool"});
    if call.body_field("tool_def").is_some() {
        let description = call.body_value("version_description");
        let (content, at) = (content(call), call.timestamp());
        let id = tool.versions.push(content, description, &at, &call.ids);
        body["tool_version_id"] = json!(id);
    }
    state.prompt_tools.put(tool);
    respond(body)
}

fn list_versions(state: &State, call: &Call) -> HandlerResult {
    let tool = state.prompt_tools.find_by_path(call)?;
    let to_json = |version| tool.version_json(version);
    Ok(call.page(tool.versions.newest_first(), to_json))
}
