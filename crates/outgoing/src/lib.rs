//! The one guarded HTTP client: a URL that somebody configured goes in, a bounded answer comes out.
//!
//! A URL may come from whoever may subscribe to a topic, so it is treated as hostile: names are
//! resolved once and the connection goes to the address that was checked, redirects are answers
//! and not followed, no proxy of the environment is used, time and size are bounded. Link-local
//! and metadata addresses are refused always, loopback and private ones unless allowed.

mod address;
mod client;

pub use crate::address::Refused;
pub use crate::client::{Client, Error, Policy, Response};
