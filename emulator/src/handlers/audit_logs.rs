//! Reading the audit log; [`crate::audit`] writes it.

use chrono::DateTime;
use serde_json::{Value, json};

use crate::call::{Call, timestamp};
use crate::error::ApiError;
use crate::handlers::resource::Handler::Read;
use crate::handlers::resource::Resource;
use crate::response::{HandlerResult, ResponseBody};
use crate::state::State;
use crate::state::audit_log::AuditRecord;

pub(crate) const RESOURCE: Resource = Resource::new(&[("list_audit_logs", Read(list))]);

/// The default and the maximum page size.
const MAX_PAGE_SIZE: u64 = 100;

/// Returns one end of the time range in the format of records, in which timestamps sort
/// chronologically as strings.
fn time_bound(call: &Call, name: &str) -> Result<String, ApiError> {
    let string = call.query_param(name).unwrap_or_default();
    DateTime::parse_from_rfc3339(string)
        .map(|at| timestamp(at.to_utc()))
        .map_err(|_| {
            ApiError::bad_request(format!(
                "query parameter `{name}` must be an RFC 3339 date and time"
            ))
        })
}

fn list(state: &State, call: &Call) -> HandlerResult {
    let time_range = time_bound(call, "start_time")?..=time_bound(call, "end_time")?;
    if !call.matches_filter("organisation_id", &state.organisation.id) {
        return Err(ApiError::forbidden(
            "the key belongs to another organisation",
        ));
    }
    let workspace = call.query_param("workspace_id").map(|id| {
        let workspace = state.workspaces.get(id);
        workspace.map_or(id, |workspace| workspace.id.as_str())
    });
    let records = state.audit_records.list_for(call).filter(|record| {
        time_range.contains(&record.timestamp)
            && workspace.is_none_or(|id| record.workspace_id.as_deref() == Some(id))
            && matches(record, call)
    });
    let sizes = (MAX_PAGE_SIZE, MAX_PAGE_SIZE);
    let response = call.page_sized(sizes, records, json);
    Ok(match response {
        ResponseBody::Json(mut body) => {
            body["object"] = json!("analytics-graph");
            ResponseBody::Json(body)
        }
        other => other,
    })
}

/// Returns whether a record passes the filters. Records have no country.
fn matches(record: &AuditRecord, call: &Call) -> bool {
    let status = call
        .query
        .get("response_status_code")
        .and_then(Value::as_u64);
    status.is_none_or(|status| u64::from(record.response_status_code) == status)
        && call.matches_filter("method", &record.method)
        && call.matches_filter("uri", &record.uri)
        && call.matches_filter("request_id", &record.request_id)
        && call.matches_filter("user_id", &record.user_id)
        && call.matches_filter("user_type", &record.user_type)
        && call.matches_filter("resource_type", &record.resource_type)
        && call.matches_filter("action", &record.action)
        && call.matches_filter("client_ip", &record.client_ip)
        && call.matches_filter("country", "")
}

fn json(record: &AuditRecord) -> Value {
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
