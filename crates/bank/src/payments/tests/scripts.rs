//! The life of a payment as scripts: each line is an action and what it must come to.

use super::{World, code};
use std::collections::HashMap;
use vocabulary::{Id, kinds};

/// Runs a script. Lines:
/// `pay NAME AMOUNT -> RESULT`, `hold NAME AMOUNT SECONDS -> RESULT`, `capture NAME AMOUNT last|more -> RESULT`,
/// `void NAME -> RESULT`, `refund NAME AMOUNT -> RESULT`, `tick SECONDS`, `state NAME STATE`, `alice POSTED HELD`,
/// `shop POSTED`. Amounts are minor units; a result is `done` or a code.
async fn check(world: &World, script: &str) {
    let mut names: HashMap<&str, Id<kinds::Payment>> = HashMap::new();
    let run = world.test.bank.new_id::<kinds::Request>();
    for (no, line) in script.lines().map(str::trim).enumerate().filter(|(_, line)| !line.is_empty()) {
        let (words, wanted) = line.split_once(" -> ").unwrap_or((line, ""));
        let words: Vec<&str> = words.split_whitespace().collect();
        let number = |at: usize| words[at].parse::<i64>().expect("a number");
        let key = format!("{run} line {no}");
        let found = match words[0] {
            "pay" => {
                let result = world.pay(world.command(&world.alice, number(2), &key)).await;
                result.as_ref().ok().map(|view| names.insert(words[1], view.id));
                code(&result)
            }
            "hold" => {
                let result = world.hold(number(2), &key, u32::try_from(number(3)).ok()).await;
                result.as_ref().ok().map(|view| names.insert(words[1], view.id));
                code(&result)
            }
            "capture" => code(&world.capture(names[words[1]], (Some(number(2)), words[3] == "last"), &key).await),
            "void" => code(&world.void(names[words[1]], &key).await),
            "refund" => code(&world.refund(world.refund_command(names[words[1]], Some(number(2)), &key)).await),
            "tick" => {
                world.tick(number(1));
                ""
            }
            "state" => {
                assert_eq!(world.state(names[words[1]]), words[2], "line {no}: {line}");
                ""
            }
            "alice" => {
                let (posted, held, _) = world.balances();
                assert_eq!((posted, held), (number(1), number(2)), "line {no}: {line}");
                ""
            }
            "shop" => {
                assert_eq!(world.balances().2, number(1), "line {no}: {line}");
                ""
            }
            other => panic!("line {no}: what is {other}?"),
        };
        assert_eq!(found, wanted, "line {no}: {line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_moves_the_amount_and_the_fee_at_once() {
    let world = World::new(100_000, 0).await;
    let script = "
        pay p1 10000 -> done
        state p1 succeeded
        alice 90000 0
        shop 9940
        pay p2 0 -> amount_not_positive
        pay p3 90001 -> insufficient_funds
        alice 90000 0
        capture p1 1 last -> payment_not_held
        void p1 -> payment_not_held";
    check(&world, script).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_is_captured_in_parts_or_voided_or_expires() {
    let world = World::new(100_000, 0).await;
    let script = "
        hold h1 4000 600 -> done
        state h1 held
        alice 100000 4000
        capture h1 4001 last -> capture_exceeds_hold
        capture h1 0 last -> amount_not_positive
        refund h1 1 -> payment_not_captured
        capture h1 1000 more -> done
        state h1 partially_captured
        alice 99000 3000
        shop 994
        capture h1 2000 last -> done
        state h1 captured
        alice 97000 0
        shop 2982
        capture h1 1 last -> hold_already_captured
        void h1 -> hold_already_captured
        hold h2 500 600 -> done
        void h2 -> done
        state h2 voided
        alice 97000 0
        void h2 -> hold_already_voided
        hold h3 500 600 -> done
        tick 601
        state h3 expired
        alice 97000 0
        capture h3 500 last -> hold_expired
        void h3 -> hold_expired";
    check(&world, script).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_captured_stays_when_the_rest_is_voided_or_expires() {
    let world = World::free(100_000, 0).await;
    let script = "
        hold h1 4000 600 -> done
        capture h1 1000 more -> done
        void h1 -> done
        state h1 captured
        hold h2 4000 600 -> done
        capture h2 1500 more -> done
        tick 601
        state h2 captured
        alice 97500 0
        shop 2500
        refund h1 1001 -> refund_exceeds_payment
        refund h1 1000 -> done
        state h1 refunded
        refund h2 500 -> done
        state h2 partially_refunded";
    check(&world, script).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_cannot_be_captured_after_its_time_even_before_its_job_ran() {
    let world = World::free(100_000, 0).await;
    let held = world.hold(500, "hold", Some(60)).await.expect("it is held");
    world.test.clock.advance(60);
    assert_eq!(code(&world.capture(held.id, (None, true), "late").await), "hold_expired");
    world.test.run_jobs();
    assert_eq!(world.state(held.id), "expired");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payer_who_bears_the_fee_pays_it_on_top_and_holds_include_it() {
    let world = World::new(100_000, 0).await;
    world.fee(serde_json::json!({"bearer": "payer", "fixed_minor": 50, "bps": 100})).await;
    let script = "
        pay p1 10000 -> done
        alice 89850 0
        shop 10000
        refund p1 10000 -> done
        alice 100000 0
        shop 0
        hold h1 10000 600 -> done
        alice 100000 10150
        capture h1 4000 more -> done
        alice 95910 6060
        capture h1 6000 last -> done
        alice 89850 0
        shop 10000
        pay p2 89850 -> insufficient_funds";
    check(&world, script).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fee_that_is_not_refundable_stays() {
    let world = World::new(100_000, 0).await;
    let script = "
        pay p1 10000 -> done
        pay p2 10000 -> done
        shop 19880
        refund p1 10000 -> done
        shop 9940";
    check(&world, script).await;
    world.fee(serde_json::json!({"refundable": false})).await;
    let script = "
        pay p3 10000 -> done
        shop 19880
        refund p3 10000 -> done
        shop 9880";
    check(&world, script).await;
}
