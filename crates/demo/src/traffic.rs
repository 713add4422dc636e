//! Live traffic: a few acts a second until it is told to stop.

use crate::DemoError;
use crate::acts::{Stage, Tally};
use crate::world::World;
use bank::Bank;
use std::time::Duration;
use tokio::sync::watch;

/// Acts so often a second until `stop` says true. Trouble of one act is logged, and the next one tried.
pub async fn run(bank: &Bank, world: &World, (seed, per_second): (u64, u32), mut stop: watch::Receiver<bool>) -> Tally {
    let mut stage = Stage::new(bank, world, seed, &format!("live-{}", bank.now().micros()));
    let pause = Duration::from_secs(1) / per_second.max(1);
    loop {
        tokio::select! {
            changed = stop.wait_for(|stop| *stop) => {
                drop(changed);
                return stage.tally;
            }
            () = tokio::time::sleep(pause) => {}
        }
        if let Err(error) = stage.something().await {
            match error {
                DemoError::Bank(error) => tracing::warn!(%error, "an act of the live traffic failed"),
                other => tracing::warn!(%other, "an act of the live traffic failed"),
            }
        }
    }
}
