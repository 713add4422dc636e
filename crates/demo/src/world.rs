//! The demo's world: who is there, and how they were made known to the bank.

use crate::DemoError;
use crate::cast::{PASSWORD, PEOPLE, SHOPS, Trade};
use bank::customers::{self, Register};
use bank::merchants::{self, NewMerchant, Scope};
use bank::staff::{self, Role};
use bank::{Answer, Bank, Principal, Wish, aliases, bank_accounts, jobs, notices};
use money::Currency;
use tokio::task::block_in_place;
use vocabulary::{Id, Secret, kinds};

/// A person.
#[derive(Clone, Debug)]
pub struct Person {
    /// The name.
    pub name: &'static str,
    /// She signs in with it.
    pub phone: &'static str,
    /// The customer.
    pub customer: Id<kinds::Customer>,
    /// Her wallet.
    pub wallet: Id<kinds::Wallet>,
    /// Her bank account outside.
    pub bank_account: Id<kinds::BankAccount>,
}

/// A shop.
pub struct Shop {
    /// What it is.
    pub trade: &'static Trade,
    /// The merchant.
    pub merchant: Id<kinds::Merchant>,
    /// Its store.
    pub store: Option<Id<kinds::Store>>,
    /// Its API key, which may do everything.
    pub key: String,
}

/// Everybody.
pub struct World {
    /// The currency that is used here.
    pub currency: Currency,
    /// People.
    pub people: Vec<Person>,
    /// Shops.
    pub shops: Vec<Shop>,
}

/// What the bank answered, or why the demo cannot go on: in a world that is only being made nothing is refused.
pub(crate) fn wanted<T>(answer: Answer<T>) -> Result<T, DemoError> {
    answer.result.map_err(DemoError::Refused)
}

pub(crate) fn system(operation: &'static str, name: &str) -> Wish {
    Wish::new(Principal::System, operation, &format!("demo-{name}"), name.as_bytes())
}

impl World {
    /// Registers people and opens shops.
    ///
    /// # Errors
    /// When the bank has trouble or refuses.
    pub async fn make(bank: &Bank, currency: Currency) -> Result<Self, DemoError> {
        let mut people = Vec::new();
        for (place, (name, phone, handle, tier)) in PEOPLE.iter().enumerate() {
            people.push(person(bank, (name, phone, handle, *tier), (place, currency)).await?);
        }
        let mut shops = Vec::new();
        for (place, trade) in SHOPS.iter().enumerate() {
            shops.push(shop(bank, trade, (place, currency)).await?);
        }
        Ok(Self { currency, people, shops })
    }
}

/// A number of the form of a Chinese bank card, for a bank account outside.
fn account_number(place: usize) -> String {
    format!("62284800{:011}", 10_240_000_000_u64 + place as u64)
}

async fn person(
    bank: &Bank,
    (name, phone, handle, tier): (&'static str, &'static str, &'static str, u8),
    (place, currency): (usize, Currency),
) -> Result<Person, DemoError> {
    let command = Register {
        sign_in: phone.to_owned(),
        display_name: name.to_owned(),
        password: Secret::new(PASSWORD.to_owned()),
        tier,
        currencies: vec![currency],
    };
    let registered = wanted(customers::register(bank, system("demo.register", phone), command).await?)?;
    let customer = registered.customer;
    let who = Principal::Customer(customer);
    let wish = |operation, name: &str| Wish::new(who, operation, &format!("demo-{name}"), name.as_bytes());
    wanted(aliases::claim(bank, wish("demo.alias", handle), customer, handle).await?)?;
    let claimed = wanted(aliases::claim(bank, wish("demo.alias", phone), customer, phone).await?)?;
    // The message with the code goes out as any other; whoever has the phone can read it.
    block_in_place(|| jobs::run_due(bank))?;
    let code = code_sent_to(bank, phone).await?;
    wanted(aliases::confirm(bank, wish("demo.confirm", phone), (customer, claimed.id), &code).await?)?;
    let linked = bank_accounts::link(bank, wish("demo.link", phone), account_number(place)).await?;
    Ok(Person { name, phone, customer, wallet: registered.wallet, bank_account: wanted(linked)?.id })
}

async fn code_sent_to(bank: &Bank, phone: &str) -> Result<String, DemoError> {
    let sent = notices::list(bank, None, 20).await?;
    let message = sent.iter().find(|message| message.to == phone).ok_or(DemoError::NoCode)?;
    Ok(message.text.chars().take_while(char::is_ascii_digit).collect())
}

async fn shop(bank: &Bank, trade: &'static Trade, (place, currency): (usize, Currency)) -> Result<Shop, DemoError> {
    let new = NewMerchant {
        name: trade.name.to_owned(),
        mcc: trade.mcc.to_owned(),
        country: "CN".to_owned(),
        city: trade.city.to_owned(),
        fee_plan: "payment.standard".to_owned(),
        settlement_plan: trade.settlement.to_owned(),
        currencies: vec![currency],
    };
    let opened = wanted(merchants::open(bank, system("demo.merchant", trade.name), new).await?)?;
    let label = ("demo".to_owned(), Scope::ALL.to_vec());
    let key = wanted(merchants::create_key(bank, system("demo.key", trade.name), opened.id, label).await?)?;
    let who = Principal::Merchant(opened.id);
    let wish = Wish::new(who, "demo.link", "demo-link", trade.name.as_bytes());
    wanted(bank_accounts::link(bank, wish, account_number(1_000 + place)).await?)?;
    let store = opened.stores.first().map(|store| store.id);
    Ok(Shop { trade, merchant: opened.id, store, key: key.key })
}

/// Enrols two administrators for the demo and gives their tokens. For threads that may block.
///
/// # Errors
/// When the bank has trouble.
pub fn staff_tokens(bank: &Bank) -> Result<[String; 2], DemoError> {
    let token =
        |name| Ok::<_, DemoError>(staff::enrol_blocking(bank, name, Role::ADMINISTRATOR)?.token.expose().clone());
    Ok([token("Demo Administrator")?, token("Second Administrator")?])
}
