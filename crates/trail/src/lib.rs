//! Records in, log files out; the CloudTrail API.
