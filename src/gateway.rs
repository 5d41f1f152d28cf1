//! Gateway operations that need more than a JSON request and a JSON response.

mod chat_messages;
mod connection;
pub(crate) mod events;
pub(crate) mod handwritten;
mod multipart;
mod options;
mod websocket;

pub use crate::generated::gateway::*;
pub use connection::GatewayConnection;
pub use events::{EventStream, OpenStream, StreamEvent};
pub use multipart::{FilePart, UploadProgress};
pub(crate) use multipart::{Form, PartReadError};
pub use options::GatewayOptions;
pub use websocket::{
    ClientEvent, Realtime, RealtimeClose, RealtimeReceiver, RealtimeSender, ServerEvent,
};

#[cfg(test)]
mod tests {
    use crate::{
        Client,
        decode::round_trip_tests::{PATCHED, Responses},
    };

    /// The generated `by_hand` does not compile if a handwritten operation has no method.
    #[test]
    fn every_handwritten_operation_of_the_manifest_has_a_method() {
        let entries = PATCHED.manifest.iter().map(|(_, entry)| entry);
        let mut expected: Vec<_> = entries
            .filter(|entry| entry.handwritten.is_some())
            .map(|entry| entry.id.clone())
            .collect();
        let client = Client::builder().api_key("key").build().unwrap();
        let handwritten = Responses::by_hand(&client);
        for (id, builder) in &handwritten {
            assert!(
                builder.contains(&format!("{id:?}")),
                "`{id}` calls {builder}"
            );
        }
        let mut actual: Vec<_> = handwritten
            .into_iter()
            .map(|(id, _)| id.to_owned())
            .collect();
        expected.sort_unstable();
        actual.sort_unstable();
        assert_eq!(actual, expected);
    }
}
