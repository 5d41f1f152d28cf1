//! The content of binary responses, either stored or generated while it is sent.
//!
//! Written by hand: contents of any size are generated from a seed at any offset.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use sha2::{Digest, Sha256};

/// The block size for reading, hashing and sending.
pub(crate) const BLOCK_SIZE: usize = 64 * 1024;

/// The maximum total content that one emulator stores.
const MAX_STORED_CONTENT: usize = 64 * 1024 * 1024;

/// The content of a binary response, for [`Script::content`](crate::Script::content).
///
/// Synthetic content of any size takes no memory: its bytes are generated from a seed while they
/// are sent, and a test can generate the same bytes.
///
/// ```
/// use portkey_admin_emulator::Content;
///
/// let large = Content::synthetic(1 << 30, 7);
/// assert_eq!(large.size(), 1 << 30);
/// assert_eq!(large.read(100, 8), large.read(96, 12)[4..]);
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Content(Kind);

#[derive(Clone, PartialEq, Eq)]
enum Kind {
    Stored(Arc<StoredBytes>),
    Synthetic { size: u64, seed: u64 },
}

struct StoredBytes {
    bytes: Vec<u8>,
    /// The part of the quota that the bytes use, if they are counted.
    reservation: OnceLock<QuotaReservation>,
}

impl PartialEq for StoredBytes {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for StoredBytes {}

impl Content {
    /// Creates content with these bytes.
    pub fn bytes(bytes: impl Into<Vec<u8>>) -> Self {
        Self(Kind::Stored(Arc::new(StoredBytes {
            bytes: bytes.into(),
            reservation: OnceLock::new(),
        })))
    }

    /// Creates content of `size` pseudorandom bytes that depend only on `seed`.
    pub fn synthetic(size: u64, seed: u64) -> Self {
        Self(Kind::Synthetic { size, seed })
    }

    /// Creates content whose bytes are counted by a reservation.
    pub(crate) fn reserved(bytes: Vec<u8>, reservation: QuotaReservation) -> Self {
        Self(Kind::Stored(Arc::new(StoredBytes {
            bytes,
            reservation: reservation.into(),
        })))
    }

    /// Counts stored content that is not counted yet; it may exceed the quota.
    pub(crate) fn count_in(&self, quota: &ContentQuota) {
        if let Kind::Stored(stored) = &self.0 {
            let count = || quota.reserve_at_most(stored.bytes.len());
            stored.reservation.get_or_init(count);
        }
    }

    /// Returns the size in bytes.
    pub fn size(&self) -> u64 {
        match &self.0 {
            Kind::Stored(stored) => stored.bytes.len() as u64,
            Kind::Synthetic { size, .. } => *size,
        }
    }

    /// Returns at most `length` bytes from `start`; fewer if the content ends before.
    pub fn read(&self, start: u64, length: usize) -> Vec<u8> {
        let rest = self.size().saturating_sub(start);
        let length = usize::try_from(rest).map_or(length, |rest| rest.min(length));
        match &self.0 {
            Kind::Stored(stored) => {
                let start = usize::try_from(start).unwrap_or(usize::MAX);
                let bytes = stored.bytes.iter().skip(start).take(length);
                bytes.copied().collect()
            }
            Kind::Synthetic { seed, .. } => generate(*seed, start, length),
        }
    }

    /// Computes the SHA-256 of the content, in hexadecimal digits.
    pub fn sha256(&self) -> String {
        let mut digest = Checksum::default();
        let mut at = 0;
        while at < self.size() {
            let block = self.read(at, BLOCK_SIZE);
            at += block.len() as u64;
            digest.update(&block);
        }
        digest.finish()
    }

    /// Returns the bytes of stored content; `None` if it is synthetic.
    pub(crate) fn as_bytes(&self) -> Option<&[u8]> {
        match &self.0 {
            Kind::Stored(stored) => Some(&stored.bytes),
            Kind::Synthetic { .. } => None,
        }
    }
}

/// Shows the size only, since content may be confidential.
impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Content")
            .field("size", &self.size())
            .finish_non_exhaustive()
    }
}

/// Generates bytes in words of eight; each word depends only on its position, so that reads can
/// start anywhere.
fn generate(seed: u64, start: u64, length: usize) -> Vec<u8> {
    let skip = usize::try_from(start % 8).unwrap_or(0);
    let mut bytes = Vec::with_capacity(length + 16);
    let mut number = start / 8;
    while bytes.len() < skip + length {
        bytes.extend_from_slice(&split_mix64(seed, number).to_le_bytes());
        number = number.wrapping_add(1);
    }
    bytes.drain(..skip);
    bytes.truncate(length);
    bytes
}

/// Returns the output of SplitMix64 at one position.
fn split_mix64(seed: u64, number: u64) -> u64 {
    let step = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut z = seed.wrapping_add(step);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// An incremental SHA-256.
#[derive(Default)]
pub(crate) struct Checksum(Sha256);

impl Checksum {
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Returns the digest in hexadecimal digits.
    pub(crate) fn finish(self) -> String {
        let digest = self.0.finalize();
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Derives a seed from a string.
pub(crate) fn seed_from_str(string: &str) -> u64 {
    let digest = Sha256::digest(string.as_bytes());
    digest
        .iter()
        .take(8)
        .fold(0, |seed, byte| seed << 8 | u64::from(*byte))
}

/// The remaining storage for content, shared by all content of one emulator.
#[derive(Debug, Clone)]
pub(crate) struct ContentQuota(Arc<AtomicUsize>);

impl Default for ContentQuota {
    fn default() -> Self {
        Self(Arc::new(AtomicUsize::new(MAX_STORED_CONTENT)))
    }
}

impl ContentQuota {
    /// Creates an empty reservation.
    pub(crate) fn reserve(&self) -> QuotaReservation {
        QuotaReservation {
            quota: self.clone(),
            size: 0,
        }
    }

    /// Reserves `size` bytes, or all that are left if these are fewer.
    fn reserve_at_most(&self, size: usize) -> QuotaReservation {
        let take = |free: usize| Some(free.saturating_sub(size));
        let before = self
            .0
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, take);
        let free = before.unwrap_or_else(|free| free);
        QuotaReservation {
            quota: self.clone(),
            size: free.min(size),
        }
    }
}

/// Reserved storage, which is released on drop.
#[derive(Debug)]
pub(crate) struct QuotaReservation {
    quota: ContentQuota,
    size: usize,
}

impl QuotaReservation {
    /// Reserves `by` more bytes; returns whether the quota allows it.
    pub(crate) fn try_grow(&mut self, by: usize) -> bool {
        let take = |free: usize| free.checked_sub(by);
        let quota = &self.quota.0;
        let taken = quota.fetch_update(Ordering::AcqRel, Ordering::Acquire, take);
        if taken.is_ok() {
            self.size += by;
        }
        taken.is_ok()
    }
}

impl Drop for QuotaReservation {
    fn drop(&mut self) {
        self.quota.0.fetch_add(self.size, Ordering::AcqRel);
    }
}

/// Serialises optional stored content as a string in Base64. Synthetic content, which only scripts
/// have, is never part of the state.
pub(crate) mod as_base64 {
    use base64::Engine;
    use base64::prelude::BASE64_STANDARD;
    use serde::de::{Deserialize, Deserializer, Error};
    use serde::ser::{Serialize, Serializer};

    use super::Content;

    pub(crate) fn serialize<S: Serializer>(
        content: &Option<Content>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let bytes = content.as_ref().and_then(Content::as_bytes);
        bytes
            .map(|bytes| BASE64_STANDARD.encode(bytes))
            .serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Content>, D::Error> {
        let string = Option::<String>::deserialize(deserializer)?;
        let bytes = string.map(|string| BASE64_STANDARD.decode(string));
        let bytes = bytes.transpose().map_err(D::Error::custom)?;
        Ok(bytes.map(Content::bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::{Content, ContentQuota, MAX_STORED_CONTENT};

    #[test]
    fn synthetic_bytes_do_not_depend_on_the_read_offset() {
        let content = Content::synthetic(1000, 5);
        let whole = content.read(0, 5000);
        assert_eq!(whole.len(), 1000);
        for start in [0, 1, 7, 8, 9, 500, 999, 1000, 2000] {
            let from = usize::try_from(start).unwrap().min(1000);
            let to = (from + 13).min(1000);
            assert_eq!(content.read(start, 13), whole[from..to]);
        }
        assert_ne!(content.read(0, 8), Content::synthetic(1000, 6).read(0, 8));
        assert_eq!(content.sha256(), Content::bytes(whole).sha256());
    }

    #[test]
    fn a_dropped_reservation_frees_its_quota() {
        let quota = ContentQuota::default();
        let mut one = quota.reserve();
        assert!(one.try_grow(MAX_STORED_CONTENT));
        let mut two = quota.reserve();
        assert!(!two.try_grow(1));
        drop(one);
        assert!(two.try_grow(1));
    }

    #[test]
    fn content_is_counted_once_even_beyond_the_quota() {
        let quota = ContentQuota::default();
        let (small, large) = (
            Content::bytes([1]),
            Content::bytes(vec![0; MAX_STORED_CONTENT]),
        );
        for content in [&small, &small.clone(), &large] {
            content.count_in(&quota);
        }
        assert!(!quota.reserve().try_grow(1));
        drop(large);
        assert!(!quota.reserve().try_grow(MAX_STORED_CONTENT));
        assert!(quota.reserve().try_grow(MAX_STORED_CONTENT - 1));
        drop(small);
        assert!(quota.reserve().try_grow(MAX_STORED_CONTENT));
    }
}
