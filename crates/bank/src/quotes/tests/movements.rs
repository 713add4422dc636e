//! Top-ups, payouts and transfers keep the promise of their quotes, once.

use crate::entries::Channel;
use crate::payments::tests::{World, code, yuan};
use crate::payouts::{self, StartPayout};
use crate::quotes::{Arrival, QuoteView};
use crate::testing::TestCustomer;
use crate::topups::tests::linked;
use crate::topups::{self, StartTopUp};
use crate::transfers::{self, PayeeRef, Send};
use crate::{Answer, Principal, Refusal, Wish};
use std::sync::Arc;
use vocabulary::{Id, kinds};

/// One of the three.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    TopUp,
    Payout,
    Transfer,
}

const ALL: [Kind; 3] = [Kind::TopUp, Kind::Payout, Kind::Transfer];
const ASKED: i64 = 10_000;
/// What every product costs at first.
const FEE: i64 = 100;

struct Scene {
    world: World,
    /// Bank accounts of alice and bob.
    links: [Id<kinds::BankAccount>; 2],
}

/// What was made: its id and fee.
type Made = Result<(u128, i64), Refusal>;

impl Scene {
    async fn new() -> Self {
        let world = World::new(1_000_000, 1_000_000).await;
        let links = [linked(&world.test, &world.alice).await, linked(&world.test, &world.bob).await];
        let scene = Self { world, links };
        scene.price(FEE).await;
        scene
    }

    async fn price(&self, minor: i64) {
        let mut fees = self.world.test.bank.policies().value("fees").expect("there are fees");
        for product in ["top_up", "payout", "transfer"] {
            fees[product]["fixed_minor"] = minor.into();
        }
        self.world.policy("fees", fees).await;
    }

    fn link(&self, who: &TestCustomer) -> Id<kinds::BankAccount> {
        self.links[usize::from(who.id == self.world.bob.id)]
    }

    /// A transfer to somebody named by wallet.
    fn send(&self, who: &TestCustomer, to: &TestCustomer, (minor, confirmation): (i64, Option<String>)) -> Send {
        let payee = PayeeRef::Wallet(to.wallet);
        Send { wallet: who.wallet, payee, confirmation, amount: yuan(minor), channel: Channel::Api }
    }

    fn other(&self, who: &TestCustomer) -> &TestCustomer {
        if who.id == self.world.alice.id { &self.world.bob } else { &self.world.alice }
    }

    async fn quote(&self, kind: Kind, who: &TestCustomer, minor: i64) -> Result<QuoteView, Refusal> {
        let (bank, principal) = (&self.world.test.bank, Principal::Customer(who.id));
        let (wallet, amount, channel, bank_account) = (who.wallet, yuan(minor), Channel::Api, self.link(who));
        let found = match kind {
            Kind::TopUp => topups::quote(bank, principal, StartTopUp { wallet, bank_account, amount, channel }).await,
            Kind::Payout => {
                payouts::quote(bank, principal, StartPayout { wallet, bank_account, amount, channel }).await
            }
            Kind::Transfer => transfers::quote(bank, principal, self.send(who, self.other(who), (minor, None))).await,
        };
        found.expect("no trouble")
    }

    async fn start(
        &self,
        kind: Kind,
        (who, minor): (&TestCustomer, i64),
        (key, quote): (&str, Option<Id<kinds::Quote>>),
    ) -> Answer<(u128, i64)> {
        let bank = &self.world.test.bank;
        let (wallet, amount, channel, bank_account) = (who.wallet, yuan(minor), Channel::Api, self.link(who));
        let wish = |operation| Wish::new(Principal::Customer(who.id), operation, key, &minor.to_be_bytes());
        match kind {
            Kind::TopUp => {
                let command = StartTopUp { wallet, bank_account, amount, channel };
                let answer = topups::start_quoted(bank, wish("top_ups.create"), command, quote).await;
                shortly(answer.expect("no trouble"), |view| (view.id.as_u128(), view.fee_minor))
            }
            Kind::Payout => {
                let command = StartPayout { wallet, bank_account, amount, channel };
                let answer = payouts::start_quoted(bank, wish("payouts.create"), command, quote).await;
                shortly(answer.expect("no trouble"), |view| (view.id.as_u128(), view.fee_minor))
            }
            Kind::Transfer => {
                let to = self.other(who);
                let seen = transfers::look_up(bank, who.id, &PayeeRef::Wallet(to.wallet)).await.expect("no trouble");
                let confirmation = Some(seen.expect("somebody is meant").confirmation);
                let command = self.send(who, to, (minor, confirmation));
                let answer = transfers::send_quoted(bank, wish("transfers.create"), command, quote).await;
                shortly(answer.expect("no trouble"), |view| (view.id.as_u128(), view.fee_minor))
            }
        }
    }

    async fn made(&self, kind: Kind, minor: i64, (key, quote): (&str, Option<Id<kinds::Quote>>)) -> Made {
        self.start(kind, (&self.world.alice, minor), (key, quote)).await.result
    }
}

fn shortly<T>(answer: Answer<T>, short: impl FnOnce(T) -> (u128, i64)) -> Answer<(u128, i64)> {
    Answer { result: answer.result.map(short), replayed: answer.replayed }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_keeps_the_fee_of_its_quote_once_and_replays_its_retry() {
    for kind in ALL {
        let scene = Scene::new().await;
        let before = scene.world.balances();
        let found = scene.quote(kind, &scene.world.alice, ASKED).await.expect("it is quoted");
        assert_eq!((found.fee.total(), found.forecast.fee_minor), (FEE, FEE), "{kind:?}");
        assert_eq!(found.payee_receives, if kind == Kind::TopUp { ASKED - FEE } else { ASKED }, "{kind:?}");
        let bank_acts = found.arrival == Arrival::WhenTheBankConfirms;
        assert_eq!((bank_acts, found.decided_by.is_some()), (kind != Kind::Transfer, bank_acts), "{kind:?}");
        assert_eq!(scene.world.balances(), before, "quoting {kind:?} moves nothing");
        scene.price(5 * FEE).await;
        let (id, fee) = scene.made(kind, ASKED, ("one", found.id)).await.expect("it is made");
        assert_eq!(fee, FEE, "{kind:?}");
        assert_eq!(code(&scene.made(kind, ASKED, ("two", found.id)).await), "quote_used", "{kind:?}");
        let again = scene.start(kind, (&scene.world.alice, ASKED), ("one", found.id)).await;
        assert_eq!((again.replayed, again.result.expect("as before").0), (true, id), "{kind:?}");
        let dear = scene.made(kind, ASKED, ("without", None)).await.expect("it is made");
        assert_eq!(dear.1, 5 * FEE, "{kind:?} without a quote costs what is in force");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn none_takes_anothers_an_old_or_a_different_quote() {
    for kind in ALL {
        let scene = Scene::new().await;
        let before = scene.world.balances();
        let id = scene.quote(kind, &scene.world.alice, ASKED).await.expect("it is quoted").id;
        let foreign = scene.start(kind, (&scene.world.bob, ASKED), ("foreign", id)).await.result;
        assert_eq!(code(&foreign), "not_found", "{kind:?}");
        let never = Some(Id::from_u128(7));
        assert_eq!(code(&scene.made(kind, ASKED, ("no such", never)).await), "not_found", "{kind:?}");
        assert_eq!(code(&scene.made(kind, ASKED + 1, ("more", id)).await), "quote_differs", "{kind:?}");
        for other in ALL.into_iter().filter(|other| *other != kind) {
            assert_eq!(
                code(&scene.made(other, ASKED, ("another", id)).await),
                "quote_differs",
                "{kind:?} as {other:?}"
            );
        }
        scene.world.test.clock.advance(60);
        assert_eq!(code(&scene.made(kind, ASKED, ("late", id)).await), "quote_expired", "{kind:?}");
        assert_eq!(scene.world.balances(), before, "{kind:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_movements_with_one_quote_one_is_made() {
    for kind in ALL {
        let scene = Arc::new(Scene::new().await);
        let id = scene.quote(kind, &scene.world.alice, ASKED).await.expect("it is quoted").id;
        let tasks: Vec<_> = (0..50)
            .map(|no| {
                let scene = Arc::clone(&scene);
                tokio::spawn(async move { code(&scene.made(kind, ASKED, (&format!("key {no}"), id)).await) })
            })
            .collect();
        let mut found = Vec::new();
        for task in tasks {
            found.push(task.await.expect("no panic"));
        }
        let count = |code| found.iter().filter(|found| **found == code).count();
        assert_eq!((count("done"), count("quote_used")), (1, 49), "{kind:?}");
        let gone = if kind == Kind::TopUp { 0 } else { ASKED + FEE };
        assert_eq!(scene.world.balances().0, 1_000_000 - gone, "{kind:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_would_be_refused_is_not_quoted() {
    let scene = Scene::new().await;
    for kind in [Kind::Payout, Kind::Transfer] {
        let found = scene.quote(kind, &scene.world.alice, 1_000_000).await;
        assert_eq!(code(&found), "insufficient_funds", "{kind:?}: the fee is lacking");
    }
    assert_eq!(code(&scene.quote(Kind::TopUp, &scene.world.alice, 0).await), "amount_not_positive");
}
