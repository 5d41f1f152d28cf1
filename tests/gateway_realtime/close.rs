//! How a session is closed.

use portkey_admin::gateway::ClientEvent;
use serde_json::json;

use crate::{
    CLOSE, close_payload, final_error_message, next, session,
    support::{KEY, with_timeout},
};

#[tokio::test]
async fn close_frame_of_the_service_is_acknowledged_and_reported() {
    for (payload, code, reason) in [
        (close_payload(1000, ""), 1000, ""),
        (close_payload(1000, "all done"), 1000, "all done"),
        (Vec::new(), 1005, ""),
    ] {
        let expected_reply = payload.get(..2).unwrap_or_default().to_vec();
        let (mut session, script) = session(async move |mut peer| {
            peer.send_event(&json!({"type": "last"})).await;
            peer.send_frame(CLOSE, &payload).await;
            assert_eq!(peer.read_frame().await, (CLOSE, expected_reply));
        })
        .await;
        assert_eq!(next(&mut session).await.unwrap().unwrap().kind(), "last");
        assert!(session.closed().is_none());
        assert!(next(&mut session).await.is_none());
        assert!(next(&mut session).await.is_none());
        let close = session.closed().unwrap();
        assert_eq!((close.code, close.reason.as_str()), (code, reason));
        script.await.unwrap();
        let error = session.send(ClientEvent::new("late")).await.unwrap_err();
        assert!(
            error.to_string().contains("the session is closed"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn close_frame_with_an_error_code_is_an_error() {
    let (mut session, script) = session(async |mut peer| {
        let reason = format!("policy for {KEY}");
        peer.send_frame(CLOSE, &close_payload(1008, &reason)).await;
        assert_eq!(peer.read_frame().await.0, CLOSE);
    })
    .await;
    assert_eq!(
        final_error_message(&mut session).await,
        "connect_realtime: the session was closed by the service with 1008: policy for [redacted] \
         [request request-one]"
    );
    assert_eq!(session.closed().unwrap().code, 1008);
    assert!(!format!("{session:?}").contains(KEY));
    script.await.unwrap();
}

#[tokio::test]
async fn close_validates_its_arguments_and_ends_the_session() {
    let (session, script) = session(async |mut peer| {
        let close = peer.read_frame().await;
        peer.send_event(&json!({"type": "late"})).await;
        peer.send_frame(CLOSE, &close_payload(4000, "")).await;
        close
    })
    .await;
    let (mut sender, mut receiver) = session.split();
    let long = "x".repeat(124);
    for (code, reason) in [
        (999, ""),
        (1001, ""),
        (1005, ""),
        (2999, ""),
        (5000, ""),
        (1000, &*long),
    ] {
        let error = sender.close(code, reason).await.unwrap_err();
        assert!(error.is_invalid_request(), "{code}: {error}");
    }
    sender.close(4000, "enough").await.unwrap();
    assert!(sender.close(1000, "").await.is_err());
    assert!(sender.send(ClientEvent::new("late")).await.is_err());
    let event = with_timeout(receiver.next()).await.unwrap().unwrap();
    assert_eq!(event.kind(), "late");
    assert!(with_timeout(receiver.next()).await.is_none());
    assert_eq!(receiver.closed().unwrap().code, 4000);
    assert_eq!(
        script.await.unwrap(),
        (CLOSE, close_payload(4000, "enough"))
    );
}
