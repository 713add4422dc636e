//! Logs on standard error. Ids and amounts may stand there, personal data never does: the layers below see to that.
//!
//! One event is one line, whatever stands in it: characters that would end a line, steer a terminal or turn the direction of
//! writing are written as `\u....`, so that nobody who chooses a path, a header or a name can forge a line.

use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::Directive;
use tracing_subscriber::fmt;

/// Libraries that would write values of rows, or of headers, below this level.
const NOT_BELOW: &[&str] = &["tokio_postgres=info", "hyper=info", "reqwest=info", "rustls=info", "h2=info"];

/// Starts logging: warnings, and what `RUST_LOG` asks for. Later calls change nothing.
pub fn start(json: bool) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    let directives = NOT_BELOW.iter().filter_map(|text| text.parse::<Directive>().ok());
    let quiet = filter.max_level_hint().is_none_or(|level| level > tracing::Level::INFO);
    let filter = if quiet { directives.fold(filter, EnvFilter::add_directive) } else { filter };
    // Colours come from the formatter, which itself writes escapes of others as text.
    let colours = !json && io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let builder = fmt::Subscriber::builder().with_env_filter(filter).with_writer(move || Lines { colours });
    let started = if json {
        tracing::subscriber::set_global_default(builder.json().finish())
    } else {
        tracing::subscriber::set_global_default(builder.with_ansi(colours).finish())
    };
    // Another subscriber is there already, as in a test: it is as good.
    drop(started);
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let said = panic.payload_as_str().unwrap_or_default();
        tracing::error!(place, said, "a thread panicked");
    }));
}

/// Standard error, which the formatter hands one whole event at a time.
struct Lines {
    colours: bool,
}

impl Write for Lines {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        io::stderr().lock().write_all(one_line(&String::from_utf8_lossy(event), self.colours).as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// An event as one line.
fn one_line(event: &str, colours: bool) -> String {
    let (text, end) = event.strip_suffix('\n').map_or((event, ""), |text| (text, "\n"));
    let mut line = String::with_capacity(event.len());
    for character in text.chars() {
        let steers = character.is_control() && !(colours && character == '\u{1b}');
        let turns = matches!(character, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}');
        if steers || turns {
            let _ = write!(line, "\\u{:04x}", u32::from(character));
        } else {
            line.push(character);
        }
    }
    line + end
}

#[cfg(test)]
mod tests {
    use super::one_line;

    #[test]
    fn an_event_is_one_line_whatever_stands_in_it() {
        let forged = "WARN a\r\n2026-01-01 ERROR b\u{1b}[2J\u{9b}31m\u{7f}\u{202e}\u{2028}\n";
        let line = one_line(forged, false);
        assert_eq!(line, "WARN a\\u000d\\u000a2026-01-01 ERROR b\\u001b[2J\\u009b31m\\u007f\\u202e\\u2028\n");
        assert_eq!(one_line("\u{1b}[33mWARN\u{1b}[0m 王芳\n", true), "\u{1b}[33mWARN\u{1b}[0m 王芳\n");
        assert!(!one_line("\u{1b}x", false).contains('\u{1b}'));
    }
}
