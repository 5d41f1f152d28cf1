//! A request that was routed, authenticated and checked: what a handler works on.

use chrono::{DateTime, SecondsFormat, Utc};
use portkey_admin_codegen::ledger::Paging;
use serde_json::{Map, Value};

use crate::reply::{Refusal, Reply};
use crate::state::State;

/// The function that answers one operation.
pub(crate) type Handler = fn(&mut State, &Call) -> crate::reply::Answer;

/// Operation ids and the functions that answer them.
pub(crate) type Handlers = &'static [(&'static str, Handler)];

/// Who is asking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Caller {
    /// A key of the organisation: sees every workspace.
    Organisation,
    /// A key of one workspace, by the workspace's UUID.
    Workspace(String),
}

impl Caller {
    /// Whether things of this workspace are visible.
    pub(crate) fn sees(&self, workspace_id: &str) -> bool {
        match self {
            Self::Organisation => true,
            Self::Workspace(own) => own == workspace_id,
        }
    }
}

/// One request, ready to be answered.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) caller: Caller,
    pub(crate) paging: Option<Paging>,
    /// The values of the path's parameters, in order.
    pub(crate) path: Vec<String>,
    /// The query, coerced to the declared types.
    pub(crate) query: Map<String, Value>,
    /// The body; null where there was none.
    pub(crate) body: Value,
    pub(crate) now: DateTime<Utc>,
    /// `http://127.0.0.1:PORT`, for links in answers.
    pub(crate) origin: String,
}

impl Call {
    /// The path parameter at this position.
    pub(crate) fn id(&self, position: usize) -> &str {
        self.path.get(position).map_or("", String::as_str)
    }

    /// A text of the query.
    pub(crate) fn query_text(&self, name: &str) -> Option<&str> {
        self.query.get(name).and_then(Value::as_str)
    }

    /// Whether a query filter lets `value` through.
    pub(crate) fn admits(&self, name: &str, value: &str) -> bool {
        self.query_text(name).is_none_or(|wanted| wanted == value)
    }

    /// A member of the body that is there, `null` included.
    pub(crate) fn given(&self, name: &str) -> Option<&Value> {
        self.body.get(name)
    }

    /// A member of the body; null where it is not there.
    pub(crate) fn value(&self, name: &str) -> Value {
        self.body.get(name).cloned().unwrap_or(Value::Null)
    }

    /// A text of the body.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.body.get(name).and_then(Value::as_str)
    }

    /// A text of the body that the service insists on.
    pub(crate) fn required(&self, name: &str) -> Result<&str, Refusal> {
        self.text(name)
            .filter(|text| !text.is_empty())
            .ok_or_else(|| Refusal::invalid_field(name, "is required"))
    }

    /// The list, cut to the page that was asked for.
    pub(crate) fn page(&self, items: Vec<Value>) -> Reply {
        crate::reply::page(self.paging.as_ref(), &self.query, items)
    }

    /// The time of the request as the service writes it.
    pub(crate) fn timestamp(&self) -> String {
        timestamp(self.now)
    }
}

/// RFC 3339 with milliseconds and `Z`.
pub(crate) fn timestamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}
