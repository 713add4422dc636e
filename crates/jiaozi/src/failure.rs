//! How a command ends: fine, with a "no", or not at all.

use std::error::Error;
use std::fmt::Write as _;

/// A command did its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Fine.
    Fine,
    /// The answer is no; it was printed.
    SaidNo,
}

impl Ended {
    /// Fine when `yes`.
    pub fn fine_if(yes: bool) -> Self {
        if yes { Self::Fine } else { Self::SaidNo }
    }
}

/// A command could not do its work.
#[derive(Debug)]
pub struct Failure {
    /// What went wrong, and what to do.
    what: String,
    /// Why, as the layer below says it.
    source: Option<Box<dyn Error + Send + Sync>>,
    /// The exit code.
    pub exit: u8,
}

impl Failure {
    /// A failure with a sentence.
    pub fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), source: None, exit: 1 }
    }

    /// A failure with a sentence, and the error below.
    pub fn because(what: impl Into<String>, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { what: what.into(), source: Some(source.into()), exit: 1 }
    }

    /// The command was used wrongly.
    pub fn usage(what: impl Into<String>) -> Self {
        Self { what: what.into(), source: None, exit: 2 }
    }

    /// Prints the sentence and the chain of causes, each once.
    pub fn print(&self) {
        let mut text = format!("jiaozi: {}", self.what);
        let mut cause: Option<&dyn Error> = self.source.as_deref().map(|source| source as &dyn Error);
        while let Some(error) = cause {
            let _ = write!(text, "\n  because {error}");
            cause = error.source();
        }
        crate::output::diagnostic(&text);
    }
}

/// An error and all it rests on, in one line.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        let _ = write!(text, ": {source}");
        next = source.source();
    }
    text
}

impl From<std::io::Error> for Failure {
    /// Only printing and reading standard input come here without a sentence of their own.
    fn from(error: std::io::Error) -> Self {
        Self::because("standard input or output cannot be used", error)
    }
}
