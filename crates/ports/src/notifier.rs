//! The notifier: it brings a message to a person, by phone or e-mail.

use std::fmt;
use vocabulary::{Id, kinds};

/// By which way a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Channel {
    /// A text message to a phone number.
    Phone,
    /// An e-mail.
    Email,
    /// Shown in the person's own wallet.
    App,
}

/// A message to a person. It may be handed over more than once: the id tells.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// Its id: the same for every attempt.
    pub id: Id<kinds::Message>,
    /// The way.
    pub channel: Channel,
    /// Phone number or address; the sign-in name for messages within the wallet.
    pub to: String,
    /// What it says.
    pub text: String,
}

impl fmt::Debug for Message {
    /// Neither address nor text: they are personal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Message({} by {:?})", self.id, self.channel)
    }
}

/// Brings messages to people.
pub trait Notifier: Send + Sync {
    /// Hands a message over. It may block.
    ///
    /// # Errors
    /// When it was not accepted; the bank tries again later.
    fn send(&self, message: &Message) -> Result<(), NotifyError>;
}

/// A message was not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotifyError(pub String);

impl fmt::Display for NotifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the message was not accepted: {}", self.0)
    }
}

impl std::error::Error for NotifyError {}
