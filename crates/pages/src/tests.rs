//! A page that is not as it was written is never read, and files of older versions stay what they are.

use super::*;
use rusqlite::{Connection, OpenFlags};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

const ROWS: i64 = 120;

fn flags() -> OpenFlags {
    OpenFlags::default()
}

/// A database with some pages, all of them in its file.
fn filled(directory: &Path, open: impl Fn(&Path) -> Connection) -> PathBuf {
    let file = directory.join("x.db");
    let connection = open(&file);
    connection.execute_batch("PRAGMA journal_mode=WAL; CREATE TABLE t(a INTEGER PRIMARY KEY, b BLOB)").expect("made");
    for _ in 0..ROWS {
        connection.execute("INSERT INTO t(b) VALUES (randomblob(abs(random() % 9000)))", []).expect("written");
    }
    connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").expect("moved");
    file
}

fn summed(file: &Path) -> Connection {
    open(file, flags()).expect("opens")
}

fn bare(file: &Path) -> Connection {
    Connection::open(file).expect("opens")
}

/// Reads everything; the page that is damaged, if SQLite found something wrong.
fn read(file: &Path) -> Result<i64, Option<u64>> {
    let connection = open(file, OpenFlags::SQLITE_OPEN_READ_ONLY).expect("opens");
    let sql = "SELECT count(*) FROM t WHERE length(hex(b)) = 2 * length(b)";
    connection.query_row(sql, [], |row| row.get(0)).map_err(|_| take_damaged())
}

fn pages(file: &Path) -> Vec<[u8; PAGE]> {
    std::fs::read(file).expect("read").as_chunks::<PAGE>().0.to_vec()
}

#[test]
fn every_page_of_a_new_file_has_its_sum() {
    let place = tempfile::tempdir().expect("a place");
    let file = filled(place.path(), summed);
    assert_eq!(read(&file), Ok(ROWS));
    let pages = pages(&file);
    assert!(pages.len() > 100 && keeps_sums(&pages[0]));
    for (number, page) in (1..).zip(&pages) {
        assert!(is_sound(number, page), "page {number}");
    }
    assert!(has_sums(&summed(&file)));
}

#[test]
fn a_flip_in_any_page_is_told_with_its_number() {
    let place = tempfile::tempdir().expect("a place");
    let file = filled(place.path(), summed);
    let whole = std::fs::read(&file).expect("read");
    let disk = std::fs::OpenOptions::new().write(true).open(&file).expect("opens");
    for (at, bit) in (0..whole.len()).step_by(PAGE - 1).zip((0..8).cycle()) {
        disk.write_at(&[whole[at] ^ 1 << bit], at as u64).expect("damaged");
        assert_eq!(read(&file), Err(Some((at / PAGE) as u64 + 1)), "byte {at} bit {bit}");
        disk.write_at(&whole[at..=at], at as u64).expect("put back");
    }
}

#[test]
fn a_flip_anywhere_in_the_first_page_is_noticed() {
    let place = tempfile::tempdir().expect("a place");
    let file = filled(place.path(), summed);
    let whole = std::fs::read(&file).expect("read");
    let disk = std::fs::OpenOptions::new().write(true).open(&file).expect("opens");
    for at in (0..100 * 8).chain((800..PAGE * 8).step_by(97)) {
        disk.write_at(&[whole[at / 8] ^ 1 << (at % 8)], (at / 8) as u64).expect("damaged");
        assert!(read(&file).is_err(), "bit {at}");
        disk.write_at(&whole[at / 8..=at / 8], (at / 8) as u64).expect("put back");
    }
    assert_eq!(read(&file), Ok(ROWS));
}

#[test]
fn a_page_in_another_place_is_noticed_and_so_is_one_that_was_never_written() {
    let place = tempfile::tempdir().expect("a place");
    let file = filled(place.path(), summed);
    let whole = std::fs::read(&file).expect("read");
    let mut moved = whole.clone();
    moved[20 * PAGE..21 * PAGE].copy_from_slice(&whole[21 * PAGE..22 * PAGE]);
    std::fs::write(&file, moved).expect("written");
    assert_eq!(read(&file), Err(Some(21)));
    let mut lost = whole.clone();
    lost[30 * PAGE..31 * PAGE].fill(0);
    std::fs::write(&file, lost).expect("written");
    assert_eq!(read(&file), Err(Some(31)));
}

#[test]
fn a_torn_page_that_the_log_still_has_is_no_damage() {
    let place = tempfile::tempdir().expect("a place");
    let file = filled(place.path(), summed);
    let connection = summed(&file);
    connection.execute_batch("PRAGMA wal_autocheckpoint=0; UPDATE t SET b = randomblob(3000)").expect("written");
    let again = place.path().join("again.db");
    std::fs::copy(&file, &again).expect("copied");
    std::fs::copy(place.path().join("x.db-wal"), place.path().join("again.db-wal")).expect("copied");
    // Torn by a cut in the middle of a checkpoint: every page that the log has is a mixture.
    let disk = std::fs::OpenOptions::new().write(true).open(&again).expect("opens");
    let log = std::fs::read(place.path().join("again.db-wal")).expect("read");
    for frame in log[32..].chunks_exact(24 + PAGE) {
        let number = u32::from_be_bytes([frame[0], frame[1], frame[2], frame[3]]);
        disk.write_at(&frame[24..24 + 1024], (u64::from(number) - 1) * PAGE as u64).expect("torn");
    }
    let recovered = summed(&again);
    let count = |connection: &Connection| {
        connection.query_row("SELECT count(*) FROM t WHERE length(b) = 3000", [], |row| row.get::<_, i64>(0))
    };
    assert_eq!(count(&recovered).expect("read"), ROWS);
    recovered.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").expect("moved");
    assert_eq!(read(&again), Ok(ROWS));
}

#[test]
fn a_file_without_room_is_served_as_it_is_and_its_copy_has_sums() {
    let place = tempfile::tempdir().expect("a place");
    let file = filled(place.path(), bare);
    assert!(!keeps_sums(&pages(&file)[0]));
    let connection = summed(&file);
    assert!(!has_sums(&connection));
    connection.execute_batch("UPDATE t SET b = randomblob(5000); PRAGMA wal_checkpoint(TRUNCATE)").expect("written");
    assert_eq!(read(&file), Ok(ROWS));
    let finding: String = bare(&file).query_row("PRAGMA integrity_check", [], |row| row.get(0)).expect("asked");
    assert_eq!(finding, "ok");
    let copy = place.path().join("copy.db");
    // So few pages fit into memory that they are written before the first one.
    connection.execute_batch("PRAGMA cache_size=10").expect("set");
    connection.execute("VACUUM INTO ?1", [copy.to_str()]).expect("copied");
    assert_eq!(read(&copy), Ok(ROWS));
    for (number, page) in (1..).zip(&pages(&copy)) {
        assert!(is_sound(number, page), "page {number}");
    }
}

#[test]
fn a_plain_reader_can_read_a_file_with_sums() {
    let place = tempfile::tempdir().expect("a place");
    let file = filled(place.path(), summed);
    let finding: String = bare(&file).query_row("PRAGMA integrity_check", [], |row| row.get(0)).expect("asked");
    assert_eq!(finding, "ok");
}

#[test]
fn nobody_makes_a_file_that_is_neither() {
    let place = tempfile::tempdir().expect("a place");
    let connection = summed(&place.path().join("large.db"));
    let made = connection.execute_batch("PRAGMA page_size=8192; CREATE TABLE t(a)");
    assert!(made.is_err(), "pages of another length have no sums");
}
