//! The first pass: who is in the file, how much each customer spends, and the file's digest.

use super::{ReplayError, ReplayOptions};
use aws_lc_rs::digest::{Context, SHA256};
use formats::card_rows::{CardRow, CardRows, CardRowsError};
use money::{Currency, Money, ParseAmountError};
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};

/// What the first pass found.
pub(super) struct Census {
    /// The first half of the file's SHA-256, in hex digits.
    pub(super) digest: String,
    /// Customers in the order in which they appear, and what they spend, minor units.
    pub(super) customers: Vec<(String, i64)>,
    /// Terminals in the order in which they appear.
    pub(super) terminals: Vec<String>,
    /// Places of customers.
    pub(super) customer_places: HashMap<String, usize>,
    /// Places of terminals.
    pub(super) terminal_places: HashMap<String, usize>,
    /// Rows, good and bad.
    pub(super) rows: u64,
}

/// Computes a digest of all that is read.
struct Digesting<R> {
    inner: R,
    context: Context,
}

impl<R: Read> Read for Digesting<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.context.update(&buffer[..count]);
        Ok(count)
    }
}

/// Opens the file's rows.
pub(super) fn open<R: Read>(source: R) -> Result<CardRows<R>, ReplayError> {
    CardRows::open(source).map_err(|error| match error {
        CardRowsError::Io(error) => ReplayError::File(error),
        other => ReplayError::Header(other),
    })
}

/// A row's amount; above zero.
pub(super) fn amount(row: &CardRow<'_>, currency: Currency) -> Result<Money, ParseAmountError> {
    Money::parse(row.amount, currency)
}

/// Reads the whole file once.
pub(super) fn read(options: &ReplayOptions) -> Result<Census, ReplayError> {
    let file = File::open(&options.file).map_err(ReplayError::File)?;
    let mut source = Digesting { inner: file, context: Context::new(&SHA256) };
    let mut census = Census {
        digest: String::new(),
        customers: Vec::new(),
        terminals: Vec::new(),
        customer_places: HashMap::new(),
        terminal_places: HashMap::new(),
        rows: 0,
    };
    let mut rows = open(&mut source)?;
    while let Some(row) = rows.next_row() {
        census.rows += 1;
        match row {
            Ok(row) => census.add(&row, options.currency),
            Err(CardRowsError::Io(error)) => return Err(ReplayError::File(error)),
            // Reported by the second pass.
            Err(_) => {}
        }
    }
    drop(rows);
    let digest = source.context.finish();
    census.digest = digest.as_ref()[..16].iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(census)
}

impl Census {
    fn add(&mut self, row: &CardRow<'_>, currency: Currency) {
        let Ok(amount) = amount(row, currency) else { return };
        let place = match self.customer_places.get(row.customer) {
            Some(place) => *place,
            None => {
                self.customer_places.insert(row.customer.to_owned(), self.customers.len());
                self.customers.push((row.customer.to_owned(), 0));
                self.customers.len() - 1
            }
        };
        let spent = &mut self.customers[place].1;
        *spent = spent.saturating_add(amount.minor());
        if !self.terminal_places.contains_key(row.terminal) {
            self.terminal_places.insert(row.terminal.to_owned(), self.terminals.len());
            self.terminals.push(row.terminal.to_owned());
        }
    }
}
