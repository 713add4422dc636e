//! What the bank asks the vault, and where.

use serde::{Deserialize, Serialize};
use vocabulary::{Id, kinds};

/// Where cards are brought, by whoever has a ticket.
pub const INTAKE_PATH: &str = "/v1/cards";
/// Where the keys stand that card details are encrypted for.
pub const KEYS_PATH: &str = "/v1/keys";
/// Where the bank asks what a token stands for.
pub const DESCRIBE_PATH: &str = "/internal/cards/describe";
/// Where the bank has a card destroyed.
pub const DESTROY_PATH: &str = "/internal/cards/destroy";

/// A question of the bank about one card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// The token.
    pub token: Id<kinds::CardToken>,
    /// Whose card it must be.
    pub owner: Id<kinds::Customer>,
}

/// What the bank is told of a card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Described {
    /// The token.
    pub token: Id<kinds::CardToken>,
    /// The brand's name.
    pub brand: String,
    /// The last four digits.
    pub last4: String,
    /// The last month in which it is good, 1 to 12.
    pub expiry_month: u8,
    /// That month's year, four digits.
    pub expiry_year: u16,
}
