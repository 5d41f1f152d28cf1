//! Slugs of new things: the one that a request gives, or one made from the name.

use crate::ids::Ids;
use crate::response::ApiError;

/// The slug that is `requested`, unless it is taken, or else a new one. `field_path` is for the error.
pub(crate) fn choose(
    requested: Option<&str>,
    field_path: &str,
    is_taken: impl Fn(&str) -> bool,
    name: &str,
    ids: &Ids,
) -> Result<String, ApiError> {
    match requested.filter(|slug| !slug.is_empty()) {
        Some(slug) if is_taken(slug) => Err(ApiError::invalid_field(field_path, "is taken")),
        Some(slug) => Ok(slug.to_owned()),
        None => Ok(generate(name, ids)),
    }
}

/// The name in small letters, and six random characters.
fn generate(name: &str, ids: &Ids) -> String {
    ids.slug("", name).trim_start_matches('-').to_owned()
}
