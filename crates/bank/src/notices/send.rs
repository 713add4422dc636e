//! Writing a message, handing it over, showing it.

use super::JOB_SEND;
use super::records::{self, NoticeRow, recipient_place, text_place};
use crate::bank::Bank;
use crate::customers;
use crate::error::BankError;
use crate::sealed::PersonKey;
use formats::alias::Alias;
use ports::{Channel, Message};
use serde::{Deserialize, Serialize};
use store::{Job, Outcome, StoreError, Uow};
use vocabulary::{Id, Timestamp, kinds};

/// A message, sealed before the unit that writes it begins.
pub(crate) struct Draft {
    row: NoticeRow,
}

impl Draft {
    /// Seals a message under the key of the person it goes to.
    pub(crate) fn new(
        bank: &Bank,
        (owner, key): (u128, &PersonKey),
        channel: Channel,
        (to, text): (&str, &str),
    ) -> Result<Self, BankError> {
        let id = bank.new_id();
        let recipient = key.seal(bank.entropy(), recipient_place(id), &to.to_owned())?;
        let text = key.seal(bank.entropy(), text_place(id), &text.to_owned())?;
        let created = bank.now();
        Ok(Self { row: NoticeRow { id, owner, channel, recipient, text, created, sent: None } })
    }

    /// Writes it and has it sent.
    pub(crate) fn write(&self, uow: &mut Uow<'_, '_>) -> Result<(), StoreError> {
        records::insert(uow, &self.row)?;
        let now = uow.now();
        uow.schedule(now, JOB_SEND, self.row.id.as_u128())
    }
}

/// A message to a customer about her own access, to where she signs in from; nothing where that is no phone or address.
pub(crate) struct Told(Option<Draft>);

impl Told {
    pub(crate) async fn draft(bank: &Bank, customer: Id<kinds::Customer>, text: &str) -> Result<Self, BankError> {
        let view = customers::view(bank, customer).await?;
        let (desk, owner) = (bank.desk(), customer.as_u128());
        let key = bank.store().read(move |snapshot| Ok(desk.sealing().key(snapshot.reading(), owner)?)).await?;
        let (Some(to), Some(key)) = (view.and_then(|view| view.sign_in), key) else { return Ok(Self(None)) };
        let channel = match Alias::parse(&to) {
            Ok(Alias::Phone(_)) => Channel::Phone,
            Ok(Alias::Email(_)) => Channel::Email,
            Ok(Alias::Handle(_)) | Err(_) => return Ok(Self(None)),
        };
        Draft::new(bank, (owner, &key), channel, (&to, text)).map(|draft| Self(Some(draft)))
    }

    /// Writes it and has it sent.
    pub(crate) fn write(&self, uow: &mut Uow<'_, '_>) -> Result<(), StoreError> {
        self.0.as_ref().map_or(Ok(()), |draft| draft.write(uow))
    }
}

/// Hands a message to the notifier; it may be handed over twice, with the same id.
///
/// # Errors
/// Trouble; the notifier did not take it.
pub fn run_send(bank: &Bank, job: &Job) -> Result<(), BankError> {
    let (id, claim) = (Id::from_u128(job.subject), job.claim);
    let desk = bank.desk();
    let message = bank.store().read_blocking(|snapshot| {
        let Some(row) = records::by_id(snapshot.reading(), id)? else { return Ok(None) };
        // Erased meanwhile: nothing can be read, and nobody is to be written to.
        let Some(key) = desk.sealing().key(snapshot.reading(), row.owner)? else { return Ok(None) };
        let to = row.recipient.open(&key, recipient_place(id))?;
        let text = row.text.open(&key, text_place(id))?;
        Ok(Some(Message { id, channel: row.channel, to, text }))
    })?;
    if let Some(message) = message {
        bank.notifier().send(&message).map_err(|error| BankError::Outside(error.to_string()))?;
    }
    bank.store().write_blocking(move |uow| {
        if uow.finish_job(claim)? {
            records::set_sent(uow, id)?;
        }
        Ok(Outcome::<(), ()>::Done(()))
    })?;
    Ok(())
}

/// A message, as the outbox page of a sandbox shows it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoticeView {
    /// Its id.
    pub id: Id<kinds::Message>,
    /// `phone`, `email` or `app`.
    pub channel: String,
    /// To whom.
    pub to: String,
    /// What it says.
    pub text: String,
    /// When it was written.
    pub created: Timestamp,
    /// When it was sent.
    pub sent: Option<Timestamp>,
}

impl std::fmt::Debug for NoticeView {
    /// Neither address nor text: they are personal.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "NoticeView({})", self.id)
    }
}

/// Messages, newest first; those of erased persons are left out. Only a sandbox may show them.
///
/// # Errors
/// Trouble.
pub async fn list(bank: &Bank, before: Option<Id<kinds::Message>>, limit: u32) -> Result<Vec<NoticeView>, BankError> {
    let desk = bank.desk();
    let found = bank.store().read(move |snapshot| {
        let mut all = Vec::new();
        for row in records::page(snapshot.reading(), before, limit)? {
            let Some(key) = desk.sealing().key(snapshot.reading(), row.owner)? else { continue };
            all.push(NoticeView {
                id: row.id,
                channel: match row.channel {
                    Channel::Phone => "phone",
                    Channel::Email => "email",
                    Channel::App => "app",
                }
                .to_owned(),
                to: row.recipient.open(&key, recipient_place(row.id))?,
                text: row.text.open(&key, text_place(row.id))?,
                created: row.created,
                sent: row.sent,
            });
        }
        Ok(all)
    });
    Ok(found.await?)
}
