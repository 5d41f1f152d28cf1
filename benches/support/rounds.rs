//! Contenders that take turns, so that whatever else the machine does troubles all of them.
//!
//! A round gives each contender a short turn. Ratios are taken within a round; what is printed are
//! the medians over all rounds.

use std::{
    hint::black_box,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use serde::de::DeserializeOwned;

use super::{
    Result, bare,
    cpu::cpu_time,
    figures::{median, ratio},
};

type Calling = Pin<Box<dyn Future<Output = Result<()>> + Send>>;

/// One way to make a call.
pub struct Contender {
    name: &'static str,
    call: Arc<dyn Fn() -> Calling + Send + Sync>,
}

/// What a call costs in one turn, in seconds.
#[derive(Clone, Copy)]
struct Cost {
    wall: f64,
    cpu: f64,
}

/// How long to measure.
#[derive(Clone, Copy)]
pub struct Effort {
    rounds: usize,
    turn: Duration,
}

impl Effort {
    /// The effort for figures, or as little as shows that everything works.
    pub fn new(measured: bool) -> Self {
        match measured {
            true => Self {
                rounds: 240,
                turn: Duration::from_millis(25),
            },
            false => Self {
                rounds: 1,
                turn: Duration::ZERO,
            },
        }
    }
}

impl Contender {
    /// A contender that makes a call by `call`.
    pub fn new<F: Future<Output = Result<()>> + Send + 'static>(
        name: &'static str,
        call: impl Fn() -> F + Send + Sync + 'static,
    ) -> Self {
        Self {
            name,
            call: Arc::new(move || Box::pin(call())),
        }
    }

    /// Bare `reqwest` that gets a `T`.
    pub fn bare<T: DeserializeOwned + 'static>(url: String) -> Result<Self> {
        let http = bare::client()?;
        Ok(Self::new("bare reqwest", move || {
            let (http, url) = (http.clone(), url.clone());
            async move {
                black_box(bare::get::<T>(&http, &url).await?);
                Ok(())
            }
        }))
    }

    /// Makes that many calls, so many at a time.
    async fn turn(&self, calls: usize, in_flight: usize) -> Result<Cost> {
        let begun = Arc::new(AtomicUsize::new(0));
        let (start, cpu) = (Instant::now(), cpu_time());
        let workers: Vec<_> = (0..in_flight)
            .map(|_| {
                let (begun, call) = (begun.clone(), self.call.clone());
                tokio::spawn(async move {
                    while begun.fetch_add(1, Relaxed) < calls {
                        call().await?;
                    }
                    Result::Ok(())
                })
            })
            .collect();
        for worker in workers {
            worker.await??;
        }
        let each = |time: Duration| time.as_secs_f64() / calls as f64;
        Ok(Cost {
            wall: each(start.elapsed()),
            cpu: each(cpu_time() - cpu),
        })
    }
}

/// Lets the contenders take turns, for each number in flight, and prints what came of it. The others
/// are compared with the first.
pub async fn race(effort: Effort, contenders: &[Contender], in_flight: &[usize]) -> Result<()> {
    println!(
        "{:15} {:>9} {:>9}  {:21} {:>11}  ×",
        "", "in flight", "calls/s", "×", "CPU µs/call"
    );
    for &in_flight in in_flight {
        let costs = rounds(effort, contenders, in_flight).await?;
        for (contender, of) in contenders.iter().zip(0..) {
            print_row(contender.name, in_flight, &costs, of);
        }
    }
    Ok(())
}

/// The costs, round by round, in the order of the contenders.
async fn rounds(
    effort: Effort,
    contenders: &[Contender],
    in_flight: usize,
) -> Result<Vec<Vec<Cost>>> {
    let calls = calls_per_turn(effort, &contenders[0], in_flight).await?;
    for contender in contenders {
        contender.turn(calls, in_flight).await?;
    }
    let mut rounds = Vec::new();
    for round in 0..effort.rounds {
        let mut costs = vec![None; contenders.len()];
        for turn in 0..contenders.len() {
            // Nobody is always first.
            let who = (round + turn) % contenders.len();
            costs[who] = Some(contenders[who].turn(calls, in_flight).await?);
        }
        rounds.push(costs.into_iter().flatten().collect());
    }
    Ok(rounds)
}

/// How many calls last about as long as a turn should.
async fn calls_per_turn(effort: Effort, contender: &Contender, in_flight: usize) -> Result<usize> {
    let mut calls = in_flight;
    loop {
        let seconds = contender.turn(calls, in_flight).await?.wall * calls as f64;
        if seconds >= effort.turn.as_secs_f64() {
            return Ok(calls);
        }
        calls *= 2;
    }
}

fn print_row(name: &str, in_flight: usize, rounds: &[Vec<Cost>], of: usize) {
    let typical = |cost: fn(&Cost) -> f64| median(rounds.iter().map(|costs| cost(&costs[of])));
    // More calls is better, more CPU is worse: the one ratio is the other way round.
    let faster = rounds.iter().map(|costs| costs[0].wall / costs[of].wall);
    let dearer = rounds.iter().map(|costs| costs[of].cpu / costs[0].cpu);
    println!(
        "{name:15} {in_flight:9} {:9.0}  {:21} {:11.1}  {}",
        1.0 / typical(|cost| cost.wall),
        ratio(faster),
        typical(|cost| cost.cpu) * 1e6,
        ratio(dearer),
    );
}
