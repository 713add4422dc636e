//! The running platform, asked over HTTP: edge and API in this process on a loopback port, over a bank on a temporary
//! directory with a clock that tests move. The name of a test is the promise it checks.

mod authorization;
mod bad_input;
mod contradictions;
mod edge;
mod house;
mod idempotency;
mod openapi;
mod site;
mod v1;
mod vault;
