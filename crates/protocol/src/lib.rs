//! Bytes to tree and back, for the AWS wire protocols, driven by the model.
//!
//! In come HTTP requests and answers, as a method, a path, headers and a whole body, and the model
//! of a service. Out go [`flow::Tree`]s whose members bear the model's names, and
//! [`flow::Fault`]s; and the other way round. Each of the four directions is one function, and
//! errors are a fifth. Nothing here knows a clock, chance, a socket or a file.
//!
//! awsJson 1.0 and 1.1, awsQuery, ec2Query and restJson1 are spoken both ways; errors are written
//! for all six protocols. What cannot be spoken yet says so as [`Malformed::Unsupported`].
#![warn(missing_docs)]

mod codec;
mod message;

mod error;
pub mod limit;

mod choose;
pub mod uri;

// The protocols.
mod aws_json;
mod aws_query;
mod fault;
mod rest;

// The languages that they are written in.
mod cbor;
mod json;
mod xml;

// What all of them need.
mod check;
mod lookup;
mod moment;
mod text;

pub use crate::choose::{action, operation_name, protocol_of};
pub use crate::codec::{
    decode_request, decode_response, encode_error, encode_request, encode_response,
};
pub use crate::error::{Invalid, Malformed, protocol_name};
pub use crate::message::{HttpAnswer, HttpRequest, RequestParts};
