//! Event streams and scripts.

use std::time::{Duration, Instant};

use portkey_admin_emulator::{Emulator, Fault, Key, LineEnding, Organisation, Script};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{TestClient, string};

/// Creates a client with a workspace key, which model requests require.
pub async fn client() -> TestClient {
    let organisation = Organisation::named("Acme")
        .workspace("Main")
        .key(Key::workspace("Main", "app"));
    let emulator = Emulator::builder().organisation(organisation);
    let mut client = TestClient::with_emulator(emulator.start().await.unwrap());
    client.key = client.emulator.key("app").unwrap();
    client
}

fn chat_request(text: &str) -> Value {
    json!({"model": "gpt-4o", "messages": [{"role": "user", "content": text}]})
}

fn with_stream(mut body: Value) -> Value {
    body["stream"] = json!(true);
    body
}

fn post(client: &TestClient, path: &str, body: &Value) -> reqwest::RequestBuilder {
    let url = format!("{}{path}", client.emulator.base_url());
    let request = client.http.post(url).json(body);
    request.header("x-portkey-api-key", &client.key)
}

/// Sends a request and returns the complete body of the event stream.
async fn body(client: &TestClient, path: &str, body: &Value) -> String {
    let response = post(client, path, body).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let kind = response.headers()["content-type"].to_str().unwrap();
    assert!(kind.starts_with("text/event-stream"), "{kind}");
    response.text().await.unwrap()
}

/// Returns the data received until the connection failed.
async fn read_until_error(client: &TestClient, path: &str, body: &Value) -> String {
    let mut response = post(client, path, body).send().await.unwrap();
    let mut all = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) => all.extend(chunk),
            Ok(None) => panic!("expected a connection error, but the stream ended normally"),
            Err(_) => return String::from_utf8_lossy(&all).into_owned(),
        }
    }
}

/// Parses the names and data of the events of a stream.
fn events(body: &str) -> Vec<(String, String)> {
    let blocks = body.split("\n\n").filter(|block| !block.is_empty());
    let field = |block: &str, name: &str| {
        let mut lines = block.lines();
        let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        value.unwrap_or_default().to_owned()
    };
    blocks
        .map(|block| (field(block, "event"), field(block, "data")))
        .collect()
}

fn json_events(body: &str) -> Vec<Value> {
    let events = events(body).into_iter();
    let events = events.filter(|(_, data)| data != "[DONE]");
    events
        .map(|(_, data)| serde_json::from_str(&data).unwrap())
        .collect()
}

#[tokio::test]
async fn a_chat_completion_echoes_whole_or_streamed() {
    let client = client().await;
    let whole = client
        .post("/chat/completions", chat_request("hello there"))
        .await;
    let message = &whole["choices"][0]["message"];
    assert_eq!(message["content"], "You said: hello there");
    assert_eq!(whole["usage"]["completion_tokens"], 4);

    let mut request = with_stream(chat_request("hello there"));
    request["n"] = json!(2);
    request["stream_options"] = json!({"include_usage": true});
    let stream = body(&client, "/chat/completions", &request).await;
    assert!(stream.ends_with("data: [DONE]\n\n"), "{stream}");
    let chunk_size = json_events(&stream);
    for index in [0, 1] {
        let pieces = chunk_size
            .iter()
            .flat_map(|chunk| chunk["choices"].as_array().unwrap());
        let pieces: Vec<&Value> = pieces.filter(|choice| choice["index"] == index).collect();
        assert_eq!(pieces[0]["delta"]["role"], "assistant");
        let text: String = pieces
            .iter()
            .filter_map(|piece| piece["delta"]["content"].as_str())
            .collect();
        assert_eq!(text, "You said: hello there");
        assert_eq!(pieces.last().unwrap()["finish_reason"], "stop");
    }
    let last = chunk_size.last().unwrap();
    assert_eq!(
        (&last["choices"], &last["usage"]["total_tokens"]),
        (&json!([]), &json!(10))
    );
}

#[tokio::test]
async fn tool_calls_are_streamed_and_tool_results_echoed() {
    let client = client().await;
    let parameters = json!({"type": "object", "properties": {"city": {"type": "string"}}});
    let function = json!({"name": "weather", "parameters": parameters});
    let mut request = chat_request("what is the weather in Tromsø today");
    request["tools"] = json!([{"type": "function", "function": function}]);
    let whole = client.post("/chat/completions", request.clone()).await;
    assert_eq!(whole["choices"][0]["finish_reason"], "tool_calls");
    let call = &whole["choices"][0]["message"]["tool_calls"][0];
    let arguments = string(&call["function"]["arguments"]);
    assert_eq!(
        arguments,
        r#"{"city":"what is the weather in Tromsø today"}"#
    );

    let stream = body(&client, "/chat/completions", &with_stream(request.clone())).await;
    let chunk_size = json_events(&stream);
    let calls = chunk_size
        .iter()
        .map(|chunk| &chunk["choices"][0]["delta"]["tool_calls"][0]);
    let calls: Vec<&Value> = calls.filter(|call| !call.is_null()).collect();
    assert_eq!(calls[0]["function"]["name"], "weather");
    assert!(calls.len() > 3, "{calls:?}");
    let bits: String = calls
        .iter()
        .filter_map(|call| call["function"]["arguments"].as_str())
        .collect();
    assert_eq!(bits, arguments);

    let messages = request["messages"].as_array_mut().unwrap();
    messages.push(whole["choices"][0]["message"].clone());
    messages.push(json!({"role": "tool", "tool_call_id": call["id"], "content": "rain"}));
    let after = client.post("/chat/completions", request).await;
    assert_eq!(
        after["choices"][0]["message"]["content"],
        "The tool said: rain"
    );
}

#[tokio::test]
async fn completions_continue_text() {
    let client = client().await;
    let request = json!({"model": "m", "prompt": "once upon"});
    let whole = client.post("/completions", request.clone()).await;
    assert_eq!(whole["choices"][0]["text"], "You said: once upon");
    let stream = body(&client, "/completions", &with_stream(request)).await;
    let chunk_size = json_events(&stream);
    let text: String = chunk_size
        .iter()
        .filter_map(|chunk| chunk["choices"][0]["text"].as_str())
        .collect();
    assert_eq!(text, "You said: once upon");
    assert!(stream.ends_with("data: [DONE]\n\n"));
}

#[tokio::test]
async fn responses_have_named_events_and_can_be_read_again() {
    let client = client().await;
    let request = json!({"model": "gpt-4o", "input": "hello"});
    let stream = body(&client, "/responses", &with_stream(request.clone())).await;
    let all = events(&stream);
    let names: Vec<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
    let expected = [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.delta",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ];
    assert_eq!(names, expected);
    let data = json_events(&stream);
    assert!(
        data.iter()
            .zip(&names)
            .all(|(data, name)| data["type"] == *name)
    );
    let completed = &data.last().unwrap()["response"];
    assert_eq!(
        completed["output"][0]["content"][0]["text"],
        "You said: hello"
    );

    let path = format!("/responses/{}", string(&completed["id"]));
    assert_eq!(client.get(&path).await, *completed);
    let items = client.get(&format!("{path}/input_items")).await;
    assert_eq!(items["data"][0]["content"][0]["text"], "hello");
    assert_eq!(client.delete(&path).await, json!({}));
    assert_eq!(
        client.expect_error(Method::GET, &path, Value::Null).await.0,
        404
    );

    let mut request = request;
    request["tools"] = json!([{"type": "function", "name": "find", "strict": false,
        "parameters": {"type": "object", "properties": {"what": {"type": "string"}}}}]);
    let whole = client.post("/responses", request).await;
    assert_eq!(whole["output"][0]["arguments"], r#"{"what":"hello"}"#);
}

#[tokio::test]
async fn a_prompt_run_equals_its_rendered_request() {
    let client = TestClient::new().await;
    let workspace = client.first("/admin/workspaces").await;
    let workspace = string(&workspace["id"]);
    let prompt = client.first("/prompts").await;
    let path = format!("/prompts/{}/completions", string(&prompt["id"]));
    let (_, key) = client
        .workspace_key(&workspace, &["completions.write", "logs.view"])
        .await;
    let client = TestClient { key, ..client };
    let request = json!({"variables": {"name": "Ada", "topic": "rain"}, "stream": true});
    let stream = body(&client, &path, &request).await;
    assert!(stream.ends_with("data: [DONE]\n\n"), "{stream}");
}

#[tokio::test]
async fn model_requests_are_logged() {
    let client = client().await;
    let request = post(&client, "/chat/completions", &chat_request("a b c"))
        .header("x-portkey-provider", "openai")
        .header("x-portkey-metadata", r#"{"_user": "ada"}"#)
        .header(
            "x-portkey-config",
            r#"{"provider": "openai", "api_key": "canary"}"#,
        );
    assert_eq!(request.send().await.unwrap().status(), StatusCode::OK);
    let span =
        "time_of_generation_min=2000-01-01T00:00:00Z&time_of_generation_max=2100-01-01T00:00:00Z";
    let admin = client.emulator.api_key().to_owned();
    let path = format!("/analytics/groups/ai-models?{span}");
    let groups = client
        .send_as(&admin, Method::GET, &path, Value::Null)
        .await;
    assert_eq!(
        groups.body["data"][0]["ai_model"], "gpt-4o",
        "{}",
        groups.body
    );
    let path = format!("/analytics/groups/users?{span}");
    let users = client
        .send_as(&admin, Method::GET, &path, Value::Null)
        .await;
    assert_eq!(users.body["data"][0]["user"], "ada", "{}", users.body);
    let snapshot = serde_json::to_string(&client.emulator.snapshot()).unwrap();
    assert!(snapshot.contains("a b c") && !snapshot.contains("canary"));
    // Model requests are not recorded in the audit log.
    let audit = client
        .send_as(&admin, Method::GET, "/audit-logs", Value::Null)
        .await;
    assert!(!audit.body.to_string().contains("chat"), "{}", audit.body);
}

#[tokio::test]
async fn the_key_and_the_request_are_checked() {
    let client = client().await;
    let response = client
        .send_as(
            "wrong",
            Method::POST,
            "/chat/completions",
            chat_request("x"),
        )
        .await;
    assert_eq!(response.error().0, 401);
    let admin = client.emulator.api_key().to_owned();
    let response = client
        .send_as(&admin, Method::POST, "/chat/completions", chat_request("x"))
        .await;
    assert_eq!(response.error().0, 403);
    let (status, _, message) = client
        .expect_error(Method::POST, "/chat/completions", json!({"model": "m"}))
        .await;
    assert_eq!(status, 400);
    assert!(message.contains("`/messages` is required"), "{message}");
}

#[tokio::test]
async fn a_script_sets_the_content() {
    let client = client().await;
    let script = Script::on("create_chat_completion")
        .times(2)
        .text("It rains.");
    client.emulator.add_script(script).unwrap();
    let whole = client.post("/chat/completions", chat_request("x")).await;
    assert_eq!(whole["choices"][0]["message"]["content"], "It rains.");
    let stream = body(
        &client,
        "/chat/completions",
        &with_stream(chat_request("x")),
    )
    .await;
    assert_eq!(
        json_events(&stream)[2]["choices"][0]["delta"]["content"],
        " rains."
    );

    let script = Script::on("create_response").tool_call("add", json!({"a": 1}));
    client.emulator.add_script(script).unwrap();
    let whole = client
        .post("/responses", json!({"model": "gpt-4o", "input": "x"}))
        .await;
    assert_eq!(whole["output"][0]["arguments"], r#"{"a":1}"#);

    client.emulator.clear_scripts();
    let whole = client
        .post("/responses", json!({"model": "gpt-4o", "input": "x"}))
        .await;
    assert_eq!(whole["output"][0]["type"], "message");
    assert!(
        client
            .emulator
            .add_script(Script::on("list_users"))
            .is_err()
    );
}

#[tokio::test]
async fn a_script_sets_the_delivery() {
    let client = client().await;
    let on = || Script::on("create_completion").times(1);
    let request = with_stream(json!({"model": "m", "prompt": "x"}));
    let script = on()
        .named_event("news", "one\ntwo")
        .raw(*b"id: \xff\n")
        .event("[DONE]")
        .comment("still\nhere")
        .line_ending(LineEnding::CrLf)
        .chunk_size(1);
    client.emulator.add_script(script).unwrap();
    let response = post(&client, "/completions", &request)
        .send()
        .await
        .unwrap();
    let expected = b": still here\r\n\r\nevent: news\r\ndata: one\r\ndata: two\r\n\r\n\
        : still here\r\n\r\nid: \xff\n: still here\r\n\r\ndata: [DONE]\r\n\r\n";
    assert_eq!(response.bytes().await.unwrap(), expected.as_slice());

    let pace = Duration::from_millis(30);
    let script = on()
        .event("1")
        .event("2")
        .pace(pace)
        .keep_alive(Duration::from_millis(10));
    client.emulator.add_script(script).unwrap();
    let started = Instant::now();
    let stream = body(&client, "/completions", &request).await;
    assert!(started.elapsed() >= 2 * pace);
    assert_eq!(stream.matches(": keep-alive\n\n").count(), 4, "{stream}");

    client
        .emulator
        .add_script(
            on().event("1")
                .event("2")
                .line_ending(LineEnding::Cr)
                .end_after(1),
        )
        .unwrap();
    assert_eq!(body(&client, "/completions", &request).await, "data: 1\r\r");
}

#[tokio::test]
async fn a_script_sets_the_interruption() {
    let client = client().await;
    let on = || {
        Script::on("create_completion")
            .times(1)
            .event("one")
            .event("two")
    };
    let request = with_stream(json!({"model": "m", "prompt": "x"}));
    client.emulator.add_script(on().close_after(1)).unwrap();
    assert_eq!(
        read_until_error(&client, "/completions", &request).await,
        "data: one\n\n"
    );
    client.emulator.add_script(on().truncate_after(1)).unwrap();
    assert_eq!(
        read_until_error(&client, "/completions", &request).await,
        "data: one\n\ndata:"
    );
    client.emulator.add_script(on().reset_after(1)).unwrap();
    assert_eq!(
        read_until_error(&client, "/completions", &request).await,
        "data: one\n\n"
    );

    client.emulator.add_script(on().stall_after(1)).unwrap();
    let mut response = post(&client, "/completions", &request)
        .send()
        .await
        .unwrap();
    assert_eq!(response.chunk().await.unwrap().unwrap(), "data: one\n\n");
    let next = tokio::time::timeout(Duration::from_millis(100), response.chunk()).await;
    assert!(next.is_err(), "{next:?}");
    drop(response);
    // The next request is served.
    body(&client, "/completions", &request).await;
}

#[tokio::test]
async fn faults_apply_to_streams() {
    let client = client().await;
    let fault = |fault: fn(Fault) -> Fault| {
        let fault = fault(Fault::on("create_completion").times(1));
        client.emulator.add_fault(fault).unwrap();
    };
    let request = with_stream(json!({"model": "m", "prompt": "x"}));
    fault(|fault| fault.status(429).retry_after("3"));
    let response = post(&client, "/completions", &request)
        .send()
        .await
        .unwrap();
    assert_eq!(
        (
            response.status().as_u16(),
            &response.headers()["retry-after"]
        ),
        (429, &"3".parse().unwrap())
    );
    fault(Fault::truncate);
    let stream = read_until_error(&client, "/completions", &request).await;
    assert_eq!(stream.matches("\n\n").count(), 1, "{stream}");
    fault(Fault::malformed);
    let stream = body(&client, "/completions", &request).await;
    assert!(!stream.ends_with('\n'), "{stream}");
    fault(Fault::reset);
    assert!(
        post(&client, "/completions", &request)
            .send()
            .await
            .is_err()
    );
    assert!(
        body(&client, "/completions", &request)
            .await
            .ends_with("[DONE]\n\n")
    );
}
