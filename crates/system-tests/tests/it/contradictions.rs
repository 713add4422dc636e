//! The sandbox bank contradicts itself: what it executes after it said that it came back, and a story told backwards. At the
//! end our books are what its statement says, and nobody has money twice.

use bank::cases::{self, CaseKind};
use bank::customers::{self, Import};
use bank::entries::Channel;
use bank::payouts::{self, PayoutState, StartPayout};
use bank::testing::{FixedVault, ManualClock, SeededEntropy, SentMessages, cny, fund_blocking};
use bank::topups::{self, StartTopUp, TopUpState};
use bank::wallets::WalletAccount;
use bank::{Bank, BankOptions, Own, Principal, Wish, bank_accounts, jobs, rail_feed};
use money::Money;
use ports::{Behaviour, Manners, TellManners};
use rails::sandbox_bank::SandboxBank;
use std::sync::Arc;
use vocabulary::{Id, Timestamp, kinds};

const HAD: i64 = 50_000;
const ASKED: i64 = 10_000;

struct World {
    bank: Bank,
    rail: Arc<SandboxBank>,
    clock: Arc<ManualClock>,
    account: WalletAccount,
    bank_account: Id<kinds::BankAccount>,
    _directory: tempfile::TempDir,
}

impl World {
    async fn open() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let clock = Arc::new(ManualClock::at(Timestamp::parse("2026-11-23T02:00:00Z").expect("a moment")));
        let rail = Arc::new(SandboxBank::open(&directory.path().join("outside")).expect("it opens"));
        let options = BankOptions {
            directory: directory.path().join("bank"),
            server: None,
            clock: Arc::clone(&clock) as _,
            entropy: Arc::new(SeededEntropy::new(11)),
            vault: Arc::new(FixedVault::default()),
            rail: Arc::clone(&rail) as _,
            notifier: Arc::new(SentMessages::default()),
            card_vault: None,
            zone: "Asia/Shanghai".to_owned(),
            sandbox: true,
            currencies: vec![cny()],
            units: Vec::new(),
            limits: Default::default(),
            cache_kib: 1_024,
        };
        let begin = move || {
            let bank = Bank::open(options).expect("a bank");
            let import = Import { display_name: "Alice Zhang".to_owned(), tier: 3, currencies: vec![cny()] };
            let account = customers::import_blocking(&bank, &[import]).expect("imported").remove(0).accounts[0];
            fund_blocking(&bank, &account, HAD).expect("funded");
            (bank, account)
        };
        let (bank, account) = tokio::task::spawn_blocking(begin).await.expect("no panic");
        let number = "DE89370400440532013000".to_owned();
        let wish = Wish::internal(Principal::Customer(account.customer), "bank_accounts.link");
        let linked = bank_accounts::link(&bank, wish, number.clone()).await.expect("no trouble");
        let bank_account = linked.result.expect("it is linked").id;
        rail.set_balance(&number, cny().number(), HAD).expect("it has money");
        Self { bank, rail, clock, account, bank_account, _directory: directory }
    }

    async fn pass(&self, seconds: i64) {
        self.clock.advance(seconds);
        let bank = self.bank.clone();
        tokio::task::spawn_blocking(move || jobs::run_due(&bank).expect("jobs run")).await.expect("no panic");
    }

    fn posted(&self, account: ledger::AccountNo) -> i64 {
        self.bank.store().read_blocking(|snapshot| snapshot.balance(account)).expect("no trouble").posted
    }

    fn own(&self, own: Own) -> i64 {
        self.posted(self.bank.chart().opened(own, cny()).expect("it is offered"))
    }

    /// The kinds of the open cases, when our nostro is what the statement and the bank outside say it is.
    async fn ended(&self) -> Vec<CaseKind> {
        let bank = self.bank.clone();
        let found = tokio::task::spawn_blocking(move || rail_feed::reconciliation(&bank)).await;
        for row in found.expect("no panic").expect("no trouble") {
            assert_eq!(row.books_minor, row.statement_minor, "{row:?}");
        }
        assert_eq!(self.own(Own::Nostro), self.rail.our_balance(cny().number()).expect("it answers"));
        let open = cases::list(&self.bank, true, None, 9).await.expect("no trouble");
        open.into_iter().map(|case| case.kind).collect()
    }
}

fn asked() -> Money {
    Money::new(ASKED, cny()).expect("positive")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payout_that_is_executed_after_its_return_is_owed_and_one_told_backwards_is_not() {
    for (behaviour, owed, expected) in
        [(Behaviour::AfterReturn(60), ASKED, vec![CaseKind::PaidAfterReturn]), (Behaviour::Backwards(60), 0, vec![])]
    {
        let world = World::open().await;
        world.rail.tell(Manners { behaviour, left: Some(1) }).expect("it is told");
        let (wallet, bank_account) = (world.account.wallet, world.bank_account);
        let command = StartPayout { wallet, bank_account, amount: asked(), channel: Channel::Api };
        let wish = Wish::internal(Principal::Customer(world.account.customer), "payouts.start");
        let begun = payouts::start(&world.bank, wish, command).await.expect("no trouble").result.expect("it begins");
        for seconds in [0, 2, 30, 60, 60] {
            world.pass(seconds).await;
        }
        let found = payouts::find(&world.bank, begun.id).await.expect("no trouble").expect("it exists");
        assert_eq!((found.state, world.posted(world.account.account)), (PayoutState::Returned, HAD), "{behaviour:?}");
        assert_eq!((world.posted(world.account.receivable), world.own(Own::PayoutSuspense)), (owed, 0));
        assert_eq!(world.ended().await, expected, "{behaviour:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_top_up_that_is_executed_after_its_return_waits_and_one_told_backwards_does_not() {
    for (behaviour, waits, expected) in
        [(Behaviour::AfterReturn(60), ASKED, vec![CaseKind::NotCreditable]), (Behaviour::Backwards(60), 0, vec![])]
    {
        let world = World::open().await;
        world.rail.tell(Manners { behaviour, left: Some(1) }).expect("it is told");
        let (wallet, bank_account) = (world.account.wallet, world.bank_account);
        let command = StartTopUp { wallet, bank_account, amount: asked(), channel: Channel::Api };
        let wish = Wish::internal(Principal::Customer(world.account.customer), "top_ups.start");
        let begun = topups::start(&world.bank, wish, command).await.expect("no trouble").result.expect("it begins");
        for seconds in [0, 2, 30, 60, 60] {
            world.pass(seconds).await;
        }
        let found = topups::find(&world.bank, begun.id).await.expect("no trouble").expect("it exists");
        assert_eq!((found.state, world.posted(world.account.account)), (TopUpState::Returned, HAD), "{behaviour:?}");
        assert_eq!((world.posted(world.account.receivable), world.own(Own::TopUpSuspense)), (0, waits));
        assert_eq!(world.ended().await, expected, "{behaviour:?}");
    }
}
