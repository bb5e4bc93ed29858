//! The key that signs messages, and the certificate that its URL names.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use rsa::{
    RsaPrivateKey,
    pkcs1v15::SigningKey,
    pkcs8::DecodePrivateKey,
    sha2::{Digest, Sha256},
    signature::{RandomizedSigner, SignatureEncoding},
};

use store::Table;
use tokio::{
    sync::{Mutex, OnceCell},
    task::{JoinHandle, spawn_blocking},
};

use crate::{
    error::Error,
    run::{read_row, write_row},
    topic::SignatureVersion,
};

/// Signs messages as SNS does.
pub(crate) struct Signer {
    key: RsaPrivateKey,
    certificate_pem: String,
}

/// What the state database keeps of a signer.
#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct Kept {
    key_pem: String,
    certificate_pem: String,
}

/// The server's signer, which its first start makes while it opens all else: a key takes longer to
/// find than everything else takes together.
pub(crate) struct Signing {
    ready: OnceCell<Signer>,
    making: Mutex<Option<JoinHandle<Result<Kept, Error>>>>,
    table: Table,
}

/// The one row of the signer's table.
const ROW: &str = "current";

impl Signing {
    /// Takes up the signer that `table` keeps, or begins to make one.
    pub(crate) async fn open(table: Table) -> Result<Self, Error> {
        let (ready, making) = match table.get(ROW).await? {
            Some(kept) => {
                let kept: Kept = read_row(ROW, &kept)?;
                (OnceCell::new_with(Some(Signer::from_kept(&kept)?)), None)
            }
            None => (OnceCell::new(), Some(spawn_blocking(make))),
        };
        Ok(Self { ready, making: Mutex::new(making), table })
    }

    /// The signer, once it is made and kept.
    pub(crate) async fn signer(&self) -> Result<&Signer, Error> {
        let make = async || {
            let begun = self.making.lock().await.take();
            let made = begun.unwrap_or_else(|| spawn_blocking(make)).await;
            let kept = made.map_err(|why| Error::Signing(why.to_string()))??;
            self.table.put(ROW, write_row(&kept)).await?;
            Signer::from_kept(&kept)
        };
        self.ready.get_or_try_init(make).await
    }
}

/// Makes an RSA key of 2,048 bits and a certificate for it.
fn make() -> Result<Kept, Error> {
    let failed = |why: rcgen::Error| Error::Signing(why.to_string());
    let key = rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048)
        .map_err(failed)?;
    let mut parameters =
        rcgen::CertificateParams::new(vec!["sns.amazonaws.com".to_owned()]).map_err(failed)?;
    parameters.distinguished_name.push(rcgen::DnType::CommonName, "sns.amazonaws.com");
    let certificate = parameters.self_signed(&key).map_err(failed)?;
    Ok(Kept { key_pem: key.serialize_pem(), certificate_pem: certificate.pem() })
}

impl Signer {
    fn from_kept(kept: &Kept) -> Result<Self, Error> {
        let key = RsaPrivateKey::from_pkcs8_pem(&kept.key_pem)
            .map_err(|why| Error::Signing(why.to_string()))?;
        Ok(Self { key, certificate_pem: kept.certificate_pem.clone() })
    }

    /// The certificate, PEM.
    pub(crate) fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// The path under which the certificate is served.
    pub(crate) fn certificate_path(&self) -> String {
        let digest = Sha256::digest(self.certificate_pem.as_bytes());
        let name: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        format!("/SimpleNotificationService-{name}.pem")
    }

    /// The signature of `text`, base64: RSASSA-PKCS1-v1_5, SHA-1 for version 1, SHA-256 for 2.
    pub(crate) fn sign(&self, version: SignatureVersion, text: &str) -> Result<String, Error> {
        let mut blinding = rsa::rand_core::OsRng;
        let failed = |why: rsa::signature::Error| Error::Signing(why.to_string());
        let signature = match version {
            SignatureVersion::One => SigningKey::<sha1::Sha1>::new(self.key.clone())
                .try_sign_with_rng(&mut blinding, text.as_bytes())
                .map_err(failed)?
                .to_vec(),
            SignatureVersion::Two => SigningKey::<Sha256>::new(self.key.clone())
                .try_sign_with_rng(&mut blinding, text.as_bytes())
                .map_err(failed)?
                .to_vec(),
        };
        Ok(BASE64_STANDARD.encode(signature))
    }
}
