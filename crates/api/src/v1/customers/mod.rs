//! What customers do.

pub mod aliases;
pub mod bank_accounts;
pub mod cards;
pub mod confirmations;
pub mod devices;
pub mod factors;
pub mod me;
pub mod movements;
pub mod password;
pub mod payments;
pub mod payouts;
pub mod quotes;
pub mod register;
pub mod registrations;
pub mod sessions;
pub mod top_ups;
pub mod transfers;
pub mod wallets;
