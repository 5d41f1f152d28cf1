//! Events, and what ends a session without a close frame.

use std::time::Duration;

use portkey_admin::{
    RequestOptions,
    gateway::{ClientEvent, GatewayOptions, RealtimeReceiver},
};
use serde_json::{Value, json};

use crate::{
    BINARY, CLOSE, PING, PONG, TEXT, client_of_accepting_peer, close_payload, final_error,
    final_error_message, next, server_frame, session,
    support::{KEY, render_error, spans::Recorder, with_timeout},
};

#[tokio::test]
async fn echoed_key_is_redacted_in_events_and_their_errors() {
    let (mut session, script) = session(async |mut peer| {
        peer.send_event(&json!({"type": KEY, KEY: {KEY: "no"}}))
            .await;
        let truncated = format!(r#"{{"error":{{"message":"{KEY}"}},"type":7}}"#);
        peer.send_frame(TEXT, truncated.as_bytes()).await;
        peer
    })
    .await;
    let event = next(&mut session).await.unwrap().unwrap();
    assert_eq!(event.kind(), KEY);
    let debug_output = format!("{event:?}");
    assert!(!debug_output.contains("canary"), "{debug_output}");
    type Fields = std::collections::BTreeMap<String, Value>;
    let error = event
        .decode::<std::collections::BTreeMap<String, u8>>()
        .unwrap_err();
    let rendered = render_error(&error);
    assert!(!rendered.contains("canary"), "{rendered}");
    assert!(rendered.contains("event `[redacted]`"), "{rendered}");
    assert!(event.decode::<Fields>().unwrap().contains_key(KEY));
    let error = next(&mut session).await.unwrap().unwrap_err();
    let shown = format!("{} {:?}", render_error(&error), error.message());
    assert!(!shown.contains("canary"), "{shown}");
    drop(script.await.unwrap());
}

#[tokio::test]
async fn fragmented_event_is_reassembled() {
    let text = json!({"type": "text", "delta": "größe \u{1f980}"}).to_string();
    let expected: Value = serde_json::from_str(&text).unwrap();
    let (mut session, script) = session(async move |mut peer| {
        let text = text.as_bytes();
        // Frames that end inside a character, with a ping between them.
        for cut in 0..text.len() {
            peer.write(&server_frame(TEXT, &text[..cut])).await;
            peer.send_frame(PING, b"").await;
            peer.write(&server_frame(0x80, &text[cut..])).await;
            assert_eq!(peer.read_frame().await, (PONG, Vec::new()));
        }
        // A frame that is sent byte by byte.
        peer.stream.set_nodelay(true).unwrap();
        for byte in server_frame(0x80 | BINARY, text) {
            peer.write(&[byte]).await;
            tokio::task::yield_now().await;
        }
        text.len()
    })
    .await;
    let mut received = 0;
    while let Some(event) = next(&mut session).await {
        let Ok(event) = event else {
            break; // the script has ended and closed the connection
        };
        assert_eq!(*event.value(), expected);
        received += 1;
    }
    assert_eq!(received, script.await.unwrap() + 1);
}

#[tokio::test]
async fn events_up_to_the_size_limit_are_sent_and_received() {
    let (client, script) = client_of_accepting_peer(async |mut peer| {
        let event = peer.read_event().await;
        peer.send_event(&event).await;
        peer.send_frame(TEXT, &vec![b' '; 200_001]).await;
        peer
    })
    .await;
    let connecting = client.connect_realtime().max_message_size(200_000);
    let mut session = connecting.connect().await.unwrap();
    let event = ClientEvent::new("audio").set("audio", "a".repeat(150_000));
    session.send(event.clone()).await.unwrap();
    let back = next(&mut session).await.unwrap().unwrap();
    assert_eq!(ClientEvent::from(back.into_value()), event);
    let end = final_error_message(&mut session).await;
    assert!(end.contains("exceeds the limit of 200000 bytes"), "{end}");
    drop(script.await.unwrap());
}

#[tokio::test]
async fn broken_connection_is_an_error() {
    let whole = server_frame(0x80 | TEXT, b"{\"type\":\"canary\"}");
    for (sent, problem) in [
        (Vec::new(), "the connection ended without a close frame"),
        (whole[..9].to_vec(), "was interrupted"),
        (b"HTTP/1.1 500 canary\r\n\r\n".to_vec(), "was interrupted"),
        (vec![0x81, 0x80, 1, 2, 3, 4], "was interrupted"),
        (vec![0x81, 2, 0xff, 0xff], "was interrupted"),
        (vec![0x88, 1, 3], "was interrupted"),
        (vec![0xc1, 0], "was interrupted"),
    ] {
        let recorder = Recorder::start();
        let bytes = sent.clone();
        let (mut session, script) = session(async move |mut peer| peer.write(&bytes).await).await;
        let end = final_error_message(&mut session).await;
        assert!(end.contains(problem), "{sent:?}: {end}");
        let events = recorder.events("response body interrupted");
        assert_eq!(events.len(), 1, "{events:?}");
        script.await.unwrap();
    }
}

#[tokio::test]
async fn session_times_out_after_the_idle_timeout_without_frames() {
    let (client, script) = client_of_accepting_peer(async |mut peer| {
        // Pings count as activity.
        for _ in 0..4 {
            tokio::time::sleep(Duration::from_millis(100)).await;
            peer.send_frame(PING, b"").await;
        }
        peer.send_event(&json!({"type": "good"})).await;
        peer
    })
    .await;
    let connecting = client
        .connect_realtime()
        .idle_timeout(Duration::from_millis(350));
    let mut session = connecting.connect().await.unwrap();
    assert_eq!(next(&mut session).await.unwrap().unwrap().kind(), "good");
    assert!(final_error(&mut session).await.is_timeout());
    drop(script.await.unwrap());
}

#[tokio::test]
async fn invalid_event_is_an_error_and_the_session_continues() {
    let (mut session, script) = session(async |mut peer| {
        for text in [
            "canary",
            "[\"canary\"]",
            "{\"canary\":1}",
            "{\"type\":7}",
            "",
        ] {
            peer.send_frame(TEXT, text.as_bytes()).await;
        }
        peer.send_event(&json!({"type": "error", "error": {"message": "canary"}}))
            .await;
        peer
    })
    .await;
    for (number, body) in [
        "canary",
        "[\"canary\"]",
        "{\"canary\":1}",
        "{\"type\":7}",
        "",
    ]
    .iter()
    .enumerate()
    {
        let error = next(&mut session).await.unwrap().unwrap_err();
        let rendered = render_error(&error);
        let expected = format!("message {} is not a valid event", number + 1);
        assert!(rendered.contains(&expected), "{rendered}");
        assert!(!rendered.contains("canary"), "{rendered}");
        assert_eq!(error.body().unwrap(), body.as_bytes());
    }
    let event = next(&mut session).await.unwrap().unwrap();
    assert!(event.is_error());
    let error = event.decode::<std::collections::BTreeMap<String, u8>>();
    let error = render_error(&error.unwrap_err());
    assert!(
        !error.contains("canary") && error.contains("error"),
        "{error}"
    );
    drop(script.await.unwrap());
}

#[tokio::test]
async fn invalid_event_is_not_sent() {
    let (mut session, script) = session(async |mut peer| peer.is_disconnected().await).await;
    for value in [
        json!(null),
        json!("canary"),
        json!({"canary": 1}),
        json!({"type": ""}),
    ] {
        let error = session.send(value).await.unwrap_err();
        assert!(error.is_invalid_request(), "{error}");
        assert!(!render_error(&error).contains("canary"), "{error}");
    }
    // Dropping the session drops the connection.
    drop(session);
    assert!(script.await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sender_and_receiver_work_concurrently() {
    const EVENTS: u64 = 500;
    let (session, script) = session(async |mut peer| {
        for _ in 0..EVENTS {
            let event = peer.read_event().await;
            peer.send_event(&event).await;
        }
        let (opcode, payload) = peer.read_frame().await;
        peer.send_frame(opcode, &payload).await;
    })
    .await;
    let (mut sender, mut receiver): (_, RealtimeReceiver) = session.split();
    let send_task = tokio::spawn(async move {
        for number in 0..EVENTS {
            let event = ClientEvent::new("count").set("number", number);
            let event = event.set("filling", "x".repeat(2000));
            sender.send(event).await.unwrap();
        }
        sender.close(1000, "").await.unwrap();
    });
    for number in 0..EVENTS {
        let event = with_timeout(receiver.next()).await.unwrap().unwrap();
        assert_eq!(event.get("number"), Some(&json!(number)));
    }
    assert!(with_timeout(receiver.next()).await.is_none());
    send_task.await.unwrap();
    script.await.unwrap();
}

#[tokio::test]
async fn debug_output_errors_and_traces_contain_no_secrets() {
    let recorder = Recorder::start();
    let (client, script) = client_of_accepting_peer(async |mut peer| {
        let event = peer.read_event().await;
        peer.send_event(&event).await;
        peer.send_frame(CLOSE, &close_payload(1011, "canary-vk is gone"))
            .await;
        peer
    })
    .await;
    let gateway = GatewayOptions::new().virtual_key("canary-vk");
    let client = client.with_options(RequestOptions::new().gateway(gateway));
    let connecting = client.connect_realtime().model("canary");
    let mut printed = format!("{connecting:?}");
    let mut session = connecting.connect().await.unwrap();
    let event = ClientEvent::new("note").set("text", "canary");
    printed += &format!("{event:?} {session:?}");
    session.send(event).await.unwrap();
    let event = next(&mut session).await.unwrap().unwrap();
    printed += &format!("{event:?}");
    assert!(printed.contains("note") && printed.contains("text"));
    printed += &render_error(&next(&mut session).await.unwrap().unwrap_err());
    printed += &format!("{session:?}");
    printed += &format!("{:?}", session.split());
    printed += &recorder.debug_output();
    assert!(!printed.contains("canary"), "{printed}");
    drop(script.await.unwrap());
}
