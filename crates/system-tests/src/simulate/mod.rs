//! Deterministic simulation: clients, a bank, the bank beside it, clock and disk in one process, all decided by one seed.
//!
//! The bank is the product's own code, from the use cases down to SQLite; its writer has no thread (`sql`, `by_hand.rs`), so
//! that a schedule drawn from the seed says who goes on when. Clients and job lanes are parties: each has a thread, but only
//! one of all runs at a time, until it waits for a unit of work or for the bank beside it (`turns.rs`). Ids, times and chance
//! come from the seed (`outside.rs`); the disk is real files under the libraries of the power cut and the failing disk
//! (`disk.rs`). So a seed names one history, step by step, and a failure is replayed by its number.
//!
//! A run (`run.rs`) is first about safety: after every death of the process (`deaths.rs`) the independent checker reads what
//! is left and `crash::verdict` compares it with what clients were told. Then everything is healed (`healing.rs`), and within
//! a bounded number of rounds every wish has an answer, every job is done, every case can be ended, our books say what the
//! bank's statement says, and a new payment works.
//!
//! Not simulated: HTTP, webhooks, sign-in (passwords hash on threads of their own), and several nodes on PostgreSQL, whose
//! server is no process of ours to schedule.

pub mod clients;
pub mod deaths;
pub mod disk;
pub mod healing;
pub mod history;
pub mod outside;
pub mod run;
pub mod turns;
pub mod world;
