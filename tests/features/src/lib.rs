//! A TLS server on loopback with a certificate of a private authority.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::rustls::{
    self, ServerConfig,
    pki_types::{PrivateKeyDer, pem::PemObject},
};

pub use tokio_rustls::rustls::{NamedGroup, crypto};

const RESPONSE: &str = r#"{"object":"list","total":0,"data":[]}"#;

/// A server that sends an empty list to every request.
pub struct TlsServer {
    address: SocketAddr,
    authority: String,
    hellos: Arc<Mutex<Vec<ClientHello>>>,
}

/// What a client offers at the start of a TLS handshake.
#[derive(Debug, Clone)]
pub struct ClientHello {
    /// The protocols above TLS, such as `h2`.
    pub protocols: Vec<String>,
    /// The groups for the key exchange.
    pub groups: Vec<NamedGroup>,
}

impl TlsServer {
    /// Starts a server; it runs until the runtime ends.
    pub async fn start() -> Self {
        let (config, authority) = certificates();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let hellos = Arc::new(Mutex::new(Vec::new()));
        let shared = hellos.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (config, hellos) = (config.clone(), shared.clone());
                tokio::spawn(async move {
                    // A client that refuses the certificate closes the connection.
                    let _ = respond(stream, config, &hellos).await;
                });
            }
        });
        Self {
            address,
            authority,
            hellos,
        }
    }

    /// Returns the URL of a path.
    pub fn url(&self, path: &str) -> String {
        format!("https://{}{path}", self.address)
    }

    /// Returns the certificate of the authority, in PEM.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Returns what the last client offered.
    ///
    /// # Panics
    ///
    /// If no client has connected.
    pub fn last_hello(&self) -> ClientHello {
        let hellos = self.hellos.lock().unwrap_or_else(PoisonError::into_inner);
        hellos.last().expect("no connection").clone()
    }
}

/// Creates an authority and a certificate of it for loopback. Returns the configuration of a server,
/// and the certificate of the authority.
fn certificates() -> (Arc<ServerConfig>, String) {
    let mut params = CertificateParams::default();
    let name = &mut params.distinguished_name;
    name.push(DnType::CommonName, "Test authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let key = KeyPair::generate().unwrap();
    let authority = params.self_signed(&key).unwrap().pem();
    let issuer = Issuer::new(params, key);

    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    let name = &mut params.distinguished_name;
    name.push(DnType::CommonName, "Test server");
    let certificate = params.signed_by(&key, &issuer).unwrap();
    let key = PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    (Arc::new(config), authority)
}

async fn respond(
    stream: TcpStream,
    config: Arc<ServerConfig>,
    hellos: &Mutex<Vec<ClientHello>>,
) -> std::io::Result<()> {
    let start = LazyConfigAcceptor::new(rustls::server::Acceptor::default(), stream).await?;
    let hello = start.client_hello();
    let protocols = hello.alpn().into_iter().flatten();
    let seen = ClientHello {
        protocols: protocols
            .map(|protocol| String::from_utf8_lossy(protocol).into_owned())
            .collect(),
        groups: hello.named_groups().unwrap_or_default().to_vec(),
    };
    hellos
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(seen);
    let mut stream = start.into_stream(config).await?;
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        request.push(stream.read_u8().await?);
    }
    let length = RESPONSE.len();
    let response = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\
         connection: close\r\n\r\n{RESPONSE}"
    );
    stream.write_all(response.as_bytes()).await?;
    stream.shutdown().await
}
