//! Limits: what counts, in which order they are checked, when they reset, and what gives them back.

use crate::script::check;

#[test]
fn limits_are_checked_by_movement_day_month_year() {
    check(
        "group g1 out=50.00,80.00,100.00,120.00
         account alice liability floor=0.00 groups=g1
         account shop liability
         fund alice 1000.00
         post p1 alice -> shop 50.01 count → limit_exceeded g1 out movement left 50.00
         post p2 alice -> shop 50.01
         post p3 alice -> shop 50.00 count
         post p4 alice -> shop 30.01 count → limit_exceeded g1 out day left 30.00 resets 2026-11-23T00:00:00Z
         post p5 alice -> shop 30.00 count
         tick 1d
         used g1 out 0.00 80.00 80.00
         post p6 alice -> shop 20.01 count → limit_exceeded g1 out month left 20.00 resets 2026-12-01T00:00:00Z
         tick 9d
         used g1 out 0.00 0.00 80.00
         post p7 alice -> shop 40.01 count → limit_exceeded g1 out year left 40.00 resets 2027-01-01T00:00:00Z
         post p8 alice -> shop 40.00 count
         tick 31d
         used g1 out 0.00 0.00 0.00
         post p9 alice -> shop 50.00 count",
    );
}

#[test]
fn the_payers_limits_come_before_the_payees_and_the_balance_last() {
    check(
        "group g1 out=-,10.00,-,-
         group g2 in=5.00,20.00,-,- balance=25.00
         account alice liability floor=0.00 groups=g1
         account bob liability groups=g2
         account carol liability floor=0.00
         fund alice 1000.00
         fund carol 1000.00
         post p1 alice -> bob 11.00 count → limit_exceeded g1 out day left 10.00
         post p2 alice -> bob 6.00 count → limit_exceeded g2 in movement left 5.00
         fund bob 21.00
         post p3 carol -> bob 4.01 count → balance_limit_exceeded g2 in balance left 4.00
         hold h1 carol -> bob 3.00 count
         post p4 carol -> bob 1.01 count → balance_limit_exceeded g2 in balance left 1.00
         post p5 carol -> bob 1.00 count
         post p6 carol -> bob 100.00
         post p7 bob -> carol 50.00 count
         used g2 in 4.00 4.00 4.00
         used g2 out 50.00 50.00 50.00
         post p8 alice -> bob 5.00 upto=debit count → balance_limit_exceeded",
    );
}

#[test]
fn funds_are_checked_before_limits() {
    check(
        "group g1 out=1.00,-,-,-
         account alice liability floor=0.00 groups=g1
         account shop liability
         post p1 alice -> shop 2.00 count → insufficient_funds
         fund alice 2.00
         post p2 alice -> shop 2.00 count → limit_exceeded",
    );
}

#[test]
fn a_person_and_an_account_may_both_have_limits() {
    check(
        "group person out=-,30.00,-,-
         group purse out=-,20.00,-,-
         account alice liability floor=0.00 groups=purse,person
         account savings liability floor=0.00 groups=person
         account shop liability
         fund alice 100.00
         fund savings 100.00
         post p1 alice -> shop 20.00 count
         post p2 alice -> shop 0.01 count → limit_exceeded g2
         post p3 savings -> shop 10.01 count → limit_exceeded g1 out day left 10.00
         post p4 savings -> alice 10.00 count
         used person out 30.00 30.00 30.00
         used person in 10.00 10.00 10.00
         used purse in 10.00 10.00 10.00",
    );
}

#[test]
fn a_hold_counts_when_placed_and_gives_back_what_it_did_not_move() {
    check(
        "group g1 out=-,50.00,-,-
         group g2 in=-,50.00,-,-
         account alice liability floor=0.00 groups=g1
         account shop liability groups=g2
         fund alice 1000.00
         hold h1 alice -> shop 40.00 count
         used g1 out 40.00 40.00 40.00
         used g2 in 40.00 40.00 40.00
         hold h2 alice -> shop 10.01 count → limit_exceeded
         capture c1 h1 10.00 more
         used g1 out 40.00 40.00 40.00
         capture c2 h1 10.00
         used g1 out 20.00 20.00 20.00
         used g2 in 20.00 20.00 20.00
         hold h3 alice -> shop 30.00 count ttl=60s
         void v1 h3
         used g1 out 20.00 20.00 20.00
         hold h4 alice -> shop 30.00 count ttl=60s
         tick 60s
         expire e1 h4
         used g1 out 20.00 20.00 20.00
         hold h5 alice -> shop 30.00
         void v2 h5
         used g1 out 20.00 20.00 20.00",
    );
}

#[test]
fn only_windows_that_still_run_get_something_back() {
    check(
        "group g1 out=-,50.00,-,-
         account alice liability floor=0.00 groups=g1
         account shop liability
         fund alice 1000.00
         hold h1 alice -> shop 40.00 count
         hold h2 alice -> shop 5.00 count
         tick 1d
         post p1 alice -> shop 7.00 count
         void v1 h1
         used g1 out 7.00 12.00 12.00
         tick 10d
         void v2 h2
         used g1 out 0.00 0.00 7.00
         tick 330d
         hold h3 alice -> shop 3.00 count
         hold h4 alice -> shop 2.00 count
         tick 20d
         post p2 alice -> shop 9.00 count
         void v3 h3
         used g1 out 9.00 9.00 11.00
         tick 365d
         post p3 alice -> shop 9.00 count
         void v4 h4
         used g1 out 9.00 9.00 9.00",
    );
}

#[test]
fn a_refund_gives_the_payer_back_what_the_payment_used() {
    check(
        "group g1 out=-,50.00,-,- in=-,1.00,-,-
         account alice liability floor=0.00 groups=g1
         account shop liability
         fund alice 1000.00
         post p1 alice -> shop 50.00 count
         post r1 shop -> alice 20.00 back=2026-11-22
         used g1 out 30.00 30.00 30.00
         used g1 in 0.00 0.00 0.00
         tick 1d
         post p2 alice -> shop 5.00 count
         post r2 shop -> alice 10.00 back=2026-11-22
         used g1 out 5.00 25.00 25.00
         post r3 shop -> alice 100.00 back=2026-11-23
         used g1 out 0.00 0.00 0.00",
    );
}

#[test]
fn what_is_taken_back_gives_the_receiver_back_what_it_used() {
    check(
        "group g1 out=-,50.00,-,- in=-,50.00,-,-
         account bank asset
         account alice liability floor=0.00 groups=g1
         post t1 bank -> alice 50.00 count
         used g1 in 50.00 50.00 50.00
         post b1 alice -> bank 20.00 back=2026-11-22
         used g1 in 30.00 30.00 30.00
         used g1 out 0.00 0.00 0.00
         tick 1d
         post b2 alice -> bank 10.00 back=2026-11-22
         used g1 in 0.00 20.00 20.00",
    );
}

#[test]
fn what_is_forced_passes_limits_and_still_counts() {
    check(
        "group g1 out=1.00,1.00,1.00,1.00
         account owed asset
         account alice liability floor=0.00 groups=g1 receivable=owed
         account shop liability
         fund alice 5.00
         post p1 alice -> shop 9.00 count forced
         used g1 out 5.00 5.00 5.00
         balance owed 4.00
         post p2 alice -> shop 0.01 count → insufficient_funds",
    );
}
