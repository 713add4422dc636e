//! `create_transfers`: the tables' checks of form in their order, then the engine decides.

use super::event::TransferEvent;
use super::{CaseError, Run, chains, names, results};
use ledger::{AccountNo, Count, Difference, Entry, Posted, Refusal, Step, UpTo};
use std::collections::HashMap;
use vocabulary::{BookingDate, ValueDate};

const OFFERED: [&str; 6] =
    ["linked", "pending", "post_pending_transfer", "void_pending_transfer", "balancing_debit", "balancing_credit"];

/// Numbers that no account has: one for each side, so that they differ.
const NO_DEBIT: AccountNo = AccountNo(i64::MAX as u64);
const NO_CREDIT: AccountNo = AccountNo(i64::MAX as u64 - 1);

/// An event in the engine's form, and as it is remembered once created: with what it inherited from its pending transfer.
struct Prepared {
    entry: Entry,
    event: TransferEvent,
}

type Staged = HashMap<u128, TransferEvent>;

impl Run<'_> {
    /// Creates a batch of transfers and checks each result.
    pub(super) fn create_transfers(&mut self, batch: &[(usize, TransferEvent)]) -> Result<(), CaseError> {
        let linked: Vec<bool> = batch.iter().map(|(_, event)| event.flags.has("linked")).collect();
        for (range, open) in chains(&linked) {
            let chain = &batch[range];
            if let Some(name) = chain.iter().find_map(|(_, event)| self.transfer_obstacle(event)) {
                self.skip_transfers(chain, &name)?;
                continue;
            }
            let failure = self.run_chain(&chain[..chain.len() - usize::from(open)], open)?;
            if let Some((at, name)) = &failure
                && names::is_transient(name)
            {
                self.bank.remember_failed(chain[*at].1.id)?;
            }
            for ((number, event), result) in chain.iter().zip(results(chain.len(), open, failure)) {
                self.check(*number, &format!("transfer {}", event.id), &event.expect, &result);
            }
        }
        Ok(())
    }

    fn transfer_obstacle(&self, event: &TransferEvent) -> Option<String> {
        let flag = event.flags.other_than(&OFFERED).map(str::to_owned);
        let transfers = [event.id, event.pending_id].into_iter().find_map(|id| self.spoiled_transfers.get(&id));
        let accounts = [event.debit, event.credit].into_iter().find_map(|id| self.spoiled_accounts.get(&id));
        flag.or_else(|| transfers.or(accounts).cloned())
    }

    fn skip_transfers(&mut self, chain: &[(usize, TransferEvent)], name: &str) -> Result<(), CaseError> {
        for (_, event) in chain {
            self.skip(name);
            if event.expect == "created" {
                let pending = self.transfers.get(&event.pending_id).map_or((0, 0), |p| (p.debit, p.credit));
                for id in [event.debit, event.credit, pending.0, pending.1] {
                    self.spoiled_accounts.insert(id, name.to_owned());
                }
                self.spoiled_transfers.insert(event.id, name.to_owned());
                if event.pending_id != 0 {
                    self.spoiled_transfers.insert(event.pending_id, name.to_owned());
                }
            } else if names::is_transient(&event.expect) {
                self.bank.remember_failed(event.id)?;
            }
        }
        self.spoiled_accounts.remove(&0);
        Ok(())
    }

    /// Runs a chain on the engine; answers the first failure. A chain of several is tried first and kept only if all of it holds.
    fn run_chain(
        &mut self,
        chain: &[(usize, TransferEvent)],
        open: bool,
    ) -> Result<Option<(usize, String)>, CaseError> {
        let mut staged = Staged::new();
        let mut prepared = Vec::with_capacity(chain.len());
        let mut wrong_form = None;
        for (at, (_, event)) in chain.iter().enumerate() {
            match self.prepare(event, &staged)? {
                Ok(ready) => {
                    staged.entry(event.id).or_insert_with(|| ready.event.clone());
                    prepared.push(ready);
                }
                Err(name) => {
                    wrong_form = Some((at, name.to_owned()));
                    break;
                }
            }
        }
        let entries: Vec<Entry> = prepared.iter().map(|ready| ready.entry.clone()).collect();
        let single = chain.len() == 1 && !open;
        if !entries.is_empty() {
            let answer = self.bank.post_chain(&entries, single)?;
            let failure = match answer {
                Err(chain) => self.named_failure(&prepared, chain.index, &chain.refusal, &staged),
                Ok(posted) => {
                    remember_amounts(&mut prepared, &posted);
                    self.repeated(&prepared, &posted)
                }
            };
            if failure.is_some() {
                return Ok(failure);
            }
        }
        if wrong_form.is_some() || open {
            return Ok(wrong_form);
        }
        if !single {
            let kept = self.bank.post_chain(&entries, true)?;
            assert!(kept.is_ok(), "a chain that was just tried holds");
        }
        for ready in prepared {
            self.transfers.insert(ready.event.id, ready.event);
        }
        Ok(None)
    }

    /// The name of the engine's refusal, unless an entry before it was a repetition, which in a chain is a failure.
    fn named_failure(
        &self,
        prepared: &[Prepared],
        index: usize,
        refusal: &Refusal,
        staged: &Staged,
    ) -> Option<(usize, String)> {
        let earlier = (0..index).find(|at| self.known_before(prepared, *at).is_some());
        if let Some(at) = earlier {
            return Some((at, self.same_content(prepared, at).to_owned()));
        }
        let event = &prepared[index].event;
        let name = match refusal {
            Refusal::HoldNotFound if self.known(event.pending_id, staged).is_some() => "pending_transfer_not_pending",
            Refusal::Exists(Difference::Kind) => self.same_content(prepared, index),
            other => names::refusal(other),
        };
        Some((index, name.to_owned()))
    }

    fn repeated(&self, prepared: &[Prepared], posted: &[Posted]) -> Option<(usize, String)> {
        let at = posted.iter().position(|posted| posted.repeated)?;
        Some((at, self.same_content(prepared, at).to_owned()))
    }

    /// The transfer with this event's id that was created before it, in the books or earlier in its chain.
    fn known_before<'b>(&'b self, prepared: &'b [Prepared], at: usize) -> Option<&'b TransferEvent> {
        let id = prepared[at].event.id;
        let earlier = prepared[..at].iter().map(|ready| &ready.event).find(|event| event.id == id);
        self.transfers.get(&id).or(earlier)
    }

    /// What remains to be compared when the engine found the same content: it does not know the tables' ledger number.
    fn same_content(&self, prepared: &[Prepared], at: usize) -> &'static str {
        let new = &prepared[at].event;
        match self.known_before(prepared, at) {
            Some(old) if old.ledger != new.ledger => "exists_with_different_ledger",
            Some(old) if old.code != new.code => "exists_with_different_code",
            Some(_) | None => "exists",
        }
    }

    fn known<'b>(&'b self, id: u128, staged: &'b Staged) -> Option<&'b TransferEvent> {
        self.transfers.get(&id).or_else(|| staged.get(&id))
    }

    fn prepare(&mut self, event: &TransferEvent, staged: &Staged) -> Result<Result<Prepared, &'static str>, CaseError> {
        let form = [
            (event.timestamp != 0, "timestamp_must_be_zero"),
            (event.flags.padding, "reserved_flag"),
            (event.id == 0, "id_must_not_be_zero"),
            (event.id == u128::MAX, "id_must_not_be_int_max"),
        ];
        if let Some((_, name)) = form.into_iter().find(|(wrong, _)| *wrong) {
            return Ok(Err(name));
        }
        let pending = self.known(event.pending_id, staged).cloned();
        let ends_hold = event.flags.has("post_pending_transfer") || event.flags.has("void_pending_transfer");
        if let Some(old) = self.known(event.id, staged) {
            if let Some(name) = conflict(event, old, ends_hold) {
                return Ok(Err(name));
            }
        } else {
            if self.bank.has_failed(event.id)? {
                return Ok(Err("id_already_failed"));
            }
            let wrong = if ends_hold {
                ending_failure(event).or_else(|| pending.as_ref().and_then(|pending| mismatch(event, pending)))
            } else {
                movement_failure(event).or(self.other_ledger(event)?)
            };
            if let Some(name) = wrong {
                return Ok(Err(name));
            }
        }
        let event = if ends_hold { inherited(event, pending.as_ref()) } else { event.clone() };
        let (debit, credit) = (self.bank.account(event.debit)?, self.bank.account(event.credit)?);
        let debit = debit.map_or(NO_DEBIT, |account| account.no);
        let credit = credit.map_or(NO_CREDIT, |account| account.no);
        let entry = entry(&event, step(&event, debit, credit));
        Ok(Ok(Prepared { entry, event }))
    }

    /// The engine's steps have no ledger of their own: when both accounts agree, the event's is compared here.
    fn other_ledger(&mut self, event: &TransferEvent) -> Result<Option<&'static str>, CaseError> {
        let (debit, credit) = (self.bank.account(event.debit)?, self.bank.account(event.credit)?);
        let book = match (debit, credit) {
            (Some(debit), Some(credit)) if debit.book == credit.book => debit.book,
            (Some(_) | None, Some(_) | None) => return Ok(None),
        };
        Ok((book.0 != event.ledger).then_some("transfer_must_have_the_same_ledger_as_accounts"))
    }
}

/// A pending transfer's amount is what it came to, which bounds how it ends.
fn remember_amounts(prepared: &mut [Prepared], posted: &[Posted]) {
    for (ready, posted) in prepared.iter_mut().zip(posted) {
        if let (true, Some(line)) = (ready.event.flags.has("pending"), posted.lines.first()) {
            ready.event.amount = line.amount;
        }
    }
}

/// Differences from an existing transfer that the engine cannot see: it compares the rest.
fn conflict(new: &TransferEvent, old: &TransferEvent, ends_hold: bool) -> Option<&'static str> {
    if new.flags != old.flags {
        return Some("exists_with_different_flags");
    }
    if new.pending_id != old.pending_id {
        return (!ends_hold).then_some("exists_with_different_pending_id");
    }
    if new.timeout != old.timeout {
        return Some("exists_with_different_timeout");
    }
    if ends_hold && new.debit != 0 && new.debit != old.debit {
        return Some("exists_with_different_debit_account_id");
    }
    if ends_hold && new.credit != 0 && new.credit != old.credit {
        return Some("exists_with_different_credit_account_id");
    }
    let voids = new.flags.has("void_pending_transfer");
    (voids && new.amount != 0 && new.amount != old.amount).then_some("exists_with_different_amount")
}

fn movement_failure(event: &TransferEvent) -> Option<&'static str> {
    let pending = event.flags.has("pending");
    let checks = [
        (event.debit == 0, "debit_account_id_must_not_be_zero"),
        (event.debit == u128::MAX, "debit_account_id_must_not_be_int_max"),
        (event.credit == 0, "credit_account_id_must_not_be_zero"),
        (event.credit == u128::MAX, "credit_account_id_must_not_be_int_max"),
        (event.debit == event.credit, "accounts_must_be_different"),
        (event.pending_id != 0, "pending_id_must_be_zero"),
        (!pending && event.timeout != 0, "timeout_reserved_for_pending_transfer"),
        (event.ledger == 0, "ledger_must_not_be_zero"),
        (event.code == 0, "code_must_not_be_zero"),
    ];
    checks.into_iter().find(|(wrong, _)| *wrong).map(|(_, name)| name)
}

fn ending_failure(event: &TransferEvent) -> Option<&'static str> {
    let has = |name: &str| event.flags.has(name);
    let both = has("post_pending_transfer") && has("void_pending_transfer");
    let other = has("pending") || has("balancing_debit") || has("balancing_credit");
    let checks = [
        (both || other, "flags_are_mutually_exclusive"),
        (event.pending_id == 0, "pending_id_must_not_be_zero"),
        (event.pending_id == u128::MAX, "pending_id_must_not_be_int_max"),
        (event.pending_id == event.id, "pending_id_must_be_different"),
        (event.timeout != 0, "timeout_reserved_for_pending_transfer"),
    ];
    checks.into_iter().find(|(wrong, _)| *wrong).map(|(_, name)| name)
}

/// What the event says about the pending transfer and is not so. The engine's steps name only the hold.
fn mismatch(event: &TransferEvent, pending: &TransferEvent) -> Option<&'static str> {
    let voids = event.flags.has("void_pending_transfer");
    let checks = [
        (!pending.flags.has("pending"), "pending_transfer_not_pending"),
        (event.debit != 0 && event.debit != pending.debit, "pending_transfer_has_different_debit_account_id"),
        (event.credit != 0 && event.credit != pending.credit, "pending_transfer_has_different_credit_account_id"),
        (event.ledger != 0 && event.ledger != pending.ledger, "pending_transfer_has_different_ledger"),
        (event.code != 0 && event.code != pending.code, "pending_transfer_has_different_code"),
        (voids && event.amount > pending.amount, "exceeds_pending_transfer_amount"),
        (voids && event.amount != 0 && event.amount < pending.amount, "pending_transfer_has_different_amount"),
    ];
    checks.into_iter().find(|(wrong, _)| *wrong).map(|(_, name)| name)
}

/// What is 0 in the end of a pending transfer is taken from it.
fn inherited(event: &TransferEvent, pending: Option<&TransferEvent>) -> TransferEvent {
    let mut event = event.clone();
    let Some(pending) = pending else { return event };
    if event.debit == 0 {
        event.debit = pending.debit;
    }
    if event.credit == 0 {
        event.credit = pending.credit;
    }
    if event.ledger == 0 {
        event.ledger = pending.ledger;
    }
    if event.code == 0 {
        event.code = pending.code;
    }
    if event.flags.has("void_pending_transfer") && event.amount == 0 {
        event.amount = pending.amount;
    }
    let (own, from) = (event.user_data, pending.user_data);
    event.user_data = (
        if own.0 == 0 { from.0 } else { own.0 },
        if own.1 == 0 { from.1 } else { own.1 },
        if own.2 == 0 { from.2 } else { own.2 },
    );
    event
}

fn step(event: &TransferEvent, debit: AccountNo, credit: AccountNo) -> Step {
    let (hold, amount, count) = (event.pending_id, event.amount, Count::No);
    let up_to = UpTo { debit: event.flags.has("balancing_debit"), credit: event.flags.has("balancing_credit") };
    if event.flags.has("void_pending_transfer") {
        Step::Void { hold }
    } else if event.flags.has("post_pending_transfer") {
        // The highest amount stands for all that is held.
        Step::Capture { hold, amount: (amount != i64::MAX).then_some(amount), last: true }
    } else if event.flags.has("pending") {
        let seconds = (event.timeout != 0).then_some(event.timeout);
        Step::Hold { debit, credit, amount, up_to, seconds, count }
    } else {
        Step::Post { debit, credit, amount, up_to, count }
    }
}

fn entry(event: &TransferEvent, step: Step) -> Entry {
    Entry {
        id: event.id,
        fresh: false,
        kind: event.code,
        version: 1,
        booking: BookingDate::from_days(0),
        value: ValueDate::from_days(0),
        actor: u128::from(event.user_data.1),
        channel: 0,
        cause: event.user_data.0,
        policy: event.user_data.2,
        reverses: 0,
        forced: false,
        steps: vec![step],
    }
}
