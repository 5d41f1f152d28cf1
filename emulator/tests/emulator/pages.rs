//! The envelopes of lists, the names of their pages and where those begin, one row for each list.

use serde_json::{Value, json};

use crate::support::{World, text};

const SNAKE: Option<(&str, &str)> = Some(("current_page", "page_size"));
const CAMEL: Option<(&str, &str)> = Some(("currentPage", "pageSize"));

/// Path, name of the items, name of the total, names of page and size.
type Row = (
    String,
    &'static str,
    &'static str,
    Option<(&'static str, &'static str)>,
);

async fn rows(world: &World) -> Vec<Row> {
    let workspace = text(&world.first("/admin/workspaces").await["id"]);
    let of = format!("workspace_id={workspace}");
    let prompt = text(&world.first("/prompts").await["slug"]);
    let config = text(&world.first("/configs").await["slug"]);
    let partial = json!({"name": "p", "string": "s", "workspace_id": workspace});
    let partial = text(&world.post("/prompts/partials", partial).await["slug"]);
    let organisation = world.emulator.organisation_id("Example").unwrap();
    let span = "start_time=2000-01-01T00:00:00Z&end_time=2999-01-01T00:00:00Z";
    let made =
        "time_of_generation_min=2000-01-01T00:00:00Z&time_of_generation_max=2999-01-01T00:00:00Z";
    let list = |path: String, names| (path, "data", "total", names);
    vec![
        list(format!("/collections?{of}"), SNAKE),
        list(format!("/labels?organisation_id={organisation}"), SNAKE),
        list("/prompts".to_owned(), SNAKE),
        list(format!("/prompts/{prompt}/versions"), None),
        list(format!("/prompts/partials?{of}"), None),
        list(format!("/prompts/partials/{partial}/versions"), None),
        list(format!("/guardrails?{of}"), SNAKE),
        list("/configs".to_owned(), None),
        list(format!("/configs/{config}/versions"), None),
        list("/integrations".to_owned(), SNAKE),
        (
            "/integrations/openai-main/models".to_owned(),
            "models",
            "total",
            None,
        ),
        (
            "/integrations/openai-main/workspaces".to_owned(),
            "workspaces",
            "total",
            None,
        ),
        list(format!("/providers?{of}"), SNAKE),
        list("/virtual-keys".to_owned(), SNAKE),
        list("/admin/users".to_owned(), CAMEL),
        list("/admin/users/invites".to_owned(), CAMEL),
        list("/admin/workspaces".to_owned(), SNAKE),
        list(format!("/admin/workspaces/{workspace}/users"), SNAKE),
        (
            "/scim/workspaces".to_owned(),
            "mappings",
            "total_count",
            Some(("page", "page_size")),
        ),
        list("/mcp-integrations".to_owned(), SNAKE),
        list("/logs/exports".to_owned(), None),
        (
            format!("/audit-logs?{span}&organisation_id={organisation}"),
            "records",
            "total",
            SNAKE,
        ),
        list("/api-keys".to_owned(), SNAKE),
        list(format!("/policies/usage-limits?{of}"), SNAKE),
        list(format!("/policies/rate-limits?{of}"), SNAKE),
        list(format!("/analytics/groups/users?{made}"), SNAKE),
        list(format!("/analytics/groups/ai-models?{made}"), SNAKE),
        list(format!("/analytics/groups/metadata/_user?{made}"), SNAKE),
        list("/secret-references".to_owned(), SNAKE),
    ]
}

#[tokio::test]
async fn every_list_has_its_envelope_and_pages_from_zero() {
    let world = World::new().await;
    for (path, items, total, names) in rows(&world).await {
        let page = |list: &Value| list[items].as_array().map(Vec::len);
        let whole = world.get(&path).await;
        let count = page(&whole).unwrap_or_else(|| panic!("{path}: no `{items}`: {whole}"));
        assert_eq!(whole[total], json!(count), "{path}: {whole}");
        assert!(whole.get("success").is_none(), "{path}: {whole}");
        assert!(
            whole["object"].is_string() || items == "mappings",
            "{path}: {whole}"
        );
        let Some((number, size)) = names else {
            continue;
        };
        let mark = if path.contains('?') { '&' } else { '?' };
        let cut = async |at: usize| {
            let path = format!("{path}{mark}{number}={at}&{size}=1");
            world.get(&path).await
        };
        // Page by page it is the same list, and there is nothing behind the last page.
        let mut pages = Vec::new();
        for at in 0..count {
            pages.extend(cut(at).await[items].as_array().cloned().unwrap());
        }
        assert_eq!(json!(pages), whole[items], "{path}");
        let behind = cut(count).await;
        assert_eq!(
            (page(&behind), &behind[total]),
            (Some(0), &json!(count)),
            "{path}"
        );
    }
}
