//! The matrix of faults: each row breaks one thing under a bank and compares what is left with what its clients were told.
//!
//! Rows that need no server load the store itself, in a process of its own, with the load and the history of the power cut;
//! the others start the real executable with the people, the traffic and the book of wishes of the crash. Each row has a
//! defect that it must notice: either built into the product (`ignore-io-errors`), or something that the harness breaks
//! behind the bank's back.

pub mod backup_load;
pub mod bit_flips;
pub mod clock_jumps;
pub mod database_lost;
pub mod desk;
pub mod disk_full;
pub mod exhaustion;
pub mod follow;
pub mod guest;
pub mod herd;
pub mod migration;
pub mod nth_io;
pub mod postgres;
pub mod proxy;
pub mod races;
pub mod shim;
pub mod silent_bank;
pub mod soak;
pub mod torn_writes;
pub mod two_nodes;
pub mod vitals;
pub mod webhook_down;

use std::time::Instant;

/// How a row is run.
#[derive(Clone, Debug)]
pub struct How {
    /// How many rounds; what a round is each row says.
    pub rounds: u64,
    /// Decides what is left to chance.
    pub seed: u64,
    /// The defect that is to be noticed.
    pub defect: Option<String>,
}

impl How {
    /// Whether this defect is wanted.
    #[must_use]
    pub fn has(&self, defect: &str) -> bool {
        self.defect.as_deref() == Some(defect)
    }
}

/// What a row found.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Rounds that were run.
    pub rounds: u64,
    /// What was counted beside, in words.
    pub facts: Vec<String>,
    /// What is wrong, in words: empty when every promise was kept.
    pub wrong: Vec<String>,
}

impl Tally {
    /// Notes something wrong, and tells it at once: a run may be long.
    pub fn wrong(&mut self, what: String) {
        println!("  wrong: {what}");
        self.wrong.push(what);
    }

    /// Notes a figure.
    pub fn fact(&mut self, what: String) {
        self.facts.push(what);
    }
}

#[expect(clippy::disallowed_methods, reason = "how long a fault lasts is the machine's time")]
pub(crate) fn now() -> Instant {
    Instant::now()
}
