//! Links to the sources of facts.

use indexmap::IndexMap;
use portkey_admin_codegen::evidence::{Evidence, Places, Publication};

/// The place that stands for a whole source.
const WHOLE: &str = "whole";

/// Returns the sources of a fact as Markdown.
pub fn sources(evidence: &Evidence, sources: &IndexMap<String, Places>) -> String {
    let known = sources
        .iter()
        .filter_map(|(name, places)| Some((evidence.source(name)?, places)));
    let texts: Vec<String> = known
        .map(|(publication, places)| source(publication, &places.0))
        .collect();
    texts.join("; ")
}

/// Returns a source and the places in it as Markdown.
fn source(publication: &Publication, places: &[String]) -> String {
    match publication {
        Publication::Repository {
            repository,
            revision,
            path,
        } => {
            let repository = Repository {
                url: format!("https://github.com/{repository}"),
                revision,
                file: path.as_deref(),
                name: repository,
            };
            let links: Vec<String> = places.iter().map(|place| repository.link(place)).collect();
            format!("{} {}", repository.name, links.join(", "))
        }
        Publication::Package {
            package,
            registry,
            version,
        } => with_places(&format!("`{package}` {version} ({registry})"), places),
        Publication::Seed { seed } => with_places(&format!("notes `{seed}`"), places),
    }
}

/// Appends places that have no address.
fn with_places(name: &str, places: &[String]) -> String {
    let places: Vec<String> = places
        .iter()
        .filter(|place| *place != WHOLE)
        .map(|place| format!("`{place}`"))
        .collect();
    match places.is_empty() {
        true => name.to_owned(),
        false => format!("{name}: {}", places.join(", ")),
    }
}

/// A repository at a revision.
struct Repository<'a> {
    name: &'a str,
    url: String,
    revision: &'a str,
    /// The file that lines refer to.
    file: Option<&'a str>,
}

impl Repository<'_> {
    fn link(&self, place: &str) -> String {
        if let Some(revision) = place.strip_prefix("commit ") {
            return format!("[`{place}`]({}/commit/{revision})", self.url);
        }
        let label = match (place, self.file) {
            (WHOLE, Some(file)) => file,
            (WHOLE, None) => self.revision,
            (place, _) => place,
        };
        format!("[`{label}`]({})", self.address(place))
    }

    /// Returns the address of a file, a folder or the whole tree.
    fn address(&self, place: &str) -> String {
        // A section in parentheses has no address.
        let (place, _) = place.split_once(" (").unwrap_or((place, ""));
        match self.file {
            Some(file) => {
                let lines = place.strip_prefix('L').and_then(line_anchor);
                self.blob(file, &lines.unwrap_or_default())
            }
            None if place == WHOLE || place.contains(' ') => self.tree(""),
            None => {
                let (file, lines) = match place.rsplit_once(':') {
                    Some((file, lines)) => (file, line_anchor(lines).unwrap_or_default()),
                    None => (place, String::new()),
                };
                // A pattern stands for files of one folder.
                match (file.split_once('*'), file.strip_suffix('/')) {
                    (Some((before, _)), _) => {
                        self.tree(before.rsplit_once('/').map_or("", |(folder, _)| folder))
                    }
                    (_, Some(folder)) => self.tree(folder),
                    _ => self.blob(file, &lines),
                }
            }
        }
    }

    fn blob(&self, file: &str, anchor: &str) -> String {
        format!("{}/blob/{}/{file}{anchor}", self.url, self.revision)
    }

    fn tree(&self, folder: &str) -> String {
        let tree = format!("{}/tree/{}/{folder}", self.url, self.revision);
        tree.trim_end_matches('/').to_owned()
    }
}

/// Converts `7` to `#L7`, and `7-9` to `#L7-L9`.
fn line_anchor(lines: &str) -> Option<String> {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    match lines.split_once('-') {
        None => is_number(lines).then(|| format!("#L{lines}")),
        Some((first, last)) => {
            (is_number(first) && is_number(last)).then(|| format!("#L{first}-L{last}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repository(path: Option<&str>) -> Publication {
        Publication::Repository {
            repository: "owner/name".to_owned(),
            revision: "abc1234".to_owned(),
            path: path.map(str::to_owned),
        }
    }

    fn assert_link(publication: &Publication, place: &str, label: &str, address: &str) {
        assert_eq!(
            source(publication, &[place.to_owned()]),
            format!("owner/name [`{label}`](https://github.com/owner/name/{address})")
        );
    }

    #[test]
    fn places_in_a_repository_are_links_at_its_revision() {
        let all = repository(None);
        for (place, address) in [
            ("src/a.go:7", "blob/abc1234/src/a.go#L7"),
            ("src/a.go:7-9", "blob/abc1234/src/a.go#L7-L9"),
            ("src/a.go", "blob/abc1234/src/a.go"),
            ("a.mdx (1.2.3)", "blob/abc1234/a.mdx"),
            ("a.md:7-9 (1.2.3)", "blob/abc1234/a.md#L7-L9"),
            ("tests/responses/*.json", "tree/abc1234/tests/responses"),
            ("*.json", "tree/abc1234"),
            ("src/tools/", "tree/abc1234/src/tools"),
            ("commit def5678", "commit/def5678"),
            ("class Key", "tree/abc1234"),
        ] {
            assert_link(&all, place, place, address);
        }
        assert_link(&all, "whole", "abc1234", "tree/abc1234");
    }

    #[test]
    fn places_in_a_single_file_are_lines() {
        let file = repository(Some("openapi.yaml"));
        for (place, address) in [
            ("L7", "blob/abc1234/openapi.yaml#L7"),
            ("L7-9", "blob/abc1234/openapi.yaml#L7-L9"),
            ("$.paths['/a'].put", "blob/abc1234/openapi.yaml"),
        ] {
            assert_link(&file, place, place, address);
        }
        assert_link(&file, "whole", "openapi.yaml", "blob/abc1234/openapi.yaml");
    }

    #[test]
    fn packages_and_notes_have_no_address() {
        let package = Publication::Package {
            package: "a".to_owned(),
            registry: "npm".to_owned(),
            version: "1.2.3".to_owned(),
        };
        let places = ["Keys.list".to_owned(), "Keys.get".to_owned()];
        assert_eq!(
            source(&package, &places),
            "`a` 1.2.3 (npm): `Keys.list`, `Keys.get`"
        );
        let notes = Publication::Seed {
            seed: "a.md".to_owned(),
        };
        assert_eq!(source(&notes, &["whole".to_owned()]), "notes `a.md`");
    }
}
