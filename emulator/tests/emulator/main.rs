//! Tests of the emulator over HTTP, with one file for each resource or topic.

#![allow(clippy::unwrap_used)]

mod access;
mod analytics;
mod api_keys;
mod audit_logs;
mod basics;
mod builder;
mod collections;
mod configs;
mod deployments;
mod faults;
mod feedback;
mod guardrails;
mod integrations;
mod log_exports;
mod logs;
mod malformed_requests;
mod mcp;
mod pages;
mod partials;
mod policies;
mod program;
mod prompts;
mod providers;
mod quirks;
mod realtime;
mod response_schema;
mod restarts;
mod scim;
mod secret_references;
mod streams;
mod support;
mod uploads;
mod users;
mod workspaces;
