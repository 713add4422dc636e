//! Starting a top-up: the wish, the incoming hold and the jobs that hand it over and watch its deadline, in one unit; and
//! quoting one. The unit that starts a top-up with a quote ends the quote too: see [`crate::quotes`].

use crate::bank::Bank;
use crate::bank_accounts;
use crate::charges::Charge;
use crate::chart::Own;
use crate::desk::Desk;
use crate::entries::{self, Channel, EntryKind, Intent};
use crate::error::BankError;
use crate::forecast::{self, Forecast};
use crate::policies::{Bearer, Fee};
use crate::quotes::{self, Arrival, Asked, Made, Movement, QuoteView};
use crate::refusal::Refusal;
use crate::topups::{JOB_DEADLINE, JOB_INSTRUCT, TopUp, TopUpState, TopUpView, records};
use crate::wallets::{self, WalletAccount};
use crate::wish::{Answer, Principal, Wish};
use ledger::{Count, Step, UpTo};
use money::Money;
use store::{Outcome, StoreError, Uow};
use vocabulary::{ErrorCode, Id, Timestamp, kinds};

/// What a customer wishes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartTopUp {
    /// Into which wallet; the account in the amount's currency is credited.
    pub wallet: Id<kinds::Wallet>,
    /// From which linked bank account.
    pub bank_account: Id<kinds::BankAccount>,
    /// How much; the fee, if there is one, is taken from it when it is credited.
    pub amount: Money,
    /// Through which channel.
    pub channel: Channel,
}

/// Everything decided about it before the ledger is asked.
struct Terms {
    customer: Id<kinds::Customer>,
    account: WalletAccount,
    fee: Option<Fee>,
    charge: Charge,
}

/// What a quote ties down of a top-up.
fn asked(who: Principal, wish: &StartTopUp) -> Asked {
    let (amount, currency) = (wish.amount.minor(), wish.amount.currency());
    let text = format!("{} from {} of {amount} {currency}", wish.wallet, wish.bank_account);
    Asked { who, movement: Movement::TopUp, fingerprint: Wish::fingerprint_of(text.as_bytes()) }
}

/// Refuses in this order: not a customer, amount, wallet, bank account, quote, fee.
fn terms(
    desk: &Desk,
    uow: &Uow<'_, '_>,
    who: Principal,
    (wish, quote): (&StartTopUp, Option<Id<kinds::Quote>>),
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

fn hold_step(desk: &Desk, uow: &mut Uow<'_, '_>, wish: &StartTopUp, terms: &Terms) -> Result<Step, StoreError> {
    let nostro = desk.chart().own(uow, Own::Nostro, wish.amount.currency())?;
    let (credit, amount) = (terms.account.account, wish.amount.minor());
    Ok(Step::Hold { debit: nostro, credit, amount, up_to: UpTo::default(), seconds: None, count: Count::Use })
}

/// Starts a top-up. Its outcome comes later; the view names the moment by which it is final or under investigation.
///
/// Refused with `forbidden`, `amount_not_positive`, `account_not_found`, `bank_account_not_found`, `amount_too_large`, then as the
/// ledger refuses the incoming hold (`account_closed`, `account_frozen`, `limit_exceeded`, `balance_limit_exceeded`).
///
/// # Errors
/// Trouble.
pub async fn start(bank: &Bank, wish: Wish, command: StartTopUp) -> Result<Answer<TopUpView>, BankError> {
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
    command: StartTopUp,
    quote: Option<Id<kinds::Quote>>,
) -> Result<Answer<TopUpView>, BankError> {
    let (desk, who, id) = (bank.desk(), wish.principal, bank.new_id::<kinds::TopUp>());
    bank.once(wish, move |uow| {
        let terms = match terms(&desk, uow, who, (&command, quote))? {
            Ok(terms) => terms,
            Err(refusal) => return Ok(Outcome::Refused(refusal)),
        };
        let step = hold_step(&desk, uow, &command, &terms)?;
        let intent = Intent { kind: EntryKind::TopUp, principal: who, channel: command.channel, cause: id.as_u128() };
        let entry = entries::draft(&desk, uow, intent, vec![step]);
        if let Err(refusal) = uow.post(&entry)? {
            return Ok(Outcome::Refused(Refusal::of_ledger(&desk, uow, who, &refusal)?));
        }
        let top_up = row(&desk, uow, id, (&command, &terms, entry.id));
        records::insert(uow, &top_up)?;
        quotes::consume(uow, quote, id.as_u128())?;
        let now = uow.now();
        uow.schedule(now, JOB_INSTRUCT, id.as_u128())?;
        uow.schedule(top_up.deadline, JOB_DEADLINE, id.as_u128())?;
        top_up.emit(&desk, uow);
        Ok(Outcome::Done(top_up.view(&desk)))
    })
    .await
}

fn row(
    desk: &Desk,
    uow: &Uow<'_, '_>,
    id: Id<kinds::TopUp>,
    (command, terms, hold): (&StartTopUp, &Terms, u128),
) -> TopUp {
    let created = uow.now();
    TopUp {
        id,
        customer: terms.customer,
        wallet: command.wallet,
        account: terms.account.account,
        bank_account: command.bank_account,
        currency: command.amount.currency().number(),
        amount: command.amount.minor(),
        fee: terms.charge.fee,
        tax: terms.charge.tax,
        credited: 0,
        state: TopUpState::Created,
        hold,
        used_day: uow.moment().day,
        created,
        sent: None,
        deadline: deadline(desk, created),
        next_date: None,
        ended: None,
        reason: String::new(),
    }
}

fn deadline(desk: &Desk, created: Timestamp) -> Timestamp {
    created.plus_seconds(i64::from(desk.policies().topup_deadline_seconds))
}

/// What a top-up would come to, without writing anything: fee, what is left of the limits, the balance after.
///
/// # Errors
/// Trouble.
pub async fn dry_run(bank: &Bank, who: Principal, command: StartTopUp) -> Result<Result<Forecast, Refusal>, BankError> {
    let desk = bank.desk();
    forecast::without_trace(bank, move |uow| Ok(foresee(&desk, uow, who, &command)?.map(|(forecast, _)| forecast)))
        .await
}

/// As [`dry_run`], and promises its fee for a while.
///
/// # Errors
/// Trouble.
pub async fn quote(bank: &Bank, who: Principal, command: StartTopUp) -> Result<Result<QuoteView, Refusal>, BankError> {
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
            fee_bearer: Bearer::Payee,
            payee_receives: command.amount.minor().saturating_sub(terms.charge.total()),
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
    command: &StartTopUp,
) -> Result<Result<(Forecast, Terms), Refusal>, StoreError> {
    let terms = match terms(desk, uow, who, (command, None))? {
        Ok(terms) => terms,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let Step::Hold { debit, credit, amount, up_to, count, .. } = hold_step(desk, uow, command, &terms)? else {
        return Err(StoreError::Bug("a top-up starts with a hold".to_owned()));
    };
    // The forecast is of the movement itself: what the capture and the fee will leave.
    let mut steps = vec![Step::Post { debit, credit, amount, up_to, count }];
    let fees = desk.chart().own(uow, Own::FeeIncome, command.amount.currency())?;
    if terms.charge.total() > 0 {
        let (debit, amount) = (credit, terms.charge.total());
        steps.push(Step::Post { debit, credit: fees, amount, up_to, count: Count::No });
    }
    let intent = Intent { kind: EntryKind::TopUp, principal: who, channel: command.channel, cause: 0 };
    let fee = terms.charge.total();
    let of = forecast::Of { who, account: terms.account.account, amount: command.amount, fee, total: amount };
    let entry = entries::draft(desk, uow, intent, steps);
    Ok(forecast::of(desk, uow, of, entry)?.map(|forecast| (forecast, terms)))
}
