//! The same id with the same content is a success without a second posting; any other content is a conflict with a name.
//! Whatever the steps are, in whatever order, in the same group or after a restart.

use super::*;
use ledger::{Difference, Posted, Refusal};
use proptest::prelude::*;

const NEW: u128 = 1_000;
const MONEY: i64 = 500;
/// Entries that placed holds: 41 to 46, each of 50 from account 2 to 3.
const HOLDS: [u128; 6] = [41, 42, 43, 44, 45, 46];

/// A step before it knows which hold it ends: each hold is ended by one step only.
#[derive(Clone, Debug)]
enum Wanted {
    Post { pair: usize, amount: i64, up_to: (bool, bool), count: bool },
    Capture { amount: Option<i64>, last: bool },
    Void,
}

fn pair(at: usize) -> (AccountNo, AccountNo) {
    let (debit, credit) = [(1, 2), (2, 3), (3, 2), (2, 4), (5, 3)][at];
    (AccountNo(debit), AccountNo(credit))
}

fn wanted() -> impl Strategy<Value = Wanted> {
    prop_oneof![
        3 => (0..5_usize, 0_i64..600, any::<(bool, bool)>(), any::<bool>()).prop_map(|(pair, amount, up_to, count)| {
            Wanted::Post { pair, amount, up_to, count }
        }),
        2 => (prop::option::of(1_i64..50), any::<bool>()).prop_map(|(amount, last)| Wanted::Capture { amount, last }),
        1 => Just(Wanted::Void),
    ]
}

/// Steps in any order, at most one of them a hold.
fn steps() -> impl Strategy<Value = Vec<Step>> {
    let hold = prop::option::of((prop::option::of(60_u32..600), 1_i64..40, any::<prop::sample::Index>()));
    (prop::collection::vec(wanted(), 1..6), hold).prop_map(|(wanted, hold)| {
        let mut holds = HOLDS.into_iter();
        let mut steps: Vec<Step> = wanted.iter().map(|step| to_step(step, &mut holds)).collect();
        if let Some((seconds, amount, place)) = hold {
            let (debit, credit) = pair(1);
            let hold = Step::Hold { debit, credit, amount, up_to: UpTo::default(), seconds, count: Count::No };
            steps.insert(place.index(steps.len() + 1), hold);
        }
        steps
    })
}

fn to_step(wanted: &Wanted, holds: &mut impl Iterator<Item = u128>) -> Step {
    let mut hold = || holds.next().expect("one for each step");
    match *wanted {
        Wanted::Post { pair: at, amount, up_to: (of_debit, of_credit), count } => {
            let (debit, credit) = pair(at);
            let up_to = UpTo { debit: of_debit, credit: of_credit };
            Step::Post { debit, credit, amount, up_to, count: if count { Count::Use } else { Count::No } }
        }
        Wanted::Capture { amount, last } => Step::Capture { hold: hold(), amount, last },
        Wanted::Void => Step::Void { hold: hold() },
    }
}

/// Accounts 1 (the bank's) to 4, 5 with a receivable (6), money on 2, and the holds.
fn world(directory: &Path, clock: &Arc<Hand>) -> Store {
    let store = open(directory, clock);
    people(&store, 3);
    done(store.write_blocking(|uow| {
        let owing =
            NewAccount { receivable: AccountNo(6), ..account(5, Class::Liability, Floor::At(0), GroupNo::NONE) };
        uow.open_account(&owing)?;
        uow.open_account(&account(6, Class::Asset, Floor::None, GroupNo::NONE))?;
        uow.post(&entry(1, vec![step(1, 2, MONEY + 300), step(1, 3, MONEY)]))?.expect("posts");
        for hold in HOLDS {
            let (debit, credit) = pair(1);
            let (up_to, count) = (UpTo::default(), Count::No);
            let step = Step::Hold { debit, credit, amount: 50, up_to, seconds: None, count };
            uow.post(&entry(hold, vec![step]))?.expect("holds");
        }
        Ok(Outcome::Done(()))
    }));
    store
}

fn try_post(store: &Store, entry: &Entry) -> Result<Posted, Refusal> {
    let entry = entry.clone();
    done(store.write_blocking(move |uow| Ok(Outcome::Done(uow.post(&entry)?))))
}

fn lines(store: &Store) -> u64 {
    store.read_blocking(|snapshot| Ok(snapshot.last_line())).expect("reads")
}

/// The entry with one thing changed, and what the conflict is to be called. Only what can be told apart: more than came of
/// an "as much as is available" is no difference, nor is how a capture that left nothing was worded.
fn changed(entry: &Entry, posted: &Posted) -> Vec<(Entry, Difference)> {
    let mut all = vec![
        (Entry { cause: 9, ..entry.clone() }, Difference::Cause),
        (Entry { actor: 9, ..entry.clone() }, Difference::Actor),
        (Entry { policy: 9, ..entry.clone() }, Difference::Policy),
        (Entry { kind: 9, ..entry.clone() }, Difference::Kind),
        (Entry { version: 9, ..entry.clone() }, Difference::Version),
        (Entry { channel: 9, ..entry.clone() }, Difference::Channel),
        (Entry { reverses: 1, ..entry.clone() }, Difference::Reverses),
        (Entry { forced: !entry.forced, ..entry.clone() }, Difference::Shape),
    ];
    let mut longer = entry.clone();
    longer.steps.push(step(1, 2, 1));
    all.push((longer, Difference::Shape));
    if entry.steps.len() > 1 {
        let mut shorter = entry.clone();
        shorter.steps.pop();
        all.push((shorter, Difference::Shape));
    }
    for (at, old) in entry.steps.iter().enumerate() {
        let mut put = |new: Step, what: Difference| {
            let mut other = entry.clone();
            other.steps[at] = new;
            all.push((other, what));
        };
        match *old {
            Step::Post { debit, credit, amount, up_to, count } => {
                let flipped = UpTo { debit: !up_to.debit, ..up_to };
                put(Step::Post { debit, credit, amount, up_to: flipped, count }, Difference::Shape);
                let flipped = UpTo { credit: !up_to.credit, ..up_to };
                put(Step::Post { debit, credit, amount, up_to: flipped, count }, Difference::Shape);
                let day = Count::GiveBack { day: 1 };
                put(Step::Post { debit, credit, amount, up_to, count: day }, Difference::Shape);
                put(Step::Post { debit: AccountNo(6), credit, amount, up_to, count }, Difference::Debit);
                put(Step::Post { debit, credit: AccountNo(6), amount, up_to, count }, Difference::Credit);
                if up_to == UpTo::default() || entry.forced {
                    put(Step::Post { debit, credit, amount: amount + 1, up_to, count }, Difference::Amount);
                }
                let less = posted.lines[at].amount - 1;
                put(Step::Post { debit, credit, amount: less, up_to, count }, Difference::Amount);
            }
            Step::Hold { debit, credit, amount, up_to, seconds, count } => {
                let other = if seconds.is_none() { Some(1) } else { None };
                put(Step::Hold { debit, credit, amount, up_to, seconds: other, count }, Difference::Seconds);
                let longer = seconds.map_or(Some(0), |seconds| Some(seconds + 1));
                put(Step::Hold { debit, credit, amount, up_to, seconds: longer, count }, Difference::Seconds);
                put(Step::Hold { debit, credit, amount: amount + 1, up_to, seconds, count }, Difference::Amount);
                put(Step::Hold { debit, credit, amount, up_to, seconds, count: Count::Use }, Difference::Shape);
                put(Step::Post { debit, credit, amount, up_to, count }, Difference::Shape);
            }
            Step::Capture { hold, amount, last } => {
                put(Step::Void { hold }, Difference::Shape);
                put(Step::Capture { hold: 47, amount, last }, Difference::Hold);
                let more = posted.lines[at].amount + 1;
                put(Step::Capture { hold, amount: Some(more), last }, Difference::Amount);
                // A capture of all, or one after which nothing was left, is the same by whichever name.
                if amount.is_some() && last {
                    put(Step::Capture { hold, amount, last: false }, Difference::Shape);
                }
            }
            Step::Void { hold } => {
                put(Step::Void { hold: 47 }, Difference::Hold);
                put(Step::Expire { hold }, Difference::Shape);
            }
            Step::Expire { .. } => {}
        }
    }
    all
}

fn check(steps: Vec<Step>, forced: bool) {
    let directory = tempfile::tempdir().expect("a directory");
    let clock = noon();
    let store = world(directory.path(), &clock);
    let new = Entry { forced, ..entry(NEW, steps) };
    let Ok(first) = try_post(&store, &new) else {
        assert_eq!(lines(&store), 8, "what is refused writes nothing");
        return;
    };
    let (written, figures) = (lines(&store), [1, 2, 3, 4, 5, 6].map(|no| posted(&store, no)));
    let same = |store: &Store| {
        let again = try_post(store, &new).unwrap_or_else(|refusal| panic!("{refusal}: {new:?}"));
        assert_eq!((again.repeated, again.entry, &again.lines), (true, first.entry, &first.lines));
        for (other, what) in changed(&new, &first) {
            assert_eq!(try_post(store, &other), Err(Refusal::Exists(what)), "{other:?} after {new:?}");
        }
        assert_eq!(lines(store), written, "nothing was posted again");
        assert_eq!([1, 2, 3, 4, 5, 6].map(|no| posted(store, no)), figures);
    };
    same(&store);
    drop(store);
    same(&open(directory.path(), &clock));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_entry_of_steps_in_any_order_is_known_again(steps in steps(), forced in prop::bool::weighted(0.3)) {
        check(steps, forced);
    }
}

#[test]
fn a_post_before_a_hold_with_a_time_is_known_again() {
    let (debit, credit) = pair(1);
    let hold = |seconds| Step::Hold { debit, credit, amount: 5, up_to: UpTo::default(), seconds, count: Count::No };
    check(vec![step(2, 3, 7), hold(Some(60))], false);
    check(vec![hold(Some(60)), step(2, 3, 7)], false);
    check(vec![step(2, 3, 7), hold(None)], false);
}

#[test]
fn a_forced_entry_with_shortfalls_is_known_again_step_by_step() {
    // Account 5 has nothing: its receivable pays both.
    check(vec![step(5, 3, 40), step(2, 3, 7), step(5, 3, 2)], true);
    let directory = tempfile::tempdir().expect("a directory");
    let store = world(directory.path(), &noon());
    let of =
        |first: i64, second: i64| Entry { forced: true, ..entry(NEW, vec![step(5, 3, first), step(5, 3, second)]) };
    assert_eq!(try_post(&store, &of(40, 2)).map(|posted| posted.lines.len()), Ok(4));
    let shifted = try_post(&store, &of(2, 40));
    assert_eq!(shifted, Err(Refusal::Exists(Difference::Amount)), "the same sum is not the same entry");
    assert_eq!(posted(&store, 6), 42);
}

#[test]
fn the_same_entry_twice_in_one_unit_is_posted_once() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = world(directory.path(), &noon());
    let (debit, credit) = pair(1);
    let up_to = UpTo { debit: true, credit: false };
    let bounded = Step::Post { debit, credit, amount: 10_000, up_to, count: Count::No };
    let new = entry(NEW, vec![step(1, 3, 1), bounded]);
    let both = done(store.write_blocking(move |uow| Ok(Outcome::Done((uow.post(&new)?, uow.post(&new)?)))));
    let (Ok(first), Ok(second)) = both else { panic!("{both:?}") };
    assert_eq!((first.repeated, second.repeated, first.lines), (false, true, second.lines));
    assert_eq!(lines(&store), 10);
}
