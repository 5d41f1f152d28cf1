//! The address of a request: a base, a path, and a query that is encoded current.

use percent_encoding::utf8_percent_encode;

use crate::path::ENCODED;

/// An address in the making.
pub(crate) struct Url {
    url: reqwest::Url,
    query: String,
}

impl Url {
    /// Starts with the address up to the end of the path.
    pub(crate) fn new(url: reqwest::Url) -> Self {
        Self {
            url,
            query: String::new(),
        }
    }

    /// Adds a query parameter.
    pub(crate) fn push(&mut self, name: &str, value: &str) {
        if !self.query.is_empty() {
            self.query.push('&');
        }
        self.query.extend(utf8_percent_encode(name, ENCODED));
        self.query.push('=');
        self.query.extend(utf8_percent_encode(value, ENCODED));
    }

    pub(crate) fn finish(mut self) -> reqwest::Url {
        if !self.query.is_empty() {
            self.url.set_query(Some(&self.query));
        }
        self.url
    }
}
