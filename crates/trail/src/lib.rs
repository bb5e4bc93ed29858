//! Records in, log files out; and the calls of CloudTrail that make trails.
//!
//! A trail reads the journal, takes the records that it selects and cuts them into log files. A
//! cut is written down before the first attempt to store it, together with how far it moves the
//! trail, so that every record is in a file and every attempt stores the same bytes under the
//! same key.

mod api;
mod batch;
mod cut;
mod cutter;
mod deliverer;
mod error;
mod key;
mod name;
mod offsets;
mod progress;
mod run;
mod selection;
mod settings;
mod shelf;
mod status;
mod trails;

pub use crate::error::Error;
pub use crate::name::name_fault;
pub use crate::run::run;
pub use crate::status::TrailStatus;
pub use crate::trails::{Config, Trails};
