//! Rotation of an API key with a transition period, and the key of the client.

use std::time::Duration;

use crate::{
    Client, Error,
    api_keys::{ApiKey, RotateApiKey, RotateApiKeyRequest, RotateApiKeyRequestBuilder},
    request::call::encode_json,
};

impl RotateApiKey {
    /// Sets how long the old key remains valid along with the new one: at least half an hour,
    /// rounded up to whole milliseconds. If not set, the service chooses the period.
    ///
    /// Replaces the body. The new key is returned only in this response, as a
    /// [`Secret`](crate::Secret). No other response contains the time at which the old key expires.
    ///
    /// ```no_run
    /// # async fn example(client: portkey_admin::Client) -> Result<(), portkey_admin::Error> {
    /// use std::time::Duration;
    ///
    /// let hour = Duration::from_secs(60 * 60);
    /// let rotated = client.rotate_api_key("id-of-the-key").transition(hour).send().await?;
    /// let value = rotated.key.expose();
    /// # let (_, _) = (value, rotated.key_transition_expires_at);
    /// # Ok(())
    /// # }
    /// ```
    pub fn transition(mut self, transition: Duration) -> Self {
        self.call
            .body(request_body(transition).and_then(|body| encode_json(&body)));
        self
    }
}

/// # Helpers
impl Client {
    /// Returns the API key that this client uses, among the keys that it may list; `None` if it is not
    /// known.
    ///
    /// The service has no operation for this. Lists contain masked values such as `ab*****xyz`, so
    /// the key is the only one of the list whose visible characters match. The result is `None` if no
    /// key matches, if several match, or if the client may not list keys (403).
    ///
    /// ```no_run
    /// # async fn example(client: portkey_admin::Client) -> Result<(), portkey_admin::Error> {
    /// if let Some(key) = client.current_api_key().await? {
    ///     println!("{} expires {:?}", key.name, key.expires_at);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The errors of [`Client::list_api_keys`] except 403.
    pub async fn current_api_key(&self) -> Result<Option<ApiKey>, Error> {
        let mut keys = self.list_api_keys().stream();
        let mut found = None;
        while let Some(key) = keys.next().await {
            match key {
                Ok(key) if self.has_key(|value| matches_mask(value, key.key.as_deref())) => {
                    if found.replace(key).is_some() {
                        return Ok(None);
                    }
                }
                Ok(_) => {}
                Err(error) if error.is_forbidden() => return Ok(None),
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }
}

/// Returns whether a value has the visible characters of a masked one (M148), of which there are at
/// least four.
fn matches_mask(value: &str, masked: Option<&str>) -> bool {
    let Some((start, rest)) = masked.and_then(|masked| masked.split_once('*')) else {
        return false;
    };
    let end = rest.trim_start_matches('*');
    let visible = start.len() + end.len();
    !end.contains('*')
        && (4..value.len()).contains(&visible)
        && value.starts_with(start)
        && value.ends_with(end)
}

fn request_body(transition: Duration) -> Result<RotateApiKeyRequest, Error> {
    let milliseconds = transition.as_nanos().div_ceil(1_000_000);
    let milliseconds = i64::try_from(milliseconds).map_err(|_| {
        Error::invalid_request(format!(
            "the transition period {transition:?} exceeds {} ms",
            i64::MAX
        ))
    })?;
    RotateApiKeyRequestBuilder::default()
        .key_transition_period_ms(milliseconds)
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_matches_by_its_visible_ends() {
        for (masked, expected) in [
            (Some("ab*****xyz"), true),
            (Some("abc*xyz"), true),
            (Some("ab*****xyy"), false),
            (Some("bb*****xyz"), false),
            (Some("*****"), false),
            (Some("a*****z"), false),
            (Some("ab**12**xyz"), false),
            (Some("abcdefuvwxyz"), false),
            (Some("abcdef*uvwxyz"), false),
            (Some(""), false),
            (None, false),
        ] {
            assert_eq!(matches_mask("abcdefuvwxyz", masked), expected, "{masked:?}");
        }
    }

    #[test]
    fn fractions_of_a_millisecond_are_rounded_up() {
        for (transition, milliseconds) in [
            (Duration::from_millis(1_800_000), 1_800_000),
            (Duration::from_nanos(1_799_999_999_999), 1_800_000),
            (Duration::from_nanos(1_800_000_000_001), 1_800_001),
        ] {
            let body = request_body(transition).unwrap();
            assert_eq!(body.key_transition_period_ms, Some(milliseconds));
        }
        assert!(
            request_body(Duration::MAX)
                .unwrap_err()
                .is_invalid_request()
        );
    }
}
