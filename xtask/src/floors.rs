//! Floors and fences: which crate may use which, and which names stay behind a fence.
//!
//! Manifests say what a crate could use, code says what it does use; both are compared with the rows in `house`. The
//! libraries' features are not looked at.

use crate::house::{At, FENCES, FLOAT_FILES, FLOAT_FLOORS, FLOATS, Fence, LINT_OF_UNSAFE, OWN_LINTS, ROOMS, Room};
use crate::scan::{line_of, words};
use crate::tree::{File, Finding, Tree};

/// Compares every manifest and every source file with the table of rooms and fences.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in &tree.files {
        let Some(name) = file.room() else { continue };
        let folder = if name == "xtask" { name.to_owned() } else { format!("crates/{name}") };
        if file.path == format!("{folder}/Cargo.toml") {
            manifest(file, name, &mut findings);
        }
        if let Some(room) = find(name) {
            fences(file, room, &mut findings);
            floats(file, room, &mut findings);
        }
    }
    findings.extend(table());
    findings
}

fn find(name: &str) -> Option<&'static Room> {
    ROOMS.iter().find(|room| room.name == name)
}

/// The table itself: a room uses only what stands lower.
fn table() -> Vec<Finding> {
    let mut findings = Vec::new();
    for room in ROOMS {
        for used in room.uses {
            let fits = find(used).is_some_and(|used| used.floor < room.floor);
            if !fits {
                let message = format!("`{}` may not use `{used}`: it is unknown or stands no lower", room.name);
                findings.push(Finding::new("xtask/src/house.rs", 0, message));
            }
        }
    }
    findings
}

fn manifest(file: &File, name: &str, findings: &mut Vec<Finding>) {
    let mut say = |message: String| findings.push(Finding::new(&file.path, 0, message));
    let manifest: toml::Table = match file.text.parse() {
        Ok(manifest) => manifest,
        Err(error) => return say(format!("not a manifest: {error}")),
    };
    let lints = manifest.get("lints");
    if OWN_LINTS.iter().any(|(room, _)| *room == name) {
        let lint = lints.and_then(|lints| lints.get("clippy")?.get(LINT_OF_UNSAFE)?.as_str());
        if lint != Some("deny") {
            say(format!("deny `clippy::{LINT_OF_UNSAFE}`: whoever may be unsafe says why it is safe"));
        }
    } else if lints.and_then(|lints| lints.get("workspace")).and_then(toml::Value::as_bool) != Some(true) {
        say("add `[lints]` with `workspace = true`: every crate lives under the same lints".to_owned());
    }
    if name == "xtask" {
        let mut all = dependencies(&manifest, false).into_iter().chain(dependencies(&manifest, true));
        let own = all.find(|used| used.starts_with("jiaozi"));
        return if let Some(used) = own {
            say(format!("xtask uses none of our crates; remove `{used}`"))
        };
    }
    let Some(room) = find(name) else {
        return say(format!(
            "crate `{name}` has no row in xtask/src/house.rs: add one that names its floor and what it may use"
        ));
    };
    let package = manifest.get("package").and_then(|package| package.get("name")).and_then(toml::Value::as_str);
    if package != Some(&format!("jiaozi-{name}")) && package != Some(name).filter(|name| *name == "jiaozi") {
        say(format!("the package of folder `{name}` is called `jiaozi-{name}`"));
    }
    for (tests, used) in [(false, dependencies(&manifest, false)), (true, dependencies(&manifest, true))]
        .into_iter()
        .flat_map(|(tests, all)| all.into_iter().map(move |used| (tests, used)))
    {
        if let Some(refusal) = refuse(room, &used, tests) {
            say(refusal);
        }
    }
}

/// What a manifest depends on: for tests only, or for the code itself.
fn dependencies(manifest: &toml::Table, tests: bool) -> Vec<String> {
    let sections: &[&str] = if tests { &["dev-dependencies"] } else { &["dependencies", "build-dependencies"] };
    let targets = manifest.get("target").and_then(toml::Value::as_table);
    let tables = targets.into_iter().flat_map(|targets| targets.values().filter_map(toml::Value::as_table));
    let mut found = Vec::new();
    for table in std::iter::once(manifest).chain(tables) {
        for entries in sections.iter().filter_map(|section| table.get(*section)?.as_table()) {
            found.extend(
                entries
                    .iter()
                    .map(|(key, value)| value.get("package").and_then(toml::Value::as_str).unwrap_or(key).to_owned()),
            );
        }
    }
    found
}

fn refuse(room: &Room, used: &str, tests: bool) -> Option<String> {
    let own = if used == "jiaozi" { Some("jiaozi") } else { used.strip_prefix("jiaozi-") };
    if let Some(own) = own {
        let allowed = own == room.name || room.uses.contains(&own) || (tests && room.tests_also.contains(&own));
        let which = if tests { "tests of " } else { "" };
        return (!allowed).then(|| {
            format!("{which}`{}` may not use `{own}`: ask a lower floor for what you need, or change the row in xtask/src/house.rs and say why", room.name)
        });
    }
    let name = used.replace('-', "_");
    let fence = FENCES.iter().find(|fence| fence.name == name)?;
    (!tests && !may_say(room, fence)).then(|| format!("`{}` may not use `{used}`: {}", room.name, fence.reason))
}

fn may_say(room: &Room, fence: &Fence) -> bool {
    match fence.at {
        At::Only(rooms) => rooms.contains(&room.name),
        At::Never(rooms) => !rooms.contains(&room.name),
    }
}

fn fences(file: &File, room: &Room, findings: &mut Vec<Finding>) {
    let Some(source) = file.source.as_ref().filter(|_| !file.is_test()) else { return };
    for (at, word) in words(&source.code) {
        let fence = FENCES.iter().find(|fence| fence.name == word && !may_say(room, fence));
        if let Some(fence) = fence.filter(|_| !source.in_test(at)) {
            let message = format!("`{}` may not name `{word}`: {}", room.name, fence.reason);
            findings.push(Finding::new(&file.path, line_of(&source.code, at), message));
        }
    }
}

fn floats(file: &File, room: &Room, findings: &mut Vec<Finding>) {
    let listed = FLOAT_FILES.iter().any(|(path, _)| *path == file.path);
    let Some(source) = file.source.as_ref().filter(|_| room.floor <= FLOAT_FLOORS && !listed) else { return };
    for (at, word) in words(&source.code).filter(|(_, word)| FLOATS.contains(word)) {
        let message = format!("`{word}` on floor {}: money is exact; use integers, `Money` or a `Rate`", room.floor);
        findings.push(Finding::new(&file.path, line_of(&source.code, at), message));
    }
}
