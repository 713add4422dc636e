//! A copy is every moment of the bank, whatever its log does meanwhile; what is damaged is refused.

use super::{Wish, copy_state, copy_wish, rebuild, wall_clock};
use crate::checkpoint::Checkpointer;
use crate::connection::Connection;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A row fills so many pages, so that the log starts anew often.
const ROW: usize = 400_000;

struct World {
    _place: tempfile::TempDir,
    data: PathBuf,
    to: PathBuf,
}

impl World {
    fn new() -> Self {
        let place = tempfile::tempdir().expect("a place");
        let (data, to) = (place.path().join("data"), place.path().join("copy"));
        std::fs::create_dir(&data).expect("made");
        let world = Self { _place: place, data, to };
        let writer = world.writer();
        writer.execute_batch("CREATE TABLE t(n INTEGER PRIMARY KEY, at INTEGER, b BLOB)").expect("made");
        world
    }

    fn file(&self) -> PathBuf {
        self.data.join(crate::FILE_NAME)
    }

    fn writer(&self) -> Connection {
        Connection::open_writer(&self.file(), 4_096).expect("opens")
    }

    fn follow(&self) {
        self.follow_with_bases(Duration::from_hours(1));
    }

    fn follow_with_bases(&self, base_every: Duration) {
        let keep = Duration::from_hours(1);
        let wish = Wish { to: self.to.clone(), id: "one".to_owned(), keep, base_every };
        copy_wish(&self.data, &wish).expect("wished");
    }

    /// Waits until everything that is committed now is in the copy.
    fn caught_up(&self) {
        let (now, mut tries) = (wall_clock(), 0);
        while copy_state(&self.to).ok().flatten().is_none_or(|state| state.covered <= now) {
            std::thread::sleep(Duration::from_millis(20));
            tries += 1;
            assert!(tries < 1_500, "no copy after thirty seconds");
        }
    }

    /// How many rows the bank had at a moment, and when the last was written.
    fn rows_at(&self, at: Option<i64>) -> (i64, i64, i64) {
        let target = self.data.with_file_name(format!("again-{}.db", at.unwrap_or(0)));
        let rebuilt = rebuild(&self.to, at, &target).expect("restored");
        crate::check_file(&target).expect("whole");
        let rows = look(&target);
        std::fs::remove_file(target).expect("removed");
        (rows.0, rows.1, rebuilt.moment)
    }
}

fn look(file: &Path) -> (i64, i64) {
    let connection = Connection::open_reader(file).expect("opens");
    let count = connection.number("SELECT count(*) FROM t WHERE length(b) > 0", &[]).expect("rows");
    (count, connection.number("SELECT max(at) FROM t", &[]).expect("rows"))
}

fn insert(writer: &Connection, count: i64, length: usize) {
    for _ in 0..count {
        // The time is taken after the write and before the commit: it is no later than the commit.
        writer.execute("BEGIN IMMEDIATE", &[]).expect("begun");
        let length = i64::try_from(length).expect("small");
        let sql = "INSERT INTO t(at, b) VALUES (?1, randomblob(?2))";
        writer.execute(sql, crate::params![wall_clock(), length]).expect("written");
        writer.execute("COMMIT", &[]).expect("committed");
    }
}

#[test]
fn every_moment_can_be_restored_while_the_log_starts_anew() {
    let world = World::new();
    let writer = world.writer();
    insert(&writer, 20, ROW);
    world.follow();
    let checkpointer = Checkpointer::start(&world.file()).expect("started");
    world.caught_up();
    let (mut restarts, mut last, mut salt) = (0, 0, [0; 24]);
    let log = PathBuf::from(format!("{}-wal", world.file().display()));
    let (mut written, begun) = (20, wall_clock());
    while written < 400 || restarts <= 2 {
        assert!(wall_clock() - begun < 60_000_000, "the log started anew {restarts} times");
        insert(&writer, 1, ROW);
        written += 1;
        if written > 400 {
            // The copy runs beside; on a busy machine it is given time.
            std::thread::sleep(Duration::from_millis(5));
        }
        checkpointer.restart_when_due(&writer);
        let mut now = [0; 24];
        // A long log is cut when it starts anew.
        let whole = std::fs::File::open(&log).expect("a log").read_exact(&mut now).is_ok();
        restarts += u32::from(whole && now != salt);
        salt = now;
        last = last.max(wall_clock());
    }
    world.caught_up();
    let (rows, _, moment) = world.rows_at(None);
    let state = copy_state(&world.to).expect("read").expect("a copy");
    let chains = super::chain::chains(&world.to).expect("read").len();
    assert_eq!(rows, written, "{moment} of {state:?}, {chains} chains, {restarts} restarts");
    let state = copy_state(&world.to).expect("read").expect("a copy");
    for part in [3, 6] {
        let at = state.oldest + (last - state.oldest) / 8 * part;
        let (rows, newest, moment) = world.rows_at(Some(at));
        assert!(newest <= moment && moment <= at, "{newest} {moment} {at}");
        // How far the copy is behind depends on the machine (the harness measures it); that it says so truly does not.
        let sql = "SELECT count(*) FROM t WHERE at < ?1 AND n > ?2";
        let missing = writer.number(sql, crate::params![moment - 1_000_000, rows]).expect("counted");
        assert_eq!(missing, 0, "rows older than a second before the record are missing");
    }
}

#[test]
fn a_copy_goes_on_after_the_process_has_ended_and_begins_anew_with_another_log() {
    let world = World::new();
    let writer = world.writer();
    world.follow();
    insert(&writer, 5, 9_000);
    let chains = || super::chain::chains(&world.to).expect("read").len();
    for round in 1..=3 {
        // The writer stays: the log is the one that a kill would have left.
        let checkpointer = Checkpointer::start(&world.file()).expect("started");
        world.caught_up();
        insert(&writer, 5, 9_000);
        world.caught_up();
        drop(checkpointer);
        insert(&writer, 5, 9_000);
        assert_eq!(chains(), 1, "round {round}");
    }
    assert!(crate::checkpoint::restart(&writer, false).expect("tried"), "the log starts anew unseen");
    insert(&writer, 5, 9_000);
    let _checkpointer = Checkpointer::start(&world.file()).expect("started");
    world.caught_up();
    assert_eq!(chains(), 2);
    assert_eq!(world.rows_at(None).0, 40);
    // Between the two chains there is no moment, and that is said.
    let second = super::chain::chains(&world.to).expect("read").pop().expect("a chain");
    let later = super::chain::bases(&second).expect("read")[0].moment;
    let target = world.data.join("between");
    let rebuilt = rebuild(&world.to, Some(later - 1), &target).expect("restored");
    assert_eq!(look(&target).0, 30);
    assert!(rebuilt.ends.is_some_and(|ends| rebuilt.moment <= ends && ends < later), "{rebuilt:?} {later}");
    let target = world.data.join("exactly");
    let rebuilt = rebuild(&world.to, Some(later), &target).expect("restored");
    assert_eq!((rebuilt.moment, rebuilt.ends.is_some_and(|ends| ends < later)), (later, false), "{rebuilt:?}");
}

#[test]
fn a_destination_that_goes_away_and_comes_back_is_gone_on_with() {
    let world = World::new();
    let writer = world.writer();
    world.follow();
    let _checkpointer = Checkpointer::start(&world.file()).expect("started");
    insert(&writer, 5, 9_000);
    world.caught_up();
    let away = world.to.with_extension("away");
    std::fs::rename(&world.to, &away).expect("away");
    insert(&writer, 50, 9_000);
    // An empty mount point in its place is not written to.
    std::fs::create_dir(&world.to).expect("made");
    std::thread::sleep(Duration::from_millis(1_500));
    assert_eq!(std::fs::read_dir(&world.to).expect("read").count(), 0);
    std::fs::remove_dir(&world.to).expect("removed");
    std::fs::rename(&away, &world.to).expect("back");
    world.caught_up();
    assert_eq!(world.rows_at(None).0, 55);
    assert_eq!(super::chain::chains(&world.to).expect("read").len(), 1);
}

#[test]
fn a_destination_that_comes_back_as_it_was_before_gets_a_new_chain() {
    let world = World::new();
    let writer = world.writer();
    world.follow();
    let _checkpointer = Checkpointer::start(&world.file()).expect("started");
    insert(&writer, 5, 9_000);
    world.caught_up();
    let (earlier, away) = (world.to.with_extension("earlier"), world.to.with_extension("away"));
    let copied = std::process::Command::new("cp").arg("-a").arg(&world.to).arg(&earlier).status();
    assert!(copied.expect("cp runs").success());
    insert(&writer, 5, 9_000);
    world.caught_up();
    std::fs::rename(&world.to, &away).expect("away");
    insert(&writer, 5, 9_000);
    std::thread::sleep(Duration::from_millis(1_500));
    std::fs::rename(&earlier, &world.to).expect("an older one in its place");
    world.caught_up();
    assert_eq!(world.rows_at(None).0, 15, "nothing of what went to the other one is missing");
    assert_eq!(super::chain::chains(&world.to).expect("read").len(), 2);
}

#[test]
fn what_is_damaged_or_missing_is_refused() {
    let world = World::new();
    let writer = world.writer();
    insert(&writer, 5, 9_000);
    world.follow();
    let checkpointer = Checkpointer::start(&world.file()).expect("started");
    world.caught_up();
    for _ in 0..5 {
        insert(&writer, 1, 9_000);
        world.caught_up();
    }
    drop(checkpointer);
    let chain = super::chain::chains(&world.to).expect("read").pop().expect("a chain");
    let target = world.data.join("target");
    for item in std::fs::read_dir(&chain).expect("read") {
        let path = item.expect("an item").path();
        let bytes = std::fs::read(&path).expect("read");
        for at in (0..bytes.len() * 8).step_by(bytes.len().div_ceil(40) * 8 + 3) {
            let mut damaged = bytes.clone();
            damaged[at / 8] ^= 1 << (at % 8);
            std::fs::write(&path, damaged).expect("damaged");
            rebuild(&world.to, None, &target).expect_err(&format!("bit {at} of {}", path.display()));
            let _ = std::fs::remove_file(&target);
        }
        std::fs::write(&path, &bytes[..bytes.len() - 1]).expect("cut");
        rebuild(&world.to, None, &target).expect_err(&format!("{} cut", path.display()));
        let _ = std::fs::remove_file(&target);
        std::fs::remove_file(&path).expect("removed");
        rebuild(&world.to, None, &target).expect_err(&format!("{} missing", path.display()));
        let _ = std::fs::remove_file(&target);
        std::fs::write(&path, bytes).expect("put back");
    }
    assert_eq!(world.rows_at(None).0, 10);
}

#[test]
fn another_banks_copy_is_not_written_to() {
    let (one, other) = (World::new(), World::new());
    one.follow();
    let (keep, base_every) = (Duration::from_hours(1), Duration::from_hours(1));
    let wish = Wish { to: one.to.clone(), id: "two".to_owned(), keep, base_every };
    assert!(matches!(copy_wish(&other.data, &wish), Err(super::WishError::Taken)));
    assert_eq!(Wish::read(&other.data).expect("read"), None);
}

#[test]
fn an_idle_bank_whose_log_is_empty_is_copied_too() {
    let world = World::new();
    insert(&world.writer(), 5, 9_000);
    world.follow();
    // As after an orderly stop: the last connection has emptied the log and removed it.
    let writer = world.writer();
    let checkpointer = Checkpointer::start(&world.file()).expect("started");
    world.caught_up();
    assert_eq!(world.rows_at(None).0, 5);
    insert(&writer, 5, 9_000);
    world.caught_up();
    assert_eq!(world.rows_at(None).0, 10);
    drop(checkpointer);
}

#[test]
fn every_base_of_a_quiet_bank_is_the_whole_bank() {
    let world = World::new();
    let writer = world.writer();
    world.follow_with_bases(Duration::from_secs(1));
    let _checkpointer = Checkpointer::start(&world.file()).expect("started");
    insert(&writer, 5, 9_000);
    world.caught_up();
    // Nothing is written while the next bases are made, and the log stays: it is too short to be moved into the file.
    let (begun, mut bases) = (wall_clock(), Vec::new());
    while bases.len() < 4 {
        assert!(wall_clock() - begun < 60_000_000, "{} bases", bases.len());
        std::thread::sleep(Duration::from_millis(50));
        let chain = super::chain::chains(&world.to).expect("read").pop().expect("a chain");
        bases = super::chain::bases(&chain).unwrap_or_default();
    }
    for base in bases {
        assert_eq!(world.rows_at(Some(base.moment)).0, 5, "{base:?}");
    }
}
