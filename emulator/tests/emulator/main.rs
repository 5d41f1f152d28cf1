//! The emulator as a client sees it: over HTTP, one file for each resource.

#![allow(clippy::unwrap_used)]

mod access;
mod analytics;
mod api_keys;
mod audit_logs;
mod basics;
mod building;
mod configs;
mod deployments;
mod document;
mod faults;
mod feedback;
mod guardrails;
mod hostile;
mod integrations;
mod log_exports;
mod logs;
mod mcp;
mod pages;
mod partials;
mod policies;
mod program;
mod prompts;
mod providers;
mod quirks;
mod realtime;
mod scim;
mod secret_references;
mod shelves;
mod streams;
mod support;
mod uploads;
mod users;
mod workspaces;
