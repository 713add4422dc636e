//! Case tables of our own, for what the shared ones leave out: how pending transfers end, and accounts that exist.

use crate::cases::MemoryBank;
use crate::ledger_cases::{Report, run_text};
use serde_json::{Value, json};

fn run(steps: &[Value]) -> Report {
    let file = json!({ "cases": [{ "test": "own", "block": 0, "steps": steps }] });
    run_text(&file.to_string(), &mut MemoryBank::new()).expect("a case file")
}

fn passes(steps: &[Value]) {
    assert_eq!(run(steps).failures, Vec::<String>::new());
}

fn account(id: u32, ledger: u32, expect: &str) -> Value {
    json!({ "op": "account", "id": id, "ledger": ledger, "code": 1, "expect": expect })
}

fn commit(what: &str) -> Value {
    json!({ "op": "commit", "args": [what] })
}

/// A transfer with ledger 1 and code 1 from account 1 to account 2, and what else is said.
fn transfer(id: u32, fields: &Value, expect: &str) -> Value {
    let mut all = json!({
        "op": "transfer", "id": id, "debit_account_id": 1, "credit_account_id": 2, "ledger": 1, "code": 1,
        "expect": expect,
    });
    for (name, value) in fields.as_object().expect("fields") {
        all[name] = value.clone();
    }
    all
}

/// A transfer that names nothing but a pending transfer.
fn ending(id: u32, pending: u32, flag: &str, fields: &Value, expect: &str) -> Value {
    let mut all = json!({
        "op": "transfer", "id": id, "debit_account_id": 0, "credit_account_id": 0, "ledger": 0, "code": 0,
        "pending_id": pending, "expect": expect,
    });
    all[flag] = json!(true);
    for (name, value) in fields.as_object().expect("fields") {
        all[name] = value.clone();
    }
    all
}

const POST: &str = "post_pending_transfer";
const VOID: &str = "void_pending_transfer";

fn pending_transfers() -> Vec<Value> {
    vec![
        account(1, 1, "created"),
        account(2, 1, "created"),
        account(3, 1, "created"),
        account(4, 2, "created"),
        commit("create_accounts"),
        transfer(1, &json!({ "amount": 15 }), "created"),
        transfer(2, &json!({ "amount": 15, "pending": true, "user_data_64": 9 }), "created"),
        transfer(3, &json!({ "amount": 15, "pending": true, "timeout": 50 }), "created"),
        transfer(4, &json!({ "amount": 15, "pending": true, "timeout": 1 }), "created"),
        commit("create_transfers"),
        json!({ "op": "lookup_account", "args": [1, 45, 15, 0, 0, null] }),
    ]
}

#[test]
fn ends_of_pending_transfers_are_refused_in_order() {
    let mut steps = pending_transfers();
    let wrong = json!({
        "amount": 16, "timeout": 1, "debit_account_id": 8, "credit_account_id": 9, "ledger": 7, "code": 7,
    });
    let but = |fields: Value| {
        let mut all = wrong.clone();
        for (name, value) in fields.as_object().expect("fields") {
            all[name] = value.clone();
        }
        all
    };
    steps.extend([
        ending(0, 0, POST, &but(json!({ "padding": 1, VOID: true, "timestamp": 1 })), "timestamp_must_be_zero"),
        ending(0, 0, POST, &but(json!({ "padding": 1, VOID: true })), "reserved_flag"),
        ending(0, 0, POST, &but(json!({ VOID: true })), "id_must_not_be_zero"),
        ending(2, 0, POST, &but(json!({ VOID: true })), "exists_with_different_flags"),
        ending(9, 0, POST, &but(json!({ VOID: true })), "flags_are_mutually_exclusive"),
        ending(9, 0, POST, &but(json!({ "pending": true })), "flags_are_mutually_exclusive"),
        ending(9, 0, VOID, &but(json!({ "balancing_debit": true })), "flags_are_mutually_exclusive"),
        ending(9, 0, POST, &wrong, "pending_id_must_not_be_zero"),
        ending(9, 0, POST, &but(json!({ "pending_id": { "max_minus": 0 } })), "pending_id_must_not_be_int_max"),
        ending(9, 9, POST, &wrong, "pending_id_must_be_different"),
        ending(9, 8, POST, &wrong, "timeout_reserved_for_pending_transfer"),
        ending(9, 8, POST, &but(json!({ "timeout": 0 })), "pending_transfer_not_found"),
        ending(9, 2, POST, &json!({}), "id_already_failed"),
        ending(10, 1, POST, &but(json!({ "timeout": 0 })), "pending_transfer_not_pending"),
        ending(10, 2, POST, &but(json!({ "timeout": 0 })), "pending_transfer_has_different_debit_account_id"),
        ending(
            10,
            2,
            POST,
            &but(json!({ "timeout": 0, "debit_account_id": 1 })),
            "pending_transfer_has_different_credit_account_id",
        ),
        ending(10, 2, POST, &json!({ "amount": 16, "ledger": 7, "code": 7 }), "pending_transfer_has_different_ledger"),
        ending(10, 2, POST, &json!({ "amount": 16, "code": 7 }), "pending_transfer_has_different_code"),
        ending(10, 2, POST, &json!({ "amount": 16 }), "exceeds_pending_transfer_amount"),
        ending(10, 2, VOID, &json!({ "amount": 16 }), "exceeds_pending_transfer_amount"),
        ending(10, 2, VOID, &json!({ "amount": 14 }), "pending_transfer_has_different_amount"),
        ending(10, 2, POST, &json!({ "amount": 13, "user_data_128": 1 }), "created"),
        ending(11, 2, POST, &json!({ "amount": 16 }), "exceeds_pending_transfer_amount"),
        ending(11, 2, POST, &json!({ "amount": 13 }), "pending_transfer_already_posted"),
        ending(11, 2, VOID, &json!({}), "pending_transfer_already_posted"),
        ending(12, 3, VOID, &json!({ "amount": 15 }), "created"),
        ending(13, 3, VOID, &json!({}), "pending_transfer_already_voided"),
        ending(13, 3, POST, &json!({ "amount": { "max_minus": 0 } }), "pending_transfer_already_voided"),
        commit("create_transfers"),
        json!({ "op": "lookup_account", "args": [1, 15, 28, 0, 0, null] }),
        json!({ "op": "tick", "args": [1, "seconds"] }),
        json!({ "op": "lookup_account", "args": [1, 0, 28, 0, 0, null] }),
        ending(14, 4, VOID, &json!({}), "pending_transfer_expired"),
        commit("create_transfers"),
        json!({ "op": "lookup_transfer", "args": [12, "amount", 15] }),
        json!({ "op": "lookup_transfer", "args": [14, "exists", false] }),
    ]);
    passes(&steps);
}

#[test]
fn ends_of_pending_transfers_that_exist_are_compared_in_order() {
    let mut steps = pending_transfers();
    steps.extend([
        ending(10, 2, POST, &json!({ "amount": 13, "user_data_128": 5 }), "created"),
        ending(11, 3, VOID, &json!({ "user_data_32": 3 }), "created"),
        commit("create_transfers"),
        ending(10, 2, VOID, &json!({ "amount": 13 }), "exists_with_different_flags"),
        ending(10, 3, POST, &json!({ "timeout": 3, "amount": 9 }), "exists_with_different_pending_id"),
        ending(10, 2, POST, &json!({ "timeout": 3, "debit_account_id": 2 }), "exists_with_different_timeout"),
        ending(10, 2, POST, &json!({ "debit_account_id": 2 }), "exists_with_different_debit_account_id"),
        ending(10, 2, POST, &json!({ "credit_account_id": 1 }), "exists_with_different_credit_account_id"),
        ending(10, 2, POST, &json!({ "amount": 14 }), "exists_with_different_amount"),
        ending(10, 2, POST, &json!({ "amount": { "max_minus": 0 } }), "exists_with_different_amount"),
        ending(10, 2, POST, &json!({ "amount": 13 }), "exists_with_different_user_data_128"),
        ending(
            10,
            2,
            POST,
            &json!({ "amount": 13, "user_data_128": 5, "user_data_64": 8 }),
            "exists_with_different_user_data_64",
        ),
        ending(
            10,
            2,
            POST,
            &json!({ "amount": 13, "user_data_128": 5, "user_data_32": 8 }),
            "exists_with_different_user_data_32",
        ),
        ending(10, 2, POST, &json!({ "amount": 13, "user_data_128": 5, "ledger": 2 }), "exists_with_different_ledger"),
        ending(10, 2, POST, &json!({ "amount": 13, "user_data_128": 5, "code": 2 }), "exists_with_different_code"),
        ending(10, 2, POST, &json!({ "amount": 13, "user_data_128": 5, "user_data_64": 9 }), "exists"),
        ending(11, 3, VOID, &json!({ "amount": 14 }), "exists_with_different_amount"),
        ending(11, 3, VOID, &json!({}), "exists_with_different_user_data_32"),
        ending(11, 3, VOID, &json!({ "user_data_32": 3 }), "exists"),
        ending(10, 2, POST, &json!({ "linked": true }), "exists_with_different_flags"),
        transfer(12, &json!({ "amount": 1 }), "linked_event_failed"),
        commit("create_transfers"),
    ]);
    passes(&steps);
}

#[test]
fn a_pending_transfer_may_end_in_the_chain_that_placed_it() {
    let mut steps = pending_transfers();
    let hold = json!({ "amount": 5, "pending": true, "linked": true });
    steps.extend([
        transfer(20, &hold, "linked_event_failed"),
        ending(21, 20, POST, &json!({ "amount": 3, "linked": true }), "linked_event_failed"),
        ending(22, 20, VOID, &json!({}), "pending_transfer_already_posted"),
        transfer(20, &hold, "created"),
        ending(21, 20, POST, &json!({ "amount": 3 }), "created"),
        transfer(23, &json!({ "amount": 5, "linked": true }), "linked_event_failed"),
        transfer(23, &json!({ "amount": 5, "linked": true }), "exists"),
        transfer(24, &json!({ "amount": 5 }), "linked_event_failed"),
        commit("create_transfers"),
        json!({ "op": "lookup_account", "args": [1, 45, 18, 0, 0, null] }),
        json!({ "op": "lookup_transfer", "args": [23, "exists", false] }),
        json!({ "op": "lookup_transfer", "args": [21, "amount", 3] }),
    ]);
    passes(&steps);
}

#[test]
fn accounts_are_refused_in_order() {
    let with = |id: u32, fields: Value, expect: &str| {
        let mut all = account(id, 0, expect);
        all["code"] = json!(0);
        for (name, value) in fields.as_object().expect("fields") {
            all[name] = value.clone();
        }
        all
    };
    let (less, more) = ("debits_must_not_exceed_credits", "credits_must_not_exceed_debits");
    passes(&[
        with(0, json!({ "timestamp": 1, "reserved": 1, "padding": 1 }), "timestamp_must_be_zero"),
        with(0, json!({ "reserved": 1, "padding": 1 }), "reserved_field"),
        with(0, json!({ "padding": 1 }), "reserved_flag"),
        with(0, json!({ less: true, more: true }), "id_must_not_be_zero"),
        with(1, json!({ "id": { "max_minus": 0 } }), "id_must_not_be_int_max"),
        with(1, json!({ less: true, more: true, "debits_pending": 1 }), "flags_are_mutually_exclusive"),
        with(1, json!({ "debits_pending": 1, "debits_posted": 1 }), "debits_pending_must_be_zero"),
        with(1, json!({ "debits_posted": 1, "credits_pending": 1 }), "debits_posted_must_be_zero"),
        with(1, json!({ "credits_pending": 1, "credits_posted": 1 }), "credits_pending_must_be_zero"),
        with(1, json!({ "credits_posted": 1 }), "credits_posted_must_be_zero"),
        with(1, json!({}), "ledger_must_not_be_zero"),
        with(1, json!({ "ledger": 1 }), "code_must_not_be_zero"),
        with(1, json!({ "ledger": 1, "code": 1, "user_data_64": 4, "history": true }), "created"),
        with(1, json!({ less: true, more: true }), "exists_with_different_flags"),
        with(1, json!({ "history": true, "user_data_128": 1 }), "exists_with_different_user_data_128"),
        with(1, json!({ "history": true, "user_data_32": 1 }), "exists_with_different_user_data_64"),
        with(1, json!({ "history": true, "user_data_64": 4, "user_data_32": 1 }), "exists_with_different_user_data_32"),
        with(1, json!({ "history": true, "user_data_64": 4 }), "exists_with_different_ledger"),
        with(1, json!({ "history": true, "user_data_64": 4, "ledger": 1 }), "exists_with_different_code"),
        with(1, json!({ "history": true, "user_data_64": 4, "ledger": 1, "code": 1 }), "exists"),
        commit("create_accounts"),
    ]);
}

#[test]
fn what_is_not_offered_is_skipped_with_all_that_depends_on_it() {
    let mut steps = pending_transfers();
    steps.extend([
        transfer(30, &json!({ "amount": 0, "pending": true, "closing_debit": true }), "created"),
        transfer(31, &json!({ "amount": 1 }), "debit_account_already_closed"),
        ending(32, 30, VOID, &json!({}), "created"),
        transfer(
            33,
            &json!({ "amount": 1, "debit_account_id": 3, "credit_account_id": 4 }),
            "accounts_must_have_the_same_ledger",
        ),
        commit("create_transfers"),
        json!({ "op": "lookup_account", "args": [1, 45, 15, 0, 0, "CLSD"] }),
        json!({ "op": "lookup_account", "args": [3, 0, 0, 0, 0, null] }),
        json!({ "op": "get_account_transfers", "args": [1] }),
    ]);
    let report = run(&steps);
    assert_eq!(report.failures, Vec::<String>::new());
    let skipped: Vec<(&str, usize)> = report.skipped.iter().map(|(name, count)| (name.as_str(), *count)).collect();
    assert_eq!(skipped, [("closed", 1), ("closing_debit", 3), ("get_account_transfers", 1)]);
    assert!(report.to_string().contains("5 skipped (closed: 1, closing_debit: 3, get_account_transfers: 1)"));
}
