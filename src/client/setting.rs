//! A value of the configuration.

use crate::{Error, Secret};

/// A value and its name in errors: a builder method or an environment variable.
#[derive(Clone)]
pub(super) struct Setting {
    pub(super) name: &'static str,
    pub(super) value: Secret,
}

impl Setting {
    pub(super) fn new(name: &'static str, value: impl Into<String>) -> Self {
        Self {
            name,
            value: Secret::new(value),
        }
    }

    /// Reads an environment variable; `None` if it is not set.
    pub(super) fn from_env(name: &'static str) -> Result<Option<Self>, Error> {
        match std::env::var(name) {
            Ok(value) => Ok(Some(Self::new(name, value))),
            Err(std::env::VarError::NotPresent) => Ok(None),
            Err(std::env::VarError::NotUnicode(_)) => {
                Err(Error::configuration(format!("{name} is not valid UTF-8")))
            }
        }
    }
}
