//! A notifier that delivers nothing and keeps the latest messages in memory: for sandboxes and tests.

use ports::{Message, Notifier, NotifyError};
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many messages are kept.
const KEPT: usize = 1000;

/// Keeps the latest messages.
#[derive(Default)]
pub struct MemoryNotifier {
    messages: Mutex<VecDeque<Message>>,
}

impl MemoryNotifier {
    /// The messages kept, oldest first.
    #[must_use]
    pub fn messages(&self) -> Vec<Message> {
        self.kept().iter().cloned().collect()
    }

    fn kept(&self) -> MutexGuard<'_, VecDeque<Message>> {
        // A panic elsewhere leaves whole messages only.
        self.messages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Notifier for MemoryNotifier {
    fn send(&self, message: &Message) -> Result<(), NotifyError> {
        let mut kept = self.kept();
        if kept.iter().any(|found| found.id == message.id) {
            return Ok(());
        }
        if kept.len() == KEPT {
            kept.pop_front();
        }
        kept.push_back(message.clone());
        Ok(())
    }
}
