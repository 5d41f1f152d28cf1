//! The cost of reading a long list as a stream of items, compared with a loop over plain `reqwest` that
//! requests page after page and decodes into the same types.
//!
//! `cargo bench --bench stream` prints the figures in the README. Each candidate runs in its own process,
//! on one thread. Memory is also shown for a tenth of the list, since it should not depend on the length.

use std::{
    collections::HashMap,
    hint::black_box,
    sync::{Arc, Mutex, PoisonError},
};

use portkey_admin::{Client, api_keys};
use portkey_admin_testing::benchmark::{
    Result, bodies,
    isolated_process::{Meter, Task, Usage, compare_processes, run_if_requested},
    reqwest_baseline,
    server::{CannedResponse, Handler, Server, serve_if_requested},
};

const ITEMS: usize = 100_000;

const PAGE_SIZES: [usize; 2] = [100, 1000];

const NAMES: [&str; 2] = ["bare reqwest", "portkey-admin"];

/// Returns the id of the key at an index; all ids have the same length.
fn id(index: usize) -> String {
    format!("00000000-0000-4000-8000-{index:012}")
}

/// An encoded page whose ids are replaced for each request, since encoding every page would load the
/// server.
struct Template {
    text: String,
    ids: Vec<usize>,
}

impl Template {
    fn new(total: usize, size: usize) -> Self {
        let text = bodies::list(total, (0..size).map(bodies::key).collect());
        let prefix = "\"id\":\"";
        let position = |index| Some(text.find(&format!("{prefix}{}", id(index)))? + prefix.len());
        let ids = (0..size).filter_map(position).collect();
        Self { text, ids }
    }

    fn page(&self, number: usize) -> String {
        let mut page = self.text.clone();
        let first = number * self.ids.len();
        for (index, position) in self.ids.iter().enumerate() {
            let id = id(first + index);
            page.replace_range(*position..position + id.len(), &id);
        }
        page
    }
}

/// Responds to `/<total>/v1/api-keys?page_size=<size>&current_page=<number>`, with the parameters in any
/// order.
fn handler() -> Handler {
    let templates: Mutex<HashMap<(usize, usize), Arc<Template>>> = Mutex::default();
    Arc::new(move |target, _| {
        let (path, query) = target.split_once('?')?;
        let total = path.strip_prefix('/')?.strip_suffix("/v1/api-keys")?;
        let number = |name: &str| {
            let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            pairs.find(|(other, _)| *other == name)?.1.parse().ok()
        };
        let key = (total.parse().ok()?, number("page_size")?);
        let mut templates = templates.lock().unwrap_or_else(PoisonError::into_inner);
        let template = templates
            .entry(key)
            .or_insert_with(|| Template::new(key.0, key.1).into());
        Some(CannedResponse::json(
            &template.page(number("current_page")?),
        ))
    })
}

#[tokio::main(flavor = "current_thread")]
async fn run_task(task: Task) -> Result<Usage> {
    let [origin, items, size] = &task.details[..] else {
        return Err("expected origin, items and page size".into());
    };
    let (base, size) = (format!("{origin}/{items}/v1"), size.parse()?);
    let (usage, read) = match task.candidate {
        0 => with_reqwest(&base, size).await?,
        _ => with_client(&base, size).await?,
    };
    match read == items.parse::<usize>()? {
        true => Ok(usage),
        false => Err(format!("{read} items of {items}").into()),
    }
}

async fn with_reqwest(base: &str, size: u32) -> Result<(Usage, usize)> {
    let http = reqwest_baseline::client()?;
    let meter = Meter::start();
    let mut items = 0;
    for page in 0.. {
        let url = format!("{base}/api-keys?page_size={size}&current_page={page}");
        let list: api_keys::ApiKeyList = reqwest_baseline::get(&http, &url).await?;
        let is_empty = list.data.is_empty();
        for key in list.data {
            black_box(key);
            items += 1;
        }
        if is_empty
            || list
                .total
                .is_none_or(|total| i64::try_from(items).is_ok_and(|items| items >= total))
        {
            break;
        }
    }
    Ok((meter.stop(), items))
}

async fn with_client(base: &str, size: u32) -> Result<(Usage, usize)> {
    let client = Client::builder()
        .api_key(reqwest_baseline::KEY)
        .base_url(base)
        .build()?;
    let meter = Meter::start();
    let mut items = 0;
    let mut keys = client.list_api_keys().stream().page_size(size);
    while let Some(key) = keys.next().await {
        black_box(key?);
        items += 1;
    }
    Ok((meter.stop(), items))
}

fn main() -> Result<()> {
    serve_if_requested(handler)?;
    run_if_requested(run_task)?;
    let is_benchmark = std::env::args().any(|argument| argument == "--bench");
    let (items, rounds) = if is_benchmark {
        (ITEMS, 9)
    } else {
        (20_000, 1)
    };
    let server = Server::start()?;
    for size in PAGE_SIZES {
        for items in [items / 10, items] {
            println!("{items} API keys in pages of {size}");
            let details = [&server.origin, &items.to_string(), &size.to_string()];
            compare_processes(&NAMES, &details.map(String::as_str), rounds, |seconds| {
                format!("{:.0} items/s", items as f64 / seconds)
            })?;
            println!();
        }
    }
    Ok(())
}
