//! A routed and authenticated request, the input of quirks, guards and handlers.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, Utc};
use portkey_admin_codegen::manifest::Paging;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::ApiError;
use crate::http::form::{Form, Part};
use crate::ids::Ids;
use crate::page::{Paginate, page};
use crate::response::ResponseBody;

/// The identity behind a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Caller {
    /// The id of the key that was sent; empty for public operations.
    pub(crate) key_id: String,
    /// The UUID of the key's workspace; `None` for a key of the organisation.
    pub(crate) workspace_id: Option<String>,
    /// The user of the key; `None` for service keys.
    pub(crate) user_id: Option<String>,
    pub(crate) scopes: Scopes,
}

/// The scopes of a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Scopes {
    All,
    Only(Vec<String>),
}

impl Scopes {
    /// Returns whether a scope is granted.
    pub(crate) fn has(&self, scope: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(scopes) => scopes.iter().any(|granted| granted == scope),
        }
    }
}

impl Caller {
    /// Returns the caller of a public operation, which needs no key.
    pub(crate) fn anonymous() -> Self {
        Self {
            key_id: String::new(),
            workspace_id: None,
            user_id: None,
            scopes: Scopes::Only(Vec::new()),
        }
    }

    /// Returns the workspace of a workspace key.
    pub(crate) fn workspace(&self) -> Option<&str> {
        self.workspace_id.as_deref()
    }

    /// Returns whether it is an organisation key, which has access to every workspace.
    pub(crate) fn is_organisation_key(&self) -> bool {
        self.workspace_id.is_none()
    }

    /// Returns the user of the key, or else the key, as the creator of a resource.
    pub(crate) fn actor(&self) -> &str {
        self.user_id.as_deref().unwrap_or(&self.key_id)
    }

    /// Returns the kind of key as named in the manifest.
    pub(crate) fn kind(&self) -> &'static str {
        if self.is_organisation_key() {
            "organisation"
        } else {
            "workspace"
        }
    }

    /// Returns whether resources of this workspace are visible to the caller.
    pub(crate) fn can_see(&self, workspace_id: &str) -> bool {
        self.workspace().is_none_or(|id| id == workspace_id)
    }
}

/// One request. The effect of a handler depends only on the call and the state, so that replaying a
/// recorded call gives the same result.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Call {
    /// The operation id from the manifest.
    pub(crate) operation: String,
    pub(crate) caller: Caller,
    /// The UUID of the workspace named in the request, or else of the key's workspace.
    pub(crate) workspace_id: Option<String>,
    /// The values of the path's parameters, in order.
    pub(crate) path: Vec<String>,
    /// The query, coerced to the declared types.
    pub(crate) query: Map<String, Value>,
    /// The body; null if the request has none.
    pub(crate) body: Value,
    /// The multipart form; its text fields are also in `body`.
    #[serde(default)]
    pub(crate) form: Option<Form>,
    /// The model output set by a script.
    #[serde(default)]
    pub(crate) scripted_reply: Option<ScriptedReply>,
    /// Whether a script sets the content of a binary response.
    #[serde(skip)]
    pub(crate) has_scripted_content: bool,
    pub(crate) now: DateTime<Utc>,
    pub(crate) ids: Ids,
    /// `http://127.0.0.1:PORT`, for links in responses.
    pub(crate) origin: String,
    pub(crate) request: RequestMetadata,
    /// The paging rule of the list in the manifest.
    #[serde(skip)]
    pub(crate) paging: Option<Paging>,
}

/// The model output that a script sets in place of the default output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ScriptedReply {
    Text(String),
    /// Names and arguments, as JSON.
    ToolCalls(Vec<(String, String)>),
}

/// Properties of a request for the audit log.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct RequestMetadata {
    /// The `x-portkey-request-id` of the response.
    pub(crate) id: String,
    pub(crate) method: String,
    /// The path without the query, as received.
    pub(crate) uri: String,
    /// The query as received.
    pub(crate) query: String,
    pub(crate) client_ip: String,
    /// The user agent; other headers are not recorded.
    pub(crate) user_agent: Option<String>,
    /// The redacted body of a write, as a JSON string.
    #[serde(default)]
    pub(crate) body: String,
    /// The headers recorded in the gateway's logs, by name.
    #[serde(default)]
    pub(crate) gateway: BTreeMap<String, String>,
}

impl Call {
    /// Returns the path parameter at this position.
    pub(crate) fn path_param(&self, position: usize) -> &str {
        self.path.get(position).map_or("", String::as_str)
    }

    /// Returns the UUID of the workspace named in the request, or else of the key's workspace.
    pub(crate) fn workspace(&self) -> Option<&str> {
        self.workspace_id.as_deref()
    }

    /// Returns the workspace for a new resource; an error if an organisation key does not name it.
    pub(crate) fn required_workspace(&self) -> Result<&str, ApiError> {
        self.workspace().ok_or_else(|| {
            ApiError::invalid_field("workspace_id", "is required with an organisation key")
        })
    }

    /// Rejects a new resource of the organisation unless the body says so with `organisation_id`.
    pub(crate) fn require_workspace_or_organisation(&self) -> Result<(), ApiError> {
        if self.workspace().is_some() || self.body_str("organisation_id").is_some() {
            return Ok(());
        }
        let reason = "or `/organisation_id` is required with an organisation key";
        Err(ApiError::invalid_field("workspace_id", reason))
    }

    /// Returns a string query parameter.
    pub(crate) fn query_param(&self, name: &str) -> Option<&str> {
        self.query.get(name).and_then(Value::as_str)
    }

    /// Returns whether `value` passes a query filter; an absent filter matches everything.
    pub(crate) fn matches_filter(&self, name: &str, value: &str) -> bool {
        self.query_param(name).is_none_or(|filter| filter == value)
    }

    /// Returns whether `value` is in a query parameter that is a list; an absent one matches
    /// everything.
    pub(crate) fn matches_list(&self, name: &str, value: &str) -> bool {
        let Some(Value::Array(values)) = self.query.get(name) else {
            return true;
        };
        values.iter().any(|other| other == value)
    }

    /// Returns whether tags contain those of the query parameter `tags`, a JSON object in a string; an
    /// absent one matches everything.
    pub(crate) fn matches_tags(&self, tags: &Value) -> bool {
        let filter = self.query_param("tags").unwrap_or_default();
        let filter = serde_json::from_str::<Map<String, Value>>(filter).unwrap_or_default();
        filter
            .iter()
            .all(|(name, value)| tags.get(name) == Some(value))
    }

    /// Returns whether any of these values contains the query parameter `search`, in any case.
    pub(crate) fn matches_search(&self, values: &[&str]) -> bool {
        let search = self.query_param("search").unwrap_or_default();
        let search = search.to_lowercase();
        let mut values = values.iter();
        values.any(|value| value.to_lowercase().contains(&search))
    }

    /// Returns whether a timestamp is between the query parameters `start_time` and `end_time`.
    pub(crate) fn is_in_time_range(&self, at: &str) -> bool {
        let parse = |time: &str| DateTime::parse_from_rfc3339(time).ok();
        let bound = |name: &str| self.query_param(name).and_then(parse);
        let at = parse(at);
        bound("start_time").is_none_or(|start| at >= Some(start))
            && bound("end_time").is_none_or(|end| at <= Some(end))
    }

    /// Returns whether any of these query parameters is present.
    pub(crate) fn has_query_param(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.query.contains_key(*name))
    }

    /// Returns a field of the body if it is present, including `null`.
    pub(crate) fn body_field(&self, name: &str) -> Option<&Value> {
        self.body.get(name)
    }

    /// Returns a field of the body; null if it is absent.
    pub(crate) fn body_value(&self, name: &str) -> Value {
        self.body.get(name).cloned().unwrap_or(Value::Null)
    }

    /// Returns a string field of the body.
    pub(crate) fn body_str(&self, name: &str) -> Option<&str> {
        self.body.get(name).and_then(Value::as_str)
    }

    /// Returns a required, non-empty string field of the body.
    pub(crate) fn required_str(&self, name: &str) -> Result<&str, ApiError> {
        self.body_str(name)
            .filter(|value| !value.is_empty())
            .ok_or_else(|| ApiError::invalid_field(name, "is required"))
    }

    /// Copies a string field of the body to `target` if it is present.
    pub(crate) fn set_str(&self, name: &str, target: &mut String) {
        if let Some(value) = self.body_str(name) {
            value.clone_into(target);
        }
    }

    /// Copies a field of the body to `target` if it is present, including `null`.
    pub(crate) fn set_value(&self, name: &str, target: &mut Value) {
        if let Some(value) = self.body_field(name) {
            target.clone_from(value);
        }
    }

    /// Returns a file of the multipart form.
    pub(crate) fn form_file(&self, name: &str) -> Result<&Part, ApiError> {
        let file = self.form.as_ref().and_then(|form| form.file(name));
        file.ok_or_else(|| ApiError::invalid_field(name, "must be a file in a multipart form"))
    }

    /// Returns the items of an array field of the body; empty if it is absent.
    pub(crate) fn body_items(&self, name: &str) -> &[Value] {
        self.body
            .get(name)
            .and_then(Value::as_array)
            .map_or(&[], Vec::as_slice)
    }

    /// Returns the requested page in the envelope of the manifest; only its rows are converted.
    pub(crate) fn page<T>(
        &self,
        rows: impl Paginate<T>,
        to_json: impl Fn(T) -> Value,
    ) -> ResponseBody {
        page(self.paging.as_ref(), &self.query, None, rows, to_json)
    }

    /// Like [`Call::page`], with a `(default, maximum)` page size.
    pub(crate) fn page_sized<T>(
        &self,
        sizes: (u64, u64),
        rows: impl Paginate<T>,
        to_json: impl Fn(T) -> Value,
    ) -> ResponseBody {
        page(
            self.paging.as_ref(),
            &self.query,
            Some(sizes),
            rows,
            to_json,
        )
    }

    /// Returns the time of the request in the service's format.
    pub(crate) fn timestamp(&self) -> String {
        timestamp(self.now)
    }
}

/// Formats a time as RFC 3339 with milliseconds and `Z`.
pub(crate) fn timestamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// Returns the strings in an array.
pub(crate) fn string_list(value: &Value) -> Vec<String> {
    let items = value.as_array().into_iter().flatten();
    let strings = items.filter_map(Value::as_str);
    strings.map(str::to_owned).collect()
}
