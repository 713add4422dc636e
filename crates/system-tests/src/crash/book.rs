//! The book of wishes: what clients sent and what they were told, kept outside the server.

use serde_json::Value;

/// What a wish is to bring about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Aim {
    /// Money between people.
    Transfer,
    /// A payment at once.
    Pay,
    /// A payment by a hold.
    Hold,
    /// A capture of all that a payment holds.
    Capture {
        /// The payment's id.
        payment: String,
        /// Minor units.
        amount: i64,
    },
    /// The end of a payment's hold.
    Void {
        /// The payment's id.
        payment: String,
    },
    /// A refund of a part of a payment.
    Refund,
    /// Money from a bank account.
    TopUp,
    /// Money to a bank account.
    Payout,
}

/// What is sent.
#[derive(Clone, Debug)]
pub struct Call {
    /// The path.
    pub path: String,
    /// The caller's credential.
    pub token: String,
    /// The body.
    pub body: Value,
}

/// What a client was told.
#[derive(Clone, Debug, PartialEq)]
pub enum Told {
    /// Nothing that counts: no answer, half an answer, or that the server cannot now.
    Nothing,
    /// It was done.
    Done(Value),
    /// It was refused, for good.
    Refused(Value),
}

/// A wish.
#[derive(Clone, Debug)]
pub struct Wish {
    /// The idempotency key.
    pub key: String,
    /// What it is to bring about.
    pub aim: Aim,
    /// What is sent.
    pub call: Call,
    /// What is known of it.
    pub told: Told,
}

impl Wish {
    /// The id of what it made, if it is known to have been done.
    #[must_use]
    pub fn made(&self) -> Option<&str> {
        match &self.told {
            Told::Done(answer) => answer.get("id").and_then(Value::as_str),
            Told::Nothing | Told::Refused(_) => None,
        }
    }
}

impl Wish {
    /// The code with which it was refused, if it was.
    #[must_use]
    pub fn refusal(&self) -> Option<&str> {
        match &self.told {
            Told::Refused(problem) => Some(problem.get("code").and_then(Value::as_str).unwrap_or("none")),
            Told::Nothing | Told::Done(_) => None,
        }
    }
}

/// All wishes, by number.
#[derive(Clone, Debug, Default)]
pub struct Book {
    /// In the order in which they were sent first.
    pub wishes: Vec<Wish>,
    /// Codes of refusals that a sound bank may answer with beside the usual ones, under a harness's fault.
    pub also_expected: Vec<&'static str>,
}

impl Book {
    /// Notes a wish before it is sent; returns its number.
    pub fn send(&mut self, aim: Aim, call: Call) -> usize {
        let number = self.wishes.len();
        self.wishes.push(Wish { key: key_of(number), aim, call, told: Told::Nothing });
        number
    }

    /// How many wishes were answered: done and refused.
    #[must_use]
    pub fn acknowledged(&self) -> [usize; 2] {
        let count = |wanted: fn(&Told) -> bool| self.wishes.iter().filter(|wish| wanted(&wish.told)).count();
        [count(|told| matches!(told, Told::Done(_))), count(|told| matches!(told, Told::Refused(_)))]
    }
}

/// The idempotency key of a wish, which is also the reference of payments and refunds.
#[must_use]
pub fn key_of(number: usize) -> String {
    format!("wish-{number:08}")
}
