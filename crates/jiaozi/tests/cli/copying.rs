//! The continuous copy of a serving bank and its restoring to a moment: on a record, before all, in the future, when older ones
//! are not kept any more, and into directories that hold something.

use crate::program::{Run, run, text};
use crate::serving::{Serving, get};
use crate::talking::{post, word};
use serde_json::Value;
use std::path::{Path, PathBuf};
use vocabulary::Timestamp;

/// A sandbox with people that is served, and where it is copied to.
struct World {
    folder: tempfile::TempDir,
    serving: Option<Serving>,
    address: String,
    session: String,
    tea: Value,
    restored: u32,
}

impl World {
    fn new(keep: &str, base_every: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path().join("bank");
        let words = ["demo", "--data", text(&data), "--listen", "127.0.0.1:0", "--days", "1", "--no-traffic", "--json"];
        let mut serving = Serving::start(&words);
        let page: Value = serde_json::from_str(&serving.line()).expect("JSON");
        let tea = serde_json::json!({ "merchant": word(&page, "/shops/0/merchant"),
            "amount": { "amount": "1.50", "currency": "CNY" } });
        let address = word(&page, "/listening").trim_start_matches("http://").to_owned();
        let session = word(&page, "/session").to_owned();
        let world = Self { folder, serving: Some(serving), address, session, tea, restored: 0 };
        let to = world.path("copy");
        let told =
            run(&["backup", "--follow", text(&to), "--keep", keep, "--base-every", base_every, "--data", text(&data)]);
        assert!(told.code == 0 && told.out.contains("the copy is whole"), "{}{}", told.out, told.err);
        world
    }

    /// Ends the bank in order.
    fn stop(&mut self) {
        let serving = self.serving.take().expect("it is served");
        assert_eq!(serving.stop(), Some(0));
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn pay(&self, key: &str) {
        let (status, paid) = post(&self.address, "/v1/payments", (&self.session, key), &self.tea);
        assert!(status.contains(" 201 "), "{status} {paid}");
    }

    fn restore_into(&self, target: &Path, at: Option<&str>) -> Run {
        let copy = self.path("copy");
        let mut words = vec!["restore", "--from", text(&copy), text(target), "--json"];
        words.extend(at.into_iter().flat_map(|at| ["--at", at]));
        run(&words)
    }

    fn restore(&mut self, at: Option<&str>) -> Run {
        self.restored += 1;
        let target = self.path(&format!("again-{}", self.restored));
        self.restore_into(&target, at)
    }

    /// What is restored of a moment: that moment, and how many entries.
    fn at(&mut self, at: &str) -> (String, u64) {
        seen(&self.restore(Some(at)))
    }

    /// Waits until the copy has so many entries; the moment.
    fn until(&mut self, entries: u64) -> String {
        for _ in 0..200 {
            let (moment, found) = seen(&self.restore(None));
            if found == entries {
                return moment;
            }
        }
        panic!("the copy does not come to {entries} entries");
    }
}

fn seen(run: &Run) -> (String, u64) {
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    let report = run.json();
    (word(&report, "/moment").to_owned(), report["entries"].as_u64().expect("a number"))
}

/// The oldest moment, as it is told to who asks for an older one.
fn oldest(refused: &Run) -> Option<String> {
    let (_, rest) = refused.err.split_once("the oldest moment is ")?;
    Some(rest.lines().next().expect("a moment").to_owned())
}

fn before(moment: &str) -> String {
    Timestamp::from_micros(Timestamp::parse(moment).expect("a moment").micros() - 1).to_string()
}

#[test]
fn a_moment_is_restored_while_the_copy_goes_on() {
    let mut world = World::new("1h", "1h");
    let (_, entries) = seen(&world.restore(None));
    world.pay("tea-1");
    let first = world.until(entries + 1);
    world.pay("tea-2");
    let second = world.until(entries + 2);
    assert_eq!(world.at(&first), (first.clone(), entries + 1), "exactly on a record");
    assert_eq!(world.at(&second), (second.clone(), entries + 2));
    let (moment, found) = world.at(&before(&second));
    assert!(moment < second && found > entries && found <= entries + 2, "{moment} {found}");

    let early = world.restore(Some("2001-02-03T04:05:06Z"));
    assert_eq!((early.code, early.out.as_str()), (1, ""), "{}", early.err);
    let oldest = oldest(&early).expect("it is told");
    assert_eq!(world.at(&oldest).0, oldest, "the moment that was told can be had");
    assert_eq!(world.restore(Some(&before(&oldest))).code, 1);

    let late = world.restore(Some("2101-02-03T04:05:06Z"));
    assert_eq!(seen(&late).1, entries + 2);
    assert!(late.err.contains("and not to 2101-02-03T04:05:06Z"), "{}", late.err);
    assert!(late.json()["ends"].as_str().is_some_and(|ends| ends >= second.as_str()), "{}", late.out);
    let wrong = world.restore(Some("2026-11-22T10:15:00"));
    assert!(wrong.code == 2 && wrong.err.contains("2026-11-22T08:30:00Z"), "{}", wrong.err);
    assert!(get(&world.address, "/readyz", "").starts_with("HTTP/1.1 200"), "nobody was disturbed");
    world.stop();
}

#[test]
fn a_directory_that_holds_something_is_not_spoilt_by_a_restore() {
    let mut world = World::new("1h", "1h");
    let again = world.path("again");
    std::fs::create_dir(&again).expect("made");
    std::fs::write(again.join("vault.key"), "mine").expect("written");
    for left in ["follow", "moved", "bank.db-wal", "bank.db"] {
        std::fs::write(again.join(left), "mine").expect("written");
        let refused = world.restore_into(&again, None);
        assert_eq!((refused.code, refused.out.as_str()), (1, ""), "{left}: {}", refused.err);
        assert!(refused.err.contains("another directory") || refused.err.contains("an empty directory"), "{left}");
        assert_eq!(std::fs::read(again.join(left)).expect("it is there"), b"mine");
        std::fs::remove_file(again.join(left)).expect("removed");
    }
    let restored = world.restore_into(&again, None);
    assert_eq!(restored.code, 0, "{}", restored.err);
    let names = std::fs::read_dir(&again).expect("read").map(|item| item.expect("an item").file_name());
    let mut names: Vec<_> = names.collect();
    names.sort();
    assert_eq!(names, ["bank.db", "lock", "vault.key"], "nothing is left behind");
    assert_eq!(std::fs::read(again.join("vault.key")).expect("it is there"), b"mine");
    assert_eq!(run(&["check", "--data", text(&again)]).code, 0);
    world.stop();
}

#[test]
fn moments_that_are_not_kept_any_more_are_refused_with_the_oldest_that_is() {
    let mut world = World::new("1s", "1s");
    let (gone, entries) = seen(&world.restore(None));
    let refused = (0..200).any(|time| {
        world.pay(&format!("tea-{time}"));
        oldest(&world.restore(Some(&gone))).is_some()
    });
    assert!(refused, "{gone} is still there");
    let told = get(&world.address, "/metrics", "");
    assert!(told.contains("jiaozi_copy_lag_seconds"), "{told}");
    world.stop();
    // From here on nothing is removed any more.
    let told = oldest(&world.restore(Some(&gone))).expect("it is gone for good");
    assert!(told > gone, "{told} {gone}");
    let (moment, found) = world.at(&told);
    assert!(moment == told && found > entries, "{moment} {found}");
    let (_, all) = seen(&world.restore(None));
    let checked = run(&["check", "--data", text(&world.path("bank")), "--json"]).json();
    assert_eq!(checked["entries"].as_u64(), Some(all), "an orderly stop copies the last moment");
}

#[test]
fn a_copy_that_nobody_asked_for_cannot_be_ended() {
    let folder = tempfile::tempdir().expect("a folder");
    let nowhere = run(&["backup", "--unfollow", "--data", text(&folder.path().join("nowhere"))]);
    assert!(nowhere.code == 1 && nowhere.err.contains("there is no bank in"), "{}{}", nowhere.out, nowhere.err);
    let unasked = run(&["backup", "--unfollow", "--data", text(folder.path())]);
    assert!(unasked.code == 1 && unasked.out.contains("no copy of this bank was asked for"), "{}", unasked.out);
}
