//! Handwritten additions to the generated types: accessors for fields that the service sends in
//! more than one form, constructors for requests with special rules, and methods that send more
//! than one request.

#[cfg(feature = "analytics")]
mod analytics;
#[cfg(feature = "api_keys")]
mod api_keys;
#[cfg(feature = "audit")]
mod audit_logs;
#[cfg(any(feature = "gateway", feature = "prompts"))]
mod chat_responses;
#[cfg(feature = "configs")]
mod configs;
#[cfg(feature = "logs")]
mod feedback;
#[cfg(feature = "guardrails")]
mod guardrails;
#[cfg(feature = "integrations")]
mod integrations;
#[cfg(feature = "logs")]
mod log_export_files;
#[cfg(feature = "logs")]
mod log_exports;
#[cfg(feature = "mcp")]
mod mcp;
#[cfg(feature = "policies")]
mod policies;
#[cfg(feature = "prompts")]
mod prompt_versions;
#[cfg(feature = "prompts")]
mod prompts;
#[cfg(any(
    feature = "configs",
    feature = "guardrails",
    feature = "policies",
    feature = "prompts"
))]
mod upsert;
#[cfg(feature = "users")]
mod user_roles;
#[cfg(feature = "users")]
mod users;
#[cfg(feature = "workspaces")]
mod workspaces;

#[cfg(feature = "audit")]
pub use audit_logs::{AuditLogStream, AuditLogWatermark};
#[cfg(feature = "logs")]
pub use log_export_files::{LogExportProgress, LogExportToFile, SavedLogExport};
#[cfg(feature = "prompts")]
pub use prompt_versions::PromotedVersion;
#[cfg(any(
    feature = "configs",
    feature = "guardrails",
    feature = "policies",
    feature = "prompts"
))]
pub use upsert::Upserted;
