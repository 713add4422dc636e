//! Decisions as small scripts: one line, one wish; `→ code words` says that it is refused, and with which details.
//!
//! ```text
//! account NAME CLASS [floor=0.00] [book=2] [groups=g1,g2] [receivable=NAME]
//! group NAME [out=movement,day,month,year] [in=…] [balance=…]         `-` for no limit
//! fund NAME AMOUNT                                       from an account outside of all limits
//! post ID FROM -> TO AMOUNT [count] [back=DATE] [upto=debit|credit|both] [forced] [kind=N] [cause=N] …
//! hold ID FROM -> TO AMOUNT [ttl=60s] [count] …
//! capture ID HOLD [AMOUNT] [more]    void ID HOLD    expire ID HOLD
//! entry ID | FROM -> TO AMOUNT … | …                     several steps
//! chain | post ID … | post ID …                          linked entries
//! freeze NAME debit|credit|AMOUNT|off    close NAME    tick 61s|2h|1d
//! balance NAME POSTED [HELD]    available NAME AMOUNT    used GROUP out|in DAY MONTH YEAR    lines N
//! ```

use crate::audit::audit;
use crate::memory::{MemoryBooks, moment};
use ledger::{
    Account, AccountNo, BookNo, Class, Count, Direction, Entry, Floor, Freeze, Group, GroupNo, LimitSet, Posted,
    Refusal, Step, UpTo, Window, post, post_chain,
};
use std::collections::HashMap;
use vocabulary::{BookingDate, Timestamp, ValueDate};

/// Runs a script that begins at 2026-11-22T08:00:00Z, and audits the books after every line.
pub fn check(script: &str) {
    let mut world = World::new();
    for (number, line) in script.lines().enumerate() {
        let line = line.trim();
        if !line.is_empty() && !line.starts_with('#') {
            world.line(line, &format!("line {}: {line}", number + 1));
            audit(&world.books);
        }
    }
}

struct World {
    books: MemoryBooks,
    accounts: HashMap<String, AccountNo>,
    groups: HashMap<String, GroupNo>,
    ids: HashMap<String, u128>,
    now: Timestamp,
}

/// An amount written with two digits, in minor units.
pub fn minor(text: &str) -> i64 {
    let (whole, cents) = text.split_once('.').unwrap_or((text, "00"));
    assert_eq!(cents.len(), 2, "{text}");
    let sign = if whole.starts_with('-') { -1 } else { 1 };
    whole.parse::<i64>().expect(text) * 100 + sign * cents.parse::<i64>().expect(text)
}

fn shown(minor: i64) -> String {
    format!("{}.{:02}", minor / 100, minor % 100)
}

/// The code of a refusal and its details, in the words of a script.
fn described(refusal: &Refusal) -> String {
    let code = refusal.code().as_str();
    match refusal {
        Refusal::Exists(what) => format!("{code} {}", what.name()),
        Refusal::InsufficientFunds { available, .. } => format!("{code} available {}", shown(*available)),
        Refusal::CaptureExceedsHold { remaining } => format!("{code} remaining {}", shown(*remaining)),
        Refusal::AccountNotFound(side, _) | Refusal::AccountClosed(side, _) | Refusal::AccountFrozen(side, _) => {
            format!("{code} {side:?}").to_lowercase()
        }
        Refusal::Overflow(sum) => format!("{code} {sum:?}"),
        Refusal::Limit(reached) | Refusal::BalanceLimit(reached) => {
            let way = if reached.direction == Direction::Out { "out" } else { "in" };
            let window = format!("{:?}", reached.window).to_lowercase();
            let left = shown(reached.left);
            let resets = reached.resets_at.map_or(String::new(), |at| format!(" resets {at}"));
            assert_eq!(resets.is_empty(), matches!(reached.window, Window::Movement | Window::Balance));
            format!("{code} g{} {way} {window} left {left}{resets}", reached.group.0)
        }
        Refusal::AmountNotPositive
        | Refusal::Unbalanced(_)
        | Refusal::AccountsSame(_)
        | Refusal::HoldNotFound
        | Refusal::HoldAlreadyCaptured
        | Refusal::HoldAlreadyVoided
        | Refusal::HoldExpired
        | Refusal::HoldNotOver => code.to_owned(),
    }
}

impl World {
    fn new() -> Self {
        let mut world = Self {
            books: MemoryBooks::default(),
            accounts: HashMap::new(),
            groups: HashMap::new(),
            ids: HashMap::new(),
            now: Timestamp::parse("2026-11-22T08:00:00Z").expect("a time"),
        };
        world.account(&["source", "asset"]);
        world
    }

    fn line(&mut self, line: &str, at: &str) {
        let (wish, expected) = line.split_once('→').map_or((line, None), |(wish, rest)| (wish, Some(rest.trim())));
        let words: Vec<&str> = wish.split_whitespace().collect();
        match words.as_slice() {
            ["account", rest @ ..] => self.account(rest),
            ["group", rest @ ..] => self.group(rest),
            ["fund", name, amount] => {
                let id = format!("fund {}", self.ids.len());
                let words = ["post", &id, "source", "->", name, amount];
                let entry = self.entry(&words);
                self.post(&entry, None, at);
            }
            ["freeze", name, what] => self.freeze(name, what),
            ["close", name] => self.change(name, |account| account.closed = true),
            ["tick", time] => self.now = self.now.plus_seconds(seconds(time)),
            ["balance", name, posted, rest @ ..] => {
                let account = self.books.get(self.accounts[*name]);
                let held = rest.first().map_or(0, |held| minor(held));
                assert_eq!((account.posted(), account.held()), (minor(posted), held), "{at}");
            }
            ["available", name, amount] => {
                let account = self.books.get(self.accounts[*name]);
                assert_eq!(account.available(), Some(minor(amount)), "{at}");
            }
            ["used", name, way, day, month, year] => self.used(name, way, [day, month, year], at),
            ["lines", count] => assert_eq!(self.books.state.lines.len(), count.parse::<usize>().unwrap(), "{at}"),
            ["chain", ..] => self.chain(wish, expected, at),
            _ => {
                let entry = self.entry(&words);
                self.post(&entry, expected, at);
            }
        }
    }

    fn post(&mut self, entry: &Entry, expected: Option<&str>, at: &str) {
        let before = self.books.state.clone();
        let Ok(answer) = post(&mut self.books, &moment(self.now), entry);
        self.expect(answer.map(|posted| vec![posted]).map_err(|refusal| described(&refusal)), expected, at);
        if expected.is_some() {
            assert_eq!(self.books.state, before, "{at}: what is refused or repeated writes nothing");
        }
    }

    fn chain(&mut self, wish: &str, expected: Option<&str>, at: &str) {
        let entries: Vec<Entry> =
            wish.split('|').skip(1).map(|wish| self.entry(&wish.split_whitespace().collect::<Vec<_>>())).collect();
        let before = self.books.state.clone();
        let Ok(answer) = post_chain(&mut self.books, &moment(self.now), &entries);
        let answer = answer.map_err(|chain| format!("{} {}", chain.index, described(&chain.refusal)));
        self.expect(answer, expected, at);
        if expected.is_some() {
            assert_eq!(self.books.state, before, "{at}: what is refused or repeated writes nothing");
        }
    }

    fn expect(&self, answer: Result<Vec<Posted>, String>, expected: Option<&str>, at: &str) {
        match (answer, expected) {
            (Ok(posted), None) => assert!(posted.iter().all(|posted| !posted.repeated), "{at}: was repeated"),
            (Ok(posted), Some("repeated")) => assert!(posted.iter().all(|posted| posted.repeated), "{at}: was new"),
            (Ok(_), Some(code)) => panic!("{at}: went through, expected {code}"),
            (Err(got), None) => panic!("{at}: refused with {got}"),
            (Err(got), Some(want)) => {
                assert!(got == want || got.starts_with(&format!("{want} ")), "{at}: refused with {got}")
            }
        }
    }

    fn account(&mut self, words: &[&str]) {
        let no = AccountNo(self.accounts.len() as u64 + 1);
        let class = match words[1] {
            "asset" => Class::Asset,
            "liability" => Class::Liability,
            "income" => Class::Income,
            other => panic!("no class {other}"),
        };
        let mut account = Account {
            no,
            book: BookNo(156),
            class,
            floor: Floor::None,
            freeze: Freeze::default(),
            closed: false,
            debits_posted: 0,
            credits_posted: 0,
            debits_pending: 0,
            credits_pending: 0,
            last: 0,
            groups: [GroupNo::NONE; 2],
            receivable: AccountNo::default(),
        };
        for word in &words[2..] {
            match word.split_once('=').expect(word) {
                ("floor", amount) => account.floor = Floor::At(minor(amount)),
                ("book", book) => account.book = BookNo(book.parse().expect(book)),
                ("receivable", name) => account.receivable = self.accounts[name],
                ("groups", names) => {
                    for (place, name) in account.groups.iter_mut().zip(names.split(',')) {
                        *place = self.groups[name];
                    }
                }
                _ => panic!("no property {word}"),
            }
        }
        self.accounts.insert(words[0].to_owned(), no);
        self.books.put(account);
    }

    fn group(&mut self, words: &[&str]) {
        let no = GroupNo(self.groups.len() as u64 + 1);
        let mut limits = LimitSet::default();
        let amount = |text: &str| (text != "-").then(|| minor(text));
        let list = |text: &str| {
            let mut all = [None; 4];
            all.iter_mut().zip(text.split(',')).for_each(|(place, text)| *place = amount(text));
            all
        };
        for word in &words[1..] {
            match word.split_once('=').expect(word) {
                ("out", texts) => limits.out = list(texts),
                ("in", texts) => limits.into = list(texts),
                ("balance", text) => limits.balance = amount(text),
                _ => panic!("no limit {word}"),
            }
        }
        self.groups.insert(words[0].to_owned(), no);
        self.books.state.groups.insert(no.0, (Group { no, ..Group::default() }, limits));
    }

    fn change(&mut self, name: &str, change: impl FnOnce(&mut Account)) {
        let mut account = self.books.get(self.accounts[name]);
        change(&mut account);
        self.books.put(account);
    }

    fn freeze(&mut self, name: &str, what: &str) {
        self.change(name, |account| match what {
            "debit" => account.freeze.debit = true,
            "credit" => account.freeze.credit = true,
            "off" => account.freeze = Freeze::default(),
            amount => account.freeze.amount = minor(amount),
        });
    }

    fn used(&self, name: &str, way: &str, want: [&str; 3], at: &str) {
        let (group, _) = self.books.state.groups[&self.groups[name].0];
        let group = group.rolled(&moment(self.now));
        let used = if way == "out" { group.out } else { group.into };
        assert_eq!(used.map(shown), want.map(str::to_owned), "{at}");
    }

    fn id(&mut self, name: &str) -> u128 {
        let next = self.ids.len() as u128 + 1;
        *self.ids.entry(name.to_owned()).or_insert(next)
    }

    /// One entry: its id, its steps, and what its options say.
    fn entry(&mut self, words: &[&str]) -> Entry {
        let id = self.id(words[1]);
        let today = moment(self.now).day;
        let mut entry = Entry {
            id,
            fresh: words.contains(&"fresh"),
            kind: 1,
            version: 1,
            booking: BookingDate::from_days(today),
            value: ValueDate::from_days(today),
            actor: 0,
            channel: 0,
            cause: 0,
            policy: 0,
            reverses: 0,
            forced: words.contains(&"forced"),
            steps: Vec::new(),
        };
        for (name, value) in words.iter().filter_map(|word| word.split_once('=')) {
            match name {
                "kind" => entry.kind = value.parse().expect(value),
                "version" => entry.version = value.parse().expect(value),
                "actor" => entry.actor = value.parse().expect(value),
                "channel" => entry.channel = value.parse().expect(value),
                "cause" => entry.cause = value.parse().expect(value),
                "policy" => entry.policy = value.parse().expect(value),
                "reverses" => entry.reverses = value.parse().expect(value),
                _ => {}
            }
        }
        entry.steps = match words[0] {
            "entry" => words[2..].split(|word| *word == "|").skip(1).map(|step| self.movement("post", step)).collect(),
            "capture" => {
                let amount = words.get(3).filter(|word| word.contains('.')).map(|word| minor(word));
                vec![Step::Capture { hold: self.id(words[2]), amount, last: !words.contains(&"more") }]
            }
            "void" => vec![Step::Void { hold: self.id(words[2]) }],
            "expire" => vec![Step::Expire { hold: self.id(words[2]) }],
            verb => vec![self.movement(verb, &words[2..])],
        };
        entry
    }

    fn movement(&self, verb: &str, words: &[&str]) -> Step {
        let number = |name: &str| self.accounts.get(name).copied().unwrap_or(AccountNo(999));
        let [from, "->", to, amount, options @ ..] = words else { panic!("not a movement: {words:?}") };
        let (debit, credit, amount) = (number(from), number(to), minor(amount));
        let (mut up_to, mut count, mut seconds_to_live) = (UpTo::default(), Count::No, None);
        for option in options {
            match option.split_once('=').unwrap_or((option, "")) {
                ("count", _) => count = Count::Use,
                ("back", date) => count = Count::GiveBack { day: BookingDate::parse(date).expect(date).days() },
                ("upto", sides) => {
                    up_to = UpTo { debit: sides != "credit", credit: sides != "debit" };
                }
                ("ttl", time) => seconds_to_live = Some(u32::try_from(seconds(time)).expect(time)),
                _ => {}
            }
        }
        match verb {
            "post" => Step::Post { debit, credit, amount, up_to, count },
            "hold" => Step::Hold { debit, credit, amount, up_to, seconds: seconds_to_live, count },
            other => panic!("no verb {other}"),
        }
    }
}

fn seconds(text: &str) -> i64 {
    let (number, unit) = text.split_at(text.len() - 1);
    let unit = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        other => panic!("no unit {other}"),
    };
    number.parse::<i64>().expect(text) * unit
}
