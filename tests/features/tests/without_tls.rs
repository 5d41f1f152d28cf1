//! The crate without a feature that provides TLS.
#![cfg(not(any(feature = "rustls", feature = "rustls-ring", feature = "native-tls")))]

use portkey_admin::{Client, ClientBuilder};
use portkey_admin_testing::server::{ScriptedResponse, Server};

const MISSING: &str =
    "uses https://, which needs one of the features `rustls`, `rustls-ring` and `native-tls`";

fn builder() -> ClientBuilder {
    Client::builder()
        .api_key("key")
        .base_url("http://127.0.0.1:9/v1")
        .public_base_url("http://127.0.0.1:9")
}

fn refusal(builder: ClientBuilder) -> String {
    let error = builder.build().unwrap_err();
    assert!(error.is_configuration(), "{error}");
    error.to_string()
}

#[test]
fn https_is_refused_and_the_error_names_the_features() {
    let https = "https://host.example";
    for (setting, builder) in [
        ("base_url", builder().base_url(https)),
        ("base_url", Client::builder().api_key("key")),
        ("gateway_base_url", builder().gateway_base_url(https)),
        ("public_base_url", builder().public_base_url(https)),
        (
            "public_base_url",
            Client::builder()
                .api_key("key")
                .base_url("http://127.0.0.1:9"),
        ),
        ("proxy", builder().proxy(https)),
    ] {
        let shown = refusal(builder);
        assert!(shown.contains(&format!("{setting} {MISSING}")), "{shown}");
    }
}

#[tokio::test]
async fn plain_http_works() {
    let response = ScriptedResponse::json(200, r#"{"object":"list","total":0,"data":[]}"#);
    let server = Server::with_response(response);
    let client = Client::builder()
        .api_key("key")
        .base_url(server.url("/v1"))
        .public_base_url(server.url(""))
        .build()
        .unwrap();
    client.list_users().send().await.unwrap();
}
