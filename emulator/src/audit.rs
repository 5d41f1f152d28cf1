//! The audit log, which records every successful write of every resource.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::call::Call;
use crate::handlers::State;
use crate::table::{Row, Table};

/// One entry of the audit log.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct AuditRecord {
    pub(crate) id: String,
    pub(crate) timestamp: String,
    pub(crate) method: String,
    pub(crate) uri: String,
    pub(crate) request_id: String,
    /// The body as a JSON string, without secrets; empty if the request had none.
    pub(crate) request_body: String,
    /// The query as received.
    pub(crate) query_params: String,
    /// The user agent header, as a JSON string.
    pub(crate) request_headers: String,
    /// The id of the user or, for service keys, of the key.
    pub(crate) user_id: String,
    /// `user` or `api_key`.
    pub(crate) user_type: String,
    pub(crate) organisation_id: String,
    /// The workspace of the request; `None` if it concerned the organisation.
    pub(crate) workspace_id: Option<String>,
    pub(crate) response_status_code: u16,
    /// The noun of the operation id: `api_key`.
    pub(crate) resource_type: String,
    /// The verb of the operation id: `create`.
    pub(crate) action: String,
    pub(crate) client_ip: String,
}

impl Row for AuditRecord {
    const NAME: &'static str = "audit log";

    fn id(&self) -> &str {
        &self.id
    }

    fn workspace(&self) -> Option<&str> {
        self.workspace_id.as_deref()
    }
}

/// All records, oldest first.
pub(crate) type AuditRecords = Table<AuditRecord>;

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
