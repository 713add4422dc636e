//! Logs on standard error. Ids and amounts may stand there, personal data never does: the layers below see to that.

use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;

/// Starts logging: warnings, and what `RUST_LOG` asks for. Later calls change nothing.
pub fn start(json: bool) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    let builder = fmt::Subscriber::builder().with_env_filter(filter).with_writer(std::io::stderr);
    let started = if json {
        tracing::subscriber::set_global_default(builder.json().finish())
    } else {
        let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        tracing::subscriber::set_global_default(builder.with_ansi(colours).finish())
    };
    // Another subscriber is there already, as in a test: it is as good.
    drop(started);
}
