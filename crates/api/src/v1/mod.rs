//! Version 1 of the API, by who calls.

pub mod customers;
pub mod events;
pub mod merchants;
pub mod payments;
pub mod qr;
pub mod quotes;
pub mod sandbox;
pub mod staff;
pub mod statements;
pub mod webhooks;
