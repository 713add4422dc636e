//! Customers: natural persons. A customer is opened with a wallet; name and sign-in name stand sealed under the person's key.

mod find;
mod profile;
pub mod records;
mod register;

pub(crate) use find::texts_of_newest;
pub use find::{CustomerSummary, Wanted, list, search};
pub use profile::{CustomerView, change_tier, display_name, erase, masked_name, view};
pub use records::MIGRATIONS;
pub(crate) use register::Registration;
pub use register::{Import, Imported, Register, Registered, import_blocking, register};

/// What sign-in names are hashed for.
pub(crate) const SIGN_IN: &str = "customer.sign_in";
