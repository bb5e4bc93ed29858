//! The room alone: a real journal and real tables in a temporary directory, a clock that stands
//! still, and a bucket in memory that fails on demand.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

mod api;
mod bucket;
mod crash;
mod delivery;
mod world;
