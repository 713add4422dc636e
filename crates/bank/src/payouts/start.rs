//! Starting a payout: the wish, the money into suspense and the jobs, in one unit.

use crate::bank::Bank;
use crate::bank_accounts;
use crate::charges::Charge;
use crate::chart::Own;
use crate::desk::Desk;
use crate::entries::{self, Channel, EntryKind, Intent};
use crate::error::BankError;
use crate::forecast::{self, Forecast};
use crate::payouts::{JOB_DEADLINE, JOB_INSTRUCT, Payout, PayoutState, PayoutView, records};
use crate::refusal::Refusal;
use crate::wallets::{self, WalletAccount};
use crate::wish::{Answer, Principal, Wish};
use ledger::{AccountNo, Count, Step, UpTo};
use money::{Currency, Money};
use store::{Outcome, StoreError, Uow};
use vocabulary::{ErrorCode, Id, kinds};

/// What a customer wishes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartPayout {
    /// From which wallet; its account in the amount's currency is debited.
    pub wallet: Id<kinds::Wallet>,
    /// To which linked bank account.
    pub bank_account: Id<kinds::BankAccount>,
    /// How much is to arrive; the fee comes on top.
    pub amount: Money,
    /// Through which channel.
    pub channel: Channel,
}

/// A payout to a merchant's bank account, as settlement starts it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartForMerchant {
    /// The payout's id, drawn before the unit.
    pub id: Id<kinds::Payout>,
    /// Whose it is.
    pub merchant: Id<kinds::Merchant>,
    /// The account that the money leaves, and goes back to when the bank will not.
    pub from: AccountNo,
    /// One of the merchant's linked bank accounts.
    pub bank_account: Id<kinds::BankAccount>,
    /// How much.
    pub amount: Money,
    /// The business object that causes it, such as the settlement.
    pub cause: u128,
}

struct Terms {
    customer: Id<kinds::Customer>,
    account: WalletAccount,
    charge: Charge,
}

/// Refuses in this order: not a customer, amount, wallet, bank account, fee.
fn terms(
    desk: &Desk,
    uow: &Uow<'_, '_>,
    who: Principal,
    wish: &StartPayout,
) -> Result<Result<Terms, Refusal>, StoreError> {
    let no = |code| Ok(Err(Refusal::of(code)));
    let Principal::Customer(customer) = who else { return no(ErrorCode::Forbidden) };
    if wish.amount.is_zero() {
        return Ok(Err(Refusal::of(ErrorCode::AmountNotPositive).at("amount")));
    }
    let account = wallets::account(uow.reading(), wish.wallet, wish.amount.currency())?;
    let Some(account) = account.filter(|account| account.customer == customer) else {
        return Ok(Err(Refusal::of(ErrorCode::AccountNotFound).at("wallet")));
    };
    if !bank_accounts::usable(uow.reading(), customer.as_u128(), wish.bank_account)? {
        return Ok(Err(Refusal::of(ErrorCode::BankAccountNotFound).at("bank_account")));
    }
    match Charge::of(desk.policies(), "payout", wish.amount.minor()) {
        Ok(charge) => Ok(Ok(Terms { customer, account, charge })),
        Err(_) => no(ErrorCode::AmountTooLarge),
    }
}

/// The amount into suspense, the fee to the bank, the tax to the state.
fn steps(
    desk: &Desk,
    uow: &mut Uow<'_, '_>,
    (from, amount): (AccountNo, Money),
    (charge, count): (&Charge, Count),
) -> Result<Vec<Step>, StoreError> {
    let currency = amount.currency();
    let parts = [(Own::PayoutSuspense, amount.minor()), (Own::FeeIncome, charge.fee), (Own::TaxPayable, charge.tax)];
    let mut steps = Vec::with_capacity(parts.len());
    for (own, amount) in parts {
        if amount > 0 {
            let credit = desk.chart().own(uow, own, currency)?;
            steps.push(Step::Post { debit: from, credit, amount, up_to: UpTo::default(), count });
        }
    }
    Ok(steps)
}

/// Starts a payout. Its outcome comes later; the view names the moment by which it is final or under investigation.
///
/// Refused with `forbidden`, `amount_not_positive`, `account_not_found`, `bank_account_not_found`, `amount_too_large`, then as the
/// ledger refuses the movement (`account_closed`, `account_frozen`, `insufficient_funds`, `limit_exceeded`).
///
/// # Errors
/// Trouble.
pub async fn start(bank: &Bank, wish: Wish, command: StartPayout) -> Result<Answer<PayoutView>, BankError> {
    let (desk, who, id) = (bank.desk(), wish.principal, bank.new_id::<kinds::Payout>());
    bank.once(wish, move |uow| {
        let terms = match terms(&desk, uow, who, &command)? {
            Ok(terms) => terms,
            Err(refusal) => return Ok(Outcome::Refused(refusal)),
        };
        let from = (terms.account.account, command.amount);
        let steps = steps(&desk, uow, from, (&terms.charge, Count::Use))?;
        let intent = Intent { kind: EntryKind::Payout, principal: who, channel: command.channel, cause: id.as_u128() };
        let entry = entries::draft(&desk, uow, intent, steps);
        if let Err(refusal) = uow.post(&entry)? {
            return Ok(Outcome::Refused(Refusal::of_ledger(&desk, uow, who, &refusal)?));
        }
        let payout = Payout {
            owner: terms.customer.as_u128(),
            source: terms.account.account,
            bank_account: command.bank_account,
            fee: terms.charge.fee,
            tax: terms.charge.tax,
            ..fresh(&desk, uow, id, command.amount)
        };
        Ok(Outcome::Done(commence(&desk, uow, &payout)?))
    })
    .await
}

/// Starts a payout to a merchant inside a unit of settlement's. The merchant's id is the owner of its events; a merchant's
/// payout costs no fee here, because settlement has taken its own.
///
/// Refused with `amount_not_positive`, `bank_account_not_found`, then as the ledger refuses the movement; nothing was written.
///
/// # Errors
/// When the database fails.
pub fn start_for_merchant(
    desk: &Desk,
    uow: &mut Uow<'_, '_>,
    command: &StartForMerchant,
) -> Result<Result<PayoutView, Refusal>, StoreError> {
    if command.amount.is_zero() {
        return Ok(Err(Refusal::of(ErrorCode::AmountNotPositive).at("amount")));
    }
    let owner = command.merchant.as_u128();
    if !bank_accounts::usable(uow.reading(), owner, command.bank_account)? {
        return Ok(Err(Refusal::of(ErrorCode::BankAccountNotFound).at("bank_account")));
    }
    let from = (command.from, command.amount);
    let steps = steps(desk, uow, from, (&Charge::default(), Count::No))?;
    let intent = Intent {
        kind: EntryKind::Payout,
        principal: Principal::System,
        channel: Channel::Job,
        cause: command.id.as_u128(),
    };
    let entry = entries::draft(desk, uow, intent, steps);
    if let Err(refusal) = uow.post(&entry)? {
        return Ok(Err(Refusal::of_ledger(desk, uow, Principal::Merchant(command.merchant), &refusal)?));
    }
    let payout = Payout {
        owner,
        merchant: true,
        source: command.from,
        bank_account: command.bank_account,
        cause: command.cause,
        ..fresh(desk, uow, command.id, command.amount)
    };
    Ok(Ok(commence(desk, uow, &payout)?))
}

/// A payout of which everything is set but whose it is.
pub(super) fn fresh(desk: &Desk, uow: &Uow<'_, '_>, id: Id<kinds::Payout>, amount: Money) -> Payout {
    let created = uow.now();
    let currency: Currency = amount.currency();
    Payout {
        id,
        owner: 0,
        merchant: false,
        source: AccountNo(0),
        bank_account: Id::from_u128(0),
        currency: currency.number(),
        amount: amount.minor(),
        fee: 0,
        tax: 0,
        paid: 0,
        state: PayoutState::Created,
        used_day: uow.moment().day,
        late: false,
        cause: 0,
        created,
        sent: None,
        deadline: created.plus_seconds(i64::from(desk.policies().payout_deadline_seconds)),
        next_date: None,
        ended: None,
        reason: String::new(),
    }
}

pub(super) fn commence(desk: &Desk, uow: &mut Uow<'_, '_>, payout: &Payout) -> Result<PayoutView, StoreError> {
    records::insert(uow, payout)?;
    uow.schedule(payout.created, JOB_INSTRUCT, payout.id.as_u128())?;
    uow.schedule(payout.deadline, JOB_DEADLINE, payout.id.as_u128())?;
    payout.emit(desk, uow);
    Ok(payout.view(desk))
}

/// What a payout would come to, without writing anything: fee, what is left of the limits, the balance after.
///
/// # Errors
/// Trouble.
pub async fn dry_run(
    bank: &Bank,
    who: Principal,
    command: StartPayout,
) -> Result<Result<Forecast, Refusal>, BankError> {
    let desk = bank.desk();
    forecast::without_trace(bank, move |uow| {
        let terms = match terms(&desk, uow, who, &command)? {
            Ok(terms) => terms,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let account = terms.account.account;
        let steps = steps(&desk, uow, (account, command.amount), (&terms.charge, Count::Use))?;
        let intent = Intent { kind: EntryKind::Payout, principal: who, channel: command.channel, cause: 0 };
        let fee = terms.charge.total();
        let total = command.amount.minor().saturating_add(fee);
        let of = forecast::Of { who, account, amount: command.amount, fee, total };
        forecast::of(&desk, uow, of, entries::draft(&desk, uow, intent, steps))
    })
    .await
}
