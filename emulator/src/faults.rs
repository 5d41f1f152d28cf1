//! Faults on demand: what a test wants to go wrong.

use std::fmt;
use std::sync::Mutex;
use std::time::Duration;

use crate::dispatch::lock;
use crate::ids::Ids;

/// Something that is to go wrong, for [`Emulator::add_fault`](crate::Emulator::add_fault).
///
/// It strikes every request of its operation, unless [`times`](Self::times),
/// [`skip`](Self::skip) or [`probability`](Self::probability) limit it. A request that is struck
/// by a status or a reset is not carried out, unless
/// [`after_execution`](Self::after_execution) says so; one whose answer is corrupted is.
///
/// ```
/// use std::time::Duration;
/// use portkey_admin_emulator::Fault;
///
/// let busy = Fault::on("list_api_keys").times(2).status(429).retry_after("1");
/// let slow = Fault::on_any_request().probability(0.1).latency(Duration::from_millis(50));
/// let lost = Fault::on("create_config").after_execution().reset();
/// ```
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub struct Fault {
    operation: Option<String>,
    skip: u64,
    times: Option<u64>,
    probability: f64,
    latency: Duration,
    after_execution: bool,
    retry_after: Option<String>,
    effect: Effect,
}

/// What becomes of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Nothing: it only comes late.
    None,
    Status(u16),
    Reset,
    Truncate,
    Malformed,
}

/// A fault that strikes one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InjectedFault {
    pub(crate) latency: Duration,
    pub(crate) after_execution: bool,
    pub(crate) retry_after: Option<String>,
    pub(crate) effect: Effect,
}

impl Fault {
    /// Strikes requests of one operation, by the name that it has in the manifest.
    pub fn on(operation: impl Into<String>) -> Self {
        Self {
            operation: Some(operation.into()),
            ..Self::on_any_request()
        }
    }

    /// Strikes all requests, those to unknown paths included.
    pub fn on_any_request() -> Self {
        Self {
            operation: None,
            skip: 0,
            times: None,
            probability: 1.0,
            latency: Duration::ZERO,
            after_execution: false,
            retry_after: None,
            effect: Effect::None,
        }
    }

    /// Strikes so many requests and then no more.
    pub fn times(mut self, times: u64) -> Self {
        self.times = Some(times);
        self
    }

    /// Lets so many requests pass first.
    pub fn skip(mut self, requests: u64) -> Self {
        self.skip = requests;
        self
    }

    /// Strikes a request with this probability, 0 to 1; the dice follow the emulator's seed.
    pub fn probability(mut self, probability: f64) -> Self {
        self.probability = probability;
        self
    }

    /// Answers with this status, in the service's error envelope.
    pub fn status(mut self, status: u16) -> Self {
        self.effect = Effect::Status(status);
        self
    }

    /// Adds a header `Retry-After`: seconds or an HTTP date, or nonsense if that is the test.
    pub fn retry_after(mut self, value: impl Into<String>) -> Self {
        self.retry_after = Some(value.into());
        self
    }

    /// Answers so much later, in real time whatever the emulator's clock is.
    pub fn latency(mut self, latency: Duration) -> Self {
        self.latency = latency;
        self
    }

    /// Resets the connection instead of answering.
    pub fn reset(mut self) -> Self {
        self.effect = Effect::Reset;
        self
    }

    /// Closes the connection in the middle of the answer's body.
    pub fn truncate(mut self) -> Self {
        self.effect = Effect::Truncate;
        self
    }

    /// Answers with half of the JSON as if it were all.
    pub fn malformed(mut self) -> Self {
        self.effect = Effect::Malformed;
        self
    }

    /// Carries the request out all the same: only its answer is lost.
    pub fn after_execution(mut self) -> Self {
        self.after_execution = true;
        self
    }

    /// The operation it is about.
    pub(crate) fn operation(&self) -> Option<&str> {
        self.operation.as_deref()
    }

    fn applies_to(&self, operation: Option<&str>) -> bool {
        self.operation.is_none() || self.operation.as_deref() == operation
    }

    /// Whether it strikes a request that it is about, and one time less from now on.
    fn triggers(&mut self, rng: &Ids) -> bool {
        if self.times == Some(0) {
            return false;
        }
        if self.skip > 0 {
            self.skip -= 1;
            return false;
        }
        if self.probability < 1.0 && rng.fraction() >= self.probability {
            return false;
        }
        self.times = self.times.map(|times| times - 1);
        true
    }
}

/// The faults of one emulator.
#[derive(Debug)]
pub(crate) struct Faults {
    list: Mutex<(Vec<Fault>, Ids)>,
}

impl Faults {
    /// No faults yet, and dice for those to come.
    pub(crate) fn new(rng: Ids) -> Self {
        Self {
            list: Mutex::new((Vec::new(), rng)),
        }
    }

    pub(crate) fn add(&self, fault: Fault) {
        lock(&self.list).0.push(fault);
    }

    pub(crate) fn clear(&self) {
        lock(&self.list).0.clear();
    }

    /// What strikes a request: the first fault, in the order in which they were added.
    pub(crate) fn inject(&self, operation: Option<&str>) -> Option<InjectedFault> {
        let mut list = lock(&self.list);
        let (faults, rng) = &mut *list;
        let mut matching = faults
            .iter_mut()
            .filter(|fault| fault.applies_to(operation));
        let fault = matching.find_map(|fault| fault.triggers(rng).then_some(fault))?;
        Some(InjectedFault {
            latency: fault.latency,
            after_execution: fault.after_execution,
            retry_after: fault.retry_after.clone(),
            effect: fault.effect,
        })
    }
}

/// A fault that cannot be: its operation is unknown, or a value is out of range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultError(pub(crate) String);

impl FaultError {
    /// Refuses what would never strike, or could not be sent.
    pub(crate) fn check(fault: &Fault, is_known: impl Fn(&str) -> bool) -> Result<(), Self> {
        let problem = if let Some(operation) = fault.operation().filter(|id| !is_known(id)) {
            format!("there is no operation `{operation}`")
        } else if !(0.0..=1.0).contains(&fault.probability) {
            format!("a probability of {} is not from 0 to 1", fault.probability)
        } else if matches!(fault.effect, Effect::Status(status) if !(200..=599).contains(&status)) {
            "a status is from 200 to 599".to_owned()
        } else if fault
            .retry_after
            .as_deref()
            .is_some_and(is_invalid_header_value)
        {
            "the value of `Retry-After` cannot be sent in a header".to_owned()
        } else {
            return Ok(());
        };
        Err(Self(problem))
    }
}

fn is_invalid_header_value(value: &str) -> bool {
    hyper::header::HeaderValue::from_str(value).is_err()
}

impl fmt::Display for FaultError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the fault cannot be: {}", self.0)
    }
}

impl std::error::Error for FaultError {}

#[cfg(test)]
mod tests {
    use super::{Fault, Faults};
    use crate::ids::Ids;

    fn pattern(faults: &Faults, operation: &str, requests: usize) -> String {
        let mark = |_| match faults.inject(Some(operation)) {
            Some(_) => 'x',
            None => '.',
        };
        (0..requests).map(mark).collect()
    }

    #[test]
    fn times_and_skip_limit_a_fault() {
        let faults = Faults::new(Ids::new(1));
        faults.add(Fault::on("a").skip(1).times(2).status(500));
        assert_eq!(pattern(&faults, "b", 3), "...");
        assert_eq!(pattern(&faults, "a", 5), ".xx..");
        faults.add(Fault::on_any_request().times(1).reset());
        assert_eq!(pattern(&faults, "b", 2), "x.");
        faults.add(Fault::on_any_request());
        faults.clear();
        assert_eq!(pattern(&faults, "a", 2), "..");
    }

    #[test]
    fn probability_is_deterministic_for_a_seed() {
        let run = |seed| {
            let faults = Faults::new(Ids::new(seed));
            faults.add(Fault::on("a").probability(0.5).status(503));
            pattern(&faults, "a", 40)
        };
        assert_eq!(run(5), run(5));
        assert_ne!(run(5), run(6));
        assert!(run(5).contains('x') && run(5).contains('.'));
    }
}
