//! Sending: to a payee who is known, or to an alias that nobody holds yet; and quoting it.
//!
//! A quote ties down the payee who was meant when it was made: should the alias change hands until it is redeemed, the
//! confirmation refuses, and the quote would too. The unit that sends with a quote ends the quote: see [`crate::quotes`].

use crate::bank::Bank;
use crate::charges::Charge;
use crate::chart::Own;
use crate::confirmations::{self, Confirming, Payee};
use crate::desk::Desk;
use crate::entries::{self, Channel, EntryKind, Intent};
use crate::error::BankError;
use crate::forecast::{self, Forecast};
use crate::policies::Fee;
use crate::quotes::{self, Arrival, Asked, Made, Movement, QuoteView};
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
    fee: Option<Fee>,
    charge: Charge,
}

/// A wish to send, its payee's name read, and what comes with it.
struct Sending<'a> {
    wish: &'a Send,
    wanted: Result<Wanted, ErrorCode>,
    /// Whether a confirmation is needed: not for a forecast.
    confirmed: bool,
    quote: Option<Id<kinds::Quote>>,
}

/// What a quote ties down of a transfer.
fn asked(who: Principal, wish: &Send, target: Target) -> Asked {
    let payee = match target {
        Target::Wallet(wallet, customer) => format!("{wallet} of {customer}"),
        Target::Nobody(alias) => format!("nobody at {alias:?}"),
    };
    let text = format!("{} to {payee} of {} {}", wish.wallet, wish.amount.minor(), wish.amount.currency());
    Asked { who, movement: Movement::Transfer, fingerprint: Wish::fingerprint_of(text.as_bytes()) }
}

impl Terms {
    /// What the payee gets.
    fn net(&self, amount: Money) -> i64 {
        if self.charge.on_top { amount.minor() } else { amount.minor() - self.charge.total() }
    }
}

/// Refuses in this order: not a customer, amount, wallet, payee's name, payee, payer is payee, confirmation, payee's currency,
/// quote, fee.
fn terms(
    desk: &Desk,
    uow: &mut Uow<'_, '_>,
    who: Principal,
    sending: Sending<'_>,
) -> Result<Result<Terms, Refusal>, StoreError> {
    let no = |code: ErrorCode, field: &str| Ok(Err(Refusal::of(code).at(field)));
    let Sending { wish, wanted, confirmed, quote } = sending;
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
    let fee = match quotes::terms(desk, uow, quote, &asked(who, wish, target))? {
        Ok(fee) => fee,
        Err(refusal) => return Ok(Err(refusal)),
    };
    match Charge::of(fee.as_ref(), wish.amount.minor()) {
        Ok(charge) => Ok(Ok(Terms { payer, target, credit, fee, charge })),
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
    send_quoted(bank, wish, command, None).await
}

/// As [`send`], under the terms of a quote. Refused before the fee is looked at with `not_found`, `quote_used`,
/// `quote_expired`, `quote_differs`.
///
/// # Errors
/// Trouble.
pub async fn send_quoted(
    bank: &Bank,
    wish: Wish,
    command: Send,
    quote: Option<Id<kinds::Quote>>,
) -> Result<Answer<TransferView>, BankError> {
    let (desk, who, id) = (bank.desk(), wish.principal, bank.new_id::<kinds::Transfer>());
    let (wanted, confirming) = (command.payee.wanted(&desk), Confirming::of(bank));
    bank.once(wish, move |uow| {
        let sending = Sending { wish: &command, wanted, confirmed: true, quote };
        let terms = match terms(&desk, uow, who, sending)? {
            Ok(terms) => terms,
            Err(refusal) => return Ok(Outcome::Refused(refusal)),
        };
        let payer = (who, terms.payer.wallet, terms.payer.guarded);
        let payee = match terms.target {
            Target::Wallet(_, customer) => Payee::Person(customer),
            Target::Nobody(alias) => Payee::Nobody(alias),
        };
        let pass = match confirming.pass(&desk, uow, payer, (confirmations::Wanted::Transfer, payee, command.amount))? {
            Ok(pass) => pass,
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
        pass.done(uow)?;
        quotes::consume(uow, quote, id.as_u128())?;
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
        Ok(foresee(&desk, uow, who, (&command, wanted))?.map(|(forecast, _)| forecast))
    })
    .await
}

/// As [`dry_run`], and promises its fee for a while.
///
/// # Errors
/// Trouble.
pub async fn quote(bank: &Bank, who: Principal, command: Send) -> Result<Result<QuoteView, Refusal>, BankError> {
    let (desk, id) = (bank.desk(), bank.new_id());
    let wanted = command.payee.wanted(&desk);
    quotes::make(bank, who, move |uow| {
        let (forecast, terms) = match foresee(&desk, uow, who, (&command, wanted))? {
            Ok(found) => found,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let made = Made {
            terms: terms.fee,
            forecast,
            fee: terms.charge.parts(),
            fee_bearer: terms.charge.bearer(),
            payee_receives: terms.net(command.amount),
            arrival: match terms.target {
                Target::Wallet(..) => Arrival::AtOnce,
                Target::Nobody(_) => Arrival::WhenClaimed,
            },
            decided_by: None,
        };
        quotes::promise(&desk, uow, id, (asked(who, &command, terms.target), made)).map(Ok)
    })
    .await
}

fn foresee(
    desk: &Desk,
    uow: &mut Uow<'_, '_>,
    who: Principal,
    (command, wanted): (&Send, Result<Wanted, ErrorCode>),
) -> Result<Result<(Forecast, Terms), Refusal>, StoreError> {
    let terms = match terms(desk, uow, who, Sending { wish: command, wanted, confirmed: false, quote: None })? {
        Ok(terms) => terms,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let steps = steps(desk, uow, command, &terms)?;
    let intent = Intent { kind: kind_of(terms.target), principal: who, channel: command.channel, cause: 0 };
    // What the payee bears is no cost of the payer, who asks.
    let fee = if terms.charge.on_top { terms.charge.total() } else { 0 };
    let total = terms.net(command.amount).saturating_add(terms.charge.total());
    let of = forecast::Of { who, account: terms.payer.account, amount: command.amount, fee, total };
    let entry = entries::draft(desk, uow, intent, steps);
    Ok(forecast::of(desk, uow, of, entry)?.map(|forecast| (forecast, terms)))
}
