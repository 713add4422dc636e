//! Help and wrong usage.

use crate::program::run;

const COMMANDS: &[&[&str]] = &[
    &["serve"],
    &["demo"],
    &["replay"],
    &["staff", "enrol"],
    &["staff", "token"],
    &["staff", "revoke"],
    &["vault", "serve"],
    &["vault", "replace-key"],
    &["check"],
    &["backup"],
    &["restore"],
    &["migrate"],
    &["qr", "decode"],
    &["qr", "encode"],
    &["ledger-cases"],
    &["bench", "payments"],
    &["bench", "http"],
    &["bench", "ledger"],
    &["bench", "ready"],
];

#[test]
fn every_command_helps_with_an_example() {
    for command in COMMANDS {
        let mut words = command.to_vec();
        words.push("--help");
        let help = run(&words);
        assert_eq!(help.code, 0, "{command:?}");
        assert!(help.out.contains(&format!("  jiaozi {}", command.join(" "))), "{command:?}: {}", help.out);
        assert!(help.out.contains("Example"), "{command:?}: {}", help.out);
        assert!(help.err.is_empty(), "{command:?}: {}", help.err);
    }
}

#[test]
fn wrong_usage_is_exit_2_on_standard_error() {
    for words in [
        &[][..],
        &["fly"][..],
        &["qr", "decode"][..],
        &["qr", "encode", "--name", "A"][..],
        &["ledger-cases"][..],
        &["bench", "ledger", "--chunk", "0"][..],
        &["check", "--nonsense"][..],
    ] {
        let refused = run(words);
        assert_eq!(refused.code, 2, "{words:?}");
        assert!(refused.out.is_empty(), "{words:?}: {}", refused.out);
        assert!(!refused.err.is_empty(), "{words:?}");
    }
}

#[test]
fn a_bank_that_is_not_there_is_named_with_what_to_do() {
    for words in [&["check", "--data", "/nowhere"][..], &["migrate", "--data", "/nowhere"][..]] {
        let refused = run(words);
        assert_eq!(refused.code, 1, "{words:?}");
        assert!(refused.err.contains("there is no bank") && refused.err.contains("/nowhere"), "{}", refused.err);
    }
}
