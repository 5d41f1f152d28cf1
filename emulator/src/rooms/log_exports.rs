//! Exports of logs: drafts that are started, run for a moment, and are then to be downloaded.

use std::hash::{DefaultHasher, Hash, Hasher};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::Handler::{Read, Write};
use super::logs::{self, Filter, Log, Scores, Source};
use super::{Room, State, feedback};
use crate::call::Call;
use crate::reply::{Answer, Refusal, Reply};
use crate::shelf::{Item, Shelf};

pub(crate) const ROOM: Room = Room {
    links: &[("exports", download_file)],
    forget_workspace: |state, workspace| state.log_exports.forget_workspace(workspace),
    ..Room::of(&[
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

/// How long an export runs, by the emulator's clock.
const RUNS: TimeDelta = TimeDelta::seconds(2);

/// How long a link to the file is good.
const LINK_LASTS: TimeDelta = TimeDelta::hours(1);

/// An export holds no more logs than this.
const LARGEST: usize = 50_000;

pub(crate) type LogExports = Shelf<Export>;

/// An export: what it covers, and how far it is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Export {
    id: String,
    workspace_id: String,
    description: Option<String>,
    filters: Map<String, Value>,
    requested_data: Vec<String>,
    progress: Progress,
    created_by: String,
    created_at: String,
    last_updated_at: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Progress {
    Draft,
    /// Holds the logs from before the start. Links to the file are signed with the secret.
    Started {
        at: DateTime<Utc>,
        secret: String,
        total: usize,
    },
    Stopped,
}

impl Item for Export {
    const NAME: &'static str = "log export";

    fn id(&self) -> &str {
        &self.id
    }

    fn workspace(&self) -> Option<&str> {
        Some(&self.workspace_id)
    }
}

impl Export {
    fn status(&self, now: DateTime<Utc>) -> &'static str {
        match &self.progress {
            Progress::Draft => "draft",
            Progress::Started { at, .. } if now < *at + RUNS => "in_progress",
            Progress::Started { .. } => "success",
            Progress::Stopped => "stopped",
        }
    }

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
            "filters": self.filters,
            "requested_data": self.requested_data,
            "total_records": total,
            "created_at": self.created_at,
            "last_updated_at": self.last_updated_at,
            "created_by": self.created_by,
            "object": "export",
        })
    }

    /// Takes over what the body has, and checks it.
    fn apply(&mut self, state: &State, call: &Call) -> Result<(), Refusal> {
        if let Some(filters) = call.given("filters").and_then(Value::as_object) {
            self.filters = filters.clone();
        }
        if call.given("requested_data").is_some() {
            let fields = call.items("requested_data").iter();
            let fields = fields.filter_map(|field| field.as_str().map(str::to_owned));
            self.requested_data = fields.collect();
        }
        if let Some(description) = call.given("description") {
            self.description = description.as_str().map(str::to_owned);
        }
        self.workspace_id = workspace(state, call, self)?;
        self.last_updated_at = call.timestamp();
        Ok(())
    }

    /// The logs that it covers, oldest first.
    fn logs<'a>(&self, state: &'a State) -> Result<Vec<&'a Log>, Refusal> {
        let source = Source {
            filters: &self.filters,
            refuse: |name, problem| Refusal::invalid_field(&format!("filters/{name}"), problem),
        };
        let filter = Filter::read(&source, &state.logs)?;
        let span = source.span()?;
        let end = match &self.progress {
            Progress::Started { at, .. } => (*span.end()).min(at.timestamp_millis()),
            Progress::Draft | Progress::Stopped => *span.end(),
        };
        let scores = if filter.asks_for_feedback() {
            feedback::scores(state, &self.workspace_id)
        } else {
            Scores::new()
        };
        let (skip, take) = self.page();
        let logs = state
            .logs
            .within(&self.workspace_id, &(*span.start()..=end));
        Ok(logs
            .filter(|log| filter.admits(&state.logs, log, &scores))
            .skip(skip)
            .take(take)
            .collect())
    }

    /// Filters may ask for a page.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    fn page(&self) -> (usize, usize) {
        // A number that is no size at all becomes the nearest one that is.
        let number = |name| {
            self.filters
                .get(name)?
                .as_f64()
                .map(|number| number as usize)
        };
        let size = number("page_size").unwrap_or(LARGEST).min(LARGEST);
        let page = number("current_page").unwrap_or(0);
        (page.saturating_mul(size), size)
    }

    /// A line for each log, with the fields that were asked for.
    fn lines(&self, state: &State) -> Result<Vec<u8>, Refusal> {
        let mut lines = Vec::new();
        for log in self.logs(state)? {
            let entry = log.entry();
            let field = |name: &String| {
                let value = logs::field(&state.logs, log, &entry, name);
                (name.clone(), value)
            };
            let line: Map<String, Value> = self.requested_data.iter().map(field).collect();
            lines.extend_from_slice(Value::Object(line).to_string().as_bytes());
            lines.push(b'\n');
        }
        Ok(lines)
    }

    /// What a link that is good until `expires` carries. It keeps links from being made up by
    /// accident; it is no protection, and nothing here needs one.
    fn signature(&self, expires: i64) -> Option<String> {
        let Progress::Started { secret, .. } = &self.progress else {
            return None;
        };
        let mut hasher = DefaultHasher::new();
        (secret, &self.id, expires).hash(&mut hasher);
        Some(format!("{:016x}", hasher.finish()))
    }
}

/// The workspace that the request or the filters name, or that the export had.
fn workspace(state: &State, call: &Call, export: &Export) -> Result<String, Refusal> {
    let slug = export.filters.get("workspace_slug").and_then(Value::as_str);
    let named_in_filters = match slug.filter(|slug| !slug.is_empty()) {
        Some(slug) => Some(super::workspaces::resolve(state, slug, &call.caller)?),
        None => None,
    };
    let named = call.workspace().map(str::to_owned).or(named_in_filters);
    match named {
        Some(workspace) => Ok(workspace),
        None if !export.workspace_id.is_empty() => Ok(export.workspace_id.clone()),
        None => call.needed_workspace().map(str::to_owned),
    }
}

fn list(state: &State, call: &Call) -> Answer {
    let exports = state.log_exports.listed(call);
    Ok(call.page(exports, |export| export.json(state, call.now)))
}

fn get(state: &State, call: &Call) -> Answer {
    let export = state.log_exports.find(call.id(0), call)?;
    Ok(Reply::json(export.json(state, call.now)))
}

/// The shape of the answer is not known; here, every field may be exported.
fn field_restrictions(_: &State, call: &Call) -> Answer {
    let workspace = call.needed_workspace()?;
    Ok(Reply::json(
        json!({"workspace_id": workspace, "restricted_fields": []}),
    ))
}

fn create(state: &mut State, call: &Call) -> Answer {
    let mut export = Export {
        id: call.ids.uuid(),
        workspace_id: String::new(),
        description: None,
        filters: Map::new(),
        requested_data: Vec::new(),
        progress: Progress::Draft,
        created_by: state.users.acting(call).to_owned(),
        created_at: call.timestamp(),
        last_updated_at: String::new(),
    };
    export.apply(state, call)?;
    keep(state, export)
}

/// What was done already is done again: a changed export is a draft.
fn update(state: &mut State, call: &Call) -> Answer {
    let mut export = own(state, call)?;
    if export.status(call.now) == "in_progress" {
        return Err(Refusal::invalid(
            "an export that is in progress cannot change",
        ));
    }
    export.apply(state, call)?;
    export.progress = Progress::Draft;
    keep(state, export)
}

fn keep(state: &mut State, export: Export) -> Answer {
    let total = export.logs(state)?.len();
    let body = json!({"id": export.id, "total": total, "object": "export"});
    state.log_exports.put(export);
    Ok(Reply::json(body))
}

/// The export that the path names; a body may name a workspace that it is to move to.
fn own(state: &State, call: &Call) -> Result<Export, Refusal> {
    let export = state.log_exports.get(call.id(0));
    export
        .filter(|export| export.visible_to(&call.caller))
        .cloned()
        .ok_or_else(|| Export::GONE.refusal(Export::NAME))
}

fn start(state: &mut State, call: &Call) -> Answer {
    let mut export = own(state, call)?;
    let status = export.status(call.now);
    if status != "draft" {
        let message = format!("only a draft can be started, and this export is `{status}`");
        return Err(Refusal::invalid(message));
    }
    export.progress = Progress::Started {
        at: call.now,
        secret: call.ids.secret("export"),
        total: export.logs(state)?.len(),
    };
    Ok(changed(state, export, call, "the export was started"))
}

fn cancel(state: &mut State, call: &Call) -> Answer {
    let mut export = own(state, call)?;
    let status = export.status(call.now);
    if status != "in_progress" {
        let message = format!("only a running export can be stopped, and this one is `{status}`");
        return Err(Refusal::invalid(message));
    }
    export.progress = Progress::Stopped;
    Ok(changed(state, export, call, "the export was stopped"))
}

fn changed(state: &mut State, mut export: Export, call: &Call, message: &str) -> Reply {
    export.last_updated_at = call.timestamp();
    state.log_exports.put(export);
    Reply::json(json!({"message": message, "object": "export"}))
}

fn download(state: &State, call: &Call) -> Answer {
    let export = state.log_exports.find(call.id(0), call)?;
    let status = export.status(call.now);
    let expires = (call.now + LINK_LASTS).timestamp();
    match export.signature(expires) {
        Some(signature) if status == "success" => {
            let (origin, organisation) = (&call.origin, &state.organisation.id);
            let id = &export.id;
            let link = format!(
                "{origin}/emulator/{organisation}/exports/{id}?expires={expires}&signature={signature}"
            );
            Ok(Reply::json(json!({"signed_url": link})))
        }
        _ => {
            let message = format!("there is nothing to download: this export is `{status}`");
            Err(Refusal::invalid(message))
        }
    }
}

/// What a signed link leads to.
fn download_file(state: &State, call: &Call) -> Answer {
    let expires = call.query_text("expires").and_then(|at| at.parse().ok());
    let good = |export: &&Export| {
        expires.is_some_and(|at| {
            call.now.timestamp() <= at
                && export.signature(at).as_deref() == call.query_text("signature")
        })
    };
    let export = state.log_exports.get(call.id(0)).filter(good);
    let export = export.ok_or_else(|| Refusal::forbidden("this link is not good, or no longer"))?;
    Ok(Reply::bytes("application/jsonl", export.lines(state)?))
}
