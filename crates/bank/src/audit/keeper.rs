//! Writing records: the keys, and one act's recorder, which a unit of work takes along.

use super::KEPT;
use super::origin::Origin;
use super::records::{self, Row};
use crate::bank::Bank;
use crate::error::BankError;
use crate::sealed::Responses;
use crate::wish::Principal;
use aws_lc_rs::hmac;
use ports::KeyVault;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use store::{StoreError, Uow};
use vocabulary::Entropy;

/// A record's link to all before it.
pub(crate) type Link = [u8; 32];

/// The keys of the log.
pub(crate) struct Keeper {
    chain: hmac::Key,
    sealing: Responses,
}

/// What is sealed in a record.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Within {
    /// The network address.
    pub(super) address: Option<String>,
    /// The request's id.
    pub(super) request: Option<String>,
    /// What was asked for.
    pub(super) asked: Option<String>,
}

impl Keeper {
    pub(crate) fn open(vault: &dyn KeyVault, entropy: &dyn Entropy) -> Result<Self, BankError> {
        let chain = hmac::Key::new(hmac::HMAC_SHA256, vault.derive("audit chain")?.expose());
        Ok(Self { chain, sealing: Responses::new("audit_record", vault.derive("audit log")?, entropy) })
    }

    /// The link of a record after the one with link `before`. Every text is preceded by its length, so that no two records
    /// are the same bytes.
    pub(super) fn link(&self, before: &Link, row: &Row) -> Link {
        let mut context = hmac::Context::with_key(&self.chain);
        context.update(before);
        context.update(&row.number.to_be_bytes());
        context.update(&row.at.micros().to_be_bytes());
        context.update(&[u8::from(row.subject.is_some())]);
        let subject = row.subject.as_deref().unwrap_or_default();
        let texts =
            [row.actor.as_bytes(), row.action.as_bytes(), subject.as_bytes(), row.outcome.as_bytes(), &row.sealed];
        for text in texts {
            context.update(&(text.len() as u64).to_be_bytes());
            context.update(text);
        }
        let tag = context.sign();
        std::array::from_fn(|place| tag.as_ref()[place])
    }

    pub(super) fn seal(&self, number: i64, within: &Within) -> Result<Vec<u8>, BankError> {
        let plain = serde_json::to_vec(within).map_err(|error| BankError::Bug(error.to_string()))?;
        self.sealing.seal(&number.to_be_bytes(), plain)
    }

    /// Seals a text for the place with this name.
    pub(crate) fn seal_text(&self, place: &[u8], text: &str) -> Result<Vec<u8>, BankError> {
        self.sealing.seal(place, text.as_bytes().to_vec())
    }

    /// Opens such a text.
    pub(crate) fn open_text(&self, place: &[u8], sealed: Vec<u8>) -> Result<String, BankError> {
        String::from_utf8(self.sealing.open(place, sealed)?).map_err(|_| BankError::Unsealed("audit_record"))
    }

    pub(super) fn open_within(&self, number: i64, sealed: Vec<u8>) -> Result<Within, BankError> {
        let plain = self.sealing.open(&number.to_be_bytes(), sealed)?;
        serde_json::from_slice(&plain).map_err(|_| BankError::Unsealed("audit_record"))
    }
}

/// Records one act, however it ends.
#[derive(Clone)]
pub(crate) struct Recorder {
    keeper: Arc<Keeper>,
    origin: Option<Arc<Origin>>,
    actor: String,
    action: &'static str,
    subject: Option<String>,
    asked: Option<String>,
}

impl Recorder {
    /// The recorder of a principal's act; none when such an act is not recorded.
    pub(crate) fn of(bank: &Bank, principal: Principal, action: &'static str) -> Option<Self> {
        let staff = matches!(principal, Principal::Staff(_));
        (staff || KEPT.contains(&action)).then(|| Self::new(bank, principal, action))
    }

    /// The recorder of an act that is always recorded.
    pub(crate) fn new(bank: &Bank, principal: Principal, action: &'static str) -> Self {
        let origin = bank.origin().cloned();
        let actor = principal.to_string();
        let subject = match principal {
            Principal::Customer(_) | Principal::Merchant(_) => Some(actor.clone()),
            Principal::Staff(_) | Principal::System => origin.as_ref().and_then(|origin| origin.subject.clone()),
        };
        let asked = origin.as_ref().map(|origin| origin.asked());
        Self { keeper: bank.keeper(), origin, actor, action, subject, asked }
    }

    /// Says what the act is about, and what is asked for, where no request does.
    pub(crate) fn about(mut self, subject: String, asked: &str) -> Self {
        self.subject = Some(subject);
        self.asked = Some(asked.to_owned());
        self
    }

    /// Writes the record, in the act's own unit: `done`, or the code of the refusal.
    ///
    /// Race closed: the number after the last one is read inside the unit, and no other unit of any node decides meanwhile
    /// (one writer; on a server the lock of the head).
    pub(crate) fn write(&self, uow: &mut Uow<'_, '_>, outcome: &str) -> Result<(), StoreError> {
        let (last, before) = records::last(uow.reading())?.unwrap_or((0, [0; 32]));
        let number = last + 1;
        let within = Within {
            address: self.origin.as_ref().map(|origin| origin.address.to_string()),
            request: self.origin.as_ref().map(|origin| origin.request.clone()),
            asked: self.asked.clone(),
        };
        let row = Row {
            number,
            at: uow.now(),
            actor: self.actor.clone(),
            action: self.action.to_owned(),
            subject: self.subject.clone(),
            outcome: outcome.to_owned(),
            sealed: self.keeper.seal(number, &within)?,
        };
        records::insert(uow, &row, &self.keeper.link(&before, &row))
    }
}
