//! A service's name in; what that service calls its operations and members, and how it puts them
//! on the wire, out: for every AWS service.
//!
//! `generated/services.bin` holds an index, read on first use, and a deflated block per service,
//! inflated when that service is first asked for and kept. Facts only: names, types, wire traits.
//! What the models do not say of records stands by hand in [`facts`].
//!
//! # To make the table again
//!
//! `crates/model/generate.py` downloads the pinned botocore by pip, verifies its SHA-256 and writes
//! `generated/`; the same bytes each time. For a newer botocore change `VERSION` and
//! `WHEEL_SHA256` there. `generate.py --check` compares and writes nothing.

mod shape;

pub mod facts;

mod block;
mod error;
mod index;
mod reader;
mod table;

pub use crate::error::Error;
pub use crate::index::Entry;
pub use crate::shape::{
    ErrorTrait, Kind, Location, Member, Operation, Protocol, Service, Shape, ShapeId, Structure,
    TimestampFormat,
};
pub use crate::table::{
    by_endpoint_prefix, by_event_source, by_signing_name, by_target_prefix, check_block, entry,
    names, service,
};
