//! An asynchronous client for the Admin API of Portkey, the AI gateway: workspaces, users, API keys,
//! configs, prompts, integrations, guardrails, policies, analytics, logs. With the feature `gateway`
//! also the OpenAI-compatible API. It is unofficial: neither made nor endorsed by Portkey.
//!
//! The client is generated from Portkey's OpenAPI document and corrected by evidence: where the service
//! was seen to differ from its document, an override changes the generated code.
//!
//! ```no_run
//! # #[cfg(feature = "api_keys")]
//! # async fn example() -> Result<(), portkey_admin::Error> {
//! // The key comes from PORTKEY_API_KEY.
//! let client = portkey_admin::Client::from_env()?;
//! let mut keys = client.list_api_keys().workspace_id("my-workspace").stream();
//! while let Some(key) = keys.next().await {
//!     let key = key?;
//!     println!("{} is {}", key.name, key.status);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Where to look
//!
//! - [`Client`] has one method for each operation, named `verb_noun`: `list_api_keys`,
//!   `rotate_api_key`, `create_config`. Each returns a builder, which `.await` or `send()` sends.
//! - Each area of the API is a module and a feature: `api_keys` contains the builders, requests and
//!   responses of the API keys. [`types`] contains the types that several areas share; each area
//!   re-exports those that it uses.
//! - [`operations`] describes every operation as data: path, scopes, paging, idempotency.
//! - [`scopes`] contains the names of scopes, and finds those that a list of operations needs.
//! - [`error_codes`] contains the codes of the service's errors.
//! - [`Error`] is the error of every call, [`RequestOptions`] and [`RetryPolicy`] control requests,
//!   [`Items`] and [`Pages`] are the streams of a list.
//! - `portkey-admin-emulator` is a Portkey for tests; see [testing](guide::testing).
//!
//! # Areas
//!
//! Each page lists the operations of the area with their routes.
//!
//! | area | operations | contents |
//! |---|---:|---|
//! | [`agents`] | 20 | A2A agents: integrations and servers, their skills, access and cards |
//! | [`analytics`] | 27 | graphs of cost, requests, tokens, latency, errors, cache and feedback; usage by user, model, provider, workspace, MCP server, agent and metadata |
//! | [`api_keys`] | 7 | API keys, their rotation, the calling key |
//! | [`audit`] | 1 | the audit log |
//! | [`configs`] | 7 | configs and their versions |
//! | [`deployments`] | 6 | deployments of the gateway that report to the control plane |
//! | [`guardrails`] | 17 | guardrails, the MCP servers that they watch, organisation-wide defaults and exceptions from them, credentials of partners |
//! | [`integrations`] | 10 | integrations, their models and workspaces |
//! | [`logs`] | 15 | single log entries, groups of logs, log exports, feedback |
//! | [`mcp`] | 33 | MCP integrations and servers, their capabilities, access and connections |
//! | [`network`] | 5 | the hosts that traffic may go to |
//! | [`policies`] | 17 | usage limits, rate limits and access policies |
//! | [`pricing`] | 6 | prices and capabilities of models; needs no API key |
//! | [`prompts`] | 42 | prompts, partials, labels, collections, versions, tools, sharing; rendering and running a prompt |
//! | [`providers`] | 12 | providers and virtual keys |
//! | [`secrets`] | 5 | references to secrets in external managers |
//! | [`users`] | 10 | users, invitations, members of the organisation |
//! | [`utilities`] | 6 | checks of the key and of the service, catalogues of providers |
//! | [`workspaces`] | 14 | workspaces, members, SCIM groups and their mappings |
//! | [`gateway`] | 72 | the OpenAI-compatible API: chat, embeddings, responses, files, batches, assistants … (off by default) |
//!
//! # Guide
//!
//! | I want to … | page |
//! |---|---|
//! | set the key, the base URL, TLS or a proxy | [configuration](guide::configuration) |
//! | find a method and pass parameters and bodies | [requests](guide::requests) |
//! | read unknown fields, enum values or headers | [responses](guide::responses) |
//! | clear a field, read an object after its update, wait for a change | [updates](guide::updates) |
//! | read all items of a list, stop early, resume | [lists](guide::lists) |
//! | read usage and costs | [analytics](guide::analytics) |
//! | handle errors, and know whether a request was executed | [errors](guide::errors) |
//! | know what is retried, or change it | [retries](guide::retries) |
//! | set a timeout, headers or a default workspace | [options](guide::options) |
//! | see calls in logs and traces | [tracing](guide::tracing) |
//! | keep keys out of logs | [secrets](guide::secrets) |
//! | test my code without an account | [testing](guide::testing) |
//! | write or read a gateway config | [configs](guide::configs) |
//! | call models, stream, upload | [gateway](guide::gateway) |
//! | send the requests of another client through the gateway | [other clients](guide::other_clients) |
//! | call it without `async` | [synchronous](guide::synchronous) |
//! | use a Portkey of my own | [self-hosted](guide::self_hosted) |
//!
//! # Features
//!
//! Each area of the API is a feature. `admin` (default) contains all areas, and `gateway` is off by
//! default. `rustls` (default), `rustls-ring` or `native-tls` [provides TLS](guide::configuration#tls);
//! `gzip`, `http2` and `socks` extend the HTTP client. `test-util` lets tests create errors. `full` is
//! all areas, `rustls`, `socks` and `test-util`. To compile less, select areas:
//! `default-features = false, features = ["rustls", "api_keys"]`.

#![deny(missing_docs)]
#![cfg_attr(docsrs, feature(doc_cfg))]
// A single area does not use all shared code; dead code is detected with all areas enabled.
#![cfg_attr(
    not(all(feature = "admin", feature = "gateway")),
    allow(dead_code, unused_imports, unused_macros)
)]

#[cfg(target_family = "wasm")]
compile_error!(
    "portkey-admin does not support WebAssembly, where redirects cannot be refused and timers are missing"
);

mod amount;
mod client;
mod decode;
mod error;
pub mod error_codes;
mod flag;
#[cfg(feature = "gateway")]
#[cfg_attr(docsrs, doc(cfg(feature = "gateway")))]
pub mod gateway;
mod generated;
pub mod guide;
mod header;
mod helpers;
mod json;
mod json_object;
mod media_type;
mod open_enum;
mod operation;
mod options;
mod pagination;
mod patch;
mod redact;
mod request;
mod request_id;
mod response;
mod retry;
#[cfg(any(feature = "configs", feature = "gateway"))]
mod routing_query;
pub mod scopes;
mod secret;
mod transport;
mod waiter;

// The paths that generated code uses.
use request::{builder_support, call, parameters, response_future, update_and_get, validation};

pub use amount::{Cents, Dollars};
pub use client::{Client, ClientBuilder};
pub use decode::{List, Map};
pub use error::{Error, OptionalExt};
pub use generated::*;
#[cfg(feature = "prompts")]
pub use helpers::PromotedVersion;
#[cfg(any(
    feature = "configs",
    feature = "guardrails",
    feature = "policies",
    feature = "prompts"
))]
pub use helpers::Upserted;
#[cfg(feature = "audit")]
pub use helpers::{AuditLogStream, AuditLogWatermark};
#[cfg(feature = "logs")]
pub use helpers::{LogExportProgress, LogExportToFile, SavedLogExport};
pub use json_object::JsonObject;
pub use operation::{Access, ApiVersion, Idempotency, Operation, Paging, Plane, RequiredScopes};
pub use options::RequestOptions;
pub use pagination::{Cursor, Items, Named, Page, Paged, Pages, SkippedItem};
pub use patch::Patch;
pub use request::{IntoBody, IntoOptional, Request, RequestObject, ResponseFuture};
pub use response::{ByteStream, Progress, Response};
pub use retry::RetryPolicy;
#[cfg(any(feature = "configs", feature = "gateway"))]
#[cfg_attr(docsrs, doc(cfg(any(feature = "configs", feature = "gateway"))))]
pub use routing_query::{RoutingQuery, RoutingValue};
pub use secret::Secret;
pub use waiter::Waiter;
