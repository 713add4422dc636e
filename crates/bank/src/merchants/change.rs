//! Changing a merchant: status, terms, stores, currencies. For staff: the caller checks the role.

use super::find::StoreView;
use super::open::{AccountsDraft, NewStore, check_plans, check_store};
use super::records::{self, StoreRow};
use crate::bank::Bank;
use crate::error::BankError;
use crate::refusal::Refusal;
use crate::wallets::freeze_credits;
use crate::wish::{Answer, Wish};
use money::Currency;
use store::{NewEvent, Outcome, StoreError, Uow};
use vocabulary::{ErrorCode, Id, kinds};

/// Whether a merchant accepts payments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It does.
    Active = 1,
    /// Not for now; refunds and settlement go on.
    Suspended = 2,
    /// Never again.
    Closed = 3,
}

impl Status {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Closed => "closed",
        }
    }

    /// The status of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Active, Self::Suspended, Self::Closed].into_iter().find(|status| status.name() == name)
    }

    pub(super) const fn from_number(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::Active),
            2 => Some(Self::Suspended),
            3 => Some(Self::Closed),
            _ => None,
        }
    }
}

/// Sets the status; a closed merchant stays closed.
///
/// # Errors
/// Trouble.
pub async fn set_status(
    bank: &Bank,
    wish: Wish,
    id: Id<kinds::Merchant>,
    status: Status,
) -> Result<Answer<()>, BankError> {
    let desk = bank.desk();
    bank.once_then(
        wish,
        move |uow| {
            let Some(row) = records::by_id(uow.reading(), id)? else {
                return Ok(Outcome::Refused(Refusal::of(ErrorCode::NotFound)));
            };
            if row.status == Status::Closed as u8 {
                return Ok(Outcome::Refused(Refusal::of(ErrorCode::MerchantNotActive)));
            }
            for found in records::accounts(uow.reading(), id, desk.currencies())? {
                freeze_credits(uow, found.account, status != Status::Active)?;
            }
            records::set_status(uow, id, status as u8)?;
            emit(uow, id, &serde_json::json!({ "merchant": id, "status": status.name() }));
            Ok(Outcome::Done(()))
        },
        move |bank| {
            bank.caches().merchants.forget_where(|found| found.merchant == id);
            Ok(())
        },
    )
    .await
}

/// Sets the terms, for payments and settlements from now on.
///
/// # Errors
/// Trouble.
pub async fn set_plans(
    bank: &Bank,
    wish: Wish,
    id: Id<kinds::Merchant>,
    (fee, settlement): (String, String),
) -> Result<Answer<()>, BankError> {
    let desk = bank.desk();
    bank.once_then(
        wish,
        move |uow| {
            if let Err(refusal) = check_plans(&desk, (&fee, &settlement)) {
                return Ok(Outcome::Refused(refusal));
            }
            if records::by_id(uow.reading(), id)?.is_none() {
                return Ok(Outcome::Refused(Refusal::of(ErrorCode::NotFound)));
            }
            records::set_plans(uow, id, (&fee, &settlement))?;
            emit(uow, id, &serde_json::json!({ "merchant": id, "fee_plan": fee, "settlement_plan": settlement }));
            Ok(Outcome::Done(()))
        },
        move |bank| {
            bank.caches().merchants.forget_where(|found| found.merchant == id);
            Ok(())
        },
    )
    .await
}

fn emit(uow: &mut Uow<'_, '_>, id: Id<kinds::Merchant>, body: &serde_json::Value) {
    let owner = Some(id.as_u128());
    let body = body.to_string();
    uow.emit(NewEvent { kind: "merchant.changed", version: 1, owner, subject: id.as_u128(), body });
}

/// Adds a store.
///
/// # Errors
/// Trouble.
pub async fn add_store(
    bank: &Bank,
    wish: Wish,
    merchant: Id<kinds::Merchant>,
    new: NewStore,
) -> Result<Answer<StoreView>, BankError> {
    let id = bank.new_id();
    bank.once(wish, move |uow| {
        if let Err(refusal) = check_store(&new) {
            return Ok(Outcome::Refused(refusal));
        }
        if records::by_id(uow.reading(), merchant)?.is_none() {
            return Ok(Outcome::Refused(Refusal::of(ErrorCode::NotFound)));
        }
        let NewStore { name, mcc, country, city } = new.clone();
        let row = StoreRow { id, merchant, name, mcc, country, city };
        records::insert_store(uow, &row)?;
        Ok(Outcome::Done(StoreView::from(row)))
    })
    .await
}

/// Opens accounts in a further currency.
///
/// # Errors
/// Trouble.
pub async fn add_currency(
    bank: &Bank,
    wish: Wish,
    merchant: Id<kinds::Merchant>,
    currency: Currency,
) -> Result<Answer<()>, BankError> {
    let desk = bank.desk();
    let draft = AccountsDraft::new(bank, merchant, currency);
    bank.once(wish, move |uow| -> Result<_, StoreError> {
        if !desk.currencies().is_offered(currency) {
            return Ok(Outcome::Refused(Refusal::of(ErrorCode::CurrencyUnknown).at("currency")));
        }
        let Some(row) = records::by_id(uow.reading(), merchant)? else {
            return Ok(Outcome::Refused(Refusal::of(ErrorCode::NotFound)));
        };
        if row.status != Status::Active as u8 {
            return Ok(Outcome::Refused(Refusal::of(ErrorCode::MerchantNotActive)));
        }
        if records::account(uow.reading(), merchant, currency)?.is_some() {
            return Ok(Outcome::Refused(Refusal::of(ErrorCode::AccountExists).at("currency")));
        }
        draft.write(uow, &row)?;
        Ok(Outcome::Done(()))
    })
    .await
}
