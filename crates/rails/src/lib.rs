//! Implementations of the ports.
//!
//! This crate deliberately knows neither the bank nor its store: it only does what a port promises.

mod collectors;
mod file_vault;
mod http_card_vault;
mod memory_notifier;
pub mod sandbox_bank;
mod webhook_sender;

pub use collectors::{FileCollector, SyslogCollector};
pub use file_vault::{FileVault, OpenVaultError};
pub use http_card_vault::{CardVaultSetupError, HttpCardVault};
pub use memory_notifier::MemoryNotifier;
pub use webhook_sender::{HttpWebhookSender, Reach, SenderError};

#[cfg(test)]
mod tests;
