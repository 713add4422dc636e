//! Setting an authenticator up: its secret is shown once, and it counts when it has shown a code.

use super::change::{Change, forget};
use super::prove::{self, Proof};
use super::records::{self, FactorRow, Kind, secret_place};
use super::totp;
use crate::bank::Bank;
use crate::error::BankError;
use crate::refusal::Refusal;
use crate::sessions::Session;
use crate::wish::Wish;
use store::Outcome;
use vocabulary::{Draw, ErrorCode, Id, Secret, kinds};

/// An authenticator that waits for its first code.
#[derive(Clone, Debug)]
pub struct Begun {
    /// Its id.
    pub id: Id<kinds::Factor>,
    /// The secret in base 32; shown this once.
    pub secret: Secret<String>,
    /// The same as an address that authenticators read from a code (Key Uri Format).
    pub uri: Secret<String>,
}

/// Begins to set up an authenticator; one that waited for its first code is forgotten. In order: `too_many_attempts`,
/// `factor_exists`, `factor_wrong`. Not recorded under a key: a retry gives another secret.
///
/// # Errors
/// Trouble.
pub async fn begin_totp(bank: &Bank, session: Session, proof: Proof) -> Result<Result<Begun, Refusal>, BankError> {
    let customer = session.customer;
    let prepared = match prove::prepare(bank, customer, proof).await? {
        Ok(prepared) => prepared,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let plain: [u8; totp::SECRET] = bank.entropy().bytes();
    let (id, desk) = (bank.new_id(), bank.desk());
    let key =
        bank.store().read(move |snapshot| Ok(desk.sealing().key(snapshot.reading(), customer.as_u128())?)).await?;
    let Some(key) = key else { return Ok(Err(Refusal::of(ErrorCode::NotFound))) };
    let secret = key.seal(bank.entropy(), secret_place(id), &plain.to_vec())?;
    let wish = Wish::internal(session.principal(), "factors.begin_totp");
    let answer = bank.once(wish, move |uow| {
        if records::of_kind(uow.reading(), (customer, Kind::Totp), false)?.is_some() {
            return Ok(Outcome::Refused(Refusal::of(ErrorCode::FactorExists)));
        }
        if let Err(refusal) = prepared.decide(uow)? {
            return Ok(Outcome::Refused(refusal));
        }
        records::delete_kind(uow, (customer, Kind::Totp), true)?;
        let created = uow.now();
        let (kind, secret) = (Kind::Totp, secret.clone());
        let (confirmed, last_step, last_used) = (None, 0, None);
        records::insert(uow, &FactorRow { id, customer, kind, secret, created, confirmed, last_step, last_used })?;
        Ok(Outcome::Done(()))
    });
    if let Err(refusal) = answer.await?.result {
        return Ok(Err(refusal));
    }
    let secret = totp::in_base32(&plain);
    let label = format!("otpauth://totp/Jiaozi:{customer}");
    let uri = format!("{label}?secret={}&issuer=Jiaozi&algorithm=SHA1&digits=6&period=30", secret.expose());
    Ok(Ok(Begun { id, secret, uri: Secret::new(uri) }))
}

/// Takes the first code of the authenticator that was begun. In order: `not_found` (nothing was begun, or too long ago),
/// `too_many_attempts`, `factor_wrong`.
///
/// # Errors
/// Trouble.
pub async fn confirm_totp(
    bank: &Bank,
    session: Session,
    code: Secret<String>,
) -> Result<Result<(), Refusal>, BankError> {
    let customer = session.customer;
    let prepared = prove::prepare_first(bank, customer, code).await?;
    let told = (Kind::Totp, "customer.factor_set", "An authenticator app was added to your account.");
    let change = Change::of(bank, customer, told).await?;
    let minutes = i64::from(bank.policies().code_minutes);
    let wish = Wish::internal(session.principal(), "factors.confirm_totp");
    let answer = bank.once_then(
        wish,
        move |uow| {
            let now = uow.now();
            let waits = records::of_kind(uow.reading(), (customer, Kind::Totp), true)?;
            if waits.is_none_or(|row| now >= row.created.plus_seconds(minutes * 60)) {
                return Ok(Outcome::Refused(Refusal::of(ErrorCode::NotFound)));
            }
            if let Err(refusal) = prepared.decide(uow)? {
                return Ok(Outcome::Refused(refusal));
            }
            change.made(uow)?;
            Ok(Outcome::Done(()))
        },
        move |bank| {
            forget(bank, customer);
            Ok(())
        },
    );
    Ok(answer.await?.result)
}
