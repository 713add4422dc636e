//! Stories of the books: closing days, late entries, trial balances that add up, the export.

use crate::accounting::{self, ExportFormat, TrialBalance};
use crate::bank::Bank;
use crate::chart::{GL_WALLETS, Own};
use crate::testing::TestBank;
use crate::topups::tests::spend;
use vocabulary::BookingDate;

const DAY: i64 = 86_400;

/// Blocking work off the async threads.
async fn off<T: Send + 'static>(bank: &TestBank, work: impl FnOnce(&Bank) -> T + Send + 'static) -> T {
    let bank = bank.bank.clone();
    tokio::task::spawn_blocking(move || work(&bank)).await.expect("no panic")
}

fn monday() -> BookingDate {
    BookingDate::parse("2026-11-23").expect("a day")
}

fn closing(balance: &TrialBalance, code: &str) -> i64 {
    balance.rows.iter().filter(|row| row.gl_code == code && row.currency == "CNY").map(|row| row.closing_minor).sum()
}

fn adds_up(balance: &TrialBalance) {
    assert!(balance.sums().values().all(|sum| *sum == 0), "{balance:?}");
    for row in &balance.rows {
        assert_eq!(row.opening_minor + row.debits_minor - row.credits_minor, row.closing_minor, "{row:?}");
    }
    let moved = |pick: fn(&accounting::TrialRow) -> i64| balance.rows.iter().map(pick).sum::<i64>();
    assert_eq!(moved(|row| row.debits_minor), moved(|row| row.credits_minor));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_closes_once_after_its_cut_off_and_carries_into_the_next() {
    let bank = TestBank::new();
    let alice = bank.customer("Alice Zhang", 5_000);
    spend(&bank, alice.account.account, 1_000).await;
    let early = off(&bank, |bank| accounting::close_day(bank, monday())).await.expect("no trouble");
    assert_eq!(early.expect_err("too early").code.as_str(), "day_not_over");
    bank.clock.advance(DAY);
    bank.run_jobs();
    let again = off(&bank, |bank| accounting::close_day(bank, monday())).await.expect("no trouble");
    assert_eq!(again.expect_err("closed by the job").code.as_str(), "day_already_closed");
    let first =
        off(&bank, |bank| accounting::of_closed_day(bank, monday())).await.expect("no trouble").expect("closed");
    adds_up(&first);
    assert_eq!(closing(&first, GL_WALLETS), -4_000);
    bank.fund(&alice.account, 700);
    bank.clock.advance(2 * DAY);
    bank.run_jobs();
    let tuesday = monday().plus_days(1);
    let second =
        off(&bank, move |bank| accounting::of_closed_day(bank, tuesday)).await.expect("no trouble").expect("closed");
    adds_up(&second);
    let wallets = second.rows.iter().find(|row| row.gl_code == GL_WALLETS).expect("wallets moved");
    assert_eq!((wallets.opening_minor, wallets.credits_minor, wallets.closing_minor), (-4_000, 700, -4_700));
    let quiet =
        off(&bank, move |bank| accounting::of_closed_day(bank, tuesday.plus_days(1))).await.expect("no trouble");
    let quiet = quiet.expect("a day without business closes too");
    assert_eq!((closing(&quiet, GL_WALLETS), quiet.last_line), (-4_700, second.last_line));
    let now = off(&bank, accounting::trial_balance).await.expect("no trouble");
    adds_up(&now);
    assert_eq!(closing(&now, GL_WALLETS), -4_700);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_entry_books_to_the_open_day_and_a_closed_day_stays_as_it_was() {
    let bank = TestBank::new();
    let alice = bank.customer("Alice Zhang", 5_000);
    bank.clock.advance(DAY);
    let closed = off(&bank, accounting::close_due).await.expect("no trouble");
    assert_eq!(closed.len(), 1);
    let before = off(&bank, |bank| accounting::of_closed_day(bank, monday())).await.expect("no trouble");
    spend(&bank, alice.account.account, 10).await;
    let after = off(&bank, |bank| accounting::of_closed_day(bank, monday())).await.expect("no trouble");
    assert_eq!(before, after);
    let line = bank.bank.store().read(|snapshot| snapshot.line(snapshot.last_line())).await.expect("no trouble");
    assert_eq!(line.header.expect("a first line").booking, monday().plus_days(1));
    let bank = bank.restart(2);
    assert!(off(&bank, accounting::close_due).await.expect("no trouble").is_empty(), "closed once, restarts included");
    bank.clock.advance(DAY);
    let next = off(&bank, accounting::close_due).await.expect("no trouble");
    assert_eq!((next.len(), next[0].first_line), (1, closed[0].last_line + 1));
    let tuesday = next[0].day;
    let second =
        off(&bank, move |bank| accounting::of_closed_day(bank, tuesday)).await.expect("no trouble").expect("closed");
    adds_up(&second);
    assert_eq!(closing(&second, GL_WALLETS), -4_990);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_export_has_every_line_that_moved_money_once() {
    let bank = TestBank::new();
    let alice = bank.customer("Alice Zhang", 5_000);
    spend(&bank, alice.account.account, 1_005).await;
    bank.clock.advance(DAY);
    bank.run_jobs();
    bank.fund(&alice.account, 700);
    let export = async |first: BookingDate, last: BookingDate, format| {
        off(&bank, move |bank| {
            let mut out = Vec::new();
            let count =
                accounting::export(bank, (first, last), format, &mut out).expect("no trouble").expect("written");
            (count, String::from_utf8(out).expect("text"))
        })
        .await
    };
    let (tuesday, csv) = (monday().plus_days(1), ExportFormat::Csv);
    let (count, text) = export(monday(), monday(), csv).await;
    let rows: Vec<&str> = text.lines().collect();
    assert_eq!((count, rows.len()), (2, 3));
    assert!(rows[0].starts_with("line,entry,entry_type,booking_date"));
    assert!(
        rows[2].contains(",opening,2026-11-23,2026-11-23,")
            && rows[2].contains(",2010,")
            && rows[2].contains(",10.05,CNY,")
    );
    assert_eq!(rows[0].split(',').count(), rows[2].split(',').count());
    let (count, text) = export(monday(), tuesday, ExportFormat::JsonLines).await;
    let objects: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!((count, objects.len()), (3, 3));
    assert_eq!((&objects[2]["amount"], &objects[2]["booking_date"]), (&"7.00".into(), &"2026-11-24".into()));
    assert_eq!(export(tuesday, tuesday, csv).await.0, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn safeguarding_compares_the_bank_with_what_is_owed() {
    let bank = TestBank::new();
    let alice = bank.customer("Alice Zhang", 0);
    let top_up = crate::rail_feed::tests::topped_up(&bank, &alice, 5_000).await;
    assert_eq!(top_up.credited_minor, 5_000);
    bank.fund(&alice.account, 300);
    let found = off(&bank, accounting::safeguarding).await.expect("no trouble");
    let cny = found.iter().find(|numbers| numbers.currency == "CNY").expect("money is there");
    assert_eq!((cny.at_bank_minor, cny.wallets_minor, cny.surplus_minor), (5_000, 5_300, -300));
    assert_eq!(
        closing(&off(&bank, accounting::trial_balance).await.expect("no trouble"), Own::Nostro.gl_code()),
        5_000
    );
}
