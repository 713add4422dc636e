//! Registering without a proof of any contact, where the bank allows it.

use crate::dto::ids;
use bank::customers::{Register, Registered};
use bank::registrations;
use bank::{Principal, Wish};
use edge::reply::{self, Handled};
use edge::{Command, Context, Problem};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vocabulary::Secret;

/// A customer to be registered.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"sign_in": "+8613800000001", "display_name": "Li Wei", "password": "a long enough password",
    "currencies": ["CNY"]}))]
pub struct NewCustomer {
    /// The name for signing in: a phone number, an e-mail address or a handle.
    #[schema(min_length = 1, max_length = 254)]
    pub sign_in: String,
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

/// A customer was registered.
#[derive(Debug, Serialize, ToSchema)]
pub struct Customer {
    /// The customer.
    pub customer: ids::Customer,
    /// The wallet.
    pub wallet: ids::Wallet,
}

impl From<Registered> for Customer {
    fn from(view: Registered) -> Self {
        Self { customer: view.customer.into(), wallet: view.wallet.into() }
    }
}

pub(super) fn currencies(context: &Context, codes: &[String]) -> Result<Vec<money::Currency>, Problem> {
    let (known, mut currencies) = (context.bank.currencies(), Vec::new());
    for (place, code) in codes.iter().enumerate() {
        let at = format!("/currencies/{place}");
        currencies.push(known.parse(code).map_err(|code| Problem::new(code).at(at))?);
    }
    Ok(currencies)
}

/// Register a customer
///
/// Opens a wallet with an account in each currency, in the lowest tier of limits. In a live bank a contact is proved first, at
/// `/v1/registrations`, and this is refused with `contact_required` (policy `registration_needs_contact`).
#[utoipa::path(post, path = "/v1/customers", tag = "customers", request_body = NewCustomer,
    responses((status = 201, description = "The customer and the wallet.", body = Customer)))]
pub async fn register(context: Context, command: Command<NewCustomer>) -> Handled<Customer> {
    let Command { key, fingerprint, body } = command;
    let currencies = currencies(&context, &body.currencies)?;
    let register = Register {
        sign_in: body.sign_in,
        display_name: body.display_name,
        password: Secret::new(body.password),
        tier: 1,
        currencies,
    };
    let wish = Wish { principal: Principal::System, operation: "customers.register", key: Some(key), fingerprint };
    reply::created(&context.bank, registrations::open_register(&context.bank, wish, register).await, Customer::from)
}
