//! Safeguarding: the money at the bank beside what we owe to people and merchants, from one trial balance.

use crate::accounting::trial_balance::{TrialRow, trial_balance};
use crate::bank::Bank;
use crate::chart::{GL_MERCHANTS, GL_RESERVES, GL_WALLETS, Own};
use crate::error::BankError;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One currency's numbers, minor units.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Safeguarding {
    /// The currency's code.
    pub currency: String,
    /// Our money at the bank.
    pub at_bank_minor: i64,
    /// What stands in wallets.
    pub wallets_minor: i64,
    /// What merchants are owed, reserves included.
    pub merchants_minor: i64,
    /// What is on its way: suspense, unclaimed, settlements.
    pub in_transit_minor: i64,
    /// At the bank less all that is owed: below zero, money is missing there.
    pub surplus_minor: i64,
}

/// Compares, for each currency, the money at the bank with what we owe.
///
/// # Errors
/// Trouble.
pub fn safeguarding(bank: &Bank) -> Result<Vec<Safeguarding>, BankError> {
    let mut found: BTreeMap<String, Safeguarding> = BTreeMap::new();
    for row in trial_balance(bank)?.rows {
        let currency = row.currency.clone();
        let numbers = found.entry(row.currency.clone()).or_default();
        numbers.currency = currency;
        add(numbers, &row);
    }
    Ok(found.into_values().collect())
}

fn add(numbers: &mut Safeguarding, row: &TrialRow) {
    let transit = [Own::TopUpSuspense, Own::PayoutSuspense, Own::Unclaimed, Own::SettlementClearing];
    let code = row.gl_code.as_str();
    // Liabilities are credit balances: negative here.
    let owed = row.closing_minor.saturating_neg();
    let place = match code {
        GL_WALLETS => &mut numbers.wallets_minor,
        GL_MERCHANTS | GL_RESERVES => &mut numbers.merchants_minor,
        _ if transit.iter().any(|own| own.gl_code() == code) => &mut numbers.in_transit_minor,
        _ if code == Own::Nostro.gl_code() => {
            numbers.at_bank_minor += row.closing_minor;
            numbers.surplus_minor += row.closing_minor;
            return;
        }
        _ => return,
    };
    *place += owed;
    numbers.surplus_minor -= owed;
}
