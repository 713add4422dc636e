//! Payment codes and ledger case tables.

use crate::program::{run, run_with, shared, text};
use std::collections::BTreeMap;

const GOOD: &str = "00020101021229300012D156000000000510A93FO3230Q31280012D15600000001030812345678520441115802CN5914BEST \
    TRANSPORT6007BEIJING64200002ZH0104最佳运输0202北京540523.7253031565502016233030412340603***0708A600866709\
    02ME91320016A0112233449988770708123456786304A13A";

fn verdicts(file: &str) -> (i32, BTreeMap<String, usize>) {
    let run = run(&["qr", "decode", "--json", &shared(file)]);
    let mut counts = BTreeMap::new();
    for line in run.out.lines() {
        let report: serde_json::Value = serde_json::from_str(line).expect("JSON lines");
        *counts.entry(report["verdict"].as_str().expect("a verdict").to_owned()).or_insert(0) += 1;
    }
    (run.code, counts)
}

fn counts(all: &[(&str, usize)]) -> BTreeMap<String, usize> {
    all.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
}

#[test]
fn published_codes_get_their_verdicts_and_the_exit_code_says_no_for_invalid_ones() {
    assert_eq!(verdicts("qr/mpm_valid.jsonl"), (0, counts(&[("valid", 37)])));
    assert_eq!(verdicts("qr/mpm_profile.jsonl"), (0, counts(&[("profile", 19)])));
    assert_eq!(verdicts("qr/cpm_valid.jsonl"), (0, counts(&[("valid", 3)])));
    assert_eq!(verdicts("qr/cpm_invalid.jsonl"), (1, counts(&[("invalid", 1)])));
    let (code, found) = verdicts("qr/mpm_invalid.jsonl");
    assert_eq!((code, found.get("valid")), (1, None));
}

#[test]
fn a_code_is_read_from_an_argument_and_from_standard_input() {
    let from_word = run(&["qr", "decode", GOOD]);
    assert_eq!(from_word.code, 0, "{}{}", from_word.out, from_word.err);
    assert!(from_word.out.starts_with("valid\n"), "{}", from_word.out);
    assert!(from_word.out.contains("59 Merchant Name: BEST TRANSPORT"), "{}", from_word.out);
    assert_eq!(run_with(&["qr", "decode", "-"], &format!("{GOOD}\r\n")).out, from_word.out);
}

#[test]
fn a_broken_check_sum_is_named() {
    let broken = GOOD.replace("A13A", "A13B");
    let refused = run(&["qr", "decode", "--json", &broken]);
    assert_eq!(refused.code, 1);
    assert_eq!(refused.json()["problems"][0]["code"], "qr_crc_mismatch");
}

#[test]
fn what_was_decoded_is_encoded_byte_for_byte() {
    let decoded = run(&["qr", "decode", "--json", &shared("qr/mpm_valid.jsonl")]);
    let encoded = run_with(&["qr", "encode", "--fields", "-"], &decoded.out);
    assert_eq!(encoded.code, 0, "{}", encoded.err);
    let file = std::fs::read_to_string(shared("qr/mpm_valid.jsonl")).expect("the file");
    let payloads: Vec<String> = file
        .lines()
        .map(|line| {
            serde_json::from_str::<serde_json::Value>(line).expect("JSON")["payload"].as_str().map(str::to_owned)
        })
        .map(|payload| payload.expect("a payload"))
        .collect();
    assert_eq!(encoded.out.lines().collect::<Vec<_>>(), payloads);
}

#[test]
fn a_code_made_from_words_reads_back() {
    let made = run(&[
        "qr",
        "encode",
        "--name",
        "BEST TRANSPORT",
        "--city",
        "BEIJING",
        "--category",
        "4111",
        "--account",
        "29:D15600000000:05=A93FO3230Q",
        "--amount",
        "23.72",
        "--dynamic",
        "--language",
        "zh:最佳运输:北京",
    ]);
    assert_eq!(made.code, 0, "{}", made.err);
    let read = run(&["qr", "decode", "--json", made.out.trim()]).json();
    assert_eq!((read["verdict"].as_str(), read["initiation"].as_str()), (Some("valid"), Some("dynamic")));
    let refused = run(&["qr", "encode", "--name", "A", "--city", "B", "--account", "29:X", "--category", "12"]);
    assert_eq!((refused.code, refused.out.as_str()), (1, ""));
    assert!(refused.err.contains("a reader would refuse the code"), "{}", refused.err);
}

#[test]
fn the_shared_case_tables_pass_on_the_real_store() {
    let file = shared("ledger/two_phase_and_linked_cases.json");
    let run_text = run(&["ledger-cases", &file]);
    assert_eq!(run_text.code, 0, "{}{}", run_text.out, run_text.err);
    assert!(run_text.out.contains("237 passed, 0 failed\n2 skipped (closing_credit: 1, closing_debit: 1)"));
    assert!(run_text.out.ends_with("14 of 14 tables\n"), "{}", run_text.out);
    let run_json = run(&["ledger-cases", "--json", &file]).json();
    assert_eq!((run_json["passed"].as_u64(), run_json["failed"].as_u64()), (Some(237), Some(0)));
}

#[test]
fn a_case_that_comes_out_differently_is_exit_1_and_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("cases.json");
    let table = r#"{"cases":[{"test":"t","block":0,"steps":[
        {"op":"account","id":1,"ledger":1,"code":1,"expect":"exists"},{"op":"commit","args":["create_accounts"]}]}]}"#;
    std::fs::write(&file, table).expect("written");
    let refused = run(&["ledger-cases", text(&file)]);
    assert_eq!(refused.code, 1);
    assert!(refused.out.contains("expected exists, got created"), "{}", refused.out);
    assert!(refused.out.contains("0 passed, 1 failed"), "{}", refused.out);
    std::fs::write(&file, "{").expect("written");
    let unreadable = run(&["ledger-cases", text(&file)]);
    assert_eq!(unreadable.code, 1);
    assert!(unreadable.err.contains("not a case table"), "{}", unreadable.err);
}
