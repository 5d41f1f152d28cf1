//! Lists of the capabilities of MCP integrations and servers: tools, prompts, resources and resource
//! templates.

use serde_json::{Map, Value, json};

use crate::call::Call;
use crate::handlers::upstreams::PAGE_SIZES;
use crate::response::ResponseBody;
use crate::state::upstreams::capabilities::Capability;

/// The kinds of capability, and their names in `counts`.
const KINDS: [(&str, &str); 4] = [
    ("tool", "tools"),
    ("prompt", "prompts"),
    ("resource", "resources"),
    ("resource_template", "resource_templates"),
];

/// Returns a page of capabilities, filtered by the query parameter `type`. The counts cover all
/// kinds and pages.
pub(super) fn page<T>(
    call: &Call,
    rows: Vec<T>,
    capability_of: impl Fn(&T) -> (&Capability, bool),
    to_json: impl Fn(T) -> Value,
) -> ResponseBody {
    let counts = KINDS.iter().map(|(kind, name)| {
        let of_kind = || {
            rows.iter()
                .map(&capability_of)
                .filter(|(capability, _)| capability.kind == *kind)
        };
        let enabled = of_kind().filter(|(_, enabled)| *enabled).count();
        let counts = json!({"total": of_kind().count(), "enabled": enabled});
        ((*name).to_owned(), counts)
    });
    let counts: Map<String, Value> = counts.collect();
    let matching = rows.into_iter();
    let matching: Vec<T> = matching
        .filter(|row| call.matches_filter("type", &capability_of(row).0.kind))
        .collect();
    call.page_sized(PAGE_SIZES, matching, to_json)
        .with_field("counts", Value::Object(counts))
}
