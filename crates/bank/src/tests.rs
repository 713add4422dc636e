//! Tests of the bank's core.

mod aliases;
mod customers;
mod jobs;
mod merchants;
mod nodes;
mod policies;
mod refreshing;
mod sealing;
mod sessions;
mod wallets;
mod wishes;

use crate::bank::Bank;
use crate::customers::{Register, Registered, register};
use crate::testing::{TestBank, cny};
use crate::wish::{Principal, Wish};
use vocabulary::{Secret, Timestamp};

pub(crate) fn system(operation: &'static str) -> Wish {
    Wish::internal(Principal::System, operation)
}

fn keyed(key: &str) -> Wish {
    Wish::new(Principal::System, "test", key, b"body")
}

fn application(sign_in: &str, name: &str) -> Register {
    Register {
        sign_in: sign_in.to_owned(),
        display_name: name.to_owned(),
        password: Secret::new("correct horse battery".to_owned()),
        tier: 2,
        currencies: vec![cny()],
    }
}

pub(crate) async fn registered(bank: &Bank, sign_in: &str, name: &str) -> Registered {
    register(bank, system("customers.register"), application(sign_in, name)).await.unwrap().result.unwrap()
}

fn later(test: &TestBank, seconds: i64) -> Timestamp {
    test.bank.now().plus_seconds(seconds)
}
