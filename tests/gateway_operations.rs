//! Calls every operation of the gateway, including the handwritten ones, and compares the requests with
//! the manifest. `every_operation` does the same for the Admin API.

#![cfg(all(feature = "admin", feature = "gateway"))]
#![allow(clippy::unwrap_used, clippy::expect_used)] // a panic fails the test

mod support;

use std::collections::BTreeSet;

use portkey_admin::{
    Client,
    gateway::FilePart,
    gateway::assistants::{CreateAssistantRequest, UpdateAssistantRequest},
    gateway::audio::CreateSpeechRequest,
    gateway::chat::{CreateChatCompletionRequest, UserMessage},
    gateway::completions::CreateCompletionRequest,
    gateway::embeddings::CreateEmbeddingRequest,
    gateway::images::CreateImageRequest,
    gateway::moderations::CreateModerationRequest,
    gateway::ocr::{CreateOcrRequest, OcrDocument},
    gateway::rerank::CreateRerankRequest,
    gateway::responses::CreateResponseRequest,
    gateway::threads::{
        CreateMessageRequest, CreateRunRequest, CreateThreadAndRunRequest, CreateThreadRequest,
        SubmitToolOutputsRequest, ToolOutput, UpdateMessageRequest, UpdateRunRequest,
        UpdateThreadRequest,
    },
    gateway::vector_stores::{
        CreateVectorStoreFileBatchRequest, CreateVectorStoreFileRequest, CreateVectorStoreRequest,
        UpdateVectorStoreRequest,
    },
    prompts::RunPromptRequest,
};
use portkey_admin_codegen::document;
use serde_json::{Value, json};
use support::{
    BoxedCall, PATCHED, boxed_call, client,
    server::{Request, ScriptedResponse, Server},
};

/// The id of an operation and a call of it.
type Call = (&'static str, BoxedCall);

/// Calls by method name. `$last` is the method that sends the builder.
macro_rules! calls {
    ($client:ident; $($operation:ident($($argument:expr),*) $(.$setter:ident($value:expr))* => $last:ident;)*) => {
        vec![$((
            stringify!($operation),
            boxed_call($client.$operation($($argument),*)$(.$setter($value))*.$last()),
        )),*]
    };
}

/// The same for streams.
macro_rules! streams {
    ($client:ident; $($operation:ident($($argument:expr),*).body($body:expr);)*) => {
        vec![$((
            stringify!($operation),
            boxed_call($client.$operation($($argument),*).body($body).stream().into_future()),
        )),*]
    };
}

fn chat_request() -> portkey_admin::gateway::chat::CreateChatCompletionRequestBuilder {
    let message = UserMessage::builder().role("user").content("Why?");
    CreateChatCompletionRequest::builder()
        .model("m")
        .messages([message.build().unwrap()])
}

fn run_request() -> portkey_admin::gateway::threads::CreateRunRequestBuilder {
    CreateRunRequest::builder().assistant_id("a")
}

fn thread_and_run_request() -> portkey_admin::gateway::threads::CreateThreadAndRunRequestBuilder {
    CreateThreadAndRunRequest::builder().assistant_id("a")
}

fn tool_outputs_request() -> portkey_admin::gateway::threads::SubmitToolOutputsRequestBuilder {
    let output = ToolOutput::builder().tool_call_id("c").output("4");
    SubmitToolOutputsRequest::builder().tool_outputs([output])
}

fn completion_request() -> portkey_admin::gateway::completions::CreateCompletionRequestBuilder {
    CreateCompletionRequest::builder().model("m").prompt("Once")
}

fn response_request() -> portkey_admin::gateway::responses::CreateResponseRequestBuilder {
    CreateResponseRequest::builder().model("m").input("Why?")
}

fn file() -> FilePart {
    FilePart::bytes("a.bin", "content")
}

#[rustfmt::skip] // a table
fn models_and_files(client: &Client) -> Vec<Call> {
    let document = OcrDocument::builder().type_("document_url").document_url("https://example.com/a.pdf");
    let document = document.build().unwrap();
    calls! { client;
        create_chat_completion().body(chat_request()) => send;
        create_completion().body(completion_request()) => send;
        create_embedding().body(CreateEmbeddingRequest::builder().model("m").input("text")) => send;
        create_rerank().body(CreateRerankRequest::builder().model("m").query("q").documents(["d"])) => send;
        create_moderation().body(CreateModerationRequest::builder().input("text")) => send;
        create_ocr().body(CreateOcrRequest::builder().model("m").document(document)) => send;
        create_response().body(response_request()) => send;
        get_response("r") => send;
        delete_response("r") => send;
        list_response_input_items("r") => send;
        create_image().body(CreateImageRequest::builder().prompt("a house")) => send;
        create_image_edit().image(file()).prompt("a house") => send;
        create_image_variation().image(file()) => send;
        create_speech().body(CreateSpeechRequest::builder().model("m").input("text").voice("nova")) => open;
        create_transcription().file(file()).model("m") => send;
        create_translation().file(file()).model("m") => send;
        connect_realtime().model("m") => connect;
        list_models() => send;
        get_model("m") => send;
        delete_model("m") => send;
        list_files() => send;
        get_file("f") => send;
        upload_file().file(file()).purpose("batch") => send;
        delete_file("f") => send;
        get_file_content("f") => open;
        list_batches() => send;
        get_batch("b") => send;
        create_batch().body(json!({"input_file_id": "f", "endpoint": "/v1/embeddings"})) => send;
        cancel_batch("b") => send;
        get_batch_output("b") => open;
        list_fine_tuning_jobs() => send;
        get_fine_tuning_job("j") => send;
        create_fine_tuning_job().body(json!({"training_file": "f", "model": "m"})) => send;
        cancel_fine_tuning_job("j") => send;
        list_fine_tuning_job_events("j") => send;
        list_fine_tuning_job_checkpoints("j") => send;
    }
}

#[rustfmt::skip] // a table
fn assistants_and_stores(client: &Client) -> Vec<Call> {
    let message = || CreateMessageRequest::builder().role("user").content("Why?");
    calls! { client;
        list_assistants() => send;
        get_assistant("a") => send;
        create_assistant().body(CreateAssistantRequest::builder().model("m")) => send;
        update_assistant("a").body(UpdateAssistantRequest::builder().name("n")) => send;
        delete_assistant("a") => send;
        get_thread("t") => send;
        create_thread().body(CreateThreadRequest::builder()) => send;
        update_thread("t").body(UpdateThreadRequest::builder()) => send;
        delete_thread("t") => send;
        list_messages("t") => send;
        get_message("t", "m") => send;
        create_message("t").body(message()) => send;
        update_message("t", "m").body(UpdateMessageRequest::builder()) => send;
        delete_message("t", "m") => send;
        list_runs("t") => send;
        get_run("t", "r") => send;
        create_run("t").body(run_request()) => send;
        create_thread_and_run().body(thread_and_run_request()) => send;
        update_run("t", "r").body(UpdateRunRequest::builder()) => send;
        submit_tool_outputs("t", "r").body(tool_outputs_request()) => send;
        cancel_run("t", "r") => send;
        list_run_steps("t", "r") => send;
        get_run_step("t", "r", "s") => send;
        list_vector_stores() => send;
        get_vector_store("v") => send;
        create_vector_store().body(CreateVectorStoreRequest::builder()) => send;
        update_vector_store("v").body(UpdateVectorStoreRequest::builder().name("n")) => send;
        delete_vector_store("v") => send;
        list_vector_store_files("v") => send;
        get_vector_store_file("v", "f") => send;
        create_vector_store_file("v").body(CreateVectorStoreFileRequest::builder().file_id("f")) => send;
        delete_vector_store_file("v", "f") => send;
        get_vector_store_file_batch("v", "b") => send;
        create_vector_store_file_batch("v").body(CreateVectorStoreFileBatchRequest::builder().file_ids(["f"])) => send;
        cancel_vector_store_file_batch("v", "b") => send;
        list_vector_store_file_batch_files("v", "b") => send;
    }
}

fn streams(client: &Client) -> Vec<Call> {
    streams! { client;
        create_chat_completion().body(chat_request());
        create_completion().body(completion_request());
        create_response().body(response_request());
        run_prompt("p").body(RunPromptRequest::builder().variables(json!({"a": "b"})));
        create_run("t").body(run_request());
        create_thread_and_run().body(thread_and_run_request());
        submit_tool_outputs("t", "r").body(tool_outputs_request());
    }
}

/// Starts a server that responds to everything with 403, since only the requests matter.
fn refusing_server_and_client() -> (Server, Client) {
    let refusal = json!({"error": {"message": "not today", "code": "refused"}});
    let server = Server::with_response(ScriptedResponse::json(403, refusal.to_string()));
    let client = client(&server);
    (server, client)
}

/// Sends a call; returns its request.
async fn request_of(server: &Server, (id, call): Call) -> Request {
    let error = call.await.unwrap_err();
    assert_eq!(
        error.status().map(|status| status.as_u16()),
        Some(403),
        "{id}: {error}"
    );
    assert_eq!(error.operation(), Some(id));
    let mut requests = server.take_requests();
    assert_eq!(requests.len(), 1, "{id}");
    requests.remove(0)
}

/// Whether a request has the method and path of the manifest entry with that id.
fn matches_manifest(id: &str, request: &Request) -> bool {
    let mut entries = PATCHED.manifest.iter();
    let (key, _) = entries.find(|(_, entry)| entry.id == id).expect(id);
    let (method, path) = key.split_once(' ').unwrap();
    let target = request.target.strip_prefix("/v1").unwrap();
    let target = target.split('?').next().unwrap();
    let (path, target): (Vec<_>, Vec<_>) = (path.split('/').collect(), target.split('/').collect());
    let matches = |(path, target): (&&str, &&str)| path.starts_with('{') || path == target;
    request.method == method && path.len() == target.len() && path.iter().zip(&target).all(matches)
}

/// Returns the ids of the manifest entries for which `predicate` holds.
fn manifest_ids(
    predicate: impl Fn(&portkey_admin_codegen::manifest::Entry) -> bool,
) -> BTreeSet<String> {
    let entries = PATCHED.manifest.iter().map(|(_, entry)| entry);
    entries
        .filter(|entry| predicate(entry))
        .map(|entry| entry.id.clone())
        .collect()
}

#[tokio::test]
async fn every_operation_can_be_called() {
    let (server, client) = refusing_server_and_client();
    let mut called = BTreeSet::new();
    let calls = models_and_files(&client)
        .into_iter()
        .chain(assistants_and_stores(&client));
    for call in calls {
        let id = call.0;
        let request = request_of(&server, call).await;
        assert!(
            matches_manifest(id, &request),
            "{id}: {} {}",
            request.method,
            request.target
        );
        called.insert(id.to_owned());
    }
    assert_eq!(called, manifest_ids(|entry| entry.area == "gateway"));
    // Only gateway operations are handwritten, so this covers all of them.
    let handwritten = manifest_ids(|entry| entry.handwritten.is_some());
    assert!(handwritten.is_subset(&called), "{handwritten:?}");
}

#[tokio::test]
async fn every_stream_can_be_opened() {
    let (server, client) = refusing_server_and_client();
    let mut opened = BTreeSet::new();
    for call in streams(&client) {
        let id = call.0;
        let request = request_of(&server, call).await;
        assert!(
            matches_manifest(id, &request),
            "{id}: {} {}",
            request.method,
            request.target
        );
        assert_eq!(request.json()["stream"], true, "{id}");
        assert_eq!(request.header("accept"), ["text/event-stream"], "{id}");
        opened.insert(id.to_owned());
    }
    assert_eq!(opened, manifest_ids(|entry| entry.stream.is_some()));
}

/// Whether the schema of a body has a property `stream`.
fn has_stream_property(schema: &Value) -> bool {
    let schema = document::resolve(&PATCHED.document, schema).unwrap();
    let parts = ["allOf", "oneOf", "anyOf"].into_iter();
    let mut parts = parts.filter_map(|key| schema[key].as_array()).flatten();
    schema["properties"].get("stream").is_some() || parts.any(has_stream_property)
}

#[test]
fn operations_with_streams_in_the_openapi_document_have_stream_methods() {
    let streamed = document::operations(&PATCHED.document).filter(|(_, _, operation)| {
        let body = &operation["requestBody"]["content"]["application/json"]["schema"];
        let responses = operation["responses"].as_object().into_iter().flatten();
        let mut contents = responses.map(|(_, response)| &response["content"]);
        (body.is_object() && has_stream_property(body))
            || contents.any(|content| content.get("text/event-stream").is_some())
    });
    let streamed: BTreeSet<_> = streamed
        .map(|(path, method, _)| PATCHED.manifest.get(method, path).unwrap().id.clone())
        .collect();
    assert_eq!(streamed, manifest_ids(|entry| entry.stream.is_some()));
}

#[tokio::test]
async fn thread_id_of_a_run_is_only_in_the_path() {
    let (server, client) = refusing_server_and_client();
    let calls = calls! { client;
        create_run("t").body(run_request()) => send;
        create_thread_and_run().body(thread_and_run_request()) => send;
    };
    for call in calls {
        assert_eq!(
            request_of(&server, call).await.json(),
            json!({"assistant_id": "a"})
        );
    }
}
