//! Findings in, alerts out, to each destination.
