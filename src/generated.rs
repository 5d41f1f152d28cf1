//! The generated half: types, builders, operations, and the methods of the client.
//!
//! Written by `build.rs` from `openapi/` and `overrides/`; nothing here is edited by hand.

#![allow(
    clippy::all,
    clippy::pedantic,
    clippy::expect_used,
    clippy::unwrap_used,
    missing_docs,
    unused_imports,
    reason = "generated code"
)]

include!(concat!(env!("OUT_DIR"), "/portkey.rs"));
