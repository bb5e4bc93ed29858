//! Archives of log files in, findings out.
