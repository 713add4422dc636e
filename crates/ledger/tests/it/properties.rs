//! The ledger against the naive model: after any list of wishes both say the same, and the books pass the audit.

use crate::audit::audit;
use crate::memory::{MemoryBooks, State, moment};
use crate::model::{Counting, DAY, Limits, Model, Movement, Terms, Wish};
use ledger::{
    Account, AccountNo, BookNo, Books, Class, Count, Entry, Floor, Freeze, Group, GroupNo, LimitSet, Step, UpTo, post,
    post_chain,
};
use proptest::prelude::*;
use vocabulary::{BookingDate, Timestamp, ValueDate};

const ACCOUNTS: usize = 7;

/// The source of money, two people, a shop, a till with a floor, fees, a receivable.
fn terms() -> Vec<Terms> {
    let plain = Terms { asset: true, floor: None, groups: [0, 0], receivable: None };
    let person = Terms { asset: false, floor: Some(0), groups: [1, 0], receivable: None };
    vec![
        plain,
        person,
        Terms { floor: Some(-50), groups: [1, 2], receivable: Some(6), ..person },
        Terms { groups: [3, 0], receivable: Some(6), ..person },
        Terms { floor: Some(0), ..plain },
        Terms { asset: false, ..plain },
        plain,
    ]
}

fn limits() -> Vec<Limits> {
    let none = [i64::MAX; 4];
    let open = Limits { out: none, into: none, balance: i64::MAX };
    vec![
        open,
        Limits { out: [60, 100, 150, 200], into: [70, 150, 250, 300], balance: i64::MAX },
        Limits { out: [i64::MAX, 40, 90, i64::MAX], balance: 120, ..open },
        Limits { into: [i64::MAX, 90, i64::MAX, 400], balance: 200, ..open },
    ]
}

fn movement() -> impl Strategy<Value = Movement> {
    let counting = prop_oneof![
        3 => Just(Counting::Not),
        4 => Just(Counting::Uses),
        1 => (0_i32..3).prop_map(Counting::Back)
    ];
    let up_to = prop_oneof![6 => Just((false, false)), 1 => Just((true, false)), 1 => any::<(bool, bool)>()];
    (0..ACCOUNTS, 0..ACCOUNTS, 0_i64..80, up_to, counting).prop_map(|(from, to, amount, up_to, counting)| Movement {
        from,
        to,
        amount,
        up_to,
        counting,
    })
}

fn wish() -> impl Strategy<Value = Wish> {
    let fund = (1..4_usize, 0_i64..200).prop_map(|(to, amount)| Wish::Move {
        moves: vec![Movement { from: 0, to, amount, up_to: (false, false), counting: Counting::Not }],
        forced: false,
    });
    let moves = prop_oneof![4 => prop::collection::vec(movement(), 1), 1 => prop::collection::vec(movement(), 2..4)];
    let hold = 0..8_usize;
    prop_oneof![
        2 => fund,
        6 => (moves, prop::bool::weighted(0.15)).prop_map(|(moves, forced)| Wish::Move { moves, forced }),
        4 => (movement(), prop::option::of(0_u32..200_000))
            .prop_map(|(movement, seconds)| Wish::Hold { movement, seconds }),
        4 => (hold.clone(), prop::option::of(0_i64..80), prop::bool::weighted(0.6))
            .prop_map(|(hold, amount, last)| Wish::Capture { hold, amount, last }),
        1 => hold.clone().prop_map(|hold| Wish::Void { hold }),
        1 => hold.prop_map(|hold| Wish::Expire { hold }),
        2 => (1_i64..130_000).prop_map(|seconds| Wish::Tick { seconds }),
    ]
}

fn number(account: usize) -> AccountNo {
    AccountNo(account as u64 + 1)
}

fn books() -> MemoryBooks {
    let mut books = MemoryBooks::default();
    for (at, terms) in terms().into_iter().enumerate() {
        books.put(Account {
            no: number(at),
            book: BookNo(1),
            class: if terms.asset { Class::Asset } else { Class::Liability },
            floor: terms.floor.map_or(Floor::None, Floor::At),
            freeze: Freeze::default(),
            closed: false,
            debits_posted: 0,
            credits_posted: 0,
            debits_pending: 0,
            credits_pending: 0,
            last: 0,
            groups: terms.groups.map(|group| GroupNo(group as u64)),
            receivable: terms.receivable.map_or(AccountNo::default(), number),
        });
    }
    for (at, limits) in limits().into_iter().enumerate().skip(1) {
        let some = |limit: i64| (limit != i64::MAX).then_some(limit);
        let set = LimitSet { out: limits.out.map(some), into: limits.into.map(some), balance: some(limits.balance) };
        books.state.groups.insert(at as u64, (Group { no: GroupNo(at as u64), ..Group::default() }, set));
    }
    books
}

fn steps(wish: &Wish, holds: &[u128], today: i32) -> Vec<Step> {
    let parts = |movement: &Movement| {
        let count = match movement.counting {
            Counting::Not => Count::No,
            Counting::Uses => Count::Use,
            Counting::Back(days) => Count::GiveBack { day: today - days },
        };
        let up_to = UpTo { debit: movement.up_to.0, credit: movement.up_to.1 };
        (number(movement.from), number(movement.to), movement.amount, up_to, count)
    };
    match wish {
        Wish::Move { moves, .. } => moves
            .iter()
            .map(|movement| {
                let (debit, credit, amount, up_to, count) = parts(movement);
                Step::Post { debit, credit, amount, up_to, count }
            })
            .collect(),
        Wish::Hold { movement, seconds } => {
            let (debit, credit, amount, up_to, count) = parts(movement);
            vec![Step::Hold { debit, credit, amount, up_to, seconds: *seconds, count }]
        }
        Wish::Capture { hold, amount, last } => {
            vec![Step::Capture { hold: holds[*hold], amount: *amount, last: *last }]
        }
        Wish::Void { hold } => vec![Step::Void { hold: holds[*hold] }],
        Wish::Expire { hold } => vec![Step::Expire { hold: holds[*hold] }],
        Wish::Tick { .. } => Vec::new(),
    }
}

fn entry(id: u128, wish: &Wish, holds: &[u128], today: i32) -> Entry {
    Entry {
        id,
        fresh: false,
        kind: 1,
        version: 1,
        booking: BookingDate::from_days(today),
        value: ValueDate::from_days(today),
        actor: 0,
        channel: 0,
        cause: 0,
        policy: 0,
        reverses: 0,
        forced: matches!(wish, Wish::Move { forced: true, .. }),
        steps: steps(wish, holds, today),
    }
}

fn same_figures(books: &MemoryBooks, model: &Model, holds: &[u128]) {
    for account in 0..ACCOUNTS {
        let stored = books.get(number(account));
        assert_eq!((stored.posted(), stored.held()), (model.posted(account), model.reserved(account)));
    }
    for (at, id) in holds.iter().enumerate() {
        assert_eq!(books.state.holds[id].remaining, model.remaining(at));
    }
    let now = moment(Timestamp::from_micros(model.now));
    for group in 1..limits().len() {
        let stored = books.state.groups[&(group as u64)].0.rolled(&now);
        assert_eq!(stored.out, [0, 1, 2].map(|window| model.used(group, true, window)));
        assert_eq!(stored.into, [0, 1, 2].map(|window| model.used(group, false, window)));
    }
}

/// No unforced entry took an account below its floor, or further below, holds counted.
fn floors_hold(before: &State, books: &MemoryBooks, wish: &Wish) {
    if matches!(wish, Wish::Move { forced: true, .. }) {
        return;
    }
    for (no, account) in &books.state.accounts {
        let Floor::At(floor) = account.floor else { continue };
        let old = &before.accounts[no];
        let (now_above, then_above) = (account.posted() - account.held() - floor, old.posted() - old.held() - floor);
        assert!(now_above >= then_above.min(0), "{account:?} after {wish:?}");
    }
}

fn run(wishes: &[Wish]) {
    let mut books = books();
    let start = BookingDate::parse("2026-12-29").expect("a date");
    let mut model = Model::new(terms(), limits(), i64::from(start.days()) * DAY + DAY / 2);
    let mut holds: Vec<u128> = Vec::new();
    for (at, wish) in wishes.iter().enumerate() {
        if let Wish::Capture { hold, .. } | Wish::Void { hold } | Wish::Expire { hold } = wish
            && *hold >= model.hold_count()
        {
            continue;
        }
        let wanted = model.wish(wish);
        if matches!(wish, Wish::Tick { .. }) {
            continue;
        }
        let now = moment(Timestamp::from_micros(model.now));
        let entry = entry(at as u128 + 1, wish, &holds, now.day);
        let before = books.state.clone();

        let mark = books.mark();
        let Ok(tried) = post(&mut books, &now, &entry);
        books.undo_to(mark);
        assert_eq!(books.state, before, "undoing restores exactly");

        let Ok(answer) = post(&mut books, &now, &entry);
        assert_eq!(answer, tried, "the same books give the same answer");
        let got = answer.map(|posted| posted.lines.iter().map(|line| line.amount).collect::<Vec<_>>());
        assert_eq!(got.map_err(|refusal| refusal.code().as_str()), wanted, "{wish:?}");
        if wanted.is_err() {
            assert_eq!(books.state, before, "what is refused writes nothing");
        } else {
            if matches!(wish, Wish::Hold { .. }) {
                holds.push(entry.id);
            }
            floors_hold(&before, &books, wish);
            let after = books.state.clone();
            let Ok(again) = post(&mut books, &now, &entry);
            assert!(again.expect("a repetition").repeated);
            assert_eq!(books.state, after, "a repetition writes nothing");
        }
        same_figures(&books, &model, &holds);
    }
    audit(&books);
}

/// A chain does what its entries do one after the other, or nothing.
fn run_chain(wishes: &[Wish], chain: &[Wish]) {
    let mut books = books();
    let now = moment(Timestamp::from_micros(20_000 * DAY));
    let all = |wishes: &[Wish], from: usize| -> Vec<Entry> {
        let numbered = wishes.iter().enumerate();
        numbered.map(|(at, wish)| entry((from + at) as u128, wish, &[], now.day)).collect()
    };
    for entry in all(wishes, 1) {
        let Ok(_) = post(&mut books, &now, &entry);
    }
    let before = books.state.clone();
    let chain = all(chain, 1_000);
    let mut single = books.clone();
    let one_by_one: Vec<_> = chain.iter().map(|entry| post(&mut single, &now, entry).expect("no trouble")).collect();
    let Ok(answer) = post_chain(&mut books, &now, &chain);
    match answer {
        Ok(posted) => {
            assert_eq!(posted.into_iter().map(Ok).collect::<Vec<_>>(), one_by_one);
            assert_eq!(books.state, single.state);
        }
        Err(refused) => {
            assert_eq!(one_by_one[refused.index], Err(refused.refusal));
            assert!(one_by_one[..refused.index].iter().all(Result::is_ok));
            assert_eq!(books.state, before);
        }
    }
    audit(&books);
}

fn chainable() -> impl Strategy<Value = Wish> {
    prop_oneof![
        (prop::collection::vec(movement(), 1..3), prop::bool::weighted(0.2))
            .prop_map(|(moves, forced)| Wish::Move { moves, forced }),
        movement().prop_map(|movement| Wish::Hold { movement, seconds: None }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_ledger_does_what_the_naive_model_does(wishes in prop::collection::vec(wish(), 1..40)) {
        run(&wishes);
    }

    #[test]
    fn chains_are_all_or_nothing(
        wishes in prop::collection::vec(chainable(), 0..8),
        chain in prop::collection::vec(chainable(), 1..5),
    ) {
        run_chain(&wishes, &chain);
    }
}
