//! Leases: of several nodes one does a job.
//!
//! Races closed here: two nodes find the same job due. Each claims it in a unit of work, and units have one order: the first
//! moves the job's fence and says until when the lease lives, the second finds the fence moved and leaves the job alone. A
//! node that dies keeps its jobs from others until the lease ends, not longer. A node that was paused for longer than its lease and
//! goes on (a zombie) carries an outdated fence: ending, putting off and failing the job name the fence and change nothing
//! then, and a handler that cannot end its job does nothing else (see `finish_job`). What it had asked of somebody outside
//! was asked under the id that the next one asks under too.
//!
//! Leases end by the database's clock, which is one for all nodes: a node's own clock may be wrong, and a sandbox's is moved.
//! If another primary with another clock takes over, a lease may end early or late; the fence still tells who is outdated.
//! On the embedded database the one process has every lease: nothing is written, and fences stay 0.

use crate::error::StoreError;
use crate::jobs::{self, Claim, Job};
use crate::store::Store;
use crate::uow::{Outcome, Uow};
use vocabulary::Timestamp;

/// How long a lease lives: longer than a handler usually takes, and as long as a job waits when its node died.
const LEASE_MICROS: i64 = 30_000_000;
/// So many jobs are looked at when some are to be claimed.
const LOOKED_AT: u32 = 64;

impl Store {
    /// Gives claimed jobs back, undone. Nothing embedded.
    ///
    /// # Errors
    /// Trouble; the leases then end by themselves.
    pub fn release_jobs_blocking(&self, claimed: &[Job]) -> Result<(), StoreError> {
        if !self.has_other_nodes() || claimed.is_empty() {
            return Ok(());
        }
        let claims: Vec<Claim> = claimed.iter().map(|job| job.claim).collect();
        self.write_blocking(move |uow| {
            for claim in &claims {
                uow.unit.put(jobs::RELEASE, sql::params![claim.no, claim.fence])?;
            }
            Ok::<_, StoreError>(Outcome::<(), ()>::Done(()))
        })?;
        Ok(())
    }

    /// Jobs of some kinds that are due, now this node's: on a server for the time of a lease, and `most` of them; embedded
    /// as many as `limit`. For threads that may block.
    ///
    /// # Errors
    /// Trouble; a lease that was taken nevertheless ends by itself.
    pub fn claim_jobs_blocking(&self, kinds: &[&str], (limit, most): (u32, usize)) -> Result<Vec<Job>, StoreError> {
        if !self.has_other_nodes() {
            return self.read_blocking(|snapshot| snapshot.due_jobs(kinds, limit));
        }
        let due = self.read_blocking(|snapshot| snapshot.due_jobs(kinds, LOOKED_AT))?;
        if due.is_empty() {
            return Ok(due);
        }
        let outcome = self.write_blocking(move |uow| {
            let leases = uow.lease_clock()?;
            let mut claimed = Vec::with_capacity(due.len());
            for job in &due {
                if claimed.len() == most {
                    break;
                }
                if let Some(claim) = uow.lease_job(job, leases + LEASE_MICROS, leases)? {
                    claimed.push(Job { claim, ..job.clone() });
                }
            }
            Ok::<_, StoreError>(Outcome::<_, ()>::Done(claimed))
        })?;
        match outcome {
            Outcome::Done(claimed) => Ok(claimed),
            Outcome::Refused(()) => Ok(Vec::new()),
        }
    }
}

impl Uow<'_, '_> {
    /// Schedules a job for a time.
    ///
    /// # Errors
    /// When the database fails.
    pub fn schedule(&mut self, due: Timestamp, kind: &str, subject: u128) -> Result<(), StoreError> {
        self.unit.put(jobs::INSERT, sql::params![due, kind, &subject.to_be_bytes(), 0])?;
        Ok(())
    }

    /// Takes back the jobs of a kind for a subject.
    ///
    /// # Errors
    /// When the database fails.
    pub fn cancel_jobs(&mut self, kind: &str, subject: u128) -> Result<(), StoreError> {
        self.unit.put(jobs::CANCEL, sql::params![&subject.to_be_bytes(), kind])?;
        Ok(())
    }

    /// Takes a lease of a job until a moment of [`Uow::lease_clock`], which becomes `leases`. None when somebody else has one.
    pub(crate) fn lease_job(&mut self, job: &Job, until: i64, leases: i64) -> Result<Option<Claim>, StoreError> {
        let Claim { no, fence } = job.claim;
        let taken = self.unit.execute(jobs::LEASE, sql::params![no, until, fence, leases])? == 1;
        Ok(taken.then_some(Claim { no, fence: fence + 1 }))
    }

    /// The clock by which leases end, the database's own, in microseconds. Always 0 on the embedded database, whose one
    /// process has every lease.
    ///
    /// # Errors
    /// When the database fails.
    pub fn lease_clock(&self) -> Result<i64, StoreError> {
        Ok(self.unit.reading().server_micros()?)
    }

    /// Ends a job with this unit. False when it has ended before, or was claimed by somebody else since: then do nothing.
    ///
    /// # Errors
    /// When the database fails.
    pub fn finish_job(&mut self, claim: Claim) -> Result<bool, StoreError> {
        Ok(self.unit.execute(jobs::DELETE, sql::params![claim.no, claim.fence])? == 1)
    }

    /// Whether a job is still there under this claim: asked before something outside is begun for it.
    ///
    /// # Errors
    /// When the database fails.
    pub fn holds_job(&self, claim: Claim) -> Result<bool, StoreError> {
        Ok(self.unit.reading().number(jobs::HELD, sql::params![claim.no, claim.fence])? == 1)
    }

    /// Puts a job off to a later time and counts the attempt. False when it was claimed by somebody else since.
    ///
    /// # Errors
    /// When the database fails.
    pub fn postpone_job(&mut self, claim: Claim, due: Timestamp) -> Result<bool, StoreError> {
        Ok(self.unit.execute(jobs::POSTPONE, sql::params![claim.no, claim.fence, due])? == 1)
    }

    /// As [`Uow::postpone_job`], of a job that failed, with the reason: nothing personal.
    ///
    /// # Errors
    /// When the database fails.
    pub fn fail_job(&mut self, claim: Claim, due: Timestamp, why: &str) -> Result<(), StoreError> {
        self.unit.put(jobs::FAIL, sql::params![claim.no, claim.fence, due, why])?;
        Ok(())
    }
}
