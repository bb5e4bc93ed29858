//! A real bucket's queue in, alerts out.
