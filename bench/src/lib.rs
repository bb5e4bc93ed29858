//! Benchmarks: each prints ratios measured in one run, with its control beside it.
//!
//! A benchmark is a binary of this package. It fails where something was lost, whatever the
//! figures.

mod executable;
mod far_bucket;
mod functions;
mod listener;
mod runtime_api;
mod spread;
mod sync_cost;

mod report;

pub use crate::executable::{Line, Lines, Up, bare_exit, trailhound};
pub use crate::far_bucket::FarBucket;
pub use crate::functions::{Deployed, echo_function, renew};
pub use crate::listener::{Arrived, Listener};
pub use crate::report::{millis, print_json, print_table, say};
pub use crate::runtime_api::{Life, live};
pub use crate::spread::Spread;
pub use crate::sync_cost::fdatasync_millis;
