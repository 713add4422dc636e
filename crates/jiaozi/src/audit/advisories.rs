//! Known weaknesses of the libraries that this program is made of, by a checkout of the RustSec advisory database: a folder for
//! each library, in it a file for each advisory, which begins with a block of TOML.

use super::findings::Finding;
use crate::failure::Failure;
use semver::{Version, VersionReq};
use serde::Deserialize;
use std::path::Path;

/// The libraries and their versions, as they were when the program was built.
const LOCK: &str = include_str!("../../../../Cargo.lock");

#[derive(Deserialize)]
struct Lock {
    package: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: Version,
    /// None for our own crates.
    source: Option<String>,
}

#[derive(Deserialize)]
struct Notice {
    advisory: Advisory,
    versions: Versions,
}

#[derive(Deserialize)]
struct Advisory {
    id: String,
    withdrawn: Option<String>,
    /// Notices such as `unmaintained` are no weaknesses.
    informational: Option<String>,
}

#[derive(Deserialize)]
struct Versions {
    #[serde(default)]
    patched: Vec<VersionReq>,
    #[serde(default)]
    unaffected: Vec<VersionReq>,
}

/// Compares.
///
/// # Errors
/// When the folder is no such checkout.
pub fn look(folder: &Path) -> Result<Finding, Failure> {
    let crates = folder.join("crates");
    if !crates.is_dir() {
        let what =
            format!("{} is no checkout of the RustSec advisory database: it has no folder crates", folder.display());
        return Err(Failure::usage(what));
    }
    let lock: Lock = toml::from_str(LOCK).map_err(|error| Failure::because("the list of libraries", error))?;
    let mut hits = Vec::new();
    let mut notices = 0_u32;
    for package in lock.package.iter().filter(|package| package.source.is_some()) {
        for entry in std::fs::read_dir(crates.join(&package.name)).into_iter().flatten().flatten() {
            let Ok(text) = std::fs::read_to_string(entry.path()) else { continue };
            let unreadable = || format!("the advisory {} cannot be read", entry.path().display());
            let notice = notice(&text).map_err(|error| Failure::because(unreadable(), error))?;
            notices += 1;
            if concerns(&notice, &package.version) {
                hits.push(format!("{} {}: {}", package.name, package.version, notice.advisory.id));
            }
        }
    }
    let what = format!("no advisory about the {} libraries ({notices} were compared)", lock.package.len());
    Ok(Finding::of("15.2.1", what, hits.is_empty())
        .unless(&hits.join(", "), "install a release of this program that is made of newer libraries"))
}

fn notice(text: &str) -> Result<Notice, toml::de::Error> {
    let block = text.split("```").nth(1).unwrap_or_default();
    toml::from_str(block.strip_prefix("toml").unwrap_or(block))
}

fn concerns(notice: &Notice, version: &Version) -> bool {
    let Notice { advisory, versions } = notice;
    let weakness = advisory.withdrawn.is_none() && advisory.informational.is_none();
    let safe = |all: &[VersionReq]| all.iter().any(|one| one.matches(version));
    weakness && !safe(&versions.patched) && !safe(&versions.unaffected)
}

#[cfg(test)]
mod tests {
    use super::{concerns, look, notice};
    use crate::audit::findings::State;
    use semver::Version;

    fn text(id: &str, patched: &str, more: &str) -> String {
        format!(
            "```toml\n[advisory]\nid = \"{id}\"\npackage = \"x\"\n{more}\n[versions]\npatched = [\"{patched}\"]\n```\n\n# What\n"
        )
    }

    #[test]
    fn a_version_before_the_mended_one_is_concerned() {
        let found = notice(&text("RUSTSEC-2026-0001", ">= 1.2.3", "")).expect("a notice");
        assert!(concerns(&found, &Version::new(1, 2, 2)) && !concerns(&found, &Version::new(1, 2, 3)));
        let unmaintained = notice(&text("RUSTSEC-2026-0002", ">= 9.0.0", "informational = \"unmaintained\""));
        assert!(!concerns(&unmaintained.expect("a notice"), &Version::new(1, 0, 0)));
        let withdrawn = notice(&text("RUSTSEC-2026-0003", ">= 9.0.0", "withdrawn = \"2026-01-01\""));
        assert!(!concerns(&withdrawn.expect("a notice"), &Version::new(1, 0, 0)));
        assert!(notice("nothing").is_err());
    }

    #[test]
    fn an_advisory_about_a_library_of_ours_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(look(folder.path()).is_err());
        let of = folder.path().join("crates/rusqlite");
        std::fs::create_dir_all(&of).expect("a folder");
        assert_eq!(look(folder.path()).expect("read").state, State::Right);
        std::fs::write(of.join("RUSTSEC-2026-0009.md"), text("RUSTSEC-2026-0009", ">= 99.0.0", "")).expect("written");
        let found = look(folder.path()).expect("read");
        assert_eq!(found.state, State::Wrong);
        assert!(found.found.contains("rusqlite") && found.found.contains("RUSTSEC-2026-0009"), "{}", found.found);
    }
}
