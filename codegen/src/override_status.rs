//! The status of an override when it is applied to a later revision of the OpenAPI document.

/// The status of an override.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OverrideStatus {
    /// It fits and has an effect.
    Applied,
    /// A path rule without effect: the document already satisfies it.
    Satisfied,
    /// The document now contains the correction: the override can be removed.
    Confirmed,
    /// It matches nothing.
    Stale,
    /// Upstream changed the same location to a different value.
    Conflicting,
}
