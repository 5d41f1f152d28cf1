//! The generated half: types, builders, operations, and the methods of the client.
//!
//! Written by `build.rs` from `openapi/` and `overrides/`; nothing here is edited by hand.

#![allow(
    clippy::all,
    clippy::pedantic,
    clippy::expect_used,
    clippy::unwrap_used,
    unused_imports,
    reason = "generated code"
)]
#![deny(clippy::incompatible_msrv)]
// The words for the Admin API are in `overrides/docs.overlay.yaml`; the OpenAI-compatible plane has none.
#![cfg_attr(feature = "gateway", allow(missing_docs))]

include!(concat!(env!("OUT_DIR"), "/areas.rs"));

#[cfg(test)]
mod test_tables {
    include!(concat!(env!("OUT_DIR"), "/tests.rs"));
}
