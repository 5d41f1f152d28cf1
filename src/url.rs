//! The address of a request: a checked base, a path, and a query that is encoded here.

use percent_encoding::utf8_percent_encode;

use crate::{Error, path::ENCODED};

/// An address in the making.
pub(crate) struct Url {
    text: String,
    has_query: bool,
}

impl Url {
    /// Starts with the address up to the end of the path.
    pub(crate) fn new(text: String) -> Self {
        Self {
            text,
            has_query: false,
        }
    }

    /// Adds a query parameter.
    pub(crate) fn push(&mut self, name: &str, value: &str) {
        self.text.push(if self.has_query { '&' } else { '?' });
        self.has_query = true;
        self.text.extend(utf8_percent_encode(name, ENCODED));
        self.text.push('=');
        self.text.extend(utf8_percent_encode(value, ENCODED));
    }

    pub(crate) fn finish(self) -> Result<reqwest::Url, Error> {
        reqwest::Url::parse(&self.text)
            .map_err(|error| Error::invalid_request(format!("the address cannot be used: {error}")))
    }
}
