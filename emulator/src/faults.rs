//! Fault injection.
//!
//! Written by hand: proxies and failpoint crates know connections and lines of code, where a fault here
//! applies to an operation of the manifest, before or after its execution.

use std::fmt;
use std::sync::Mutex;
use std::time::Duration;

use crate::ids::Ids;
use crate::sync::lock;

/// A fault to inject, for [`Emulator::add_fault`](crate::Emulator::add_fault).
///
/// It applies to every request of its operation, unless it is limited by [`times`](Self::times),
/// [`skip`](Self::skip) or [`probability`](Self::probability). With [`status`](Self::status) or
/// [`reset`](Self::reset) the request is not executed, unless
/// [`after_execution`](Self::after_execution) is set. With the other effects it is executed.
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

/// The effect on the response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Only latency.
    None,
    Status(u16),
    Reset,
    Truncate,
    Malformed,
}

/// A fault as applied to one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InjectedFault {
    pub(crate) latency: Duration,
    pub(crate) after_execution: bool,
    pub(crate) retry_after: Option<String>,
    pub(crate) effect: Effect,
}

impl Fault {
    /// Creates a fault for one operation, by its id in the manifest.
    pub fn on(operation: impl Into<String>) -> Self {
        Self {
            operation: Some(operation.into()),
            ..Self::on_any_request()
        }
    }

    /// Creates a fault for all requests, including requests to unknown paths.
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

    /// Limits the fault to this number of requests.
    pub fn times(mut self, times: u64) -> Self {
        self.times = Some(times);
        self
    }

    /// Skips this number of requests first.
    pub fn skip(mut self, requests: u64) -> Self {
        self.skip = requests;
        self
    }

    /// Sets the probability of the fault, 0 to 1. It is reproducible with the emulator's random
    /// seed.
    pub fn probability(mut self, probability: f64) -> Self {
        self.probability = probability;
        self
    }

    /// Responds with this status, in the error envelope of the control plane or the gateway. In the
    /// control plane, the error has the code of its status: 402 is `AB09`, 429 is `AB06`.
    pub fn status(mut self, status: u16) -> Self {
        self.effect = Effect::Status(status);
        self
    }

    /// Adds a `Retry-After` header: seconds, an HTTP date, or an invalid value.
    pub fn retry_after(mut self, value: impl Into<String>) -> Self {
        self.retry_after = Some(value.into());
        self
    }

    /// Delays the request, in real time rather than by the emulator's clock.
    pub fn latency(mut self, latency: Duration) -> Self {
        self.latency = latency;
        self
    }

    /// Resets the connection instead of responding.
    pub fn reset(mut self) -> Self {
        self.effect = Effect::Reset;
        self
    }

    /// Closes the connection in the middle of the response body.
    pub fn truncate(mut self) -> Self {
        self.effect = Effect::Truncate;
        self
    }

    /// Sends only the first half of the body, as a complete response.
    pub fn malformed(mut self) -> Self {
        self.effect = Effect::Malformed;
        self
    }

    /// Executes the request before the fault takes effect; only its response is lost.
    pub fn after_execution(mut self) -> Self {
        self.after_execution = true;
        self
    }

    /// Returns the operation id.
    pub(crate) fn operation(&self) -> Option<&str> {
        self.operation.as_deref()
    }

    fn applies_to(&self, operation: Option<&str>) -> bool {
        self.operation.is_none() || self.operation.as_deref() == operation
    }

    /// Decides whether the fault takes effect for a request, and updates its counters.
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
    /// Creates an empty list; `rng` decides probabilities.
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

    /// Returns the fault for a request: the first that takes effect, in the order of addition.
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

/// The error for a fault with an unknown operation or a value that is out of range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultError(pub(crate) String);

impl FaultError {
    /// Validates a fault.
    pub(crate) fn check(fault: &Fault, is_known: impl Fn(&str) -> bool) -> Result<(), Self> {
        let message = if let Some(operation) = fault.operation().filter(|id| !is_known(id)) {
            format!("unknown operation `{operation}`")
        } else if !(0.0..=1.0).contains(&fault.probability) {
            format!(
                "expected a probability from 0 to 1, found {}",
                fault.probability
            )
        } else if let Effect::Status(status) = fault.effect
            && !(200..=599).contains(&status)
        {
            format!("expected a status from 200 to 599, found {status}")
        } else if fault
            .retry_after
            .as_deref()
            .is_some_and(is_invalid_header_value)
        {
            "the value of `Retry-After` is not a valid header value".to_owned()
        } else {
            return Ok(());
        };
        Err(Self(message))
    }
}

fn is_invalid_header_value(value: &str) -> bool {
    hyper::header::HeaderValue::from_str(value).is_err()
}

impl fmt::Display for FaultError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invalid fault: {}", self.0)
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
