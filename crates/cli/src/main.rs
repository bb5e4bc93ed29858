//! The executable `trailhound`.

fn main() {}
