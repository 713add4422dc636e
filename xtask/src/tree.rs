//! The tree as tidy sees it: every file that is tracked or about to be, read once.
//!
//! A [`Tree`] is plain data, so that the rules can be tested on small trees that never were on a disk.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::scan::Source;

/// A file, with its path from the root, and its views if it is Rust.
pub struct File {
    /// With `/`, from the root of the repository.
    pub path: String,
    /// As it is; empty if it is not UTF-8.
    pub text: String,
    /// For `.rs` files.
    pub source: Option<Source>,
    /// Whether a `#[cfg(test)] mod …;` somewhere declares it.
    declared_test: bool,
}

/// Every file of the repository.
pub struct Tree {
    /// Sorted by path.
    pub files: Vec<File>,
}

/// Something that is not as the house wants it.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// Where.
    pub path: String,
    /// Counted from 1; 0 is the file as a whole.
    pub line: usize,
    /// What is wrong and what to do.
    pub message: String,
}

impl Finding {
    /// A finding about a line.
    pub fn new(path: &str, line: usize, message: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, message: message.into() }
    }
}

impl std::fmt::Display for Finding {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.line {
            0 => write!(out, "{}: {}", self.path, self.message),
            line => write!(out, "{}:{line}: {}", self.path, self.message),
        }
    }
}

impl File {
    /// The crate it belongs to: the folder under `crates/`, or `xtask`.
    pub fn room(&self) -> Option<&str> {
        let mut parts = self.path.split('/');
        match parts.next()? {
            "crates" => parts.next(),
            "xtask" => Some("xtask"),
            _ => None,
        }
    }

    /// Whether the whole file is test code.
    pub fn is_test(&self) -> bool {
        let crate_of_tests = self.room() == Some("system-tests");
        let name = self.path.rsplit('/').next().unwrap_or_default();
        crate_of_tests
            || self.declared_test
            || self.path.contains("/tests/")
            || self.path.contains("/benches/")
            || name == "tests.rs"
            || name.ends_with("_tests.rs")
    }
}

impl Tree {
    /// A tree from paths and texts.
    pub fn from_texts(texts: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut files: Vec<File> = texts
            .into_iter()
            .map(|(path, text)| {
                let source = path.ends_with(".rs").then(|| Source::of(&text));
                File { path, text, source, declared_test: false }
            })
            .collect();
        files.sort_by(|left, right| left.path.cmp(&right.path));
        let modules: Vec<String> = files.iter().flat_map(test_modules).collect();
        for file in &mut files {
            let declares = |module: &String| {
                file.path.strip_prefix(module).is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
            };
            file.declared_test = modules.iter().any(declares);
        }
        Self { files }
    }

    /// Reads the repository at `root`: what git tracks or would track, or every file if there is no git.
    ///
    /// # Errors
    /// A sentence, when the folder cannot be read.
    pub fn read(root: &Path) -> Result<Self, String> {
        let paths = match git_paths(root) {
            Some(paths) => paths,
            None => walk(root)?,
        };
        let texts = paths.into_iter().filter_map(|path| {
            // A file that is gone is skipped; a picture is there, but has no text.
            let bytes = fs::read(root.join(&path)).ok()?;
            Some((path, String::from_utf8(bytes).unwrap_or_default()))
        });
        Ok(Self::from_texts(texts))
    }

    /// The file at this path.
    pub fn get(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }
}

/// The modules in files of their own that this file compiles for tests only, as paths without an ending.
fn test_modules(file: &File) -> Vec<String> {
    let Some(source) = &file.source else { return Vec::new() };
    let (folder, name) = file.path.rsplit_once('/').unwrap_or(("", &file.path));
    let base = match name {
        "lib.rs" | "main.rs" | "mod.rs" => folder.to_owned(),
        _ => file.path.trim_end_matches(".rs").to_owned(),
    };
    let declared = source.tests.iter().filter_map(|range| {
        let item = source.code[range.clone()].strip_suffix(';')?;
        item.rsplit_once("mod ").map(|(_, module)| format!("{base}/{}", module.trim()))
    });
    declared.collect()
}

fn git_paths(root: &Path) -> Option<Vec<String>> {
    let output = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output()
        .ok()?;
    if !output.status.success() {
        return None;
    }
    let mut paths: Vec<String> =
        String::from_utf8(output.stdout).ok()?.split('\0').filter(|path| !path.is_empty()).map(str::to_owned).collect();
    paths.sort();
    paths.dedup();
    (!paths.is_empty()).then_some(paths)
}

fn walk(root: &Path) -> Result<Vec<String>, String> {
    let mut found = Vec::new();
    let mut folders = vec![String::new()];
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(root.join(&folder)).map_err(|error| format!("cannot read {folder:?}: {error}"))?;
        for entry in entries.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
            match entry.file_type() {
                Ok(kind) if kind.is_dir() && name != ".git" && path != "target" && path != "data" => folders.push(path),
                Ok(kind) if kind.is_file() => found.push(path),
                _ => {}
            }
        }
    }
    found.sort();
    Ok(found)
}
