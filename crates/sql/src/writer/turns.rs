//! Nodes that share a server take turns at it, and a turn is worth taking when enough units wait for it.
//!
//! A group costs some exchanges and a sync however many units it has. Callers who were answered by this node's last group
//! come back while another node has its turn; who begins again with the first few of them makes a small group, and many
//! small groups are slow for everybody. So a node that found the others at work waits, before it asks for its turn and only
//! for a moment, until about as many units stand in its queue as its last group had. Alone it never waits.

use std::time::{Duration, Instant};

/// A group that waited longer for its turn had others before it.
const HELD_UP: Duration = Duration::from_millis(1);
/// The longest wait for callers.
const MOST: Duration = Duration::from_millis(3);
/// Between two looks at the queue.
const LOOK: Duration = Duration::from_micros(200);

/// What the last group tells about the next.
#[derive(Default)]
pub(super) struct Turns {
    held_up: bool,
    units: usize,
}

impl Turns {
    /// Waits until enough units stand in the queue, as `waiting` counts them.
    #[expect(clippy::disallowed_methods, reason = "how long a group waits is the machine's time, not the bank's")]
    pub(super) fn gather(&self, waiting: impl Fn() -> usize) {
        let (begun, enough) = (Instant::now(), self.units - self.units / 4);
        while self.held_up && waiting() < enough && begun.elapsed() < MOST {
            std::thread::sleep(LOOK);
        }
    }

    /// The group waited so long for its turn.
    pub(super) fn begun_after(&mut self, time: Duration) {
        self.held_up = time > HELD_UP;
    }

    /// The group had so many units.
    pub(super) fn ended_with(&mut self, units: usize) {
        self.units = units;
    }
}
