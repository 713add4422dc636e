//! Sending: to a payee who is known, or to an alias that nobody holds yet.

use crate::bank::Bank;
use crate::charges::Charge;
use crate::chart::Own;
use crate::desk::Desk;
use crate::entries::{self, Channel, EntryKind, Intent};
use crate::error::BankError;
use crate::forecast::{self, Forecast};
use crate::refusal::Refusal;
use crate::transfers::give_back::JOB_RETURN;
use crate::transfers::look_up::{PayeeRef, Target, Wanted, check, resolve};
use crate::transfers::{Transfer, TransferState, TransferView, records};
use crate::wallets::{self, WalletAccount};
use crate::wish::{Answer, Principal, Wish};
use ledger::{AccountNo, Count, Step, UpTo};
use money::Money;
use store::{Outcome, StoreError, Uow};
use vocabulary::{ErrorCode, Id, kinds};

/// What a customer wishes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Send {
    /// From which wallet; its account in the amount's currency is debited.
    pub wallet: Id<kinds::Wallet>,
    /// To whom.
    pub payee: PayeeRef,
    /// What the look-up gave.
    pub confirmation: Option<String>,
    /// How much.
    pub amount: Money,
    /// Through which channel.
    pub channel: Channel,
}

/// Everything decided about it before the ledger is asked.
struct Terms {
    payer: WalletAccount,
    target: Target,
    /// The payee's account; the account for unclaimed money when nobody holds the alias.
    credit: AccountNo,
    charge: Charge,
}

impl Terms {
    /// What the payee gets.
    fn net(&self, amount: Money) -> i64 {
        if self.charge.on_top { amount.minor() } else { amount.minor() - self.charge.total() }
    }
}

/// Refuses in this order: not a customer, amount, wallet, payee's name, payee, payer is payee, confirmation, payee's currency,
/// fee.
fn terms(
    desk: &Desk,
    uow: &mut Uow<'_, '_>,
    who: Principal,
    (wish, wanted, confirmed): (&Send, Result<Wanted, ErrorCode>, bool),
) -> Result<Result<Terms, Refusal>, StoreError> {
    let no = |code: ErrorCode, field: &str| Ok(Err(Refusal::of(code).at(field)));
    let Principal::Customer(customer) = who else { return Ok(Err(Refusal::of(ErrorCode::Forbidden))) };
    let currency = wish.amount.currency();
    if wish.amount.is_zero() {
        return no(ErrorCode::AmountNotPositive, "amount");
    }
    let payer = wallets::account(uow.reading(), wish.wallet, currency)?;
    let Some(payer) = payer.filter(|payer| payer.customer == customer) else {
        return no(ErrorCode::AccountNotFound, "wallet");
    };
    let wanted = match wanted {
        Ok(wanted) => wanted,
        Err(code) => return no(code, "payee"),
    };
    let Some(target) = resolve(uow.reading(), wanted)? else { return no(ErrorCode::NotFound, "payee") };
    if matches!(target, Target::Wallet(_, payee) if payee == customer) {
        return no(ErrorCode::PayeeIsPayer, "payee");
    }
    if confirmed {
        let checked = check(desk, (customer, target), wish.confirmation.as_deref(), uow.now());
        if let Err(code) = checked {
            return no(code, "confirmation");
        }
    }
    let credit = match target {
        Target::Nobody(_) => desk.chart().own(uow, Own::Unclaimed, currency)?,
        Target::Wallet(wallet, _) => match wallets::account(uow.reading(), wallet, currency)? {
            Some(payee) => payee.account,
            None => return no(ErrorCode::CurrencyMismatch, "amount"),
        },
    };
    match Charge::of(desk.policies(), "transfer", wish.amount.minor()) {
        Ok(charge) => Ok(Ok(Terms { payer, target, credit, charge })),
        Err(_) => no(ErrorCode::AmountTooLarge, "amount"),
    }
}

fn steps(desk: &Desk, uow: &mut Uow<'_, '_>, wish: &Send, terms: &Terms) -> Result<Vec<Step>, StoreError> {
    let (currency, debit) = (wish.amount.currency(), terms.payer.account);
    let fees = desk.chart().own(uow, Own::FeeIncome, currency)?;
    let tax = desk.chart().own(uow, Own::TaxPayable, currency)?;
    let parts = [(terms.credit, terms.net(wish.amount)), (fees, terms.charge.fee), (tax, terms.charge.tax)];
    let parts = parts.into_iter().filter(|(_, amount)| *amount > 0);
    let step = |(credit, amount)| Step::Post { debit, credit, amount, up_to: UpTo::default(), count: Count::Use };
    Ok(parts.map(step).collect())
}

fn kind_of(target: Target) -> EntryKind {
    match target {
        Target::Wallet(..) => EntryKind::Transfer,
        Target::Nobody(_) => EntryKind::TransferUnclaimed,
    }
}

/// Sends money. To a payee who is known it is there at once; for an alias that nobody holds it waits.
///
/// Refused with `forbidden`, `amount_not_positive`, `account_not_found`, `alias_invalid`, `not_found`, `payee_is_payer`,
/// `confirmation_required`, `payee_changed`, `currency_mismatch` (the payee holds no account in it), `amount_too_large`, then as the
/// ledger refuses the movement (`account_closed`, `account_frozen`, `insufficient_funds`, `limit_exceeded`,
/// `balance_limit_exceeded`).
///
/// # Errors
/// Trouble.
pub async fn send(bank: &Bank, wish: Wish, command: Send) -> Result<Answer<TransferView>, BankError> {
    let (desk, who, id) = (bank.desk(), wish.principal, bank.new_id::<kinds::Transfer>());
    let wanted = command.payee.wanted(&desk);
    bank.once(wish, move |uow| {
        let terms = match terms(&desk, uow, who, (&command, wanted, true))? {
            Ok(terms) => terms,
            Err(refusal) => return Ok(Outcome::Refused(refusal)),
        };
        let steps = steps(&desk, uow, &command, &terms)?;
        let intent =
            Intent { kind: kind_of(terms.target), principal: who, channel: command.channel, cause: id.as_u128() };
        let entry = entries::draft(&desk, uow, intent, steps);
        if let Err(refusal) = uow.post(&entry)? {
            return Ok(Outcome::Refused(Refusal::of_ledger(&desk, uow, who, &refusal)?));
        }
        let transfer = row(&desk, uow, id, (&command, &terms));
        records::insert(uow, &transfer)?;
        if let Some(at) = transfer.returns_at {
            uow.schedule(at, JOB_RETURN, id.as_u128())?;
        }
        transfer.emit(&desk, uow);
        Ok(Outcome::Done(transfer.view(&desk)))
    })
    .await
}

fn row(desk: &Desk, uow: &Uow<'_, '_>, id: Id<kinds::Transfer>, (wish, terms): (&Send, &Terms)) -> Transfer {
    let created = uow.now();
    let (payee, payee_wallet, alias) = match terms.target {
        Target::Wallet(wallet, customer) => (Some(customer), Some(wallet), None),
        Target::Nobody(alias) => (None, None, Some(alias.to_vec())),
    };
    let waits = alias.is_some();
    let hours = i64::from(desk.policies().unclaimed_hours);
    Transfer {
        id,
        payer: terms.payer.customer,
        payer_account: terms.payer.account,
        payee,
        payee_wallet,
        alias,
        currency: wish.amount.currency().number(),
        amount: terms.net(wish.amount),
        fee: terms.charge.fee,
        tax: terms.charge.tax,
        state: if waits { TransferState::Waiting } else { TransferState::Completed },
        used_day: uow.moment().day,
        created,
        returns_at: waits.then(|| created.plus_seconds(hours * 3_600)),
        ended: (!waits).then_some(created),
    }
}

/// What a transfer would come to, without writing anything: fee, what is left of the limits, the balance after. It needs no
/// confirmation.
///
/// # Errors
/// Trouble.
pub async fn dry_run(bank: &Bank, who: Principal, command: Send) -> Result<Result<Forecast, Refusal>, BankError> {
    let desk = bank.desk();
    let wanted = command.payee.wanted(&desk);
    forecast::without_trace(bank, move |uow| {
        let terms = match terms(&desk, uow, who, (&command, wanted, false))? {
            Ok(terms) => terms,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let steps = steps(&desk, uow, &command, &terms)?;
        let intent = Intent { kind: kind_of(terms.target), principal: who, channel: command.channel, cause: 0 };
        let fee = terms.charge.total();
        let total = terms.net(command.amount).saturating_add(fee);
        let of = forecast::Of { who, account: terms.payer.account, amount: command.amount, fee, total };
        forecast::of(&desk, uow, of, entries::draft(&desk, uow, intent, steps))
    })
    .await
}
