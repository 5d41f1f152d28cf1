//! Reads of resources that may not exist.

use super::Error;

/// Turns the error of a read of something that does not exist into `None`.
///
/// Implemented for the result of every call.
///
/// ```no_run
/// # #[cfg(feature = "configs")]
/// # async fn example(client: portkey_admin::Client) -> Result<(), portkey_admin::Error> {
/// use portkey_admin::OptionalExt;
///
/// match client.get_config("pc-one").await.optional()? {
///     Some(config) => println!("{}", config.name),
///     None => println!("there is no such config"),
/// }
/// # Ok(())
/// # }
/// ```
pub trait OptionalExt<T> {
    /// Returns `None` for status 404 ([`Error::is_not_found`]).
    ///
    /// A base URL that leads to another server can also result in 404.
    ///
    /// # Errors
    ///
    /// Every other error, including 403 with code `AB03`.
    fn optional(self) -> Result<Option<T>, Error>;

    /// Returns `None` for status 404, and for status 403 with code `AB03`
    /// ([`Error::is_gone_or_hidden`]).
    ///
    /// The service uses `AB03` for resources that no longer exist (observed for workspaces,
    /// documented for guardrails), but also for keys that lack a scope. Use this method only if the
    /// key is known to have the scope of the read.
    ///
    /// # Errors
    ///
    /// Every other error.
    fn optional_or_hidden(self) -> Result<Option<T>, Error>;
}

impl<T> OptionalExt<T> for Result<T, Error> {
    fn optional(self) -> Result<Option<T>, Error> {
        unless(self, Error::is_not_found)
    }

    fn optional_or_hidden(self) -> Result<Option<T>, Error> {
        unless(self, Error::is_gone_or_hidden)
    }
}

fn unless<T>(
    result: Result<T, Error>,
    is_absent: impl FnOnce(&Error) -> bool,
) -> Result<Option<T>, Error> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if is_absent(&error) => Ok(None),
        Err(error) => Err(error),
    }
}
