//! Hashes, and the key that a secret becomes for one day, region and service.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use crate::authorization::Scope;

/// The SHA-256 of nothing, in hex.
pub(crate) const EMPTY_SHA256: &str =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// The SHA-256 of `bytes`, as [`Payload::Sha256`](crate::Payload::Sha256) holds it.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

pub(crate) fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(key).expect("HMAC-SHA256 takes keys of every length");
    mac.update(message);
    mac.finalize().into_bytes().into()
}

/// The key that signs within one scope.
#[derive(Clone)]
pub(crate) struct SigningKey([u8; 32]);

impl SigningKey {
    pub(crate) fn new(secret: &str, scope: &Scope) -> Self {
        let day = hmac(format!("AWS4{secret}").as_bytes(), scope.day.as_bytes());
        let region = hmac(&day, scope.region.as_bytes());
        let service = hmac(&region, scope.service.as_bytes());
        Self(hmac(&service, TERMINATOR.as_bytes()))
    }

    /// Anybody's, hence nobody's.
    pub(crate) fn of_nobody() -> Self {
        Self([0; 32])
    }

    pub(crate) fn sign(&self, message: &[u8]) -> [u8; 32] {
        hmac(&self.0, message)
    }
}

/// The last part of every scope.
pub(crate) const TERMINATOR: &str = "aws4_request";

/// The text of the first signature of a request.
pub(crate) fn string_to_sign(at: &str, scope: &Scope, canonical_request: &[u8]) -> String {
    let hash = hex::encode(sha256(canonical_request));
    format!("AWS4-HMAC-SHA256\n{at}\n{scope}\n{hash}")
}
