//! Lists, and many payments in one unit of work.

use super::{World, yuan};
use crate::payments::{self, PayCommand, RowOutcome, pay_many};
use vocabulary::{Id, kinds};

fn listed(world: &World, before: Option<Id<kinds::Payment>>, limit: usize) -> Vec<i64> {
    let found = world.test.bank.store().read_blocking(|snapshot| {
        let all = payments::list_by_account(snapshot, world.shop.account, before, limit)?;
        let payer = payments::list_by_account(snapshot, world.alice.account.account, before, limit)?;
        assert_eq!(all, payer, "payer and merchant see the same payments");
        Ok(all)
    });
    found.expect("no trouble").iter().map(|payment| payment.amount).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn payments_are_listed_newest_first_page_by_page() {
    let world = World::new(100_000, 0).await;
    let mut ids = Vec::new();
    for minor in 1..=8_i64 {
        let id = if minor % 3 == 0 {
            let held = world.hold(minor * 100, &format!("{minor}"), None).await.expect("it is held").id;
            world.capture(held, (None, true), &format!("capture {minor}")).await.expect("it is captured");
            held
        } else {
            world.paid(minor * 100, &format!("{minor}")).await.id
        };
        ids.push(id);
    }
    world.refund(world.refund_command(ids[0], None, "refund")).await.expect("it is refunded");
    assert_eq!(listed(&world, None, 3), [800, 700, 600]);
    assert_eq!(listed(&world, Some(ids[5]), 3), [500, 400, 300]);
    assert_eq!(listed(&world, Some(ids[2]), 100), [200, 100]);
    assert_eq!(listed(&world, Some(Id::from_u128(1)), 3), Vec::<i64>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replayed_chunk_pays_nothing_twice_and_reports_bad_rows() {
    let world = World::free(10_000, 0).await;
    let rows = |count: i64| -> Vec<PayCommand> {
        (0..count)
            .map(|row| {
                let minor = if row == 2 { 1_000_000 } else { 100 + row };
                world.command(&world.alice, minor, &format!("row {row}"))
            })
            .collect()
    };
    let run = |count| {
        let (bank, rows) = (world.test.bank.clone(), rows(count));
        std::thread::spawn(move || pay_many(&bank, rows)).join().expect("no panic").expect("no trouble")
    };
    let tell = |outcomes: &[RowOutcome]| -> String {
        let letter = |outcome: &RowOutcome| match outcome {
            RowOutcome::Paid(_, false) => 'p',
            RowOutcome::Paid(_, true) => 'P',
            RowOutcome::Refused(_, false) => 'r',
            RowOutcome::Refused(_, true) => 'R',
            RowOutcome::KeyReused => 'k',
        };
        outcomes.iter().map(letter).collect()
    };
    assert_eq!(tell(&run(4)), "pprp");
    assert_eq!(world.balances().2, 304);
    assert_eq!(tell(&run(6)), "PPRPpp");
    assert_eq!(world.balances().2, 304 + 104 + 105);
    let other = PayCommand { amount: Some(yuan(1)), ..world.command(&world.alice, 1, "row 0") };
    let bank = world.test.bank.clone();
    let found = std::thread::spawn(move || pay_many(&bank, vec![other])).join().expect("no panic").expect("no trouble");
    assert_eq!(tell(&found), "k");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_too_many_rows_is_refused_whole() {
    let world = World::free(10_000, 0).await;
    let rows = (0..=payments::MOST).map(|row| world.command(&world.alice, 1, &format!("row {row}"))).collect();
    let bank = world.test.bank.clone();
    let found = std::thread::spawn(move || pay_many(&bank, rows)).join().expect("no panic");
    assert!(matches!(found, Err(crate::BankError::TooMany { most: payments::MOST })), "{found:?}");
    assert_eq!(world.balances().2, 0);
}
