//! What is known about an operation before it is called.

use serde_json::Value;

/// One operation of the API, as the ledger and the document describe it.
#[derive(Debug)]
#[non_exhaustive]
pub struct Operation {
    /// The name of its method on the client.
    pub id: &'static str,
    /// The HTTP method.
    pub method: http::Method,
    /// The path below the base URL, with its parameters in braces.
    pub path: &'static str,
    /// Which base URL it is sent to.
    pub plane: Plane,
    /// Which version of the API it belongs to.
    pub api_version: ApiVersion,
    /// The query parameters, headers and parts of a form without which it is not sent.
    pub required: &'static [&'static str],
    /// Whether it is not sent without a body.
    pub body_required: bool,
    /// Whether it may be sent again.
    pub idempotency: Idempotency,
    /// JsonObject of the body, at whatever depth, with which it is not sent again, whatever
    /// [`idempotency`](Self::idempotency) says: each execution does something anew.
    pub non_idempotent_fields: &'static [&'static str],
    /// How its list is cut into pages; absent where it answers no list.
    pub paging: Option<Paging>,
    /// Whether its optional query parameter `workspace_id` takes the client's default.
    pub default_workspace: bool,
    /// Who may call it, as far as known.
    pub access: Access,
    /// What else must hold before a request is sent.
    pub(crate) validate: Option<Validate>,
    /// The path, segment by segment.
    pub(crate) segments: &'static [Segment],
}

impl Operation {
    /// Whether a body carries one of the [`non_idempotent_fields`](Self::non_idempotent_fields), and not as `null` or `false`.
    pub(crate) fn is_triggered(&self, body: &Value) -> bool {
        match body {
            Value::Object(members) => members.iter().any(|(name, value)| {
                let pulls = self.non_idempotent_fields.contains(&name.as_str())
                    && !matches!(value, Value::Null | Value::Bool(false));
                pulls || self.is_triggered(value)
            }),
            Value::Array(items) => items.iter().any(|item| self.is_triggered(item)),
            _ => false,
        }
    }
}

/// Checks a request: the path arguments in their order, and the body as it would be sent.
pub(crate) type Validate = fn(&[String], &Value) -> Result<(), String>;

/// The half of the service that answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Plane {
    /// The control plane.
    Control,
    /// The data plane, that is the AI gateway.
    Gateway,
    /// Public facts, asked for without a key.
    Public,
}

/// The version segment of the base URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ApiVersion {
    /// The base URL as configured.
    V1,
    /// The base URL with its final `/v1` replaced by `/v2`.
    V2,
}

/// Whether an operation may be sent again after an attempt that may have been executed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Idempotency {
    /// It only reads.
    Safe,
    /// AttemptContext it twice has the effect of context it once.
    Idempotent,
    /// Each execution leaves something behind.
    NonIdempotent,
}

/// How a list is cut into pages. With neither `page` nor `after` it comes in one piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Paging {
    /// The query parameter with the number of the page.
    pub page: Option<&'static str>,
    /// The query parameter with the size of a page.
    pub size: Option<&'static str>,
    /// The number of the first page.
    pub first: u32,
    /// The query parameter with the cursor: the id of the last item seen.
    pub after: Option<&'static str>,
}

/// Who may call an operation; empty lists where nothing is known.
#[derive(Debug)]
#[non_exhaustive]
pub struct Access {
    /// Kinds of key.
    pub keys: &'static [&'static str],
    /// Scopes of which the key needs one.
    pub scopes: &'static [&'static str],
    /// The plan of the organisation.
    pub plan: Option<&'static str>,
}

impl Access {
    /// What a key needs, for whoever was refused.
    pub(crate) fn hint(&self) -> Option<String> {
        let mut needs = Vec::new();
        if !self.scopes.is_empty() {
            needs.push(format!("scope {}", self.scopes.join(" or ")));
        }
        if !self.keys.is_empty() {
            needs.push(format!("a key of kind {}", self.keys.join(" or ")));
        }
        if let Some(plan) = self.plan.filter(|plan| *plan != "any") {
            needs.push(format!("the {plan} plan"));
        }
        (!needs.is_empty()).then(|| format!("it needs {}", needs.join(", ")))
    }
}

/// A segment of a path.
#[derive(Debug)]
pub(crate) enum Segment {
    /// Fixed text.
    Literal(&'static str),
    /// A parameter, and the values that would reach another route.
    Parameter {
        name: &'static str,
        reserved: &'static [&'static str],
    },
}

#[cfg(all(test, feature = "admin"))]
mod tests {
    use serde_json::json;

    use crate::operations::{UPDATE_API_KEY, UPDATE_INTEGRATION_WORKSPACES, UPDATE_WORKSPACE};

    #[test]
    fn a_trigger_counts_where_it_is_pulled() {
        for (body, pulled) in [
            (json!({"reset_usage": true}), true),
            (json!({"reset_usage": false}), false),
            (json!({"reset_usage": null}), false),
            (json!({"name": "reset_usage"}), false),
            (json!(null), false),
        ] {
            assert_eq!(UPDATE_API_KEY.is_triggered(&body), pulled, "{body}");
            assert!(!UPDATE_WORKSPACE.is_triggered(&body), "{body}");
            let inside = json!({"workspaces": [{"id": "one"}, body]});
            assert_eq!(
                UPDATE_INTEGRATION_WORKSPACES.is_triggered(&inside),
                pulled,
                "{inside}"
            );
        }
    }
}
