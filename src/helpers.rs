//! Handwritten additions to the generated types: accessors for fields that the service sends in
//! more than one form, constructors for requests with special rules, and methods that send more
//! than one request.

#[cfg(feature = "analytics")]
mod analytics;
#[cfg(feature = "api_keys")]
mod api_keys;
#[cfg(feature = "configs")]
mod configs;
#[cfg(feature = "logs")]
mod feedback;
#[cfg(feature = "guardrails")]
mod guardrails;
#[cfg(feature = "logs")]
mod log_exports;
#[cfg(feature = "mcp")]
mod mcp;
#[cfg(feature = "prompts")]
mod prompt_versions;
#[cfg(feature = "prompts")]
mod prompts;
#[cfg(feature = "users")]
mod user_roles;
#[cfg(feature = "users")]
mod users;
#[cfg(feature = "workspaces")]
mod workspaces;

#[cfg(feature = "prompts")]
pub use prompt_versions::PromotedVersion;
