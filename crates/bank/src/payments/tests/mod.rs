//! Payments, tested through their public actions: a world of two payers and a shop, and scripts.

mod limits;
mod lists;
mod orders;
mod races;
mod refunds;
mod scripts;

use super::{
    AuthorizeCommand, CaptureCommand, PayCommand, PaymentView, RefundCommand, RefundView, Target, authorize, capture,
    pay, refund, void,
};
use crate::entries::Channel;
use crate::merchants::MerchantAccount;
use crate::orders::{CreateOrder, OrderView};
use crate::testing::{TestBank, TestCustomer, cny};
use crate::{Principal, Refusal, Wish, policies};
use money::Money;
use vocabulary::{Id, kinds};

/// Two payers and a shop.
pub(crate) struct World {
    pub(crate) test: TestBank,
    pub(crate) alice: TestCustomer,
    pub(crate) bob: TestCustomer,
    pub(crate) shop: MerchantAccount,
}

pub(crate) fn yuan(minor: i64) -> Money {
    Money::new(minor, cny()).expect("not negative")
}

/// The code of a refusal, by name.
pub(crate) fn code<T>(result: &Result<T, Refusal>) -> &'static str {
    result.as_ref().err().map_or("done", |refusal| refusal.code.as_str())
}

impl World {
    pub(crate) async fn new(alice: i64, bob: i64) -> Self {
        let test = TestBank::new();
        let (alice, bob) = (test.customer("Alice", alice), test.customer("Bob", bob));
        let shop = test.merchant("Corner Shop").await;
        Self { test, alice, bob, shop }
    }

    /// As new, with the shop on terms without a fee.
    pub(crate) async fn free(alice: i64, bob: i64) -> Self {
        let world = Self::new(alice, bob).await;
        world.fee(serde_json::json!({"fixed_minor": 0, "bps": 0})).await;
        world
    }

    /// Changes fields of the fee plan `payment.standard`.
    pub(crate) async fn fee(&self, change: serde_json::Value) {
        let mut fees = self.test.bank.policies().value("fees").expect("there are fees");
        let plan = &mut fees["payment.standard"];
        for (name, value) in change.as_object().expect("an object") {
            plan[name] = value.clone();
        }
        self.policy("fees", fees).await;
    }

    pub(crate) async fn policy(&self, name: &str, value: serde_json::Value) {
        let wish = Wish::internal(Principal::System, "policies.set");
        let change = policies::Change { name: name.to_owned(), value, from: None, source: "test".to_owned() };
        let answer = policies::set(&self.test.bank, wish, change).await.expect("no trouble");
        answer.result.expect("the policy is in range");
    }

    pub(crate) fn command(&self, payer: &TestCustomer, minor: i64, key: &str) -> PayCommand {
        PayCommand {
            principal: Principal::Customer(payer.id),
            key: Some(key.to_owned()),
            channel: Channel::Api,
            wallet: payer.wallet,
            target: Target::Merchant(self.shop.merchant, None),
            amount: Some(yuan(minor)),
            reference: None,
            description: None,
            quote: None,
        }
    }

    pub(crate) async fn pay(&self, command: PayCommand) -> Result<PaymentView, Refusal> {
        pay(&self.test.bank, command).await.expect("no trouble").result
    }

    /// Alice pays; it must succeed.
    pub(crate) async fn paid(&self, minor: i64, key: &str) -> PaymentView {
        self.pay(self.command(&self.alice, minor, key)).await.expect("it is paid")
    }

    pub(crate) async fn hold(&self, minor: i64, key: &str, seconds: Option<u32>) -> Result<PaymentView, Refusal> {
        let pay = self.command(&self.alice, minor, key);
        let command = AuthorizeCommand { pay, seconds };
        authorize(&self.test.bank, command).await.expect("no trouble").result
    }

    pub(crate) async fn capture(
        &self,
        payment: Id<kinds::Payment>,
        (amount, last): (Option<i64>, bool),
        key: &str,
    ) -> Result<PaymentView, Refusal> {
        let (principal, key) = (Principal::Merchant(self.shop.merchant), Some(key.to_owned()));
        let command = CaptureCommand { principal, key, channel: Channel::Api, payment, amount, last };
        capture(&self.test.bank, command).await.expect("no trouble").result
    }

    pub(crate) async fn void(&self, payment: Id<kinds::Payment>, key: &str) -> Result<PaymentView, Refusal> {
        let who = (Principal::Merchant(self.shop.merchant), Channel::Api);
        void(&self.test.bank, who, Some(key.to_owned()), payment).await.expect("no trouble").result
    }

    pub(crate) fn refund_command(&self, payment: Id<kinds::Payment>, amount: Option<i64>, key: &str) -> RefundCommand {
        RefundCommand {
            principal: Principal::Merchant(self.shop.merchant),
            key: Some(key.to_owned()),
            channel: Channel::Api,
            payment,
            amount,
            reference: None,
            reason: None,
            wait: false,
        }
    }

    pub(crate) async fn refund(&self, command: RefundCommand) -> Result<RefundView, Refusal> {
        refund(&self.test.bank, command).await.expect("no trouble").result
    }

    pub(crate) async fn order(&self, minor: i64, reference: &str) -> Result<OrderView, Refusal> {
        let command = CreateOrder {
            principal: Principal::Merchant(self.shop.merchant),
            key: None,
            merchant: self.shop.merchant,
            store: None,
            amount: yuan(minor),
            reference: reference.to_owned(),
            description: None,
            seconds: None,
        };
        crate::orders::create(&self.test.bank, command).await.expect("no trouble").result
    }

    pub(crate) fn state(&self, payment: Id<kinds::Payment>) -> String {
        let found = self.test.bank.store().read_blocking(|snapshot| super::by_id(snapshot.reading(), payment));
        let found = found.expect("no trouble").expect("the payment exists");
        serde_json::to_value(found.state).expect("a name").as_str().expect("a text").to_owned()
    }

    /// Posted and held of alice, posted of the shop and its reserve.
    pub(crate) fn balances(&self) -> (i64, i64, i64) {
        let (posted, held) = self.test.balance(self.alice.account.account);
        (posted, held, self.test.balance(self.shop.account).0)
    }

    /// Moves the clock and does what has become due.
    pub(crate) fn tick(&self, seconds: i64) {
        self.test.clock.advance(seconds);
        self.test.run_jobs();
    }
}
