//! Disputes: staff decide them.

use crate::dto::{Money, ids};
use bank::payments::{self, CloseDispute, DisputeOutcome, DisputeView};
use bank::{Bank, BankError};
use edge::caller::{AsStaff, DecideDisputes};
use edge::reply::{self, Handled};
use edge::{Command, PathId, Problem};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vocabulary::kinds;

/// Who won.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"winner": "payer"}))]
pub struct Decision {
    /// `merchant` keeps the money, `payer` gets it back.
    pub winner: Winner,
}

/// A side of a dispute.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Winner {
    /// The merchant keeps the money.
    Merchant,
    /// The payer gets it back.
    Payer,
}

/// A dispute that was decided.
#[derive(Debug, Serialize, ToSchema)]
pub struct DecidedDispute {
    /// Its id.
    pub id: ids::Dispute,
    /// About which payment.
    pub payment: ids::Payment,
    /// How much.
    pub amount: Money,
    /// Who won.
    #[schema(value_type = String, example = "won_by_payer")]
    pub state: serde_json::Value,
}

/// Decide a dispute
#[utoipa::path(post, path = "/v1/staff/disputes/{dispute}/decide", tag = "staff", request_body = Decision,
    responses((status = 200, description = "The dispute.", body = DecidedDispute)))]
pub async fn decide(
    who: AsStaff<DecideDisputes>,
    PathId(dispute): PathId<kinds::Dispute>,
    command: Command<Decision>,
) -> Handled<DecidedDispute> {
    let Command { key, body, .. } = command;
    let outcome = match body.winner {
        Winner::Merchant => DisputeOutcome::Merchant,
        Winner::Payer => DisputeOutcome::Payer,
    };
    let close = CloseDispute { principal: who.principal(), key: Some(key), dispute, outcome };
    let done = reply::done(&who.bank, payments::close_dispute(&who.bank, close).await, |view| view)?;
    let shown = show(&who.bank, done.body).await?;
    Ok(reply::Reply { status: done.status, body: shown, replayed: done.replayed })
}

async fn show(bank: &Bank, view: DisputeView) -> Result<DecidedDispute, Problem> {
    let (payment, currencies) = (view.payment, bank.currencies());
    let found = bank.store().read(move |snapshot| payments::by_id(snapshot.reading(), payment)).await;
    let found = reply::found(found.map_err(BankError::from))?;
    let code = currencies.by_number(found.currency).map_or_else(String::new, |unit| unit.code().to_owned());
    Ok(DecidedDispute {
        id: view.id.into(),
        payment: view.payment.into(),
        amount: Money::of(&currencies, view.amount, &code),
        state: serde_json::to_value(view.state).unwrap_or_default(),
    })
}
