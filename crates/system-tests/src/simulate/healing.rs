//! Liveness: everything is healed, and within a bounded number of rounds all is done.
//!
//! Every wish gets an answer; no job is overdue, and none failed by a mistake of ours; every top-up and payout ends, or people
//! end it by its case; our books say what the statement of the bank beside says; the checker finds nothing; a new payment works.

use crate::crash::book::Told;
use crate::crash::verdict;
use crate::faults::Tally;
use crate::faults::silent_bank;
use crate::simulate::clients::Ask;
use crate::simulate::run::Run;
use crate::simulate::world::{at_once, beside_of, yuan};
use bank::cases::{self, CaseView, Closing, Finding};
use bank::jobs::{self, Lane};
use bank::{Answer, Bank, BankError, Principal, Wish};
use ports::{Behaviour, Manners, TellManners};
use sql::Connection;
use vocabulary::{Id, kinds};

/// So many rounds until every wish has an answer.
const ROUNDS: usize = 12;
/// Seconds that pass afterwards: what manners take, the hour of statements, deadlines, a day, three days of a late bank.
const PASS: [i64; 12] = [60, 60, 600, 600, 3_600, 3_600, 3_600, 90_000, 3_600, 90_000, 90_000, 3_600];
/// People look at cases so often; what they decide may open others.
const LOOKS: usize = 4;

impl Run<'_> {
    /// Heals everything and sees that all comes to its end.
    pub(super) fn heal(&mut self) -> Result<(), String> {
        self.history.note("everything is healed");
        self.set_fault(None)?;
        self.outside.weather.set(0);
        let prompt = Manners { behaviour: Behaviour::Prompt, left: None };
        self.outside.beside.tell(prompt).map_err(|error| error.to_string())?;
        self.shift(self.behind);
        self.settle()?;
        self.answers()?;
        for seconds in PASS {
            self.pass(seconds)?;
        }
        verdict::compare(&self.copy()?, &self.book)?;
        self.agrees()?;
        self.people_decide()?;
        self.new_payment()?;
        self.nothing_left()?;
        self.end()
    }

    fn bank(&self) -> Result<Bank, String> {
        self.node.clone().ok_or_else(|| "liveness: no process runs".to_owned())
    }

    /// Every wish gets an answer under its key.
    fn answers(&mut self) -> Result<(), String> {
        for _ in 0..ROUNDS {
            let open: Vec<usize> = self.open_wishes();
            if open.is_empty() {
                return Ok(());
            }
            for number in open {
                let ask = self.asks[number].clone();
                self.send(number, false, ask)?;
                self.settle()?;
            }
            self.pass(5)?;
        }
        match self.open_wishes().first() {
            None => Ok(()),
            Some(number) => Err(format!("liveness: {:?} has no answer", self.book.wishes[*number])),
        }
    }

    fn open_wishes(&self) -> Vec<usize> {
        let open = |number: &usize| self.book.wishes[*number].told == Told::Nothing;
        (0..self.book.wishes.len()).filter(open).collect()
    }

    /// Time passes, and what is due is done.
    fn pass(&mut self, seconds: i64) -> Result<(), String> {
        self.shift(seconds * 1_000_000);
        for _ in 0..2 {
            for lane in 0..Lane::ALL.len() {
                self.begin_lane(lane)?;
            }
            self.settle()?;
        }
        Ok(())
    }

    /// Our books and those of the bank beside.
    fn agrees(&mut self) -> Result<(), String> {
        let mut tally = Tally::default();
        let beside = beside_of(&self.place).join("sandbox-bank.db");
        let told = silent_bank::compare(&self.copy()?, &beside, &mut tally).map_err(|error| error.to_string())?;
        self.history.note(&told);
        tally.wrong.into_iter().next().map_or(Ok(()), Err)
    }

    /// What moved for an instruction by the statement of the bank beside: the evidence that people have.
    fn evidence(&self, subject: &str) -> Result<i64, String> {
        let bank = Connection::open_reader(&beside_of(&self.place).join("sandbox-bank.db"));
        let moved = bank.and_then(|bank| silent_bank::moved(&bank)).map_err(|error| error.to_string())?;
        Ok(moved.get(&subject.replace('_', "")).copied().unwrap_or(0))
    }

    fn people_decide(&mut self) -> Result<(), String> {
        for look in 0..LOOKS {
            let open = at_once(cases::list(&self.bank()?, true, None, 500)).map_err(|error| error.to_string())?;
            if open.is_empty() {
                return Ok(());
            }
            for case in open {
                self.history.step += 1;
                self.decide(&case)?;
            }
            self.agrees_after(look)?;
        }
        let open = at_once(cases::list(&self.bank()?, true, None, 500)).map_err(|error| error.to_string())?;
        open.first().map_or(Ok(()), |case| Err(format!("liveness: nobody can end case {case:?}")))
    }

    fn agrees_after(&mut self, look: usize) -> Result<(), String> {
        self.history.note(&format!("people have looked at the cases {} times", look + 1));
        for seconds in [60, 3_600, 3_600, 90_000] {
            self.pass(seconds)?;
        }
        self.agrees()
    }

    /// One proposes what the evidence says, another approves; what needs no decision is closed.
    fn decide(&mut self, case: &CaseView) -> Result<(), String> {
        let bank = self.bank()?;
        let moved = self.evidence(&case.subject)?;
        let currency = yuan().number();
        let executed = Finding::Executed { amount_minor: moved.abs().max(1), currency };
        let first = if moved == 0 { Finding::NotExecuted } else { executed };
        let investigated = self.is_investigated(&case.subject)?;
        let findings: Vec<Finding> = if investigated {
            vec![Finding::Release { wallet: None }, Finding::SendBack, first, Finding::NotExecuted]
        } else {
            vec![Finding::Release { wallet: None }, Finding::SendBack, Finding::NotExecuted]
        };
        if !investigated && closed(&bank, case).map_err(|error| error.to_string())? {
            self.history.note(&format!("{:?} about {} is closed", case.kind, case.subject));
            return Ok(());
        }
        for finding in findings {
            if approved(&bank, case, finding).map_err(|error| error.to_string())? {
                self.history.note(&format!("{:?} about {}: {finding:?}", case.kind, case.subject));
                return Ok(());
            }
        }
        // A decision about another case may have ended this one.
        let again = at_once(cases::find(&bank, case.id)).map_err(|error| error.to_string())?;
        match again {
            Some(again) if again.open => {
                self.history.note(&format!("{:?} about {} stays open", case.kind, case.subject));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Whether the subject is a top-up or payout under investigation.
    fn is_investigated(&self, subject: &str) -> Result<bool, String> {
        let books = Connection::open_reader(&self.copy()?).map_err(|error| error.to_string())?;
        let top_up = Id::<kinds::TopUp>::parse(subject).ok().map(|id| ("top_up", id.as_u128()));
        let payout = Id::<kinds::Payout>::parse(subject).ok().map(|id| ("payout", id.as_u128()));
        let Some((table, id)) = top_up.or(payout) else { return Ok(false) };
        let sql = format!("SELECT count(*) FROM {table} WHERE id = ?1 AND state = 3");
        let found =
            books.number(&sql, &[sql::Param::from(&id.to_be_bytes()[..])]).map_err(|error| error.to_string())?;
        Ok(found > 0)
    }

    fn new_payment(&mut self) -> Result<(), String> {
        let mut refused = Vec::new();
        for payer in 0..self.world.people.customers.len() {
            let number = self.send_new(Ask::small_payment(&self.world.people, payer))?;
            self.settle()?;
            let ask = self.asks[number].clone();
            if self.book.wishes[number].told == Told::Nothing {
                self.send(number, false, ask)?;
                self.settle()?;
            }
            match &self.book.wishes[number].told {
                Told::Done(_) => return Ok(()),
                other => refused.push(format!("{other:?}")),
            }
        }
        Err(format!("liveness: nobody can pay any more: {refused:?}"))
    }

    fn nothing_left(&mut self) -> Result<(), String> {
        let bank = self.bank()?;
        let waiting = at_once(jobs::list(&bank, None, 10_000)).map_err(|error| error.to_string())?;
        let now = bank.now();
        if let Some(job) = waiting.iter().find(|job| job.due.plus_seconds(60) < now) {
            return Err(format!("liveness: a job is overdue at {now:?}: {job:?}"));
        }
        let ours = |error: &String| error.contains("mistake of ours") || error.contains("damaged");
        if let Some(job) = waiting.iter().find(|job| job.error.as_ref().is_some_and(ours)) {
            return Err(format!("a job fails by a mistake: {job:?}"));
        }
        for table in ["top_up", "payout"] {
            let books = Connection::open_reader(&self.copy()?).map_err(|error| error.to_string())?;
            let sql = format!("SELECT count(*) FROM {table} WHERE state IN (1, 2, 3)");
            let open = books.number(&sql, &[]).map_err(|error| error.to_string())?;
            if open > 0 {
                return Err(format!("liveness: {open} rows of {table} have no end"));
            }
        }
        Ok(())
    }

    /// An orderly end, a last look by the checker, and what the rows say in the digest.
    fn end(&mut self) -> Result<(), String> {
        if let Some(bank) = self.node.take() {
            bank.store().settle_blocking().map_err(|error| error.to_string())?;
        }
        let file = self.copy()?;
        let options = checker::Options { pages: true };
        let report = checker::check(&file, &options, &mut |_| {}).map_err(|error| format!("{error} ({error:?})"))?;
        if let Some(difference) = report.difference {
            return Err(difference.to_string());
        }
        let books = Connection::open_reader(&file).map_err(|error| error.to_string())?;
        let events = books.each("SELECT no, kind, body FROM event ORDER BY no", &[], |row| {
            self.history.digest.add(format!("{} {} {}", row.int(0)?, row.text(1)?, row.text(2)?).as_bytes());
            Ok(())
        });
        let lines = books.each("SELECT seq, debit, credit, amount FROM journal ORDER BY seq", &[], |row| {
            self.history
                .digest
                .add(format!("{} {} {} {}", row.int(0)?, row.int(1)?, row.int(2)?, row.int(3)?).as_bytes());
            Ok(())
        });
        events.and(lines).map_err(|error| error.to_string())
    }
}

fn closing() -> Closing {
    Closing { reason: "everything was looked at".to_owned(), evidence: "the bank's statement".to_owned() }
}

fn staff(number: u128) -> Principal {
    Principal::Staff(Id::from_u128(number))
}

fn closed(bank: &Bank, case: &CaseView) -> Result<bool, BankError> {
    let wish = Wish::internal(staff(1), "cases.close");
    Ok(at_once(cases::close(bank, wish, case.id, closing()))?.result.is_ok())
}

fn approved(bank: &Bank, case: &CaseView, finding: Finding) -> Result<bool, BankError> {
    let done = |answer: Answer<CaseView>| answer.result.is_ok();
    let wish = Wish::internal(staff(1), "cases.propose");
    if !done(at_once(cases::propose(bank, wish, case.id, (finding, closing())))?) {
        return Ok(false);
    }
    let wish = Wish::internal(staff(2), "cases.approve");
    Ok(done(at_once(cases::approve(bank, wish, case.id, finding))?))
}
