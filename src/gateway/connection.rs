//! What another client needs to send requests through the gateway.

use std::fmt;

use http::{HeaderMap, header::USER_AGENT};

use crate::{Client, Error, Plane};

// The evidence for the headers that another client needs: V815.

/// The base URL and the headers with which another OpenAI-compatible client sends its requests
/// through the gateway.
///
/// See the guide: [other clients](crate::guide::other_clients).
#[derive(Clone)]
pub struct GatewayConnection {
    base_url: String,
    headers: HeaderMap,
}

/// # Other clients
///
/// Requires the feature `gateway`.
impl Client {
    /// Returns the base URL and the headers of requests to the gateway: the API key, the
    /// [`GatewayOptions`](crate::gateway::GatewayOptions) and the headers of this client.
    ///
    /// ```
    /// use portkey_admin::{Client, RequestOptions, gateway::GatewayOptions};
    ///
    /// # fn main() -> Result<(), portkey_admin::Error> {
    /// let options = RequestOptions::new().gateway(GatewayOptions::new().provider("@openai"));
    /// let client = Client::builder().api_key("key").options(options).build()?;
    /// let connection = client.gateway_connection()?;
    /// assert_eq!(connection.base_url(), "https://api.portkey.ai/v1");
    /// assert_eq!(connection.expose_headers()["x-portkey-provider"], "@openai");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// If an option is invalid.
    pub fn gateway_connection(&self) -> Result<GatewayConnection, Error> {
        self.options().check()?;
        let mut headers = self.default_headers(Some(Plane::Gateway)).clone();
        // The other client has its own.
        headers.remove(USER_AGENT);
        Ok(GatewayConnection {
            base_url: self.base_url(Plane::Gateway)?.as_str().to_owned(),
            headers,
        })
    }
}

impl GatewayConnection {
    /// Returns the base URL of the gateway, without a slash at the end.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Returns the headers, which contain the API key and may contain other secrets. `Debug` of a
    /// header map does not show them, because they are marked as sensitive.
    pub fn expose_headers(&self) -> HeaderMap {
        self.headers.clone()
    }
}

impl fmt::Debug for GatewayConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.headers.keys().map(|name| name.as_str()).collect();
        f.debug_struct("GatewayConnection")
            .field("base_url", &self.base_url)
            .field("headers", &names)
            .finish()
    }
}
