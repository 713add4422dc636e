//! The words every crate shares: typed ids, time and dates, chance, error codes, secrets.
//!
//! Time and chance are arguments here: [`Clock`] and [`Entropy`] are traits that somebody above implements. This crate
//! deliberately knows nothing concrete: no storage, no transport, no system clock, no random source.

mod entropy;
mod error_code;
mod id;
mod secret;
#[cfg(feature = "serde")]
mod stored;
mod time;

pub use entropy::{Draw, Entropy};
pub use error_code::{ErrorCode, Status};
pub use id::{Id, Kind, ParseIdError, kinds};
pub use secret::Secret;
pub use time::{BookingDate, Clock, ParseTimestampError, Timestamp, ValueDate, ZoneError, ZoneName};

#[cfg(test)]
mod tests;
