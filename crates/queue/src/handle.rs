//! Receipt handles: who holds one was given that message, at that receive.

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Bytes that tell one receive from another.
pub(crate) const NONCE_BYTES: usize = 12;

/// Bytes of the secret that makes handles.
pub(crate) const SECRET_BYTES: usize = 32;

/// Bytes of a handle's proof.
const TAG_BYTES: usize = 17;

/// The bytes with which a handle begins: in base64 they read as those of AWS do.
const MARK: [u8; 3] = [1, 1, 1];

/// The longest text that may be a handle (API_DeleteMessage knows none longer), in bytes.
const TEXT_BYTES_MAX: usize = 1_024;

/// What a receipt handle stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Handle {
    pub(crate) queue: i64,
    pub(crate) message: i64,
    pub(crate) nonce: [u8; NONCE_BYTES],
}

/// Makes handles and knows its own.
pub(crate) struct Handles([u8; SECRET_BYTES]);

impl Handles {
    pub(crate) fn new(secret: [u8; SECRET_BYTES]) -> Self {
        Self(secret)
    }

    fn mac(&self, bytes: &[u8]) -> Hmac<Sha256> {
        let mac = Hmac::<Sha256>::new_from_slice(&self.0);
        let mut mac = mac.expect("HMAC-SHA256 takes keys of every length");
        mac.update(bytes);
        mac
    }

    /// The handle as a client holds it.
    pub(crate) fn write(&self, handle: &Handle) -> String {
        let mut bytes = MARK.to_vec();
        bytes.extend(handle.queue.to_be_bytes());
        bytes.extend(handle.message.to_be_bytes());
        bytes.extend(handle.nonce);
        let tag = self.mac(&bytes).finalize().into_bytes();
        bytes.extend(tag.iter().take(TAG_BYTES));
        STANDARD.encode(bytes)
    }

    /// The handle of that text, unless it is none that these made.
    pub(crate) fn read(&self, text: &str) -> Option<Handle> {
        if text.len() > TEXT_BYTES_MAX {
            return None;
        }
        let bytes = STANDARD.decode(text).ok()?;
        let (said, tag) = bytes.split_at_checked(bytes.len().checked_sub(TAG_BYTES)?)?;
        self.mac(said).verify_truncated_left(tag).ok()?;
        let said = said.strip_prefix(&MARK)?;
        let (queue, said) = said.split_first_chunk()?;
        let (message, said) = said.split_first_chunk()?;
        Some(Handle {
            queue: i64::from_be_bytes(*queue),
            message: i64::from_be_bytes(*message),
            nonce: said.try_into().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_written_is_read() {
        let handles = Handles::new([7; SECRET_BYTES]);
        let handle = Handle { queue: 3, message: i64::MAX, nonce: [9; NONCE_BYTES] };
        let text = handles.write(&handle);
        assert!(text.starts_with("AQEB"), "{text}");
        assert_eq!(handles.read(&text), Some(handle));
        assert_eq!(Handles::new([8; SECRET_BYTES]).read(&text), None);
        for wrong in
            ["", "AQEB", "nonsense!", text.get(..text.len() - 4).unwrap(), &format!("{text}AAAA")]
        {
            assert_eq!(handles.read(wrong), None, "{wrong}");
        }
        let mut bytes = STANDARD.decode(&text).unwrap();
        for at in 0..bytes.len() {
            bytes[at] ^= 1;
            assert_eq!(handles.read(&STANDARD.encode(&bytes)), None, "byte {at}");
            bytes[at] ^= 1;
        }
    }
}
