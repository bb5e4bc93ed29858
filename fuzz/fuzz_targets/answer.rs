//! Answers of every operation of every service, good ones and errors.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let (named, rest) = fuzz::line(data);
    let Some((service, operation)) = fuzz::operation(named) else { return };
    // The path gives the status: `GET /404`.
    let Some((parts, body)) = fuzz::request(rest) else { return };
    let status = parts.uri.path().trim_start_matches('/').parse().unwrap_or(200);
    for protocol in service.protocols.iter().copied() {
        let headers = &parts.headers;
        let read = protocol::decode_response(&service, &operation, protocol, status, headers, body);
        match read {
            Ok(Ok(tree)) => {
                protocol::encode_response(&service, &operation, protocol, &tree, "id");
            }
            Ok(Err(fault)) => {
                protocol::encode_error(Some(&service), protocol, &fault, "id");
            }
            Err(malformed) => drop(malformed.fault()),
        }
    }
});
