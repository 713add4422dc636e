//! Starting a top-up: the wish, the incoming hold and the jobs that hand it over and watch its deadline, in one unit.

use crate::bank::Bank;
use crate::bank_accounts;
use crate::charges::Charge;
use crate::chart::Own;
use crate::desk::Desk;
use crate::entries::{self, Channel, EntryKind, Intent};
use crate::error::BankError;
use crate::forecast::{self, Forecast};
use crate::refusal::Refusal;
use crate::topups::{JOB_DEADLINE, JOB_INSTRUCT, TopUp, TopUpState, TopUpView, records};
use crate::wallets::{self, WalletAccount};
use crate::wish::{Answer, Principal, Wish};
use ledger::{Count, Step, UpTo};
use money::Money;
use store::{Outcome, StoreError, Uow};
use vocabulary::{ErrorCode, Id, kinds};

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
    charge: Charge,
}

/// Refuses in this order: not a customer, amount, wallet, bank account, fee.
fn terms(
    desk: &Desk,
    uow: &Uow<'_, '_>,
    who: Principal,
    wish: &StartTopUp,
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
    match Charge::of(desk.policies(), "top_up", wish.amount.minor()) {
        Ok(charge) => Ok(Ok(Terms { customer, account, charge })),
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
    let (desk, who, id) = (bank.desk(), wish.principal, bank.new_id::<kinds::TopUp>());
    bank.once(wish, move |uow| {
        let terms = match terms(&desk, uow, who, &command)? {
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
        deadline: created.plus_seconds(i64::from(desk.policies().topup_deadline_seconds)),
        next_date: None,
        ended: None,
        reason: String::new(),
    }
}

/// What a top-up would come to, without writing anything: fee, what is left of the limits, the balance after.
///
/// # Errors
/// Trouble.
pub async fn dry_run(bank: &Bank, who: Principal, command: StartTopUp) -> Result<Result<Forecast, Refusal>, BankError> {
    let desk = bank.desk();
    forecast::without_trace(bank, move |uow| {
        let terms = match terms(&desk, uow, who, &command)? {
            Ok(terms) => terms,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let Step::Hold { debit, credit, amount, up_to, count, .. } = hold_step(&desk, uow, &command, &terms)? else {
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
        forecast::of(&desk, uow, of, entries::draft(&desk, uow, intent, steps))
    })
    .await
}
