//! The case tables of `../shared/data/ledger`, on books in memory.

use crate::ledger_cases::{CaseBank, NewAccount, Trouble, run, run_text};
use crate::memory::{MemoryBooks, moment};
use ledger::{
    Account, AccountNo, Books, ChainRefusal, Entry, Freeze, GroupNo, HoldState, Posted, Step, StoredEntry, post,
    post_chain,
};
use std::collections::{HashMap, HashSet};
use std::path::Path;
use vocabulary::Timestamp;

pub struct MemoryBank {
    books: MemoryBooks,
    numbers: HashMap<u128, AccountNo>,
    failed: HashSet<u128>,
    now: Timestamp,
}

fn start() -> Timestamp {
    Timestamp::parse("2026-11-22T08:00:00Z").expect("a time")
}

impl MemoryBank {
    pub fn new() -> Self {
        Self { books: MemoryBooks::default(), numbers: HashMap::new(), failed: HashSet::new(), now: start() }
    }
}

impl CaseBank for MemoryBank {
    fn clear(&mut self) -> Result<(), Trouble> {
        *self = Self::new();
        Ok(())
    }

    fn open_account(&mut self, new: NewAccount) -> Result<(), Trouble> {
        let no = AccountNo(self.numbers.len() as u64 + 1);
        self.numbers.insert(new.id, no);
        self.books.put(Account {
            no,
            book: new.book,
            class: new.class,
            floor: new.floor,
            freeze: Freeze::default(),
            closed: false,
            debits_posted: 0,
            credits_posted: 0,
            debits_pending: 0,
            credits_pending: 0,
            last: 0,
            groups: [GroupNo::NONE; 2],
            receivable: AccountNo::default(),
        });
        Ok(())
    }

    fn set_balances(&mut self, id: u128, counters: [i64; 4]) -> Result<(), Trouble> {
        let mut account = self.books.get(self.numbers[&id]);
        [account.debits_pending, account.debits_posted, account.credits_pending, account.credits_posted] = counters;
        self.books.put(account);
        Ok(())
    }

    fn account(&mut self, id: u128) -> Result<Option<Account>, Trouble> {
        Ok(self.numbers.get(&id).map(|no| self.books.get(*no)))
    }

    fn post_chain(&mut self, entries: &[Entry], keep: bool) -> Result<Result<Vec<Posted>, ChainRefusal>, Trouble> {
        let mark = self.books.mark();
        let answer = post_chain(&mut self.books, &moment(self.now), entries)?;
        if !keep {
            self.books.undo_to(mark);
        }
        Ok(answer)
    }

    fn entry(&mut self, id: u128) -> Result<Option<StoredEntry>, Trouble> {
        Ok(self.books.entry(id)?)
    }

    fn remember_failed(&mut self, id: u128) -> Result<(), Trouble> {
        self.failed.insert(id);
        Ok(())
    }

    fn has_failed(&mut self, id: u128) -> Result<bool, Trouble> {
        Ok(self.failed.contains(&id))
    }

    fn now(&mut self) -> Timestamp {
        self.now
    }

    fn move_clock(&mut self, to: Timestamp) -> Result<(), Trouble> {
        self.now = to;
        let holds: Vec<u128> =
            self.books.state.holds.values().filter(|h| h.state == HoldState::Open).map(|h| h.id).collect();
        for hold in holds {
            let expire = Entry { steps: vec![Step::Expire { hold }], ..expiry(u128::MAX - 1 - hold) };
            if let Err(refusal) = post(&mut self.books, &moment(to), &expire)? {
                assert_eq!(refusal.code().as_str(), "hold_not_over");
            }
        }
        Ok(())
    }
}

fn expiry(id: u128) -> Entry {
    Entry {
        id,
        fresh: true,
        kind: 1,
        version: 1,
        booking: vocabulary::BookingDate::from_days(0),
        value: vocabulary::ValueDate::from_days(0),
        actor: 0,
        channel: 0,
        cause: 0,
        policy: 0,
        reverses: 0,
        forced: false,
        steps: Vec::new(),
    }
}

#[test]
fn all_shared_case_tables_pass() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/ledger/two_phase_and_linked_cases.json");
    let report = run(Path::new(path), &mut MemoryBank::new()).expect("a case file");
    println!("{report}");
    assert_eq!(report.failures, Vec::<String>::new());
    assert_eq!(report.tables, (14, 14));
    assert_eq!(
        report.skipped.into_iter().collect::<Vec<_>>(),
        [("closing_credit".to_owned(), 1), ("closing_debit".to_owned(), 1)]
    );
}

#[test]
fn a_wrong_expectation_is_reported() {
    let text = r#"{"cases":[{"test":"t","block":0,"steps":[
        {"op":"account","id":1,"ledger":1,"code":1,"expect":"created"},
        {"op":"account","id":1,"ledger":1,"code":1,"expect":"created"},
        {"op":"commit","args":["create_accounts"]},
        {"op":"lookup_account","args":[1,0,5,0,0,null]}]}]}"#;
    let report = run_text(text, &mut MemoryBank::new()).expect("a case file");
    assert_eq!(report.passed, 1);
    assert_eq!(report.failures.len(), 2);
    assert!(report.failures[0].contains("expected created, got exists"), "{}", report.failures[0]);
    assert!(report.to_string().contains("1 passed, 2 failed"));
}
