//! Starting a payout: the wish, the money into suspense and the jobs, in one unit; and quoting one. The unit that starts a
//! payout with a quote ends the quote too: see [`crate::quotes`].

use crate::bank::Bank;
use crate::bank_accounts;
use crate::charges::Charge;
use crate::chart::Own;
use crate::confirmations::{Confirming, Payee, Wanted};
use crate::desk::Desk;
use crate::entries::{self, Channel, EntryKind, Intent};
use crate::error::BankError;
use crate::forecast::{self, Forecast};
use crate::payouts::{JOB_DEADLINE, JOB_INSTRUCT, Payout, PayoutState, PayoutView, records};
use crate::policies::{Bearer, Fee};
use crate::quotes::{self, Arrival, Asked, Made, Movement, QuoteView};
use crate::refusal::Refusal;
use crate::wallets::{self, WalletAccount};
use crate::wish::{Answer, Principal, Wish};
use ledger::{AccountNo, Count, Step, UpTo};
use money::{Currency, Money};
use store::{Outcome, StoreError, Uow};
use vocabulary::{ErrorCode, Id, Timestamp, kinds};

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
    fee: Option<Fee>,
    charge: Charge,
}

/// What a quote ties down of a payout.
fn asked(who: Principal, wish: &StartPayout) -> Asked {
    let (amount, currency) = (wish.amount.minor(), wish.amount.currency());
    let text = format!("{} to {} of {amount} {currency}", wish.wallet, wish.bank_account);
    Asked { who, movement: Movement::Payout, fingerprint: Wish::fingerprint_of(text.as_bytes()) }
}

/// Refuses in this order: not a customer, amount, wallet, bank account, quote, fee.
fn terms(
    desk: &Desk,
    uow: &Uow<'_, '_>,
    who: Principal,
    (wish, quote): (&StartPayout, Option<Id<kinds::Quote>>),
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
    let fee = match quotes::terms(desk, uow, quote, &asked(who, wish))? {
        Ok(fee) => fee,
        Err(refusal) => return Ok(Err(refusal)),
    };
    match Charge::of(fee.as_ref(), wish.amount.minor()) {
        Ok(charge) => Ok(Ok(Terms { customer, account, fee, charge })),
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
    start_quoted(bank, wish, command, None).await
}

/// As [`start`], under the terms of a quote. Refused before the fee is looked at with `not_found`, `quote_used`,
/// `quote_expired`, `quote_differs`.
///
/// # Errors
/// Trouble.
pub async fn start_quoted(
    bank: &Bank,
    wish: Wish,
    command: StartPayout,
    quote: Option<Id<kinds::Quote>>,
) -> Result<Answer<PayoutView>, BankError> {
    let (desk, who, id) = (bank.desk(), wish.principal, bank.new_id::<kinds::Payout>());
    let confirming = Confirming::of(bank);
    bank.once(wish, move |uow| {
        let terms = match terms(&desk, uow, who, (&command, quote))? {
            Ok(terms) => terms,
            Err(refusal) => return Ok(Outcome::Refused(refusal)),
        };
        let payer = (who, terms.account.wallet, terms.account.guarded);
        let payee = Payee::BankAccount(command.bank_account);
        let pass = match confirming.pass(&desk, uow, payer, (Wanted::Payout, payee, command.amount))? {
            Ok(pass) => pass,
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
        quotes::consume(uow, quote, id.as_u128())?;
        pass.done(uow)?;
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
        deadline: deadline(desk, created),
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

fn deadline(desk: &Desk, created: Timestamp) -> Timestamp {
    created.plus_seconds(i64::from(desk.policies().payout_deadline_seconds))
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
    forecast::without_trace(bank, move |uow| Ok(foresee(&desk, uow, who, &command)?.map(|(forecast, _)| forecast)))
        .await
}

/// As [`dry_run`], and promises its fee for a while.
///
/// # Errors
/// Trouble.
pub async fn quote(bank: &Bank, who: Principal, command: StartPayout) -> Result<Result<QuoteView, Refusal>, BankError> {
    let (desk, id) = (bank.desk(), bank.new_id());
    quotes::make(bank, who, move |uow| {
        let (forecast, terms) = match foresee(&desk, uow, who, &command)? {
            Ok(found) => found,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let made = Made {
            terms: terms.fee,
            forecast,
            fee: terms.charge.parts(),
            fee_bearer: Bearer::Payer,
            payee_receives: command.amount.minor(),
            arrival: Arrival::WhenTheBankConfirms,
            decided_by: Some(deadline(&desk, uow.now())),
        };
        quotes::promise(&desk, uow, id, (asked(who, &command), made)).map(Ok)
    })
    .await
}

fn foresee(
    desk: &Desk,
    uow: &mut Uow<'_, '_>,
    who: Principal,
    command: &StartPayout,
) -> Result<Result<(Forecast, Terms), Refusal>, StoreError> {
    let terms = match terms(desk, uow, who, (command, None))? {
        Ok(terms) => terms,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let account = terms.account.account;
    let steps = steps(desk, uow, (account, command.amount), (&terms.charge, Count::Use))?;
    let intent = Intent { kind: EntryKind::Payout, principal: who, channel: command.channel, cause: 0 };
    let fee = terms.charge.total();
    let total = command.amount.minor().saturating_add(fee);
    let of = forecast::Of { who, account, amount: command.amount, fee, total };
    let entry = entries::draft(desk, uow, intent, steps);
    Ok(forecast::of(desk, uow, of, entry)?.map(|forecast| (forecast, terms)))
}
