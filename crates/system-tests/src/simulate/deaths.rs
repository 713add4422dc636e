//! How the process ends and starts again: in order, by a kill, with the power, or while it starts; and what is left each time.
//!
//! A dead process is one whose writer is over, whose disk does not change and whose lines are cut. Those who still wait in it
//! are let go on to their end: an answer that was sent before the death may have arrived, everything else is nothing.

use crate::crash::verdict;
use crate::simulate::clients::Heard;
use crate::simulate::disk::{Fault, SimDisk};
use crate::simulate::run::{Ending, LONGEST, Run};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

impl Run<'_> {
    pub(super) fn restart(&mut self) -> Result<(), String> {
        self.history.note("the process is told to end");
        self.set_fault(None)?;
        self.settle()?;
        if let Some(node) = self.node.take() {
            // As the executable does on its way out.
            node.store().settle_blocking().map_err(|error| format!("an orderly end: {error}"))?;
        }
        self.examine()?;
        self.start()
    }

    /// The process dies, with the power or without; what it leaves is examined, and it starts again.
    pub(super) fn die(&mut self, how: &str) -> Result<(), String> {
        self.history.note(&format!("the process dies {how}"));
        self.ran.deaths += 1;
        self.end_node()?;
        let power = self.chance.percent(60);
        if power {
            self.lose_power()?;
        }
        self.set_fault(None)?;
        self.examine()?;
        self.start()
    }

    /// Ends the process: from here on it changes nothing, and what its callers hear was sent before.
    fn end_node(&mut self) -> Result<(), String> {
        let Some(node) = self.node.take() else { return Ok(()) };
        self.disk.fail(Fault::EndsAt(0)).map_err(|error| error.to_string())?;
        node.store().kill();
        drop(node);
        self.alive.store(false, Ordering::SeqCst);
        for _ in 0..LONGEST {
            if self.parties.is_empty() {
                return Ok(());
            }
            match self.goes_on(0)? {
                Some(Ending::Client(number, changed, heard @ Heard::Answer(_))) => {
                    self.client_hears(number, changed, heard)?;
                }
                Some(Ending::Lane(lane, _)) => self.lanes[lane] = false,
                Some(Ending::Client(..)) | None => {}
            }
        }
        Err("somebody goes on in a dead process for ever".to_owned())
    }

    fn lose_power(&mut self) -> Result<(), String> {
        self.ran.cuts += 1;
        let told = self.disk.cut(&mut self.chance).map_err(|error| error.to_string())?;
        self.history.note(&format!("the power is cut; unflushed: {told}"));
        Ok(())
    }

    /// Starts a process, which may die while it starts.
    pub(super) fn start(&mut self) -> Result<(), String> {
        loop {
            self.alive = Arc::new(AtomicBool::new(true));
            let group = [1, 2, 4, 16, 128][self.chance.place(5)];
            let dies = self.chance.percent(12).then(|| Fault::EndsAt(1 + self.chance.below(40)));
            if dies.is_some() && self.history.step > 0 {
                self.set_fault(dies)?;
            }
            let opened = self.outside.open(&self.place, Arc::clone(&self.alive), group);
            if !self.disk.tripped() {
                self.set_fault(None)?;
                self.node = Some(opened.map_err(|error| format!("the bank does not open: {error}"))?);
                self.history.note(&format!("the process starts, groups of {group}"));
                return Ok(());
            }
            if let Ok(bank) = opened {
                bank.store().kill();
            }
            self.ran.deaths += 1;
            self.history.note("the process dies while it starts");
            if self.chance.percent(60) {
                self.lose_power()?;
            }
            self.set_fault(None)?;
            self.examine()?;
        }
    }

    /// The database as it lies there, in a directory that no fault concerns.
    pub(super) fn copy(&self) -> Result<PathBuf, String> {
        let look = self.place.join("look");
        if look.exists() {
            std::fs::remove_dir_all(&look).map_err(|error| error.to_string())?;
        }
        std::fs::create_dir_all(&look).map_err(|error| error.to_string())?;
        verdict::copy(&SimDisk::node(&self.place), &look).map_err(|error| error.to_string())
    }

    /// Safety: the books are right, and say what clients were told.
    pub(super) fn examine(&mut self) -> Result<(), String> {
        verdict::compare(&self.copy()?, &self.book)
    }
}
