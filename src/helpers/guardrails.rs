//! The MCP servers that a guardrail watches, which come as a list or in an envelope.

use crate::types::{GuardrailMcpServer, GuardrailMcpServerList};

impl GuardrailMcpServerList {
    /// The servers, in whichever form they came.
    pub fn servers(&self) -> &[GuardrailMcpServer] {
        match self {
            Self::List(list) => &list.items,
            Self::Object(page) => &page.data,
        }
    }
}
