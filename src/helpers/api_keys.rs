//! Rotation of an API key with a transition period.

use std::time::Duration;

use crate::{
    Error,
    api_keys::{RotateApiKey, RotateApiKeyRequest, RotateApiKeyRequestBuilder},
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
