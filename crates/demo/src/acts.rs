//! What people and shops do: each act is one use case of the bank. A refusal is part of life and only counted.

use crate::DemoError;
use crate::dice::Dice;
use crate::world::{Person, Shop, World};
use bank::entries::Channel;
use bank::orders::{self, CreateOrder};
use bank::payments::{self, AuthorizeCommand, CaptureCommand, PayCommand, PaymentView, RefundCommand, Target};
use bank::payouts::{self, StartPayout};
use bank::topups::{self, StartTopUp};
use bank::transfers::{self, PayeeRef, Send};
use bank::{Answer, Bank, Principal, Wish};
use money::Money;
use vocabulary::{Id, kinds};

/// How much was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Acts that were done.
    pub done: u64,
    /// Acts that the bank refused, such as for lack of money.
    pub refused: u64,
}

/// A payment that may be refunded or captured later.
#[derive(Clone, Copy)]
struct Recent {
    payment: Id<kinds::Payment>,
    merchant: Id<kinds::Merchant>,
    amount: i64,
}

/// The demo's people and shops, acting.
pub struct Stage<'a> {
    bank: &'a Bank,
    world: &'a World,
    dice: Dice,
    run: String,
    acts: u64,
    paid: Vec<Recent>,
    held: Vec<Recent>,
    /// What was done so far.
    pub tally: Tally,
}

/// How many recent payments are remembered.
const REMEMBERED: usize = 200;

impl<'a> Stage<'a> {
    /// A stage; `run` keeps the keys of two runs on one bank apart.
    #[must_use]
    pub fn new(bank: &'a Bank, world: &'a World, seed: u64, run: &str) -> Self {
        let (paid, held) = (Vec::new(), Vec::new());
        let tally = Tally::default();
        Self { bank, world, dice: Dice::new(seed), run: run.to_owned(), acts: 0, paid, held, tally }
    }

    fn key(&mut self) -> String {
        self.acts += 1;
        format!("demo-{}-{}", self.run, self.acts)
    }

    /// The dice of this stage.
    pub fn dice(&mut self) -> &mut Dice {
        &mut self.dice
    }

    fn person(&mut self) -> Result<&'a Person, DemoError> {
        self.dice.one(&self.world.people).ok_or(DemoError::Empty)
    }

    fn shop(&mut self) -> Result<&'a Shop, DemoError> {
        self.dice.one(&self.world.shops).ok_or(DemoError::Empty)
    }

    fn money(&self, minor: i64) -> Result<Money, DemoError> {
        Money::new(minor, self.world.currency).map_err(|_| DemoError::Empty)
    }

    fn count<T>(&mut self, answer: Answer<T>) -> Option<T> {
        match answer.result {
            Ok(value) => {
                self.tally.done += 1;
                Some(value)
            }
            Err(refusal) => {
                tracing::debug!(code = refusal.code.as_str(), "the bank refused an act of the demo");
                self.tally.refused += 1;
                None
            }
        }
    }

    /// Everybody puts money into the wallet for the first time.
    ///
    /// # Errors
    /// When the bank has trouble.
    pub async fn everybody_tops_up(&mut self) -> Result<(), DemoError> {
        for person in &self.world.people {
            let minor = self.dice.between(30, 80) * 10_000;
            self.top_up_of(person, minor).await?;
        }
        Ok(())
    }

    /// The first person, whose session is handed out, puts in so much that she can pay for a while.
    ///
    /// # Errors
    /// When the bank has trouble.
    pub async fn first_tops_up(&mut self) -> Result<(), DemoError> {
        let first = self.world.people.first().ok_or(DemoError::Empty)?;
        self.top_up_of(first, 5_000_000).await
    }

    /// Somebody puts money into the wallet.
    ///
    /// # Errors
    /// When the bank has trouble.
    pub async fn top_up(&mut self) -> Result<(), DemoError> {
        let (person, minor) = (self.person()?, self.dice.between(5, 30) * 10_000);
        self.top_up_of(person, minor).await
    }

    async fn top_up_of(&mut self, person: &Person, minor: i64) -> Result<(), DemoError> {
        let amount = self.money(minor)?;
        let command =
            StartTopUp { wallet: person.wallet, bank_account: person.bank_account, amount, channel: Channel::Demo };
        let wish = self.wish(person, "top_ups.create");
        let answer = topups::start(self.bank, wish, command).await?;
        self.count(answer);
        Ok(())
    }

    fn wish(&mut self, person: &Person, operation: &'static str) -> Wish {
        let key = self.key();
        Wish::new(Principal::Customer(person.customer), operation, &key, key.as_bytes())
    }

    /// Somebody sends money to the bank account outside.
    ///
    /// # Errors
    /// When the bank has trouble.
    pub async fn pay_out(&mut self) -> Result<(), DemoError> {
        let person = self.person()?;
        let minor = self.dice.between(2, 10) * 5_000;
        let amount = self.money(minor)?;
        let command =
            StartPayout { wallet: person.wallet, bank_account: person.bank_account, amount, channel: Channel::Demo };
        let wish = self.wish(person, "payouts.create");
        let answer = payouts::start(self.bank, wish, command).await?;
        self.count(answer);
        Ok(())
    }

    /// Somebody looks somebody else up and sends money.
    ///
    /// # Errors
    /// When the bank has trouble.
    pub async fn send(&mut self) -> Result<(), DemoError> {
        let (from, to) = (self.person()?, self.person()?);
        if from.customer == to.customer {
            return Ok(());
        }
        let payee = PayeeRef::Alias(to.phone.to_owned());
        let Ok(seen) = transfers::look_up(self.bank, from.customer, &payee).await? else {
            self.tally.refused += 1;
            return Ok(());
        };
        let minor = self.dice.between(1, 300) * 100;
        let amount = self.money(minor)?;
        let confirmation = Some(seen.confirmation);
        let command = Send { wallet: from.wallet, payee, confirmation, amount, channel: Channel::Demo };
        let wish = self.wish(from, "transfers.create");
        let answer = transfers::send(self.bank, wish, command).await?;
        self.count(answer);
        Ok(())
    }

    fn command(&mut self, person: &Person, target: Target, amount: Option<Money>) -> PayCommand {
        PayCommand {
            principal: Principal::Customer(person.customer),
            key: Some(self.key()),
            channel: Channel::Demo,
            wallet: person.wallet,
            target,
            amount,
            reference: None,
            description: None,
            quote: None,
        }
    }

    /// Somebody pays a shop; one that sets money aside first does so.
    ///
    /// # Errors
    /// When the bank has trouble.
    pub async fn pay(&mut self) -> Result<(), DemoError> {
        let (person, shop) = (self.person()?, self.shop()?);
        let (low, high) = shop.trade.prices;
        let minor = self.dice.between(low, high);
        let amount = self.money(minor)?;
        let pay = self.command(person, Target::Merchant(shop.merchant, None), Some(amount));
        if shop.trade.holds {
            let answer = payments::authorize(self.bank, AuthorizeCommand { pay, seconds: None }).await?;
            let held = self.count(answer);
            remember(&mut self.held, held);
        } else {
            let answer = payments::pay(self.bank, pay).await?;
            let paid = self.count(answer);
            remember(&mut self.paid, paid);
        }
        Ok(())
    }

    /// A shop makes an order, and somebody pays it.
    ///
    /// # Errors
    /// When the bank has trouble.
    pub async fn order(&mut self) -> Result<(), DemoError> {
        let (person, shop) = (self.person()?, self.shop()?);
        let (low, high) = shop.trade.prices;
        let minor = self.dice.between(low, high);
        let key = self.key();
        let create = CreateOrder {
            principal: Principal::Merchant(shop.merchant),
            key: Some(key.clone()),
            merchant: shop.merchant,
            store: shop.store,
            amount: self.money(minor)?,
            reference: key,
            description: Some("Table 7".to_owned()),
            seconds: None,
        };
        let answer = orders::create(self.bank, create).await?;
        let Some(order) = self.count(answer) else { return Ok(()) };
        // Now and then nobody pays, and the order expires.
        if self.dice.once_in(8) {
            return Ok(());
        }
        let pay = self.command(person, Target::Order(order.id), None);
        let answer = payments::pay(self.bank, pay).await?;
        let paid = self.count(answer);
        remember(&mut self.paid, paid);
        Ok(())
    }

    /// A shop takes the money that it had set aside, or part of it, or gives it up.
    ///
    /// # Errors
    /// When the bank has trouble.
    pub async fn capture(&mut self) -> Result<(), DemoError> {
        let Some(held) = self.held.pop() else { return Ok(()) };
        let who = (Principal::Merchant(held.merchant), Channel::Demo);
        if self.dice.once_in(6) {
            let key = self.key();
            let answer = payments::void(self.bank, who, Some(key), held.payment).await?;
            self.count(answer);
            return Ok(());
        }
        let part = self.dice.once_in(3).then_some(held.amount * 4 / 5);
        let command = CaptureCommand {
            principal: who.0,
            key: Some(self.key()),
            channel: who.1,
            payment: held.payment,
            amount: part,
            last: true,
        };
        let answer = payments::capture(self.bank, command).await?;
        self.count(answer);
        Ok(())
    }

    /// A shop gives back all or part of a payment.
    ///
    /// # Errors
    /// When the bank has trouble.
    pub async fn refund(&mut self) -> Result<(), DemoError> {
        let Some(recent) = self.dice.one(&self.paid).copied() else { return Ok(()) };
        let part = self.dice.once_in(2).then_some((recent.amount / 3).max(1));
        let command = RefundCommand {
            principal: Principal::Merchant(recent.merchant),
            key: Some(self.key()),
            channel: Channel::Demo,
            payment: recent.payment,
            amount: part,
            reference: None,
            reason: Some("returned goods".to_owned()),
            wait: false,
        };
        let answer = payments::refund(self.bank, command).await?;
        self.count(answer);
        Ok(())
    }

    /// Whatever happens next on an ordinary day.
    ///
    /// # Errors
    /// When the bank has trouble.
    pub async fn something(&mut self) -> Result<(), DemoError> {
        match self.dice.below(100) {
            0..54 => self.pay().await,
            54..66 => self.order().await,
            66..78 => self.send().await,
            78..84 => self.capture().await,
            84..88 => self.refund().await,
            88..98 => self.top_up().await,
            _ => self.pay_out().await,
        }
    }
}

fn remember(list: &mut Vec<Recent>, view: Option<PaymentView>) {
    if let Some(view) = view {
        if list.len() == REMEMBERED {
            list.remove(0);
        }
        list.push(Recent { payment: view.id, merchant: view.merchant, amount: view.amount });
    }
}
