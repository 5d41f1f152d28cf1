//! The envelope, the page parameters and the first page of each list.

use serde_json::{Value, json};

use crate::support::{TestClient, string};

const SNAKE_CASE: Option<(&str, &str)> = Some(("current_page", "page_size"));
const CAMEL_CASE: Option<(&str, &str)> = Some(("currentPage", "pageSize"));

/// The path, and the names of the items, the total, and the page and size parameters.
type ListCase = (
    String,
    &'static str,
    &'static str,
    Option<(&'static str, &'static str)>,
);

async fn list_cases(client: &TestClient) -> Vec<ListCase> {
    let workspace = client.first_workspace().await;
    let workspace_query = format!("workspace_id={workspace}");
    let prompt = string(&client.first("/prompts").await["slug"]);
    let config = string(&client.first("/configs").await["slug"]);
    let partial = json!({"name": "p", "string": "s", "workspace_id": workspace});
    let partial = string(&client.post("/prompts/partials", partial).await["slug"]);
    let organisation = client.emulator.organisation_id("Example").unwrap();
    let span = "start_time=2000-01-01T00:00:00Z&end_time=2999-01-01T00:00:00Z";
    let generated =
        "time_of_generation_min=2000-01-01T00:00:00Z&time_of_generation_max=2999-01-01T00:00:00Z";
    let list = |path: String, names| (path, "data", "total", names);
    vec![
        list(format!("/collections?{workspace_query}"), SNAKE_CASE),
        list(
            format!("/labels?organisation_id={organisation}"),
            SNAKE_CASE,
        ),
        list("/prompts".to_owned(), SNAKE_CASE),
        list(format!("/prompts/{prompt}/versions"), None),
        list(format!("/prompts/partials?{workspace_query}"), None),
        list(format!("/prompts/partials/{partial}/versions"), None),
        list(format!("/guardrails?{workspace_query}"), SNAKE_CASE),
        list("/configs".to_owned(), None),
        list(format!("/configs/{config}/versions"), None),
        list("/integrations".to_owned(), SNAKE_CASE),
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
        list(format!("/providers?{workspace_query}"), SNAKE_CASE),
        list(format!("/virtual-keys?{workspace_query}"), SNAKE_CASE),
        list("/admin/users".to_owned(), CAMEL_CASE),
        list("/admin/users/invites".to_owned(), CAMEL_CASE),
        list("/admin/workspaces".to_owned(), SNAKE_CASE),
        list(format!("/admin/workspaces/{workspace}/users"), SNAKE_CASE),
        (
            "/scim/workspaces".to_owned(),
            "mappings",
            "total_count",
            Some(("page", "page_size")),
        ),
        list("/mcp-integrations".to_owned(), SNAKE_CASE),
        list("/logs/exports".to_owned(), None),
        (
            format!("/audit-logs?{span}&organisation_id={organisation}"),
            "records",
            "total",
            SNAKE_CASE,
        ),
        list("/api-keys".to_owned(), SNAKE_CASE),
        list(
            format!("/policies/usage-limits?{workspace_query}"),
            SNAKE_CASE,
        ),
        list(
            format!("/policies/rate-limits?{workspace_query}"),
            SNAKE_CASE,
        ),
        list(format!("/analytics/groups/users?{generated}"), SNAKE_CASE),
        list(
            format!("/analytics/groups/ai-models?{generated}"),
            SNAKE_CASE,
        ),
        list(
            format!("/analytics/groups/metadata/_user?{generated}"),
            SNAKE_CASE,
        ),
        list("/secret-references".to_owned(), SNAKE_CASE),
    ]
}

#[tokio::test]
async fn every_list_has_its_envelope_and_pages_from_zero() {
    let client = TestClient::new().await;
    for (path, items, total, names) in list_cases(&client).await {
        let page = |list: &Value| list[items].as_array().map(Vec::len);
        let full = client.get(&path).await;
        let count = page(&full).unwrap_or_else(|| panic!("{path}: `{items}` is missing: {full}"));
        assert_eq!(full[total], json!(count), "{path}: {full}");
        assert!(full.get("success").is_none(), "{path}: {full}");
        assert!(
            full["object"].is_string() || items == "mappings",
            "{path}: {full}"
        );
        let Some((number, size)) = names else {
            continue;
        };
        let separator = if path.contains('?') { '&' } else { '?' };
        let get_page = async |at: usize| {
            let path = format!("{path}{separator}{number}={at}&{size}=1");
            client.get(&path).await
        };
        // The pages add up to the same list, and the page after the last one is empty.
        let mut pages = Vec::new();
        for at in 0..count {
            pages.extend(get_page(at).await[items].as_array().cloned().unwrap());
        }
        assert_eq!(json!(pages), full[items], "{path}");
        let after_last = get_page(count).await;
        assert_eq!(
            (page(&after_last), &after_last[total]),
            (Some(0), &json!(count)),
            "{path}"
        );
    }
}
