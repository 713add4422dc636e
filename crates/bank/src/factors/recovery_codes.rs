//! Recovery codes: ten, each of 80 random bits, each good once, shown once. New ones end the old ones.

use super::change::Change;
use super::prove::{self, Proof};
use super::records::{self, Kind};
use crate::bank::Bank;
use crate::error::BankError;
use crate::refusal::Refusal;
use crate::sealed::{KeyedHash, Sealing};
use crate::sessions::Session;
use crate::wish::Wish;
use store::Outcome;
use vocabulary::{Draw, Entropy, ErrorCode, Id, Secret, kinds};

/// How many there are.
pub const COUNT: usize = 10;
const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Sixteen digits of five bits, in groups of four.
fn draw(entropy: &dyn Entropy) -> Secret<String> {
    let bytes: [u8; 10] = entropy.bytes();
    let bits = bytes.iter().fold(0_u128, |bits, byte| bits << 8 | u128::from(*byte));
    let digit = |place: usize| char::from(DIGITS[(bits >> (75 - place * 5) & 31) as usize]);
    let groups: Vec<String> = (0..4).map(|group| (0..4).map(|place| digit(group * 4 + place)).collect()).collect();
    Secret::new(groups.join("-"))
}

/// What is kept of a code. Capitals, blanks and dashes do not matter.
pub(super) fn hash(sealing: &Sealing, customer: Id<kinds::Customer>, code: &str) -> KeyedHash {
    let plain: String = code.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    sealing.hash("recovery_code.hash", &format!("{customer} {plain}"))
}

/// Makes new recovery codes for the session's customer. In order: `invalid_field` (not by a recovery code), `too_many_attempts`,
/// `factor_wrong`. Not recorded under a key: a retry gives others.
///
/// # Errors
/// Trouble.
pub async fn make(
    bank: &Bank,
    session: Session,
    proof: Proof,
) -> Result<Result<Vec<Secret<String>>, Refusal>, BankError> {
    if proof.kind() == Kind::RecoveryCode {
        let detail = "recovery codes are made with the password, the PIN or an authenticator's code";
        return Ok(Err(Refusal::new(ErrorCode::InvalidField, detail).at("proof")));
    }
    let customer = session.customer;
    let prepared = match prove::prepare(bank, customer, proof).await? {
        Ok(prepared) => prepared,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let codes: Vec<Secret<String>> = (0..COUNT).map(|_| draw(bank.entropy())).collect();
    let hashes: Vec<KeyedHash> = codes.iter().map(|code| hash(bank.sealing(), customer, code.expose())).collect();
    let told = (Kind::RecoveryCode, "customer.factor_set", "New recovery codes were made for your account.");
    let change = Change::of(bank, customer, told).await?;
    let wish = Wish::internal(session.principal(), "factors.make_recovery_codes");
    let answer = bank.once(wish, move |uow| {
        if let Err(refusal) = prepared.decide(uow)? {
            return Ok(Outcome::Refused(refusal));
        }
        records::delete_codes(uow, customer)?;
        for hash in &hashes {
            records::insert_code(uow, customer, hash)?;
        }
        change.made(uow)?;
        Ok(Outcome::Done(()))
    });
    Ok(answer.await?.result.map(|()| codes))
}
