//! What it costs to read a long list as a stream of items, beside a loop over bare `reqwest` that
//! asks for one page after the other and decodes into the same types.
//!
//! `cargo bench --bench stream` prints the figures that the README quotes. Each contender runs in a
//! process of its own and on one thread; memory is shown for a tenth of the list, too, for it should
//! not depend on the length.

mod support {
    pub mod alone;
    pub mod bare;
    pub mod bodies;
    pub mod cpu;
    pub mod figures;
    pub mod memory;
    pub mod server;

    /// Whatever goes wrong ends the run.
    pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;
}

use std::{
    collections::HashMap,
    hint::black_box,
    sync::{Arc, Mutex, PoisonError},
};

use portkey_admin::{Client, types};
use support::{
    Result,
    alone::{Figures, Meter, Task, compare, run_if_asked},
    bare, bodies,
    server::{Answer, Answers, Server, serve_if_asked},
};

const ITEMS: usize = 100_000;

const PAGES_OF: [usize; 2] = [100, 1000];

const NAMES: [&str; 2] = ["bare reqwest", "portkey-admin"];

/// The id of the key at an index, always of the same length.
fn id(index: usize) -> String {
    format!("00000000-0000-4000-8000-{index:012}")
}

/// A page whose ids can be exchanged, for to encode every page anew would keep the server busy.
struct Template {
    text: String,
    ids: Vec<usize>,
}

impl Template {
    fn new(total: usize, size: usize) -> Self {
        let text = bodies::list(total, (0..size).map(bodies::key).collect());
        let before = "\"id\":\"";
        let at = |index| Some(text.find(&format!("{before}{}", id(index)))? + before.len());
        let ids = (0..size).filter_map(at).collect();
        Self { text, ids }
    }

    fn page(&self, number: usize) -> String {
        let mut page = self.text.clone();
        let first = number * self.ids.len();
        for (index, at) in self.ids.iter().enumerate() {
            let id = id(first + index);
            page.replace_range(*at..at + id.len(), &id);
        }
        page
    }
}

/// Answers `/<total>/v1/api-keys?page_size=<size>&current_page=<number>`, in any order.
fn answers() -> Answers {
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
        Some(Answer::json(&template.page(number("current_page")?)))
    })
}

#[tokio::main(flavor = "current_thread")]
async fn work(task: Task) -> Result<Figures> {
    let [origin, items, size] = &task.details[..] else {
        return Err("origin, items and size of a page".into());
    };
    let (base, size) = (format!("{origin}/{items}/v1"), size.parse()?);
    let (figures, read) = match task.who {
        0 => by_hand(&base, size).await?,
        _ => by_stream(&base, size).await?,
    };
    match read == items.parse::<usize>()? {
        true => Ok(figures),
        false => Err(format!("{read} items of {items}").into()),
    }
}

async fn by_hand(base: &str, size: u32) -> Result<(Figures, usize)> {
    let http = bare::client()?;
    let meter = Meter::start();
    let mut items = 0;
    for page in 0.. {
        let url = format!("{base}/api-keys?page_size={size}&current_page={page}");
        let list: types::ApiKeyList = bare::get(&http, &url).await?;
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

async fn by_stream(base: &str, size: u32) -> Result<(Figures, usize)> {
    let client = Client::builder()
        .api_key(bare::KEY)
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
    serve_if_asked(answers)?;
    run_if_asked(work)?;
    let measured = std::env::args().any(|argument| argument == "--bench");
    let (items, rounds) = if measured { (ITEMS, 9) } else { (20_000, 1) };
    let server = Server::start()?;
    for size in PAGES_OF {
        for items in [items / 10, items] {
            println!("{items} API keys in pages of {size}");
            let details = [&server.origin, &items.to_string(), &size.to_string()];
            compare(&NAMES, &details.map(String::as_str), rounds, |seconds| {
                format!("{:.0} items/s", items as f64 / seconds)
            })?;
            println!();
        }
    }
    Ok(())
}
