//! A refusal: the business "no" that callers meet, with a stable code and a sentence that says what to do.

use crate::confirmations::ConfirmationView;
use crate::desk::Desk;
use crate::wallets;
use crate::wish::Principal;
use ledger::{AccountNo, Direction, Reached, Window};
use money::{Currency, print_minor};
use serde::{Deserialize, Serialize};
use store::{StoreError, Uow};
use vocabulary::{ErrorCode, Id, Timestamp, kinds};

/// A business "no". It is recorded under the wish's key, so that a retry is refused the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// The stable code.
    pub code: ErrorCode,
    /// What is wrong and what to do, one sentence; nothing personal.
    pub detail: String,
    /// The limit that was reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<Box<LimitInfo>>,
    /// The field of the command that is at fault, such as `amount`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// The approval that the act waits for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<Id<kinds::Approval>>,
    /// What the payer has to confirm.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmation: Option<Box<ConfirmationView>>,
}

/// A limit that was reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitInfo {
    /// `movement`, `day`, `month`, `year` or `balance`.
    pub window: String,
    /// `out` or `in`.
    pub direction: String,
    /// The limit, minor units.
    pub limit_minor: i64,
    /// What is left of it, minor units.
    pub left_minor: i64,
    /// The currency's code.
    pub currency: String,
    /// When the window ends.
    pub resets_at: Option<Timestamp>,
    /// `person` or `account`.
    pub whose: String,
}

impl Refusal {
    /// A refusal with the code's own title and action as its sentence.
    #[must_use]
    pub fn of(code: ErrorCode) -> Self {
        Self::new(code, format!("{}. {}", code.title(), code.action()))
    }

    /// A refusal with a sentence of its own.
    #[must_use]
    pub fn new(code: ErrorCode, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), limit: None, field: None, approval: None, confirmation: None }
    }

    /// Names the field at fault.
    #[must_use]
    pub fn at(mut self, field: &str) -> Self {
        self.field = Some(field.to_owned());
        self
    }

    /// What the ledger's "no" means to this principal. Amounts of other people's accounts are left out.
    ///
    /// # Errors
    /// When the database fails.
    pub fn of_ledger(
        desk: &Desk,
        uow: &Uow<'_, '_>,
        principal: Principal,
        refusal: &ledger::Refusal,
    ) -> Result<Self, StoreError> {
        match refusal {
            ledger::Refusal::Limit(reached) | ledger::Refusal::BalanceLimit(reached) => {
                of_limit(desk, uow, principal, refusal.code(), reached)
            }
            ledger::Refusal::InsufficientFunds { account, available, .. } => {
                of_shortage(desk, uow, principal, (*account, *available))
            }
            other => Ok(Self::of(other.code())),
        }
    }
}

fn of_limit(
    desk: &Desk,
    uow: &Uow<'_, '_>,
    principal: Principal,
    code: ErrorCode,
    reached: &Reached,
) -> Result<Refusal, StoreError> {
    let Some(party) = wallets::records::limit_party(uow.reading(), reached.group)? else {
        return Ok(Refusal::of(code));
    };
    let bank_acts = matches!(principal, Principal::Staff(_) | Principal::System);
    let currency = desk.currencies().by_number(party.currency);
    let Some(currency) = currency.filter(|_| bank_acts || party.owner == principal.actor()) else {
        let detail = "the other party cannot receive or send that much now; send less, or ask them";
        return Ok(Refusal::new(code, detail));
    };
    let limit = info(reached, currency, party.person);
    Ok(Refusal { detail: sentence(&limit, currency), limit: Some(Box::new(limit)), ..Refusal::of(code) })
}

fn info(reached: &Reached, currency: Currency, person: bool) -> LimitInfo {
    let window = match reached.window {
        Window::Movement => "movement",
        Window::Day => "day",
        Window::Month => "month",
        Window::Year => "year",
        Window::Balance => "balance",
    };
    let direction = match reached.direction {
        Direction::Out => "out",
        Direction::In => "in",
    };
    LimitInfo {
        window: window.to_owned(),
        direction: direction.to_owned(),
        limit_minor: reached.limit,
        left_minor: reached.left,
        currency: currency.code().to_owned(),
        resets_at: reached.resets_at,
        whose: if person { "person" } else { "account" }.to_owned(),
    }
}

fn sentence(limit: &LimitInfo, currency: Currency) -> String {
    let amount = |minor: i64| format!("{} {currency}", print_minor(i128::from(minor), currency.digits()));
    let way = if limit.direction == "out" { "outgoing" } else { "incoming" };
    let window = match limit.window.as_str() {
        "movement" => "for one movement".to_owned(),
        "balance" => "of the balance".to_owned(),
        window => format!("for a {window}"),
    };
    let then = limit.resets_at.map_or_else(String::new, |at| format!(", or wait until {at}"));
    format!(
        "the {way} limit {window} of the {} is {} and {} is left; send less{then}",
        limit.whose,
        amount(limit.limit_minor),
        amount(limit.left_minor)
    )
}

fn of_shortage(
    desk: &Desk,
    uow: &Uow<'_, '_>,
    principal: Principal,
    (account, available): (AccountNo, i64),
) -> Result<Refusal, StoreError> {
    let code = ErrorCode::InsufficientFunds;
    let own = match wallets::records::by_account(uow.reading(), account, desk.currencies())? {
        Some(found) if found.customer.as_u128() == principal.actor() => found.currency,
        _ => return Ok(Refusal::of(code)),
    };
    let left = print_minor(i128::from(available), own.digits());
    Ok(Refusal::new(code, format!("{left} {own} is available; add money or send less")))
}
