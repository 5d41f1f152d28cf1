//! The likely cause of an error status.

use http::StatusCode;

use super::PreparedRequest;
use crate::{Client, Error, error_codes, operation::Plane, retry::AttemptSummary};

/// What works if the organisation allows saved configs only.
const SAVED_ONLY: &str =
    "use the slug of a saved config, or a provider or model in the form `@slug`";

/// Returns the likely cause of an error status, if known. It depends on the target of the request:
/// the service, or the storage behind a signed URL.
pub(super) fn hint(
    client: &Client,
    request: &PreparedRequest,
    error: &Error,
    history: AttemptSummary,
) -> Option<String> {
    let status = error.status()?;
    let hint = match request.plane {
        Some(_) if error.is_inline_setting_blocked() => Some(SAVED_ONLY.to_owned()),
        Some(plane) => {
            base_url_hint(client, plane, status).or_else(|| access_hint(request, error, history))
        }
        None => signed_url_hint(status),
    };
    let is_redirection = status.is_redirection();
    hint.or_else(|| is_redirection.then(|| "redirects are not followed".to_owned()))
}

/// Returns a hint if a missing version in the base URL may be the cause.
fn base_url_hint(client: &Client, plane: Plane, status: StatusCode) -> Option<String> {
    let is_possible_cause = matches!(status, StatusCode::NOT_FOUND | StatusCode::BAD_REQUEST);
    let has_version = matches!(plane, Plane::Control | Plane::Gateway);
    let base = client.base_url(plane).ok()?;
    (is_possible_cause && has_version && !base.has_version()).then(|| {
        format!(
            "the base URL {} does not end in /v1; check that this is intended",
            base.as_str()
        )
    })
}

/// Returns what a 403 response may have refused.
fn access_hint(
    request: &PreparedRequest,
    error: &Error,
    history: AttemptSummary,
) -> Option<String> {
    if !error.is_forbidden() {
        return None;
    }
    let requirements = request.label.operation()?.access.hint()?;
    Some(match error.code() {
        // Not treated as a success, because the key may lack the scope to delete it.
        Some(error_codes::FORBIDDEN) if request.may_have_deleted(history) => {
            format!("{requirements}; or an earlier attempt has deleted it")
        }
        Some(error_codes::FORBIDDEN) => format!("{requirements}; or the resource no longer exists"),
        _ => requirements,
    })
}

/// Returns a hint for an error of a storage. Most storages respond to an expired signature with
/// 403, some with 400 or 401.
fn signed_url_hint(status: StatusCode) -> Option<String> {
    let may_be_expired = matches!(status.as_u16(), 400 | 401 | 403);
    may_be_expired.then(|| "the signed URL may have expired; request a new one".to_owned())
}
