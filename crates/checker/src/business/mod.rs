//! The business tables against the journal: every effect has its row and every row its effect.
//!
//! A bank that is built without a capability, or a store without any, has not its tables; what is not there is not checked.

pub(crate) mod pairs;
pub(crate) mod payments;
