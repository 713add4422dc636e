//! A card vault that remembers what it was asked, and is away when the test says so.

use ports::{CardDescription, CardTicket, CardVault, CardVaultError};
use std::sync::{Mutex, MutexGuard, PoisonError};
use vocabulary::{Id, Secret, Timestamp, kinds};

type Token = Id<kinds::CardToken>;
type Owner = Id<kinds::Customer>;

/// The vault.
#[derive(Default)]
pub struct MemoryCards {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    cards: Vec<(Token, Owner, CardDescription)>,
    destroyed: Vec<Token>,
    away: bool,
}

impl MemoryCards {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A customer brought a Visa card with these last digits.
    pub fn bring(&self, token: Token, owner: Owner, last4: &str) {
        let (brand, last4) = ("visa".to_owned(), last4.to_owned());
        let card = CardDescription { brand, last4, expiry_month: 12, expiry_year: 2030 };
        let mut state = self.state();
        state.cards.retain(|(known, _, _)| *known != token);
        state.cards.push((token, owner, card));
    }

    /// From now on nobody is answered (`true`), until it is back (`false`).
    pub fn away(&self, away: bool) {
        self.state().away = away;
    }

    /// What was destroyed, in order, repetitions included.
    #[must_use]
    pub fn destroyed(&self) -> Vec<Token> {
        self.state().destroyed.clone()
    }

    fn answering(&self) -> Result<MutexGuard<'_, State>, CardVaultError> {
        let state = self.state();
        if state.away { Err(CardVaultError::Unavailable("the line is down".to_owned())) } else { Ok(state) }
    }
}

impl CardVault for MemoryCards {
    fn address(&self) -> &'static str {
        "https://vault.example"
    }

    fn ticket(&self, owner: Owner) -> CardTicket {
        CardTicket { text: Secret::new(format!("ticket-for-{owner}")), expires: Timestamp::from_micros(300_000_000) }
    }

    fn describe(&self, token: Token, owner: Owner) -> Result<Option<CardDescription>, CardVaultError> {
        let state = self.answering()?;
        let found = state.cards.iter().find(|(known, whose, _)| (*known, *whose) == (token, owner));
        Ok(found.map(|(_, _, card)| card.clone()))
    }

    fn destroy(&self, token: Token, owner: Owner) -> Result<(), CardVaultError> {
        let mut state = self.answering()?;
        state.cards.retain(|(known, whose, _)| (*known, *whose) != (token, owner));
        state.destroyed.push(token);
        Ok(())
    }
}
