//! Whose keys open a bucket or a queue.
