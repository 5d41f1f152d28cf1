//! Identifiers and secrets from a seeded generator; the same seed gives the same ids.
//!
//! Written by hand, since the generators of `uuid` take no seed; it formats the ids.

use std::cell::RefCell;

use fastrand::Rng;
use serde::{Deserialize, Serialize};
use uuid::Builder;

/// The id generator of one request or one seed.
///
/// It serialises as its seed, so that replaying a recorded request generates the same ids.
#[derive(Debug, Serialize, Deserialize)]
#[serde(from = "u64", into = "u64")]
pub(crate) struct Ids {
    seed: u64,
    rng: RefCell<Rng>,
}

impl Clone for Ids {
    /// Creates a generator that starts again from the seed.
    fn clone(&self) -> Self {
        Self::new(self.seed)
    }
}

impl From<u64> for Ids {
    fn from(seed: u64) -> Self {
        Self::new(seed)
    }
}

impl From<Ids> for u64 {
    fn from(ids: Ids) -> Self {
        ids.seed
    }
}

impl Ids {
    /// Creates a generator with this seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            seed,
            rng: RefCell::new(Rng::with_seed(seed)),
        }
    }

    /// Draws the seed of another generator.
    pub(crate) fn next_seed(&self) -> u64 {
        self.rng.borrow_mut().u64(..)
    }

    /// Draws a number from 0 (inclusive) to 1 (exclusive).
    pub(crate) fn fraction(&self) -> f64 {
        self.rng.borrow_mut().f64()
    }

    /// Returns a new UUID.
    pub(crate) fn uuid(&self) -> String {
        let bytes = self.rng.borrow_mut().u128(..).to_be_bytes();
        Builder::from_random_bytes(bytes).into_uuid().to_string()
    }

    /// Returns a new slug: a prefix, the start of the name unless it is empty, and six random
    /// characters.
    pub(crate) fn slug(&self, prefix: &str, name: &str) -> String {
        let word: String = name.chars().map(slug_char).take(20).collect();
        let random = format!("{:06x}", self.rng.borrow_mut().u32(..0x0100_0000));
        match word.trim_matches('-') {
            "" => format!("{prefix}-{random}"),
            word => format!("{prefix}-{word}-{random}"),
        }
    }

    /// Returns a secret that is recognisable as the emulator's: `emulator-KIND-…`.
    pub(crate) fn secret(&self, kind: &str) -> String {
        format!("emulator-{kind}-{}", self.uuid())
    }
}

fn slug_char(c: char) -> char {
    if c.is_ascii_alphanumeric() {
        c.to_ascii_lowercase()
    } else {
        '-'
    }
}

#[cfg(test)]
mod tests {
    use super::Ids;

    #[test]
    fn ids_are_deterministic_for_a_seed() {
        let (one, two, other) = (Ids::new(7), Ids::new(7), Ids::new(8));
        let draw = |ids: &Ids| {
            (
                ids.uuid(),
                ids.slug("pc", "My Config!"),
                ids.secret("org-key"),
            )
        };
        let first = draw(&one);
        assert_eq!(first, draw(&two));
        assert_ne!(first, draw(&other));
        assert_ne!(first, draw(&one));
        assert!(first.1.starts_with("pc-my-config-"), "{}", first.1);
        assert_eq!(first, draw(&one.clone()));
    }
}
