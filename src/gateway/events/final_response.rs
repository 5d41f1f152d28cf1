//! A stream read to its end, for the answer that would have come without it.

use bytes::Bytes;
use serde_json::Value;

use super::{EventStream, StreamEvent, accumulate::Accumulator};
use crate::{
    Error,
    decode::{self, LenientDecode},
    types::{
        AssistantStreamEvent, ChatCompletionChunk, CreateChatCompletionResponse,
        CreateCompletionResponse, Response, ResponseStreamEvent, RunObject,
    },
};

impl EventStream<ChatCompletionChunk> {
    /// Reads all of it and puts the pieces together, those of tool calls included: the answer that
    /// `send` would have given.
    ///
    /// Of a prompt whose template is no conversation, the text is in the choices' `extra`.
    ///
    /// # Errors
    ///
    /// See [`EventStream`]; [`Error::body`] is the answer as far as it came, as JSON.
    pub async fn final_response(self) -> Result<CreateChatCompletionResponse, Error> {
        folded(self).await
    }
}

impl EventStream<CreateCompletionResponse> {
    /// Reads all of it and puts the pieces together: the answer that `send` would have given.
    ///
    /// # Errors
    ///
    /// See [`EventStream`]; [`Error::body`] is the answer as far as it came, as JSON.
    pub async fn final_response(self) -> Result<CreateCompletionResponse, Error> {
        folded(self).await
    }
}

impl EventStream<ResponseStreamEvent> {
    /// Reads all of it: the response as the service sent it last, complete unless its status says
    /// otherwise.
    ///
    /// # Errors
    ///
    /// See [`EventStream`]; [`Error::body`] is the response as it was sent last, as JSON, and empty
    /// where none was.
    pub async fn final_response(self) -> Result<Response, Error> {
        last(self, |mut event| event["response"].take()).await
    }
}

impl EventStream<AssistantStreamEvent> {
    /// Reads all of it: the run as the service sent it last.
    ///
    /// # Errors
    ///
    /// See [`EventStream`]; [`Error::body`] is the run as it was sent last, as JSON, and empty where
    /// none was.
    pub async fn final_response(self) -> Result<RunObject, Error> {
        let run = |mut event: Value| match event["data"]["object"] == "thread.run" {
            true => event["data"].take(),
            false => Value::Null,
        };
        last(self, run).await
    }
}

async fn folded<T: StreamEvent, A: LenientDecode>(mut stream: EventStream<T>) -> Result<A, Error> {
    let mut whole = Accumulator::default();
    while let Some(event) = stream.next().await {
        match event {
            Ok(event) => whole.add(serde_json::to_value(&event).unwrap_or_default()),
            Err(error) => return Err(with_partial(error, &whole.finish())),
        }
    }
    let is_complete = stream.reading.is_done || whole.is_complete();
    let whole = whole.finish();
    match is_complete {
        true => decoded(&stream, &whole),
        false => Err(incomplete(&stream, &whole)),
    }
}

/// The last value that `pick` finds in an event.
async fn last<T: StreamEvent, A: LenientDecode>(
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
            Err(error) => return Err(with_partial(error, &last)),
        }
    }
    match last.is_null() {
        true => Err(incomplete(&stream, &last)),
        false => decoded(&stream, &last),
    }
}

fn decoded<T, A: LenientDecode>(stream: &EventStream<T>, whole: &Value) -> Result<A, Error> {
    let (body, head) = (text(whole), &stream.reading.head);
    decode::from_slice(&body)
        .map_err(|error| head.around(Error::decode(error, head.error_response(body))))
}

fn incomplete<T>(stream: &EventStream<T>, whole: &Value) -> Error {
    let error = Error::unusable("the stream ended before the answer was complete")
        .with_response(stream.reading.head.error_response(text(whole)));
    stream.reading.head.after(error, stream.reading.given)
}

/// The same error, with what has come of the answer in the place of the event.
fn with_partial(error: Error, whole: &Value) -> Error {
    let body = text(whole);
    error.with_body(body)
}

fn text(whole: &Value) -> Bytes {
    match whole {
        Value::Null => Bytes::new(),
        whole => whole.to_string().into(),
    }
}
