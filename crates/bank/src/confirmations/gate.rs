//! What stands before a movement of a customer: whether it may go now, and, after it went, what that used up.
//!
//! Races closed: counters and confirmation are looked at and changed in the unit of the movement itself. Two small payments sent at
//! once do not both pass under what is left for one; two requests with one confirmation make one movement.

use super::confirm::ConfirmationView;
use super::records::{self, Confirmation, State, shown_place};
use super::rules::{self, Facts, Reason};
use crate::bank::Bank;
use crate::desk::Desk;
use crate::policies::StepUpMode;
use crate::refusal::Refusal;
use crate::wish::Principal;
use crate::{bank_accounts, customers, factors, merchants};
use aws_lc_rs::digest::{SHA256, digest};
use money::Money;
use store::{StoreError, Uow};
use vocabulary::{ErrorCode, Id, kinds};

/// The confirmation that a request names.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Confirming(Option<Id<kinds::Confirmation>>);

/// Who is paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Payee {
    Merchant(Id<kinds::Merchant>),
    Person(Id<kinds::Customer>),
    /// Whoever proves that an alias is theirs; by its keyed hash.
    Nobody([u8; 32]),
    BankAccount(Id<kinds::BankAccount>),
}

/// What a customer wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    Payment,
    Hold,
    Transfer,
    Payout,
}

impl Wanted {
    const fn name(self) -> &'static str {
        match self {
            Self::Payment => "payment",
            Self::Hold => "hold",
            Self::Transfer => "transfer",
            Self::Payout => "payout",
        }
    }
}

impl Payee {
    fn printed(self) -> String {
        match self {
            Self::Merchant(id) => id.to_string(),
            Self::Person(id) => id.to_string(),
            Self::Nobody(hash) => hash.iter().map(|byte| format!("{byte:02x}")).collect(),
            Self::BankAccount(id) => id.to_string(),
        }
    }

    fn key(self) -> [u8; 32] {
        sha256(self.printed().as_bytes())
    }

    /// As the payer knows it: a merchant's name, a person's masked name, a bank account's masked number.
    fn shown(self, desk: &Desk, uow: &Uow<'_, '_>) -> Result<Option<String>, StoreError> {
        let reading = uow.reading();
        Ok(match self {
            Self::Merchant(id) => merchants::records::by_id(reading, id)?.map(|row| row.name),
            Self::Person(id) => customers::masked_name(desk.sealing(), reading, id)?,
            Self::Nobody(_) => None,
            Self::BankAccount(id) => {
                bank_accounts::number(desk, reading, id)?.map(|number| bank_accounts::masked(&number))
            }
        })
    }
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let found = digest(&SHA256, bytes);
    std::array::from_fn(|place| found.as_ref()[place])
}

/// A movement that its payer may have to confirm.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Movement {
    customer: Id<kinds::Customer>,
    wanted: Wanted,
    from: Id<kinds::Wallet>,
    payee: Payee,
    amount: Money,
}

/// By what a movement passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    /// It is small; with what has passed before.
    Small(i64, u32),
    Confirmed(Id<kinds::Confirmation>),
}

/// A movement that may go; what it uses up is noted when it went.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pass(Option<(Movement, By)>);

/// What a movement is bound to: everything that must stay as it was confirmed.
fn fingerprint(movement: &Movement) -> [u8; 32] {
    let Movement { customer, wanted, from, payee, amount } = movement;
    let (minor, currency) = (amount.minor(), amount.currency());
    let (wanted, payee) = (wanted.name(), payee.printed());
    sha256(format!("{wanted} by {customer} from {from} to {payee} of {minor} {currency}").as_bytes())
}

impl Confirming {
    /// What the handle's request names.
    pub(crate) fn of(bank: &Bank) -> Self {
        Self(bank.origin().and_then(|origin| origin.confirmation))
    }

    /// Whether a movement from `from`, of a wallet that is guarded or not, may go. Nothing is read for who is not asked.
    /// Refused with `step_up_required`, or `confirmation_not_valid` when the one that is named is not one of exactly this.
    pub(crate) fn pass(
        self,
        desk: &Desk,
        uow: &mut Uow<'_, '_>,
        (principal, from, guarded): (Principal, Id<kinds::Wallet>, bool),
        (wanted, payee, amount): (Wanted, Payee, Money),
    ) -> Result<Result<Pass, Refusal>, StoreError> {
        let asked = match desk.policies().step_up.mode {
            StepUpMode::Off => false,
            StepUpMode::Enrolled => guarded,
            StepUpMode::Required => true,
        };
        let Principal::Customer(customer) = principal else { return Ok(Ok(Pass(None))) };
        if !asked {
            return Ok(Ok(Pass(None)));
        }
        let movement = Movement { customer, wanted, from, payee, amount };
        if let Some(id) = self.0 {
            let now = uow.now();
            let good = records::by_id(uow.reading(), id)?.is_some_and(|row| {
                let same = row.customer == customer && row.digest == fingerprint(&movement);
                same && row.state == State::Confirmed && now < row.expires
            });
            let pass = Pass(Some((movement, By::Confirmed(id))));
            return Ok(if good { Ok(pass) } else { Err(Refusal::of(ErrorCode::ConfirmationNotValid)) });
        }
        let facts = facts(desk, uow, &movement)?;
        match rules::reason(&facts) {
            None => Ok(Ok(Pass(Some((movement, By::Small(facts.passed.0, facts.passed.1)))))),
            Some(reason) => ask(desk, uow, &movement, reason).map(Err),
        }
    }
}

fn facts(desk: &Desk, uow: &Uow<'_, '_>, movement: &Movement) -> Result<Facts, StoreError> {
    let policy = &desk.policies().step_up;
    let (reading, now, customer) = (uow.reading(), uow.now(), movement.customer);
    let currency = movement.amount.currency();
    let (each, sum) = policy.small(currency);
    let own = records::own_most(reading, (customer, currency.number()))?;
    let hours = i64::from(policy.changed_hours);
    let changed = factors::records::changed(reading, customer)?;
    // A merchant is met at the till: there the amount decides alone.
    let watched = policy.new_payees && matches!(movement.wanted, Wanted::Transfer | Wanted::Payout);
    Ok(Facts {
        amount: movement.amount.minor(),
        payee_is_new: watched && !records::knows_payee(reading, customer, &movement.payee.key())?,
        factor_changed: changed.is_some_and(|at| now < at.plus_seconds(hours * 3600)),
        most: (own.map_or(each, |own| own.min(each)), sum, policy.small_count),
        passed: records::passed(reading, (customer, currency.number()))?,
    })
}

fn ask(desk: &Desk, uow: &mut Uow<'_, '_>, movement: &Movement, reason: Reason) -> Result<Refusal, StoreError> {
    let now = uow.now();
    let expires = now.plus_seconds(i64::from(desk.policies().step_up.seconds));
    let id = desk.new_id(now);
    let view = ConfirmationView {
        id,
        movement: movement.wanted.name().to_owned(),
        payee: movement.payee.shown(desk, uow)?,
        amount_minor: movement.amount.minor(),
        currency: movement.amount.currency().code().to_owned(),
        reason,
        state: State::Asked.name().to_owned(),
        expires_at: expires,
    };
    let plain = serde_json::to_vec(&view).map_err(|error| StoreError::Bug(error.to_string()))?;
    let key = desk.sealing().key(uow.reading(), movement.customer.as_u128())?;
    let Some(key) = key else { return Ok(Refusal::of(ErrorCode::Forbidden)) };
    let shown = key.seal(desk.entropy(), shown_place(id), &plain)?;
    let (customer, digest, state) = (movement.customer, fingerprint(movement), State::Asked);
    records::insert(uow, &Confirmation { id, customer, digest, shown, state, created: now, expires })?;
    Ok(Refusal { confirmation: Some(Box::new(view)), ..Refusal::of(ErrorCode::StepUpRequired) })
}

impl Pass {
    /// The movement was made: its confirmation is used up and the counters begin anew, or it counts as a small one.
    pub(crate) fn done(self, uow: &mut Uow<'_, '_>) -> Result<(), StoreError> {
        let Some((movement, by)) = self.0 else { return Ok(()) };
        let of = (movement.customer, movement.amount.currency().number());
        match by {
            By::Small(sum, number) => {
                records::set_passed(uow, of, (sum.saturating_add(movement.amount.minor()), number.saturating_add(1)))
            }
            By::Confirmed(id) => {
                records::set_state(uow, id, State::Used)?;
                records::set_passed(uow, of, (0, 0))?;
                records::keep_payee(uow, movement.customer, &movement.payee.key())
            }
        }
    }
}
