//! Whom the client believes.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use egress::{Egress, Endpoint, Error, Options, Request};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::server::{patient, serve};

fn data(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(file)
}

/// A server whose certificate was signed by an authority that no system knows.
async fn start() -> Endpoint {
    let chain = vec![CertificateDer::from_pem_file(data("server.pem")).unwrap()];
    let key = PrivateKeyDer::from_pem_file(data("server.key")).unwrap();
    let config =
        ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (heads, _kept) = mpsc::channel(16);
        while let Ok((connection, _)) = listener.accept().await {
            let Ok(connection) = acceptor.accept(connection).await else { continue };
            let answer = b"HTTP/1.1 204 No Content\r\n\r\n".to_vec();
            tokio::spawn(serve(connection, answer, false, heads.clone()));
        }
    });
    Endpoint::configured(&format!("https://localhost:{port}")).unwrap()
}

fn trusting(file: PathBuf) -> Result<Egress, Error> {
    Egress::new(Options { extra_authorities: Some(file), ..Options::default() })
}

#[tokio::test]
async fn only_a_trusted_authority_is_believed() {
    let endpoint = start().await;
    let stranger = Egress::new(Options::default()).unwrap();
    let error = stranger.send(Request::get(&endpoint, "x").timeouts(patient())).await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error:?}");

    let trusting = trusting(data("ca.pem")).unwrap();
    let answer = trusting.send(Request::get(&endpoint, "x").timeouts(patient())).await.unwrap();
    assert_eq!(answer.status, 204);
}

#[test]
fn a_bundle_that_is_none_is_refused_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let empty = directory.path().join("empty.pem");
    std::fs::write(&empty, "no certificate\n").unwrap();
    for file in [empty, directory.path().join("missing.pem")] {
        let error = trusting(file).unwrap_err();
        assert!(matches!(error, Error::Certificates { .. }), "{error:?}");
    }
}
