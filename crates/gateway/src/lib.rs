//! HTTP requests in, calls out: verified, routed, served, recorded.
