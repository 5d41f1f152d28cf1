//! The base URL of each plane.

use super::base_url::BaseUrl;
use crate::{Error, operation::Plane};

/// The base URLs of a client. Planes without a default have none unless it is set.
pub(super) struct BaseUrls {
    pub(super) control: BaseUrl,
    pub(super) gateway: BaseUrl,
    pub(super) public: BaseUrl,
    pub(super) mcp: Option<BaseUrl>,
    pub(super) prices: Option<BaseUrl>,
}

impl BaseUrls {
    /// Returns the base URL of a plane; the error names the setting that is missing.
    pub(super) fn get(&self, plane: Plane) -> Result<&BaseUrl, Error> {
        match plane {
            Plane::Control => Ok(&self.control),
            Plane::Gateway => Ok(&self.gateway),
            Plane::Public => Ok(&self.public),
            Plane::Mcp => self
                .mcp
                .as_ref()
                .ok_or_else(|| missing("the MCP gateway", "PORTKEY_MCP_BASE_URL", "mcp_base_url")),
            Plane::Prices => self.prices.as_ref().ok_or_else(|| {
                missing(
                    "the price files",
                    "PORTKEY_PRICES_BASE_URL",
                    "prices_base_url",
                )
            }),
        }
    }

    /// Returns all base URLs that are set.
    pub(super) fn iter(&self) -> impl Iterator<Item = &BaseUrl> {
        [&self.control, &self.gateway, &self.public]
            .into_iter()
            .chain(&self.mcp)
            .chain(&self.prices)
    }
}

fn missing(server: &str, variable: &str, method: &str) -> Error {
    Error::configuration(format!(
        "no base URL of {server}: set {variable} or call `{method}`; the default applies only with \
         the hosted control plane"
    ))
}
