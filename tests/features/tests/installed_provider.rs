//! A program that has installed a provider. It is the default of the whole process, so this test has a
//! process of its own.
#![cfg(any(feature = "rustls", feature = "rustls-ring"))]

use portkey_admin::Client;
use portkey_admin_feature_tests::crypto::{CryptoProvider, ring};

#[test]
fn installed_provider_is_kept() {
    let mut provider = ring::default_provider();
    provider.cipher_suites.truncate(1);
    let expected = provider.cipher_suites.clone();
    provider.install_default().unwrap();
    Client::builder().api_key("key").build().unwrap();
    let provider = CryptoProvider::get_default().unwrap();
    assert_eq!(provider.cipher_suites, expected);
}
