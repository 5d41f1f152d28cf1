//! Cost and usage.

use serde_json::{Value, json};

use crate::support::{World, column, text};

fn window(from: &str, to: &str) -> String {
    format!("time_of_generation_min={from}&time_of_generation_max={to}")
}

async fn cost(world: &World, from: &str, to: &str) -> Value {
    world
        .get(&format!("/analytics/graphs/cost?{}", window(from, to)))
        .await
}

#[tokio::test]
async fn the_same_window_has_the_same_figures() {
    let world = World::new().await;
    let (from, to) = ("2026-02-01T00:00:00Z", "2026-02-11T00:00:00Z");
    let graph = cost(&world, from, to).await;
    assert_eq!(graph["object"], "analytics-graph");
    let points = graph["data_points"].as_array().unwrap();
    assert_eq!(
        (points.len(), &points[0]["timestamp"]),
        (10, &json!("2026-02-01T00:00:00.000Z"))
    );
    let sum: f64 = points
        .iter()
        .map(|point| point["total"].as_f64().unwrap())
        .sum();
    let total = graph["summary"]["total"].as_f64().unwrap();
    assert!(total > 0.0 && (sum - total).abs() < 1e-6, "{sum} {total}");
    assert_eq!(cost(&World::new().await, from, to).await, graph);
}

#[tokio::test]
async fn a_window_counts_what_lies_in_it() {
    let world = World::new().await;
    let day = cost(&world, "2026-02-01T00:00:00Z", "2026-02-02T00:00:00Z").await;
    assert_eq!(day["data_points"].as_array().unwrap().len(), 24);
    let morning = cost(&world, "2026-02-01T00:00:00Z", "2026-02-01T12:00:00Z").await;
    let evening = cost(&world, "2026-02-01T12:00:00Z", "2026-02-02T00:00:00Z").await;
    let total = |graph: &Value| graph["summary"]["total"].as_f64().unwrap();
    assert!((total(&morning) + total(&evening) - total(&day)).abs() < 1e-6);
    let before = cost(&world, "2020-01-01T00:00:00Z", "2020-02-01T00:00:00Z").await;
    assert_eq!(
        (&before["summary"]["total"], &before["data_points"]),
        (&json!(0.0), &json!([]))
    );
    let future = cost(&world, "2999-01-01T00:00:00Z", "2999-02-01T00:00:00Z").await;
    assert_eq!(future["data_points"], json!([]));
}

#[tokio::test]
async fn usage_is_grouped_by_user_and_adds_up() {
    let world = World::new().await;
    let (from, to) = ("2026-02-01T00:00:00Z", "2026-02-11T00:00:00Z");
    let list = world
        .get(&format!("/analytics/groups/users?{}", window(from, to)))
        .await;
    assert_eq!(
        (&list["object"], &list["total"]),
        (&json!("list"), &json!(3))
    );
    assert_eq!(column(&list, "object"), ["analytics-group"; 3]);
    let sum: f64 = column(&list, "cost")
        .iter()
        .map(|cost| cost.parse::<f64>().unwrap())
        .sum();
    let total = cost(&world, from, to).await["summary"]["total"]
        .as_f64()
        .unwrap();
    assert!((sum - total).abs() < 1e-6, "{sum} {total}");
    let page = world
        .get(&format!(
            "/analytics/groups/users?{}&page_size=2&current_page=1",
            window(from, to)
        ))
        .await;
    assert_eq!(column(&page, "user"), ["user3@example.com"]);
}

#[tokio::test]
async fn figures_belong_to_the_seeded_workspace() {
    let world = World::new().await;
    let figures = window("2026-02-01T00:00:00Z", "2026-02-02T00:00:00Z");
    let seeded = text(&world.first("/admin/workspaces").await["slug"]);
    let other = text(&world.workspace("Other").await["slug"]);
    let path = |slug: &str| format!("/analytics/groups/users?{figures}&workspace_slug={slug}");
    assert_eq!(world.get(&path(&seeded)).await["total"], 3);
    assert_eq!(world.get(&path(&other)).await["total"], 0);
}
