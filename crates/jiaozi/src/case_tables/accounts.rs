//! `create_accounts`: the tables' checks in their order, then the engine opens the account.

use super::event::AccountEvent;
use super::{CaseError, NewAccount, Run, chains, results};
use ledger::{BookNo, Class, Floor};

/// Flags of accounts that have a meaning here; `history` is kept and compared, since our accounts always have one.
const OFFERED: [&str; 4] = ["linked", "debits_must_not_exceed_credits", "credits_must_not_exceed_debits", "history"];

impl Run<'_> {
    /// Creates a batch of accounts and checks each result.
    pub(super) fn create_accounts(&mut self, batch: &[(usize, AccountEvent)]) -> Result<(), CaseError> {
        let linked: Vec<bool> = batch.iter().map(|(_, event)| event.flags.has("linked")).collect();
        for (range, open) in chains(&linked) {
            let chain = &batch[range];
            if let Some(name) = chain.iter().find_map(|(_, event)| self.account_obstacle(event)) {
                self.skip_accounts(chain, &name);
                continue;
            }
            let failure = self.first_account_failure(chain, open);
            if failure.is_none() && !open {
                for (_, event) in chain {
                    self.bank.open_account(new_account(event))?;
                    self.accounts.insert(event.id, event.clone());
                }
            }
            let failure = failure.map(|(at, name)| (at, name.to_owned()));
            for ((number, event), result) in chain.iter().zip(results(chain.len(), open, failure)) {
                self.check(*number, &format!("account {}", event.id), &event.expect, &result);
            }
        }
        Ok(())
    }

    fn account_obstacle(&self, event: &AccountEvent) -> Option<String> {
        let flag = event.flags.other_than(&OFFERED).map(str::to_owned);
        flag.or_else(|| self.spoiled_accounts.get(&event.id).cloned())
    }

    fn skip_accounts(&mut self, chain: &[(usize, AccountEvent)], name: &str) {
        for (_, event) in chain {
            self.skip(name);
            if event.expect == "created" {
                self.spoiled_accounts.insert(event.id, name.to_owned());
            }
        }
    }

    /// The first event of the chain that fails, each seeing those before it. The last event of an open chain is not looked at.
    fn first_account_failure(&self, chain: &[(usize, AccountEvent)], open: bool) -> Option<(usize, &'static str)> {
        let looked_at = chain.len() - usize::from(open);
        (0..looked_at).find_map(|at| {
            let event = &chain[at].1;
            let earlier = chain[..at].iter().map(|(_, event)| event).find(|earlier| earlier.id == event.id);
            let existing = self.accounts.get(&event.id).or(earlier);
            account_failure(event, existing).map(|name| (at, name))
        })
    }
}

fn account_failure(event: &AccountEvent, existing: Option<&AccountEvent>) -> Option<&'static str> {
    let form = [
        (event.timestamp != 0, "timestamp_must_be_zero"),
        (event.reserved, "reserved_field"),
        (event.flags.padding, "reserved_flag"),
        (event.id == 0, "id_must_not_be_zero"),
        (event.id == u128::MAX, "id_must_not_be_int_max"),
    ];
    if let Some((_, name)) = form.into_iter().find(|(wrong, _)| *wrong) {
        return Some(name);
    }
    if let Some(existing) = existing {
        return Some(account_conflict(event, existing));
    }
    let exclusive =
        event.flags.has("debits_must_not_exceed_credits") && event.flags.has("credits_must_not_exceed_debits");
    let content = [
        (exclusive, "flags_are_mutually_exclusive"),
        (event.counters[0] != 0, "debits_pending_must_be_zero"),
        (event.counters[1] != 0, "debits_posted_must_be_zero"),
        (event.counters[2] != 0, "credits_pending_must_be_zero"),
        (event.counters[3] != 0, "credits_posted_must_be_zero"),
        (event.ledger == 0, "ledger_must_not_be_zero"),
        (event.code == 0, "code_must_not_be_zero"),
    ];
    content.into_iter().find(|(wrong, _)| *wrong).map(|(_, name)| name)
}

fn account_conflict(new: &AccountEvent, old: &AccountEvent) -> &'static str {
    let fields = [
        (new.flags == old.flags, "exists_with_different_flags"),
        (new.user_data.0 == old.user_data.0, "exists_with_different_user_data_128"),
        (new.user_data.1 == old.user_data.1, "exists_with_different_user_data_64"),
        (new.user_data.2 == old.user_data.2, "exists_with_different_user_data_32"),
        (new.ledger == old.ledger, "exists_with_different_ledger"),
        (new.code == old.code, "exists_with_different_code"),
    ];
    fields.into_iter().find(|(same, _)| !same).map_or("exists", |(_, name)| name)
}

fn new_account(event: &AccountEvent) -> NewAccount {
    let (class, floor) = if event.flags.has("credits_must_not_exceed_debits") {
        (Class::Asset, Floor::At(0))
    } else if event.flags.has("debits_must_not_exceed_credits") {
        (Class::Liability, Floor::At(0))
    } else {
        (Class::Liability, Floor::None)
    };
    NewAccount { id: event.id, book: BookNo(event.ledger), class, floor }
}
