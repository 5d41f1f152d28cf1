//! Metadata of operations.

use portkey_admin_constraints::Constraint;
use serde_json::Value;

/// An operation of the API.
#[derive(Debug)]
#[non_exhaustive]
pub struct Operation {
    /// The name of the method of [`Client`](crate::Client).
    pub id: &'static str,
    /// The HTTP method.
    pub method: http::Method,
    /// The path below the base URL, with parameters in braces.
    pub path: &'static str,
    /// The plane, which selects the base URL.
    pub plane: Plane,
    /// The version of the API.
    pub api_version: ApiVersion,
    /// The required query parameters, headers and parts of a multipart body.
    pub required: &'static [&'static str],
    /// Whether a body is required.
    pub body_required: bool,
    /// Whether a request may be sent again.
    pub idempotency: Idempotency,
    /// Fields of the body, at any depth, that make a request non-idempotent regardless of
    /// [`idempotency`](Self::idempotency), unless they are `null` or `false`.
    pub non_idempotent_fields: &'static [&'static str],
    /// The pagination of the list; `None` if the operation does not return a list.
    pub paging: Option<Paging>,
    /// Whether the field `success` of the response is the result of the operation, so that `false` is
    /// not an error.
    pub success_is_result: bool,
    /// Whether the optional query parameter `workspace_id` defaults to the client's workspace.
    pub default_workspace: bool,
    /// The known access requirements.
    pub access: Access,
    /// The constraints on a request, which are checked before it is sent.
    pub(crate) constraints: &'static [Constraint],
    /// Checks what `constraints` cannot express.
    pub(crate) validate: Option<Validate>,
    /// The segments of the path.
    pub(crate) segments: &'static [Segment],
}

impl Operation {
    /// Returns `true` if a body contains one of the
    /// [`non_idempotent_fields`](Self::non_idempotent_fields), other than as `null` or `false`.
    pub(crate) fn has_non_idempotent_field(&self, body: &Value) -> bool {
        match body {
            Value::Object(fields) => fields.iter().any(|(name, value)| {
                let is_set = !matches!(value, Value::Null | Value::Bool(false));
                (is_set && self.non_idempotent_fields.contains(&name.as_str()))
                    || self.has_non_idempotent_field(value)
            }),
            Value::Array(items) => items.iter().any(|item| self.has_non_idempotent_field(item)),
            _ => false,
        }
    }
}

/// Validates a request from its path arguments, in order, and its body.
pub(crate) type Validate = fn(&[String], &Value) -> Result<(), String>;

/// The part of the service that handles an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Plane {
    /// The control plane.
    Control,
    /// The data plane, which is the AI gateway.
    Gateway,
    /// The public endpoints, which need no key.
    Public,
    /// The MCP gateway, which serves the registry of MCP servers.
    Mcp,
    /// The host of the files with prices and capabilities of models, which needs no key.
    Prices,
}

/// The version segment of the base URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ApiVersion {
    /// The configured base URL.
    V1,
    /// The configured base URL with a final `/v1` replaced by `/v2`.
    V2,
}

/// Whether an operation may be sent again after an attempt that the service may have executed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Idempotency {
    /// The operation only reads.
    Safe,
    /// Sending the request twice has the same effect as sending it once.
    Idempotent,
    /// Each execution has an effect.
    NonIdempotent,
}

/// The pagination of a list. Without `page` and `after`, the list is a single page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Paging {
    /// The query parameter for the page number.
    pub page: Option<&'static str>,
    /// The query parameter for the page size.
    pub size: Option<&'static str>,
    /// The number of the first page.
    pub first: u32,
    /// The query parameter for the cursor, which is the id of the last item of the previous page
    /// unless `next` is set.
    pub after: Option<&'static str>,
    /// The response field with the cursor of the next page, which the last page lacks. A dot
    /// separates the names of nested fields.
    pub next: Option<&'static str>,
}

/// The known access requirements of an operation; lists are empty if nothing is known.
#[derive(Debug)]
#[non_exhaustive]
pub struct Access {
    /// The kinds of key that are accepted.
    pub keys: &'static [&'static str],
    /// The scopes that the key needs; `None` if unknown.
    /// [`scopes::needed_by`](crate::scopes::needed_by) combines those of several operations.
    pub scopes: Option<RequiredScopes>,
    /// The required plan of the organisation.
    pub plan: Option<&'static str>,
    /// The roles of a person, such as `workspace admin`. One of them is needed by the user of a
    /// user key, and by the person who creates a service key for the operation.
    pub roles: &'static [&'static str],
}

/// The scopes that a key needs for an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequiredScopes {
    /// One of these scopes.
    AnyOf(&'static [&'static str]),
    /// All of these scopes.
    AllOf(&'static [&'static str]),
}

impl RequiredScopes {
    /// Returns the names of the scopes.
    pub fn names(&self) -> &'static [&'static str] {
        match self {
            Self::AnyOf(names) | Self::AllOf(names) => names,
        }
    }
}

impl Access {
    /// Describes the requirements, for the error of a 403 response.
    pub(crate) fn hint(&self) -> Option<String> {
        let mut requirements = Vec::new();
        requirements.extend(self.scopes.map(|scopes| match scopes {
            RequiredScopes::AnyOf(names) => format!("scope {}", names.join(" or ")),
            RequiredScopes::AllOf(names) => format!("scopes {}", names.join(" and ")),
        }));
        if !self.keys.is_empty() {
            requirements.push(format!("a key of kind {}", self.keys.join(" or ")));
        }
        if let Some(plan) = self.plan.filter(|plan| *plan != "any") {
            requirements.push(format!("the {plan} plan"));
        }
        if !self.roles.is_empty() {
            requirements.push(format!("for a user the role {}", self.roles.join(" or ")));
        }
        (!requirements.is_empty()).then(|| format!("requires {}", requirements.join(", ")))
    }
}

/// A segment of a path.
#[derive(Debug)]
pub(crate) enum Segment {
    Literal(&'static str),
    /// A parameter and its reserved values, which would select another route. In those, `{}` stands
    /// for any text.
    Parameter {
        name: &'static str,
        reserved: &'static [&'static str],
    },
    /// Parameters and literal text, such as `{id}.json`, with the reserved values of the whole
    /// segment.
    #[allow(dead_code, reason = "only generated for paths with such segments")]
    Template {
        parts: &'static [Part],
        reserved: &'static [&'static str],
    },
}

impl Segment {
    /// Returns the number of parameters.
    pub(crate) fn parameter_count(&self) -> usize {
        self.parameter_names().len()
    }

    /// Returns the names of the parameters.
    pub(crate) fn parameter_names(&self) -> Vec<&'static str> {
        match self {
            Self::Literal(_) => Vec::new(),
            Self::Parameter { name, .. } => vec![name],
            Self::Template { parts, .. } => {
                let name = |part: &Part| match part {
                    Part::Literal(_) => None,
                    Part::Parameter(name) => Some(*name),
                };
                parts.iter().filter_map(name).collect()
            }
        }
    }
}

/// A part of a segment.
#[derive(Debug)]
#[allow(dead_code, reason = "only generated for paths with such segments")]
pub(crate) enum Part {
    Literal(&'static str),
    Parameter(&'static str),
}

#[cfg(all(test, feature = "admin"))]
mod tests {
    use serde_json::json;

    use crate::operations::{UPDATE_API_KEY, UPDATE_INTEGRATION_WORKSPACES, UPDATE_WORKSPACE};

    #[test]
    fn non_idempotent_field_counts_unless_null_or_false() {
        for (body, expected) in [
            (json!({"reset_usage": true}), true),
            (json!({"reset_usage": false}), false),
            (json!({"reset_usage": null}), false),
            (json!({"name": "reset_usage"}), false),
            (json!(null), false),
        ] {
            let actual = UPDATE_API_KEY.has_non_idempotent_field(&body);
            assert_eq!(actual, expected, "{body}");
            assert!(!UPDATE_WORKSPACE.has_non_idempotent_field(&body), "{body}");
            let nested = json!({"workspaces": [{"id": "one"}, body]});
            let actual = UPDATE_INTEGRATION_WORKSPACES.has_non_idempotent_field(&nested);
            assert_eq!(actual, expected, "{nested}");
        }
    }
}
