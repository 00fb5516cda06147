//! A certificate for `localhost` by an authority of these tests, and TLS before a
//! server that knows none.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::server::SERVERS;

/// A file by its name: `server.pem` and `server.key` are the certificate and its key,
/// `authority.pem` who signed it, `other.pem` another authority of the same name.
pub fn file(name: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/certificates")).join(name)
}

/// A port at which a server is reached by TLS, until this is dropped.
pub struct TlsPort {
    address: SocketAddr,
    listening: JoinHandle<()>,
}

impl TlsPort {
    pub fn before(server: SocketAddr) -> Self {
        let certificate = CertificateDer::from_pem_file(file("server.pem")).unwrap();
        let key = PrivateKeyDer::from_pem_file(file("server.key")).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let listening = SERVERS.spawn(async move {
            let listener = TcpListener::from_std(listener).unwrap();
            while let Ok((client, _)) = listener.accept().await {
                let accepted = acceptor.accept(client);
                tokio::spawn(async move {
                    // Whoever does not trust the certificate ends it.
                    let mut client = accepted.await?;
                    let mut server = TcpStream::connect(server).await?;
                    copy_bidirectional(&mut client, &mut server).await
                });
            }
        });
        Self { address, listening }
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }
}

impl Drop for TlsPort {
    fn drop(&mut self) {
        self.listening.abort();
    }
}
