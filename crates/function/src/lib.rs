//! Notifications and calls in, outcomes out; Lambda's API, and a host of its Runtime API.
//!
//! An event is accepted as a durable row, run on an instance of its function, and tried again as
//! AWS does where the function fails; what comes out of a success is settled before the row is
//! acknowledged. A call whose caller waits takes an instance at once or is refused. An instance is a process behind walls: it reaches its Runtime API, our AWS
//! endpoint and its own files.
#![warn(missing_docs)]

mod call;
mod function;
mod invocation;
mod room;
mod run;
mod settle;

mod destination;
mod source;

mod api;
mod kept;
mod policy;
mod version;

mod code;
mod runtime;

mod instance;
mod process;
mod runtime_api;

mod environment;
mod log;
mod memory;

mod launch;
mod wall;

mod error;

pub use crate::code::unpack;
pub use crate::destination::Outlet;
pub use crate::error::Error;
pub use crate::function::{
    Config, Endpoint, Function, Isolation, Ports, Resources, RoleCredentials, Roles,
};
pub use crate::invocation::Job;
pub use crate::launch::launch;
pub use crate::room::Functions;
pub use crate::run::run;
pub use crate::settle::{Settle, Settled};
pub use crate::source::{Filters, Matcher, Message, NotReceived, Source};
pub use crate::wall::Wall;
