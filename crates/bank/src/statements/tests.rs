//! Statements: they begin and end where the balance does, merge an entry's lines, and run nothing in a spreadsheet.

use crate::statements::csv::text;
use crate::statements::{self, Statement};
use crate::testing::{TestBank, TestCustomer, cny};
use crate::topups::tests::spend;
use vocabulary::BookingDate;

const DAY: i64 = 86_400;

fn monday() -> BookingDate {
    BookingDate::parse("2026-11-23").expect("a day")
}

async fn drawn(bank: &TestBank, customer: &TestCustomer, from: i32, to: i32) -> Result<Statement, String> {
    let (bank, wallet, period) =
        (bank.bank.clone(), customer.wallet, (monday().plus_days(from), monday().plus_days(to)));
    let work = move || statements::of_wallet(&bank, wallet, cny(), period);
    let found = tokio::task::spawn_blocking(work).await.expect("no panic").expect("no trouble");
    found.map_err(|refusal| refusal.code.as_str().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn opening_and_records_make_closing_for_every_period() {
    let bank = TestBank::new();
    let alice = bank.customer("Alice Zhang", 5_000);
    spend(&bank, alice.account.account, 1_000).await;
    bank.clock.advance(DAY);
    crate::rail_feed::tests::topped_up(&bank, &alice, 300).await;
    bank.clock.advance(DAY);
    spend(&bank, alice.account.account, 40).await;
    for (from, to, opening, amounts, closing) in [
        (0, 0, 0, vec![5_000, -1_000], 4_000),
        (1, 1, 4_000, vec![300], 4_300),
        (0, 2, 0, vec![5_000, -1_000, 300, -40], 4_260),
        (2, 9, 4_300, vec![-40], 4_260),
        (5, 9, 4_260, vec![], 4_260),
        (-9, -1, 0, vec![], 0),
    ] {
        let found = drawn(&bank, &alice, from, to).await.expect("drawn up");
        let moved: Vec<i64> = found.records.iter().map(|record| record.amount_minor).collect();
        assert_eq!((found.opening_minor, &moved, found.closing_minor), (opening, &amounts, closing), "{from} to {to}");
        assert_eq!(opening + moved.iter().sum::<i64>(), closing);
        let last = found.records.last().map_or(closing, |record| record.balance_after_minor);
        assert_eq!(last, closing);
    }
    let found = drawn(&bank, &alice, 1, 1).await.expect("drawn up");
    assert_eq!((found.records[0].kind.as_str(), found.records[0].counterparty.as_str()), ("top_up", "nostro"));
    assert_eq!(drawn(&bank, &alice, 1, 0).await.expect_err("upside down"), "invalid_parameter");
    let csv = statements::to_csv(&found);
    let rows: Vec<&str> = csv.split("\r\n").collect();
    assert_eq!(rows.len(), 5, "header, opening, one record, closing, and the end: {csv}");
    assert!(rows[1].contains("opening_balance,,,CNY,40.00") && rows[2].contains(",top_up,nostro,3.00,CNY,43.00,"));
    assert!(rows.iter().take(4).all(|row| row.split(',').count() == 10), "{csv}");
}

#[test]
fn a_text_never_becomes_a_formula_or_breaks_a_row() {
    for (field, written) in [
        ("Tea House", "Tea House"),
        ("=HYPERLINK(\"x\")", "\"'=HYPERLINK(\"\"x\"\")\""),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\tx", "'\tx"),
        ("＝1", "'＝1"),
        ("a,b", "\"a,b\""),
        ("a\nb", "\"a\nb\""),
    ] {
        assert_eq!(text(field), written);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_period_costs_what_it_moved_however_much_came_after_it() {
    let bank = TestBank::new();
    let (alice, bob) = (bank.customer("Alice Zhang", 100_000), bank.customer("Bob Li", 7_000));
    let account = alice.account.account;
    for _ in 0..3 {
        spend(&bank, account, 1_000).await;
    }
    let whole = drawn(&bank, &alice, 0, 0).await.expect("drawn up");
    bank.clock.advance(DAY);
    bank.run_jobs();
    for _ in 0..300 {
        spend(&bank, account, 10).await;
    }
    bank.clock.advance(DAY);
    bank.run_jobs();
    spend(&bank, bob.account.account, 70).await;
    let looked_at = async |customer: &TestCustomer, from: i32, to: i32| {
        let (bank, account) = (bank.bank.clone(), customer.account.account);
        let period = (monday().plus_days(from), monday().plus_days(to));
        let work = move || super::draw_up::gather(&bank, account, period);
        let found = tokio::task::spawn_blocking(work).await.expect("no panic").expect("no trouble");
        found.unwrap_or_else(|refusal| panic!("{refusal:?}")).looked_at
    };
    assert_eq!(
        looked_at(&alice, 0, 0).await,
        4,
        "the opening balance and three movements, and none of the 300 after them"
    );
    assert_eq!(looked_at(&alice, -9, -1).await, 0, "before the books began");
    assert_eq!(looked_at(&alice, 1, 1).await, 301, "up to the line that tells the opening balance");
    assert_eq!(looked_at(&bob, 1, 1).await, 1, "nothing but the line that tells the opening balance");
    assert_eq!(drawn(&bank, &alice, 0, 0).await.expect("drawn up"), whole, "as it was when the day was open");
    let second = drawn(&bank, &alice, 1, 1).await.expect("drawn up");
    assert_eq!((second.opening_minor, second.records.len(), second.closing_minor), (97_000, 300, 94_000));
    let idle = drawn(&bank, &bob, 1, 1).await.expect("drawn up");
    assert_eq!((idle.opening_minor, idle.records.len(), idle.closing_minor), (7_000, 0, 7_000));
    let open = drawn(&bank, &bob, 2, 2).await.expect("drawn up");
    assert_eq!((open.opening_minor, open.closing_minor), (7_000, 6_930));
}
