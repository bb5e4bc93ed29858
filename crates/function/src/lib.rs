//! Notifications in, outcomes out; a Lambda Runtime API host.
