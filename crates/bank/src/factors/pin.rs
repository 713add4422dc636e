//! The payment PIN.

use super::change::{Change, forget};
use super::prove::{self, Proof};
use super::records::{self, FactorRow, Kind, secret_place};
use crate::bank::Bank;
use crate::error::BankError;
use crate::passwords;
use crate::refusal::Refusal;
use crate::sessions::Session;
use crate::wish::Wish;
use store::Outcome;
use vocabulary::{ErrorCode, Id, Secret, kinds};

/// Checks a new PIN: six digits that are no row (123456, 975310), no repetition (111111, 121212, 123123) and no date of birth as
/// people write it (day, month, year in any usual order, year and month).
///
/// # Errors
/// `pin_too_weak`.
pub fn check_pin(pin: &Secret<String>) -> Result<(), Refusal> {
    let weak = || Refusal::of(ErrorCode::PinTooWeak).at("pin");
    let digits: Vec<u8> = pin.expose().bytes().filter(u8::is_ascii_digit).map(|digit| digit - b'0').collect();
    let Ok(digits) = <[u8; 6]>::try_from(digits) else { return Err(weak()) };
    if pin.expose().len() != 6 || is_row(digits) || is_repetition(digits) || is_date(digits) {
        return Err(weak());
    }
    Ok(())
}

/// The same step, up or down, from each digit to the next; after nine comes zero.
fn is_row(digits: [u8; 6]) -> bool {
    let step = |pair: &[u8]| (pair[1] + 10 - pair[0]) % 10;
    let mut steps = digits.windows(2).map(step);
    let first = steps.next();
    steps.all(|step| Some(step) == first)
}

fn is_repetition([a, b, c, d, e, f]: [u8; 6]) -> bool {
    (a, b, c) == (d, e, f) || ((a, b) == (c, d) && (c, d) == (e, f)) || (a == b && b == c && d == e && e == f)
}

fn is_date([a, b, c, d, e, f]: [u8; 6]) -> bool {
    let [first, middle, last] = [(a, b), (c, d), (e, f)].map(|(tens, ones)| tens * 10 + ones);
    let month = |number: u8| (1..=12).contains(&number);
    let day = |number: u8| (1..=31).contains(&number);
    let century = |number: u8| number == 19 || number == 20;
    (day(first) && month(middle))
        || (month(first) && day(middle))
        || (month(middle) && day(last))
        || (century(first) && month(last))
        || (month(first) && century(middle))
}

/// Sets or changes the PIN of the session's customer. In order: `pin_too_weak`, `invalid_field` (a PIN is not changed by a PIN),
/// `too_many_attempts`, `factor_wrong`. Not recorded under a key, so that no proof can be guessed from a record.
///
/// # Errors
/// Trouble.
pub async fn set_pin(
    bank: &Bank,
    session: Session,
    pin: Secret<String>,
    proof: Proof,
) -> Result<Result<Id<kinds::Factor>, Refusal>, BankError> {
    if let Err(refusal) = check_pin(&pin) {
        return Ok(Err(refusal));
    }
    if proof.kind() == Kind::Pin {
        let detail = "a PIN is set with the password, an authenticator's code or a recovery code";
        return Ok(Err(Refusal::new(ErrorCode::InvalidField, detail).at("proof")));
    }
    let customer = session.customer;
    let prepared = match prove::prepare(bank, customer, proof).await? {
        Ok(prepared) => prepared,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let hash = passwords::hash(pin, bank.entropy()).await?;
    let (id, desk) = (bank.new_id(), bank.desk());
    let key =
        bank.store().read(move |snapshot| Ok(desk.sealing().key(snapshot.reading(), customer.as_u128())?)).await?;
    let Some(key) = key else { return Ok(Err(Refusal::of(ErrorCode::NotFound))) };
    let secret = key.seal(bank.entropy(), secret_place(id), &hash)?;
    let told = (Kind::Pin, "customer.factor_set", "Your payment PIN was set.");
    let change = Change::of(bank, customer, told).await?;
    let wish = Wish::internal(session.principal(), "factors.set_pin");
    let answer = bank.once_then(
        wish,
        move |uow| {
            if let Err(refusal) = prepared.decide(uow)? {
                return Ok(Outcome::Refused(refusal));
            }
            records::delete_kind(uow, (customer, Kind::Pin), false)?;
            records::clear_failures(uow, (customer, Kind::Pin))?;
            let created = uow.now();
            let (confirmed, kind, secret) = (Some(created), Kind::Pin, secret.clone());
            let (last_step, last_used) = (0, None);
            records::insert(uow, &FactorRow { id, customer, kind, secret, created, confirmed, last_step, last_used })?;
            change.made(uow)?;
            Ok(Outcome::Done(id))
        },
        move |bank| {
            forget(bank, customer);
            Ok(())
        },
    );
    Ok(answer.await?.result)
}

#[cfg(test)]
mod tests {
    use super::check_pin;
    use vocabulary::Secret;

    #[test]
    fn a_pin_is_six_digits_that_nobody_tries_first() {
        let good = |pin: &str| check_pin(&Secret::new(pin.to_owned())).is_ok();
        let weak = [
            "123456",
            "654321",
            "890123",
            "135791",
            "111111",
            "000000",
            "121212",
            "123123",
            "111222",
            "240680",
            "061280",
            "850612",
            "199002",
            "021990",
            "201312",
            "12345",
            "1234567",
            "",
            "12345a",
            "１２３４５６",
        ];
        for pin in weak {
            assert!(!good(pin), "{pin}");
        }
        for pin in ["739164", "480297", "905853"] {
            assert!(good(pin), "{pin}");
        }
    }
}
