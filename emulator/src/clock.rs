//! The time as the emulator sees it.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

/// Where an emulator takes the time from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Clock {
    /// The machine's clock; [`Emulator::advance`](crate::Emulator::advance) puts it forward.
    #[default]
    System,
    /// This moment, until [`Emulator::advance`](crate::Emulator::advance) moves on.
    Fixed(DateTime<Utc>),
}

impl Clock {
    /// A clock that stands still: takes a `chrono::DateTime<Utc>` or a `SystemTime`.
    pub fn fixed(at: impl Into<DateTime<Utc>>) -> Self {
        Self::Fixed(at.into())
    }
}

/// A clock that can be put forward.
#[derive(Debug)]
pub(crate) struct Time {
    clock: Clock,
    ahead: Mutex<TimeDelta>,
}

impl Time {
    pub(crate) fn new(clock: Clock) -> Self {
        Self {
            clock,
            ahead: Mutex::new(TimeDelta::zero()),
        }
    }

    /// This moment.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        let start = match self.clock {
            Clock::System => Utc::now(),
            Clock::Fixed(at) => at,
        };
        start.checked_add_signed(self.ahead()).unwrap_or(start)
    }

    /// How far the clock was put forward.
    pub(crate) fn ahead(&self) -> TimeDelta {
        *self.ahead.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts the clock to so far ahead of where it started.
    pub(crate) fn set_ahead(&self, ahead: TimeDelta) {
        *self.ahead.lock().unwrap_or_else(PoisonError::into_inner) = ahead;
    }

    /// Puts the clock forward; beyond the calendar it stays where it is.
    pub(crate) fn advance(&self, by: Duration) {
        let mut ahead = self.ahead.lock().unwrap_or_else(PoisonError::into_inner);
        if let Ok(by) = TimeDelta::from_std(by) {
            *ahead = ahead.checked_add(&by).unwrap_or(*ahead);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::{Clock, Time};

    #[test]
    fn a_fixed_clock_moves_only_when_told() {
        let time = Time::new(Clock::fixed(SystemTime::UNIX_EPOCH));
        let start = time.now();
        assert_eq!(time.now(), start);
        time.advance(Duration::from_millis(1500));
        assert_eq!((time.now() - start).num_milliseconds(), 1500);
        time.advance(Duration::MAX);
        assert_eq!((time.now() - start).num_milliseconds(), 1500);
    }
}
