//! A request that was routed and authenticated: what quirks, guards and handlers work on.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, Utc};
use portkey_admin_codegen::manifest::Paging;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::gateway::form::{Form, Part};
use crate::gateway::script::ScriptedReply;
use crate::ids::Ids;
use crate::response::{ApiError, ResponseBody};
use crate::table::Paginate;

/// Who is asking.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Caller {
    /// The id of the key that was sent; empty for public operations.
    pub(crate) key_id: String,
    /// The UUID of the key's workspace; `None` for a key of the organisation.
    pub(crate) workspace_id: Option<String>,
    /// The user whose key it is; `None` for service keys.
    pub(crate) user_id: Option<String>,
    pub(crate) scopes: Scopes,
}

/// What a key may do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Scopes {
    All,
    Only(Vec<String>),
}

impl Scopes {
    /// Whether a scope is among them.
    pub(crate) fn has(&self, scope: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(scopes) => scopes.iter().any(|granted| granted == scope),
        }
    }
}

impl Caller {
    /// Nobody: public operations take no key.
    pub(crate) fn anonymous() -> Self {
        Self {
            key_id: String::new(),
            workspace_id: None,
            user_id: None,
            scopes: Scopes::Only(Vec::new()),
        }
    }

    /// The workspace of a workspace key.
    pub(crate) fn workspace(&self) -> Option<&str> {
        self.workspace_id.as_deref()
    }

    /// Whether the key is one of the organisation: it sees every workspace.
    pub(crate) fn is_organisation_key(&self) -> bool {
        self.workspace_id.is_none()
    }

    /// The kind of key, as the ledger calls it.
    pub(crate) fn kind(&self) -> &'static str {
        if self.is_organisation_key() {
            "organisation"
        } else {
            "workspace"
        }
    }

    /// Whether things of this workspace are visible.
    pub(crate) fn can_see(&self, workspace_id: &str) -> bool {
        self.workspace().is_none_or(|id| id == workspace_id)
    }
}

/// One request. It is all that a handler's effect depends on besides the state, so that a call
/// that was written down can be handled again with the same result.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Call {
    /// The operation's id in the manifest.
    pub(crate) operation: String,
    pub(crate) caller: Caller,
    /// The workspace that the request names, or else that of the key, by UUID.
    pub(crate) workspace_id: Option<String>,
    /// The values of the path's parameters, in order.
    pub(crate) path: Vec<String>,
    /// The query, coerced to the declared types.
    pub(crate) query: Map<String, Value>,
    /// The body; null where there was none.
    pub(crate) body: Value,
    /// What a form consists of; its texts are in `body`, too.
    #[serde(default)]
    pub(crate) form: Option<Form>,
    /// What a script makes the model say.
    #[serde(default)]
    pub(crate) scripted_reply: Option<ScriptedReply>,
    /// Whether a script says what a binary answer consists of.
    #[serde(skip)]
    pub(crate) has_scripted_content: bool,
    pub(crate) now: DateTime<Utc>,
    pub(crate) ids: Ids,
    /// `http://127.0.0.1:PORT`, for links in answers.
    pub(crate) origin: String,
    pub(crate) request: RequestMetadata,
    /// How the ledger says that the list is paged.
    #[serde(skip)]
    pub(crate) paging: Option<Paging>,
}

/// What the audit log says about a request as such.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct RequestMetadata {
    /// The `x-portkey-request-id` of the answer.
    pub(crate) id: String,
    pub(crate) method: String,
    /// The path without the query, as it came.
    pub(crate) uri: String,
    /// The query as it came.
    pub(crate) query: String,
    pub(crate) client_ip: String,
    /// The user agent; other headers are not kept.
    pub(crate) user_agent: Option<String>,
    /// What may be shown of the body of a write: JSON as text.
    #[serde(default)]
    pub(crate) body: String,
    /// The headers that a log of the gateway has, by name.
    #[serde(default)]
    pub(crate) gateway: BTreeMap<String, String>,
}

impl Call {
    /// The path parameter at this position.
    pub(crate) fn path_param(&self, position: usize) -> &str {
        self.path.get(position).map_or("", String::as_str)
    }

    /// The workspace that the request names, or else that of the key, by UUID.
    pub(crate) fn workspace(&self) -> Option<&str> {
        self.workspace_id.as_deref()
    }

    /// The workspace that something new goes to; an organisation key has to name it.
    pub(crate) fn required_workspace(&self) -> Result<&str, ApiError> {
        self.workspace().ok_or_else(|| {
            ApiError::invalid_field("workspace_id", "is required with an organisation key")
        })
    }

    /// A text of the query.
    pub(crate) fn query_param(&self, name: &str) -> Option<&str> {
        self.query.get(name).and_then(Value::as_str)
    }

    /// Whether a query filter lets `value` through.
    pub(crate) fn matches_filter(&self, name: &str, value: &str) -> bool {
        self.query_param(name).is_none_or(|filter| filter == value)
    }

    /// Whether any of these query parameters is there.
    pub(crate) fn has_query_param(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.query.contains_key(*name))
    }

    /// A member of the body that is there, `null` included.
    pub(crate) fn body_field(&self, name: &str) -> Option<&Value> {
        self.body.get(name)
    }

    /// A member of the body; null where it is not there.
    pub(crate) fn body_value(&self, name: &str) -> Value {
        self.body.get(name).cloned().unwrap_or(Value::Null)
    }

    /// A text of the body.
    pub(crate) fn body_str(&self, name: &str) -> Option<&str> {
        self.body.get(name).and_then(Value::as_str)
    }

    /// A text of the body that the service insists on.
    pub(crate) fn required_str(&self, name: &str) -> Result<&str, ApiError> {
        self.body_str(name)
            .filter(|text| !text.is_empty())
            .ok_or_else(|| ApiError::invalid_field(name, "is required"))
    }

    /// A file of the form.
    pub(crate) fn form_file(&self, name: &str) -> Result<&Part, ApiError> {
        let file = self.form.as_ref().and_then(|form| form.file(name));
        file.ok_or_else(|| ApiError::invalid_field(name, "has to be a file of a form"))
    }

    /// The items of a list of the body; none where it is not there.
    pub(crate) fn body_items(&self, name: &str) -> &[Value] {
        self.body
            .get(name)
            .and_then(Value::as_array)
            .map_or(&[], Vec::as_slice)
    }

    /// The page that was asked for, in the envelope of the ledger; only its rows are shown.
    pub(crate) fn page<T>(
        &self,
        rows: impl Paginate<T>,
        to_json: impl Fn(T) -> Value,
    ) -> ResponseBody {
        crate::response::page(self.paging.as_ref(), &self.query, None, rows, to_json)
    }

    /// The same for a list that the service cuts also where no size is asked for: `(usual, largest)`.
    pub(crate) fn page_sized<T>(
        &self,
        sizes: (u64, u64),
        rows: impl Paginate<T>,
        to_json: impl Fn(T) -> Value,
    ) -> ResponseBody {
        crate::response::page(
            self.paging.as_ref(),
            &self.query,
            Some(sizes),
            rows,
            to_json,
        )
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
