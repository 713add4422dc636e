//! Tidy's own tests: each rule refuses a small bad tree and lets a small good one pass; and our tree is tidy.

use crate::tree::{Finding, Tree};
use crate::{errors, findings, floors, form, owners, papers, root};

fn tree(files: &[(&str, &str)]) -> Tree {
    Tree::from_texts(files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())))
}

fn messages(rule: fn(&Tree) -> Vec<Finding>, files: &[(&str, &str)]) -> Vec<String> {
    rule(&tree(files)).iter().map(ToString::to_string).collect()
}

#[track_caller]
fn refused(rule: fn(&Tree) -> Vec<Finding>, files: &[(&str, &str)], part: &str) {
    let all = messages(rule, files);
    assert!(all.iter().any(|message| message.contains(part)), "expected {part:?} in {all:#?}");
}

#[track_caller]
fn passes(rule: fn(&Tree) -> Vec<Finding>, files: &[(&str, &str)]) {
    assert_eq!(messages(rule, files), Vec::<String>::new());
}

fn manifest(name: &str, rest: &str) -> String {
    format!("[package]\nname = \"jiaozi-{name}\"\n[lints]\nworkspace = true\n{rest}")
}

#[test]
fn the_tree_is_tidy() {
    let tree = Tree::read(&root()).expect("the tree can be read");
    let all: Vec<String> = findings(&tree).iter().map(ToString::to_string).collect();
    assert!(all.is_empty(), "{} findings; `cargo xtask tidy` shows them too:\n{}", all.len(), all.join("\n"));
}

#[test]
fn a_crate_uses_lower_floors_only() {
    let up = manifest("money", "[dependencies]\njiaozi-store.workspace = true");
    refused(floors::check, &[("crates/money/Cargo.toml", &up)], "`money` may not use `store`");
    let renamed = manifest("money", "[dependencies]\nrows = { package = \"jiaozi-store\", path = \"../store\" }");
    refused(floors::check, &[("crates/money/Cargo.toml", &renamed)], "`money` may not use `store`");
    let target = manifest("money", "[target.'cfg(unix)'.dependencies]\njiaozi-store.workspace = true");
    refused(floors::check, &[("crates/money/Cargo.toml", &target)], "`money` may not use `store`");
    let down = manifest("ledger", "[dependencies]\njiaozi-money.workspace = true");
    passes(floors::check, &[("crates/ledger/Cargo.toml", &down)]);
}

#[test]
fn tests_may_use_what_their_row_adds() {
    let tests = manifest("checker", "[dev-dependencies]\njiaozi-store.workspace = true");
    passes(floors::check, &[("crates/checker/Cargo.toml", &tests)]);
    let code = manifest("checker", "[dependencies]\njiaozi-store.workspace = true");
    refused(floors::check, &[("crates/checker/Cargo.toml", &code)], "`checker` may not use `store`");
    let more = manifest("money", "[dev-dependencies]\njiaozi-store.workspace = true");
    refused(floors::check, &[("crates/money/Cargo.toml", &more)], "tests of `money` may not use `store`");
}

#[test]
fn an_unknown_crate_needs_a_row() {
    refused(floors::check, &[("crates/gossip/Cargo.toml", &manifest("gossip", ""))], "crate `gossip` has no row");
}

#[test]
fn a_manifest_has_the_product_name_and_the_lints() {
    let wrong = manifest("other", "");
    refused(floors::check, &[("crates/money/Cargo.toml", &wrong)], "is called `jiaozi-money`");
    let bare = "[package]\nname = \"jiaozi-money\"";
    refused(floors::check, &[("crates/money/Cargo.toml", bare)], "workspace = true");
    refused(floors::check, &[("crates/money/Cargo.toml", "[[[")], "not a manifest");
    let own = "[lints]\nworkspace = true\n[dependencies]\njiaozi-money.workspace = true";
    refused(floors::check, &[("xtask/Cargo.toml", own)], "xtask uses none of our crates");
}

#[test]
fn fences_hold_in_manifests_and_in_code() {
    let lib = manifest("store", "[dependencies]\nrusqlite.workspace = true");
    refused(floors::check, &[("crates/store/Cargo.toml", &lib)], "`store` may not use `rusqlite`");
    let code = "//! x\nuse rusqlite::Connection;\n";
    refused(floors::check, &[("crates/store/src/a.rs", code)], "a.rs:2: `store` may not name `rusqlite`");
    passes(floors::check, &[("crates/sql/src/a.rs", code)]);
    passes(floors::check, &[("crates/store/src/a.rs", "//! not rusqlite\nconst A: &str = \"axum\";\n")]);
    refused(floors::check, &[("crates/bank/src/a.rs", "//! x\nuse axum::Router;\n")], "may not name `axum`");
    refused(floors::check, &[("crates/bank/src/a.rs", "//! x\nuse reqwest::Client;\n")], "may not name `reqwest`");
    refused(floors::check, &[("crates/ledger/src/a.rs", "//! x\nuse serde::Serialize;\n")], "may not name `serde`");
    refused(floors::check, &[("crates/ledger/src/a.rs", "//! x\nasync fn a() {}\n")], "may not name `async`");
    refused(floors::check, &[("crates/ledger/src/a.rs", "//! x\nuse tokio::time;\n")], "may not name `tokio`");
}

#[test]
fn unsafe_code_stays_in_one_crate_and_says_why() {
    let code = "//! x\nfn a() {\n    unsafe { b() }\n}\n";
    refused(floors::check, &[("crates/store/src/a.rs", code)], "a.rs:3: `store` may not name `unsafe`");
    passes(floors::check, &[("crates/pages/src/a.rs", code)]);
    let own = "[package]\nname = \"jiaozi-pages\"\n[lints.clippy]\n";
    refused(floors::check, &[("crates/pages/Cargo.toml", own)], "deny `clippy::undocumented_unsafe_blocks`");
    let own = format!("{own}undocumented_unsafe_blocks = \"deny\"");
    passes(floors::check, &[("crates/pages/Cargo.toml", &own)]);
}

#[test]
fn floats_stay_above_the_third_floor() {
    let code = "//! x\nfn a() -> f64 { 1.0 }\n";
    refused(floors::check, &[("crates/bank/src/a.rs", code)], "a.rs:2: `f64` on floor 3");
    refused(floors::check, &[("crates/money/src/tests.rs", code)], "`f64` on floor 0");
    passes(floors::check, &[("crates/bench/src/a.rs", code)]);
}

#[test]
fn a_file_opens_with_what_it_is_and_stays_small() {
    refused(form::check, &[("crates/money/src/a.rs", "fn a() {}\n")], "a.rs:1: open with `//!`");
    let long = format!("//! x\n{}", "\n".repeat(500));
    refused(form::check, &[("crates/money/src/a.rs", &long)], "501 lines, 500 are allowed");
    let fits = format!("//! x\n{}", "\n".repeat(499));
    passes(form::check, &[("crates/money/src/a.rs", &fits)]);
}

#[test]
fn words_that_say_nothing_are_refused() {
    refused(form::check, &[("crates/money/src/utils.rs", "//! x\n")], "`utils` says nothing");
    refused(form::check, &[("crates/money/src/common/a.rs", "//! x\n")], "`common` says nothing");
    refused(
        form::check,
        &[("crates/money/src/a.rs", "//! x\nstruct HoldManager;\n")],
        "`HoldManager` ends in `manager`",
    );
    refused(
        form::check,
        &[("crates/money/src/a.rs", "//! x\nmod test_helpers;\n")],
        "`test_helpers` ends in `helpers`",
    );
    passes(
        form::check,
        &[("crates/money/src/a.rs", "//! a manager\nuse hyper_util::rt;\nconst COMMON: &str = \"helpers\";\n")],
    );
}

#[test]
fn the_word_with_four_meanings_is_refused() {
    refused(form::check, &[("crates/bank/src/a.rs", "//! x\nstruct BankTransaction;\n")], "a.rs:2: the bare word");
    refused(form::check, &[("crates/bank/src/a.rs", "//! one transaction\n")], "a.rs:1: the bare word");
    passes(
        form::check,
        &[("crates/bank/src/a.rs", "//! the column `transaction`\nconst A: &str = \"transaction\";\n")],
    );
    passes(form::check, &[("crates/formats/src/a.rs", "//! Transaction currency, tag 53\n")]);
}

#[test]
fn unfinished_work_is_refused() {
    for (code, part) in [
        ("fn a() { todo!() }", "`todo!`"),
        ("fn a() { dbg!(1); }", "`dbg!`"),
        ("fn a() { unimplemented!() }", "`unimplemented!`"),
        ("#[test]\n#[ignore]\nfn a() {}", "`#[ignore]`"),
        ("#[test]\n#[ignore = \"slow\"]\nfn a() {}", "`#[ignore]`"),
    ] {
        refused(form::check, &[("crates/bank/src/a.rs", &format!("//! x\n{code}\n"))], part);
    }
    passes(form::check, &[("crates/bank/src/a.rs", "//! no todo!() here\nfn todo() {}\n")]);
}

#[test]
fn a_table_has_one_writing_file() {
    let schema =
        ("crates/bank/src/migrations.rs", "//! x\nconst A: &str = \"CREATE TABLE IF NOT EXISTS wallet (id TEXT)\";\n");
    let owner = (
        "crates/bank/src/wallets/records.rs",
        "//! x\nconst A: &str = \"INSERT INTO wallet VALUES (?1)\n ON CONFLICT DO UPDATE SET a = 1\";\n",
    );
    for statement in
        ["UPDATE wallet SET a = 1", "DELETE FROM wallet", "insert or ignore\n  into wallet", "REPLACE INTO wallet"]
    {
        let other = format!("//! x\nconst A: &str = r#\"{statement}\"#;\n");
        refused(owners::check, &[schema, owner, ("crates/bank/src/b.rs", &other)], "table `wallet` is written by");
    }
    let reader = ("crates/store/src/b.rs", "//! UPDATE wallet\nconst A: &str = \"SELECT * FROM wallet FOR UPDATE\";\n");
    let test = ("crates/bank/src/tests.rs", "//! x\nconst A: &str = \"DELETE FROM wallet\";\n");
    let inner =
        ("crates/bank/src/c.rs", "//! x\n#[cfg(test)]\nmod tests {\n    const A: &str = \"DELETE FROM wallet\";\n}\n");
    passes(owners::check, &[schema, owner, reader, test, inner]);
}

#[test]
fn sql_stands_in_records_only() {
    let code =
        "//! x\nconst A: &str = \"SELECT \\\"SELECT 1\\\" FROM a\";\nconst B: &str = r#\"\n  UPDATE a SET b = 1\"#;\n";
    let all = messages(owners::check, &[("crates/bank/src/payments/create.rs", code)]);
    assert_eq!(all.len(), 2, "{all:#?}");
    assert!(all[0].starts_with("crates/bank/src/payments/create.rs:2: SQL does not belong here"), "{all:#?}");
    refused(owners::check, &[("crates/api/src/records.rs", code)], "SQL does not belong here");
    passes(owners::check, &[("crates/bank/src/payments/records.rs", code)]);
    passes(owners::check, &[("crates/store/src/a.rs", code)]);
    passes(owners::check, &[("crates/api/src/a.rs", "//! x\nconst A: &str = \"say SELECT or not\";\n")]);
}

#[test]
fn a_module_declared_for_tests_is_test_code() {
    let lib = ("crates/sql/src/lib.rs", "//! x\n#[cfg(test)]\nmod properties;\nmod rows;\n");
    let rows = ("crates/sql/src/rows.rs", "//! x\n#[cfg(test)]\nmod races;\n");
    let texts = [lib, rows, ("crates/sql/src/properties.rs", "//! x\n"), ("crates/sql/src/rows/races.rs", "//! x\n")];
    let tested: Vec<bool> = tree(&texts).files.iter().map(crate::tree::File::is_test).collect();
    assert_eq!(tested, [false, true, false, true]);
}

const TABLE: &str = "//! x
            Self::Conflict => 409,
error_codes! {
    HoldExpired \"hold_expired\" Conflict \"The hold has expired\" \"Write \\\"x\\\".\"
}
";

#[test]
fn every_error_code_stands_in_a_test_and_in_the_document() {
    let table = ("crates/vocabulary/src/error_code.rs", TABLE);
    let rows = errors::rows(&tree(&[table]));
    let document = errors::document(&rows);
    assert!(document.contains("`hold_expired` | 409 | The hold has expired | Write \"x\". |"), "{document}");
    let page = ("docs/errors.md", document.as_str());
    refused(errors::check, &[table, page], "no test names `hold_expired`");
    let outside = ("crates/bank/src/a.rs", "//! x\nconst A: &str = \"hold_expired\";\n");
    refused(errors::check, &[table, page, outside], "no test names `hold_expired`");
    let inline =
        ("crates/bank/src/a.rs", "//! x\n#[cfg(test)]\nmod tests { const A: &str = \"capture c1 → hold_expired\"; }\n");
    passes(errors::check, &[table, page, inline]);
    let whole = ("crates/bank/tests/it/a.rs", outside.1);
    passes(errors::check, &[table, page, whole]);
    refused(errors::check, &[table, whole], "run `cargo xtask docs`");
    refused(errors::check, &[table, whole, ("docs/errors.md", "old")], "run `cargo xtask docs`");
    refused(errors::check, &[], "no row of the error index");
}

const ROOT: (&str, &str) = ("Cargo.toml", "[workspace.package]\nversion = \"0.1.0\"\n");
const LOG: (&str, &str) = ("CHANGELOG.md", "## [0.1.0]\n");
const ENGLISH: (&str, &str) = ("README.md", "# A\n```sh\n./x demo  # start\n```\n## B\n");
const CHINESE: (&str, &str) = ("README.zh-CN.md", "# 甲\n```sh\n./x demo  # 启动\n```\n## 乙\n");

const MAP: (&str, &str) = ("ARCHITECTURE.md", "| 0 | `money` |\n");

#[test]
fn the_change_log_tells_of_the_version() {
    passes(papers::check, &[ROOT, LOG, ENGLISH, CHINESE, MAP]);
    refused(papers::check, &[ROOT, ("CHANGELOG.md", "## [0.0.9]\n"), ENGLISH, CHINESE], "no section for version 0.1.0");
    refused(papers::check, &[LOG, ENGLISH, CHINESE], "no version in [workspace.package]");
}

#[test]
fn both_readmes_say_the_same() {
    refused(papers::check, &[ROOT, LOG, ENGLISH], "both exist");
    let shorter = ("README.zh-CN.md", "# 甲\n```sh\n./x demo\n```\n");
    refused(papers::check, &[ROOT, LOG, ENGLISH, shorter], "has 2 headings and commands, README.md has 3");
    let other = ("README.zh-CN.md", "# 甲\n```sh\n./x test\n```\n## 乙\n");
    refused(papers::check, &[ROOT, LOG, ENGLISH, other], "says `./x test` where README.md says `./x demo`");
}

fn with<'a>(path: &'a str, text: &'a str) -> [(&'a str, &'a str); 6] {
    [ROOT, LOG, ENGLISH, CHINESE, MAP, (path, text)]
}

#[test]
fn the_map_names_every_crate() {
    passes(papers::check, &with("crates/money/Cargo.toml", ""));
    refused(papers::check, &with("crates/ledger/Cargo.toml", ""), "the map does not name `ledger`");
    refused(papers::check, &[ROOT, LOG, ENGLISH, CHINESE], "is missing: it is the map");
}

#[test]
fn merges_are_finished() {
    let half = format!("a\n{} HEAD\nb\n", "<".repeat(7));
    refused(papers::check, &with("docs/a.md", &half), "docs/a.md:2: a merge was not finished here");
}

#[test]
fn links_lead_somewhere() {
    let good = "[a](../README.md#b) [b](https://example.com/x) [c](#d) [e](../docs)";
    passes(papers::check, &with("docs/a.md", good));
    refused(
        papers::check,
        &with("docs/a.md", "\n[a](README.md)"),
        "docs/a.md:2: the link to `README.md` leads nowhere",
    );
}

#[test]
fn nothing_is_tied_to_one_machine() {
    for folder in ["work", "root", "home", "tmp"] {
        let text = format!("cd /{folder}/here\n");
        refused(papers::check, &with("x", &text), "exists on one machine only");
        passes(papers::check, &with("x", &format!("https://example.com/{folder}/here ../{folder}/\n")));
    }
    let scratch = format!("//! x\nconst A: &str = \"/{}/a\";\n", "tmp");
    passes(papers::check, &with("crates/bank/src/tests.rs", &scratch));
    refused(
        papers::check,
        &with(".cargo/config.toml", "[source.crates-io]\nreplace-with = \"mirror\"\n"),
        "ties the tree to a mirror",
    );
    refused(papers::check, &with("Cargo.lock", "source = \"git+https://example.com/a\"\n"), "elsewhere than crates.io");
}

#[test]
fn comments_strings_and_code_are_told_apart() {
    let text = "let a = \"// no\"; // \"yes\"\nlet b = r#\"a \" b\"#; let c = '\"'; let d: &'static str = \"\\\"\"; /* x /* y */ z */ end";
    let source = crate::scan::Source::of(text);
    assert!(source.strings.contains("\"// no\"") && source.strings.contains("r#\"a \" b\"#"), "{}", source.strings);
    assert!(source.comments.contains("// \"yes\"") && source.comments.contains("z */"), "{}", source.comments);
    assert!(
        source.code.contains("'\"'") && source.code.contains("&'static str") && source.code.contains("end"),
        "{}",
        source.code
    );
    assert!(!source.code.contains('z') && !source.code.contains("no"), "{}", source.code);
    assert_eq!(source.code.len(), text.len());
}

#[test]
fn the_parts_of_a_name() {
    let parts = |name| crate::scan::parts(name).join(" ");
    assert_eq!(parts("TestHelpers"), "test helpers");
    assert_eq!(parts("HTTP_MANAGER"), "http manager");
    assert_eq!(parts("x509Utils"), "x509 utils");
}
