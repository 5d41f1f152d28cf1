//! Response times with small and large amounts of data: `cargo bench -p portkey-admin-emulator`.
//!
//! Prints the mean times with 1,000 and 100,000 API keys, and with 10,000 and 1,000,000 logs. The
//! cost of a request should depend on the data that it selects, not on the total amount of data.

use std::error::Error;
use std::time::{Duration, Instant};

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use portkey_admin_emulator::{Clock, Emulator, Key, Organisation};
use serde_json::{Value, json};

/// The maximum number of timed requests of each kind, and the maximum time for them.
const ROUNDS: u32 = 200;
const MAX_TIME: Duration = Duration::from_secs(5);

/// The number of logs in one insert request.
const BATCH: usize = 1_000;

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    for keys in [1_000, 100_000] {
        runtime.block_on(api_keys(keys))?;
    }
    for logs in [10_000, 1_000_000] {
        runtime.block_on(analytics(logs))?;
    }
    Ok(())
}

/// Times pages of a long list, and a short list in another workspace.
async fn api_keys(keys: usize) -> Outcome<()> {
    let mut organisation = Organisation::named("Load")
        .workspace("Many")
        .workspace("Few");
    for number in 0..keys {
        organisation = organisation.key(Key::workspace("Many", format!("key {number}")));
    }
    organisation = organisation.key(Key::workspace("Few", "alone"));
    let emulator = Emulator::builder()
        .organisation(organisation)
        .start()
        .await?;
    let bench = Bench::new(emulator)?;
    println!("{keys} API keys");
    let last = keys / 20;
    let page = "/api-keys?page_size=20&current_page=";
    bench
        .time("first page of 20", None, &format!("{page}0"))
        .await?;
    bench
        .time("last page of 20", None, &format!("{page}{last}"))
        .await?;
    bench
        .time(
            "a workspace with one key",
            Some("alone"),
            "/api-keys?page_size=20",
        )
        .await?;
    bench.emulator.shutdown().await;
    Ok(())
}

/// Times graphs and groups over all logs, over one hour, and over a small workspace.
///
/// The logs of the large workspace are spread evenly over 100 hours. The small workspace has ten
/// logs in the last hour.
async fn analytics(logs: usize) -> Outcome<()> {
    let start: DateTime<Utc> = "2026-01-01T00:00:00Z".parse()?;
    let emulator = Emulator::builder()
        .clock(Clock::fixed(start))
        .organisation(
            Organisation::named("Load")
                .workspace("Many")
                .workspace("Few")
                .key(Key::workspace("Many", "many"))
                .key(Key::workspace("Few", "few")),
        )
        .start()
        .await?;
    let bench = Bench::new(emulator)?;
    let started = Instant::now();
    bench.fill(logs).await?;
    let each = started.elapsed() / u32::try_from(logs)?;
    println!("{logs} logs, inserted in {each:.1?} each, {BATCH} per request");
    let all = window(start, TimeDelta::hours(200));
    let hour = window(start + TimeDelta::hours(99), TimeDelta::minutes(59));
    for (what, path) in [
        ("cost graph", "graphs/cost?"),
        ("latency graph", "graphs/latency?"),
        ("by user", "groups/users?page_size=20&"),
        ("by metadata", "groups/metadata/team?"),
        (
            "one user of many",
            "graphs/cost?metadata=%7B%22_user%22%3A%22user7%22%7D&",
        ),
    ] {
        let path = |window: &str| format!("/analytics/{path}{window}");
        bench
            .time(&format!("{what}, all"), None, &path(&all))
            .await?;
        bench
            .time(&format!("{what}, an hour"), None, &path(&hour))
            .await?;
        bench
            .time(&format!("{what}, ten logs"), Some("few"), &path(&all))
            .await?;
    }
    bench.emulator.shutdown().await;
    Ok(())
}

fn window(from: DateTime<Utc>, length: TimeDelta) -> String {
    let format = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Secs, true);
    format!(
        "time_of_generation_min={}&time_of_generation_max={}",
        format(from),
        format(from + length)
    )
}

fn entry(number: usize) -> Value {
    json!({
        "metadata": {
            "_user": format!("user{}", number % 1000),
            "team": format!("team{}", number % 7),
        },
        "request": {
            "url": "https://api.provider.example/v1/chat/completions",
            "headers": {"x-portkey-provider": "example-provider"},
            "body": {"model": "example-model"},
        },
        "response": {
            "status": if number.is_multiple_of(50) { 500 } else { 200 },
            "response_time": 100 + number % 900,
            "body": {"usage": {"prompt_tokens": number % 3000, "completion_tokens": 50}},
        },
    })
}

/// An emulator and an HTTP client for it.
struct Bench {
    emulator: Emulator,
    http: reqwest::Client,
}

impl Bench {
    fn new(emulator: Emulator) -> Outcome<Self> {
        let http = reqwest::Client::builder().no_proxy().build()?;
        Ok(Self { emulator, http })
    }

    async fn fill(&self, logs: usize) -> Outcome<()> {
        let batches = logs.div_ceil(BATCH);
        let hundred_hours = Duration::from_secs(100 * 3600);
        let step = hundred_hours / u32::try_from(batches)?;
        for batch in 0..batches {
            let numbers = batch * BATCH..(batch + 1) * BATCH;
            self.insert("many", numbers.map(entry).collect()).await?;
            self.emulator.advance(step);
        }
        self.insert("few", (0..10).map(entry).collect()).await
    }

    async fn insert(&self, key: &str, entries: Vec<Value>) -> Outcome<()> {
        let key = self.emulator.key(key).unwrap_or_default();
        let request = self
            .http
            .post(format!("{}/logs", self.emulator.base_url()))
            .header("x-portkey-api-key", key)
            .json(&entries);
        request.send().await?.error_for_status()?;
        Ok(())
    }

    /// Prints the mean time of a request with the named key, or else the key `Emulator`.
    async fn time(&self, what: &str, key: Option<&str>, path: &str) -> Outcome<()> {
        let key = key.and_then(|name| self.emulator.key(name));
        let key = key.unwrap_or_else(|| self.emulator.api_key().to_owned());
        let url = format!("{}{path}", self.emulator.base_url());
        let (started, mut rounds) = (Instant::now(), 0);
        while rounds < ROUNDS && started.elapsed() < MAX_TIME {
            let request = self.http.get(&url).header("x-portkey-api-key", &key);
            request.send().await?.error_for_status()?.bytes().await?;
            rounds += 1;
        }
        println!("  {what:<28} {:>10.1?}", started.elapsed() / rounds.max(1));
        Ok(())
    }
}
