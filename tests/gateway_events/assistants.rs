//! Runs of assistants and prompts.

use portkey_admin::gateway::threads::{AssistantStreamEvent, CreateRunRequest};
use serde_json::{Value, json};

use crate::{
    collected::chunks_and_response, event_stream, events_with_done, support::server_and_client,
};

#[tokio::test]
async fn run_is_streamed_as_named_events() {
    let event = |name: &str, data: Value| format!("event: {name}\ndata: {data}\n\n");
    let run = |status: &str| json!({"id": "run-1", "object": "thread.run", "status": status});
    let body = event("thread.run.created", run("queued"))
        + &event(
            "thread.message.delta",
            json!({"id": "m", "object": "thread.message.delta"}),
        )
        + &event("thread.new", json!({"a": 1}))
        + &event("thread.run.completed", run("completed"))
        + "event: done\ndata: [DONE]\n\n";
    let (server, client) = server_and_client(event_stream(body));
    let open = || {
        let request = CreateRunRequest::builder().assistant_id("a");
        client.create_run("thread-1").body(request).stream()
    };
    let mut stream = open().await.unwrap();
    let first = stream.next().await.unwrap().unwrap();
    match &first {
        AssistantStreamEvent::ThreadRunCreated(event) => {
            assert_eq!(event.data.as_ref().unwrap().id.as_deref(), Some("run-1"));
        }
        other => panic!("{other:?}"),
    }
    assert!(matches!(
        stream.next().await.unwrap().unwrap(),
        AssistantStreamEvent::ThreadMessageDelta(_)
    ));
    let unknown = stream.next().await.unwrap().unwrap();
    assert_eq!(
        serde_json::to_value(&unknown).unwrap(),
        json!({"event": "thread.new", "data": {"a": 1}})
    );
    assert!(stream.next().await.unwrap().is_ok());
    assert!(stream.next().await.is_none());
    let response = open().await.unwrap().final_response().await.unwrap();
    assert_eq!(serde_json::to_value(&response).unwrap(), run("completed"));
    assert_eq!(server.requests()[0].target, "/v1/threads/thread-1/runs");

    let (_server, client) = server_and_client(event_stream(event(
        "thread.run.created",
        json!("}, \"canary\": 1"),
    )));
    let request = CreateRunRequest::builder().assistant_id("a");
    let opened = client.create_run("thread-1").body(request).stream().await;
    drop(opened.unwrap());
}

#[cfg(feature = "prompts")]
#[tokio::test]
async fn run_prompt_can_be_streamed() {
    use portkey_admin::prompts::RunPromptRequest;

    let (chunks, complete) = chunks_and_response();
    let (server, client) = server_and_client(event_stream(events_with_done(&chunks)));
    let request = RunPromptRequest::builder().variables(serde_json::Map::new());
    let stream = client.run_prompt("p").body(request).stream().await.unwrap();
    let mut text = String::new();
    let response = stream
        .final_response_with(|chunk| text.push_str(chunk.text()))
        .await
        .unwrap();
    assert_eq!(response.text(), Some(text.as_str()));
    let message = serde_json::to_value(&response.choices[0].message).unwrap();
    assert_eq!(message, complete["choices"][0]["message"]);
    let request = server.request();
    assert_eq!(request.target, "/v1/prompts/p/completions");
    assert_eq!(request.json()["stream"], true);
}
