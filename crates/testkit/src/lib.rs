//! The whole server in one process, a manual clock, faults.
