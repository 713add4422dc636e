//! What a payment's entries do: steps of the ledger, from the amount, the fee and who bears it.
//!
//! The payer's limits count what leaves the payer's account: the amount, and the fee where the payer bears it.

use super::records::PaymentHold;
use super::refund_rules::{Till, moves};
use super::{Payment, Prepared};
use crate::fees::FeeParts;
use crate::policies::Bearer;
use ledger::{Count, Step, UpTo};
use money::MoneyError;

/// The steps of an entry and the fee they charge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    /// The steps.
    pub(crate) steps: Vec<Step>,
    /// Fee and tax.
    pub(crate) fee: FeeParts,
}

/// Moves the amount at once.
pub(crate) fn plan_pay(prepared: &Prepared, till: Till) -> Result<Plan, MoneyError> {
    let fee = prepared.fee.compute(prepared.amount)?;
    fee.total().checked_add(prepared.amount).ok_or(MoneyError::Overflow)?;
    let (from, to) = (prepared.payer.account, prepared.payee.account);
    let (bearing, count) = match prepared.fee.bearer {
        Bearer::Payer => (from, Count::Use),
        Bearer::Payee => (to, Count::No),
    };
    let legs = [
        (from, to, prepared.amount, Count::Use),
        (bearing, till.income, fee.fee, count),
        (bearing, till.tax, fee.tax, count),
    ];
    Ok(Plan { steps: moves(&legs), fee })
}

/// Sets the amount aside, and the fee where the payer bears it. The fee is charged when it is captured.
pub(crate) fn plan_hold(prepared: &Prepared, seconds: u32) -> Result<Plan, MoneyError> {
    let on_top = match prepared.fee.bearer {
        Bearer::Payer => prepared.fee.compute(prepared.amount)?.total(),
        Bearer::Payee => 0,
    };
    let amount = prepared.amount.checked_add(on_top).ok_or(MoneyError::Overflow)?;
    let hold = Step::Hold {
        debit: prepared.payer.account,
        credit: prepared.payee.account,
        amount,
        up_to: UpTo::default(),
        seconds: Some(seconds),
        count: Count::Use,
    };
    Ok(Plan { steps: vec![hold], fee: FeeParts::default() })
}

/// Moves an amount out of the hold, and the further fee that it causes. `last` releases the rest.
pub(crate) fn plan_capture(
    payment: &Payment,
    hold: &PaymentHold,
    (amount, last): (i64, bool),
    till: Till,
) -> Result<Plan, MoneyError> {
    let fee = hold.fee.further(payment.captured, amount)?;
    let on_top = match payment.bearer {
        Bearer::Payer => fee.total(),
        Bearer::Payee => 0,
    };
    let capture = Step::Capture { hold: hold.entry, amount: Some(amount + on_top), last };
    let legs = [(payment.to, till.income, fee.fee, Count::No), (payment.to, till.tax, fee.tax, Count::No)];
    let mut steps = vec![capture];
    steps.extend(moves(&legs));
    Ok(Plan { steps, fee })
}
