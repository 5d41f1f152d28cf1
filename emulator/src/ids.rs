//! Identifiers and secrets, drawn from a seeded generator: the same seed, the same ids.

use std::cell::RefCell;

use fastrand::Rng;
use serde::{Deserialize, Serialize};
use uuid::Builder;

/// What one request, or one seeding, draws its identifiers from.
///
/// It serialises as its seed, so that a recorded request that is handled again makes the same ids.
#[derive(Debug, Serialize, Deserialize)]
#[serde(from = "u64", into = "u64")]
pub(crate) struct Ids {
    seed: u64,
    rng: RefCell<Rng>,
}

impl Clone for Ids {
    /// A clone starts anew from the seed.
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
    /// A generator that starts at `seed`.
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            seed,
            rng: RefCell::new(Rng::with_seed(seed)),
        }
    }

    /// The seed of another generator.
    pub(crate) fn next_seed(&self) -> u64 {
        self.rng.borrow_mut().u64(..)
    }

    /// A number from 0 to just below 1.
    pub(crate) fn fraction(&self) -> f64 {
        self.rng.borrow_mut().f64()
    }

    /// A new UUID.
    pub(crate) fn uuid(&self) -> String {
        let bytes = self.rng.borrow_mut().u128(..).to_be_bytes();
        Builder::from_random_bytes(bytes).into_uuid().to_string()
    }

    /// A new slug: a prefix, the start of a name where there is one, six random characters.
    pub(crate) fn slug(&self, prefix: &str, name: &str) -> String {
        let word: String = name.chars().map(slug_char).take(20).collect();
        let random = format!("{:06x}", self.rng.borrow_mut().u32(..0x0100_0000));
        match word.trim_matches('-') {
            "" => format!("{prefix}-{random}"),
            word => format!("{prefix}-{word}-{random}"),
        }
    }

    /// A secret that nobody can mistake for a real one: `emulator-KIND-…`.
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
