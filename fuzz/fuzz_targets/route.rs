//! Requests without a signature, and with the signing name of the first line.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let (signing_name, rest) = fuzz::line(data);
    let Some((parts, body)) = fuzz::request(rest) else { return };
    let parts = fuzz::parts(&parts);
    let name = std::str::from_utf8(signing_name).ok().filter(|name| !name.is_empty());
    let route = gateway::route(name, &parts, body);
    if let (Some(service), Some(operation)) = (&route.service, &route.operation) {
        assert!(service.operation(operation).is_some(), "{operation} is of {}", service.name);
    }
});
