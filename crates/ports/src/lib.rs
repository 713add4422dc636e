//! What the bank needs from outside, as small traits: a bank rail, a notifier, a key vault, a card vault, a log collector.
//!
//! Implementations live in `rails` (and in tests); the bank holds them as trait objects. All calls may block and are made
//! outside units of work. This crate deliberately knows no implementation.

mod bank_rail;
mod card_vault;
mod key_vault;
mod log_collector;
mod manners;
mod notifier;
mod webhook;

pub use bank_rail::{BankRail, Instruction, Order, Outcome, RailError, Report, StatementLine};
pub use card_vault::{CardDescription, CardTicket, CardVault, CardVaultError};
pub use key_vault::{DataKey, KeyVault, VaultError};
pub use log_collector::{CollectorError, LogCollector, LogLine};
pub use manners::{Behaviour, Manners, TellManners};
pub use notifier::{Channel, Message, Notifier, NotifyError};
pub use webhook::{Sending, WebhookRequest, WebhookSendError, WebhookSender, is_public};
