//! The MCP servers of a guardrail, which are a bare list or an object with a list.

use crate::guardrails::{GuardrailMcpServer, GuardrailMcpServerList};

impl GuardrailMcpServerList {
    /// Returns the servers, whether the service sent a bare list or an object with a list.
    pub fn servers(&self) -> &[GuardrailMcpServer] {
        match self {
            Self::List(list) => &list.items,
            Self::Object(page) => &page.data,
        }
    }
}
