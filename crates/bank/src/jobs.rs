//! The bank's jobs: which handler does which kind, in which lane, and one round over those that are due.
//!
//! A handler does its work in a unit of work that first calls `uow.finish_job(job.claim)` and does nothing when that says false:
//! so a job may run twice and takes effect once. A handler that fails is put off and tried again.
//!
//! Several nodes run their lanes side by side. Each claims what it does (see the store's `leases.rs`), so two do not do the same
//! job while the lease lives; a node that comes back after its lease cannot end the job any more.
//!
//! Race closed here: a bank or a notifier that is silent for minutes must not keep holds from expiring or days from
//! closing. So whatever talks to the outside has a [`Lane`] of its own, and each kind of job belongs to exactly one: lanes run
//! side by side, and no two of them ever hold the same job. What one lane does to a thing that another looks at (a payout
//! whose deadline comes while it is handed over) is decided in a unit that reads the state first.

use crate::bank::Bank;
use crate::error::BankError;
use store::{Job, Outcome, StoreError};
use vocabulary::Timestamp;

/// Does one job; runs on a thread that may block.
pub type Handler = fn(&Bank, &Job) -> Result<(), BankError>;

/// Jobs that wait for each other, one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lane {
    /// What only the books need: nothing here waits for anybody outside.
    Books,
    /// Handing instructions to the bank.
    Instructions,
    /// Hearing what the bank says.
    Listening,
    /// Deadlines of instructions: they hear the bank first, but wait for it only a moment.
    Deadlines,
    /// Messages to people.
    Messages,
    /// What the card vault is asked for.
    Cards,
}

impl Lane {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Books, Self::Instructions, Self::Listening, Self::Deadlines, Self::Messages, Self::Cards];

    /// Its name, for threads and logs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Books => "jobs",
            Self::Instructions => "jobs-instruct",
            Self::Listening => "jobs-listen",
            Self::Deadlines => "jobs-deadline",
            Self::Messages => "jobs-message",
            Self::Cards => "jobs-cards",
        }
    }
}

/// Every kind of job, its lane and what does it.
const HANDLERS: &[(Lane, &str, Handler)] = &[
    (Lane::Books, crate::policies::JOB_EFFECTIVE, crate::policies::run_effective),
    (Lane::Books, crate::orders::JOB_EXPIRE, crate::orders::expire),
    (Lane::Books, crate::payments::JOB_EXPIRE, crate::payments::expire),
    (Lane::Books, crate::payments::JOB_FUNDS, crate::payments::fund),
    (Lane::Books, crate::settlement::JOB_DAY, crate::settlement::run_day),
    (Lane::Books, crate::settlement::JOB_RELEASE, crate::settlement::release),
    (Lane::Books, crate::settlement::JOB_SEND, crate::settlement::send),
    (Lane::Books, crate::aliases::JOB_VERIFIED, crate::aliases::run_verified),
    (Lane::Books, crate::transfers::JOB_RETURN, crate::transfers::run_return),
    (Lane::Books, crate::accounting::JOB_CLOSE, crate::accounting::run_close),
    (Lane::Instructions, crate::topups::JOB_INSTRUCT, crate::topups::run_instruct),
    (Lane::Instructions, crate::payouts::JOB_INSTRUCT, crate::payouts::run_instruct),
    (Lane::Listening, crate::rail_feed::JOB_LISTEN, crate::rail_feed::run_listen),
    (Lane::Deadlines, crate::topups::JOB_DEADLINE, crate::topups::run_deadline),
    (Lane::Deadlines, crate::payouts::JOB_DEADLINE, crate::payouts::run_deadline),
    (Lane::Cards, crate::cards::JOB_DESTROY, crate::cards::run_destroy),
    (Lane::Messages, crate::notices::JOB_SEND, crate::notices::run_send),
    (Lane::Books, crate::sweep::JOB_SWEEP, crate::sweep::run_sweep),
    (Lane::Books, crate::webhooks::JOB_FORGET, crate::webhooks::run_forget),
];

const ROUND: u32 = 256;
/// So many jobs are claimed at once where other nodes do jobs too: all of them must be done within one lease.
const CLAIMED: usize = 8;
/// A round ends here, so that its caller can look at other things.
const MOST: usize = 10_000;
const TIMES_MOVED: usize = 5;
const LONGEST_DELAY_SECONDS: i64 = 3600;

/// Does what is due now, of all lanes in the order of due times, one after the other; returns how many jobs were tried. Call
/// it again when the next is due; nothing else may run jobs meanwhile. For threads that may block.
///
/// # Errors
/// When the store cannot be used; a job that fails is put off instead.
pub fn run_due(bank: &Bank) -> Result<usize, BankError> {
    let kinds: Vec<&str> = HANDLERS.iter().map(|(_, kind, _)| *kind).collect();
    crate::sessions::write_seen(bank)?;
    run_kinds(bank, &kinds, &|| true)
}

/// Does what is due now in one lane, as long as `go_on` says so before each job; returns how many were tried. Lanes may run
/// side by side, and the same lane on several nodes; one node must not run one lane twice at a time. For threads that may block.
///
/// # Errors
/// As [`run_due`].
pub fn run_lane(bank: &Bank, lane: Lane, go_on: &dyn Fn() -> bool) -> Result<usize, BankError> {
    if lane == Lane::Books {
        crate::sessions::write_seen(bank)?;
    }
    let of_lane = HANDLERS.iter().filter(|(its, _, _)| *its == lane);
    let kinds: Vec<&str> = of_lane.map(|(_, kind, _)| *kind).collect();
    run_kinds(bank, &kinds, go_on)
}

/// Kinds of jobs that are in the store and that nothing here does: a newer program wrote them. They stay.
///
/// # Errors
/// When the store cannot be read.
pub fn unknown_kinds(bank: &Bank) -> Result<Vec<String>, BankError> {
    let mut kinds = bank.store().read_blocking(|snapshot| snapshot.job_kinds())?;
    kinds.retain(|kind| HANDLERS.iter().all(|(_, known, _)| known != kind));
    Ok(kinds)
}

fn run_kinds(bank: &Bank, kinds: &[&str], go_on: &dyn Fn() -> bool) -> Result<usize, BankError> {
    let mut tried = 0;
    while tried < MOST {
        let due = bank.store().claim_jobs_blocking(kinds, (ROUND, CLAIMED))?;
        if due.is_empty() {
            break;
        }
        for (place, job) in due.iter().enumerate() {
            if !go_on() {
                // What is left is there at once for other nodes, or for the next start.
                bank.store().release_jobs_blocking(&due[place..])?;
                return Ok(tried);
            }
            run(bank, job)?;
            tried += 1;
        }
    }
    Ok(tried)
}

fn run(bank: &Bank, job: &Job) -> Result<(), BankError> {
    let Some((_, _, handler)) = HANDLERS.iter().find(|(_, kind, _)| *kind == job.kind) else {
        tracing::error!(kind = job.kind, no = job.claim.no, "nothing does this kind of job");
        return postpone(bank, job, "nothing does this kind of job".to_owned());
    };
    if let Err(error) = on_fresh_grounds(bank, job, *handler) {
        tracing::warn!(kind = job.kind, no = job.claim.no, attempts = job.attempts, %error, "a job failed and is put off");
        return postpone(bank, job, reason(&error));
    }
    Ok(())
}

/// A job acts on what is in force, as a request does; what was changed on another node meanwhile is read again.
fn on_fresh_grounds(bank: &Bank, job: &Job, handler: Handler) -> Result<(), BankError> {
    for _ in 0..TIMES_MOVED {
        match handler(&bank.fresh_blocking()?, job) {
            Err(BankError::Store(StoreError::Moved)) => {}
            other => return other,
        }
    }
    Err(StoreError::Moved.into())
}

/// Why a job failed, for staff. What somebody outside said may be about a person, so only that they said it is kept.
fn reason(error: &BankError) -> String {
    let code = error.code().as_str();
    match error {
        BankError::Outside(_) => format!("{code}: something outside did not take it"),
        BankError::Store(cause) => format!("{code}: {cause}"),
        other => format!("{code}: {other}"),
    }
}

/// A job as staff see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobView {
    /// Its number.
    pub no: u64,
    /// What is to be done.
    pub kind: String,
    /// When it is due.
    pub due: Timestamp,
    /// How often it was tried.
    pub attempts: u32,
    /// Why it failed last.
    pub error: Option<String>,
}

/// The jobs that wait, due or not, in the order in which they were written, after a number.
///
/// # Errors
/// Trouble.
pub async fn list(bank: &Bank, after: Option<u64>, limit: u32) -> Result<Vec<JobView>, BankError> {
    let found = bank.store().read(move |snapshot| snapshot.jobs_after(after.unwrap_or(0), limit)).await?;
    let view = |job| {
        let Job { claim, due, kind, subject: _, attempts, error } = job;
        JobView { no: claim.no, kind, due, attempts, error }
    };
    Ok(found.into_iter().map(view).collect())
}

/// Twice as long after each attempt, from 5 seconds to an hour.
fn postpone(bank: &Bank, job: &Job, why: String) -> Result<(), BankError> {
    let delay = (5_i64 << job.attempts.min(10)).min(LONGEST_DELAY_SECONDS);
    let claim = job.claim;
    bank.store().write_blocking(move |uow| {
        let due = uow.now().plus_seconds(delay);
        uow.fail_job(claim, due, &why)?;
        Ok::<_, StoreError>(Outcome::<(), ()>::Done(()))
    })?;
    Ok(())
}
