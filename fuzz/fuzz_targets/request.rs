//! Requests of every operation of every service: what is understood can be written again.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let (named, rest) = fuzz::line(data);
    let Some((service, operation)) = fuzz::operation(named) else { return };
    let Some((parts, body)) = fuzz::request(rest) else { return };
    let parts = fuzz::parts(&parts);
    let chosen = protocol::protocol_of(&service, &parts);
    match protocol::decode_request(&service, &operation, chosen, &parts, body) {
        Ok(tree) => {
            let _ = protocol::encode_request(&service, &operation, chosen, &tree);
        }
        Err(malformed) => {
            let fault = malformed.fault();
            protocol::encode_error(Some(&service), chosen, &fault, "id");
        }
    }
});
