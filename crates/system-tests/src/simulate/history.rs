//! What happened in a run: the last steps in words, and a digest of all of them, which names the run.

use std::collections::VecDeque;

/// How many of the last steps are told with a failure.
const TOLD: usize = 60;

/// A digest that depends on nothing but what is added (FNV-1a).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digest(u64);

impl Default for Digest {
    fn default() -> Self {
        Self(0xCBF2_9CE4_8422_2325)
    }
}

impl Digest {
    /// Adds bytes, and an end to them.
    pub fn add(&mut self, bytes: &[u8]) {
        for byte in bytes.iter().chain(&[0xFF]) {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3);
        }
    }

    /// As a number.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }
}

/// The history of a run.
#[derive(Default)]
pub struct History {
    /// The number of the step that runs.
    pub step: u64,
    /// Of all that happened.
    pub digest: Digest,
    aloud: bool,
    last: VecDeque<String>,
}

impl History {
    /// An empty one; `aloud` tells every step at once.
    #[must_use]
    pub fn new(aloud: bool) -> Self {
        Self { aloud, ..Self::default() }
    }

    /// Something happened.
    pub fn note(&mut self, what: &str) {
        let line = format!("{:>5}  {what}", self.step);
        self.digest.add(line.as_bytes());
        if self.aloud {
            println!("{line}");
        }
        if self.last.len() == TOLD {
            self.last.pop_front();
        }
        self.last.push_back(line);
    }

    /// The last steps, one to a line.
    #[must_use]
    pub fn last(&self) -> String {
        self.last.iter().fold(String::new(), |text, line| text + line + "\n")
    }
}
