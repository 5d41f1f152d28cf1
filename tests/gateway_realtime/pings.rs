//! Pings in both directions.

use std::time::Duration;

use portkey_admin::gateway::ClientEvent;
use serde_json::json;
use tokio::io::AsyncWriteExt;

use crate::{
    PING, PONG, Peer, final_error_message, next, server_frame, session, support::with_timeout,
};

#[tokio::test]
async fn ping_gets_a_pong_while_waiting_for_an_event() {
    let (mut session, script) = session(async |mut peer| {
        peer.send_frame(PING, b"are you there").await;
        assert_eq!(peer.read_frame().await, (PONG, b"are you there".to_vec()));
        peer.send_event(&json!({"type": "good"})).await;
        let ping = peer.read_frame().await;
        peer.send_frame(PONG, b"").await;
        peer.send_event(&json!({"type": "better"})).await;
        ping
    })
    .await;
    assert_eq!(next(&mut session).await.unwrap().unwrap().kind(), "good");
    let (mut sender, mut receiver) = session.split();
    sender.ping().await.unwrap();
    let event = with_timeout(receiver.next()).await.unwrap().unwrap();
    assert_eq!(event.kind(), "better");
    assert_eq!(script.await.unwrap(), (PING, Vec::new()));
}

/// Sends pings until the client closes the connection, and reads nothing.
async fn flood_with_pings(mut peer: Peer) {
    let pings = server_frame(0x80 | PING, &[b'x'; 125]).repeat(100);
    while peer.stream.write_all(&pings).await.is_ok() {}
}

const PING_FLOOD: &str = "the service sent more than 1000 pings and did not read the pongs";

/// An event that does not fit into the buffers of a connection.
fn large_event() -> ClientEvent {
    ClientEvent::new("large").set("filling", "x".repeat(8 << 20))
}

#[tokio::test]
async fn flood_of_pings_ends_the_session() {
    let (mut session, script) = session(flood_with_pings).await;
    // The buffers are full, which pongs alone would take long to achieve.
    let sending = session.send(large_event());
    let sent = tokio::time::timeout(Duration::from_millis(100), sending).await;
    assert!(sent.is_err(), "{sent:?}");
    let end = final_error_message(&mut session).await;
    assert!(end.contains(PING_FLOOD), "{end}");
    let error = session.send(ClientEvent::new("late")).await.unwrap_err();
    assert!(
        error.to_string().contains("the session is closed"),
        "{error}"
    );
    drop(session);
    script.await.unwrap();
}

#[tokio::test]
async fn flood_of_pings_ends_the_session_while_an_event_is_being_sent() {
    let (session, script) = session(flood_with_pings).await;
    let (mut sender, mut receiver) = session.split();
    let send_task = tokio::spawn(async move { sender.send(large_event()).await });
    let error = with_timeout(receiver.next()).await.unwrap().unwrap_err();
    assert!(error.to_string().contains(PING_FLOOD), "{error}");
    assert!(with_timeout(receiver.next()).await.is_none());
    let error = with_timeout(send_task).await.unwrap().unwrap_err();
    assert!(
        error.to_string().contains("the session is closed"),
        "{error}"
    );
    drop(receiver);
    script.await.unwrap();
}

#[tokio::test]
async fn many_pings_are_answered_if_the_service_reads() {
    const PINGS: usize = 5000;
    let (mut session, script) = session(async |mut peer| {
        for _ in 0..PINGS / 100 {
            let pings = server_frame(0x80 | PING, &[b'x'; 125]).repeat(100);
            peer.write(&pings).await;
            for _ in 0..100 {
                assert_eq!(peer.read_frame().await.0, PONG);
            }
        }
        peer.send_event(&json!({"type": "good"})).await;
        peer
    })
    .await;
    assert_eq!(next(&mut session).await.unwrap().unwrap().kind(), "good");
    drop(script.await.unwrap());
}
