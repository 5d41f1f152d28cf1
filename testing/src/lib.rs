//! Code that the tests and benchmarks of `portkey-admin` share. It depends neither on the client nor on
//! the emulator, so that unit tests, integration tests and benchmarks can all use it.

pub mod benchmark;
pub mod canonical_json;
pub mod property;
pub mod server;
