//! URLs as AWS encodes them: everything but unreserved characters, in upper-case hex.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode, percent_encode};

const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
const PATH: &AsciiSet = &COMPONENT.remove(b'/');

/// A name or value of a query.
pub(crate) fn component(bytes: &[u8]) -> String {
    percent_encode(bytes, COMPONENT).to_string()
}

/// A path, its slashes kept.
pub(crate) fn path(bytes: &[u8]) -> String {
    percent_encode(bytes, PATH).to_string()
}

/// The bytes that `text` stands for; a percent sign without two digits stands for itself.
pub(crate) fn decode(text: &str) -> Vec<u8> {
    percent_decode(text.as_bytes()).collect()
}

/// As [`decode`], for queries, where a plus sign is a space.
pub(crate) fn decode_query(text: &str) -> Vec<u8> {
    let spaced: Vec<u8> = text.bytes().map(|byte| if byte == b'+' { b' ' } else { byte }).collect();
    percent_decode(&spaced).collect()
}

/// Names and values of a query, still encoded, in their order; empty parts are left out.
pub(crate) fn pairs(query: &str) -> impl Iterator<Item = (&str, &str)> {
    query
        .split('&')
        .filter(|part| !part.is_empty())
        .map(|part| part.split_once('=').unwrap_or((part, "")))
}
