//! The pagination styles of the service: parameters, fields, and the number of the first page.

use chrono::Utc;
use portkey_admin::analytics::AnalyticsFilters;
use serde_json::json;

use crate::{
    DEFAULT_STYLE, Style, ids, items_with_ids, names, query_values, scripted, service, strings,
};

#[tokio::test]
async fn every_pagination_style_is_read_to_its_end() {
    let camel = Style {
        page: "currentPage",
        size: "pageSize",
        ..DEFAULT_STYLE
    };
    let (server, client) = service(camel, 5);
    assert_eq!(
        ids(client.list_users().stream().page_size(2))
            .await
            .unwrap(),
        names(0..5)
    );
    assert_eq!(
        query_values(&server, "currentPage"),
        strings(["0", "1", "2"])
    );
    assert_eq!(query_values(&server, "pageSize"), strings(["2", "2", "2"]));

    let scim = Style {
        page: "page",
        items: "mappings",
        total: Some("total_count"),
        ..DEFAULT_STYLE
    };
    let (server, client) = service(scim, 4);
    let list = client.list_scim_workspace_mappings().stream().page_size(2);
    assert_eq!(ids(list).await.unwrap(), names(0..4));
    assert_eq!(query_values(&server, "page"), strings(["0", "1"]));

    let groups = Style {
        items: "groups",
        ..scim
    };
    let (server, client) = service(groups, 3);
    let list = client.list_scim_groups().stream().page_size(2);
    assert_eq!(ids(list).await.unwrap(), names(0..3));
    assert!(
        server
            .requests()
            .iter()
            .all(|request| request.path() == "/v2/scim/groups")
    );

    let records = Style {
        items: "records",
        ..DEFAULT_STYLE
    };
    let (_server, client) = service(records, 3);
    let list = client
        .list_audit_logs()
        .start_time(Utc::now())
        .end_time(Utc::now())
        .organisation_id("one");
    assert_eq!(ids(list.stream().page_size(2)).await.unwrap(), names(0..3));

    let (_server, client) = service(DEFAULT_STYLE, 3);
    let list = client
        .get_usage_by_workspace()
        .filters(AnalyticsFilters::between(Utc::now(), Utc::now()));
    assert_eq!(ids(list.stream().page_size(2)).await.unwrap(), names(0..3));
}

#[tokio::test]
async fn page_numbers_may_start_at_one() {
    let style = Style {
        page: "page",
        first: 1,
        total: None,
        more: Some("has_more"),
        ..DEFAULT_STYLE
    };
    let (server, client) = service(style, 4);
    let list = client
        .list_mcp_integration_capabilities("one")
        .stream()
        .page_size(2);
    assert_eq!(ids(list).await.unwrap(), names(0..4));
    assert_eq!(query_values(&server, "page"), strings(["1", "2"]));

    let elsewhere = Style {
        items: "capabilities",
        ..style
    };
    let (_server, client) = service(elsewhere, 4);
    let list = client
        .list_mcp_server_capabilities("one")
        .stream()
        .page_size(2);
    assert_eq!(ids(list).await.unwrap(), names(0..4));
}

#[tokio::test]
async fn unpaginated_list_is_one_page() {
    let lists = [
        json!({"workspaces": items_with_ids(0..3), "total": 9}),
        json!({"workspaces": items_with_ids(0..3)}),
        json!({"data": items_with_ids(0..3)}),
        items_with_ids(0..3),
        json!({"data": items_with_ids(0..3)}),
    ];
    let (server, client) = scripted(lists.into());
    let list = client.list_integration_workspaces("one").stream();
    assert_eq!(ids(list.page_size(1)).await.unwrap(), names(0..3));
    for _ in 0..2 {
        let list = client.list_mcp_integration_workspaces("one").stream();
        assert_eq!(ids(list).await.unwrap(), names(0..3));
    }
    for _ in 0..2 {
        let list = client.list_guardrail_mcp_servers("one").stream();
        assert_eq!(ids(list.prefetch(true)).await.unwrap(), names(0..3));
    }
    let requests = server.requests();
    assert_eq!(requests.len(), 5);
    assert!(
        requests.iter().all(|request| request.query().is_empty()),
        "{requests:?}"
    );
}
