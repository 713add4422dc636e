//! Progress of long work on standard error: a bar on a terminal, a plain line now and then elsewhere.

use crate::output;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// How often a plain line is printed at most.
const EVERY: Duration = Duration::from_secs(2);

/// The progress of one piece of work.
pub struct Progress {
    what: &'static str,
    bar: Option<ProgressBar>,
    printed: Instant,
    stage: String,
}

impl Progress {
    /// Begins; nothing is shown before the first step.
    #[expect(clippy::disallowed_methods, reason = "paces what a person sees")]
    pub fn new(what: &'static str) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
            let style = ProgressStyle::with_template("{prefix} {wide_bar} {human_pos}/{human_len} {msg}");
            bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())).with_prefix(what)
        });
        Self { what, bar, printed: Instant::now(), stage: String::new() }
    }

    /// So many of so many are done at this stage.
    #[expect(clippy::disallowed_methods, reason = "paces what a person sees")]
    pub fn at(&mut self, stage: &str, done: u64, of: u64) {
        if let Some(bar) = &self.bar {
            if self.stage != stage {
                bar.set_message(stage.to_owned());
            }
            bar.set_length(of);
            bar.set_position(done);
        } else if self.printed.elapsed() >= EVERY {
            self.printed = Instant::now();
            let (done, of) = (output::grouped(done), output::grouped(of));
            output::diagnostic(&format!("{}: {stage}: {done} of {of}", self.what));
        }
        if self.stage != stage {
            stage.clone_into(&mut self.stage);
        }
    }

    /// Takes the bar away.
    pub fn finish(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}
