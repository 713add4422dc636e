//! The card vault: it holds card numbers, and tells the bank what may be shown of them.
//!
//! The bank never sees a number. A customer brings hers to the vault, with a ticket that the bank gives her, and gets a token,
//! which she shows to the bank.

use std::fmt;
use vocabulary::{Id, Secret, Timestamp, kinds};

/// Lets one customer bring one card to the vault.
#[derive(Clone, Debug)]
pub struct CardTicket {
    /// The ticket.
    pub text: Secret<String>,
    /// When it ends, by the machine's clock.
    pub expires: Timestamp,
}

/// What the bank may know of a card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardDescription {
    /// The brand's name, such as `visa`.
    pub brand: String,
    /// The last four digits.
    pub last4: String,
    /// The last month in which it is good, 1 to 12.
    pub expiry_month: u8,
    /// That month's year, four digits.
    pub expiry_year: u16,
}

/// Why the vault gave no usable answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CardVaultError {
    /// It was not reached, or did not answer in time.
    Unavailable(String),
    /// It does not take us for its bank, or answered what no card vault answers.
    Refused(String),
}

impl fmt::Display for CardVaultError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unavailable(why) => write!(f, "the card vault did not answer: {why}"),
            Self::Refused(why) => write!(f, "the card vault refused: {why}"),
        }
    }
}

impl std::error::Error for CardVaultError {}

/// The card vault.
pub trait CardVault: Send + Sync {
    /// Where customers reach it, without a slash at the end.
    fn address(&self) -> &str;

    /// A ticket for a customer. Asks nobody.
    fn ticket(&self, owner: Id<kinds::Customer>) -> CardTicket;

    /// What a token stands for; nothing when there is no such card of this customer's.
    ///
    /// # Errors
    /// When there is no answer.
    fn describe(
        &self,
        token: Id<kinds::CardToken>,
        owner: Id<kinds::Customer>,
    ) -> Result<Option<CardDescription>, CardVaultError>;

    /// Destroys a card of this customer's; fine when there is none.
    ///
    /// # Errors
    /// When there is no answer.
    fn destroy(&self, token: Id<kinds::CardToken>, owner: Id<kinds::Customer>) -> Result<(), CardVaultError>;
}
