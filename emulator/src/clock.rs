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
pub(crate) struct AdjustableClock {
    clock: Clock,
    offset: Mutex<TimeDelta>,
}

impl AdjustableClock {
    pub(crate) fn new(clock: Clock) -> Self {
        Self {
            clock,
            offset: Mutex::new(TimeDelta::zero()),
        }
    }

    /// This moment.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        let start = match self.clock {
            Clock::System => Utc::now(),
            Clock::Fixed(at) => at,
        };
        start.checked_add_signed(self.offset()).unwrap_or(start)
    }

    /// How far the clock was put forward.
    pub(crate) fn offset(&self) -> TimeDelta {
        *self.offset.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts the clock to so far ahead of where it started.
    pub(crate) fn set_offset(&self, offset: TimeDelta) {
        *self.offset.lock().unwrap_or_else(PoisonError::into_inner) = offset;
    }

    /// Puts the clock forward; beyond the calendar it stays where it is.
    pub(crate) fn advance(&self, by: Duration) {
        let mut offset = self.offset.lock().unwrap_or_else(PoisonError::into_inner);
        if let Ok(by) = TimeDelta::from_std(by) {
            *offset = offset.checked_add(&by).unwrap_or(*offset);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::{AdjustableClock, Clock};

    #[test]
    fn a_fixed_clock_moves_only_when_advanced() {
        let clock = AdjustableClock::new(Clock::fixed(SystemTime::UNIX_EPOCH));
        let start = clock.now();
        assert_eq!(clock.now(), start);
        clock.advance(Duration::from_millis(1500));
        assert_eq!((clock.now() - start).num_milliseconds(), 1500);
        clock.advance(Duration::MAX);
        assert_eq!((clock.now() - start).num_milliseconds(), 1500);
    }
}
