//! Finding customers, for staff: all of them page by page, or one by what she is known under.
//!
//! Nothing personal is shown but the masked name, as payers see it. An alias or sign-in name is found through its keyed hash,
//! so neither stands readable in any table; an alias that is not verified finds nobody.

use super::SIGN_IN;
use super::records::{self, CustomerRow, name_place, sign_in_place};
use crate::aliases;
use crate::bank::Bank;
use crate::desk::Desk;
use crate::error::BankError;
use crate::refusal::Refusal;
use crate::sealed::Sealing;
use crate::wallets;
use formats::alias::{Alias, mask_name};
use sql::Reading;
use store::StoreError;
use vocabulary::{Id, Secret, Timestamp, kinds};

/// A customer as staff see her in lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomerSummary {
    /// The id.
    pub id: Id<kinds::Customer>,
    /// The wallet.
    pub wallet: Option<Id<kinds::Wallet>>,
    /// The name, masked; none once it was erased.
    pub masked_name: Option<String>,
    /// The tier.
    pub tier: u8,
    /// When she was registered.
    pub created: Timestamp,
    /// When her personal data was erased.
    pub erased: Option<Timestamp>,
}

/// Who is looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// A customer.
    Customer(Id<kinds::Customer>),
    /// The owner of a wallet.
    Wallet(Id<kinds::Wallet>),
    /// Who holds a verified alias, or signs in under it, as typed.
    Alias(String),
}

/// Customers, newest first, from before an id.
///
/// # Errors
/// Trouble.
pub async fn list(
    bank: &Bank,
    before: Option<Id<kinds::Customer>>,
    limit: u32,
) -> Result<Vec<CustomerSummary>, BankError> {
    let desk = bank.desk();
    let found = bank.store().read(move |snapshot| {
        let reading = snapshot.reading();
        let rows = records::page(reading, before, limit)?;
        rows.iter().map(|row| summary(&desk, reading, row)).collect::<Result<Vec<_>, StoreError>>()
    });
    Ok(found.await?)
}

/// Who is looked for, if there is such a customer: the holder of an alias, and who signs in under it, which may be two.
/// Refused with `alias_invalid`.
///
/// # Errors
/// Trouble.
pub async fn search(bank: &Bank, wanted: Wanted) -> Result<Result<Vec<CustomerSummary>, Refusal>, BankError> {
    let desk = bank.desk();
    let hashes = match &wanted {
        Wanted::Alias(text) => match Alias::parse(text) {
            Ok(alias) => {
                let sign_in = desk.sealing().hash(SIGN_IN, alias.as_str());
                Some((aliases::search_hash(desk.sealing(), &alias), sign_in))
            }
            Err(error) => return Ok(Err(Refusal::new(error.code(), error.to_string()).at("alias"))),
        },
        Wanted::Customer(_) | Wanted::Wallet(_) => None,
    };
    let found = bank.store().read(move |snapshot| {
        let reading = snapshot.reading();
        let mut ids = match (&wanted, &hashes) {
            (Wanted::Customer(id), _) => vec![*id],
            (Wanted::Wallet(wallet), _) => wallets::owner_of(reading, *wallet)?.into_iter().collect(),
            (Wanted::Alias(_), Some((alias, sign_in))) => {
                let holder = aliases::resolve(reading, alias)?.map(|holder| holder.customer);
                let signs_in = records::by_sign_in(reading, sign_in)?.map(|credential| credential.customer);
                holder.into_iter().chain(signs_in).collect()
            }
            (Wanted::Alias(_), None) => Vec::new(),
        };
        ids.dedup();
        let mut found = Vec::with_capacity(ids.len());
        for id in ids {
            if let Some(row) = records::by_id(reading, id)? {
                found.push(summary(&desk, reading, &row)?);
            }
        }
        Ok(found)
    });
    Ok(Ok(found.await?))
}

fn summary(desk: &Desk, reading: Reading<'_>, row: &CustomerRow) -> Result<CustomerSummary, StoreError> {
    let key = desk.sealing().key(reading, row.id.as_u128())?;
    let name = key.map(|key| row.display_name.open(&key, name_place(row.id))).transpose()?;
    Ok(CustomerSummary {
        id: row.id,
        wallet: wallets::of_customer(reading, row.id)?,
        masked_name: name.map(|name| mask_name(&name)),
        tier: row.tier,
        created: row.created,
        erased: row.erased,
    })
}

/// Names and sign-in names of the newest customers, opened.
///
/// # Errors
/// When the database or the vault cannot be read.
pub(crate) fn texts_of_newest(
    reading: Reading<'_>,
    sealing: &Sealing,
    customers: u32,
) -> Result<Vec<Secret<String>>, BankError> {
    let mut found = Vec::new();
    for row in records::page(reading, None, customers)? {
        let Some(key) = sealing.key(reading, row.id.as_u128())? else { continue };
        found.push(row.display_name.open(&key, name_place(row.id))?);
        if let Some(sign_in) = &row.sign_in {
            found.push(sign_in.open(&key, sign_in_place(row.id))?);
        }
    }
    Ok(found.into_iter().map(Secret::new).collect())
}
