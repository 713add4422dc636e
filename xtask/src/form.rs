//! The form of a source file: its opening, its size, its words, and nothing unfinished in it.

use crate::house::{EMPTY_FILE_NAMES, EMPTY_IDENTIFIERS, FOUR_MEANINGS, FOUR_MEANINGS_ALLOWED, MAX_LINES, UNFINISHED};
use crate::scan::{Source, line_of, parts, words};
use crate::tree::{File, Finding, Tree};

/// Looks at every `.rs` file, and at every path.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in &tree.files {
        path(file, &mut findings);
        let Some(source) = &file.source else { continue };
        opening_and_size(file, &mut findings);
        unfinished(file, source, &mut findings);
        empty_words(file, source, &mut findings);
        four_meanings(file, source, &mut findings);
    }
    findings
}

fn path(file: &File, findings: &mut Vec<Finding>) {
    for part in file.path.split('/') {
        let stem = part.split('.').next().unwrap_or(part);
        if let Some(word) = parts(stem).last().filter(|word| EMPTY_FILE_NAMES.contains(&word.as_str())) {
            findings.push(Finding::new(&file.path, 0, format!("`{word}` says nothing: name it after what it does")));
        }
    }
}

fn opening_and_size(file: &File, findings: &mut Vec<Finding>) {
    if !file.text.starts_with("//!") {
        let message = "open with `//!`: what the file is, its invariants, what it deliberately does not know";
        findings.push(Finding::new(&file.path, 1, message));
    }
    let lines = file.text.lines().count();
    if lines > MAX_LINES {
        let message = format!("{lines} lines, {MAX_LINES} are allowed: split it by what its parts do");
        findings.push(Finding::new(&file.path, 0, message));
    }
}

fn unfinished(file: &File, source: &Source, findings: &mut Vec<Finding>) {
    for (at, word) in words(&source.code) {
        if UNFINISHED.contains(&word) && source.code[at + word.len()..].starts_with('!') {
            let message = format!("`{word}!` is unfinished work: finish it or leave it out visibly");
            findings.push(Finding::new(&file.path, line_of(&source.code, at), message));
        }
    }
    for (at, _) in source.code.match_indices("#[ignore") {
        let message = "`#[ignore]`: a test runs or is deleted";
        findings.push(Finding::new(&file.path, line_of(&source.code, at), message));
    }
}

fn empty_words(file: &File, source: &Source, findings: &mut Vec<Finding>) {
    for (at, identifier) in words(&source.code) {
        if let Some(word) = parts(identifier).last().filter(|word| EMPTY_IDENTIFIERS.contains(&word.as_str())) {
            let message = format!("`{identifier}` ends in `{word}`, which says nothing: name it after what it does");
            findings.push(Finding::new(&file.path, line_of(&source.code, at), message));
        }
    }
}

fn four_meanings(file: &File, source: &Source, findings: &mut Vec<Finding>) {
    if FOUR_MEANINGS_ALLOWED.iter().any(|(prefix, _)| file.path.starts_with(prefix)) {
        return;
    }
    let said = |text: &str| parts(text).iter().any(|part| FOUR_MEANINGS.contains(&part.as_str()));
    let in_code = words(&source.code).filter(|(_, word)| said(word)).map(|(at, _)| at);
    // In backticks stand the names that others gave.
    let own_words = without_quoted(&source.comments);
    let in_comments = words(&own_words).filter(|(_, word)| said(word)).map(|(at, _)| at);
    for at in in_code.chain(in_comments) {
        let message = "the bare word \"transaction\" means four things: say transfer, payment, journal entry or unit of work (CONTRIBUTING.md, \"Words\")";
        findings.push(Finding::new(&file.path, line_of(&source.code, at), message));
    }
}

/// Blanks what stands between backticks on one line.
fn without_quoted(comments: &str) -> String {
    let mut quoted = false;
    let blank = |letter: char| {
        quoted = match letter {
            '`' => !quoted,
            '\n' => false,
            _ => quoted,
        };
        if quoted { ' ' } else { letter }
    };
    comments.chars().map(blank).collect()
}
