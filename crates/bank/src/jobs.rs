//! The bank's jobs: which handler does which kind, and one round over those that are due.
//!
//! A handler does its work in a unit of work that first calls `uow.finish_job(job.no)` and does nothing when that says false:
//! so a job may run twice and takes effect once. A handler that fails is put off and tried again.

use crate::bank::Bank;
use crate::error::BankError;
use store::{Job, Outcome, StoreError};

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
    (crate::sweep::JOB_SWEEP, crate::sweep::run_sweep),
    (crate::webhooks::JOB_FORGET, crate::webhooks::run_forget),
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
        return postpone(bank, job);
    };
    if let Err(error) = handler(bank, job) {
        tracing::warn!(kind = job.kind, no = job.no, attempts = job.attempts, %error, "a job failed and is put off");
        return postpone(bank, job);
    }
    Ok(())
}

/// Twice as long after each attempt, from 5 seconds to an hour.
fn postpone(bank: &Bank, job: &Job) -> Result<(), BankError> {
    let delay = (5_i64 << job.attempts.min(10)).min(LONGEST_DELAY_SECONDS);
    let no = job.no;
    bank.store().write_blocking(move |uow| {
        let due = uow.now().plus_seconds(delay);
        uow.postpone_job(no, due)?;
        Ok::<_, StoreError>(Outcome::<(), ()>::Done(()))
    })?;
    Ok(())
}
