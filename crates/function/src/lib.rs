//! Notifications in, outcomes out; a Lambda Runtime API host.
//!
//! An event is accepted as a durable row, run on an instance of its function, and tried again as
//! AWS does where the function fails; what comes out of a success is settled before the row is
//! acknowledged. An instance is a process behind walls: it reaches its Runtime API, our AWS
//! endpoint and its own files.
#![warn(missing_docs)]

mod function;
mod invocation;
mod room;
mod run;
mod settle;

mod instance;
mod process;
mod runtime_api;

mod environment;
mod log;
mod memory;

mod launch;
mod wall;

mod error;

pub use crate::error::Error;
pub use crate::function::{Config, Endpoint, Function, Isolation, RoleCredentials, Roles};
pub use crate::invocation::Job;
pub use crate::launch::launch;
pub use crate::room::Functions;
pub use crate::run::run;
pub use crate::settle::{Settle, Settled};
pub use crate::wall::Wall;
