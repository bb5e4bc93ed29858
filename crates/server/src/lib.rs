//! Configuration, wiring, admin API: the whole road in one process.

pub mod config;
mod dir;
mod system;

pub use crate::config::{Config, Invalid};
pub use crate::dir::{DataDir, Unusable};
pub use crate::system::{SystemChance, SystemClock};
