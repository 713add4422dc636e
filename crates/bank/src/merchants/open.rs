//! Opening a merchant.

use super::find::MerchantView;
use super::records::{self, MerchantAccount, MerchantRow, StoreRow};
use crate::bank::Bank;
use crate::chart::{GL_MERCHANT_RECEIVABLES, GL_MERCHANTS, GL_RESERVES};
use crate::desk::Desk;
use crate::error::BankError;
use crate::refusal::Refusal;
use crate::wish::{Answer, Wish};
use ledger::{AccountNo, BookNo, Class, Floor, GroupNo};
use money::Currency;
use serde::{Deserialize, Serialize};
use store::{AccountId, NewAccount, NewEvent, Outcome, StoreError, Uow};
use vocabulary::{ErrorCode, Id, kinds};

/// A merchant to be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMerchant {
    /// Its name.
    pub name: String,
    /// Its category code (ISO 18245), four digits.
    pub mcc: String,
    /// Its country (ISO 3166-1 alpha-2).
    pub country: String,
    /// Its city.
    pub city: String,
    /// Its fee: a key of the policy `fees`.
    pub fee_plan: String,
    /// Its settlement terms: a key of the policy `settlement`.
    pub settlement_plan: String,
    /// Currencies of its first accounts.
    pub currencies: Vec<Currency>,
}

/// A store to be added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewStore {
    /// Its name.
    pub name: String,
    /// Its category code, four digits.
    pub mcc: String,
    /// Its country.
    pub country: String,
    /// Its city.
    pub city: String,
}

/// Opens a merchant with accounts in its currencies and one store of its own name. For staff: the caller checks the role.
///
/// # Errors
/// Trouble.
pub async fn open(bank: &Bank, wish: Wish, new: NewMerchant) -> Result<Answer<MerchantView>, BankError> {
    let desk = bank.desk();
    let id: Id<kinds::Merchant> = bank.new_id();
    let store = bank.new_id();
    let mut currencies = new.currencies.clone();
    currencies.sort_unstable();
    currencies.dedup();
    let drafts: Vec<AccountsDraft> = currencies.iter().map(|found| AccountsDraft::new(bank, id, *found)).collect();
    bank.once(wish, move |uow| {
        if let Err(refusal) = check(&desk, &new) {
            return Ok(Outcome::Refused(refusal));
        }
        let NewMerchant { name, mcc, country, city, fee_plan, settlement_plan, .. } = new.clone();
        let store = StoreRow {
            id: store,
            merchant: id,
            name: name.clone(),
            mcc: mcc.clone(),
            country: country.clone(),
            city: city.clone(),
        };
        let created = uow.now();
        let row = MerchantRow { id, name, mcc, country, city, status: 1, fee_plan, settlement_plan, created };
        records::insert(uow, &row)?;
        records::insert_store(uow, &store)?;
        for draft in &drafts {
            draft.write(uow, &row)?;
        }
        let body = serde_json::json!({ "merchant": id }).to_string();
        let owner = Some(id.as_u128());
        uow.emit(NewEvent { kind: "merchant.opened", version: 1, owner, subject: id.as_u128(), body });
        let codes = drafts.iter().map(|draft| draft.currency.code().to_owned()).collect();
        Ok(Outcome::Done(MerchantView::of(row, codes, vec![store.into()])))
    })
    .await
}

/// In order: name, category, country, city, plans, currencies.
fn check(desk: &Desk, new: &NewMerchant) -> Result<(), Refusal> {
    let store =
        NewStore { name: new.name.clone(), mcc: new.mcc.clone(), country: new.country.clone(), city: new.city.clone() };
    check_store(&store)?;
    check_plans(desk, (&new.fee_plan, &new.settlement_plan))?;
    if new.currencies.is_empty() || !new.currencies.iter().all(|found| desk.currencies().is_offered(*found)) {
        let detail = "name at least one currency that is offered here";
        return Err(Refusal::new(ErrorCode::CurrencyUnknown, detail).at("currencies"));
    }
    Ok(())
}

pub(super) fn check_plans(desk: &Desk, (fee, settlement): (&str, &str)) -> Result<(), Refusal> {
    let invalid = |detail: &str, field| Err(Refusal::new(ErrorCode::InvalidField, detail).at(field));
    if desk.policies().fee(fee).is_none() {
        return invalid("there is no such fee plan; policy fees names them", "fee_plan");
    }
    if !desk.policies().settlement.contains_key(settlement) {
        return invalid("there are no such settlement terms; policy settlement names them", "settlement_plan");
    }
    Ok(())
}

pub(super) fn check_store(new: &NewStore) -> Result<(), Refusal> {
    let invalid = |detail: &str, field| Err(Refusal::new(ErrorCode::InvalidField, detail).at(field));
    let named = |text: &str, most: usize| {
        !text.trim().is_empty() && text.chars().count() <= most && !text.chars().any(char::is_control)
    };
    if !named(&new.name, 100) {
        return invalid("a name has 1 to 100 characters and no control characters", "name");
    }
    if new.mcc.len() != 4 || !new.mcc.bytes().all(|b| b.is_ascii_digit()) {
        return invalid("a category code (ISO 18245) has four digits", "mcc");
    }
    if new.country.len() != 2 || !new.country.bytes().all(|b| b.is_ascii_uppercase()) {
        return invalid("a country (ISO 3166-1) has two capital letters", "country");
    }
    if !named(&new.city, 50) {
        return invalid("a city has 1 to 50 characters and no control characters", "city");
    }
    Ok(())
}

/// A merchant's accounts in a currency; ids are drawn before the unit.
#[derive(Clone, Copy, Debug)]
pub(super) struct AccountsDraft {
    merchant: Id<kinds::Merchant>,
    pub(super) currency: Currency,
    main: AccountId,
    reserve: AccountId,
    receivable: AccountId,
}

impl AccountsDraft {
    pub(super) fn new(bank: &Bank, merchant: Id<kinds::Merchant>, currency: Currency) -> Self {
        let (main, reserve, receivable) = (bank.new_id(), bank.new_id(), bank.new_id());
        Self { merchant, currency, main, reserve, receivable }
    }

    pub(super) fn write(&self, uow: &mut Uow<'_, '_>, row: &MerchantRow) -> Result<(), StoreError> {
        let receivable = self.account(self.receivable, Class::Asset, (GL_MERCHANT_RECEIVABLES, "merchant_receivable"));
        let receivable = open_account(uow, &NewAccount { floor: Floor::None, ..receivable })?;
        let reserve = self.account(self.reserve, Class::Liability, (GL_RESERVES, "merchant_reserve"));
        let reserve = open_account(uow, &reserve)?;
        let main = self.account(self.main, Class::Liability, (GL_MERCHANTS, "merchant"));
        let account = open_account(uow, &NewAccount { receivable, ..main })?;
        let written = MerchantAccount {
            merchant: self.merchant,
            account,
            reserve,
            receivable,
            currency: self.currency,
            active: row.status == 1,
            fee_plan: row.fee_plan.as_str().into(),
            settlement_plan: row.settlement_plan.as_str().into(),
            name: row.name.as_str().into(),
        };
        records::insert_account(uow, &written)
    }

    fn account(&self, id: AccountId, class: Class, (gl_code, product): (&str, &str)) -> NewAccount {
        NewAccount {
            id,
            book: BookNo::of(0, self.currency.number()),
            class,
            gl_code: gl_code.to_owned(),
            product: product.to_owned(),
            owner: Some(self.merchant.as_u128()),
            floor: Floor::At(0),
            groups: [GroupNo::NONE; 2],
            receivable: AccountNo(0),
        }
    }
}

fn open_account(uow: &mut Uow<'_, '_>, new: &NewAccount) -> Result<AccountNo, StoreError> {
    uow.open_account(new)?.ok_or(StoreError::Corrupt { table: "account", finding: "a fresh account id is taken" })
}
