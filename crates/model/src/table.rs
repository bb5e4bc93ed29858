//! All services, found by what requests and records call them.

use std::sync::{Arc, OnceLock};

use crate::{
    Entry, Service, block,
    error::Error,
    index::{Index, Names},
};

/// The model of the service with this name in the model, such as `sns`; inflated on first use.
pub fn service(name: &str) -> Option<Arc<Service>> {
    static SERVICES: OnceLock<Vec<OnceLock<Arc<Service>>>> = OnceLock::new();
    let index = Index::shared();
    let at = index.position(name)?;
    let services = SERVICES.get_or_init(|| index.entries.iter().map(|_| OnceLock::new()).collect());
    let service = services.get(at)?.get_or_init(|| {
        let entry = index.entries.get(at).expect("`position` found it");
        Arc::new(block::read(entry).expect("the table that is compiled in is tested to be whole"))
    });
    Some(Arc::clone(service))
}

/// What is known of a service without inflating its model.
pub fn entry(name: &str) -> Option<&'static Entry> {
    let index = Index::shared();
    index.entries.get(index.position(name)?)
}

/// All services' names in the model, sorted.
pub fn names() -> impl ExactSizeIterator<Item = &'static str> {
    Index::shared().entries.iter().map(|entry| entry.name)
}

/// The services whose credentials are scoped to `signing_name`: several for `s3`, `rds`, `lambda`.
pub fn by_signing_name(signing_name: &str) -> &'static [&'static str] {
    named(&Index::shared().by_signing_name, signing_name)
}

/// The services whose `X-Amz-Target` begins with `prefix` (without the dot), or, for CBOR, whose
/// path names it.
pub fn by_target_prefix(prefix: &str) -> &'static [&'static str] {
    named(&Index::shared().by_target_prefix, prefix)
}

/// The services whose host name begins with `prefix`, such as `monitoring`.
pub fn by_endpoint_prefix(prefix: &str) -> &'static [&'static str] {
    named(&Index::shared().by_endpoint_prefix, prefix)
}

/// The services whose records carry this `eventSource`, such as `sns.amazonaws.com`.
pub fn by_event_source(source: &str) -> &'static [&'static str] {
    Index::shared().by_event_source(source)
}

/// Reads what a block inflates to and forgets it: a door for fuzzing.
pub fn check_block(inflated: &[u8]) -> Result<(), Error> {
    block::read_inflated(inflated).map(|_| ())
}

fn named(names: &'static Names, name: &str) -> &'static [&'static str] {
    names.get(name).map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests;
