//! Records in, findings out: Sigma.
