//! The form of a case table: events with their expected results, look-ups, clock ticks.

use serde_json::{Map, Value};
use vocabulary::Timestamp;

/// A table: its steps run in order on an empty bank.
pub struct Table {
    pub name: String,
    pub steps: Vec<Step>,
}

/// One step.
pub enum Step {
    Account(AccountEvent),
    Transfer(TransferEvent),
    /// The events so far are one batch.
    Commit,
    Setup {
        id: u128,
        counters: [i64; 4],
    },
    Tick(Tick),
    LookupAccount {
        id: u128,
        counters: Option<[i64; 4]>,
    },
    LookupTransfer {
        id: u128,
        want: Want,
    },
    NotOffered(String),
}

/// What a look-up of a transfer is to find.
pub enum Want {
    Exists(bool),
    Amount(i64),
}

/// A move of the clock.
pub enum Tick {
    Forward { micros: i64 },
    BeforeTheEnd { micros: i64 },
}

impl Tick {
    /// Where the clock is to stand.
    pub fn from(&self, now: Timestamp) -> Timestamp {
        match self {
            Self::Forward { micros } => Timestamp::from_micros(now.micros().saturating_add(*micros)),
            Self::BeforeTheEnd { micros } => Timestamp::from_micros(i64::MAX - micros),
        }
    }
}

/// An account to be created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountEvent {
    pub id: u128,
    pub counters: [i64; 4],
    pub user_data: (u128, u64, u32),
    pub reserved: bool,
    pub ledger: u32,
    pub code: u16,
    pub flags: Flags,
    pub timestamp: u64,
    pub expect: String,
}

/// A transfer to be created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransferEvent {
    pub id: u128,
    pub debit: u128,
    pub credit: u128,
    pub amount: i64,
    pub pending_id: u128,
    pub user_data: (u128, u64, u32),
    pub timeout: u32,
    pub ledger: u32,
    pub code: u16,
    pub flags: Flags,
    pub timestamp: u64,
    pub expect: String,
}

/// The flags of an event by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    names: Vec<String>,
    pub padding: bool,
}

impl Flags {
    pub fn has(&self, name: &str) -> bool {
        self.names.iter().any(|flag| flag == name)
    }

    /// The first flag that is none of these.
    pub fn other_than(&self, offered: &[&str]) -> Option<&str> {
        self.names.iter().map(String::as_str).find(|flag| !offered.contains(flag))
    }
}

/// The tables of a file's text, or what is wrong with it.
pub fn parse(text: &str) -> Result<Vec<Table>, String> {
    let file: Value = serde_json::from_str(text).map_err(|error| format!("not JSON: {error}"))?;
    let cases = file.get("cases").and_then(Value::as_array).ok_or("there is no list `cases`")?;
    cases.iter().enumerate().map(|(at, case)| table(case).map_err(|what| format!("case {at}: {what}"))).collect()
}

fn table(case: &Value) -> Result<Table, String> {
    let title = case.get("test").and_then(Value::as_str).unwrap_or("untitled");
    let block = case.get("block").and_then(Value::as_u64).unwrap_or(0);
    let steps = case.get("steps").and_then(Value::as_array).ok_or("there is no list `steps`")?;
    let parsed = steps.iter().enumerate().map(|(at, value)| step(value).map_err(|what| format!("step {at}: {what}")));
    Ok(Table { name: format!("{title} [{block}]"), steps: parsed.collect::<Result<_, _>>()? })
}

fn step(value: &Value) -> Result<Step, String> {
    let fields = value.as_object().ok_or("not an object")?;
    let op = fields.get("op").and_then(Value::as_str).ok_or("there is no `op`")?;
    let args = fields.get("args").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    Ok(match op {
        "account" => Step::Account(account(fields)?),
        "transfer" => Step::Transfer(transfer(fields)?),
        "commit" => Step::Commit,
        "setup" => Step::Setup { id: wide(args.first())?, counters: counters(args.get(1..).unwrap_or(&[]))? },
        "tick" => tick(args)?,
        "lookup_account" => lookup_account(args)?,
        "lookup_transfer" => lookup_transfer(args)?,
        other => Step::NotOffered(other.to_owned()),
    })
}

fn account(fields: &Map<String, Value>) -> Result<AccountEvent, String> {
    let get = |name: &str| fields.get(name);
    Ok(AccountEvent {
        id: wide(get("id"))?,
        counters: [
            amount(get("debits_pending"))?,
            amount(get("debits_posted"))?,
            amount(get("credits_pending"))?,
            amount(get("credits_posted"))?,
        ],
        user_data: user_data(fields)?,
        reserved: wide(get("reserved"))? != 0,
        ledger: narrow(get("ledger"), u128::from(u32::MAX))?,
        code: narrow(get("code"), u128::from(u16::MAX))?,
        flags: flags(fields)?,
        timestamp: narrow(get("timestamp"), u128::from(u64::MAX))?,
        expect: expected(fields)?,
    })
}

fn transfer(fields: &Map<String, Value>) -> Result<TransferEvent, String> {
    let get = |name: &str| fields.get(name);
    Ok(TransferEvent {
        id: wide(get("id"))?,
        debit: wide(get("debit_account_id"))?,
        credit: wide(get("credit_account_id"))?,
        amount: amount(get("amount"))?,
        pending_id: wide(get("pending_id"))?,
        user_data: user_data(fields)?,
        timeout: narrow(get("timeout"), u128::from(u32::MAX))?,
        ledger: narrow(get("ledger"), u128::from(u32::MAX))?,
        code: narrow(get("code"), u128::from(u16::MAX))?,
        flags: flags(fields)?,
        timestamp: narrow(get("timestamp"), u128::from(u64::MAX))?,
        expect: expected(fields)?,
    })
}

fn user_data(fields: &Map<String, Value>) -> Result<(u128, u64, u32), String> {
    Ok((
        wide(fields.get("user_data_128"))?,
        narrow(fields.get("user_data_64"), u128::from(u64::MAX))?,
        narrow(fields.get("user_data_32"), u128::from(u32::MAX))?,
    ))
}

/// Every column that is true is a flag; `padding` fills the reserved ones.
fn flags(fields: &Map<String, Value>) -> Result<Flags, String> {
    let mut names = Vec::new();
    for (name, value) in fields {
        if value == &Value::Bool(true) {
            names.push(name.trim_start_matches("flags_").to_owned());
        }
    }
    names.sort_unstable();
    let padding = wide(fields.get("padding"))? != 0 || wide(fields.get("flags_padding"))? != 0;
    Ok(Flags { names, padding })
}

fn expected(fields: &Map<String, Value>) -> Result<String, String> {
    let expect = fields.get("expect").and_then(Value::as_str).ok_or("there is no `expect`")?;
    Ok(if expect == "ok" { "created" } else { expect }.to_owned())
}

fn counters(args: &[Value]) -> Result<[i64; 4], String> {
    Ok([amount(args.first())?, amount(args.get(1))?, amount(args.get(2))?, amount(args.get(3))?])
}

fn tick(args: &[Value]) -> Result<Step, String> {
    let unit = args.get(1).and_then(Value::as_str).unwrap_or("seconds");
    let nanos: i64 = match unit {
        "nanoseconds" => 1,
        "microseconds" => 1_000,
        "milliseconds" => 1_000_000,
        "seconds" => 1_000_000_000,
        "minutes" => 60_000_000_000,
        other => return Err(format!("`{other}` is no unit of time")),
    };
    // The engine's clock counts microseconds: a shorter tick still moves it.
    let micros = |count: i64| i64::try_from((i128::from(count) * i128::from(nanos) + 999) / 1000).unwrap_or(i64::MAX);
    Ok(Step::Tick(match number(args.first())? {
        Number::MaxMinus(count) => Tick::BeforeTheEnd { micros: micros(clamped(count)) },
        Number::Plain(count) => Tick::Forward { micros: micros(clamped(count)) },
    }))
}

/// Either the four counters (and a mark for a closed account, which is not offered), or nothing for an account that is not there.
fn lookup_account(args: &[Value]) -> Result<Step, String> {
    let id = wide(args.first())?;
    if args.len() > 5 && !matches!(args[5], Value::Null | Value::Bool(false)) {
        return Ok(Step::NotOffered("closed".to_owned()));
    }
    let counters = if args.len() < 5 { None } else { Some(counters(&args[1..5])?) };
    Ok(Step::LookupAccount { id, counters })
}

fn lookup_transfer(args: &[Value]) -> Result<Step, String> {
    let id = wide(args.first())?;
    let want = match args.get(1).and_then(Value::as_str) {
        Some("exists") => Want::Exists(truth(args.get(2))?),
        Some("amount") => Want::Amount(amount(args.get(2))?),
        Some(other) => return Ok(Step::NotOffered(format!("lookup_transfer {other}"))),
        None => return Err("lookup_transfer names nothing to find".to_owned()),
    };
    Ok(Step::LookupTransfer { id, want })
}

fn truth(value: Option<&Value>) -> Result<bool, String> {
    match value {
        Some(Value::Bool(set)) => Ok(*set),
        Some(Value::String(text)) if text == "true" => Ok(true),
        Some(Value::String(text)) if text == "false" => Ok(false),
        Some(_) | None => Err("neither true nor false".to_owned()),
    }
}

enum Number {
    Plain(u128),
    MaxMinus(u128),
}

fn number(value: Option<&Value>) -> Result<Number, String> {
    let Some(value) = value else { return Ok(Number::Plain(0)) };
    match value {
        Value::Null => Ok(Number::Plain(0)),
        Value::Bool(set) => Ok(Number::Plain(u128::from(*set))),
        Value::Number(_) | Value::String(_) => {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            // JSON readers keep what exceeds 64 bits as a floating number: it stands for "very large".
            let large = value.as_f64().is_some_and(|float| float >= 1.8e19);
            match text.parse() {
                Ok(number) => Ok(Number::Plain(number)),
                Err(_) if large => Ok(Number::MaxMinus(0)),
                Err(_) => Err(format!("`{text}` is not a whole number from 0")),
            }
        }
        Value::Object(fields) => match number(fields.get("max_minus"))? {
            Number::Plain(count) if fields.contains_key("max_minus") => Ok(Number::MaxMinus(count)),
            Number::Plain(_) | Number::MaxMinus(_) => Err("an object other than max_minus is no number".to_owned()),
        },
        Value::Array(_) => Err("a list is no number".to_owned()),
    }
}

fn clamped(count: u128) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// An amount: values above the signed 64-bit range stand for its maximum.
fn amount(value: Option<&Value>) -> Result<i64, String> {
    Ok(match number(value)? {
        Number::Plain(count) => clamped(count),
        Number::MaxMinus(count) => i64::MAX - clamped(count),
    })
}

fn wide(value: Option<&Value>) -> Result<u128, String> {
    Ok(match number(value)? {
        Number::Plain(count) => count,
        Number::MaxMinus(count) => u128::MAX - count,
    })
}

fn narrow<T: TryFrom<u128>>(value: Option<&Value>, max: u128) -> Result<T, String> {
    let count = match number(value)? {
        Number::Plain(count) => count,
        Number::MaxMinus(count) => max.saturating_sub(count),
    };
    T::try_from(count).map_err(|_| format!("{count} is more than {max}"))
}
