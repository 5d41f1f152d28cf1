//! Slugs of new resources: given in the request, or generated from the name.

use crate::error::ApiError;
use crate::ids::Ids;

/// Returns the `requested` slug, or generates one if there is none. Returns an error for
/// `field_path` if the slug is already taken.
pub(crate) fn choose(
    requested: Option<&str>,
    field_path: &str,
    is_taken: impl Fn(&str) -> bool,
    name: &str,
    ids: &Ids,
) -> Result<String, ApiError> {
    match requested.filter(|slug| !slug.is_empty()) {
        Some(slug) if is_taken(slug) => {
            Err(ApiError::invalid_field(field_path, "is already taken"))
        }
        Some(slug) => Ok(slug.to_owned()),
        None => Ok(generate(name, ids)),
    }
}

/// Returns the name in lower case, followed by six random characters.
pub(crate) fn generate(name: &str, ids: &Ids) -> String {
    ids.slug("", name).trim_start_matches('-').to_owned()
}
