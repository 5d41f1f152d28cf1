//! The emulator as a client sees it: over HTTP, one file for each resource.

#![allow(clippy::unwrap_used)]

mod analytics;
mod api_keys;
mod basics;
mod configs;
mod document;
mod prompts;
mod shelves;
mod support;
mod users;
mod workspaces;
