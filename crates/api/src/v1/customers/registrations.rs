//! Registering with a phone number or an e-mail address that is proved by a code.

use super::register::{Customer, currencies};
use crate::dto::{Moment, ids};
use bank::customers::Register;
use bank::registrations::{self, Finish, Started};
use bank::{Principal, Wish};
use edge::reply::{self, Handled};
use edge::{Command, Context};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vocabulary::Secret;

/// A contact to be proved.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"contact": "+8613800000001"}))]
pub struct NewRegistration {
    /// A phone number (`+8613800000000`) or an e-mail address.
    #[schema(min_length = 1, max_length = 254)]
    pub contact: String,
}

/// A registration that was begun.
#[derive(Debug, Serialize, ToSchema)]
pub struct Registration {
    /// Its id.
    pub id: ids::Registration,
    /// Until when the code is good.
    pub code_expires_at: Moment,
}

fn show(started: Started) -> Registration {
    Registration { id: started.id.into(), code_expires_at: started.expires.into() }
}

/// Begin a registration
///
/// A code is sent to the contact. The answer is the same when the contact signs somebody in already: then she is told of it
/// instead, and no code fits.
#[utoipa::path(post, path = "/v1/registrations", tag = "customers", request_body = NewRegistration,
    responses((status = 201, description = "The registration.", body = Registration)))]
pub async fn start(context: Context, command: Command<NewRegistration>) -> Handled<Registration> {
    let Command { key, fingerprint, body } = command;
    let wish = Wish { principal: Principal::System, operation: "registrations.start", key: Some(key), fingerprint };
    reply::created(&context.bank, registrations::start(&context.bank, wish, &body.contact).await, show)
}

/// The proof, and who registers.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"registration": "reg_06f5t2c9wk7v1xq4mz8rhd3bne", "contact": "+8613800000001", "code": "123456",
    "display_name": "Li Wei", "password": "a long enough password", "currencies": ["CNY"]}))]
pub struct FinishRegistration {
    /// The registration.
    pub registration: ids::Registration,
    /// The contact, as it was given at the beginning; she signs in under it.
    #[schema(min_length = 1, max_length = 254)]
    pub contact: String,
    /// Six digits.
    #[schema(min_length = 1, max_length = 12)]
    pub code: String,
    /// The person's name; others see it masked.
    #[schema(min_length = 1, max_length = 100)]
    pub display_name: String,
    /// At least 12 characters.
    #[schema(min_length = 12, max_length = 256, format = Password)]
    pub password: String,
    /// Currencies of the wallet's first accounts.
    #[schema(min_items = 1, max_items = 20)]
    pub currencies: Vec<String>,
}

/// Finish a registration
///
/// Opens a wallet with an account in each currency, in the lowest tier of limits. A registration that does not exist, is over or
/// was finished is `code_expired`.
#[utoipa::path(post, path = "/v1/registrations/finish", tag = "customers", request_body = FinishRegistration,
    responses((status = 201, description = "The customer and the wallet.", body = Customer)))]
pub async fn finish(context: Context, command: Command<FinishRegistration>) -> Handled<Customer> {
    let Command { key, fingerprint, body } = command;
    let currencies = currencies(&context, &body.currencies)?;
    let (sign_in, display_name, password) = (body.contact, body.display_name, Secret::new(body.password));
    let person = Register { sign_in, display_name, password, tier: 1, currencies };
    let finish = Finish { id: body.registration.0, code: body.code, person };
    let wish = Wish { principal: Principal::System, operation: "registrations.finish", key: Some(key), fingerprint };
    reply::created(&context.bank, registrations::finish(&context.bank, wish, finish).await, Customer::from)
}
