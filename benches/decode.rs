//! What keeping unknown fields costs: a list of 100 API keys decoded as this crate does, by
//! derived code that drops what it does not know, and by derived code that keeps it with `flatten`.
//!
//! `cargo bench --bench decode` prints the figures that the README quotes.

mod support {
    pub mod bodies;
}

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use portkey_admin::types;
use serde::de::DeserializeOwned;
use support::bodies;

/// As many as the service sends at once.
const KEYS: usize = 100;

/// The same list by `#[derive(Deserialize)]`; `$extra` is the field for unknown members, if any.
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

/// The median time of one call.
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

/// One way to decode a body.
type Way = (&'static str, fn(&str));

/// Panics if the body cannot be decoded: a figure for an error would be worth nothing.
fn decode<T: DeserializeOwned>(body: &str) {
    match serde_json::from_str::<T>(body) {
        Ok(value) => drop(black_box(value)),
        Err(error) => panic!("{error}"),
    }
}

/// As [`decode`], with the JSON path for an error, which is what the client does.
fn decode_with_path<T: DeserializeOwned>(body: &str) {
    let mut json = serde_json::Deserializer::from_str(body);
    match serde_path_to_error::deserialize::<_, T>(&mut json) {
        Ok(value) => drop(black_box(value)),
        Err(error) => panic!("{error}"),
    }
}

const WAYS: [Way; 5] = [
    ("derived, unknown fields dropped", decode::<dropping::List>),
    (
        "derived, unknown fields by `flatten`",
        decode::<flattening::List>,
    ),
    ("this crate", decode::<types::ApiKeyList>),
    (
        "derived, dropped, with the path",
        decode_with_path::<dropping::List>,
    ),
    (
        "this crate, with the path",
        decode_with_path::<types::ApiKeyList>,
    ),
];

fn main() {
    // Without `--bench` (`cargo test --benches`) one run shows that it works.
    let measured = std::env::args().any(|argument| argument == "--bench");
    let runs = if measured { 2000 } else { 1 };
    let body = body();
    println!(
        "{KEYS} API keys, {} KB, median of {runs}",
        body.len() / 1000
    );
    let mut times = [Duration::ZERO; WAYS.len()];
    for (time, (_, decode)) in times.iter_mut().zip(WAYS) {
        // Once before, so that caches and allocator are warm.
        median(runs / 10 + 1, || decode(black_box(&body)));
        *time = median(runs, || decode(black_box(&body)));
    }
    for (time, (name, _)) in times.iter().zip(WAYS) {
        let ratio = time.as_secs_f64() / times[0].as_secs_f64();
        println!(
            "{name:38} {:8.1} µs  {ratio:5.2} ×",
            time.as_secs_f64() * 1e6
        );
    }
}
