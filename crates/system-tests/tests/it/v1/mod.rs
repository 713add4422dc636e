//! `/v1`, one file for each resource.

mod aliases;
mod approvals;
mod audit_log;
mod cases;
mod confirmations;
mod customers;
mod events;
mod factors;
mod orders;
mod payments;
mod qr;
mod quotes;
mod refunds;
mod sandbox;
mod sandbox_bank;
mod staff;
mod staff_lists;
mod statements;
mod top_ups;
mod transfers;
mod wallet;
mod webhooks;
