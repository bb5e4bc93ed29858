//! The MD5 digests by which clients check what was understood.

use std::collections::BTreeMap;

use flow::{AttributeValue, MessageAttribute};
use md5::{Digest as _, Md5};

/// What stands before a text and before bytes.
const TEXT: u8 = 1;
const BINARY: u8 = 2;

/// The digest of a body, in hex.
pub(crate) fn of_body(body: &str) -> String {
    hex::encode(Md5::digest(body))
}

/// The digest of attributes, in hex; `None` where there are none.
///
/// By name: the name, the type and the value, the first two and texts and bytes with their length
/// in four bytes before them, the value with its kind in one byte.
/// Source: "Calculating the MD5 message digest for message attributes" of SQS's developer guide.
pub(crate) fn of_attributes(attributes: &BTreeMap<String, MessageAttribute>) -> Option<String> {
    if attributes.is_empty() {
        return None;
    }
    let mut digest = Md5::new();
    for (name, attribute) in attributes {
        put(&mut digest, name.as_bytes());
        put(&mut digest, attribute.data_type.as_bytes());
        let (kind, value) = match &attribute.value {
            AttributeValue::Text(text) => (TEXT, text.as_bytes()),
            AttributeValue::Bytes(bytes) => (BINARY, bytes.as_slice()),
        };
        digest.update([kind]);
        put(&mut digest, value);
    }
    Some(hex::encode(digest.finalize()))
}

fn put(digest: &mut Md5, bytes: &[u8]) {
    let length = u32::try_from(bytes.len()).expect("a message is shorter than four gigabytes");
    digest.update(length.to_be_bytes());
    digest.update(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attribute(data_type: &str, value: AttributeValue) -> MessageAttribute {
        MessageAttribute { data_type: data_type.to_owned(), value }
    }

    #[test]
    fn a_body_has_the_digest_of_its_bytes() {
        assert_eq!(of_body("hello"), "5d41402abc4b2a76b9719d911017c592");
    }

    #[test]
    fn attributes_are_taken_by_name_whatever_their_kind() {
        assert_eq!(of_attributes(&BTreeMap::new()), None);
        let text = attribute("String", AttributeValue::Text("me".into()));
        let bytes = attribute("Binary.png", AttributeValue::Bytes(vec![0, 1, 255]));
        let both = BTreeMap::from([("who".to_owned(), text), ("image".to_owned(), bytes)]);
        let mut spelled = Vec::new();
        spelled.extend(b"\0\0\0\x05image\0\0\0\x0aBinary.png\x02\0\0\0\x03\0\x01\xff");
        spelled.extend(b"\0\0\0\x03who\0\0\0\x06String\x01\0\0\0\x02me");
        assert_eq!(of_attributes(&both), Some(hex::encode(Md5::digest(&spelled))));
    }
}
