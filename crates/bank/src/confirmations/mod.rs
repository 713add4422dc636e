//! Step-up: a movement that is more than a small one goes out only after its payer has confirmed exactly it with a factor.
//!
//! Delegated Regulation (EU) 2018/389, article 5 (dynamic linking) and article 16 (small payments). The policy `step_up` says who is
//! asked and what is small. Life: asked → confirmed → used; both of the first end with their seconds. Who pays sends the payment,
//! transfer or payout as always; it is refused with `step_up_required`, and what would be done (payee, amount, currency) stands here,
//! sealed, with a SHA-256 of it. She sees it, proves a factor ([`confirm`]), and sends the same again under a fresh key with the
//! confirmation's id: it is done if payer, payee and amount are the same, once.
//!
//! What needs no confirmation is counted: the sum and the number of small movements since the last confirmed one. Invariants: the
//! counters change in the unit of the movement itself, so movements sent at once are small only as far as they are together; a
//! refused movement uses nothing up; staff, merchants and the bank itself are never asked; of a payer who has set no factor
//! nothing is read here unless the policy asks everybody.

mod confirm;
mod gate;
pub mod records;
mod rules;
mod small;

pub use confirm::{ConfirmationView, confirm, find};
pub(crate) use gate::{Confirming, Pass, Payee, Wanted};
pub use records::{MIGRATIONS, State};
pub use rules::Reason;
pub use small::{SmallView, set_small, small};

#[cfg(test)]
mod tests;
