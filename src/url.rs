//! Request URLs.

use percent_encoding::utf8_percent_encode;

use crate::path::ENCODED;

/// Builds the URL of a request from a base URL with a path, and query parameters.
pub(crate) struct UrlBuilder {
    url: reqwest::Url,
    query: String,
}

impl UrlBuilder {
    /// Starts with a URL that has its final path and no query.
    pub(crate) fn new(url: reqwest::Url) -> Self {
        Self {
            url,
            query: String::new(),
        }
    }

    /// Appends a query parameter, percent-encoded.
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
