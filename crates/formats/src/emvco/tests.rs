//! The published payloads, the rules one by one, and what must hold for any text.

mod building;
mod rules;
mod vectors;
