//! What readers may know of the writer: each account's last committed line, and the last committed line of all.
//!
//! The race closed here: a reader's snapshot and the heads must be of the same moment, or a response would mix two. The
//! writer publishes after COMMIT and before anybody is answered: first the heads, then the total. A reader opens its
//! snapshot, waits until the published total has reached the snapshot's last line, and then trusts a head only when the
//! snapshot contains it; otherwise the head is newer and the reader starts again with a new snapshot.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{OnceLock, RwLock};

const CHUNK: usize = 4096;
const CHUNKS: usize = 1 << 18;

/// Heads by account number, in chunks that are made when first used.
pub(crate) struct Published {
    chunks: RwLock<Vec<OnceLock<Box<[AtomicU64]>>>>,
    line: AtomicU64,
    /// The last line of a group that this node has committed itself: no server that it may believe has less.
    confirmed: AtomicU64,
}

impl Published {
    pub(crate) fn new(line: u64) -> Self {
        Self { chunks: RwLock::new(Vec::new()), line: AtomicU64::new(line), confirmed: AtomicU64::new(0) }
    }

    /// The last committed line.
    pub(crate) fn line(&self) -> u64 {
        self.line.load(Ordering::Acquire)
    }

    /// The last line that this node has been told is committed, as of now.
    pub(crate) fn confirmed(&self) -> u64 {
        self.confirmed.load(Ordering::Acquire)
    }

    /// A group of this node was committed, and this is the last line.
    pub(crate) fn confirm(&self, line: u64) {
        self.confirmed.fetch_max(line, Ordering::Release);
    }

    /// The account's last committed line, 0 when it has not been touched since the start.
    pub(crate) fn head(&self, no: u64) -> u64 {
        let (chunk, place) = place(no);
        let chunks = self.chunks.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        chunks.get(chunk).and_then(OnceLock::get).map_or(0, |heads| heads[place].load(Ordering::Acquire))
    }

    /// Publishes heads, then the last line.
    pub(crate) fn publish(&self, heads: impl Iterator<Item = (u64, u64)>, line: u64) {
        for (no, head) in heads {
            self.head_is(no, head);
        }
        self.line.store(line, Ordering::Release);
    }

    /// One account's last line. Heads only grow: after a failed group the journal's tail is published once more, line by line, beside readers.
    pub(crate) fn head_is(&self, no: u64, head: u64) {
        let (chunk, place) = place(no);
        {
            let chunks = self.chunks.read().unwrap_or_else(std::sync::PoisonError::into_inner);
            if let Some(heads) = chunks.get(chunk).and_then(OnceLock::get) {
                heads[place].fetch_max(head, Ordering::Release);
                return;
            }
        }
        let mut chunks = self.chunks.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        if chunks.len() <= chunk {
            chunks.resize_with((chunk + 1).min(CHUNKS), OnceLock::new);
        }
        let heads = chunks[chunk].get_or_init(|| (0..CHUNK).map(|_| AtomicU64::new(0)).collect());
        heads[place].fetch_max(head, Ordering::Release);
    }
}

fn place(no: u64) -> (usize, usize) {
    let no = usize::try_from(no).unwrap_or(0);
    (no / CHUNK, no % CHUNK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_never_goes_back_while_recovery_publishes_old_lines_again() {
        let published = Published::new(0);
        published.publish([(5, 9)].into_iter(), 9);
        published.publish([(5, 3)].into_iter(), 9);
        assert_eq!(published.head(5), 9);
    }
}
