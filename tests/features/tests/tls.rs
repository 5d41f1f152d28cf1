//! TLS with each of the features that provide it.
#![cfg(any(feature = "rustls", feature = "rustls-ring", feature = "native-tls"))]

use portkey_admin::{Client, ClientBuilder, Error, RequestOptions, RetryPolicy};
use portkey_admin_feature_tests::{TlsServer, crypto::CryptoProvider};

fn builder(server: &TlsServer) -> ClientBuilder {
    Client::builder()
        .api_key("key")
        .base_url(server.url("/v1"))
        .options(RequestOptions::new().retry(RetryPolicy::none()))
}

/// Returns a builder of a client that trusts the authority of the server and no other.
fn trusting_builder(server: &TlsServer) -> ClientBuilder {
    let authority = reqwest::Certificate::from_pem(server.authority().as_bytes()).unwrap();
    builder(server).configure_http(move |http| http.tls_certs_only([authority.clone()]))
}

async fn call(builder: ClientBuilder) -> Result<(), Error> {
    builder.build()?.list_users().send().await.map(drop)
}

/// Returns an error with its causes.
fn with_causes(error: &Error) -> String {
    let mut causes = error.to_string();
    let mut next = std::error::Error::source(error);
    while let Some(cause) = next {
        causes += &format!(": {cause}");
        next = cause.source();
    }
    causes
}

#[tokio::test]
async fn private_authority_is_trusted_if_it_is_the_only_one() {
    let server = TlsServer::start().await;
    call(trusting_builder(&server)).await.unwrap();
}

// The verifier of macOS does not take further certificates.
#[cfg(not(target_vendor = "apple"))]
#[tokio::test]
async fn private_authority_is_trusted_beside_those_of_the_system() {
    let server = TlsServer::start().await;
    let authority = reqwest::Certificate::from_pem(server.authority().as_bytes()).unwrap();
    let merged = move |http: reqwest::ClientBuilder| http.tls_certs_merge([authority.clone()]);
    call(builder(&server).configure_http(merged)).await.unwrap();
}

/// Each library has its own message, so this also shows which one is used.
#[tokio::test]
async fn unknown_authority_is_refused_by_the_library_that_takes_precedence() {
    let server = TlsServer::start().await;
    let authority = TlsServer::start().await;
    let foreign = reqwest::Certificate::from_pem(authority.authority().as_bytes()).unwrap();
    let distrusting =
        builder(&server).configure_http(move |http| http.tls_certs_only([foreign.clone()]));
    let error = call(distrusting).await.unwrap_err();
    assert!(error.is_connect(), "{error}");
    let causes = with_causes(&error);
    let is_rustls = causes.contains("invalid peer certificate");
    let is_expected = cfg!(any(feature = "rustls", feature = "rustls-ring"));
    assert_eq!(is_rustls, is_expected, "{causes}");
}

/// Only aws-lc has a key exchange that withstands quantum computers.
#[cfg(any(feature = "rustls", feature = "rustls-ring"))]
#[tokio::test]
async fn post_quantum_key_exchange_is_offered_by_aws_lc() {
    let server = TlsServer::start().await;
    call(trusting_builder(&server)).await.unwrap();
    let groups = server.last_hello().groups;
    assert_eq!(
        groups.contains(&portkey_admin_feature_tests::NamedGroup::X25519MLKEM768),
        cfg!(feature = "rustls"),
        "{groups:?}"
    );
}

#[tokio::test]
async fn provider_is_installed_only_for_ring() {
    let server = TlsServer::start().await;
    builder(&server).build().unwrap();
    let is_ring_used = cfg!(all(feature = "rustls-ring", not(feature = "rustls")));
    assert_eq!(CryptoProvider::get_default().is_some(), is_ring_used);
}

#[tokio::test]
async fn http2_is_offered_only_with_its_feature() {
    let server = TlsServer::start().await;
    call(trusting_builder(&server)).await.unwrap();
    let protocols = server.last_hello().protocols;
    assert_eq!(
        protocols.contains(&"h2".to_owned()),
        cfg!(feature = "http2"),
        "{protocols:?}"
    );
}
