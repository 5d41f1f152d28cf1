//! Rotation with a transition.

use std::time::Duration;

use crate::{
    Error,
    builder::RotateApiKey,
    types::{RotateApiKeyRequest, builder},
};

impl RotateApiKey {
    /// How long the old value stays valid beside the new one: at least half an hour (S25), in whole
    /// milliseconds, rounded up. Without it the service decides (M162).
    ///
    /// Takes the place of the body. The new value comes once, as a [`Secret`](crate::Secret); no read
    /// shows until when the old one is valid (M162).
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
        self.call.body(body(transition));
        self
    }
}

fn body(transition: Duration) -> Result<RotateApiKeyRequest, Error> {
    let milliseconds = transition.as_nanos().div_ceil(1_000_000);
    let milliseconds = i64::try_from(milliseconds).map_err(|_| {
        Error::invalid_request(format!("a transition of {transition:?} is too long"))
    })?;
    builder::RotateApiKeyRequest::default()
        .key_transition_period_ms(milliseconds)
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_millisecond_counts_as_one() {
        for (transition, milliseconds) in [
            (Duration::from_millis(1_800_000), 1_800_000),
            (Duration::from_nanos(1_799_999_999_999), 1_800_000),
            (Duration::from_nanos(1_800_000_000_001), 1_800_001),
        ] {
            let body = body(transition).unwrap();
            assert_eq!(body.key_transition_period_ms, Some(milliseconds));
        }
        assert!(body(Duration::MAX).unwrap_err().is_invalid_request());
    }
}
