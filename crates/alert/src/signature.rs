//! How a webhook knows that an alert is ours.

use flow::{Secret, Timestamp};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// `X-Trailhound-Timestamp` and `X-Trailhound-Signature`: the second of sending, and
/// `sha256=` with the hex HMAC-SHA256 under `key` of that text, a dot, and the body.
pub(crate) fn sign(key: &Secret, at: Timestamp, body: &[u8]) -> (String, String) {
    let timestamp = at.as_secs().to_string();
    let mut mac = Hmac::<Sha256>::new_from_slice(key.expose().as_bytes())
        .expect("HMAC takes keys of every length");
    mac.update(timestamp.as_bytes());
    mac.update(b".");
    mac.update(body);
    let signature = format!("sha256={}", hex::encode(mac.finalize().into_bytes()));
    (timestamp, signature)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_covers_the_time_and_the_body() {
        // From `printf '1700000000.{}' | openssl dgst -sha256 -hmac secret`.
        let at = Timestamp::from_millis(1_700_000_000_999);
        let (timestamp, signature) = sign(&Secret::new("secret"), at, b"{}");
        assert_eq!(timestamp, "1700000000");
        assert_eq!(
            signature,
            "sha256=b8569b78799ff9e3cbff0fc2d63a33a2b57f3282abd07c37ae5e8e7d79a5f163"
        );
    }
}
