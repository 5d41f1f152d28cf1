//! The hosts that the organisation's traffic may go to. The list is stored but has no effect.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::organisation::OrganisationInfo;
use super::plain::Plain;
use super::table::{Row, Table, row};
use crate::call::Call;
use crate::error::ApiError;

pub(crate) type EgressAllowlist = Table<EgressAllowlistEntry>;

/// The hosts where cloud providers serve the metadata of a machine.
const METADATA_HOSTS: [&str; 5] = [
    "100.100.100.200",
    "169.254.169.254",
    "fd00:ec2::254",
    "metadata",
    "metadata.google.internal",
];

/// A host that traffic may go to.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct EgressAllowlistEntry {
    id: String,
    domain: String,
    description: Value,
    created_by: String,
    created_at: String,
    last_updated_at: String,
}

row! { EgressAllowlistEntry: "egress allowlist entry", id: id }

impl EgressAllowlistEntry {
    fn json_without_organisation(&self) -> Value {
        json!({
            "id": self.id,
            "domain": self.domain,
            "description": self.description,
            "created_by": self.created_by,
            "created_at": self.created_at,
            "last_updated_at": self.last_updated_at,
            "object": "egress-allowlist",
        })
    }
}

impl Plain for EgressAllowlistEntry {
    fn new(call: &Call) -> Result<Self, ApiError> {
        let mut entry = Self {
            id: call.ids.uuid(),
            domain: call.required_str("domain")?.to_owned(),
            description: Value::Null,
            created_by: call.caller.actor().to_owned(),
            created_at: call.timestamp(),
            last_updated_at: call.timestamp(),
        };
        entry.apply(call)?;
        Ok(entry)
    }

    fn apply(&mut self, call: &Call) -> Result<(), ApiError> {
        if let Some(domain) = call.body_str("domain") {
            let domain = normalize(domain);
            self.domain = domain.map_err(|reason| ApiError::invalid_field("domain", reason))?;
        }
        call.set_value("description", &mut self.description);
        self.last_updated_at = call.timestamp();
        Ok(())
    }

    fn json(&self, organisation: &OrganisationInfo, _: &Call) -> Value {
        let mut body = self.json_without_organisation();
        body["organisation_id"] = json!(organisation.id);
        body
    }

    fn created_json(&self) -> Value {
        self.json_without_organisation()
    }

    fn check_unique(&self, table: &Table<Self>) -> Result<(), ApiError> {
        let mut others = table.iter();
        match others.any(|other| other.domain == self.domain && other.id != self.id) {
            true => Err(ApiError::conflict("another entry has this domain")),
            false => Ok(()),
        }
    }
}

/// Returns a host name, an IP address or `*.` with a host name, in lower case (V149); the error is
/// the reason why it is refused.
fn normalize(domain: &str) -> Result<String, &'static str> {
    let domain = domain.trim().to_ascii_lowercase();
    let unbracketed = domain
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    let host = unbracketed.unwrap_or(&domain);
    let is_address = host.parse::<IpAddr>().is_ok();
    let name = host.strip_prefix("*.").unwrap_or(host);
    if !is_address && (unbracketed.is_some() || !is_host_name(name)) {
        return Err("must be a host name, an IP address or `*.` followed by a host name");
    }
    let is_wildcard = name.len() < host.len();
    let covers = |metadata: &&str| match metadata.strip_suffix(name) {
        Some(rest) => rest.is_empty() || (is_wildcard && rest.ends_with('.')),
        None => false,
    };
    match METADATA_HOSTS.iter().any(covers) {
        true => Err("must not be a metadata host"),
        false => Ok(host.to_owned()),
    }
}

fn is_host_name(name: &str) -> bool {
    let is_label = |label: &str| {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        (1..=63).contains(&label.len())
            && label.bytes().all(is_allowed)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let is_numeric = |label: &str| label.bytes().all(|byte| byte.is_ascii_digit());
    // A last label of digits is part of a malformed IPv4 address.
    let last = name.rsplit('.').next().unwrap_or_default();
    name.len() <= 253 && name.split('.').all(is_label) && !is_numeric(last)
}

#[cfg(test)]
mod tests {
    use super::normalize;

    #[test]
    fn hosts_are_trimmed_and_lower_cased() {
        for (domain, expected) in [
            (" API.Example.com ", "api.example.com"),
            ("*.Example.com", "*.example.com"),
            ("10.0.0.7", "10.0.0.7"),
            ("[2001:DB8::1]", "2001:db8::1"),
            ("intranet", "intranet"),
        ] {
            assert_eq!(normalize(domain).as_deref(), Ok(expected));
        }
    }

    #[test]
    fn anything_but_a_host_is_refused() {
        for domain in [
            "",
            "https://example.com",
            "example.com/path",
            "user@example.com",
            "example.com:443",
            "*",
            "*.",
            "a.*.example.com",
            "-a.example.com",
            "a..example.com",
            "1.2.3",
            "[example.com]",
            "METADATA",
            "169.254.169.254",
            "[fd00:ec2::254]",
            "metadata.google.internal",
            "*.google.internal",
            "*.internal",
        ] {
            assert!(normalize(domain).is_err(), "{domain}");
        }
    }
}
