//! Operations on log exports.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value, json};

use crate::call::{Call, string_list};
use crate::error::ApiError;
use crate::handlers::resource::Handler::{Read, Write};
use crate::handlers::resource::Resource;
use crate::handlers::{feedback, logs};
use crate::response::{HandlerResult, ResponseBody, respond};
use crate::state::State;
use crate::state::log_exports::{LogExport, Progress};
use crate::state::logs::filter::{FeedbackScores, FilterSource, LogFilter};
use crate::state::logs::log_store::Log;
use crate::state::table::Row;

pub(crate) const RESOURCE: Resource = Resource {
    links: &[("exports", serve_file)],
    ..Resource::new(&[
        ("list_log_exports", Read(list)),
        (
            "get_log_export_field_restrictions",
            Read(field_restrictions),
        ),
        ("get_log_export", Read(get)),
        ("create_log_export", Write(create)),
        ("update_log_export", Write(update)),
        ("start_log_export", Write(start)),
        ("cancel_log_export", Write(cancel)),
        ("download_log_export", Read(download)),
    ])
};

/// The lifetime of a link to the file.
const LINK_TTL: TimeDelta = TimeDelta::hours(1);

impl LogExport {
    fn json(&self, state: &State, now: DateTime<Utc>) -> Value {
        let status = self.status(now);
        let total = match &self.progress {
            Progress::Started { total, .. } if status == "success" => Some(*total),
            _ => None,
        };
        json!({
            "id": self.id,
            "organisation_id": state.organisation.id,
            "workspace_id": self.workspace_id,
            "status": status,
            "description": self.description,
            "name": null,
            "filters": self.filters,
            "requested_data": self.requested_data,
            "total_records": total,
            "created_at": self.created_at,
            "last_updated_at": self.last_updated_at,
            "created_by": self.created_by,
            "object": "export",
        })
    }

    /// Applies a create or update request.
    fn apply(&mut self, state: &State, call: &Call) -> Result<(), ApiError> {
        if let Some(filters) = call.body_field("filters").and_then(Value::as_object) {
            self.filters = filters.clone();
        }
        if call.body_field("requested_data").is_some() {
            self.requested_data = string_list(&call.body_value("requested_data"));
        }
        if let Some(description) = call.body_field("description") {
            self.description = description.as_str().map(str::to_owned);
        }
        self.workspace_id = export_workspace(state, call, self)?;
        self.last_updated_at = call.timestamp();
        Ok(())
    }

    /// Returns the exported logs, oldest first.
    fn logs<'a>(&self, state: &'a State) -> Result<Vec<&'a Log>, ApiError> {
        let source = FilterSource {
            filters: &self.filters,
            error: |name, reason| ApiError::invalid_field(&format!("filters/{name}"), reason),
        };
        let filter = LogFilter::read(&source, &state.logs)?;
        let time_range = source.time_range()?;
        let end = match &self.progress {
            Progress::Started { at, .. } => (*time_range.end()).min(at.timestamp_millis()),
            Progress::Draft | Progress::Stopped => *time_range.end(),
        };
        let scores = if filter.needs_feedback() {
            feedback::scores(state, &self.workspace_id)
        } else {
            FeedbackScores::new()
        };
        let (skip, take) = self.page();
        let logs = state
            .logs
            .in_range(&self.workspace_id, &(*time_range.start()..=end));
        Ok(logs
            .filter(|log| filter.matches(&state.logs, log, &scores))
            .skip(skip)
            .take(take)
            .collect())
    }

    /// Returns one JSON line for each log, with the requested fields.
    fn json_lines(&self, state: &State) -> Result<Vec<u8>, ApiError> {
        let mut output = Vec::new();
        for log in self.logs(state)? {
            let entry = log.entry();
            let field = |name: &String| {
                let value = logs::field(&state.logs, log, &entry, name);
                (name.clone(), value)
            };
            let line: Map<String, Value> = self.requested_data.iter().map(field).collect();
            output.extend_from_slice(Value::Object(line).to_string().as_bytes());
            output.push(b'\n');
        }
        Ok(output)
    }
}

/// Returns the workspace named in the request or the filters, or else the export's current one.
fn export_workspace(state: &State, call: &Call, export: &LogExport) -> Result<String, ApiError> {
    let slug = export.filters.get("workspace_slug").and_then(Value::as_str);
    let workspace_in_filters = match slug.filter(|slug| !slug.is_empty()) {
        Some(slug) => Some(state.workspaces.resolve(slug, &call.caller)?),
        None => None,
    };
    let workspace = call.workspace().map(str::to_owned).or(workspace_in_filters);
    match workspace {
        Some(workspace) => Ok(workspace),
        None if !export.workspace_id.is_empty() => Ok(export.workspace_id.clone()),
        None => call.required_workspace().map(str::to_owned),
    }
}

fn list(state: &State, call: &Call) -> HandlerResult {
    let exports = state.log_exports.list_for(call);
    Ok(call.page(exports, |export| export.json(state, call.now)))
}

fn get(state: &State, call: &Call) -> HandlerResult {
    let export = state.log_exports.find_by_path(call)?;
    respond(export.json(state, call.now))
}

/// The schema of the service's response is unknown. In the emulator, no field is restricted.
fn field_restrictions(_: &State, call: &Call) -> HandlerResult {
    let workspace = call.required_workspace()?;
    respond(json!({"workspace_id": workspace, "restricted_fields": []}))
}

fn create(state: &mut State, call: &Call) -> HandlerResult {
    let mut export = LogExport {
        id: call.ids.uuid(),
        workspace_id: String::new(),
        description: None,
        filters: Map::new(),
        requested_data: Vec::new(),
        progress: Progress::Draft,
        created_by: state.users.acting_user(call).to_owned(),
        created_at: call.timestamp(),
        last_updated_at: String::new(),
    };
    export.apply(state, call)?;
    store(state, export)
}

/// An updated export becomes a draft again.
fn update(state: &mut State, call: &Call) -> HandlerResult {
    let mut export = find_export(state, call)?;
    if export.status(call.now) == "in_progress" {
        return Err(ApiError::bad_request(
            "an export in progress cannot be updated",
        ));
    }
    export.apply(state, call)?;
    export.progress = Progress::Draft;
    store(state, export)
}

fn store(state: &mut State, export: LogExport) -> HandlerResult {
    let total = export.logs(state)?.len();
    let body = json!({"id": export.id, "total": total, "object": "export"});
    state.log_exports.put(export);
    respond(body)
}

/// Returns the export of the path. Ignores the workspace of the request, since an update can move
/// the export to another workspace.
fn find_export(state: &State, call: &Call) -> Result<LogExport, ApiError> {
    let export = state.log_exports.get(call.path_param(0));
    export
        .filter(|export| export.visible_to(&call.caller))
        .cloned()
        .ok_or_else(|| LogExport::MISSING_STATUS.error(LogExport::NAME))
}

fn start(state: &mut State, call: &Call) -> HandlerResult {
    let mut export = find_export(state, call)?;
    let status = export.status(call.now);
    if status != "draft" {
        let message = format!("cannot start the export: expected status `draft`, found `{status}`");
        return Err(ApiError::bad_request(message));
    }
    export.progress = Progress::Started {
        at: call.now,
        secret: call.ids.secret("export"),
        total: export.logs(state)?.len(),
    };
    Ok(store_and_respond(
        state,
        export,
        call,
        "the export was started",
    ))
}

fn cancel(state: &mut State, call: &Call) -> HandlerResult {
    let mut export = find_export(state, call)?;
    let status = export.status(call.now);
    if status != "in_progress" {
        let message =
            format!("cannot cancel the export: expected status `in_progress`, found `{status}`");
        return Err(ApiError::bad_request(message));
    }
    export.progress = Progress::Stopped;
    Ok(store_and_respond(
        state,
        export,
        call,
        "the export was stopped",
    ))
}

fn store_and_respond(
    state: &mut State,
    mut export: LogExport,
    call: &Call,
    message: &str,
) -> ResponseBody {
    export.last_updated_at = call.timestamp();
    state.log_exports.put(export);
    ResponseBody::json(json!({"message": message, "object": "export"}))
}

fn download(state: &State, call: &Call) -> HandlerResult {
    let export = state.log_exports.find_by_path(call)?;
    let status = export.status(call.now);
    let expires = (call.now + LINK_TTL).timestamp();
    match export.signature(expires) {
        Some(signature) if status == "success" => {
            let (origin, organisation) = (&call.origin, &state.organisation.id);
            let id = &export.id;
            let link = format!(
                "{origin}/emulator/{organisation}/exports/{id}?expires={expires}&signature={signature}"
            );
            respond(json!({"signed_url": link}))
        }
        _ => {
            let message =
                format!("cannot download the export: expected status `success`, found `{status}`");
            Err(ApiError::bad_request(message))
        }
    }
}

/// Serves the file of a signed link.
fn serve_file(state: &State, call: &Call) -> HandlerResult {
    let expires = call.query_param("expires").and_then(|at| at.parse().ok());
    let is_valid = |export: &&LogExport| {
        expires.is_some_and(|at| {
            call.now.timestamp() <= at
                && export.signature(at).as_deref() == call.query_param("signature")
        })
    };
    let export = state.log_exports.get(call.path_param(0)).filter(is_valid);
    let export = export.ok_or_else(|| ApiError::forbidden("the link is invalid or has expired"))?;
    Ok(ResponseBody::bytes(
        "application/jsonl",
        export.json_lines(state)?,
    ))
}
