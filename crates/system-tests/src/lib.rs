//! What the fault harnesses share. Each harness is an executable in `src/bin`; tests of the whole are in `tests/it`.

pub mod chance;
pub mod clock;
pub mod crash;
pub mod faults;
pub mod powercut;
pub mod simulate;
