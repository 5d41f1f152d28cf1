//! The records of the audit log.

use serde::{Deserialize, Serialize};

use super::table::{Row, Table, row};

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

row! { AuditRecord: "audit log", id: id, optional_workspace: workspace_id }

/// All records, oldest first.
pub(crate) type AuditRecords = Table<AuditRecord>;
