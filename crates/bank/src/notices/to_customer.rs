//! A message to where a customer signs in from, if that is a phone or an address.

use super::Draft;
use crate::bank::Bank;
use crate::customers;
use crate::error::BankError;
use formats::alias::Alias;
use ports::Channel;
use vocabulary::{Id, kinds};

/// The message; none when her sign-in name is neither, or she was erased.
///
/// # Errors
/// Trouble.
pub(crate) async fn to_customer(
    bank: &Bank,
    customer: Id<kinds::Customer>,
    text: &str,
) -> Result<Option<Draft>, BankError> {
    let view = customers::view(bank, customer).await?;
    let (desk, owner) = (bank.desk(), customer.as_u128());
    let key = bank.store().read(move |snapshot| Ok(desk.sealing().key(snapshot.reading(), owner)?)).await?;
    let (Some(to), Some(key)) = (view.and_then(|view| view.sign_in), key) else { return Ok(None) };
    let channel = match Alias::parse(&to) {
        Ok(Alias::Phone(_)) => Channel::Phone,
        Ok(Alias::Email(_)) => Channel::Email,
        Ok(Alias::Handle(_)) | Err(_) => return Ok(None),
    };
    Draft::new(bank, (owner, &key), channel, (&to, text)).map(Some)
}
