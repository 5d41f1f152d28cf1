//! The gateway operations, which the service forwards to models. Here `model_stub.rs` takes the
//! place of the models.
//!
//! The operations are the handlers of a resource like any other (`RESOURCE` below, by manifest id),
//! so that keys, scopes and request validation work as in the control plane. A multipart form is in
//! `Call::form`; event streams, binary content and WebSocket sessions are variants of
//! `ResponseBody`.
//!
//! `routing.rs` finds the provider of a request and rejects requests without one, before validation.
//!
//! Write operations are a `Handler::Gateway`: they are recorded in the `logs` resource
//! ([`log_request`](requests::log_request)) instead of the audit log.

mod audio;
mod batches;
mod chat;
mod config_schema;
mod embeddings;
mod files;
mod images;
mod model_stub;
mod models;
mod moderations;
mod realtime;
mod requests;
mod rerank;
mod responses;
pub(crate) mod routing;

pub(crate) use chat::{chat, text};

use crate::handlers::resource::Handler::{Gateway as Write, Read};
use crate::handlers::resource::Resource;

pub(crate) const RESOURCE: Resource = Resource {
    links: &[("images", images::serve)],
    ..Resource::new(&[
        (
            "create_chat_completion",
            Write(chat::create_chat_completion),
        ),
        ("create_completion", Write(chat::create_completion)),
        ("create_response", Write(responses::create)),
        ("get_response", Read(responses::get)),
        ("delete_response", Write(responses::delete)),
        (
            "list_response_input_items",
            Read(responses::list_input_items),
        ),
        ("create_embedding", Write(embeddings::create)),
        ("create_rerank", Write(rerank::create)),
        ("create_moderation", Read(moderations::create)),
        ("list_models", Read(models::list)),
        ("get_model", Read(models::get)),
        ("create_image", Read(images::create)),
        ("create_image_edit", Read(images::create)),
        ("create_image_variation", Read(images::create)),
        ("create_speech", Read(audio::create_speech)),
        ("create_transcription", Read(audio::transcribe)),
        ("create_translation", Read(audio::transcribe)),
        ("connect_realtime", Read(realtime::connect)),
        ("upload_file", Write(files::upload)),
        ("list_files", Read(files::list)),
        ("get_file", Read(files::get)),
        ("delete_file", Write(files::delete)),
        ("get_file_content", Read(files::download)),
        ("create_batch", Write(batches::create)),
        ("list_batches", Read(batches::list)),
        ("get_batch", Read(batches::get)),
        ("cancel_batch", Write(batches::cancel)),
        ("get_batch_output", Read(batches::download)),
    ])
};
