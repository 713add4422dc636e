//! What the bank's staff do. Every handler names the roles that may.

pub mod accounts;
pub mod approvals;
pub mod audit_log;
pub mod bank_accounts;
pub mod books;
pub mod cases;
pub mod customers;
pub mod disputes;
pub mod jobs;
pub mod merchants;
pub mod policies;
