//! HTTP requests in, calls out: verified, routed, served, recorded.
//!
//! In come HTTP connections. Each request is identified by its signature, routed to the operation
//! that it asks for, decoded once, served by an embedded service (or handed to an upstream), and
//! recorded; only then does its answer end. What comes out for the rest of the road are records in
//! the journal. Calls whose signature does not verify are counted and not recorded.
#![warn(missing_docs)]

mod gateway;
mod run;

mod anonymous;
mod answer;
mod grant;
mod identify;
mod recorded;
mod recorder;
mod route;
mod s3;
mod serve;
mod visit;

mod body;
mod budget;
mod counts;
mod patient;
mod proven;
mod tls;
mod turns;

pub use crate::counts::Counts;
pub use crate::gateway::{Downloads, Forward, Gateway, Limits, Page, Parts, Upstream};
pub use crate::route::{Route, route, s3_operation};
pub use crate::run::{Shared, serve, serve_one_of};
