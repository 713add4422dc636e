//! The papers around the code: change log, the two READMEs, the map, links, and nothing that ties the tree to one machine.

use crate::house::{LOCK_SOURCE, MACHINE_FOLDERS, MACHINE_FOLDERS_ALLOWED, MIRROR_WORDS};
use crate::scan::line_of;
use crate::tree::{File, Finding, Tree};

/// Checks every paper.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    change_log(tree, &mut findings);
    same_readmes(tree, &mut findings);
    map(tree, &mut findings);
    for file in &tree.files {
        links(tree, file, &mut findings);
        half_merged(file, &mut findings);
        machine_paths(file, &mut findings);
        mirrors(file, &mut findings);
    }
    findings
}

fn change_log(tree: &Tree, findings: &mut Vec<Finding>) {
    let manifest = tree.get("Cargo.toml").and_then(|file| file.text.parse::<toml::Table>().ok());
    let version = manifest
        .as_ref()
        .and_then(|manifest| manifest.get("workspace")?.get("package")?.get("version").and_then(toml::Value::as_str));
    let Some(version) = version else {
        return findings.push(Finding::new("Cargo.toml", 0, "no version in [workspace.package]"));
    };
    let told = tree.get("CHANGELOG.md").is_some_and(|file| file.text.contains(&format!("[{version}]")));
    if !told {
        let message = format!("has no section for version {version}: add `## [{version}]`");
        findings.push(Finding::new("CHANGELOG.md", 0, message));
    }
}

/// Both READMEs say the same: the same headings by level and the same commands, in the same order.
fn same_readmes(tree: &Tree, findings: &mut Vec<Finding>) {
    let (Some(english), Some(chinese)) = (tree.get("README.md"), tree.get("README.zh-CN.md")) else {
        return findings.push(Finding::new("README.md", 0, "README.md and README.zh-CN.md both exist"));
    };
    let (ours, theirs) = (outline(&english.text), outline(&chinese.text));
    let difference = ours.iter().zip(&theirs).find(|(ours, theirs)| ours != theirs);
    let message = match difference {
        Some((ours, theirs)) => {
            format!("says `{theirs}` where README.md says `{ours}`: keep headings and commands the same")
        }
        None if ours.len() != theirs.len() => {
            format!("has {} headings and commands, README.md has {}: keep them the same", theirs.len(), ours.len())
        }
        None => return,
    };
    findings.push(Finding::new("README.zh-CN.md", 0, message));
}

/// Levels of the headings and the lines of the code blocks.
fn outline(text: &str) -> Vec<String> {
    let mut in_code = false;
    let mut outline = Vec::new();
    for line in text.lines() {
        if line.starts_with("```") {
            in_code = !in_code;
        } else if in_code {
            let command = line.split(" # ").next().unwrap_or(line).trim();
            outline.extend((!command.is_empty() && !command.starts_with('#')).then(|| command.to_owned()));
        } else if line.starts_with('#') {
            outline.push(line.chars().take_while(|letter| *letter == '#').collect());
        }
    }
    outline
}

/// The map names every crate that exists, so that nobody has to guess what a folder is for.
fn map(tree: &Tree, findings: &mut Vec<Finding>) {
    let Some(map) = tree.get("ARCHITECTURE.md") else {
        return findings.push(Finding::new("ARCHITECTURE.md", 0, "is missing: it is the map of the crates"));
    };
    for file in tree.files.iter().filter(|file| file.path.ends_with("/Cargo.toml")) {
        if let Some(room) = file.room().filter(|room| !map.text.contains(&format!("`{room}`"))) {
            findings.push(Finding::new(&map.path, 0, format!("the map does not name `{room}`: add its row")));
        }
    }
}

/// Links between documents lead somewhere.
fn links(tree: &Tree, file: &File, findings: &mut Vec<Finding>) {
    if !file.path.ends_with(".md") {
        return;
    }
    let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    for (at, _) in file.text.match_indices("](") {
        let target = file.text[at + 2..].split([')', '#', ' ']).next().unwrap_or_default();
        let ours = !target.is_empty() && !target.contains(':');
        if ours && !exists(tree, &resolve(folder, target)) {
            let message = format!("the link to `{target}` leads nowhere");
            findings.push(Finding::new(&file.path, line_of(&file.text, at), message));
        }
    }
}

fn resolve(folder: &str, target: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            _ => parts.push(part),
        }
    }
    parts.join("/")
}

fn exists(tree: &Tree, path: &str) -> bool {
    let folder = format!("{path}/");
    tree.files.iter().any(|file| file.path == path || file.path.starts_with(&folder))
}

fn half_merged(file: &File, findings: &mut Vec<Finding>) {
    for (number, line) in file.text.lines().enumerate() {
        if line.starts_with("<<<<<<< ") || line.starts_with(">>>>>>> ") {
            findings.push(Finding::new(&file.path, number + 1, "a merge was not finished here"));
        }
    }
}

fn machine_paths(file: &File, findings: &mut Vec<Finding>) {
    if MACHINE_FOLDERS_ALLOWED.iter().any(|(prefix, _)| file.path.starts_with(prefix)) {
        return;
    }
    for folder in MACHINE_FOLDERS {
        let absolute = format!("/{folder}/");
        for (at, _) in file.text.match_indices(&absolute) {
            let before = file.text[..at].chars().next_back().unwrap_or(' ');
            let continues = before.is_alphanumeric() || "._-}/$*)".contains(before);
            let in_test = file.is_test() || file.source.as_ref().is_some_and(|source| source.in_test(at));
            let scratch_of_test = *folder == "tmp" && in_test;
            if !continues && !scratch_of_test {
                let message = format!(
                    "`{absolute}` exists on one machine only: take the folder as a setting or ask the system for one"
                );
                findings.push(Finding::new(&file.path, line_of(&file.text, at), message));
            }
        }
    }
}

fn mirrors(file: &File, findings: &mut Vec<Finding>) {
    if file.path == "Cargo.lock" {
        for (number, line) in file.text.lines().enumerate() {
            if line.strip_prefix("source = ").is_some_and(|source| source.trim_matches('"') != LOCK_SOURCE) {
                let message = "a package from elsewhere than crates.io: everybody must be able to build this";
                findings.push(Finding::new(&file.path, number + 1, message));
            }
        }
    }
    if file.source.is_some() {
        return;
    }
    for word in MIRROR_WORDS {
        if let Some(at) = file.text.find(word) {
            let message = format!("`{word}` ties the tree to a mirror: that belongs into your own settings");
            findings.push(Finding::new(&file.path, line_of(&file.text, at), message));
        }
    }
}
