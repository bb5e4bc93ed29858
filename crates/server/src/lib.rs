//! Configuration, wiring, admin API: the whole road in one process.
//!
//! A [`Config`] and a [`DataDir`] go in, a running [`Server`] comes out. Rooms never name each
//! other; where one's work is another's, a small file in `wiring/` joins them.

mod server;

mod config;
mod dir;
mod system;

mod passage;
mod wiring;

mod admin;
mod status;
mod tls;

pub use crate::admin::{
    AdminDoor, DeadLetter, EventsFrom, EventsPage, EventsQuery, Given, Mark, ReplayRequest,
    Replayed, Taken, Terms, View,
};
pub use crate::config::{Config, DEFAULTS, Invalid};
pub use crate::dir::{DataDir, Unusable};
pub use crate::passage::Passage;
pub use crate::server::{Info, Options, SERVER_FILE, Server};
pub use crate::status::{Hop, Report};
pub use crate::system::{SystemChance, SystemClock};
