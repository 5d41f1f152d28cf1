//! The request bodies of the control interface.

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use crate::faults::Fault;
use crate::http::content::Content;
use crate::http::delivery::LineEnding;
use crate::scripts::Script;

/// How far to advance the clock.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AdvanceBody {
    pub(super) milliseconds: u64,
}

/// A [`Fault`].
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FaultBody {
    operation: Option<String>,
    skip: Option<u64>,
    times: Option<u64>,
    probability: Option<f64>,
    latency_ms: Option<u64>,
    status: Option<u16>,
    effect: Option<FaultEffect>,
    retry_after: Option<String>,
    #[serde(default)]
    after_execution: bool,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum FaultEffect {
    Reset,
    Truncate,
    Malformed,
}

impl FaultBody {
    pub(super) fn into_fault(self) -> Result<Fault, &'static str> {
        let mut fault = match self.operation {
            Some(operation) => Fault::on(operation),
            None => Fault::on_any_request(),
        };
        fault = match (self.status, self.effect) {
            (Some(_), Some(_)) => return Err("expected `status` or `effect`, found both"),
            (Some(status), None) => fault.status(status),
            (None, Some(FaultEffect::Reset)) => fault.reset(),
            (None, Some(FaultEffect::Truncate)) => fault.truncate(),
            (None, Some(FaultEffect::Malformed)) => fault.malformed(),
            (None, None) => fault,
        };
        if let Some(skip) = self.skip {
            fault = fault.skip(skip);
        }
        if let Some(times) = self.times {
            fault = fault.times(times);
        }
        if let Some(probability) = self.probability {
            fault = fault.probability(probability);
        }
        if let Some(latency) = self.latency_ms {
            fault = fault.latency(Duration::from_millis(latency));
        }
        if let Some(value) = self.retry_after {
            fault = fault.retry_after(value);
        }
        if self.after_execution {
            fault = fault.after_execution();
        }
        Ok(fault)
    }
}

/// A [`Script`].
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ScriptBody {
    operation: String,
    times: Option<u64>,
    text: Option<String>,
    #[serde(default)]
    tool_calls: Vec<ToolCallBody>,
    #[serde(default)]
    events: Vec<EventBody>,
    content: Option<ContentBody>,
    pace_ms: Option<u64>,
    chunk_size: Option<usize>,
    line_ending: Option<LineEndingBody>,
    comment: Option<String>,
    keep_alive_ms: Option<u64>,
    stop: Option<StopBody>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ToolCallBody {
    name: String,
    #[serde(default)]
    arguments: Value,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct EventBody {
    name: Option<String>,
    data: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum ContentBody {
    Text(String),
    Synthetic { size: u64, seed: u64 },
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum LineEndingBody {
    Lf,
    CrLf,
    Cr,
}

/// How a response stops, and after how many chunks.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct StopBody {
    how: StopKind,
    after: u64,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StopKind {
    End,
    Close,
    Truncate,
    Reset,
    Stall,
}

impl ScriptBody {
    pub(super) fn into_script(self) -> Result<Script, &'static str> {
        if self.text.is_some() && !self.tool_calls.is_empty() {
            return Err("expected `text` or `tool_calls`, found both");
        }
        let mut script = Script::on(self.operation);
        if let Some(times) = self.times {
            script = script.times(times);
        }
        if let Some(text) = self.text {
            script = script.text(text);
        }
        for call in self.tool_calls {
            script = script.tool_call(call.name, call.arguments);
        }
        for event in self.events {
            script = match event.name {
                Some(name) => script.named_event(name, event.data),
                None => script.event(event.data),
            };
        }
        match self.content {
            Some(ContentBody::Text(text)) => script = script.content(Content::bytes(text)),
            Some(ContentBody::Synthetic { size, seed }) => {
                script = script.content(Content::synthetic(size, seed));
            }
            None => {}
        }
        if let Some(pace) = self.pace_ms {
            script = script.pace(Duration::from_millis(pace));
        }
        if let Some(bytes) = self.chunk_size {
            script = script.chunk_size(bytes);
        }
        if let Some(line_ending) = self.line_ending {
            script = script.line_ending(match line_ending {
                LineEndingBody::Lf => LineEnding::Lf,
                LineEndingBody::CrLf => LineEnding::CrLf,
                LineEndingBody::Cr => LineEnding::Cr,
            });
        }
        if let Some(comment) = self.comment {
            script = script.comment(comment);
        }
        if let Some(interval) = self.keep_alive_ms {
            script = script.keep_alive(Duration::from_millis(interval));
        }
        let Some(StopBody { how, after }) = self.stop else {
            return Ok(script);
        };
        Ok(match how {
            StopKind::End => script.end_after(after),
            StopKind::Close => script.close_after(after),
            StopKind::Truncate => script.truncate_after(after),
            StopKind::Reset => script.reset_after(after),
            StopKind::Stall => script.stall_after(after),
        })
    }
}
