//! The audit log, which records every successful write of every resource.

use serde_json::{Map, Value, json};

use crate::call::Call;
use crate::state::State;
use crate::state::audit_log::AuditRecord;

/// Records a successful write.
pub(crate) fn record_write(state: &mut State, call: &Call, status: u16) {
    let (action, resource) = call
        .operation
        .split_once('_')
        .unwrap_or((&call.operation, ""));
    let (user_type, user_id) = match &call.caller.user_id {
        Some(user) => ("user", user),
        None => ("api_key", &call.caller.key_id),
    };
    let user_agent = call.request.user_agent.as_ref();
    let headers: Map<String, Value> = user_agent
        .map(|user_agent| ("user-agent".to_owned(), json!(user_agent)))
        .into_iter()
        .collect();
    state.audit_records.put(AuditRecord {
        id: call.ids.uuid(),
        timestamp: call.timestamp(),
        method: call.request.method.clone(),
        uri: call.request.uri.clone(),
        request_id: call.request.id.clone(),
        request_body: call.request.body.clone(),
        query_params: call.request.query.clone(),
        request_headers: Value::Object(headers).to_string(),
        user_id: user_id.clone(),
        user_type: user_type.to_owned(),
        organisation_id: state.organisation.id.clone(),
        workspace_id: call.workspace_id.clone(),
        response_status_code: status,
        resource_type: resource.to_owned(),
        action: action.to_owned(),
        client_ip: call.request.client_ip.clone(),
    });
}
