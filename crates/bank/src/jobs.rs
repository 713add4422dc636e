//! The bank's jobs: which handler does which kind, and one round over those that are due.
//!
//! A handler does its work in a unit of work that first calls `uow.finish_job(job.no)` and does nothing when that says false:
//! so a job may run twice and takes effect once. A handler that fails is put off and tried again.

use crate::bank::Bank;
use crate::error::BankError;
use store::{Job, Outcome, StoreError};
use vocabulary::Timestamp;

/// Does one job; runs on a thread that may block.
pub type Handler = fn(&Bank, &Job) -> Result<(), BankError>;

/// Every kind of job and what does it.
const HANDLERS: &[(&str, Handler)] = &[
    (crate::policies::JOB_EFFECTIVE, crate::policies::run_effective),
    (crate::notices::JOB_SEND, crate::notices::run_send),
    (crate::orders::JOB_EXPIRE, crate::orders::expire),
    (crate::payments::JOB_EXPIRE, crate::payments::expire),
    (crate::payments::JOB_FUNDS, crate::payments::fund),
    (crate::settlement::JOB_DAY, crate::settlement::run_day),
    (crate::settlement::JOB_RELEASE, crate::settlement::release),
    (crate::settlement::JOB_SEND, crate::settlement::send),
    (crate::aliases::JOB_VERIFIED, crate::aliases::run_verified),
    (crate::rail_feed::JOB_LISTEN, crate::rail_feed::run_listen),
    (crate::topups::JOB_INSTRUCT, crate::topups::run_instruct),
    (crate::topups::JOB_DEADLINE, crate::topups::run_deadline),
    (crate::payouts::JOB_INSTRUCT, crate::payouts::run_instruct),
    (crate::payouts::JOB_DEADLINE, crate::payouts::run_deadline),
    (crate::transfers::JOB_RETURN, crate::transfers::run_return),
    (crate::accounting::JOB_CLOSE, crate::accounting::run_close),
];

const ROUND: u32 = 256;
/// A round ends here, so that its caller can look at other things.
const MOST: usize = 10_000;
const LONGEST_DELAY_SECONDS: i64 = 3600;

/// Does what is due now; returns how many jobs were tried. Call it again when the next is due; it must not run twice at a
/// time. For threads that may block.
///
/// # Errors
/// When the store cannot be read; a job that fails is put off instead.
pub fn run_due(bank: &Bank) -> Result<usize, BankError> {
    let mut tried = 0;
    while tried < MOST {
        let due = bank.store().read_blocking(|snapshot| snapshot.due_jobs(ROUND))?;
        if due.is_empty() {
            break;
        }
        for job in &due {
            run(bank, job)?;
        }
        tried += due.len();
    }
    Ok(tried)
}

fn run(bank: &Bank, job: &Job) -> Result<(), BankError> {
    let Some((_, handler)) = HANDLERS.iter().find(|(kind, _)| *kind == job.kind) else {
        tracing::error!(kind = job.kind, no = job.no, "nothing does this kind of job");
        return postpone(bank, job, "nothing does this kind of job".to_owned());
    };
    if let Err(error) = handler(bank, job) {
        tracing::warn!(kind = job.kind, no = job.no, attempts = job.attempts, %error, "a job failed and is put off");
        return postpone(bank, job, reason(&error));
    }
    Ok(())
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
        let Job { no, due, kind, subject: _, attempts, error } = job;
        JobView { no, kind, due, attempts, error }
    };
    Ok(found.into_iter().map(view).collect())
}

/// Twice as long after each attempt, from 5 seconds to an hour.
fn postpone(bank: &Bank, job: &Job, why: String) -> Result<(), BankError> {
    let delay = (5_i64 << job.attempts.min(10)).min(LONGEST_DELAY_SECONDS);
    let no = job.no;
    bank.store().write_blocking(move |uow| {
        let due = uow.now().plus_seconds(delay);
        uow.fail_job(no, due, &why)?;
        Ok::<_, StoreError>(Outcome::<(), ()>::Done(()))
    })?;
    Ok(())
}
