//! The job loop: for each bank a thread for each lane does what is due, until it is told to stop.
//!
//! Each looks five times a second, since a sandbox's clock may be moved and new jobs are written at any time; when much is
//! due it does not wait at all. A job's effect is once by its unit of work, so the loop may end anywhere.
//!
//! Crash point closed here: a stop while a bank is silent. The end is waited for, but not for ever: a lane that still waits
//! for somebody outside is left behind and ends with the process, as in a crash, and its job is done again at the next start.

use bank::Bank;
use bank::jobs::{self, Lane};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

/// How long a lane sleeps when nothing was due.
const PAUSE: Duration = Duration::from_millis(200);
/// How long a stop waits for the next lane to end.
const PATIENCE: Duration = Duration::from_secs(5);

/// A running loop.
pub struct JobLoop {
    stopping: Arc<AtomicBool>,
    lanes: Vec<(Lane, Sender<()>)>,
    ended: Receiver<Lane>,
}

impl JobLoop {
    /// Starts the loop of a bank.
    ///
    /// # Errors
    /// When there are no threads to be had.
    pub fn start(bank: &Bank) -> std::io::Result<Self> {
        let stopping = Arc::new(AtomicBool::new(false));
        let (ends, ended) = mpsc::channel();
        let mut lanes = Vec::with_capacity(Lane::ALL.len());
        for lane in Lane::ALL {
            let (wake, woken) = mpsc::channel();
            let (stopping, ends) = (Arc::clone(&stopping), ends.clone());
            let run = Run { bank: bank.clone(), lane, stopping, ends, failing: false };
            std::thread::Builder::new().name(lane.name().to_owned()).spawn(move || run.until(&woken))?;
            lanes.push((lane, wake));
        }
        Ok(Self { stopping, lanes, ended })
    }

    /// Ends every lane after the job it is doing; returns those that were left behind because theirs does not end.
    pub fn stop(self) -> Vec<Lane> {
        let Self { stopping, lanes, ended } = self;
        stopping.store(true, Ordering::SeqCst);
        let mut left: Vec<Lane> = lanes.into_iter().map(|(lane, _)| lane).collect();
        while !left.is_empty() {
            match ended.recv_timeout(PATIENCE) {
                Ok(lane) => left.retain(|other| *other != lane),
                Err(_) => break,
            }
        }
        for lane in &left {
            tracing::warn!(
                lane = lane.name(),
                "a lane of jobs still waits for an answer from outside and is left behind"
            );
        }
        left
    }
}

/// One lane's thread.
struct Run {
    bank: Bank,
    lane: Lane,
    stopping: Arc<AtomicBool>,
    ends: Sender<Lane>,
    /// The last round failed, which was said.
    failing: bool,
}

impl Drop for Run {
    /// However it ends, whoever stops the loop is told.
    fn drop(&mut self) {
        if std::thread::panicking() {
            tracing::error!(lane = self.lane.name(), "a lane of jobs ended by a panic");
        }
        let _ = self.ends.send(self.lane);
    }
}

impl Run {
    fn until(mut self, woken: &Receiver<()>) {
        if self.lane == Lane::Books {
            self.tell_unknown();
        }
        while let Err(RecvTimeoutError::Timeout) = woken.recv_timeout(self.round()) {}
    }

    /// One round; says how long to wait for the next.
    fn round(&mut self) -> Duration {
        let ran = jobs::run_lane(&self.bank, self.lane, &|| !self.stopping.load(Ordering::SeqCst));
        let failing = std::mem::replace(&mut self.failing, ran.is_err());
        match ran {
            Ok(0) => PAUSE,
            Ok(_) => Duration::ZERO,
            Err(error) => {
                if !failing {
                    tracing::error!(%error, lane = self.lane.name(), "jobs cannot be read");
                }
                PAUSE * 5
            }
        }
    }

    fn tell_unknown(&self) {
        match jobs::unknown_kinds(&self.bank) {
            Ok(kinds) if kinds.is_empty() => {}
            Ok(kinds) => tracing::error!(?kinds, "nothing here does these kinds of jobs; a newer program wrote them"),
            Err(error) => tracing::error!(%error, "jobs cannot be read"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{JobLoop, Lane};
    use bank::entries::Channel;
    use bank::orders::{self, CreateOrder, OrderState};
    use bank::payouts::{self, PayoutState, StartPayout};
    use bank::testing::{TestBank, cny};
    use bank::{Principal, Wish, bank_accounts};
    use money::Money;
    use std::time::Duration;
    use vocabulary::{Id, kinds};

    fn yuan(minor: i64) -> Money {
        Money::new(minor, cny()).expect("not negative")
    }

    async fn paying_out(test: &TestBank) -> Id<kinds::Payout> {
        let customer = test.customer("Alice Zhang", 20_000);
        let wish = |operation| Wish::internal(Principal::Customer(customer.id), operation);
        let account = bank_accounts::link(&test.bank, wish("link"), "DE89370400440532013000".to_owned()).await;
        let bank_account = account.expect("no trouble").result.expect("it is linked").id;
        let command =
            StartPayout { wallet: customer.wallet, bank_account, amount: yuan(10_000), channel: Channel::Api };
        let begun = payouts::start(&test.bank, wish("payouts.start"), command).await;
        begun.expect("no trouble").result.expect("it begins").id
    }

    async fn order(test: &TestBank) -> Id<kinds::Order> {
        let merchant = test.merchant("Corner Shop").await.merchant;
        let command = CreateOrder {
            principal: Principal::Merchant(merchant),
            key: None,
            merchant,
            store: None,
            amount: yuan(100),
            reference: "o-1".to_owned(),
            description: None,
            seconds: Some(60),
        };
        orders::create(&test.bank, command).await.expect("no trouble").result.expect("it is made").id
    }

    /// Looks again and again, at most half a minute.
    fn until(mut seen: impl FnMut() -> bool) -> bool {
        (0..3_000).any(|_| {
            let found = seen();
            if !found {
                std::thread::park_timeout(Duration::from_millis(10));
            }
            found
        })
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_silent_bank_delays_nothing_else_and_does_not_keep_the_program_from_stopping() {
        let test = TestBank::new();
        let (payout, order) = (paying_out(&test).await, order(&test).await);
        test.rail.silent(true);
        let running = JobLoop::start(&test.bank).expect("threads");
        test.rail.until_waiting(2);
        test.clock.advance(61);
        let expired = until(|| {
            let found = test.bank.store().read_blocking(|snapshot| orders::by_id(snapshot.reading(), order));
            found.expect("no trouble").is_some_and(|order| order.state == OrderState::Expired)
        });
        assert!(expired, "the order waits for the bank");
        let mut left = running.stop();
        left.sort_by_key(|lane| lane.name());
        assert_eq!(left, [Lane::Instructions, Lane::Listening]);
        assert!(test.rail.instructions().is_empty());

        test.rail.silent(false);
        let again = JobLoop::start(&test.bank).expect("threads");
        assert!(until(|| {
            let found = test.bank.store().read_blocking(|snapshot| snapshot.due_jobs(&["payout.instruct"], 1));
            found.expect("no trouble").is_empty()
        }));
        assert_eq!(again.stop(), []);
        let found = payouts::find(&test.bank, payout).await.expect("no trouble").expect("it exists");
        assert_eq!(found.state, PayoutState::Instructed);
        let ids: Vec<_> = test.rail.instructions().into_iter().map(|instruction| instruction.end_to_end).collect();
        assert!(!ids.is_empty() && ids.iter().all(|id| *id == found.end_to_end_id), "{ids:?}");
    }
}
