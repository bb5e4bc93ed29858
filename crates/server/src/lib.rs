//! Configuration, wiring, admin API: the whole road in one process.
