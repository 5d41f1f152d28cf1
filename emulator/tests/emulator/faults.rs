//! Faults on demand.

use std::time::{Duration, Instant};

use portkey_admin_emulator::{Emulator, Fault};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::World;

async fn get(world: &World, path: &str) -> Result<reqwest::Response, reqwest::Error> {
    let url = format!("{}{path}", world.emulator.base_url());
    world
        .http
        .get(url)
        .header("x-portkey-api-key", &world.key)
        .send()
        .await
}

#[tokio::test]
async fn a_status_comes_as_often_as_told() {
    let world = World::new().await;
    let fault = Fault::on("list_api_keys")
        .times(2)
        .status(429)
        .retry_after("1");
    world.emulator.fault(fault).unwrap();
    world.get("/configs").await;
    for _ in 0..2 {
        let answer = world.send(Method::GET, "/api-keys", Value::Null).await;
        assert_eq!(answer.headers["retry-after"], "1");
        assert!(answer.headers.contains_key("x-portkey-request-id"));
        assert_eq!(answer.refusal().0, 429);
    }
    world.get("/api-keys").await;
    assert_eq!(world.emulator.requests().len(), 4);
}

#[tokio::test]
async fn a_struck_write_is_carried_out_only_if_told() {
    let world = World::new().await;
    let create =
        |name: &'static str| world.send(Method::POST, "/admin/workspaces", json!({"name": name}));
    world
        .emulator
        .fault(Fault::on("create_workspace").times(1).status(503))
        .unwrap();
    world
        .emulator
        .fault(
            Fault::on("create_workspace")
                .times(1)
                .carried_out()
                .status(504),
        )
        .unwrap();
    assert_eq!(create("A").await.status, 503);
    assert_eq!(world.get("/admin/workspaces").await["total"], 1);
    assert_eq!(create("B").await.status, 504);
    assert_eq!(world.get("/admin/workspaces").await["total"], 2);
    world
        .emulator
        .fault(Fault::everywhere().status(500))
        .unwrap();
    world.emulator.clear_faults();
    assert_eq!(create("C").await.status, 200);
}

#[tokio::test]
async fn connections_break_and_bodies_are_spoilt() {
    let world = World::new().await;
    world
        .emulator
        .fault(Fault::on("list_configs").times(1).reset())
        .unwrap();
    let reset = get(&world, "/configs").await.unwrap_err();
    assert!(reset.is_request() && !reset.is_connect(), "{reset:?}");

    world
        .emulator
        .fault(Fault::on("list_configs").times(1).truncate())
        .unwrap();
    let cut = get(&world, "/configs").await.unwrap();
    assert_eq!(cut.status(), 200);
    let length = cut.content_length().unwrap();
    assert!(cut.bytes().await.is_err(), "{length} bytes came after all");

    world
        .emulator
        .fault(Fault::on("list_configs").times(1).malformed())
        .unwrap();
    let half = get(&world, "/configs").await.unwrap();
    assert_eq!(half.headers()["content-type"], "application/json");
    let half = half.bytes().await.unwrap();
    assert!(!half.is_empty() && serde_json::from_slice::<Value>(&half).is_err());
    world.get("/configs").await;
}

/// What the client sees of a reset is a reset, not an early end.
#[tokio::test]
async fn a_reset_is_one_on_the_wire() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let world = World::new().await;
    world.emulator.fault(Fault::everywhere().reset()).unwrap();
    let address = world.emulator.public_base_url().replace("http://", "");
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream
        .write_all(b"GET / HTTP/1.1\r\nhost: e\r\n\r\n")
        .await
        .unwrap();
    let error = stream.read(&mut [0; 64]).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn an_answer_comes_late_by_at_least_so_much() {
    let world = World::new().await;
    let late = Duration::from_millis(80);
    world
        .emulator
        .fault(Fault::on("list_configs").latency(late))
        .unwrap();
    let started = Instant::now();
    world.get("/configs").await;
    assert!(started.elapsed() >= late);
}

#[tokio::test]
async fn chance_follows_the_seed() {
    let run = || async {
        let world = World::of(Emulator::builder().seed(3).start().await.unwrap());
        world
            .emulator
            .fault(Fault::everywhere().probability(0.5).status(500))
            .unwrap();
        let mut statuses = Vec::new();
        for _ in 0..20 {
            statuses.push(get(&world, "/configs").await.unwrap().status().as_u16());
        }
        statuses
    };
    let first = run().await;
    assert_eq!(first, run().await);
    assert!(first.contains(&200) && first.contains(&500), "{first:?}");
}

#[tokio::test]
async fn a_fault_that_cannot_strike_is_refused() {
    let world = World::new().await;
    let cases = [
        (Fault::on("list_api_kyes"), "`list_api_kyes`"),
        (Fault::everywhere().probability(1.5), "1.5"),
        (Fault::everywhere().status(99), "200 to 599"),
        (Fault::everywhere().retry_after("a\nb"), "Retry-After"),
    ];
    for (fault, expected) in cases {
        let error = world.emulator.fault(fault).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    world.get("/configs").await;
}
