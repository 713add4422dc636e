//! A run: what happens is drawn step by step, and after every death what is left is compared with what clients were told.
//!
//! A step is one of: a party goes on; the writer commits a group; a client sends a wish (a new one, one again under its key, or
//! its key with another body); a lane of jobs begins; the clock moves, forwards or back; the log is folded; the bank beside
//! changes its manners, the lines their weather; the disk begins to fail; the process ends, in order, by a kill, or with the
//! power. What a client hears when the process dies counts if it was sent before.

use crate::chance::Chance;
use crate::crash::book::{Book, Call, Told};
use crate::simulate::clients::{Ask, Heard, made, trouble};
use crate::simulate::disk::{Fault, SimDisk};
use crate::simulate::history::History;
use crate::simulate::turns::Party;
use crate::simulate::world::{Outside, World};
use bank::Bank;
use bank::jobs::{self, Lane};
use ports::{Behaviour, Manners, TellManners};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use store::Step;
use vocabulary::{Id, kinds};

/// Which run.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Its seed.
    pub seed: u64,
    /// How many steps before everything is healed.
    pub steps: u64,
    /// Tell every step.
    pub aloud: bool,
}

/// What a run came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ran {
    /// Steps, those of healing included.
    pub steps: u64,
    /// Wishes done and refused.
    pub acknowledged: [usize; 2],
    /// How often the process died.
    pub deaths: u64,
    /// How often with the power.
    pub cuts: u64,
    /// Names the history.
    pub digest: u64,
}

/// A promise was broken.
#[derive(Clone, Debug)]
pub struct Failure {
    /// In which step.
    pub step: u64,
    /// What, in words.
    pub what: String,
    /// The last steps.
    pub last: String,
}

/// How a party ended.
pub(super) enum Ending {
    /// A client heard something about a wish; whether the body was another.
    Client(usize, bool, Heard),
    /// A lane of jobs.
    Lane(usize, Result<usize, Heard>),
}

/// A payment that may be captured, voided or refunded.
#[derive(Clone, Copy)]
struct Paid {
    id: Id<kinds::Payment>,
    shop: Id<kinds::Merchant>,
    amount: i64,
    held: bool,
}

/// At most so many clients at once.
const CLIENTS: usize = 12;
/// So many resumptions until all parties have ended; more of them means that one never does.
pub(super) const LONGEST: usize = 100_000;

/// A run under way.
pub struct Run<'w> {
    pub(super) place: PathBuf,
    pub(super) world: &'w World,
    pub(super) chance: Chance,
    pub(super) outside: Outside,
    pub(super) disk: SimDisk,
    pub(super) node: Option<Bank>,
    pub(super) alive: Arc<AtomicBool>,
    pub(super) parties: Vec<Party<Ending>>,
    pub(super) lanes: [bool; Lane::ALL.len()],
    pub(super) book: Book,
    pub(super) asks: Vec<Ask>,
    paid: Vec<Paid>,
    pub(super) history: History,
    pub(super) fault: Option<Fault>,
    pub(super) ran: Ran,
    /// How far the clock stands behind the furthest moment it has shown, microseconds.
    pub(super) behind: i64,
}

impl Drop for Run<'_> {
    /// Parties that still run hold the bank open: they come to an end in a dead process.
    fn drop(&mut self) {
        self.alive.store(false, Ordering::SeqCst);
        if let Some(node) = self.node.take() {
            node.store().kill();
        }
        self.parties.clear();
    }
}

impl<'w> Run<'w> {
    /// Runs a plan in a world at a place.
    ///
    /// # Errors
    /// The promise that was broken.
    pub fn of(world: &'w World, place: &Path, plan: &Plan) -> Result<Ran, Box<Failure>> {
        let failed = |what: String| Box::new(Failure { step: 0, what, last: String::new() });
        let mut run = Self::begin(world, place, plan).map_err(failed)?;
        match run.steps(plan.steps).and_then(|()| run.heal()) {
            Ok(()) => {
                run.ran.steps = run.history.step;
                run.ran.acknowledged = run.book.acknowledged();
                run.ran.digest = run.history.digest.number();
                Ok(run.ran.clone())
            }
            Err(what) => Err(Box::new(Failure { step: run.history.step, what, last: run.history.last() })),
        }
    }

    fn begin(world: &'w World, place: &Path, plan: &Plan) -> Result<Self, String> {
        let chance = Chance::new(plan.seed).branch(plan.seed);
        let outside = world.outside(place, &chance)?;
        let disk = SimDisk::new(place, &world.files).map_err(|error| error.to_string())?;
        let history = History::new(plan.aloud);
        let mut run = Self {
            place: place.to_owned(),
            world,
            chance,
            outside,
            disk,
            node: None,
            alive: Arc::new(AtomicBool::new(false)),
            parties: Vec::new(),
            lanes: [false; Lane::ALL.len()],
            book: Book::default(),
            asks: Vec::new(),
            paid: Vec::new(),
            history,
            fault: None,
            ran: Ran::default(),
            behind: 0,
        };
        run.start()?;
        Ok(run)
    }

    fn steps(&mut self, steps: u64) -> Result<(), String> {
        while self.history.step < steps {
            self.history.step += 1;
            self.step()?;
            if matches!(self.fault, Some(Fault::EndsAt(_))) && self.disk.tripped() {
                self.die("in the middle of a call to the disk")?;
            }
        }
        Ok(())
    }

    fn step(&mut self) -> Result<(), String> {
        match self.chance.below(100) {
            0..=27 => self.someone_goes_on(),
            28..=49 => self.commit(),
            50..=62 => self.wish(),
            63..=68 => self.again(),
            69..=78 => self.lane(),
            79..=87 => {
                self.time_passes();
                Ok(())
            }
            88..=89 => self.fold(),
            90..=92 => self.manners(),
            93..=94 => self.weather(),
            95..=97 => self.disk_fails(),
            _ => match self.chance.below(4) {
                0 => self.restart(),
                _ => self.die("by a kill"),
            },
        }
    }

    fn someone_goes_on(&mut self) -> Result<(), String> {
        if self.parties.is_empty() {
            return Ok(());
        }
        let place = self.chance.place(self.parties.len());
        match self.goes_on(place)? {
            Some(ending) => self.hear(ending),
            None => Ok(()),
        }
    }

    pub(super) fn goes_on(&mut self, place: usize) -> Result<Option<Ending>, String> {
        self.history.note(&format!("{} goes on", self.parties[place].name));
        let ending = self.parties[place].resume()?;
        if ending.is_some() {
            self.parties.remove(place);
        }
        Ok(ending)
    }

    fn hear(&mut self, ending: Ending) -> Result<(), String> {
        match ending {
            Ending::Lane(lane, result) => {
                self.lanes[lane] = false;
                self.history.note(&format!("{} ends: {result:?}", Lane::ALL[lane].name()));
                match result {
                    Err(Heard::Broken(what)) => Err(format!("{} met a mistake: {what}", Lane::ALL[lane].name())),
                    _ => Ok(()),
                }
            }
            Ending::Client(number, _, Heard::Answer(_)) if self.chance.percent(8) => {
                self.history.note(&format!("the client of {} has hung up", self.book.wishes[number].key));
                Ok(())
            }
            Ending::Client(number, changed, heard) => self.client_hears(number, changed, heard),
        }
    }

    pub(super) fn client_hears(&mut self, number: usize, changed: bool, heard: Heard) -> Result<(), String> {
        let wish = &mut self.book.wishes[number];
        self.history.note(&format!("{} hears {}{heard:?}", wish.key, if changed { "of another body " } else { "" }));
        match heard {
            Heard::Broken(what) => Err(format!("{} met a mistake: {what}", wish.key)),
            Heard::Nothing(_) => Ok(()),
            Heard::Reused if changed => Ok(()),
            Heard::Reused => Err(format!("I4: {} was called used for another body, and was not", wish.key)),
            Heard::Answer(told) if changed => {
                Err(format!("I4: {} had an answer, and its key with another body got {told:?}", wish.key))
            }
            Heard::Answer(told) if wish.told == Told::Nothing => {
                if let Told::Done(_) = &told
                    && let Some(id) = made::<kinds::Payment>(&told)
                    && let Ask::Pay { shop, amount, .. } | Ask::Hold { shop, amount, .. } = self.asks[number]
                {
                    let held = matches!(self.asks[number], Ask::Hold { .. });
                    self.paid.push(Paid { id, shop, amount, held });
                }
                wish.told = told;
                Ok(())
            }
            Heard::Answer(told) if told == wish.told => Ok(()),
            Heard::Answer(told) => Err(format!("I4: {} was answered {:?} and then {told:?}", wish.key, wish.told)),
        }
    }

    pub(super) fn commit(&mut self) -> Result<(), String> {
        let Some(node) = &self.node else { return Ok(()) };
        match node.store().step() {
            Step::Idle => Ok(()),
            Step::Worked => {
                self.history.note("a group ends");
                Ok(())
            }
            Step::Ended => self.die("by itself, after the disk failed"),
        }
    }

    fn new_ask(&mut self) -> Ask {
        let people = &self.world.people;
        let chance = &mut self.chance;
        let first = chance.place(people.customers.len());
        let person = people.customers[first];
        let shop = people.shops[chance.place(people.shops.len())];
        let amount =
            1 + i64::try_from(chance.below(if chance.clone().percent(5) { 900_000 } else { 6_000 })).unwrap_or(0);
        let known = (!self.paid.is_empty()).then(|| self.paid[chance.place(self.paid.len())]);
        let outside = if chance.percent(25) { 90_001 + i64::try_from(chance.below(12)).unwrap_or(0) } else { amount };
        match (chance.below(10), known) {
            (0 | 1, Some(Paid { id: payment, shop, amount, held: true })) => {
                if chance.percent(60) {
                    Ask::Capture { shop, payment, amount }
                } else {
                    Ask::Void { shop, payment }
                }
            }
            (0 | 1, Some(Paid { id: payment, shop, amount, held: false })) => Ask::Refund {
                shop,
                payment,
                amount: 1 + i64::try_from(chance.below(amount.unsigned_abs())).unwrap_or(0),
            },
            (0..=3, _) => Ask::Pay { payer: person, shop, amount },
            (4 | 5, _) => Ask::Hold { payer: person, shop, amount },
            (6, _) => {
                let other = 1 + chance.place(people.customers.len() - 1);
                let to = people.customers[(first + other) % people.customers.len()];
                Ask::Transfer { from: person, to, amount }
            }
            (7 | 8, _) => Ask::TopUp { person, amount: outside },
            _ => Ask::Payout { person, amount: outside },
        }
    }

    fn wish(&mut self) -> Result<(), String> {
        if self.node.is_none() || self.parties.len() >= CLIENTS {
            return Ok(());
        }
        let ask = self.new_ask();
        self.send_new(ask).map(drop)
    }

    /// Notes a new wish and starts its client.
    pub(super) fn send_new(&mut self, ask: Ask) -> Result<usize, String> {
        let call = Call { path: format!("{ask:?}"), token: String::new(), body: serde_json::Value::Null };
        let number = self.book.send(ask.aim(), call);
        self.asks.push(ask.clone());
        self.send(number, false, ask)?;
        Ok(number)
    }

    /// Starts a client with a wish.
    pub(super) fn send(&mut self, number: usize, changed: bool, ask: Ask) -> Result<(), String> {
        let Some(bank) = self.node.clone() else { return Ok(()) };
        let key = self.book.wishes[number].key.clone();
        self.history.note(&format!("{key} is sent: {ask:?}"));
        let name = key.clone();
        let work = move || Ending::Client(number, changed, ask.act(&bank, &key));
        self.parties.push(Party::new(name, work)?);
        Ok(())
    }

    fn again(&mut self) -> Result<(), String> {
        if self.node.is_none() || self.book.wishes.is_empty() || self.parties.len() >= CLIENTS {
            return Ok(());
        }
        let number = self.chance.place(self.asks.len());
        let ask = self.asks[number].clone();
        let answered = self.book.wishes[number].told != Told::Nothing;
        match ask.changed() {
            Some(other) if answered && self.chance.percent(30) => self.send(number, true, other),
            _ => self.send(number, false, ask),
        }
    }

    fn lane(&mut self) -> Result<(), String> {
        let lane = self.chance.place(Lane::ALL.len());
        self.begin_lane(lane)
    }

    /// Lets a lane of jobs begin unless it runs.
    pub(super) fn begin_lane(&mut self, lane: usize) -> Result<(), String> {
        let Some(bank) = self.node.clone().filter(|_| !self.lanes[lane]) else { return Ok(()) };
        let alive = Arc::clone(&self.alive);
        let work = move || {
            let result = jobs::run_lane(&bank, Lane::ALL[lane], &|| alive.load(Ordering::SeqCst));
            Ending::Lane(lane, result.map_err(|error| trouble(&error)))
        };
        self.lanes[lane] = true;
        self.history.note(&format!("{} begins", Lane::ALL[lane].name()));
        self.parties.push(Party::new(Lane::ALL[lane].name().to_owned(), work)?);
        Ok(())
    }

    fn time_passes(&mut self) {
        let (least, most) = match self.chance.below(20) {
            0..=8 => (1, 1_000_000),
            9..=15 => (1_000_000, 10_000_000),
            16 => (60_000_000, 600_000_000),
            17 => (3_600_000_000, 7_200_000_000),
            18 if self.chance.percent(30) => (86_400_000_000, 90_000_000_000),
            _ => (-600_000_000, -1_000_000),
        };
        let span = u64::try_from(most - least).unwrap_or(1);
        let micros = least + i64::try_from(self.chance.below(span)).unwrap_or(0);
        self.shift(micros);
    }

    /// Moves the clock.
    pub(super) fn shift(&mut self, micros: i64) {
        self.outside.clock.shift(micros);
        self.behind = (self.behind - micros).max(0);
        self.history.note(&format!("the clock moves by {micros} µs"));
    }

    fn fold(&mut self) -> Result<(), String> {
        let Some(node) = self.node.clone() else { return Ok(()) };
        let restart = self.chance.percent(50);
        let folded = node.store().fold_log(restart).is_ok();
        self.history.note(&format!("the log is folded: {folded}"));
        Ok(())
    }

    fn manners(&mut self) -> Result<(), String> {
        let seconds = u32::try_from(1 + self.chance.below(600)).unwrap_or(1);
        let all = [
            Behaviour::Prompt,
            Behaviour::Slow(seconds),
            Behaviour::Silent,
            Behaviour::Dead,
            Behaviour::Twice,
            Behaviour::Late(seconds),
            Behaviour::Contradicting,
            Behaviour::WrongAmount,
            Behaviour::Returning(seconds),
            Behaviour::AfterReturn(seconds),
            Behaviour::Backwards(seconds),
            Behaviour::RejectFunds,
            Behaviour::RejectClosed,
            Behaviour::Unreachable,
            Behaviour::AnswerLost,
        ];
        let behaviour = all[self.chance.place(all.len())];
        self.history.note(&format!("the bank beside becomes {behaviour:?}"));
        self.outside.beside.tell(Manners { behaviour, left: None }).map_err(|error| error.to_string())
    }

    fn weather(&mut self) -> Result<(), String> {
        let percent = [0, 0, 5, 30, 100][self.chance.place(5)];
        self.outside.weather.set(percent);
        self.history.note(&format!("of messages to the outside {percent} % are lost"));
        Ok(())
    }

    fn disk_fails(&mut self) -> Result<(), String> {
        let nth = 1 + self.chance.below(30);
        let fault = match self.chance.below(7) {
            0 => Some(Fault::Write(nth)),
            1 => Some(Fault::Flush(1 + nth % 4)),
            2 => Some(Fault::Full(nth)),
            3 | 4 => Some(Fault::EndsAt(nth)),
            _ => None,
        };
        self.set_fault(fault)
    }

    pub(super) fn set_fault(&mut self, fault: Option<Fault>) -> Result<(), String> {
        self.history.note(&format!("the disk: {fault:?}"));
        self.fault = fault;
        let told = fault.map_or_else(|| self.disk.heal(), |fault| self.disk.fail(fault));
        told.map_err(|error| error.to_string())
    }

    /// Lets everybody come to an end, with the writer at work.
    pub(super) fn settle(&mut self) -> Result<(), String> {
        for _ in 0..LONGEST {
            if self.parties.is_empty() {
                return Ok(());
            }
            self.history.step += 1;
            if self.chance.percent(40) { self.commit()? } else { self.someone_goes_on()? }
        }
        Err("liveness: somebody never comes to an end".to_owned())
    }
}
