//! One object that a thread is to read.

use std::{io::Read, path::PathBuf};

use bytes::Bytes;

use crate::{
    archive::Receipt,
    report::{Failure, Skipped},
};

/// What a thread takes up next.
pub(crate) enum Item {
    /// A file on disk.
    File(PathBuf),
    /// Standard input.
    Stdin,
    /// An object of an archive.
    Fetched(Fetched),
    /// Something that is passed over and counted: a link, a socket, a device.
    NotAFile,
    /// Objects of an archive that are passed over, by what its listing tells.
    Skipped(Skipped),
    /// Something that cannot be read: an object, or where objects were looked for.
    Failed(Failure),
}

/// An object of an archive.
pub(crate) struct Fetched {
    /// How people name it: `s3://bucket/key`.
    pub(crate) name: String,
    /// Its key.
    pub(crate) key: String,
    /// Its bytes.
    pub(crate) body: Body,
    /// Where to say that it has been read.
    pub(crate) receipt: Option<Receipt>,
}

/// An object's bytes, as stored.
pub(crate) enum Body {
    /// All of them.
    Whole(Bytes),
    /// As they come: the object is large.
    Stream(Box<dyn Read + Send>),
}
