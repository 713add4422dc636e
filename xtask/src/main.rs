//! `cargo xtask`: the rules of the house as code, and the documents generated from code.
//!
//! `tidy` compares the tree with the tables in `house` and says what to do about each difference; `docs` writes the
//! generated documents. Knows nothing of what the crates do.

mod errors;
mod floors;
mod form;
mod house;
mod owners;
mod papers;
mod scan;
mod tree;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use tree::{Finding, Tree};

const USAGE: &str = "usage: cargo xtask <command>

  tidy   compare the tree with the rules of the house (xtask/src/house.rs)
  docs   write docs/errors.md from the error index";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["tidy"] => tidy(),
        ["docs"] => docs(),
        ["help" | "--help" | "-h"] => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    outcome.unwrap_or_else(|trouble| {
        eprintln!("xtask: {trouble}");
        ExitCode::FAILURE
    })
}

/// The root of the repository: above this crate, where cargo says it is now, or where it was when it was built.
fn root() -> PathBuf {
    let here = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_else(|_| env!("CARGO_MANIFEST_DIR").to_owned());
    Path::new(&here).parent().map_or_else(PathBuf::new, Path::to_path_buf)
}

/// Everything in the tree that the house does not allow, in the order of paths.
fn findings(tree: &Tree) -> Vec<Finding> {
    let rules = [floors::check, form::check, owners::check, errors::check, papers::check];
    let mut findings: Vec<Finding> = rules.iter().flat_map(|rule| rule(tree)).collect();
    findings.sort();
    findings.dedup();
    findings
}

fn tidy() -> Result<ExitCode, String> {
    let tree = Tree::read(&root())?;
    let findings = findings(&tree);
    for finding in &findings {
        eprintln!("{finding}");
    }
    if findings.is_empty() {
        println!("tidy: {} files, nothing to do", tree.files.len());
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("tidy: {} findings in {} files read", findings.len(), tree.files.len());
    Ok(ExitCode::FAILURE)
}

fn docs() -> Result<ExitCode, String> {
    let root = root();
    let rows = errors::rows(&Tree::read(&root)?);
    let path = root.join(house::ERROR_DOCUMENT);
    let write = |path: &Path| {
        path.parent().map_or(Ok(()), std::fs::create_dir_all)?;
        std::fs::write(path, errors::document(&rows))
    };
    write(&path).map_err(|error| format!("cannot write {}: {error}", house::ERROR_DOCUMENT))?;
    println!("{}: {} codes", house::ERROR_DOCUMENT, rows.len());
    Ok(ExitCode::SUCCESS)
}
