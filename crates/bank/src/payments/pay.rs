//! Pay at once: the payer's account to the merchant's, with fee and tax, in one entry.
//!
//! The hot path. Who pays whom under which terms is known before the unit (see [`super::Prepared`]); in the unit, with no
//! order, reference or quote given, nothing is read but the writer's memory, and one row is written.
//!
//! Races closed: two payers of one order, two uses of one reference, one wallet spent twice — each is decided on the state
//! that the unit itself changes. A retry after a lost answer finds the recorded answer under its key.

use super::parties::{self, Prepared, Target};
use super::plan::plan_pay;
use super::posting::{self, Decided};
use super::records;
use super::{Method, Payment, PaymentState, PaymentView};
use crate::confirmations::{self, Confirming, Pass, Wanted};
use crate::entries::{Channel, EntryKind, Intent};
use crate::orders::{self, OrderState};
use crate::quotes::{self, Asked, Movement};
use crate::references::{self, Named};
use crate::{Answer, Bank, BankError, Desk, Principal, Refusal, Wish};
use money::Money;
use store::{Outcome, StoreError, Uow};
use vocabulary::{ErrorCode, Id, kinds};

/// A wish to pay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PayCommand {
    /// Who asks: the wallet's customer, or staff.
    pub principal: Principal,
    /// The idempotency key.
    pub key: Option<String>,
    /// Through which channel.
    pub channel: Channel,
    /// The payer's wallet.
    pub wallet: Id<kinds::Wallet>,
    /// Who is paid, and for what.
    pub target: Target,
    /// How much; an order knows its own amount.
    pub amount: Option<Money>,
    /// A reference, unique for ever for the merchant's payments.
    pub reference: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// The quote that the payer accepted.
    pub quote: Option<Id<kinds::Quote>>,
}

/// At once, or by a hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// At once.
    AtOnce,
    /// By a hold of so many seconds; as long as the policy says when not given.
    Hold {
        /// Seconds.
        seconds: Option<u32>,
    },
}

impl How {
    const fn method(self) -> Method {
        match self {
            Self::AtOnce => Method::Immediate,
            Self::Hold { .. } => Method::Hold,
        }
    }
}

impl PayCommand {
    /// Everything asked for, as bytes: equal for equal wishes. `quoted` leaves out the quote's id, to compare with it.
    #[must_use]
    pub(crate) fn body(&self, quoted: bool) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(128);
        bytes.extend(self.wallet.to_bytes());
        self.target.write(&mut bytes);
        if let Some(amount) = self.amount {
            bytes.extend(amount.minor().to_be_bytes());
            bytes.extend(amount.currency().number().to_be_bytes());
        }
        for text in [&self.reference, &self.description] {
            let text = text.as_deref().unwrap_or("\0");
            bytes.extend((text.len() as u64).to_be_bytes());
            bytes.extend(text.as_bytes());
        }
        if let Some(quote) = self.quote.filter(|_| !quoted) {
            bytes.extend(quote.to_bytes());
        }
        bytes
    }

    /// What a quote ties down of it.
    pub(crate) fn asked(&self, how: How) -> Asked {
        let mut body = self.body(true);
        let movement = match how {
            How::AtOnce => Movement::Payment,
            How::Hold { seconds } => {
                body.extend(seconds.map(u32::to_be_bytes).into_iter().flatten());
                Movement::Hold
            }
        };
        Asked { who: self.principal, movement, fingerprint: Wish::fingerprint_of(&body) }
    }

    pub(crate) fn wish(&self, operation: &'static str) -> Wish {
        match &self.key {
            Some(key) => Wish::new(self.principal, operation, key, &self.body(false)),
            None => Wish::internal(self.principal, operation),
        }
    }
}

/// Pays at once.
///
/// # Errors
/// Trouble; a business "no" is in the answer.
pub async fn pay(bank: &Bank, command: PayCommand) -> Result<Answer<PaymentView>, BankError> {
    let wish = command.wish("payments.pay");
    let prepared = parties::prepare(bank, &command).await?;
    bank.once(wish, unit(bank, command, prepared)).await
}

/// As [`pay`], for threads outside the async runtime.
///
/// # Errors
/// As [`pay`].
pub fn pay_blocking(bank: &Bank, command: PayCommand) -> Result<Answer<PaymentView>, BankError> {
    let wish = command.wish("payments.pay");
    let prepared = parties::prepare_blocking(bank, &command)?;
    bank.once_blocking(&wish, unit(bank, command, prepared))
}

/// What a payment's unit of work comes to.
pub(super) type Unit = Result<Outcome<PaymentView, Refusal>, StoreError>;

pub(super) fn unit(
    bank: &Bank,
    command: PayCommand,
    prepared: Result<Prepared, Refusal>,
) -> impl FnMut(&mut Uow<'_, '_>) -> Unit + Send + 'static {
    let (desk, id, confirming) = (bank.desk(), bank.new_id(), Confirming::of(bank));
    move |uow| {
        let prepared = match &prepared {
            Ok(prepared) => prepared,
            Err(refusal) => return Ok(Outcome::Refused(refusal.clone())),
        };
        Ok(match act(&desk, uow, &command, (prepared, id, confirming))? {
            Ok(view) => Outcome::Done(view),
            Err(refusal) => Outcome::Refused(refusal),
        })
    }
}

fn act(
    desk: &Desk,
    uow: &mut Uow<'_, '_>,
    command: &PayCommand,
    (prepared, id, confirming): (&Prepared, Id<kinds::Payment>, Confirming),
) -> Decided<PaymentView> {
    let prepared = match check(uow, command, (prepared, How::AtOnce))? {
        Checked::Go(prepared) => prepared,
        Checked::Before(payment) => return Ok(Ok(payment.view(desk.currencies()))),
        Checked::No(refusal) => return Ok(Err(refusal)),
    };
    let till = posting::till(desk, uow, prepared.currency)?;
    let pass = match confirmed(desk, uow, (command, confirming), (&prepared, Wanted::Payment))? {
        Ok(pass) => pass,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let Ok(plan) = plan_pay(&prepared, till) else { return Ok(Err(posting::too_large())) };
    let intent = intent_of(command, EntryKind::Payment, id);
    let (_, posted) = match posting::post(desk, uow, intent, plan.steps)? {
        Ok(posted) => posted,
        Err(refusal) => return Ok(Err(refusal)),
    };

    // After this point it must succeed.
    let payment = Payment {
        state: PaymentState::Succeeded,
        captured: prepared.amount,
        charged: plan.fee,
        ..fresh(uow, command, (&prepared, id), (Method::Immediate, posted.entry))
    };
    write(uow, &payment, OrderState::Paid)?;
    pass.done(uow)?;
    quotes::consume(uow, command.quote, id.as_u128())?;
    posting::tell(uow, "payment.succeeded", &payment, prepared.currency, "");
    let mut view = payment.view(desk.currencies());
    let from = prepared.payer.account;
    view.payer_balance = uow.account(from)?.map(|account| account.posted());
    Ok(Ok(view))
}

/// Whether the payer has confirmed it, or need not.
pub(super) fn confirmed(
    desk: &Desk,
    uow: &mut Uow<'_, '_>,
    (command, confirming): (&PayCommand, Confirming),
    (prepared, wanted): (&Prepared, Wanted),
) -> Decided<Pass> {
    let Ok(amount) = Money::new(prepared.amount, prepared.currency) else { return Ok(Err(posting::too_large())) };
    let payer = (command.principal, prepared.payer.wallet, prepared.payer.guarded);
    confirming.pass(desk, uow, payer, (wanted, confirmations::Payee::Merchant(prepared.payee.merchant), amount))
}

/// What the look at order, reference and quote came to.
pub(crate) enum Checked {
    /// Go on, with the quoted fee if there is a quote.
    Go(Prepared),
    /// The reference named this very payment before: it is the answer.
    Before(Payment),
    /// No.
    No(Refusal),
}

/// Looks at reference, order and quote, where they are given. The quote is consumed by whoever then pays.
pub(crate) fn check(
    uow: &mut Uow<'_, '_>,
    command: &PayCommand,
    (prepared, how): (&Prepared, How),
) -> Result<Checked, StoreError> {
    let mut prepared = prepared.clone();
    if let Some(reference) = &command.reference
        && let Some(found) = references::find(uow.reading(), prepared.payee.merchant, Named::Payment, reference)?
    {
        let before = records::by_id(uow.reading(), Id::from_u128(found))?;
        return Ok(match before.filter(|before| same(before, &prepared, how.method())) {
            Some(before) => Checked::Before(before),
            None => Checked::No(Refusal::of(ErrorCode::ReferenceReused).at("reference")),
        });
    }
    if let Some(order) = prepared.order {
        let Some(order) = orders::by_id(uow.reading(), order)? else {
            return Ok(Checked::No(Refusal::of(ErrorCode::NotFound)));
        };
        let asked = (prepared.amount, prepared.currency.number());
        if let Err(no) = orders::payable(&order, asked, uow.now()) {
            return Ok(Checked::No(Refusal::new(no.code(), no.sentence())));
        }
    }
    if let Some(quote) = command.quote {
        match quotes::redeem(uow, quote, &command.asked(how))? {
            Ok(Some(fee)) => prepared.fee = fee,
            Ok(None) => return Err(StoreError::Corrupt { table: "quote", finding: "a payment without terms" }),
            Err(refusal) => return Ok(Checked::No(refusal)),
        }
    }
    Ok(Checked::Go(prepared))
}

fn same(before: &Payment, prepared: &Prepared, method: Method) -> bool {
    before.wallet == prepared.payer.wallet
        && before.amount == prepared.amount
        && before.currency == prepared.currency.number()
        && before.order == prepared.order
        && before.store == prepared.payee.store
        && before.method == method
}

pub(super) fn intent_of(command: &PayCommand, kind: EntryKind, id: Id<kinds::Payment>) -> Intent {
    Intent { kind, principal: command.principal, channel: command.channel, cause: id.as_u128() }
}

/// A payment as it begins.
pub(super) fn fresh(
    uow: &Uow<'_, '_>,
    command: &PayCommand,
    (prepared, id): (&Prepared, Id<kinds::Payment>),
    (method, entry): (Method, u64),
) -> Payment {
    Payment {
        id,
        state: PaymentState::Held,
        method,
        merchant: prepared.payee.merchant,
        store: prepared.payee.store,
        payer: prepared.payer.customer,
        wallet: prepared.payer.wallet,
        from: prepared.payer.account,
        to: prepared.payee.account,
        reserve: prepared.payee.reserve,
        currency: prepared.currency.number(),
        amount: prepared.amount,
        captured: 0,
        refunded: 0,
        waiting: 0,
        disputed: 0,
        charged_back: 0,
        refunds: 0,
        charged: crate::fees::FeeParts::default(),
        given_back: crate::fees::FeeParts::default(),
        bearer: prepared.fee.bearer,
        refundable: prepared.fee.refundable,
        rounding: prepared.fee.rounding,
        order: prepared.order,
        reference: command.reference.clone(),
        description: command.description.clone(),
        entry,
        day: uow.moment().day,
        created: uow.now(),
    }
}

/// Writes the payment's row, claims its reference and moves its order.
pub(super) fn write(uow: &mut Uow<'_, '_>, payment: &Payment, order: OrderState) -> Result<(), StoreError> {
    records::insert(uow, payment)?;
    if let Some(reference) = &payment.reference {
        references::claim(uow, payment.merchant, (Named::Payment, reference), payment.id.as_u128())?;
    }
    if let Some(id) = payment.order {
        orders::set_state(uow, id, order, Some(payment.id))?;
    }
    Ok(())
}
