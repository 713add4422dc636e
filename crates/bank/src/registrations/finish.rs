//! Finishing a registration with the code, and registering without one where the bank allows it.
//!
//! Race closed here: of two who finish at the same time one finds the registration finished where it is decided. Of two
//! registrations of one contact the second finds the sign-in name taken, which is said, because the code proved that it is hers.

use super::records::{self, Registration};
use super::start::read;
use super::{CONTACT, code_hash};
use crate::bank::Bank;
use crate::customers::{self, Register, Registered, Registration as Person};
use crate::error::BankError;
use crate::refusal::Refusal;
use crate::sealed::KeyedHash;
use crate::wish::{Answer, Wish};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use store::{Outcome, StoreError, Uow};
use vocabulary::{ErrorCode, Id, kinds};

/// The proof of a contact, and who registers with it.
#[derive(Clone, Debug)]
pub struct Finish {
    /// The registration.
    pub id: Id<kinds::Registration>,
    /// The code that was sent.
    pub code: String,
    /// The person; her sign-in name is the contact.
    pub person: Register,
}

/// Registers a customer under the contact that the code proves. Refused, in this order: what is wrong with the person,
/// `code_expired` (also when there is no such registration), `too_many_attempts`, `code_wrong` (counted).
///
/// # Errors
/// Trouble.
pub async fn finish(bank: &Bank, wish: Wish, command: Finish) -> Result<Answer<Registered>, BankError> {
    let Finish { id, code, person } = command;
    let contact = match read(&person.sign_in) {
        Ok((alias, _)) => bank.sealing().hash(CONTACT, alias.as_str()),
        Err(refusal) => return bank.once(wish, move |_| Ok(Outcome::Refused(refusal.clone()))).await,
    };
    let (returned, tries) = (code_hash(bank, id, &code), bank.policies().code_tries);
    let person = match Person::prepare(bank, person).await? {
        Ok(person) => person,
        Err(refusal) => return bank.once(wish, move |_| Ok(Outcome::Refused(refusal.clone()))).await,
    };
    bank.once(wish, move |uow| {
        let found = records::by_id(uow.reading(), id)?;
        if let Some(refusal) = check(uow, (id, found.as_ref()), (&contact, &returned), tries)? {
            return Ok(Outcome::Refused(refusal));
        }
        let done = person.write(uow)?;
        if matches!(done, Outcome::Done(_)) {
            records::set_finished(uow, id)?;
        }
        Ok(done)
    })
    .await
}

fn check(
    uow: &mut Uow<'_, '_>,
    (id, found): (Id<kinds::Registration>, Option<&Registration>),
    (contact, returned): (&KeyedHash, &[u8]),
    tries: u32,
) -> Result<Option<Refusal>, StoreError> {
    let now = uow.now();
    let Some(found) = found.filter(|found| now < found.expires && found.finished.is_none()) else {
        return Ok(Some(Refusal::of(ErrorCode::CodeExpired)));
    };
    if found.tries >= tries {
        let detail = "the code was tried too often; begin the registration again for a new code";
        return Ok(Some(Refusal::new(ErrorCode::TooManyAttempts, detail)));
    }
    let same = verify_slices_are_equal(&found.contact, contact).is_ok();
    if verify_slices_are_equal(&found.code, returned).is_err() || !same {
        records::count_try(uow, id)?;
        return Ok(Some(Refusal::of(ErrorCode::CodeWrong).at("code")));
    }
    Ok(None)
}

/// Registers a customer without a proof of any contact, where the policy `registration_needs_contact` allows it: in a sandbox, unless
/// it is set there, and in a bank that has set it to false. Refused with `contact_required`.
///
/// # Errors
/// Trouble.
pub async fn open_register(bank: &Bank, wish: Wish, command: Register) -> Result<Answer<Registered>, BankError> {
    if bank.policies().registration_needs_contact.unwrap_or(!bank.is_sandbox()) {
        let refusal = Refusal::of(ErrorCode::ContactRequired);
        return bank.once(wish, move |_| Ok(Outcome::Refused(refusal.clone()))).await;
    }
    customers::register(bank, wish, command).await
}
