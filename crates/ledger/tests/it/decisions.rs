//! What the ledger decides, story by story. Names of the tests are its promises.

use crate::script::check;

/// Two wallets, the bank's fee income and a stranger's currency.
const PEOPLE: &str = "
    account alice liability floor=0.00
    account shop liability floor=0.00
    account fees income
    account euro liability book=978
";

fn story(script: &str) {
    check(&format!("{PEOPLE}{script}"));
}

#[test]
fn money_moves_and_every_answer_carries_balances_after() {
    story(
        "fund alice 100.00
         post p1 alice -> shop 30.00
         balance alice 70.00
         balance shop 30.00
         post p2 alice -> shop 0.00
         lines 3",
    );
}

#[test]
fn structure_is_refused_before_money() {
    story(
        "post p1 alice -> shop -1.00 → amount_not_positive
         post p2 alice -> alice 1.00 → accounts_same
         post p3 nobody -> shop 1.00 → account_not_found debit
         post p4 alice -> nobody 1.00 → account_not_found credit
         post p5 alice -> euro 1.00 → entry_unbalanced
         close shop
         post p6 alice -> shop 1.00 → account_closed credit
         close alice
         post p7 alice -> shop 1.00 → account_closed debit
         lines 0",
    );
}

#[test]
fn an_account_with_a_floor_never_goes_below_it() {
    story(
        "account line liability floor=-50.00
         fund alice 10.00
         post p1 alice -> shop 10.01 → insufficient_funds available 10.00
         hold h1 alice -> shop 4.00
         available alice 6.00
         post p2 alice -> shop 6.01 → insufficient_funds available 6.00
         post p3 alice -> shop 6.00
         post p4 line -> shop 50.01 → insufficient_funds available 50.00
         post p5 line -> shop 50.00
         balance line -50.00
         account till asset floor=0.00
         post p6 shop -> till 1.00 → insufficient_funds available 0.00
         post p7 till -> shop 5.00
         post p8 shop -> till 5.00
         hold h2 till -> shop 1.00
         post p9 shop -> till 0.01 → insufficient_funds available 0.00",
    );
}

#[test]
fn freezes_bind_everybody_but_the_bank() {
    story(
        "fund alice 100.00
         freeze alice debit
         post p1 alice -> shop 1.00 → account_frozen debit
         hold h1 alice -> shop 1.00 → account_frozen debit
         fund alice 1.00
         freeze alice credit
         post p2 shop -> alice 0.00 → account_frozen credit
         freeze alice off
         freeze alice 95.00
         available alice 6.00
         post p3 alice -> shop 6.01 → insufficient_funds available 6.00
         post p4 alice -> shop 50.00 upto=debit
         balance alice 95.00
         freeze alice debit
         post p5 alice -> shop 90.00 forced
         balance alice 5.00",
    );
}

#[test]
fn a_capture_releases_the_rest() {
    story(
        "fund alice 100.00
         hold h1 alice -> shop 40.00 ttl=60s
         balance alice 100.00 40.00
         capture c0 h1 40.01 → capture_exceeds_hold remaining 40.00
         capture c1 h1 -1.00 → amount_not_positive
         capture c2 h1 15.00
         balance alice 85.00
         balance shop 15.00
         capture c3 h1 1.00 → hold_already_captured
         void v1 h1 → hold_already_captured
         expire e1 h1 → hold_already_captured
         capture c4 h9 1.00 → hold_not_found",
    );
}

#[test]
fn a_capture_that_is_not_the_last_keeps_the_rest_held() {
    story(
        "fund alice 100.00
         hold h1 alice -> shop 40.00
         capture c1 h1 15.00 more
         balance alice 85.00 25.00
         capture c2 h1 25.01 → capture_exceeds_hold remaining 25.00
         capture c3 h1 10.00 more
         void v1 h1
         balance alice 75.00
         capture c4 h1 1.00 → hold_already_voided
         void v2 h1 → hold_already_voided
         hold h2 alice -> shop 40.00
         capture c5 h2 40.00 more
         capture c6 h2 0.00 → hold_already_captured
         hold h3 alice -> shop 5.00
         capture c7 h3
         balance alice 30.00",
    );
}

#[test]
fn a_hold_whose_time_is_over_can_only_expire() {
    story(
        "fund alice 100.00
         hold h1 alice -> shop 40.00 ttl=60s
         tick 59s
         expire e1 h1 → hold_not_over
         tick 1s
         capture c1 h1 40.00 → hold_expired
         void v1 h1 → hold_expired
         balance alice 100.00 40.00
         expire e2 h1
         balance alice 100.00
         expire e3 h1 → hold_expired
         capture c2 h1 41.00 → capture_exceeds_hold
         hold h2 alice -> shop 1.00
         tick 9000d
         expire e4 h2 → hold_not_over
         capture c3 h2",
    );
}

#[test]
fn a_hold_survives_a_freeze_but_not_the_end_of_the_account() {
    story(
        "fund alice 10.00
         hold h1 alice -> shop 4.00
         hold h2 alice -> shop 4.00
         freeze alice debit
         freeze shop credit
         capture c1 h1
         close shop
         capture c2 h2 → account_closed credit
         void v1 h2
         balance alice 6.00",
    );
}

#[test]
fn as_much_as_is_available_may_be_nothing() {
    story(
        "fund alice 10.00
         hold h1 alice -> shop 4.00
         post p1 alice -> shop 9.00 upto=debit
         balance alice 4.00 4.00
         post p2 alice -> shop 9.00 upto=debit
         balance shop 6.00
         account card asset
         post p3 card -> shop 1.00
         post p4 shop -> card 5.00 upto=credit
         balance card 0.00
         hold h2 shop -> fees 100.00 upto=debit
         balance shop 6.00 6.00",
    );
}

#[test]
fn what_is_forced_never_fails_and_the_receivable_owes_the_rest() {
    story(
        "account owed asset
         account bob liability floor=-5.00 receivable=owed
         fund bob 10.00
         hold h1 bob -> shop 3.00
         freeze bob debit
         freeze shop credit
         post p1 bob -> shop 20.00 forced
         balance bob -2.00 3.00
         balance owed 8.00
         balance shop 20.00
         lines 4
         post p1 bob -> shop 20.00 forced → repeated
         post p1 bob -> shop 12.00 forced → entry_exists amount
         capture c1 h1
         balance bob -5.00
         fund bob 30.00
         freeze bob 20.00
         post p7 bob -> shop 24.00 forced
         balance bob 1.00
         balance owed 8.00
         fund alice 1.00
         post p2 alice -> shop 5.00 forced
         balance alice -4.00
         post p3 alice -> shop 0.00 → account_frozen credit
         freeze shop off
         post p4 alice -> shop 0.00 → insufficient_funds available 0.00
         post p5 nobody -> shop 1.00 forced → account_not_found debit
         close alice
         post p6 alice -> shop 1.00 forced → account_closed debit
         hold h2 bob -> shop 6.01 forced → insufficient_funds available 6.00",
    );
}

#[test]
fn steps_of_an_entry_are_posted_together_or_not_at_all() {
    story(
        "fund alice 10.00
         entry e1 | alice -> shop 10.00 | shop -> fees 0.50
         balance shop 9.50
         balance fees 0.50
         entry e2 | shop -> alice 9.50 | alice -> fees 9.51 → insufficient_funds available 9.50
         balance shop 9.50
         entry e3 | shop -> alice 1.00 | alice -> alice 1.00 → accounts_same
         account owed asset
         account bob liability floor=0.00 receivable=owed
         entry e4 | bob -> shop 2.00 | shop -> fees 1.00 forced
         balance owed 2.00
         balance shop 10.50
         entry e4 | bob -> shop 2.00 | shop -> fees 1.00 forced → repeated
         entry e4 | bob -> shop 2.00 | shop -> fees 1.01 forced → entry_exists amount",
    );
}

#[test]
fn a_linked_chain_is_all_or_nothing() {
    story(
        "fund alice 10.00
         chain | post a1 alice -> shop 10.00 | post a2 shop -> fees 1.00
         balance shop 9.00
         chain | post b1 shop -> alice 5.00 | post b2 alice -> fees 5.01 | post b3 shop -> fees 1.00 → 1 insufficient_funds
         balance shop 9.00
         chain | hold h1 shop -> alice 9.00 | capture c1 h1 2.00 | post b4 shop -> fees 7.01 → 2 insufficient_funds
         chain | hold h1 shop -> alice 9.00 | capture c1 h1 2.00 | post b4 shop -> fees 7.00
         balance shop 0.00
         chain | hold h1 shop -> alice 9.00 | capture c1 h1 2.00 | post b4 shop -> fees 7.00 → repeated",
    );
}

#[test]
fn the_same_id_with_the_same_content_is_posted_once() {
    story(
        "fund alice 100.00
         post p1 alice -> shop 30.00 cause=7
         tick 1d
         post p1 alice -> shop 30.00 cause=7 → repeated
         post p1 alice -> shop 31.00 cause=7 → entry_exists amount
         post p1 alice -> shop 30.00 cause=8 → entry_exists cause
         close shop
         post p1 alice -> shop 30.00 cause=7 → repeated
         balance shop 30.00",
    );
}

#[test]
fn other_content_under_the_same_id_is_named_in_a_fixed_order() {
    story(
        "fund alice 100.00
         hold h1 alice -> shop 9.00 ttl=60s
         hold h1 shop -> fees 8.00 ttl=9s cause=1 actor=1 policy=1 kind=2 version=2 channel=2 reverses=2 count → entry_exists steps
         post h1 shop -> fees 8.00 → entry_exists steps
         hold h1 alice -> shop 9.00 ttl=60s forced → entry_exists steps
         hold h1 shop -> fees 8.00 ttl=9s cause=1 actor=1 policy=1 kind=2 version=2 channel=2 reverses=2 → entry_exists time to live
         hold h1 shop -> fees 8.00 ttl=60s cause=1 actor=1 policy=1 kind=2 version=2 channel=2 reverses=2 → entry_exists debit account
         hold h1 alice -> fees 8.00 ttl=60s cause=1 actor=1 policy=1 kind=2 version=2 channel=2 reverses=2 → entry_exists credit account
         hold h1 alice -> shop 8.00 ttl=60s cause=1 actor=1 policy=1 kind=2 version=2 channel=2 reverses=2 → entry_exists amount
         hold h1 alice -> shop 9.00 ttl=60s cause=1 actor=1 policy=1 kind=2 version=2 channel=2 reverses=2 → entry_exists cause
         hold h1 alice -> shop 9.00 ttl=60s actor=1 policy=1 kind=2 version=2 channel=2 reverses=2 → entry_exists actor
         hold h1 alice -> shop 9.00 ttl=60s policy=1 kind=2 version=2 channel=2 reverses=2 → entry_exists policy version
         hold h1 alice -> shop 9.00 ttl=60s kind=2 version=2 channel=2 reverses=2 → entry_exists type
         hold h1 alice -> shop 9.00 ttl=60s version=2 channel=2 reverses=2 → entry_exists schema version
         hold h1 alice -> shop 9.00 ttl=60s channel=2 reverses=2 → entry_exists channel
         hold h1 alice -> shop 9.00 ttl=60s reverses=2 → entry_exists reversed entry
         hold h1 alice -> shop 9.00 ttl=60s → repeated
         lines 2",
    );
}

#[test]
fn ends_of_holds_repeat_too() {
    story(
        "fund alice 100.00
         hold h1 alice -> shop 9.00
         hold h2 alice -> shop 9.00
         capture c1 h1 5.00 more
         capture c1 h1 5.00 more → repeated
         capture c1 h2 5.00 more → entry_exists hold
         capture c1 h1 4.00 more → entry_exists amount
         capture c2 h1 3.00
         capture c2 h1 → entry_exists amount
         capture c2 h1 3.00 more → entry_exists steps
         capture c2 h1 3.00 → repeated
         void v1 h2
         void v1 h2 → repeated
         void v1 h1 → entry_exists hold
         hold h3 alice -> shop 9.00
         capture c3 h3
         capture c3 h3 9.00 → repeated
         capture c3 h3 9.00 more → repeated
         capture c3 h3 → repeated",
    );
}

#[test]
fn a_bounded_step_repeats_while_what_it_came_to_is_within_what_is_asked() {
    story(
        "fund alice 5.00
         post p1 alice -> shop 9.00 upto=debit
         post p1 alice -> shop 9.00 upto=debit → repeated
         post p1 alice -> shop 5.00 upto=debit → repeated
         post p1 alice -> shop 4.99 upto=debit → entry_exists amount
         post p1 alice -> shop 9.00 → entry_exists steps",
    );
}
