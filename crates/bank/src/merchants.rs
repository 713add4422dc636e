//! Merchants: legal persons that customers pay, with stores, one main and one reserve account for each currency, and keys.
//!
//! A merchant's name is not personal data. Terms (fees, settlement) are named plans whose numbers are policies. A suspended
//! merchant's main accounts are frozen for credit in the same unit, so that a payment under way cannot slip through.

mod change;
mod find;
mod keys;
mod open;
pub mod records;

pub use change::{Status, add_currency, add_store, set_plans, set_status};
pub use find::{MerchantView, StoreView, find, find_blocking, list, view};
pub use keys::{ApiKey, KeyView, NewKey, Scope, authenticate, create_key, list_keys, revoke_key, rotate_key};
pub use open::{NewMerchant, NewStore, open};
pub(crate) use records::name;
pub use records::{MIGRATIONS, MerchantAccount, account};
