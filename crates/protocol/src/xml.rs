//! XML to trees by the model's shapes, and back; awsQuery, ec2Query and restXml share it.

mod parse;
mod read;
mod write;

pub(crate) use parse::{Element, parse};
pub(crate) use read::members;
pub(crate) use write::{Writer, members as write_members};
