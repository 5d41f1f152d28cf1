//! The features that change what the HTTP client can do.
#![cfg(any(feature = "rustls", feature = "rustls-ring", feature = "native-tls"))]

use portkey_admin::{Client, ClientBuilder};
use portkey_admin_testing::server::{ScriptedResponse, Server};

fn builder(server: &Server) -> ClientBuilder {
    Client::builder().api_key("key").base_url(server.url("/v1"))
}

#[cfg(feature = "gzip")]
fn compressed(length: usize) -> ScriptedResponse {
    use std::io::Write;

    let mut body = br#"{"object":"list","total":0,"data":[],"new":""#.to_vec();
    body.resize(length - 2, b'x');
    body.extend(br#""}"#);
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(&body).unwrap();
    ScriptedResponse::json(200, "")
        .with_header("content-encoding", "gzip")
        .with_bytes(encoder.finish().unwrap())
}

#[cfg(feature = "gzip")]
#[tokio::test]
async fn compressed_body_is_decoded() {
    let server = Server::with_response(compressed(1 << 20));
    let client = builder(&server).build().unwrap();
    let response = client.list_users().send_with_response().await.unwrap();
    assert_eq!(response.body().len(), 1 << 20);
    assert_eq!(server.request().header("accept-encoding"), ["gzip"]);
}

#[cfg(feature = "gzip")]
#[tokio::test]
async fn limit_of_a_body_applies_to_the_decompressed_body() {
    let server = Server::with_response(compressed(1 << 20));
    let options = portkey_admin::RequestOptions::new().max_response_size((1 << 20) - 1);
    let client = builder(&server).options(options).build().unwrap();
    let error = client.list_users().send().await.unwrap_err();
    assert!(error.is_response_too_large(), "{error}");
}

#[cfg(not(feature = "gzip"))]
#[tokio::test]
async fn compression_is_not_requested_without_gzip() {
    let response = ScriptedResponse::json(200, r#"{"object":"list","total":0,"data":[]}"#);
    let server = Server::with_response(response);
    let client = builder(&server).build().unwrap();
    client.list_users().send().await.unwrap();
    assert_eq!(server.request().header("accept-encoding"), [""; 0]);
}

#[test]
fn socks_proxy_needs_the_feature_socks() {
    let server = Server::with_response(ScriptedResponse::empty(200));
    for scheme in ["socks4", "socks4a", "socks5", "socks5h"] {
        let proxy = format!("{scheme}://127.0.0.1:9");
        let built = builder(&server).proxy(proxy).build();
        match cfg!(feature = "socks") {
            true => assert!(built.is_ok(), "{scheme}"),
            false => {
                let shown = built.unwrap_err().to_string();
                let expected = "proxy uses socks, which needs the feature `socks`";
                assert!(shown.contains(expected), "{shown}");
            }
        }
    }
}
