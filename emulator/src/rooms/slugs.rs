//! Slugs of new things: the one that a request gives, or one made from the name.

use crate::ids::Ids;
use crate::reply::Refusal;

/// The slug that is `given`, unless it is taken, or else a new one. `place` is for the refusal.
pub(crate) fn choose(
    given: Option<&str>,
    place: &str,
    taken: impl Fn(&str) -> bool,
    name: &str,
    ids: &Ids,
) -> Result<String, Refusal> {
    match given.filter(|slug| !slug.is_empty()) {
        Some(slug) if taken(slug) => Err(Refusal::invalid_field(place, "is taken")),
        Some(slug) => Ok(slug.to_owned()),
        None => Ok(made(name, ids)),
    }
}

/// The name in small letters, and six random characters.
fn made(name: &str, ids: &Ids) -> String {
    ids.slug("", name).trim_start_matches('-').to_owned()
}
