//! The TLS library of the HTTP client, as the Cargo features select it.

/// Why `https://` cannot be used, as a predicate, if no TLS library is enabled.
pub(super) const PROBLEM: Option<&str> = match cfg!(any(
    feature = "rustls",
    feature = "rustls-ring",
    feature = "native-tls"
)) {
    true => None,
    false => Some(
        "uses https://, which needs one of the features `rustls`, `rustls-ring` and `native-tls`",
    ),
};

/// Selects rustls where it is enabled; reqwest prefers `native-tls` over it.
#[cfg(any(feature = "rustls", feature = "rustls-ring"))]
pub(super) fn select_library(builder: reqwest::ClientBuilder) -> reqwest::ClientBuilder {
    #[cfg(not(feature = "rustls"))]
    install_ring();
    builder.tls_backend_rustls()
}

#[cfg(not(any(feature = "rustls", feature = "rustls-ring")))]
pub(super) fn select_library(builder: reqwest::ClientBuilder) -> reqwest::ClientBuilder {
    builder
}

/// Makes ring the default of the process unless there is one. Without a default, reqwest panics.
#[cfg(all(feature = "rustls-ring", not(feature = "rustls")))]
fn install_ring() {
    use rustls::crypto::{CryptoProvider, ring};

    if CryptoProvider::get_default().is_none() {
        // It fails if another thread has installed one in the meantime, which is as good.
        let _ = ring::default_provider().install_default();
    }
}
