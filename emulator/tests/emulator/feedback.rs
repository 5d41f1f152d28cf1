//! Feedback and its analytics.

use reqwest::Method;
use serde_json::{Value, json};

use crate::logs::entry;
use crate::support::{TestClient, string};

const WINDOW: &str =
    "time_of_generation_min=2000-01-01T00:00:00Z&time_of_generation_max=2999-01-01T00:00:00Z";

async fn client() -> (TestClient, String) {
    let client = TestClient::new().await;
    let workspace = client.first_workspace().await;
    let (_, key) = client.workspace_key(&workspace, &["logs.write"]).await;
    (client, key)
}

async fn graph(client: &TestClient, name: &str, filters: &str) -> Value {
    client
        .get(&format!("/analytics/graphs/{name}?{WINDOW}{filters}"))
        .await
}

#[tokio::test]
async fn feedback_is_created_updated_and_counted() {
    let (client, key) = client().await;
    client
        .post("/logs", json!([entry("a", 200, 1), entry("b", 200, 1)]))
        .await;
    let send = async |method, path: &str, body| {
        let response = client.send_as(&key, method, path, body).await;
        assert_eq!(response.status, 200, "{}", response.body);
        response.body
    };
    let one = send(
        Method::POST,
        "/feedback",
        json!({"trace_id": "trace-a", "value": 4, "weight": 0.5, "metadata": {"from": "test"}}),
    )
    .await;
    assert_eq!(one["status"], "success");
    let many = json!([{"trace_id": "trace-b", "value": -10}, {"trace_id": "unknown", "value": 10}]);
    let many = send(Method::POST, "/feedback", many).await;
    assert_eq!(many["feedback_ids"].as_array().unwrap().len(), 2);

    assert_eq!(graph(&client, "feedbacks", "").await["summary"]["total"], 3);
    let average = graph(&client, "feedbacks/weighted", "").await;
    assert!((average["summary"]["avg"].as_f64().unwrap() - 2.0 / 3.0).abs() < 1e-9);
    assert_eq!(
        graph(&client, "feedbacks/scores", "").await["data_points"],
        json!([
            {"score": -10, "total": 1},
            {"score": 4, "total": 1},
            {"score": 10, "total": 1},
        ])
    );
    assert_eq!(
        graph(&client, "feedbacks/ai-models", "").await["data_points"],
        json!([{"ai_model": "example-model", "total": 2, "avg_weighted_feedback": -4.0}])
    );
    let of_logs = graph(&client, "feedbacks", "&status_code=200").await;
    assert_eq!(of_logs["summary"]["total"], 2, "one feedback has no log");
    let good = graph(&client, "requests", "&weighted_feedback_min=1").await;
    assert_eq!(good["summary"]["total"], 1);

    let id = string(&one["feedback_ids"][0]);
    send(
        Method::PUT,
        &format!("/feedback/{id}"),
        json!({"value": 5, "weight": 1}),
    )
    .await;
    let scores = graph(&client, "feedbacks/scores", "").await;
    assert_eq!(scores["data_points"][1]["score"], 5);
    let metadata = client
        .get(&format!("/analytics/groups/metadata/team?{WINDOW}"))
        .await;
    let row = &metadata["data"][0];
    assert_eq!(
        (
            &row["metadata_value"],
            &row["requests"],
            &row["requests_with_feedback"]
        ),
        (&json!("search"), &json!(2), &json!(2))
    );
    assert_eq!(row["avg_weighted_feedback"], -2.5);
}

#[tokio::test]
async fn errors_name_the_invalid_field() {
    let (client, key) = client().await;
    let valid = json!({"trace_id": "a", "value": 1});
    let response = client
        .send_as(&client.key, Method::POST, "/feedback", valid)
        .await;
    assert_eq!(response.status, 403, "organisation key");
    for (body, field) in [
        (json!({"trace_id": "a"}), "`/value` is required"),
        (json!({"trace_id": "a", "value": 11}), "`/value`"),
        (json!([{"value": 1}]), "`/0/trace_id` is required"),
        (json!([]), "body"),
    ] {
        let response = client.send_as(&key, Method::POST, "/feedback", body).await;
        let (status, _, message) = response.error();
        assert!(status == 400 && message.contains(field), "{message}");
    }
    let path = "/feedback/00000000-0000-4000-8000-000000000001";
    let response = client
        .send_as(&key, Method::PUT, path, json!({"value": 1}))
        .await;
    assert_eq!(response.error().0, 404);
}
