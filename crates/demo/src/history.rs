//! Several weeks, day by day: people act at the hours of the day, the bank's jobs do what falls due in between.

use crate::DemoError;
use crate::acts::{Stage, Tally};
use crate::clock::HistoryClock;
use crate::world::World;
use bank::{Bank, jobs};
use tokio::task::block_in_place;

/// Seconds after midnight at which people act: from breakfast to a late tea.
const HOURS: [i64; 7] = [28_800, 34_200, 43_200, 48_600, 62_100, 68_400, 75_600];

/// Lives through the days from where the clock stands until now; `progress` is told each day.
///
/// # Errors
/// When the bank has trouble.
pub async fn live(
    bank: &Bank,
    (world, clock): (&World, &HistoryClock),
    (seed, days): (u64, u32),
    progress: &mut dyn FnMut(u32),
) -> Result<Tally, DemoError> {
    let mut stage = Stage::new(bank, world, seed, "history");
    let zone = bank.store().zone().clone();
    let first = zone.day_of(bank.now()).plus_days(1);
    'days: for day in 0..days {
        let midnight = zone.start_of(first.plus_days(i32::try_from(day).unwrap_or(0)));
        for hour in HOURS {
            if !clock.move_to(midnight.plus_seconds(hour)) {
                break 'days;
            }
            block_in_place(|| jobs::run_due(bank))?;
            if day == 0 && hour == HOURS[0] {
                stage.everybody_tops_up().await?;
                let_the_bank_answer(bank, clock)?;
            }
            let acts = stage.dice().between(4, 8);
            for _ in 0..acts {
                stage.something().await?;
            }
            let_the_bank_answer(bank, clock)?;
        }
        progress(day + 1);
    }
    stage.first_tops_up().await?;
    let_the_bank_answer(bank, clock)?;
    clock.catch_up();
    block_in_place(|| jobs::run_due(bank))?;
    Ok(stage.tally)
}

/// Some seconds pass in which instructions reach the bank outside and its answers come back.
fn let_the_bank_answer(bank: &Bank, clock: &HistoryClock) -> Result<(), DemoError> {
    for _ in 0..3 {
        block_in_place(|| jobs::run_due(bank))?;
        if !clock.move_to(bank.now().plus_seconds(5)) {
            return Ok(());
        }
    }
    block_in_place(|| jobs::run_due(bank))?;
    Ok(())
}
