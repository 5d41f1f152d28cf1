//! The emulator's clock.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

/// The time source of an emulator.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Clock {
    /// The system clock, plus the offset set by [`Emulator::advance`](crate::Emulator::advance).
    #[default]
    System,
    /// This time, until [`Emulator::advance`](crate::Emulator::advance) changes it.
    Fixed(DateTime<Utc>),
}

impl Clock {
    /// Creates a stopped clock from a `chrono::DateTime<Utc>` or a `SystemTime`.
    pub fn fixed(at: impl Into<DateTime<Utc>>) -> Self {
        Self::Fixed(at.into())
    }
}

/// A clock that can be advanced.
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

    /// Returns the current time.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        let start = match self.clock {
            Clock::System => Utc::now(),
            Clock::Fixed(at) => at,
        };
        start.checked_add_signed(self.offset()).unwrap_or(start)
    }

    /// Returns how far the clock was advanced.
    pub(crate) fn offset(&self) -> TimeDelta {
        *self.offset.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets the offset from the underlying clock.
    pub(crate) fn set_offset(&self, offset: TimeDelta) {
        *self.offset.lock().unwrap_or_else(PoisonError::into_inner) = offset;
    }

    /// Advances the clock; an offset that overflows is ignored.
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
