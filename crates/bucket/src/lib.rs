//! Objects in, ObjectCreated out; the S3 API.
