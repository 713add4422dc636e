//! What merchants do with their API keys.

pub mod account;
pub mod bank_accounts;
pub mod codes;
pub mod orders;
pub mod payments;
pub mod quotes;
pub mod refunds;
pub mod settlements;
