//! Contests that only so many can win: refunds, the end of a hold, a customer's money, what somebody may hold.

use super::{Field, money, note, wish};
use crate::crash::book::{Aim, Call, Told};
use crate::crash::client::{Exchange, exchange};
use crate::crash::people::Customer;
use crate::faults::Tally;
use serde_json::{Value, json};
use std::io;

/// Minor units of the payment that is refunded, and of each refund: three fit.
const PAID: i64 = 1_000;
const REFUNDED: i64 = 300;
/// Minor units of the payments from one customer: a little less than a quarter of what there is.
const QUARTER: i64 = 4;
/// Minor units of each transfer to one customer.
const SENT: i64 = 5_000;

impl Field {
    /// All contests; what they came to.
    pub(super) async fn contests(&self, tally: &mut Tally) -> io::Result<String> {
        let refunds = self.refunds(tally).await?;
        let (mut captures, mut voids) = (0, 0);
        for _ in 0..10 {
            let [captured, voided] = self.ends_of_a_hold(tally).await?;
            (captures, voids) = (captures + captured, voids + voided);
        }
        let spent = self.one_purse(tally).await?;
        let sent = self.one_full_wallet(tally).await?;
        Ok(format!(
            "{refunds} of {} refunds, {captures} captures and {voids} voids of 10 holds, {spent} payments from one purse and \
             {sent} transfers into one wallet were granted",
            self.clients
        ))
    }

    async fn pay(&self, (payer, merchant): (&Customer, usize), minor: i64, hold: bool) -> io::Result<String> {
        let merchant = &self.trial.world.merchants[merchant].id;
        let body = json!({"merchant": merchant, "reference": "", "hold": hold, "amount": money(minor)});
        let call = Call { path: "/v1/payments".to_owned(), token: payer.token.clone(), body };
        let aim = if hold { Aim::Hold } else { Aim::Pay };
        let (number, (key, call)) = wish(&self.trial, aim, call);
        let answer = exchange(&self.trial.client, &self.addresses[0], &key, &call).await;
        note(&self.trial, number, answer.told.clone());
        let id = super::what(&answer.told).and_then(|id| id.as_str().map(str::to_owned));
        id.filter(|_| matches!(answer.told, Told::Done(_)))
            .ok_or_else(|| io::Error::other(format!("no payment to race for: {answer:?}")))
    }

    /// Sends one wish of each call at once and notes the answers; those that were granted.
    async fn granted(&self, calls: Vec<(Aim, Call)>, tally: &mut Tally) -> io::Result<Vec<Aim>> {
        let (mut wishes, mut sent) = (Vec::new(), Vec::new());
        for (aim, call) in calls {
            let (number, what) = wish(&self.trial, aim.clone(), call);
            wishes.push((number, aim));
            sent.push(what);
        }
        let mut answers = self.all_at_once(sent.clone()).await?;
        // Who was told to come again does so, one after the other: the race is over.
        for (answer, (key, call)) in answers.iter_mut().zip(&sent) {
            for _ in 0..100 {
                if answer.told != Told::Nothing {
                    break;
                }
                *answer = exchange(&self.trial.client, &self.addresses[0], key, call).await;
            }
        }
        let mut granted = Vec::new();
        for ((number, aim), Exchange { told, status, .. }) in wishes.into_iter().zip(answers) {
            if told == Told::Nothing {
                tally.wrong(format!("wish {number} was never answered; the last status was {status}"));
            }
            if matches!(told, Told::Done(_)) {
                granted.push(aim);
            }
            note(&self.trial, number, told);
        }
        Ok(granted)
    }

    async fn refunds(&self, tally: &mut Tally) -> io::Result<usize> {
        let payment = self.pay((&self.trial.world.customers[0], 0), PAID, false).await?;
        let token = &self.trial.world.merchants[0].token;
        let refund = || {
            let body = json!({"amount": money(REFUNDED), "reference": "", "reason": "race"});
            (Aim::Refund, Call { path: format!("/v1/payments/{payment}/refunds"), token: token.clone(), body })
        };
        let granted = self.granted((0..self.clients).map(|_| refund()).collect(), tally).await?.len();
        let most = usize::try_from(PAID / REFUNDED).unwrap_or(0);
        if granted != most.min(self.clients) {
            tally.wrong(format!("{granted} refunds were granted where {most} fit"));
        }
        Ok(granted)
    }

    async fn ends_of_a_hold(&self, tally: &mut Tally) -> io::Result<[usize; 2]> {
        let payment = self.pay((&self.trial.world.customers[1], 1), 100, true).await?;
        let token = &self.trial.world.merchants[1].token;
        let end = |number: usize| {
            let (word, aim) = if number.is_multiple_of(2) {
                ("capture", Aim::Capture { payment: payment.clone(), amount: 100 })
            } else {
                ("void", Aim::Void { payment: payment.clone() })
            };
            (aim, Call { path: format!("/v1/payments/{payment}/{word}"), token: token.clone(), body: json!({}) })
        };
        let granted = self.granted((0..self.clients).map(end).collect(), tally).await?;
        let captures = granted.iter().filter(|aim| matches!(aim, Aim::Capture { .. })).count();
        if granted.len() != 1 {
            tally.wrong(format!("a hold was ended by {captures} captures and {} voids", granted.len() - captures));
        }
        Ok([captures, granted.len() - captures])
    }

    async fn one_purse(&self, tally: &mut Tally) -> io::Result<usize> {
        let payer = &self.trial.world.customers[2];
        let available = self.balance(payer, "available").await?;
        let minor = available / QUARTER - 1;
        let pay = || {
            let merchant = &self.trial.world.merchants[2].id;
            let body = json!({"merchant": merchant, "reference": "", "hold": false, "amount": money(minor)});
            (Aim::Pay, Call { path: "/v1/payments".to_owned(), token: payer.token.clone(), body })
        };
        let granted = self.granted((0..self.clients).map(|_| pay()).collect(), tally).await?.len();
        let left = self.balance(payer, "available").await?;
        if left < 0 || left != available - minor * i64::try_from(granted).unwrap_or(0) {
            tally.wrong(format!("{granted} payments of {minor} from {available} left {left}"));
        }
        if granted == 0 {
            tally.wrong("nobody was granted a payment that the purse had money for".to_owned());
        }
        Ok(granted)
    }

    /// Transfers to one customer by all others, of more than may be held.
    async fn one_full_wallet(&self, tally: &mut Tally) -> io::Result<usize> {
        let (payee, payers) = (&self.trial.world.customers[3], &self.trial.world.customers[4..]);
        let before = self.balance(payee, "posted").await?;
        let mut calls = Vec::new();
        for number in 0..self.clients {
            let token = &payers[number % payers.len()].token;
            let look_up = Call {
                path: "/v1/payees/lookup".to_owned(),
                token: token.clone(),
                body: json!({"wallet": payee.wallet}),
            };
            let address = &self.addresses[number % self.addresses.len()];
            let Told::Done(found) = exchange(&self.trial.client, address, "-", &look_up).await.told else {
                return Err(io::Error::other("the payee is not found"));
            };
            let body =
                json!({"wallet": payee.wallet, "confirmation": found.get("confirmation"), "amount": money(SENT)});
            calls.push((Aim::Transfer, Call { path: "/v1/transfers".to_owned(), token: token.clone(), body }));
        }
        let granted = self.granted(calls, tally).await?.len();
        let after = self.balance(payee, "posted").await?;
        if after != before + SENT * i64::try_from(granted).unwrap_or(0) {
            tally.wrong(format!("{granted} transfers of {SENT} to {before} came to {after}"));
        }
        let most = self.most_held(payee).await?;
        if after > most || granted < self.clients && after + SENT <= most {
            tally.wrong(format!("{after} of at most {most} is held after {granted} transfers of {SENT}"));
        }
        Ok(granted)
    }

    async fn get(&self, customer: &Customer, path: &str) -> io::Result<Value> {
        let request = self.trial.client.get(format!("{}{path}", self.addresses[0])).bearer_auth(&customer.token);
        request.send().await.map_err(io::Error::other)?.json().await.map_err(io::Error::other)
    }

    /// Minor units of a customer's yuan.
    async fn balance(&self, customer: &Customer, which: &str) -> io::Result<i64> {
        let wallet = self.get(customer, "/v1/wallet").await?;
        minor(wallet.pointer(&format!("/accounts/0/{which}/amount")), &wallet)
    }

    /// How much a customer may hold, minor units.
    async fn most_held(&self, customer: &Customer) -> io::Result<i64> {
        let limits = self.get(customer, "/v1/limits").await?;
        let found = limits.get("data").and_then(Value::as_array).into_iter().flatten();
        let mut own = found.filter(|row| row["whose"] == "account" && row["currency"] == "CNY");
        minor(own.find_map(|row| row.pointer("/limits/balance/amount")), &limits)
    }
}

fn minor(amount: Option<&Value>, answer: &Value) -> io::Result<i64> {
    let digits = amount.and_then(Value::as_str).map(|text| text.replace('.', ""));
    digits.and_then(|text| text.parse().ok()).ok_or_else(|| io::Error::other(format!("no amount in {answer}")))
}
