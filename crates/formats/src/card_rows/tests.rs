//! Files as they come: good, odd, broken; each bad row by its line, and the rest goes on.

use super::*;
use proptest::prelude::*;
use std::fmt::Write;
use vocabulary::Timestamp;

const HEADER: &str = "TX_DATETIME,CUSTOMER_ID,TERMINAL_ID,TX_AMOUNT\n";

/// Reads everything: a good row as `line customer terminal amount`, a bad one as `line! fault`.
fn read(bytes: &[u8]) -> Vec<String> {
    let mut rows = match CardRows::open(bytes) {
        Ok(rows) => rows,
        Err(error) => return vec![error.to_string()],
    };
    let mut seen = Vec::new();
    while let Some(row) = rows.next_row() {
        seen.push(match row {
            Ok(row) => format!("{} {} {} {}", row.line, row.customer, row.terminal, row.amount),
            Err(CardRowsError::Row { line, fault }) => format!("{line}! {fault:?}"),
            Err(other) => other.to_string(),
        });
    }
    seen
}

fn body(text: &str) -> Vec<String> {
    read(format!("{HEADER}{text}").as_bytes())
}

#[test]
fn plain_rows_are_read_with_their_lines() {
    let mut rows = CardRows::open(
        &b"\xEF\xBB\xBF,transaction_id, TX_AMOUNT ,TX_DATETIME,CUSTOMER_ID,TERMINAL_ID,TX_FRAUD\r\n\
           0,77,57.16,2018-04-01 00:00:31,596,3156,0\r\n\
           1,,9,2018-04-01T02:00:31.5+02:00,\"5,96\",\"a \"\"b\"\"\",0"[..],
    )
    .expect("a header");
    let moment = Timestamp::parse("2018-04-01T00:00:31Z").expect("RFC 3339");
    let first = rows.next_row().expect("a row").expect("good");
    let expected = CardRow {
        line: 2,
        time: RowTime::Wall(moment),
        customer: "596",
        terminal: "3156",
        amount: "57.16",
        transaction: Some("77"),
    };
    assert_eq!(first, expected);
    let second = rows.next_row().expect("a row").expect("good");
    assert_eq!((second.customer, second.terminal, second.transaction), ("5,96", "a \"b\"", None));
    assert_eq!(second.time, RowTime::Moment(Timestamp::from_micros(moment.micros() + 500_000)));
    assert_eq!(second.time.as_utc().micros() - moment.micros(), 500_000);
    assert!(rows.next_row().is_none());
}

#[test]
fn bad_rows_are_named_and_the_rest_goes_on() {
    let seen = body(
        "2018-04-01 00:00:31,1,2,3.50\n\
         2018-04-31 00:00:31,1,2,3.50\n\
         \n\
         2018-04-01 00:00:31,,2,3.50\n\
         2018-04-01 00:00:31,1, ,3.50\n\
         2018-04-01 00:00:31,1,2\n\
         2018-04-01 00:00:31,1,2,3.50,9\n\
         2018-04-01 00:00:31,1,2,3.50\n",
    );
    let expected = [
        "2 1 2 3.50",
        "3! Time",
        "5! Customer",
        "6! Terminal",
        "7! FieldCount { expected: 4, found: 3 }",
        "8! FieldCount { expected: 4, found: 5 }",
        "9 1 2 3.50",
    ];
    assert_eq!(seen, expected);
}

#[test]
fn amounts_and_times_of_other_shapes_are_refused() {
    for amount in ["", "-1", "+1", "1e3", "NaN", "1.", ".5", "1 000", "\"1,5\"", "１", "01", "1234567890123456"] {
        assert_eq!(body(&format!("2018-04-01 00:00:31,1,2,{amount}\n")), ["2! Amount"], "{amount}");
    }
    for amount in ["0", "0.00", "12.3456", "999999999999999"] {
        assert_eq!(body(&format!("2018-04-01 00:00:31,1,2,{amount}\n")), [format!("2 1 2 {amount}")]);
    }
    let times = [
        "",
        "2018-04-01",
        "2018-04-01 24:00:00",
        "2018-04-01 00:60:00",
        "2018-04-01 00:00:60",
        "2018-13-01 00:00:00",
        "18-04-01 00:00:00",
        "2018-04-01 00:00:00.",
        "2018-04-01 00:00:00.1234567",
        "2018/04/01 00:00:00",
        "2018-04-01T00:00:00+0200[Europe/Rome]",
        "1522540831",
    ];
    for time in times {
        assert_eq!(body(&format!("{time},1,2,3\n")), ["2! Time"], "{time}");
    }
    for time in ["2018-04-01 00:00:00.5", "2018-04-01T00:00:00", "2018-04-01T00:00:00Z", "2018-04-01T00:00:00-05:00"] {
        assert_eq!(body(&format!("{time},1,2,3\n")), ["2 1 2 3"], "{time}");
    }
}

#[test]
fn broken_text_costs_its_own_row() {
    let mut file = HEADER.as_bytes().to_vec();
    file.extend(b"2018-04-01 00:00:31,\xFF,2,3\n2018-04-01 00:00:31,a\tb,2,3\n2018-04-01 00:00:31,1,2,3\n");
    assert_eq!(read(&file), ["2! NotUtf8", "3! Customer", "4 1 2 3"]);
    let long = format!("2018-04-01 00:00:31,{},2,3\n2018-04-01 00:00:31,1,2,3\n", "9".repeat(129));
    assert_eq!(body(&long), ["2! Customer", "3 1 2 3"]);
    let huge = format!("{}\n2018-04-01 00:00:31,1,2,3\n", "9".repeat(1_000_000));
    assert_eq!(body(&huge), ["2! TooLong", "3 1 2 3"]);
    let wide = format!("{}\n2018-04-01 00:00:31,1,2,3\n", ",".repeat(1000));
    assert_eq!(body(&wide), ["2! TooManyColumns", "3 1 2 3"]);
}

#[test]
fn a_quote_that_is_never_closed_costs_its_own_line() {
    let short = "2018-04-01 00:00:31,\"1,2,3\n2018-04-01 00:00:31,1,2,3\n2018-04-01 00:00:31,4,5,6";
    assert_eq!(body(short), ["2! QuoteOpen", "3 1 2 3", "4 4 5 6"]);
    let row = "2018-04-01 00:00:31,1,2,3\n";
    let long = format!("2018-04-01 00:00:31,\"1,2,3\n{}", row.repeat(5000));
    let seen = body(&long);
    assert_eq!((seen[0].as_str(), seen.len(), seen[5000].as_str()), ("2! TooLong", 5001, "5002 1 2 3"));
}

#[test]
fn quoted_line_breaks_count_as_lines() {
    let file = "NOTE,TX_DATETIME,CUSTOMER_ID,TERMINAL_ID,TX_AMOUNT\r\n\
                \"a\r\nb\nc\",2018-04-01 00:00:31,1,2,3\r\nx,2018-04-01 00:00:31,4,5,6\r\n";
    assert_eq!(read(file.as_bytes()), ["2 1 2 3", "5 4 5 6"]);
    let old = "TX_DATETIME,CUSTOMER_ID,TERMINAL_ID,TX_AMOUNT\r2018-04-01 00:00:31,1,2,3\rx,4,5,6\r";
    assert_eq!(read(old.as_bytes()), ["2 1 2 3", "3! Time"]);
}

#[test]
fn a_file_without_usable_header_is_refused() {
    assert_eq!(read(b""), ["the file is empty; its first line must name the columns"]);
    assert_eq!(read(b"\xEF\xBB\xBF\r\n\n"), ["the file is empty; its first line must name the columns"]);
    assert_eq!(read(b"TX_DATETIME,CUSTOMER_ID,TX_AMOUNT\n"), ["the first line does not name the column TERMINAL_ID"]);
    let twice = b"TX_DATETIME,CUSTOMER_ID,TERMINAL_ID,TX_AMOUNT,tx_amount\n";
    assert_eq!(read(twice), ["the first line names the column TX_AMOUNT twice"]);
    assert_eq!(read(&[b'x'; 20_000]), ["the first line is not a CSV header"]);
    let error = CardRows::open(&b""[..]).expect_err("empty");
    assert_eq!((error.code().as_str(), error.line()), ("csv_row_invalid", 1));
    assert_eq!(body(""), Vec::<String>::new());
}

/// Gives a few bytes at a time, and an error at the end.
struct Slow<'a>(&'a [u8], usize);

impl Read for Slow<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.0.is_empty() {
            return Err(io::Error::other("the line went dead"));
        }
        let count = self.1.min(self.0.len()).min(out.len());
        out[..count].copy_from_slice(&self.0[..count]);
        self.0 = &self.0[count..];
        Ok(count)
    }
}

#[test]
fn a_source_that_fails_is_reported_as_such() {
    let mut rows = match CardRows::open(Slow(HEADER.as_bytes(), 3)) {
        Err(error) => return assert_eq!(error.code().as_str(), "internal"),
        Ok(rows) => rows,
    };
    assert!(matches!(rows.next_row(), Some(Err(CardRowsError::Io(_)))));
}

proptest! {
    #[test]
    fn every_good_row_is_read_once_among_any_bad_ones(kinds in prop::collection::vec(0_u8..5, 0..400)) {
        let (mut file, mut expected) = (HEADER.to_owned(), Vec::new());
        for (place, kind) in kinds.iter().enumerate() {
            let line = place + 2;
            match kind {
                0 => file.push_str("garbage\n"),
                1 => file.push_str("2018-04-01 00:00:31,1,2,-3\n"),
                _ => {
                    writeln!(file, "2018-04-01 00:00:31,c{line},t,{line}.5").expect("a string grows");
                    expected.push(format!("{line} c{line} t {line}.5"));
                }
            }
        }
        let good: Vec<_> = read(file.as_bytes()).into_iter().filter(|row| !row.contains('!')).collect();
        prop_assert_eq!(good, expected);
    }

    #[test]
    fn no_bytes_make_the_reader_panic_or_loop(bytes in prop::collection::vec(
        prop_oneof![Just(b'"'), Just(b','), Just(b'\n'), Just(b'\r'), any::<u8>()], 0..2000), step in 1_usize..50) {
        let mut file = HEADER.as_bytes().to_vec();
        file.extend(&bytes);
        prop_assert!(read(&file).len() <= bytes.len() + 1);
        if let Ok(mut rows) = CardRows::open(Slow(&file, step)) {
            let failed = std::iter::from_fn(|| rows.next_row().map(|row| matches!(row, Err(CardRowsError::Io(_)))))
                .take(bytes.len() + 2)
                .any(|failed| failed);
            prop_assert!(failed);
        }
    }
}
