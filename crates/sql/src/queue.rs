//! The writer's two bounded queues: units that somebody waits for, and chunks of bulk work that go between them.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// The most chunks of bulk work that wait. One may hold ten thousand transfers and goes between two groups: more of them
/// would wait for long and hold memory meanwhile.
pub(crate) const BULK_WAITING: usize = 16;

/// A queue with an interactive and a bulk lane.
pub(crate) struct Queue<T> {
    lanes: Mutex<Lanes<T>>,
    filled: Condvar,
    capacity: usize,
    bulk: usize,
}

struct Lanes<T> {
    interactive: VecDeque<T>,
    bulk: VecDeque<T>,
    closed: bool,
    /// The writer waits: only then need it be woken, which is a system call.
    idle: bool,
}

/// The queue cannot take more, or its writer is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    Full,
    Closed,
}

impl<T> Queue<T> {
    pub(crate) fn new(capacity: usize) -> Self {
        let lanes = Lanes { interactive: VecDeque::new(), bulk: VecDeque::new(), closed: false, idle: false };
        let bulk = capacity.min(BULK_WAITING);
        Self { lanes: Mutex::new(lanes), filled: Condvar::new(), capacity, bulk }
    }

    fn lanes(&self) -> MutexGuard<'_, Lanes<T>> {
        // Nothing inside the lock can panic half-way through a change.
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds an item, or gives it back.
    pub(crate) fn push(&self, item: T, bulk: bool) -> Result<(), (Refused, T)> {
        let mut lanes = self.lanes();
        if lanes.closed {
            return Err((Refused::Closed, item));
        }
        let (lane, most) = if bulk { (&mut lanes.bulk, self.bulk) } else { (&mut lanes.interactive, self.capacity) };
        if lane.len() >= most {
            return Err((Refused::Full, item));
        }
        lane.push_back(item);
        let idle = std::mem::take(&mut lanes.idle);
        drop(lanes);
        if idle {
            self.filled.notify_one();
        }
        Ok(())
    }

    /// Waits for work, then moves up to `most` interactive items and at most one bulk item into the buffers. False when the
    /// queue is closed and empty.
    pub(crate) fn take(&self, most: usize, interactive: &mut VecDeque<T>, bulk: &mut Option<T>) -> bool {
        let mut lanes = self.lanes();
        while lanes.interactive.is_empty() && lanes.bulk.is_empty() {
            if lanes.closed {
                return false;
            }
            lanes.idle = true;
            lanes = self.filled.wait(lanes).unwrap_or_else(PoisonError::into_inner);
        }
        let count = most.min(lanes.interactive.len());
        interactive.extend(lanes.interactive.drain(..count));
        *bulk = lanes.bulk.pop_front();
        true
    }

    /// More interactive items for a group that has already begun.
    pub(crate) fn take_more(&self, most: usize, interactive: &mut VecDeque<T>) {
        let mut lanes = self.lanes();
        let count = most.min(lanes.interactive.len());
        interactive.extend(lanes.interactive.drain(..count));
    }

    pub(crate) fn close(&self) {
        self.lanes().closed = true;
        self.filled.notify_all();
    }

    /// How many items wait.
    pub(crate) fn len(&self) -> usize {
        let lanes = self.lanes();
        lanes.interactive.len() + lanes.bulk.len()
    }
}
