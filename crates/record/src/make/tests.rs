//! Records of calls, against records written by hand and records that AWS wrote.

