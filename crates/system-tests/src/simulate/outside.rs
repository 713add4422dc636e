//! What the bank needs from outside, decided by the seed: clock, chance, key vault, notifier, and the line to the bank beside.

use crate::chance::Chance;
use crate::simulate::turns::turn;
use ports::{
    BankRail, DataKey, Instruction, KeyVault, Message, Notifier, NotifyError, RailError, Report, StatementLine,
    VaultError,
};
use rails::sandbox_bank::SandboxBank;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use vocabulary::{Clock, Entropy, Secret, Timestamp};

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A clock that stands still until it is moved, in either direction.
pub struct SimClock(AtomicI64);

impl SimClock {
    /// Stands at a moment, in microseconds.
    #[must_use]
    pub const fn at(micros: i64) -> Self {
        Self(AtomicI64::new(micros))
    }

    /// Moves it by so many microseconds.
    pub fn shift(&self, micros: i64) {
        self.0.fetch_add(micros, Ordering::SeqCst);
    }
}

impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }
}

/// The seed's bytes.
pub struct SimEntropy(Mutex<Chance>);

impl SimEntropy {
    /// From a generator.
    #[must_use]
    pub const fn new(chance: Chance) -> Self {
        Self(Mutex::new(chance))
    }
}

impl Entropy for SimEntropy {
    fn fill(&self, buffer: &mut [u8]) {
        let mut chance = lock(&self.0);
        for part in buffer.chunks_mut(8) {
            let bytes = chance.next().to_le_bytes();
            part.copy_from_slice(&bytes[..part.len()]);
        }
    }
}

/// A vault that hands out a number for each key it keeps: another party, whose memory no fault of ours touches.
#[derive(Default)]
pub struct SimVault(Mutex<Vec<(Vec<u8>, [u8; 32])>>);

impl SimVault {
    /// A vault that knows what this one knows now.
    #[must_use]
    pub fn copy(&self) -> Self {
        Self(Mutex::new(lock(&self.0).clone()))
    }
}

impl KeyVault for SimVault {
    fn wrap(&self, context: &[u8], key: &DataKey) -> Result<Vec<u8>, VaultError> {
        let mut kept = lock(&self.0);
        kept.push((context.to_vec(), *key.expose()));
        Ok((kept.len() as u64).to_be_bytes().to_vec())
    }

    fn unwrap(&self, context: &[u8], wrapped: &[u8]) -> Result<DataKey, VaultError> {
        let number = <[u8; 8]>::try_from(wrapped).map_err(|_| VaultError::Refused)?;
        let place = usize::try_from(u64::from_be_bytes(number)).unwrap_or(0);
        let kept = lock(&self.0);
        let found = place.checked_sub(1).and_then(|place| kept.get(place)).filter(|(known, _)| known == context);
        found.map(|(_, key)| Secret::new(*key)).ok_or(VaultError::Refused)
    }

    fn derive(&self, purpose: &str) -> Result<DataKey, VaultError> {
        let seed = purpose.bytes().fold(7, |sum: u64, byte| sum.wrapping_mul(0x0100_0000_01B3) ^ u64::from(byte));
        let mut chance = Chance::new(seed);
        let mut key = [0; 32];
        key.chunks_mut(8).for_each(|part| part.copy_from_slice(&chance.next().to_le_bytes()));
        Ok(Secret::new(key))
    }
}

/// How bad the lines to the outside are.
pub struct Weather {
    chance: Mutex<Chance>,
    bad: AtomicU64,
}

impl Weather {
    /// Of a generator; fine at first.
    #[must_use]
    pub const fn new(chance: Chance) -> Self {
        Self { chance: Mutex::new(chance), bad: AtomicU64::new(0) }
    }

    /// From now on so many of a hundred messages are lost.
    pub fn set(&self, percent: u64) {
        self.bad.store(percent, Ordering::SeqCst);
    }

    fn loses(&self) -> bool {
        lock(&self.chance).percent(self.bad.load(Ordering::SeqCst))
    }
}

/// The line of one process of the bank to the bank beside it; it ends with the process.
pub struct Line {
    /// The bank beside.
    pub beside: Arc<SandboxBank>,
    /// Whether the process lives.
    pub alive: Arc<AtomicBool>,
    /// How bad the line is.
    pub weather: Arc<Weather>,
}

impl Line {
    /// A question and its answer; others run while either is on its way, and either may be lost.
    fn ask<T>(&self, question: impl FnOnce(&SandboxBank) -> Result<T, RailError>) -> Result<T, RailError> {
        turn();
        if !self.alive.load(Ordering::SeqCst) || self.weather.loses() {
            return Err(RailError::Unreachable("the question was lost".to_owned()));
        }
        let answer = question(&self.beside);
        turn();
        if !self.alive.load(Ordering::SeqCst) || self.weather.loses() {
            return Err(RailError::NoAnswer("the answer was lost".to_owned()));
        }
        answer
    }
}

impl BankRail for Line {
    fn instruct(&self, instruction: &Instruction, now: Timestamp) -> Result<(), RailError> {
        self.ask(|beside| beside.instruct(instruction, now))
    }

    fn knows(&self, end_to_end: &str, now: Timestamp) -> Result<bool, RailError> {
        self.ask(|beside| beside.knows(end_to_end, now))
    }

    fn reports(&self, after: u64, limit: u32, now: Timestamp) -> Result<Vec<Report>, RailError> {
        self.ask(|beside| beside.reports(after, limit, now))
    }

    fn statement(&self, after: u64, limit: u32, now: Timestamp) -> Result<Vec<StatementLine>, RailError> {
        self.ask(|beside| beside.statement(after, limit, now))
    }
}

/// Takes messages, or loses them as the weather is.
pub struct Post(pub Arc<Weather>);

impl Notifier for Post {
    fn send(&self, _message: &Message) -> Result<(), NotifyError> {
        turn();
        if self.0.loses() { Err(NotifyError("the line is bad".to_owned())) } else { Ok(()) }
    }
}
