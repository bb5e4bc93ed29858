//! The canonical request: the one text that both sides sign.

use http::{HeaderMap, header, request::Parts};

use crate::encode;

/// The whole canonical request. `payload` is the body's hash in hex, or the word that stands for it.
pub(crate) fn request(parts: &Parts, s3: bool, signed: &[String], payload: &str) -> Vec<u8> {
    let mut text = Vec::with_capacity(512);
    text.extend_from_slice(parts.method.as_str().as_bytes());
    text.push(b'\n');
    text.extend_from_slice(path(parts.uri.path(), s3).as_bytes());
    text.push(b'\n');
    text.extend_from_slice(query(parts.uri.query().unwrap_or_default()).as_bytes());
    text.push(b'\n');
    for name in signed {
        text.extend_from_slice(name.as_bytes());
        text.push(b':');
        header_values(parts, name, &mut text);
        text.push(b'\n');
    }
    text.push(b'\n');
    text.extend_from_slice(signed.join(";").as_bytes());
    text.push(b'\n');
    text.extend_from_slice(payload.as_bytes());
    text
}

/// S3 signs the path encoded once, as it names the object; the others sign the normalised path with
/// the client's encoding encoded again.
pub(crate) fn path(path: &str, s3: bool) -> String {
    let path = if path.is_empty() { "/" } else { path };
    if s3 { encode::path(&encode::decode(path)) } else { encode::path(normalised(path).as_bytes()) }
}

/// Without empty, `.` and `..` segments.
fn normalised(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                kept.pop();
            }
            segment => kept.push(segment),
        }
    }
    let end = if path.ends_with('/') && !kept.is_empty() { "/" } else { "" };
    format!("/{}{end}", kept.join("/"))
}

/// Sorted by encoded name, then value; without the signature itself.
pub(crate) fn query(query: &str) -> String {
    let encoded = |text| encode::component(&encode::decode_query(text));
    let mut pairs: Vec<(String, String)> = encode::pairs(query)
        .map(|(name, value)| (encoded(name), encoded(value)))
        .filter(|(name, _)| name != "X-Amz-Signature")
        .collect();
    pairs.sort();
    let mut text = String::with_capacity(query.len());
    for (name, value) in &pairs {
        if !text.is_empty() {
            text.push('&');
        }
        text.push_str(name);
        text.push('=');
        text.push_str(value);
    }
    text
}

fn header_values(parts: &Parts, name: &str, text: &mut Vec<u8>) {
    let mut first = true;
    for value in parts.headers.get_all(name) {
        if !first {
            text.push(b',');
        }
        first = false;
        collapse(value.as_bytes(), text);
    }
    // Whoever names the host in the request line alone still signs it.
    if first
        && name == "host"
        && let Some(authority) = parts.uri.authority()
    {
        text.extend_from_slice(authority.as_str().as_bytes());
    }
}

/// Trimmed, each run of white space one space.
fn collapse(value: &[u8], text: &mut Vec<u8>) {
    let words = value.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    for (at, word) in words.enumerate() {
        if at > 0 {
            text.push(b' ');
        }
        text.extend_from_slice(word);
    }
}

/// The names of the headers that a client signs, ascending: all but those that proxies and HTTP
/// libraries may touch.
pub(crate) fn names_to_sign(headers: &HeaderMap) -> Vec<String> {
    let touched = [
        header::AUTHORIZATION,
        header::CONNECTION,
        header::EXPECT,
        header::TRANSFER_ENCODING,
        header::USER_AGENT,
        header::ACCEPT_ENCODING,
    ];
    let mut names: Vec<String> = headers
        .keys()
        .filter(|name| !touched.contains(*name) && name.as_str() != "x-amzn-trace-id")
        .map(|name| name.as_str().to_owned())
        .collect();
    names.sort();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(given: &str, others: &str, s3: &str) {
        assert_eq!(path(given, false), others, "{given}");
        assert_eq!(path(given, true), s3, "{given} for S3");
    }

    #[test]
    fn s3_keeps_a_path_that_others_normalise_and_encode_again() {
        check("/", "/", "/");
        check("", "/", "/");
        check("/example space/", "/example%20space/", "/example%20space/");
        check("/a%20b", "/a%2520b", "/a%20b");
        check("//a/../b//", "/b/", "//a/../b//");
        check("/a/..", "/", "/a/..");
        check("/k(1)!", "/k%281%29%21", "/k%281%29%21");
        check("/%zz", "/%25zz", "/%25zz");
    }

    #[test]
    fn a_query_is_sorted_and_leaves_its_signature_out() {
        assert_eq!(query("b=2&a=&X-Amz-Signature=1&c&b=1"), "a=&b=1&b=2&c=");
        assert_eq!(query("a=x+y&b=%2B%2f"), "a=x%20y&b=%2B%2F");
    }
}
