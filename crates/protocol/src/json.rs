//! JSON text to trees by the model's shapes, and back; awsJson and restJson1 share it.

mod parse;
mod read;
mod write;

pub(crate) use parse::parse;
pub(crate) use read::{members, value as read};
pub(crate) use write::{document, structure, value as write};
