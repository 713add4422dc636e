//! What clients wish, and how a wish is acted on and heard.

use crate::crash::book::{Aim, Told};
use crate::simulate::world::{People, Person, at_once, yuan};
use bank::entries::Channel;
use bank::payments::{self, AuthorizeCommand, CaptureCommand, PayCommand, RefundCommand, Target};
use bank::payouts::{self, StartPayout};
use bank::topups::{self, StartTopUp};
use bank::transfers::{self, PayeeRef};
use bank::{Answer, Bank, BankError, Principal, Wish};
use money::Money;
use serde_json::{Value, json};
use store::StoreError;
use vocabulary::{Id, kinds};

/// What is asked for. Amounts are minor units.
#[derive(Clone, Debug)]
pub enum Ask {
    /// A payment at once.
    Pay {
        /// The payer.
        payer: Person,
        /// The shop.
        shop: Id<kinds::Merchant>,
        /// How much.
        amount: i64,
    },
    /// A payment by a hold.
    Hold {
        /// The payer.
        payer: Person,
        /// The shop.
        shop: Id<kinds::Merchant>,
        /// How much.
        amount: i64,
    },
    /// A capture of all that a payment holds.
    Capture {
        /// The shop.
        shop: Id<kinds::Merchant>,
        /// The payment.
        payment: Id<kinds::Payment>,
        /// How much.
        amount: i64,
    },
    /// The end of a hold.
    Void {
        /// The shop.
        shop: Id<kinds::Merchant>,
        /// The payment.
        payment: Id<kinds::Payment>,
    },
    /// A refund.
    Refund {
        /// The shop.
        shop: Id<kinds::Merchant>,
        /// The payment.
        payment: Id<kinds::Payment>,
        /// How much.
        amount: i64,
    },
    /// Money between people.
    Transfer {
        /// From.
        from: Person,
        /// To.
        to: Person,
        /// How much.
        amount: i64,
    },
    /// Money from a bank account.
    TopUp {
        /// Whose.
        person: Person,
        /// How much.
        amount: i64,
    },
    /// Money to a bank account.
    Payout {
        /// Whose.
        person: Person,
        /// How much.
        amount: i64,
    },
}

/// What a client heard.
#[derive(Clone, Debug, PartialEq)]
pub enum Heard {
    /// An answer.
    Answer(Told),
    /// That the key was used with another body.
    Reused,
    /// That the bank cannot now, or does not know; or nothing.
    Nothing(String),
    /// A mistake of the bank's.
    Broken(String),
}

impl Ask {
    /// What it is to bring about, as the book of wishes tells it.
    #[must_use]
    pub fn aim(&self) -> Aim {
        match self {
            Self::Pay { .. } => Aim::Pay,
            Self::Hold { .. } => Aim::Hold,
            Self::Capture { payment, amount, .. } => Aim::Capture { payment: payment.to_string(), amount: *amount },
            Self::Void { payment, .. } => Aim::Void { payment: payment.to_string() },
            Self::Refund { .. } => Aim::Refund,
            Self::Transfer { .. } => Aim::Transfer,
            Self::TopUp { .. } => Aim::TopUp,
            Self::Payout { .. } => Aim::Payout,
        }
    }

    /// The same wish with another body: one minor unit more, where there is an amount.
    #[must_use]
    pub fn changed(&self) -> Option<Self> {
        let mut other = self.clone();
        match &mut other {
            Self::Void { .. } => return None,
            Self::Pay { amount, .. }
            | Self::Hold { amount, .. }
            | Self::Capture { amount, .. }
            | Self::Refund { amount, .. }
            | Self::Transfer { amount, .. }
            | Self::TopUp { amount, .. }
            | Self::Payout { amount, .. } => *amount += 1,
        }
        Some(other)
    }

    /// A payment that a healed bank grants to somebody who has enough.
    #[must_use]
    pub fn small_payment(people: &People, payer: usize) -> Self {
        Self::Pay { payer: people.customers[payer], shop: people.shops[0], amount: 1 }
    }

    /// Sends it to the bank under a key.
    #[must_use]
    pub fn act(&self, bank: &Bank, key: &str) -> Heard {
        match self {
            Self::Pay { payer, shop, amount } => match pay(*payer, *shop, *amount, key) {
                Ok(command) => heard(at_once(payments::pay(bank, command))),
                Err(error) => Heard::Broken(error),
            },
            Self::Hold { payer, shop, amount } => match pay(*payer, *shop, *amount, key) {
                Ok(pay) => heard(at_once(payments::authorize(bank, AuthorizeCommand { pay, seconds: Some(86_400) }))),
                Err(error) => Heard::Broken(error),
            },
            Self::Capture { shop, payment, amount } => {
                let (principal, key, amount) = (Principal::Merchant(*shop), Some(key.to_owned()), Some(*amount));
                let channel = Channel::Api;
                let command = CaptureCommand { principal, key, channel, payment: *payment, amount, last: true };
                heard(at_once(payments::capture(bank, command)))
            }
            Self::Void { shop, payment } => {
                let who = (Principal::Merchant(*shop), Channel::Api);
                heard(at_once(payments::void(bank, who, Some(key.to_owned()), *payment)))
            }
            Self::Refund { shop, payment, amount } => {
                let command = RefundCommand {
                    principal: Principal::Merchant(*shop),
                    key: Some(key.to_owned()),
                    channel: Channel::Api,
                    payment: *payment,
                    amount: Some(*amount),
                    reference: Some(key.to_owned()),
                    reason: None,
                    wait: false,
                };
                heard(at_once(payments::refund(bank, command)))
            }
            Self::Transfer { from, to, amount } => transfer(bank, (*from, *to), *amount, key),
            Self::TopUp { person, amount } => start(bank, *person, (*amount, true), key),
            Self::Payout { person, amount } => start(bank, *person, (*amount, false), key),
        }
    }
}

fn cash(amount: i64) -> Result<Money, String> {
    Money::new(amount, yuan()).map_err(|error| error.to_string())
}

fn pay(payer: Person, shop: Id<kinds::Merchant>, amount: i64, key: &str) -> Result<PayCommand, String> {
    Ok(PayCommand {
        principal: Principal::Customer(payer.id),
        key: Some(key.to_owned()),
        channel: Channel::Api,
        wallet: payer.wallet,
        target: Target::Merchant(shop, None),
        amount: Some(cash(amount)?),
        reference: Some(key.to_owned()),
        description: None,
        quote: None,
    })
}

/// Looks the payee up, then sends: two requests, between which anything may happen.
fn transfer(bank: &Bank, (from, to): (Person, Person), amount: i64, key: &str) -> Heard {
    let payee = PayeeRef::Wallet(to.wallet);
    let found = match at_once(transfers::look_up(bank, from.id, &payee)) {
        Ok(Ok(found)) => found,
        Ok(Err(refusal)) => return Heard::Nothing(format!("the payee was not found: {}", refusal.code.as_str())),
        Err(error) => return trouble(&error),
    };
    let amount = match cash(amount) {
        Ok(amount) => amount,
        Err(error) => return Heard::Broken(error),
    };
    let body = format!("{} {} {}", from.wallet, to.wallet, amount.minor());
    let wish = Wish::new(Principal::Customer(from.id), "transfers.create", key, body.as_bytes());
    let (wallet, confirmation, channel) = (from.wallet, Some(found.confirmation), Channel::Api);
    heard(at_once(transfers::send(bank, wish, transfers::Send { wallet, payee, confirmation, amount, channel })))
}

fn start(bank: &Bank, person: Person, (amount, incoming): (i64, bool), key: &str) -> Heard {
    let amount = match cash(amount) {
        Ok(amount) => amount,
        Err(error) => return Heard::Broken(error),
    };
    let (who, body) = (Principal::Customer(person.id), format!("{} {}", person.bank_account, amount.minor()));
    let Person { wallet, bank_account, .. } = person;
    let channel = Channel::Api;
    if incoming {
        let wish = Wish::new(who, "top_ups.create", key, body.as_bytes());
        heard(at_once(topups::start(bank, wish, StartTopUp { wallet, bank_account, amount, channel })))
    } else {
        let wish = Wish::new(who, "payouts.create", key, body.as_bytes());
        heard(at_once(payouts::start(bank, wish, StartPayout { wallet, bank_account, amount, channel })))
    }
}

fn heard<T: serde::Serialize>(answer: Result<Answer<T>, BankError>) -> Heard {
    match answer {
        Ok(Answer { result: Ok(view), .. }) => match serde_json::to_value(view) {
            Ok(view) => Heard::Answer(Told::Done(view)),
            Err(error) => Heard::Broken(error.to_string()),
        },
        Ok(Answer { result: Err(refusal), .. }) => {
            Heard::Answer(Told::Refused(json!({"code": refusal.code.as_str(), "detail": refusal.detail})))
        }
        Err(error) => trouble(&error),
    }
}

/// What trouble means to a client: what a 503 says counts for nothing; a 500 is a mistake.
#[must_use]
pub fn trouble(error: &BankError) -> Heard {
    match error {
        BankError::KeyReused => Heard::Reused,
        BankError::Store(
            StoreError::Corrupt { .. } | StoreError::Bug(_) | StoreError::Contended | StoreError::TooLong,
        )
        | BankError::TooMany { .. }
        | BankError::Vault(_)
        | BankError::Unsealed(_)
        | BankError::Bug(_) => Heard::Broken(format!("{error}: {error:?}")),
        BankError::Store(_) | BankError::Outside(_) => Heard::Nothing(error.code().as_str().to_owned()),
    }
}

/// The id of what an answer made.
#[must_use]
pub fn made<K: vocabulary::Kind>(told: &Told) -> Option<Id<K>> {
    let Told::Done(view) = told else { return None };
    Id::parse(view.get("id").and_then(Value::as_str)?).ok()
}
