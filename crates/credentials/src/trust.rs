//! Whose certificates are trusted beside the system's.

use std::path::PathBuf;

use aws_config::SdkConfig;
use aws_smithy_http_client::{
    Builder,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};
use aws_types::sdk_config::SharedHttpClient;
use object_store::Certificate;

use crate::{access::service_setting, error::Error};

/// The largest bundle of certificates, in bytes.
const CA_BUNDLE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// The bundle that `AWS_CA_BUNDLE` or the profile's `ca_bundle` names.
pub(crate) fn ca_bundle(sdk: &SdkConfig) -> Result<Option<Vec<u8>>, Error> {
    let Some(path) = service_setting(sdk, "s3", "AWS_CA_BUNDLE", "ca_bundle") else {
        return Ok(None);
    };
    let path = PathBuf::from(path);
    match read(&path) {
        Ok(bundle) => Ok(Some(bundle)),
        Err(source) => Err(Error::CaBundle { path, source }),
    }
}

fn read(path: &PathBuf) -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>> {
    let bytes = std::fs::metadata(path)?.len();
    if bytes > CA_BUNDLE_BYTES_MAX {
        return Err(format!("it has {bytes} bytes, more than {CA_BUNDLE_BYTES_MAX}").into());
    }
    let bundle = std::fs::read(path)?;
    if Certificate::from_pem_bundle(&bundle)?.is_empty() {
        return Err("it holds no certificate in PEM form".into());
    }
    Ok(bundle)
}

/// The client that fetches keys.
pub(crate) fn http_client(bundle: &[u8]) -> Result<SharedHttpClient, Error> {
    let store = TrustStore::default().with_pem_certificate(bundle);
    let context = TlsContext::builder().with_trust_store(store).build();
    let context = context.map_err(|error| Error::Settings { why: error.to_string() })?;
    let provider = Provider::Rustls(CryptoMode::AwsLc);
    Ok(Builder::new().tls_provider(provider).tls_context(context).build_https())
}
