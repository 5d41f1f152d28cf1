//! The guide: one page for each topic.
//!
//! | page | topic |
//! |---|---|
//! | [`configuration`] | keys, base URLs, TLS, proxies |
//! | [`requests`] | methods, parameters, bodies, checks before sending, requests without a method |
//! | [`responses`] | tolerant decoding, unknown fields and enum values, headers |
//! | [`updates`] | leave, clear or set a field; calls that take several steps; waiting |
//! | [`lists`] | items, pages, limits, cursors |
//! | [`analytics`] | filters, graphs, groups, costs |
//! | [`errors`] | kinds of errors, and whether a request may have been executed |
//! | [`retries`] | what is repeated, how often and when |
//! | [`options`] | timeouts, headers, default workspace |
//! | [`tracing`] | spans and events |
//! | [`secrets`] | what is redacted, and where data goes |
//! | [`testing`] | the emulator, faults, its clock, other ways |
//! | [`configs`] | gateway configs: types, conditions, checks |
//! | [`gateway`] | chat, event streams, uploads, downloads, realtime sessions |
//! | [`other_clients`] | other OpenAI-compatible clients through the gateway |
//! | [`synchronous`] | use without `async` |
//! | [`self_hosted`] | a Portkey of your own |

/// Evaluates to a section with a program of `examples/`.
macro_rules! example {
    ($title:literal, $name:literal) => {
        concat!(
            "\n## Example: ",
            $title,
            "\n\n`examples/",
            $name,
            ".rs`:\n\n```text\n",
            include_str!(concat!("../examples/", $name, ".rs")),
            "```"
        )
    };
}

#[doc = include_str!("../docs/guide/analytics.md")]
#[doc = example!("costs in a table and a chart", "cost_report")]
pub mod analytics {}
#[doc = include_str!("../docs/guide/configs.md")]
#[doc = example!("a guardrail and policies", "guardrail_and_policies")]
#[doc = example!("promote configs and prompts to another workspace", "promote")]
pub mod configs {}
#[doc = include_str!("../docs/guide/configuration.md")]
pub mod configuration {}
#[doc = include_str!("../docs/guide/errors.md")]
#[doc = example!("people from a CSV file", "onboard")]
pub mod errors {}
#[doc = include_str!("../docs/guide/gateway.md")]
#[doc = example!("a streamed chat with a fallback", "chat_stream")]
pub mod gateway {}
#[doc = include_str!("../docs/guide/lists.md")]
#[doc = example!("ship the audit log", "audit_shipper")]
pub mod lists {}
#[doc = include_str!("../docs/guide/options.md")]
pub mod options {}
#[doc = include_str!("../docs/guide/other_clients.md")]
#[doc = example!("another HTTP client", "other_client")]
pub mod other_clients {}
#[doc = include_str!("../docs/guide/requests.md")]
pub mod requests {}
#[doc = include_str!("../docs/guide/responses.md")]
pub mod responses {}
#[doc = include_str!("../docs/guide/retries.md")]
pub mod retries {}
#[doc = include_str!("../docs/guide/secrets.md")]
#[doc = example!("report and rotate old API keys", "key_hygiene")]
pub mod secrets {}
#[doc = include_str!("../docs/guide/self_hosted.md")]
pub mod self_hosted {}
#[doc = include_str!("../docs/guide/synchronous.md")]
#[doc = example!("keys that expire soon", "synchronous")]
pub mod synchronous {}
#[doc = include_str!("../docs/guide/testing.md")]
#[doc = example!("an axum service", "axum_service/main")]
#[doc = example!("its tests", "axum_service/tests")]
pub mod testing {}
#[doc = include_str!("../docs/guide/tracing.md")]
pub mod tracing {}
#[doc = include_str!("../docs/guide/updates.md")]
#[doc = example!("prompts as code", "prompts_as_code")]
#[doc = example!("back up, compare and restore a workspace", "backup")]
#[doc = example!("a log export with a progress bar", "log_export")]
pub mod updates {}

/// Compiles the examples of the README.
#[cfg(all(doctest, feature = "api_keys"))]
#[doc = include_str!("../README.md")]
struct Readme;
