//! Where text goes: data to standard output, everything else to standard error.

use serde::Serialize;
use std::io::{ErrorKind, Write};

/// Prints a line of data. A reader that has gone away ends the program quietly, as for every tool in a pipe.
pub fn line(text: &str) {
    let mut out = std::io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.write_all(b"\n")).and_then(|()| out.flush());
    match written {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => std::process::exit(0),
        Err(error) => diagnostic(&format!("jiaozi: standard output cannot be written: {error}")),
        Ok(()) => {}
    }
}

/// Prints a value as one line of JSON.
pub fn json(value: &impl Serialize) {
    match serde_json::to_string(value) {
        Ok(text) => line(&text),
        Err(error) => diagnostic(&format!("jiaozi: a result cannot be written as JSON: {error}")),
    }
}

/// Prints a line for people on standard error; when even that is gone, nobody is left to be told.
pub fn diagnostic(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// A count with thin groups of three digits: `1 234 567`.
pub fn grouped(count: impl Into<i128>) -> String {
    let count = count.into();
    let digits = count.unsigned_abs().to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place) % 3 == 0 {
            text.push(' ');
        }
        text.push(digit);
    }
    if count < 0 { format!("-{text}") } else { text }
}
