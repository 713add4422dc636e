//! Faults of a PostgreSQL cluster and of the way to it.
//!
//! A round has private servers ([`cluster`]): a primary and two standbys, one of which must have a commit before the primary
//! says that it is done (`ANY 1`). The bank reaches them by an address of the harness ([`proxy`]), which leads to whichever
//! server it is told, and can be cut. People, traffic and the book of wishes are those of the crash ([`fleet`]).

pub mod cluster;
pub mod cuts;
pub mod fleet;
pub mod old_primary;
pub mod paused_node;
pub mod promote;
pub mod proxy;
pub mod standby_lost;
