//! The generated types, builders, operations and methods of the client.
//!
//! `build.rs` generates them from `openapi/` and `overrides/`.

#![allow(
    clippy::all,
    clippy::pedantic,
    clippy::expect_used,
    clippy::unwrap_used,
    unused_imports,
    reason = "generated code"
)]
#![deny(clippy::incompatible_msrv)]

include!(concat!(env!("OUT_DIR"), "/areas.rs"));

#[cfg(test)]
mod test_tables {
    include!(concat!(env!("OUT_DIR"), "/tests.rs"));
}
