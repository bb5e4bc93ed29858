//! Policy documents in, decisions out.
//!
//! A document is read once, strictly: what cannot be honoured, be it an operator, a condition key or
//! an element, is refused with its place. Asking a [`Policy`] parses nothing. [`decide`] puts
//! together what a caller's policies and a resource's policy say. A [`Document`] is the text while a
//! service edits it for its callers.
//!
//! Written here rather than taken: `scratchstack-aspen` makes a regular expression of each pattern
//! at each question and asks one document, `iam-rs` ignores keys that it does not know and has
//! neither boundaries nor session policies.
#![warn(missing_docs)]

mod decide;
mod document;
mod policy;

mod action;
mod condition;
mod context;
mod json;
mod key;
mod pattern;
mod principal;
mod read;
mod resource;

pub use crate::context::Context;
pub use crate::decide::{By, Policies, Verdict, decide};
pub use crate::document::{Document, Statements, allow};
pub use crate::policy::{Kind, Policy};
pub use crate::principal::{Asker, Named};
pub use crate::read::Malformed;
