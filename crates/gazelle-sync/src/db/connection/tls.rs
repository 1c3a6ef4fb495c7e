//! Verifies the server's certificate; `encryption` decides whether it must be verified.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject};
use rustls::server::ParsedCertificate;
use rustls::{DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::encryption::Verification;
use crate::db::error::DbError;

/// A TLS connector that trusts the CAs of the given file and no others, as libpq does, or the system's if no file
/// is given. `place` names the server in messages.
///
/// # Errors
/// The file cannot be used, or TLS cannot be set up.
pub(in crate::db) fn connector(
    ca_file: Option<&PathBuf>,
    verification: Verification,
    place: &str,
) -> Result<MakeRustlsConnect, DbError> {
    let mut roots = RootCertStore::empty();
    let named = match ca_file {
        Some(file) => add_authorities(&mut roots, file)?,
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            Vec::new()
        }
    };
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|e| DbError::infrastructure(format!("TLS is not available: {e}")))?;
    let config = match verification {
        Verification::Demanded if named.is_empty() => {
            builder.with_root_certificates(roots).with_no_client_auth()
        }
        Verification::Demanded => {
            let strict = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
                .build()
                .map_err(|e| DbError::infrastructure(format!("TLS is not available: {e}")))?;
            builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(NamedCaVerifier { strict, named }))
                .with_no_client_auth()
        }
        Verification::Tried => {
            // `None` if this machine trusts no CA at all.
            let strict =
                WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone()).build().ok();
            let lenient =
                LenientVerifier { strict, provider, place: place.to_owned(), warned: AtomicBool::new(false) };
            builder.dangerous().with_custom_certificate_verifier(Arc::new(lenient)).with_no_client_auth()
        }
    };
    Ok(MakeRustlsConnect::new(config))
}

/// Adds the certificates of a file to the trusted ones, and returns them.
fn add_authorities(
    roots: &mut RootCertStore,
    file: &PathBuf,
) -> Result<Vec<CertificateDer<'static>>, DbError> {
    let unusable = |why: String| {
        DbError::refused(format!("the certificate file {} is not usable: {why}", file.display()))
    };
    let certificates = CertificateDer::pem_file_iter(file).map_err(|e| unusable(e.to_string()))?;
    let mut found = Vec::new();
    for certificate in certificates {
        let certificate = certificate.map_err(|e| unusable(e.to_string()))?;
        roots.add(certificate.clone()).map_err(|e| unusable(e.to_string()))?;
        found.push(certificate);
    }
    match found.is_empty() {
        true => Err(unusable("it holds no certificate in PEM form".to_owned())),
        false => Ok(found),
    }
}

/// Whether a certificate was refused only for being a CA certificate: `openssl req -x509` makes such ones for
/// servers.
fn is_its_own_authority(error: &rustls::Error) -> bool {
    format!("{error:?}").contains("CaUsedAsEndEntity")
}

/// Verifies strictly, but accepts the server's self-signed CA certificate if the settings name exactly this one:
/// its key, host name and validity are still checked. (Strict verification checks the validity before it looks
/// whether it is a CA.)
#[derive(Debug)]
struct NamedCaVerifier {
    strict: Arc<WebPkiServerVerifier>,
    named: Vec<CertificateDer<'static>>,
}

impl ServerCertVerifier for NamedCaVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        match self.strict.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            // The settings name this certificate, so its key proves the server; the host name must match too.
            Err(error) if is_its_own_authority(&error) && self.named.iter().any(|it| it == end_entity) => {
                rustls::client::verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
                Ok(ServerCertVerified::assertion())
            }
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.strict.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.strict.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.strict.supported_verify_schemes()
    }
}

/// Verifies, and accepts the server even if that fails, logging it once.
#[derive(Debug)]
struct LenientVerifier {
    strict: Option<Arc<WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
    place: String,
    warned: AtomicBool,
}

impl LenientVerifier {
    fn not_verified(&self, why: &str) {
        if !self.warned.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                "the connection to the database at {} is encrypted, but its certificate was not verified ({why}): name the \
                 certificate, or its authority's, as a PEM file in GAZELLE_SYNC_DATABASE_CA to have it verified",
                self.place
            );
        }
    }
}

impl ServerCertVerifier for LenientVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let verified = match &self.strict {
            Some(strict) => {
                strict.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
            }
            None => Err(rustls::Error::General("no authority is trusted here".to_owned())),
        };
        if let Err(error) = verified {
            match is_its_own_authority(&error) {
                true => self.not_verified("the server made it itself"),
                false => self.not_verified(&error.to_string()),
            }
        }
        Ok(ServerCertVerified::assertion())
    }

    // A failed signature is accepted too, since an unverified peer could sign anything anyway: so a certificate
    // that our library cannot even read (version 1) works as it does with libpq.
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        if let Err(error) = rustls::crypto::verify_tls12_signature(message, certificate, signed, algorithms) {
            self.not_verified(&error.to_string());
        }
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        if let Err(error) = rustls::crypto::verify_tls13_signature(message, certificate, signed, algorithms) {
            self.not_verified(&error.to_string());
        }
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
