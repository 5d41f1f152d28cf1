//! Logs of requests that clients report, and what is read of one.

mod book;
mod entry;
mod filter;

use chrono::{DateTime, Duration, Utc};
use serde_json::{Map, Value, json};

pub(crate) use book::{Book, Log, Name};
pub(crate) use entry::{Cache, Facts};
pub(crate) use filter::{Filter, Scores, Source};

use super::Handler::{Read, Write};
use super::{Room, State, api_keys, usage_policies, virtual_keys};
use crate::call::{Call, timestamp};
use crate::reply::{Answer, Refusal, Reply};
use crate::shelf::Item;

pub(crate) const ROOM: Room = Room {
    forget_workspace: |state, workspace| state.logs.forget(workspace),
    ..Room::of(&[("get_log", Read(get)), ("insert_log", Write(insert))])
};

pub(crate) type Logs = Book;

/// The time of a log, for people.
pub(crate) fn moment(millis: i64) -> String {
    timestamp(DateTime::from_timestamp_millis(millis).unwrap_or_default())
}

/// What happened before the start: three people asked the invented model, every six hours for a week.
pub(crate) fn seed(state: &mut State, workspace: &str, now: DateTime<Utc>) {
    let key = state.api_keys.shelf.iter().next();
    let key = key.map_or(String::new(), |key| key.id().to_owned());
    for past in (0..28).rev() {
        let at = now - Duration::hours(1 + 6 * past);
        for user in 1..=3 {
            let prompt = 100 * (1 + (past * 7 + user * 5) % 11);
            let entry = json!({
                "metadata": {"_user": format!("user{user}@example.com")},
                "request": {
                    "method": "POST",
                    "url": "https://api.provider.example/v1/chat/completions",
                    "headers": {"x-portkey-provider": "example-provider"},
                    "body": {"model": "example-model"},
                },
                "response": {
                    "status": if (past + user) % 10 == 0 { 500 } else { 200 },
                    "response_time": 200 + prompt,
                    "body": {"usage": {"prompt_tokens": prompt, "completion_tokens": 50 * user}},
                },
            });
            state
                .logs
                .insert(workspace, at.timestamp_millis(), &key, &entry);
        }
    }
}

/// A key of the organisation reports for the default workspace.
fn insert(state: &mut State, call: &Call) -> Answer {
    let workspace = match call.workspace() {
        Some(workspace) => workspace.to_owned(),
        None => default_workspace(state)?,
    };
    let entries = match &call.body {
        Value::Array(entries) => entries.as_slice(),
        one => std::slice::from_ref(one),
    };
    let at = call.now.timestamp_millis();
    for entry in entries {
        let facts = state
            .logs
            .insert(&workspace, at, &call.caller.key_id, entry);
        usage_policies::count(state, &workspace, &facts, call);
        api_keys::count(state, &facts, call);
        virtual_keys::count(state, &workspace, &facts, call);
    }
    Ok(Reply::done())
}

pub(crate) fn default_workspace(state: &State) -> Result<String, Refusal> {
    let mut all = state.workspaces.iter();
    let default = all.find(|workspace| workspace.is_default());
    default
        .map(|workspace| workspace.id.clone())
        .ok_or_else(|| {
            Refusal::invalid("a key of the organisation needs a default workspace for this")
        })
}

fn get(state: &State, call: &Call) -> Answer {
    if call.query_text("path_format") == Some("v2") && !call.asks_for(&["created_at"]) {
        let message = "query parameter `created_at` is required where `path_format` is `v2`";
        return Err(Refusal::invalid(message));
    }
    let (book, id) = (&state.logs, call.id(0));
    let found = match call.workspace() {
        Some(workspace) => book.get(workspace, id).map(|log| (workspace, log)),
        None => book
            .workspaces()
            .find_map(|workspace| Some((workspace, book.get(workspace, id)?))),
    };
    let (workspace, log) = found.ok_or_else(|| Refusal::missing("log"))?;
    Ok(Reply::json(detail_json(state, workspace, log)))
}

fn detail_json(state: &State, workspace: &str, log: &Log) -> Value {
    let entry = log.entry();
    let (request, response) = (&entry["request"], &entry["response"]);
    json!({
        "_id": log.id(),
        "created_at": moment(log.at),
        "organisation_id": state.organisation.id,
        "request": {
            "method": method(request),
            "url": request["url"],
            "headers": members(&request["headers"]),
            "portkeyHeaders": portkey_headers(&request["headers"]),
            "body": request["body"],
        },
        "response": {
            "status": log.facts.status,
            "responseTime": log.facts.millis,
            "lastUsedOptionJsonPath": "$",
            "headers": members(&response["headers"]),
            "body": response["body"],
        },
        "metrics": metrics(state, workspace, log, &entry),
    })
}

fn method(request: &Value) -> String {
    request["method"].as_str().unwrap_or("POST").to_uppercase()
}

fn members(value: &Value) -> Value {
    json!(value.as_object().cloned().unwrap_or_default())
}

fn portkey_headers(headers: &Value) -> Value {
    let all = headers.as_object().into_iter().flatten();
    let own = all.filter(|(name, _)| name.to_lowercase().starts_with("x-portkey-"));
    let own: Map<String, Value> = own
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    Value::Object(own)
}

/// What is not known is not there.
fn metrics(state: &State, workspace: &str, log: &Log, entry: &Value) -> Value {
    let (book, facts) = (&state.logs, &log.facts);
    let text = |name: Name| book.names.text(name);
    let workspace = state.workspaces.get(workspace);
    let (keys, values): (Vec<&str>, Vec<&str>) = facts
        .metadata
        .iter()
        .map(|(key, value)| (text(*key), text(*value)))
        .unzip();
    let mut metrics = json!({
        "id": log.id(),
        "created_at": moment(log.at),
        "organisation_id": state.organisation.id,
        "organisation_name": state.organisation.name,
        "workspace_slug": workspace.map(|workspace| &workspace.slug),
        "api_key_id": text(facts.api_key),
        "request_method": method(&entry["request"]),
        "request_url": entry["request"]["url"],
        "response_status_code": facts.status,
        "response_time": facts.millis,
        "is_success": u8::from(facts.is_success()),
        "req_units": facts.input,
        "res_units": facts.output,
        "total_units": facts.tokens,
        "cost": facts.cost,
        "cost_currency": "USD",
        "retry_success_count": facts.retries,
        "trace_id": book.trace(log),
        "metadata.key": keys,
        "metadata.value": values,
    });
    for (member, value) in texts(book, facts, entry) {
        if let Some(value) = value {
            metrics[member] = json!(value);
        }
    }
    metrics
}

/// The members of the metrics that many logs do not have.
fn texts<'a>(
    book: &'a Book,
    facts: &Facts,
    entry: &'a Value,
) -> [(&'static str, Option<&'a str>); 9] {
    let text = |name: Name| book.names.text(name);
    [
        ("ai_org", facts.provider.map(text)),
        ("ai_model", facts.model.map(text)),
        ("config", facts.config.map(text)),
        ("prompt_slug", facts.prompt.map(text)),
        ("virtual_key", facts.virtual_key.map(text)),
        ("cache_status", facts.cache_status.map(text)),
        ("span_id", facts.span.map(text)),
        ("span_name", entry::metadata_text(entry, &entry::SPAN_NAME)),
        (
            "parent_span_id",
            entry::metadata_text(entry, &entry::PARENT_SPAN),
        ),
    ]
}

/// One field of a log as an export has it.
pub(crate) fn field(book: &Book, log: &Log, entry: &Value, name: &str) -> Value {
    let facts = &log.facts;
    let text = |name: Option<Name>| json!(name.map(|name| book.names.text(name)));
    match name {
        "id" => json!(log.id()),
        "trace_id" => json!(book.trace(log)),
        "created_at" => json!(moment(log.at)),
        "request" | "response" => entry[name].clone(),
        "is_success" => json!(facts.is_success()),
        "ai_org" => text(facts.provider),
        "ai_model" => text(facts.model),
        "req_units" => json!(facts.input),
        "res_units" => json!(facts.output),
        "total_units" => json!(facts.tokens),
        "request_url" => entry["request"]["url"].clone(),
        "cost" => json!(facts.cost),
        "cost_currency" => json!("USD"),
        "response_time" => json!(facts.millis),
        "response_status_code" => json!(facts.status),
        "config" => text(facts.config),
        "prompt_slug" => text(facts.prompt),
        "metadata" => members(&entry["metadata"]),
        _ => Value::Null,
    }
}
