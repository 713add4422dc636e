//! Beginning a session: what is asked for, and the row with everything drawn and sealed before the unit of work.

use super::Session;
use super::about::About;
use super::records::{self, Ends, NewSession};
use super::refresh_token::RefreshToken;
use crate::bank::Bank;
use crate::devices::{self, Entering, Entry};
use crate::error::BankError;
use crate::policies::SessionTerms;
use crate::refusal::Refusal;
use crate::sealed::Sealed;
use crate::tokens::TokenHash;
use store::{Outcome, StoreError, Uow};
use vocabulary::{ErrorCode, Id, Secret, Timestamp, kinds};

/// The longest name of a device, in characters.
const NAME: usize = 100;

/// What a sign-in asks for.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// What the person calls the device.
    pub device_name: Option<String>,
    /// Whether the session has a refresh token, and access tokens that last for minutes.
    pub refresh: bool,
    /// The device's proof; with it there always is a refresh token.
    pub device: Option<devices::Proof>,
}

impl Wanted {
    /// `invalid_field` when the name of the device has no or more than 100 characters, or control characters.
    pub(super) fn check(&self) -> Result<(), Refusal> {
        let Some(name) = &self.device_name else { return Ok(()) };
        if name.trim().is_empty() || name.chars().count() > NAME || name.chars().any(char::is_control) {
            let detail = "the name of a device has 1 to 100 characters and no control characters";
            return Err(Refusal::new(ErrorCode::InvalidField, detail).at("device_name"));
        }
        Ok(())
    }
}

/// A session to be begun.
pub(super) struct Begun {
    id: Id<kinds::Session>,
    access: TokenHash,
    secret: Option<TokenHash>,
    about: Option<Sealed<String>>,
    /// None where nobody is told of a device: a program that holds a token for a while.
    entry: Option<Entry>,
    terms: SessionTerms,
    hours: u32,
}

impl Begun {
    /// Draws a session, and the text of its refresh token. Without an owner it will not be written.
    pub(super) async fn new(
        bank: &Bank,
        (owner, access): (Option<Id<kinds::Customer>>, TokenHash),
        (wanted, device): (Wanted, Option<Entering>),
    ) -> Result<(Self, Option<Secret<String>>), BankError> {
        let id = bank.new_id();
        let refresh = wanted.refresh || device.is_some();
        let entry = match owner.filter(|_| refresh) {
            Some(owner) => {
                let name = wanted.device_name.as_deref().map(str::trim);
                Some(Entry::new(bank, owner, device, name).await?)
            }
            None => None,
        };
        let about = match owner {
            Some(owner) => about(bank, owner, (id, wanted.device_name)).await?,
            None => None,
        };
        let first = refresh.then(|| RefreshToken::first(id, bank.entropy()));
        let secret = first.as_ref().map(RefreshToken::secret_hash);
        let policies = bank.policies();
        let (terms, hours) = (policies.sessions, policies.session_hours);
        let begun = Self { id, access, secret, about, entry, terms, hours };
        Ok((begun, first.map(|first| first.print(bank.sealing()))))
    }

    /// Writes it; says until when it can be refreshed. Refused with `device_proof_invalid`.
    pub(super) fn write(
        &self,
        uow: &mut Uow<'_, '_>,
        customer: Id<kinds::Customer>,
    ) -> Result<Outcome<(Session, Timestamp), Refusal>, StoreError> {
        let device = match self.entry.as_ref().map(|entry| entry.write(uow, customer)).transpose()? {
            Some(Err(refusal)) => return Ok(Outcome::Refused(refusal)),
            Some(Ok(device)) => device,
            None => None,
        };
        let hours = if device.is_some() { self.terms.device_days * 24 } else { self.hours };
        let longest = uow.now().plus_seconds(i64::from(hours) * 3600);
        let ends = match self.secret {
            Some(_) => ends(self.terms, device.is_some(), (uow.now(), longest)),
            None => Ends { access: longest, until: longest, longest },
        };
        let (hash, secret, about) = (&self.access, self.secret.as_ref(), self.about.as_ref());
        records::insert(uow, &NewSession { id: self.id, customer, hash, secret, ends, about, device })?;
        Ok(Outcome::Done((Session { id: self.id, customer, expires: ends.access }, ends.until)))
    }
}

/// What tokens that are given now are good for.
pub(super) fn ends(terms: SessionTerms, bound: bool, (now, longest): (Timestamp, Timestamp)) -> Ends {
    let idle = if bound { terms.device_idle_days * 1_440 } else { terms.idle_minutes };
    let within = |minutes: u32| now.plus_seconds(i64::from(minutes) * 60).min(longest);
    Ends { access: within(terms.access_minutes), until: within(idle), longest }
}

async fn about(
    bank: &Bank,
    owner: Id<kinds::Customer>,
    (id, name): (Id<kinds::Session>, Option<String>),
) -> Result<Option<Sealed<String>>, BankError> {
    let desk = bank.desk();
    let key = bank.store().read(move |snapshot| Ok(desk.sealing().key(snapshot.reading(), owner.as_u128())?)).await?;
    // Erased meanwhile: the unit that begins the session will find that out.
    let Some(key) = key else { return Ok(None) };
    let name = name.map(|name| name.trim().to_owned());
    About::of(bank, name).seal(bank, &key, id).map(Some)
}
