//! The cost of keeping unknown fields: a list of 100 API keys decoded by this crate, by derived code that
//! drops unknown fields, and by derived code that keeps them with `flatten`.
//!
//! `cargo bench --bench decode` prints the figures in the README.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use portkey_admin::api_keys;
use portkey_admin_testing::benchmark::bodies;
use serde::de::DeserializeOwned;

/// The maximum page size of the service.
const KEYS: usize = 100;

/// The same list with `#[derive(Deserialize)]`; `$extra` is the field for unknown fields, if any.
macro_rules! derived {
    ($module:ident { $($extra:tt)* }) => {
        mod $module {
            use chrono::{DateTime, Utc};
            use serde::Deserialize;

            #[derive(Deserialize)]
            #[allow(dead_code, reason = "only decoded")]
            pub struct List {
                object: Option<String>,
                total: Option<i64>,
                data: Vec<Key>,
                $($extra)*
            }

            #[derive(Deserialize)]
            #[allow(dead_code, reason = "only decoded")]
            struct Key {
                id: String,
                key: Option<String>,
                name: String,
                description: Option<String>,
                r#type: String,
                organisation_id: String,
                workspace_id: Option<String>,
                user_id: Option<String>,
                status: String,
                creation_mode: Option<String>,
                created_at: DateTime<Utc>,
                last_updated_at: DateTime<Utc>,
                rate_limits: Option<Vec<RateLimit>>,
                usage_limits: Option<UsageLimits>,
                reset_usage: Option<f64>,
                last_reset_at: Option<DateTime<Utc>>,
                expires_at: Option<DateTime<Utc>>,
                alert_emails: Option<Vec<String>>,
                api_key_defaults_id: Option<String>,
                scopes: Option<Vec<String>>,
                defaults: Option<Defaults>,
                object: Option<String>,
                $($extra)*
            }

            #[derive(Deserialize)]
            #[allow(dead_code, reason = "only decoded")]
            struct RateLimit {
                r#type: Option<String>,
                unit: Option<String>,
                value: Option<i64>,
                $($extra)*
            }

            #[derive(Deserialize)]
            #[allow(dead_code, reason = "only decoded")]
            struct UsageLimits {
                r#type: Option<String>,
                credit_limit: Option<f64>,
                alert_threshold: Option<f64>,
                periodic_reset: Option<String>,
                $($extra)*
            }

            #[derive(Deserialize)]
            #[allow(dead_code, reason = "only decoded")]
            struct Defaults {
                metadata: Option<serde_json::Map<String, serde_json::Value>>,
                config_id: Option<String>,
                $($extra)*
            }
        }
    };
}

derived! { dropping {} }
derived! { flattening { #[serde(flatten)] extra: serde_json::Map<String, serde_json::Value>, } }

fn body() -> String {
    bodies::list(KEYS, (0..KEYS).map(bodies::key).collect())
}

/// Returns the median time of one call.
fn median(runs: usize, mut call: impl FnMut()) -> Duration {
    let mut times: Vec<Duration> = (0..runs)
        .map(|_| {
            let start = Instant::now();
            call();
            start.elapsed()
        })
        .collect();
    times.sort_unstable();
    times[runs / 2]
}

/// A name and a function that decodes a body.
type Candidate = (&'static str, fn(&str));

/// Decodes a body; panics if it cannot be decoded, since the time of an error is meaningless.
fn decode<T: DeserializeOwned>(body: &str) {
    match serde_json::from_str::<T>(body) {
        Ok(value) => drop(black_box(value)),
        Err(error) => panic!("{error}"),
    }
}

/// Like [`decode`], with the JSON path in errors, as in the client.
fn decode_with_path<T: DeserializeOwned>(body: &str) {
    let mut json = serde_json::Deserializer::from_str(body);
    match serde_path_to_error::deserialize::<_, T>(&mut json) {
        Ok(value) => drop(black_box(value)),
        Err(error) => panic!("{error}"),
    }
}

const CANDIDATES: [Candidate; 5] = [
    ("derived, unknown fields dropped", decode::<dropping::List>),
    (
        "derived, unknown fields with `flatten`",
        decode::<flattening::List>,
    ),
    ("this crate", decode::<api_keys::ApiKeyList>),
    (
        "derived, dropped, with the path",
        decode_with_path::<dropping::List>,
    ),
    (
        "this crate, with the path",
        decode_with_path::<api_keys::ApiKeyList>,
    ),
];

fn main() {
    // Without `--bench` (`cargo test --benches`), one run only checks that it works.
    let is_benchmark = std::env::args().any(|argument| argument == "--bench");
    let runs = if is_benchmark { 2000 } else { 1 };
    let body = body();
    println!(
        "{KEYS} API keys, {} KB, median of {runs}",
        body.len() / 1000
    );
    let mut times = [Duration::ZERO; CANDIDATES.len()];
    for (time, (_, decode)) in times.iter_mut().zip(CANDIDATES) {
        // Warms up caches and allocator.
        median(runs / 10 + 1, || decode(black_box(&body)));
        *time = median(runs, || decode(black_box(&body)));
    }
    for (time, (name, _)) in times.iter().zip(CANDIDATES) {
        let ratio = time.as_secs_f64() / times[0].as_secs_f64();
        println!(
            "{name:38} {:8.1} µs  {ratio:5.2} ×",
            time.as_secs_f64() * 1e6
        );
    }
}
