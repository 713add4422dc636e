//! Torn, lost and reordered writes: many disks made from one record of a small bank's writes and flushes.
//!
//! As the power cut, but broad where that one is deep: a small bank with a short load, so that a state costs little and
//! thousands can be looked at; and writes may break in the middle of a sector, which drives do not promise to avoid. A round is
//! one state of the disk: opened, compared with the history, read by the checker, and money moved on it.

use crate::chance::Chance;
use crate::faults::{How, Tally};
use crate::powercut::disk::Disk;
use crate::powercut::loader::Load;
use crate::powercut::{session, verdict};
use std::io;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

/// The defect: the disk says that it has flushed, and has not.
pub const DEFECT: &str = "lying-disk";
/// Half a sector.
const GRAIN: usize = 256;
/// States from one load.
const STATES: u64 = 500;

/// Looks at `rounds` states of disks.
///
/// # Errors
/// When the harness itself fails.
pub fn run(how: &How) -> io::Result<Tally> {
    // States are read back at once and thrown away: memory will do.
    let memory = PathBuf::from("/dev/shm");
    let place = if memory.is_dir() { tempfile::tempdir_in(&memory)? } else { tempfile::tempdir()? };
    let library = session::build_shim(place.path())?;
    let mut tally = Tally::default();
    let (mut looked_for, mut sessions) = (0, 0);
    while tally.rounds < how.rounds {
        sessions += 1;
        let mut chance = Chance::new(how.seed).branch(sessions);
        let directory = tempfile::tempdir_in(place.path())?;
        let load = Load { seed: chance.next(), clients: 4, time: Duration::from_secs(5), wishes: 40 };
        let defect = how.defect.as_deref().filter(|defect| *defect != DEFECT);
        let record = session::record(directory.path(), &library, &load, defect)?;
        let states = STATES.min(how.rounds - tally.rounds);
        let mut places: Vec<usize> = (0..states).map(|_| 1 + chance.place(record.trace.events.len())).collect();
        places.sort_unstable();
        let disk = Disk::new(&record.trace, &record.base).tearing_at(GRAIN).that_lies(how.has(DEFECT));
        let work = Mutex::new((disk, places.into_iter(), chance));
        let found = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..2).map(|_| scope.spawn(|| worker(&work, place.path()))).collect();
            let ended =
                workers.into_iter().map(|worker| worker.join().map_err(|_| io::Error::other("a worker panicked")));
            ended.collect::<io::Result<Vec<_>>>()
        })?;
        for found in found {
            let (count, wrong) = found?;
            looked_for += count;
            wrong.into_iter().for_each(|wrong| tally.wrong(format!("session {sessions}, {wrong}")));
        }
        tally.rounds += states;
        println!("  {} states, {} wrong", tally.rounds, tally.wrong.len());
    }
    tally.fact(format!("{looked_for} look-ups of answers that came before a cut, {sessions} loads"));
    Ok(tally)
}

type Work<'t> = Mutex<(Disk<'t>, std::vec::IntoIter<usize>, Chance)>;

fn worker(work: &Work<'_>, place: &std::path::Path) -> io::Result<(usize, Vec<String>)> {
    let (mut looked_for, mut wrong) = (0, Vec::new());
    loop {
        let (at, files, fates, history) = {
            let mut work = work.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let (disk, places, chance) = &mut *work;
            let Some(at) = places.next() else { return Ok((looked_for, wrong)) };
            disk.advance(at)?;
            let (files, fates) = disk.cut(chance);
            (at, files, fates, disk.history.clone())
        };
        let directory = tempfile::tempdir_in(place)?;
        for (name, content) in &files {
            std::fs::write(directory.path().join(name), content)?;
        }
        looked_for += history.acknowledged();
        if let Err(finding) = verdict::judge(directory.path(), &history) {
            wrong.push(format!("event {at}, {fates:?}: {finding}"));
        }
    }
}
