//! A wish: who wants what, under which idempotency key; and [`crate::Bank::once`], which acts on it at most once.

use crate::approvals::Gate;
use crate::audit::Recorder;
use crate::bank::Bank;
use crate::error::BankError;
use crate::refusal::Refusal;
use crate::sealed::Responses;
use aws_lc_rs::digest::{Context, SHA256, digest};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt;
use std::sync::Arc;
use store::{Fingerprint, KeyDigest, Outcome, StoreError, Uow};
use vocabulary::{Id, kinds};

/// Who acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Principal {
    /// A customer, signed in.
    Customer(Id<kinds::Customer>),
    /// A merchant, by one of its keys.
    Merchant(Id<kinds::Merchant>),
    /// A member of staff.
    Staff(Id<kinds::Staff>),
    /// The bank itself: a job, the command line.
    System,
}

impl Principal {
    /// The number that the journal keeps: the id's, 0 for the bank itself.
    #[must_use]
    pub const fn actor(self) -> u128 {
        match self {
            Self::Customer(id) => id.as_u128(),
            Self::Merchant(id) => id.as_u128(),
            Self::Staff(id) => id.as_u128(),
            Self::System => 0,
        }
    }

    const fn tag(self) -> u8 {
        match self {
            Self::Customer(_) => 1,
            Self::Merchant(_) => 2,
            Self::Staff(_) => 3,
            Self::System => 0,
        }
    }
}

impl fmt::Display for Principal {
    /// The id; `system` for the bank itself.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Customer(id) => id.fmt(f),
            Self::Merchant(id) => id.fmt(f),
            Self::Staff(id) => id.fmt(f),
            Self::System => f.write_str("system"),
        }
    }
}

/// A wish of a principal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// Whose.
    pub principal: Principal,
    /// For what, such as `transfers.create`: keys of different operations do not meet.
    pub operation: &'static str,
    /// The caller's key; none for what the bank does by itself, which is not recorded.
    pub key: Option<String>,
    /// A digest of everything the caller asked for, see [`Wish::fingerprint_of`].
    pub fingerprint: Fingerprint,
}

impl Wish {
    /// A wish under a caller's key; `body` is all that the caller asked for.
    #[must_use]
    pub fn new(principal: Principal, operation: &'static str, key: &str, body: &[u8]) -> Self {
        Self { principal, operation, key: Some(key.to_owned()), fingerprint: Self::fingerprint_of(body) }
    }

    /// A wish that is not recorded under a key.
    #[must_use]
    pub const fn internal(principal: Principal, operation: &'static str) -> Self {
        Self { principal, operation, key: None, fingerprint: [0; 16] }
    }

    /// The first half of the SHA-256 of the bytes.
    #[must_use]
    pub fn fingerprint_of(body: &[u8]) -> Fingerprint {
        half(digest(&SHA256, body).as_ref())
    }

    /// The digest that names the wish within the tenant.
    fn digest(&self) -> Option<KeyDigest> {
        let key = self.key.as_ref()?;
        let mut context = Context::new(&SHA256);
        context.update(&[self.principal.tag()]);
        context.update(&self.principal.actor().to_be_bytes());
        context.update(&(self.operation.len() as u64).to_be_bytes());
        context.update(self.operation.as_bytes());
        context.update(key.as_bytes());
        Some(half(context.finish().as_ref()))
    }
}

fn half(digest: &[u8]) -> [u8; 16] {
    std::array::from_fn(|place| digest[place])
}

/// What a wish came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer<T> {
    /// Done, or the business "no".
    pub result: Result<T, Refusal>,
    /// The key was answered before: this is the recorded answer, and nothing was done now.
    pub replayed: bool,
}

/// What the unit of work found.
enum Found<T> {
    Fresh(Result<T, Refusal>),
    Recorded(Vec<u8>),
    Reused,
}

type Unit<T> = Result<Outcome<Found<T>, Found<T>>, StoreError>;

/// What a unit takes along of the bank.
struct Around {
    responses: Arc<Responses>,
    recorder: Option<Recorder>,
    gate: Option<Gate>,
}

impl Around {
    /// The act itself, behind its gate.
    fn act<T, F>(&self, uow: &mut Uow<'_, '_>, operation: &str, body: &mut F) -> Result<Result<T, Refusal>, StoreError>
    where
        F: FnMut(&mut Uow<'_, '_>) -> Result<Outcome<T, Refusal>, StoreError>,
    {
        let pass = match self.gate.as_ref().map(|gate| gate.pass(uow)).transpose()? {
            Some(Err(refusal)) => return Ok(Err(refusal)),
            Some(Ok(pass)) => Some(pass),
            None => None,
        };
        let lines = uow.lines_written();
        match body(uow)? {
            Outcome::Done(value) => {
                if let (Some(gate), Some(pass)) = (&self.gate, pass) {
                    gate.done(uow, pass)?;
                }
                Ok(Ok(value))
            }
            // The store looks at the unit as a whole; here each wish of a unit is looked at by itself.
            Outcome::Refused(_) if uow.lines_written() != lines => {
                Err(StoreError::Bug(format!("a refusal of {operation} moved or held money")))
            }
            Outcome::Refused(refusal) => Ok(Err(refusal)),
        }
    }
}

/// The unit around a use case's closure: recall, act, remember, record.
fn unit<T, F>(around: Around, wish: &Wish, mut body: F) -> impl FnMut(&mut Uow<'_, '_>) -> Unit<T> + Send + 'static
where
    T: Serialize + Send + 'static,
    F: FnMut(&mut Uow<'_, '_>) -> Result<Outcome<T, Refusal>, StoreError> + Send + 'static,
{
    let (digest, fingerprint, operation) = (wish.digest(), wish.fingerprint, wish.operation);
    move |uow| {
        if let Some(digest) = &digest
            && let Some(found) = uow.recall(digest)?
        {
            let same = found.fingerprint == fingerprint;
            return Ok(Outcome::Done(if same { Found::Recorded(found.response) } else { Found::Reused }));
        }
        let result = around.act(uow, operation, &mut body)?;
        if let Some(digest) = digest {
            let plain = serde_json::to_vec(&result).map_err(|error| StoreError::Bug(error.to_string()))?;
            uow.remember(digest, fingerprint, around.responses.seal(&digest, plain)?);
        }
        if let Some(recorder) = &around.recorder {
            recorder.write(uow, result.as_ref().err().map_or("done", |refusal| refusal.code.as_str()))?;
        }
        let refused = result.is_err();
        let found = Found::Fresh(result);
        Ok(if refused { Outcome::Refused(found) } else { Outcome::Done(found) })
    }
}

impl Bank {
    fn around(&self, wish: &Wish) -> Around {
        let recorder = Recorder::of(self, wish.principal, wish.operation);
        Around { responses: self.sealing().responses(), recorder, gate: Gate::of(self, wish) }
    }

    /// Acts on a wish at most once. The first time `body` decides, and its answer, a refusal too, is recorded (sealed) in the
    /// same unit of work; afterwards the recorded answer is given. `body` may run twice and has no side effect outside
    /// its unit.
    ///
    /// # Errors
    /// `KeyReused` when the key was used with another body; the store's trouble.
    pub async fn once<T, F>(&self, wish: Wish, body: F) -> Result<Answer<T>, BankError>
    where
        T: Serialize + DeserializeOwned + Send + 'static,
        F: FnMut(&mut Uow<'_, '_>) -> Result<Outcome<T, Refusal>, StoreError> + Send + 'static,
    {
        let outcome =
            self.store().write_recalling(wish.digest().as_slice(), unit(self.around(&wish), &wish, body)).await?;
        self.answer(&wish, outcome)
    }

    /// As [`Bank::once`]; then does `after`, even when the caller goes away before the answer. What was revoked is forgotten in
    /// memory this way: a client that hangs up would keep it alive otherwise, since its unit of work is committed all the same.
    ///
    /// # Errors
    /// As [`Bank::once`], and those of `after`.
    pub(crate) async fn once_then<T, F, A>(&self, wish: Wish, body: F, after: A) -> Result<Answer<T>, BankError>
    where
        T: Serialize + DeserializeOwned + Send + 'static,
        F: FnMut(&mut Uow<'_, '_>) -> Result<Outcome<T, Refusal>, StoreError> + Send + 'static,
        A: FnOnce(&Self) -> Result<(), BankError> + Send + 'static,
    {
        let bank = self.clone();
        let work = tokio::spawn(async move {
            let answer = bank.once(wish, body).await;
            // After trouble too: whether the unit was kept may be unknown.
            let done = after(&bank);
            answer.and_then(|answer| done.map(|()| answer))
        });
        work.await.map_err(|error| BankError::Bug(error.to_string()))?
    }

    /// As [`Bank::once`], for threads outside the async runtime.
    ///
    /// # Errors
    /// As [`Bank::once`].
    pub fn once_blocking<T, F>(&self, wish: &Wish, body: F) -> Result<Answer<T>, BankError>
    where
        T: Serialize + DeserializeOwned + Send + 'static,
        F: FnMut(&mut Uow<'_, '_>) -> Result<Outcome<T, Refusal>, StoreError> + Send + 'static,
    {
        let outcome =
            self.store().write_recalling_blocking(wish.digest().as_slice(), unit(self.around(wish), wish, body))?;
        self.answer(wish, outcome)
    }

    /// Acts on several wishes in one unit of work, each at most once as [`Bank::once`] would: a refusal of one leaves the
    /// others. The answers are in the order of the wishes. For threads outside the async runtime.
    ///
    /// # Errors
    /// The store's trouble: then none of them took effect. `KeyReused` stands in that wish's own answer.
    pub fn once_each_blocking<T, F>(
        &self,
        wishes: Vec<(Wish, F)>,
    ) -> Result<Vec<Result<Answer<T>, BankError>>, BankError>
    where
        T: Serialize + DeserializeOwned + Send + 'static,
        F: FnMut(&mut Uow<'_, '_>) -> Result<Outcome<T, Refusal>, StoreError> + Send + 'static,
    {
        let (wishes, bodies): (Vec<Wish>, Vec<F>) = wishes.into_iter().unzip();
        let acts = wishes.iter().zip(bodies).map(|(wish, body)| unit(self.around(wish), wish, body));
        let mut acts: Vec<_> = acts.collect();
        let keys: Vec<KeyDigest> = wishes.iter().filter_map(Wish::digest).collect();
        let outcome = self.store().write_recalling_blocking(&keys, move |uow| {
            let found: Result<Vec<_>, StoreError> = acts.iter_mut().map(|act| act(uow)).collect();
            Ok(Outcome::<_, ()>::Done(found?))
        })?;
        match outcome {
            Outcome::Done(found) => {
                Ok(wishes.iter().zip(found).map(|(wish, outcome)| self.answer(wish, outcome)).collect())
            }
            Outcome::Refused(()) => Err(BankError::Bug("a unit of several wishes is never refused".to_owned())),
        }
    }

    fn answer<T: DeserializeOwned>(
        &self,
        wish: &Wish,
        outcome: Outcome<Found<T>, Found<T>>,
    ) -> Result<Answer<T>, BankError> {
        let (Outcome::Done(found) | Outcome::Refused(found)) = outcome;
        match found {
            Found::Fresh(result) => Ok(Answer { result, replayed: false }),
            Found::Reused => Err(BankError::KeyReused),
            Found::Recorded(sealed) => {
                let digest = wish.digest().unwrap_or_default();
                let plain = self.sealing().responses().open(&digest, sealed)?;
                let result = serde_json::from_slice(&plain).map_err(|error| BankError::Bug(error.to_string()))?;
                Ok(Answer { result, replayed: true })
            }
        }
    }
}
