//! Bytes to tree and back, for the AWS wire protocols, driven by the model.
