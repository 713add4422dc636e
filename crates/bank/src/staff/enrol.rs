//! Enrolling staff, issuing and revoking their tokens (all from the command line), and whose a token is.

use super::records::{self, name_place};
use super::roles::Role;
use crate::audit::Recorder;
use crate::bank::Bank;
use crate::error::BankError;
use crate::sealed::Sealing;
use crate::tokens::{self, TokenHash};
use crate::wish::Principal;
use store::{Ground, Outcome};
use vocabulary::{Clock, Id, Secret, Timestamp, kinds};

/// A member of staff with a new token.
#[derive(Clone, Debug)]
pub struct Enrolled {
    /// The member of staff.
    pub staff: Id<kinds::Staff>,
    /// The token; it is shown once and not stored.
    pub token: Secret<String>,
    /// When it ends.
    pub expires: Timestamp,
}

/// A staff token that is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StaffSession {
    /// The member of staff.
    pub staff: Id<kinds::Staff>,
    /// The role.
    pub role: Role,
    /// When the token ends.
    pub expires: Timestamp,
}

impl StaffSession {
    /// Who acts with it.
    #[must_use]
    pub const fn principal(&self) -> Principal {
        Principal::Staff(self.staff)
    }
}

/// What is done at the command line is the bank's own act, on a member of staff.
fn recorder(bank: &Bank, action: &'static str, staff: Id<kinds::Staff>, asked: &str) -> Recorder {
    Recorder::new(bank, Principal::System, action).about(staff.to_string(), asked)
}

/// Enrols a member of staff and issues the first token. For threads that may block.
///
/// # Errors
/// Trouble.
pub fn enrol_blocking(bank: &Bank, name: &str, role: Role) -> Result<Enrolled, BankError> {
    let staff: Id<kinds::Staff> = bank.new_id();
    let key = bank.sealing().new_person(staff.as_u128())?;
    let name = key.key.seal(bank.entropy(), name_place(staff), &name.to_owned())?;
    let recorder = recorder(bank, "staff.enrol", staff, &format!("role {}", role.name()));
    bank.store().write_blocking(move |uow| {
        Sealing::insert(uow, staff.as_u128(), &key)?;
        records::insert(uow, staff, role, &name)?;
        recorder.write(uow, "done")?;
        Ok(Outcome::<(), ()>::Done(()))
    })?;
    issue(bank, staff)
}

/// Issues a further token; none when there is no such member of staff. For threads that may block.
///
/// # Errors
/// Trouble.
pub fn issue_token_blocking(bank: &Bank, staff: Id<kinds::Staff>) -> Result<Option<Enrolled>, BankError> {
    let known = bank.store().read_blocking(|snapshot| records::exists(snapshot.reading(), staff))?;
    if known { issue(bank, staff).map(Some) } else { Ok(None) }
}

fn issue(bank: &Bank, staff: Id<kinds::Staff>) -> Result<Enrolled, BankError> {
    let token = tokens::draw("jzt_", bank.entropy());
    let (hash, id) = (tokens::hash(token.expose()), bank.new_id());
    let expires = bank.now().plus_seconds(i64::from(bank.policies().staff_token_days) * 86_400);
    let recorder = recorder(bank, "staff.issue_token", staff, &format!("until {expires}"));
    bank.store().write_blocking(move |uow| {
        records::insert_token(uow, &hash, (id, staff), expires)?;
        recorder.write(uow, "done")?;
        Ok(Outcome::<(), ()>::Done(()))
    })?;
    Ok(Enrolled { staff, token, expires })
}

/// Revokes all tokens of a member of staff; returns how many. For threads that may block.
///
/// # Errors
/// Trouble.
pub fn revoke_blocking(bank: &Bank, staff: Id<kinds::Staff>) -> Result<usize, BankError> {
    let recorder = recorder(bank, "staff.revoke_tokens", staff, "all tokens");
    let outcome = bank.store().write_blocking(move |uow| {
        let count = records::revoke_all(uow, staff)?;
        recorder.write(uow, "done")?;
        Ok(Outcome::<usize, usize>::Done(count))
    })?;
    bank.caches().staff.forget_where(|found| found.staff == staff);
    let (Outcome::Done(count) | Outcome::Refused(count)) = outcome;
    Ok(count)
}

/// The request's unit is refused when the token is gone where it decides.
fn rests_on(bank: &Bank, hash: TokenHash) {
    let clock = bank.store().clock();
    bank.store().rely(Ground::Authority, move |reading| {
        Ok(records::by_token(reading, &hash)?.is_some_and(|(_, _, expires)| clock.now() < expires))
    });
}

/// The member of staff of a token; none when it is unknown, revoked or over.
///
/// # Errors
/// Trouble.
pub async fn authenticate(bank: &Bank, token: &str) -> Result<Option<StaffSession>, BankError> {
    let hash = tokens::hash(token);
    let good = |found: StaffSession| {
        let good = bank.now() < found.expires;
        good.then(|| rests_on(bank, hash)).map(|()| found)
    };
    let ticket = match bank.caches().staff.get(&hash) {
        Ok(found) => return Ok(good(found)),
        Err(ticket) => ticket,
    };
    let found = bank.store().read(move |snapshot| records::by_token(snapshot.reading(), &hash)).await?;
    let found = found.map(|(staff, role, expires)| StaffSession { staff, role, expires });
    if let Some(session) = found {
        bank.caches().staff.keep(ticket, hash, session);
    }
    Ok(found.and_then(good))
}
