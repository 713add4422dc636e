//! Placeholder entry; tidy and generators live here.
fn main() {}
