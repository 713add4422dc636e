//! The running platform, asked over HTTP: edge and API in this process on a loopback port, over a bank on a temporary
//! directory with a clock that tests move. The name of a test is the promise it checks.

mod abuse;
mod authorization;
mod bad_input;
mod contradictions;
mod cross_site;
mod edge;
mod house;
mod idempotency;
mod openapi;
mod outbound;
mod shares;
mod site;
mod tls;
mod v1;
mod vault;
