//! Who is let in how often and how much at once: by address, by caller and by credential.
//!
//! Probes of health are counted nowhere: who watches the server must not be turned away because others are too many.

use crate::caller::Caller;
use crate::options::Options;
use crate::problem::Problem;
use crate::rate::{RateKey, RateLimiter};
use crate::shares::{Held, Shares};
use std::net::IpAddr;
use std::sync::Arc;
use vocabulary::{ErrorCode, Timestamp};

/// The counters of one server.
pub(crate) struct Gate {
    addresses: Option<RateLimiter>,
    callers: Option<RateLimiter>,
    credentials: Option<RateLimiter>,
    at_once_by_address: Option<Arc<Shares>>,
    at_once_by_caller: Option<Arc<Shares>>,
    connections: Option<Arc<Shares>>,
}

impl Gate {
    pub(crate) fn new(options: &Options) -> Self {
        let shares = |whole| options.fair_share.map(|parts| Shares::new(whole, parts));
        Self {
            addresses: options.address_rate.map(RateLimiter::new),
            callers: options.caller_rate.map(RateLimiter::new),
            credentials: options.credential_rate.map(RateLimiter::new),
            at_once_by_address: shares(options.requests),
            at_once_by_caller: shares(options.requests),
            connections: shares(options.connections),
        }
    }

    /// A connection of an address; `Err` when it has its share of what is scarce.
    pub(crate) fn connection(&self, address: IpAddr) -> Result<Option<Held>, ()> {
        let Some(shares) = &self.connections else { return Ok(None) };
        shares.take(RateKey::of(address)).map(Some).ok_or(())
    }

    /// A request of an address.
    pub(crate) fn address(&self, address: IpAddr, now: Timestamp) -> Result<Option<Held>, Problem> {
        take(self.addresses.as_ref(), RateKey::of(address), now)?;
        at_once(self.at_once_by_address.as_ref(), RateKey::of(address))
    }

    /// A request of somebody who is known.
    pub(crate) fn caller(&self, caller: &Caller, now: Timestamp) -> Result<Option<Held>, Problem> {
        let (Some(who), Some(by)) = (caller.rate_key(), caller.credential_key()) else { return Ok(None) };
        take(self.credentials.as_ref(), RateKey::Credential(by), now)?;
        take(self.callers.as_ref(), RateKey::Caller(who), now)?;
        at_once(self.at_once_by_caller.as_ref(), RateKey::Caller(who))
    }
}

fn take(limiter: Option<&RateLimiter>, key: RateKey, now: Timestamp) -> Result<(), Problem> {
    let limited = |seconds| Problem::new(ErrorCode::RateLimited).retry_after(seconds);
    limiter.map_or(Ok(()), |limiter| limiter.take(key, now).map_err(limited))
}

fn at_once(shares: Option<&Arc<Shares>>, key: RateKey) -> Result<Option<Held>, Problem> {
    let Some(shares) = shares else { return Ok(None) };
    let many = "Too many requests at once while the bank is busy; wait for the answers of those that were sent.";
    shares.take(key).map(Some).ok_or_else(|| Problem::because(ErrorCode::RateLimited, many).retry_after(1))
}
