//! `/v1`, one file for each resource.

mod aliases;
mod approvals;
mod audit_log;
mod cases;
mod confirmations;
mod customers;
mod devices;
mod events;
mod factors;
mod orders;
mod payments;
mod qr;
mod quotes;
mod refunds;
mod registrations;
mod sandbox;
mod sandbox_bank;
mod sessions;
mod staff;
mod staff_lists;
mod statements;
mod top_ups;
mod transfers;
mod wallet;
mod webhooks;
