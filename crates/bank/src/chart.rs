//! The chart of the bank's own accounts: one of each kind for each currency.
//!
//! All of an offered currency's accounts are opened when the bank is, so that units only look them up. Their ids follow from
//! kind and currency, so that they are found again without a table of their own.

use crate::currencies::Currencies;
use aws_lc_rs::digest::{SHA256, digest};
use ledger::{AccountNo, BookNo, Class, Floor, GroupNo};
use money::Currency;
use std::collections::HashMap;
use std::sync::OnceLock;
use store::{AccountId, NewAccount, Store, StoreError, Uow};
use vocabulary::Id;

/// A kind of account of the bank's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Own {
    /// Our money at the bank outside (asset).
    Nostro,
    /// Top-ups whose outcome is not final (liability).
    TopUpSuspense,
    /// Payouts whose outcome is not final (liability).
    PayoutSuspense,
    /// Transfers to aliases that nobody holds yet (liability).
    Unclaimed,
    /// Fees earned (income).
    FeeIncome,
    /// Tax on fees, owed to the state (liability).
    TaxPayable,
    /// Fees that the bank pays (expense).
    FeeExpense,
    /// Settlements on their way to merchants' banks (liability).
    SettlementClearing,
    /// Differences found in reconciliation, until explained (equity).
    Difference,
    /// Receivables given up (expense).
    WriteOff,
    /// Balances brought into the books when a bank starts (equity).
    Opening,
}

/// Every kind.
pub const ALL: &[Own] = &[
    Own::Nostro,
    Own::TopUpSuspense,
    Own::PayoutSuspense,
    Own::Unclaimed,
    Own::FeeIncome,
    Own::TaxPayable,
    Own::FeeExpense,
    Own::SettlementClearing,
    Own::Difference,
    Own::WriteOff,
    Own::Opening,
];

/// General-ledger code of customers' wallets.
pub const GL_WALLETS: &str = "2010";
/// General-ledger code of merchants' main accounts.
pub const GL_MERCHANTS: &str = "2020";
/// General-ledger code of merchants' reserves.
pub const GL_RESERVES: &str = "2021";
/// General-ledger code of customers' receivables.
pub const GL_RECEIVABLES: &str = "1200";
/// General-ledger code of merchants' receivables.
pub const GL_MERCHANT_RECEIVABLES: &str = "1210";

impl Own {
    /// Its name, also the product of its accounts.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nostro => "nostro",
            Self::TopUpSuspense => "top_up_suspense",
            Self::PayoutSuspense => "payout_suspense",
            Self::Unclaimed => "unclaimed",
            Self::FeeIncome => "fee_income",
            Self::TaxPayable => "tax_payable",
            Self::FeeExpense => "fee_expense",
            Self::SettlementClearing => "settlement_clearing",
            Self::Difference => "difference",
            Self::WriteOff => "write_off",
            Self::Opening => "opening",
        }
    }

    /// Its place in the general ledger.
    #[must_use]
    pub const fn gl_code(self) -> &'static str {
        match self {
            Self::Nostro => "1010",
            Self::TopUpSuspense => "2900",
            Self::PayoutSuspense => "2910",
            Self::Unclaimed => "2920",
            Self::SettlementClearing => "2930",
            Self::TaxPayable => "2300",
            Self::Difference => "3900",
            Self::Opening => "3000",
            Self::FeeIncome => "4010",
            Self::FeeExpense => "5010",
            Self::WriteOff => "5900",
        }
    }

    /// Its class.
    #[must_use]
    pub const fn class(self) -> Class {
        match self {
            Self::Nostro => Class::Asset,
            Self::TopUpSuspense
            | Self::PayoutSuspense
            | Self::Unclaimed
            | Self::TaxPayable
            | Self::SettlementClearing => Class::Liability,
            Self::FeeIncome => Class::Income,
            Self::FeeExpense | Self::WriteOff => Class::Expense,
            Self::Difference | Self::Opening => Class::Equity,
        }
    }

    fn id(self, currency: Currency) -> AccountId {
        let found = digest(&SHA256, format!("own account {} {}", self.name(), currency.number()).as_bytes());
        let value = u128::from_be_bytes(std::array::from_fn(|place| found.as_ref()[place]));
        // Version 8 and the variant of RFC 9562, section 5.8: an id by our own rule.
        Id::from_u128(value & !(0xF << 76) & !(0b11 << 62) | 8 << 76 | 0b10 << 62)
    }
}

/// The own accounts' numbers.
#[derive(Default)]
pub struct Chart {
    numbers: OnceLock<HashMap<(Own, u16), AccountNo>>,
}

impl Chart {
    /// The account of a kind in a currency; opened when it is not one of the offered.
    ///
    /// # Errors
    /// When the database fails.
    pub fn own(&self, uow: &mut Uow<'_, '_>, own: Own, currency: Currency) -> Result<AccountNo, StoreError> {
        match self.opened(own, currency) {
            Some(no) => Ok(no),
            None => find_or_open(uow, own, currency),
        }
    }

    /// The account of a kind in an offered currency.
    #[must_use]
    pub fn opened(&self, own: Own, currency: Currency) -> Option<AccountNo> {
        self.numbers.get()?.get(&(own, currency.number())).copied()
    }

    /// Every own account of the offered currencies: kind, currency number, account.
    pub fn each(&self) -> impl Iterator<Item = (Own, u16, AccountNo)> {
        self.numbers.get().into_iter().flatten().map(|((own, number), no)| (*own, *number, *no))
    }

    /// Opens what is missing for the offered currencies; what it learns was committed.
    pub(crate) fn prepare(&self, store: &Store, currencies: &Currencies) -> Result<(), StoreError> {
        let wanted: Vec<Currency> = currencies.all().collect();
        let outcome = store.write_blocking(move |uow| {
            let mut numbers = HashMap::new();
            for currency in &wanted {
                for own in ALL {
                    numbers.insert((*own, currency.number()), find_or_open(uow, *own, *currency)?);
                }
            }
            Ok(store::Outcome::<_, ()>::Done(numbers))
        })?;
        if let store::Outcome::Done(numbers) = outcome {
            let _ = self.numbers.set(numbers);
        }
        Ok(())
    }
}

fn find_or_open(uow: &mut Uow<'_, '_>, own: Own, currency: Currency) -> Result<AccountNo, StoreError> {
    let id = own.id(currency);
    if let Some(row) = uow.account_by_id(id)? {
        return Ok(row.account.no);
    }
    let opened = uow.open_account(&NewAccount {
        id,
        book: BookNo::of(0, currency.number()),
        class: own.class(),
        gl_code: own.gl_code().to_owned(),
        product: own.name().to_owned(),
        owner: None,
        floor: Floor::None,
        groups: [GroupNo::NONE; 2],
        receivable: AccountNo(0),
    })?;
    opened.ok_or(StoreError::Corrupt { table: "account", finding: "an own account's id is taken" })
}
