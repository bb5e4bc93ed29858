//! Calls in, records out; records to and from log-file bytes.
