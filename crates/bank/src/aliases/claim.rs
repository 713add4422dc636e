//! Claiming an alias: a code is sent to it.

use super::records::{self, AliasKind, AliasRow, value_place};
use super::{CODE, SEARCH};
use crate::bank::Bank;
use crate::error::BankError;
use crate::refusal::Refusal;
use crate::sealed::PersonKey;
use crate::wish::{Answer, Wish};
use crate::{notices, tokens, wallets};
use formats::alias::Alias;
use ports::Channel;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use store::{NewEvent, Outcome, StoreError, Uow};
use vocabulary::{ErrorCode, Id, Timestamp, kinds};

/// An alias, for its claimant or holder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AliasView {
    /// Its id.
    pub id: Id<kinds::Alias>,
    /// `phone`, `email` or `handle`.
    pub kind: String,
    /// What of it is shown to others.
    pub masked: String,
    /// Whether it is verified.
    pub verified: bool,
    /// Until when the code is good, before it is verified.
    pub expires: Option<Timestamp>,
}

/// Claims an alias for the customer's wallet and sends a code to it; a handle is verified at once. Whether somebody else
/// holds it is said only to those who could prove that it is theirs: when the code is returned.
///
/// # Errors
/// Trouble.
pub async fn claim(
    bank: &Bank,
    wish: Wish,
    customer: Id<kinds::Customer>,
    text: &str,
) -> Result<Answer<AliasView>, BankError> {
    let alias = match Alias::parse(text) {
        Ok(alias) => alias,
        Err(error) => {
            let refusal = Refusal::new(error.code(), error.to_string()).at("alias");
            return bank.once(wish, move |_| Ok(Outcome::Refused(refusal.clone()))).await;
        }
    };
    let desk = bank.desk();
    let found = bank.store().read(move |snapshot| {
        let key = desk.sealing().key(snapshot.reading(), customer.as_u128())?;
        Ok(key.zip(wallets::of_customer(snapshot.reading(), customer)?))
    });
    let Some((key, wallet)) = found.await? else {
        return bank.once(wish, |_| Ok(Outcome::Refused(Refusal::of(ErrorCode::NotFound)))).await;
    };
    let draft = Draft::new(bank, (customer, wallet), &key, &alias)?;
    bank.once(wish, move |uow| draft.decide(uow)).await
}

struct Draft {
    row: AliasRow,
    notice: Option<notices::Draft>,
    minutes: i64,
    /// How many codes the customer may ask for within that time.
    most: u32,
    masked: String,
}

impl Draft {
    fn new(
        bank: &Bank,
        (customer, wallet): (Id<kinds::Customer>, Id<kinds::Wallet>),
        key: &Arc<PersonKey>,
        alias: &Alias,
    ) -> Result<Self, BankError> {
        let id: Id<kinds::Alias> = bank.new_id();
        let (kind, channel) = match alias {
            Alias::Phone(_) => (AliasKind::Phone, Some(Channel::Phone)),
            Alias::Email(_) => (AliasKind::Email, Some(Channel::Email)),
            Alias::Handle(_) => (AliasKind::Handle, None),
        };
        let policies = bank.policies();
        let (minutes, most) = (policies.code_minutes, policies.codes_at_once);
        let code = tokens::code(bank.entropy());
        let text = format!(
            "{} is your code to confirm this alias. It is good for {minutes} minutes. Tell it to nobody.",
            code.expose()
        );
        let to = (alias.as_str(), text.as_str());
        let notice = channel.map(|way| notices::Draft::new(bank, (customer.as_u128(), key), way, to)).transpose()?;
        let row = AliasRow {
            id,
            customer,
            wallet,
            kind,
            hash: bank.sealing().hash(SEARCH, alias.as_str()),
            value: key.seal(bank.entropy(), value_place(id), &alias.as_str().to_owned())?,
            code: channel.map(|_| code_hash(bank, id, code.expose())),
            tries: 0,
            expires: bank.now(),
            created: bank.now(),
            verified: None,
            released: None,
        };
        Ok(Self { row, notice, minutes: i64::from(minutes), most, masked: alias.masked() })
    }

    fn decide(&self, uow: &mut Uow<'_, '_>) -> Result<Outcome<AliasView, Refusal>, StoreError> {
        let now = uow.now();
        let row = AliasRow { expires: now.plus_seconds(self.minutes * 60), ..self.row.clone() };
        let since = now.plus_seconds(-self.minutes * 60);
        if records::claims_since(uow.reading(), row.customer, since)? >= i64::from(self.most) {
            let detail = format!("at most {} codes within {} minutes; wait a little", self.most, self.minutes);
            return Ok(Outcome::Refused(Refusal::new(ErrorCode::TooManyAttempts, detail)));
        }
        let held = records::resolve(uow.reading(), &row.hash)?;
        if held.is_some_and(|held| held.customer == row.customer || self.notice.is_none()) {
            return Ok(Outcome::Refused(Refusal::of(ErrorCode::AliasTaken).at("alias")));
        }
        records::insert(uow, &row)?;
        match &self.notice {
            Some(notice) => notice.write(uow)?,
            None => {
                records::take(uow, &row)?;
                verified(uow, &row)?;
            }
        }
        let expires = self.notice.as_ref().map(|_| row.expires);
        let (kind, masked) = (row.kind.name().to_owned(), self.masked.clone());
        Ok(Outcome::Done(AliasView { id: row.id, kind, masked, verified: expires.is_none(), expires }))
    }
}

/// The keyed hash of a code for one claim.
pub(super) fn code_hash(bank: &Bank, id: Id<kinds::Alias>, code: &str) -> Vec<u8> {
    bank.sealing().hash(CODE, &format!("{id} {code}")).to_vec()
}

/// Says that an alias found its holder.
pub(super) fn verified(uow: &mut Uow<'_, '_>, row: &AliasRow) -> Result<(), StoreError> {
    let now = uow.now();
    uow.schedule(now, super::JOB_VERIFIED, row.id.as_u128())?;
    let body = serde_json::json!({ "alias": row.id, "wallet": row.wallet, "kind": row.kind.name() }).to_string();
    let owner = Some(row.customer.as_u128());
    uow.emit(NewEvent { kind: "alias.verified", version: 1, owner, subject: row.id.as_u128(), body });
    Ok(())
}

/// The customer's aliases and open claims, newest first.
///
/// # Errors
/// Trouble.
pub async fn list(bank: &Bank, customer: Id<kinds::Customer>) -> Result<Vec<AliasView>, BankError> {
    let desk = bank.desk();
    let found = bank.store().read(move |snapshot| {
        let reading = snapshot.reading();
        let Some(key) = desk.sealing().key(reading, customer.as_u128())? else { return Ok(Vec::new()) };
        let mut views = Vec::new();
        for row in records::of_customer(reading, customer, 200)? {
            let dead = row.verified.is_none() && row.expires <= snapshot.now();
            if !dead {
                let value = row.value.open(&key, value_place(row.id))?;
                views.push(view(&row, &value));
            }
        }
        Ok(views)
    });
    Ok(found.await?)
}

pub(super) fn view(row: &AliasRow, value: &str) -> AliasView {
    let masked = Alias::parse(value).map_or_else(|_| String::new(), |alias| alias.masked());
    let verified = row.verified.is_some();
    let expires = (!verified).then_some(row.expires);
    AliasView { id: row.id, kind: row.kind.name().to_owned(), masked, verified, expires }
}
