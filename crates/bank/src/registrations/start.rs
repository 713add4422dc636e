//! Beginning a registration: a code is sent to the contact, or its owner is told.

use super::records;
use super::{CONTACT, code_hash};
use crate::bank::Bank;
use crate::customers::{self, SIGN_IN};
use crate::error::BankError;
use crate::notices;
use crate::refusal::Refusal;
use crate::sealed::{KeyedHash, NewPersonKey, Sealing};
use crate::tokens;
use crate::wish::{Answer, Wish};
use formats::alias::Alias;
use ports::Channel;
use serde::{Deserialize, Serialize};
use store::{Outcome, StoreError, Uow};
use vocabulary::{ErrorCode, Id, Timestamp, kinds};

/// A registration was begun.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Started {
    /// Its id.
    pub id: Id<kinds::Registration>,
    /// Until when the code is good.
    pub expires: Timestamp,
}

/// Begins a registration. Refused, in this order: `alias_invalid` for what is no phone number or e-mail address,
/// `too_many_attempts` for a contact that was sent too many codes.
///
/// # Errors
/// Trouble.
pub async fn start(bank: &Bank, wish: Wish, contact: &str) -> Result<Answer<Started>, BankError> {
    let (contact, channel) = match read(contact) {
        Ok(read) => read,
        Err(refusal) => return bank.once(wish, move |_| Ok(Outcome::Refused(refusal.clone()))).await,
    };
    let draft = Draft::new(bank, &contact, channel)?;
    bank.once(wish, move |uow| draft.decide(uow)).await
}

/// A contact to which a code can be sent.
pub(super) fn read(text: &str) -> Result<(Alias, Channel), Refusal> {
    let alias = Alias::parse(text).map_err(|error| Refusal::new(error.code(), error.to_string()).at("contact"))?;
    match alias {
        Alias::Phone(_) => Ok((alias, Channel::Phone)),
        Alias::Email(_) => Ok((alias, Channel::Email)),
        Alias::Handle(_) => {
            let detail = "a code can be sent to a phone number or an e-mail address only";
            Err(Refusal::new(ErrorCode::AliasInvalid, detail).at("contact"))
        }
    }
}

/// Everything that a unit may write, sealed before it begins; for a known contact and an unknown one alike.
struct Draft {
    id: Id<kinds::Registration>,
    contact: KeyedHash,
    sign_in: KeyedHash,
    code: Vec<u8>,
    key: NewPersonKey,
    with_code: notices::Draft,
    known: notices::Draft,
    minutes: i64,
    most: u32,
}

impl Draft {
    fn new(bank: &Bank, contact: &Alias, channel: Channel) -> Result<Self, BankError> {
        let id = bank.new_id();
        let policies = bank.policies();
        let code = tokens::code(bank.entropy());
        let text = format!(
            "{} is your code to register. It is good for {} minutes. Tell it to nobody.",
            code.expose(),
            policies.code_minutes
        );
        let known = "Somebody tried to register with this number or address, which has a wallet already. If that was you, sign in. \
            If not, nothing has to be done.";
        let key = bank.sealing().new_person(id.as_u128())?;
        let seal = |text: &str| notices::Draft::new(bank, (id.as_u128(), &key.key), channel, (contact.as_str(), text));
        let (with_code, known) = (seal(&text)?, seal(known)?);
        Ok(Self {
            id,
            contact: bank.sealing().hash(CONTACT, contact.as_str()),
            sign_in: bank.sealing().hash(SIGN_IN, contact.as_str()),
            code: code_hash(bank, id, code.expose()),
            key,
            with_code,
            known,
            minutes: i64::from(policies.code_minutes),
            most: policies.codes_at_once,
        })
    }

    fn decide(&self, uow: &mut Uow<'_, '_>) -> Result<Outcome<Started, Refusal>, StoreError> {
        let now = uow.now();
        let since = now.plus_seconds(-self.minutes * 60);
        if records::begun_since(uow.reading(), &self.contact, since)? >= i64::from(self.most) {
            let detail = format!("at most {} codes within {} minutes; wait a little", self.most, self.minutes);
            return Ok(Outcome::Refused(Refusal::new(ErrorCode::TooManyAttempts, detail)));
        }
        let known = customers::records::by_sign_in(uow.reading(), &self.sign_in)?.is_some();
        let expires = now.plus_seconds(self.minutes * 60);
        records::insert(uow, self.id, (&self.contact, &self.code, expires))?;
        Sealing::insert(uow, self.id.as_u128(), &self.key)?;
        // Who is told instead of being sent the code leaves a code that nobody knows.
        if known {
            self.known.write(uow)?
        } else {
            self.with_code.write(uow)?
        }
        Ok(Outcome::Done(Started { id: self.id, expires }))
    }
}
