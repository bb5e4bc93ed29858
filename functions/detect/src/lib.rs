//! The shipped function: which API calls of a log object raise a finding.
