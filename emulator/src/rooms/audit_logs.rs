//! The audit log as clients read it; what it holds is written down in [`crate::audit`].

use chrono::DateTime;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Handler::Read;
use super::{Room, State};
use crate::audit::Record;
use crate::call::{Call, timestamp};
use crate::reply::{Answer, Refusal, Reply};

pub(crate) const ROOM: Room = Room::of(&[("list_audit_logs", Read(list))]);

/// The records have a place of their own in the state.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct AuditLogs {}

/// A page holds so many, also where no size is asked for.
const LARGEST_PAGE: u64 = 100;

/// One end of the span of time, as records write their time: such texts sort like times.
fn boundary(call: &Call, name: &str) -> Result<String, Refusal> {
    let text = call.query_text(name).unwrap_or_default();
    DateTime::parse_from_rfc3339(text)
        .map(|at| timestamp(at.to_utc()))
        .map_err(|_| Refusal::invalid(format!("query parameter `{name}` is not a date and time")))
}

fn list(state: &State, call: &Call) -> Answer {
    let span = boundary(call, "start_time")?..=boundary(call, "end_time")?;
    if !call.admits("organisation_id", &state.organisation.id) {
        return Err(Refusal::forbidden("this key is of another organisation"));
    }
    let workspace = call.query_text("workspace_id").map(|wanted| {
        let known = state.workspaces.get(wanted);
        known.map_or(wanted, |workspace| workspace.id.as_str())
    });
    let records = state.audit_records.listed(call).filter(|record| {
        span.contains(&record.timestamp)
            && workspace.is_none_or(|wanted| record.workspace_id.as_deref() == Some(wanted))
            && admits(record, call)
    });
    let sizes = (LARGEST_PAGE, LARGEST_PAGE);
    let reply = call.page_sized(sizes, records, json);
    Ok(match reply {
        Reply::Json(mut body) => {
            body["object"] = json!("analytics-graph");
            Reply::Json(body)
        }
        other => other,
    })
}

/// Nothing is known of countries: a record has none.
fn admits(record: &Record, call: &Call) -> bool {
    let status = call
        .query
        .get("response_status_code")
        .and_then(Value::as_u64);
    status.is_none_or(|status| u64::from(record.response_status_code) == status)
        && call.admits("method", &record.method)
        && call.admits("uri", &record.uri)
        && call.admits("request_id", &record.request_id)
        && call.admits("user_id", &record.user_id)
        && call.admits("user_type", &record.user_type)
        && call.admits("resource_type", &record.resource_type)
        && call.admits("action", &record.action)
        && call.admits("client_ip", &record.client_ip)
        && call.admits("country", "")
}

fn json(record: &Record) -> Value {
    json!({
        "timestamp": record.timestamp,
        "method": record.method,
        "uri": record.uri,
        "request_id": record.request_id,
        "request_body": record.request_body,
        "query_params": record.query_params,
        "request_headers": record.request_headers,
        "user_id": record.user_id,
        "user_type": record.user_type,
        "organisation_id": record.organisation_id,
        "workspace_id": record.workspace_id,
        "response_status_code": record.response_status_code,
        "resource_type": record.resource_type,
        "action": record.action,
        "client_ip": record.client_ip,
        "country": null,
    })
}
