//! What is known about an operation before it is called.

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
    pub base: Base,
    /// The query parameters and headers without which it is not sent.
    pub required: &'static [&'static str],
    /// Whether it is not sent without a body.
    pub body_required: bool,
    /// Who may call it, as far as known.
    pub access: Access,
    /// What else must hold before a request is sent.
    pub(crate) check: Option<Check>,
    /// The path, segment by segment.
    pub(crate) segments: &'static [Segment],
}

/// Checks a request: the path arguments in their order, and the body as it would be sent.
pub(crate) type Check = fn(&[String], &serde_json::Value) -> Result<(), String>;

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
pub enum Base {
    /// The base URL as configured.
    V1,
    /// The base URL with its final `/v1` replaced by `/v2`.
    V2,
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
