//! Bulk posting: chunks of two-leg entries between random accounts through the real store, every ledger check on.

use crate::machine::{Dice, resident_mib};
use crate::report::{Report, histogram, to_f64};
use ledger::{AccountNo, BookNo, Class, Count, Entry, Floor, GroupNo, Step, UpTo};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;
use store::{NewAccount, Options, Outcome, Store, StoreError, TenantSettings};
use vocabulary::{BookingDate, Clock, Id, Timestamp, ValueDate};

/// What to post.
#[derive(Clone, Debug)]
pub struct BulkOptions {
    /// A directory that does not hold a bank.
    pub directory: PathBuf,
    /// The database on a server, an empty one; nothing for the embedded one in the directory.
    pub server: Option<store::Database>,
    /// How many accounts.
    pub accounts: u64,
    /// How many transfers.
    pub transfers: u64,
    /// How many to a chunk, at most 10,000.
    pub chunk: u64,
    /// Ids chosen at random by clients, instead of growing with time.
    pub random_ids: bool,
    /// Stop after about so many seconds, however many transfers are left.
    pub seconds: Option<u64>,
}

struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the benchmark's own clock")]
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(0))
    }
}

fn open(directory: PathBuf, server: Option<store::Database>) -> Result<Store, store::OpenError> {
    Store::open(Options {
        directory,
        server,
        migrations: store::MIGRATIONS.to_vec(),
        clock: Arc::new(SystemClock),
        tenant: TenantSettings { id: 1, zone: "Asia/Shanghai".to_owned(), sandbox: true },
        limits: store::Limits::default(),
        reads: store::ReadLimits::default(),
        cache_kib: 65_536,
    })
}

async fn open_accounts(store: &Store, count: u64) -> Result<(), StoreError> {
    let mut next = 1;
    while next <= count {
        let last = (next + 999).min(count);
        store
            .write(move |uow| {
                for no in next..=last {
                    uow.open_account(&NewAccount {
                        id: Id::from_u128(u128::from(no)),
                        book: BookNo::of(0, 156),
                        class: Class::Liability,
                        gl_code: "2010".to_owned(),
                        product: "wallet".to_owned(),
                        owner: None,
                        floor: Floor::At(-1_000_000_000_000),
                        groups: [GroupNo::NONE; 2],
                        receivable: AccountNo(0),
                    })?;
                }
                Ok(Outcome::<(), ()>::Done(()))
            })
            .await?;
        next = last + 1;
    }
    Ok(())
}

fn chunk(dice: &mut Dice, options: &BulkOptions, from: u64, now: Timestamp) -> Vec<Entry> {
    let size = options.chunk.min(options.transfers - from);
    let id_at = |dice: &mut Dice, i: u64| {
        let low = u128::from(dice.roll());
        let high =
            if options.random_ids { dice.roll() } else { ((now.micros().unsigned_abs() / 1000) << 16) | (i & 0xFFFF) };
        u128::from(high) << 64 | low
    };
    (0..size)
        .map(|i| {
            let debit = 1 + dice.below(options.accounts);
            let credit = 1 + (debit + dice.below(options.accounts - 1)) % options.accounts;
            Entry {
                id: id_at(dice, i),
                fresh: false,
                kind: 1,
                version: 1,
                booking: BookingDate::from_days(20_000),
                value: ValueDate::from_days(20_000),
                actor: 0,
                channel: 1,
                cause: 0,
                policy: 1,
                reverses: 0,
                forced: false,
                steps: vec![Step::Post {
                    debit: AccountNo(debit),
                    credit: AccountNo(credit),
                    amount: 100,
                    up_to: UpTo::default(),
                    count: Count::No,
                }],
            }
        })
        .collect()
}

/// Runs the benchmark.
///
/// # Errors
/// When the store cannot be opened or written, as text.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
pub async fn bulk(options: &BulkOptions) -> Result<Report, String> {
    let store = open(options.directory.clone(), options.server.clone()).map_err(|error| error.to_string())?;
    open_accounts(&store, options.accounts).await.map_err(|error| error.to_string())?;
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
    let mut latencies = histogram();
    let mut marks = Vec::new();
    let begun = Instant::now();
    let (mut sent, mut posted) = (0, 0_u64);
    // One chunk is made while the other is posted, as two clients would.
    let mut ahead = chunk(&mut dice, options, 0, store.now());
    let over = |begun: Instant| options.seconds.is_some_and(|most| begun.elapsed().as_secs() >= most);
    while sent < options.transfers && !over(begun) {
        let size = ahead.len() as u64;
        let started = Instant::now();
        let running = tokio::spawn({
            let (store, entries) = (store.clone(), std::mem::take(&mut ahead));
            async move { store.bulk(entries).await }
        });
        sent += size;
        if sent < options.transfers {
            ahead = chunk(&mut dice, options, sent, store.now());
        }
        let outcome = running.await.map_err(|error| error.to_string())?.map_err(|error| error.to_string())?;
        let results = match outcome {
            store::Outcome::Done(results) => results,
            store::Outcome::Refused(too_many) => return Err(too_many.to_string()),
        };
        posted += results.iter().filter(|result| result.is_ok()).count() as u64;
        latencies.saturating_record(u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX));
        marks.push((sent, begun.elapsed().as_secs_f64()));
    }
    let seconds = begun.elapsed().as_secs_f64();
    let (now, peak) = resident_mib();
    Ok(Report::new("ledger", posted, seconds, &latencies)
        .with("accounts", options.accounts)
        .with("chunk", options.chunk)
        .with("random_ids", options.random_ids)
        .with("last_fifth_to_first", fifths(&marks, sent))
        .with("resident_mib", now)
        .with("resident_peak_mib", peak))
}

/// The rate of the last fifth of the transfers over that of the first.
fn fifths(marks: &[(u64, f64)], total: u64) -> f64 {
    let at = |count: u64| marks.iter().find(|mark| mark.0 >= count).map_or((0.0, 0.0), |mark| (to_f64(mark.0), mark.1));
    let (first, late, end) = (at(total / 5), at(total * 4 / 5), at(total));
    if first.1 <= 0.0 || end.1 <= late.1 {
        return 1.0;
    }
    let ratio = ((end.0 - late.0) / (end.1 - late.1)) / (first.0 / first.1);
    (ratio * 100.0).round() / 100.0
}
