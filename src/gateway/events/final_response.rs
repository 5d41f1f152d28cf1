//! Reads a stream to its end and returns the response that a request without streaming returns.

use bytes::Bytes;
use serde_json::Value;

use super::{EventStream, StreamEvent, accumulate::Accumulator};
use crate::{
    Error,
    decode::{self, LenientDecode},
    generated::gateway::{
        chat::CreateChatCompletionResponse,
        completions::CreateCompletionResponse,
        responses::{ModelResponse, ResponseStreamEvent},
        threads::{AssistantStreamEvent, Run},
    },
    types::ChatCompletionChunk,
};

impl EventStream<ChatCompletionChunk> {
    /// Reads the stream to its end and assembles the response that `send` returns, including tool
    /// calls.
    ///
    /// For a prompt whose template is not a conversation, the text is in `extra` of the choices.
    ///
    /// # Errors
    ///
    /// See [`EventStream`]; [`Error::body`] contains the partial response as JSON.
    pub async fn final_response(self) -> Result<CreateChatCompletionResponse, Error> {
        self.final_response_with(|_| ()).await
    }

    /// Like [`final_response`](Self::final_response), and passes each event to a function, for example
    /// one that shows the text as it arrives.
    ///
    /// ```no_run
    /// # async fn example(
    /// #     client: portkey_admin::Client,
    /// #     request: portkey_admin::gateway::chat::CreateChatCompletionRequest,
    /// # ) -> Result<(), portkey_admin::Error> {
    /// let stream = client.create_chat_completion().body(request).stream().await?;
    /// let response = stream.final_response_with(|chunk| print!("{}", chunk.text())).await?;
    /// # let _ = response;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// See [`final_response`](Self::final_response).
    pub async fn final_response_with(
        self,
        on_event: impl FnMut(&ChatCompletionChunk),
    ) -> Result<CreateChatCompletionResponse, Error> {
        accumulate(self, on_event).await
    }
}

impl EventStream<CreateCompletionResponse> {
    /// Reads the stream to its end and assembles the response that `send` returns.
    ///
    /// # Errors
    ///
    /// See [`EventStream`]; [`Error::body`] contains the partial response as JSON.
    pub async fn final_response(self) -> Result<CreateCompletionResponse, Error> {
        accumulate(self, |_| ()).await
    }
}

impl EventStream<ResponseStreamEvent> {
    /// Reads the stream to its end and returns the response that the service sent last. It is
    /// complete unless its status indicates otherwise.
    ///
    /// # Errors
    ///
    /// See [`EventStream`]; [`Error::body`] contains the response that was sent last as JSON, and
    /// is empty if none was sent.
    pub async fn final_response(self) -> Result<ModelResponse, Error> {
        last_value(self, |mut event| event["response"].take()).await
    }
}

impl EventStream<AssistantStreamEvent> {
    /// Reads the stream to its end and returns the run that the service sent last.
    ///
    /// # Errors
    ///
    /// See [`EventStream`]; [`Error::body`] contains the run that was sent last as JSON, and is
    /// empty if none was sent.
    pub async fn final_response(self) -> Result<Run, Error> {
        let run = |mut event: Value| match event["data"]["object"] == "thread.run" {
            true => event["data"].take(),
            false => Value::Null,
        };
        last_value(self, run).await
    }
}

async fn accumulate<T: StreamEvent, A: LenientDecode>(
    mut stream: EventStream<T>,
    mut on_event: impl FnMut(&T),
) -> Result<A, Error> {
    let mut accumulator = Accumulator::default();
    while let Some(event) = stream.next().await {
        match event {
            Ok(event) => {
                on_event(&event);
                accumulator.add(serde_json::to_value(&event).unwrap_or_default());
            }
            Err(error) => return Err(with_partial_body(error, &accumulator.finish())),
        }
    }
    let is_complete = stream.reader.is_done || accumulator.is_complete();
    let response = accumulator.finish();
    match is_complete {
        true => decode_response(&stream, &response),
        false => Err(incomplete(&stream, &response)),
    }
}

/// Decodes the last non-null value that `pick` returns for an event.
async fn last_value<T: StreamEvent, A: LenientDecode>(
    mut stream: EventStream<T>,
    pick: impl Fn(Value) -> Value,
) -> Result<A, Error> {
    let mut last = Value::Null;
    while let Some(event) = stream.next().await {
        match event {
            Ok(event) => match pick(serde_json::to_value(&event).unwrap_or_default()) {
                Value::Null => {}
                picked => last = picked,
            },
            Err(error) => return Err(with_partial_body(error, &last)),
        }
    }
    match last.is_null() {
        true => Err(incomplete(&stream, &last)),
        false => decode_response(&stream, &last),
    }
}

fn decode_response<T, A: LenientDecode>(
    stream: &EventStream<T>,
    response: &Value,
) -> Result<A, Error> {
    let (body, head) = (encode(response), &stream.reader.head);
    decode::from_slice(&body)
        .map_err(|error| head.with_context(Error::decode(error, head.error_response(body))))
}

fn incomplete<T>(stream: &EventStream<T>, response: &Value) -> Error {
    let error = Error::unexpected_response("the stream ended before the response was complete")
        .with_response(stream.reader.head.error_response(encode(response)));
    stream
        .reader
        .head
        .with_event_count(error, stream.reader.yielded)
}

/// Replaces the body of an error, which is the event, with the partial response.
fn with_partial_body(error: Error, response: &Value) -> Error {
    let body = encode(response);
    error.with_body(body)
}

fn encode(response: &Value) -> Bytes {
    match response {
        Value::Null => Bytes::new(),
        response => response.to_string().into(),
    }
}
