//! What only a sandbox offers: a clock that moves forward, a bank that behaves as it is told, and the messages that people
//! were sent.

use crate::dto::{Cursor, Listing, Moment, Page, page};
use bank::audit;
use bank::notices::{self, NoticeView};
use bank::sandbox_bank::{self, Behaviour as Told, Manners};
use edge::caller::{AsStaff, ControlSandbox};
use edge::reply::{Handled, Reply};
use edge::{Context, Params, Problem, Strict, blocking};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vocabulary::ErrorCode;

/// A move of the clock: to a moment, or by so many seconds.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"advance_seconds": 86400}))]
pub struct ClockMove {
    /// A later moment.
    pub to: Option<Moment>,
    /// How far.
    #[schema(minimum = 1, maximum = 31_622_400)]
    pub advance_seconds: Option<u32>,
}

/// The bank's clock.
#[derive(Debug, Serialize, ToSchema)]
pub struct BankClock {
    /// What it says.
    pub now: Moment,
}

/// How the sandbox bank treats instructions: top-ups, payouts, settlements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Behaviour {
    /// Executes at once and says so a moment later.
    Normal,
    /// Executes and says so after `seconds`; 30 when absent.
    Slow,
    /// Executes and never says so; only its statement shows it, an hour later.
    Silent,
    /// Never does or says anything.
    Dead,
    /// Says everything twice, in results and statement.
    Twice,
    /// Says that it refused, executes nevertheless after `seconds` (three days when absent) and says that too.
    Late,
    /// Executes, says so, and then says that it did not.
    Contradicting,
    /// Executes one minor unit less than asked.
    Wrong,
    /// Executes, and takes it back after `seconds`; 60 when absent.
    Returning,
    /// Says that it came back; after `seconds` (60 when absent) executes nevertheless, and says that twice.
    AfterReturn,
    /// Executes and takes back after `seconds` (60 when absent), and has said both before, the second first.
    Backwards,
    /// Refuses: there is not enough money.
    RejectFunds,
    /// Refuses: the account is closed.
    RejectClosed,
    /// Is not reached at all: nothing is handed over.
    Unreachable,
    /// Executes, but its answer to the instruction is lost on the way.
    AnswerLost,
}

/// What the sandbox bank is told, or was told last.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"behaviour": "slow", "seconds": 120, "instructions": 3}))]
pub struct BankManners {
    /// How it treats instructions.
    pub behaviour: Behaviour,
    /// For `slow`, `late`, `returning`, `after_return` and `backwards`: how long it takes.
    #[schema(minimum = 1, maximum = 31_622_400)]
    pub seconds: Option<u32>,
    /// How many instructions, whatever their amount, before it is normal again; each call counts while it is `unreachable`.
    /// All from now on when absent, but for amounts of 900.01 to 900.12, which choose a behaviour of their own.
    #[schema(minimum = 1, maximum = 1_000_000)]
    pub instructions: Option<u32>,
}

impl BankManners {
    fn read(&self) -> Result<Manners, Problem> {
        let invalid = |detail: &str, at| Err(Problem::because(ErrorCode::InvalidField, detail.to_owned()).at(at));
        let timed = matches!(
            self.behaviour,
            Behaviour::Slow | Behaviour::Late | Behaviour::Returning | Behaviour::AfterReturn | Behaviour::Backwards
        );
        match self.seconds {
            Some(_) if !timed => {
                return invalid(
                    "Send seconds with slow, late, returning, after_return and backwards only.",
                    "/seconds",
                );
            }
            Some(0 | 31_622_401..) => return invalid("Send 1 to 31622400 seconds.", "/seconds"),
            Some(_) | None => {}
        }
        if matches!(self.instructions, Some(0 | 1_000_001..)) {
            return invalid("Send 1 to 1000000 instructions.", "/instructions");
        }
        let behaviour = match self.behaviour {
            Behaviour::Normal => Told::Prompt,
            Behaviour::Slow => Told::Slow(self.seconds.unwrap_or(30)),
            Behaviour::Silent => Told::Silent,
            Behaviour::Dead => Told::Dead,
            Behaviour::Twice => Told::Twice,
            Behaviour::Late => Told::Late(self.seconds.unwrap_or(3 * 86_400)),
            Behaviour::Contradicting => Told::Contradicting,
            Behaviour::Wrong => Told::WrongAmount,
            Behaviour::Returning => Told::Returning(self.seconds.unwrap_or(60)),
            Behaviour::AfterReturn => Told::AfterReturn(self.seconds.unwrap_or(60)),
            Behaviour::Backwards => Told::Backwards(self.seconds.unwrap_or(60)),
            Behaviour::RejectFunds => Told::RejectFunds,
            Behaviour::RejectClosed => Told::RejectClosed,
            Behaviour::Unreachable => Told::Unreachable,
            Behaviour::AnswerLost => Told::AnswerLost,
        };
        Ok(Manners { behaviour, left: self.instructions })
    }

    fn of(manners: Manners) -> Self {
        let (behaviour, seconds) = match manners.behaviour {
            Told::Prompt => (Behaviour::Normal, None),
            Told::Slow(seconds) => (Behaviour::Slow, Some(seconds)),
            Told::Silent => (Behaviour::Silent, None),
            Told::Dead => (Behaviour::Dead, None),
            Told::Twice => (Behaviour::Twice, None),
            Told::Late(seconds) => (Behaviour::Late, Some(seconds)),
            Told::Contradicting => (Behaviour::Contradicting, None),
            Told::WrongAmount => (Behaviour::Wrong, None),
            Told::Returning(seconds) => (Behaviour::Returning, Some(seconds)),
            Told::AfterReturn(seconds) => (Behaviour::AfterReturn, Some(seconds)),
            Told::Backwards(seconds) => (Behaviour::Backwards, Some(seconds)),
            Told::RejectFunds => (Behaviour::RejectFunds, None),
            Told::RejectClosed => (Behaviour::RejectClosed, None),
            Told::Unreachable => (Behaviour::Unreachable, None),
            Told::AnswerLost => (Behaviour::AnswerLost, None),
        };
        Self { behaviour, seconds, instructions: manners.left }
    }
}

/// A message that a person was sent.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"channel": "phone", "to": "+8613800000001", "text": "123456 is your code.", "created_at": "2026-11-22T08:30:00Z", "sent_at": null}))]
pub struct OutboxMessage {
    /// `phone`, `email` or `app`.
    pub channel: String,
    /// To whom.
    pub to: String,
    /// What it says.
    pub text: String,
    /// When it was written.
    pub created_at: Moment,
    /// When it was handed over.
    pub sent_at: Option<Moment>,
}

/// Only in a sandbox.
///
/// # Errors
/// `sandbox_only`.
pub(crate) fn only(context: &Context) -> Result<(), Problem> {
    if context.bank.is_sandbox() { Ok(()) } else { Err(Problem::new(ErrorCode::SandboxOnly)) }
}

/// Move the sandbox's clock
///
/// Forward only, for the whole bank: jobs that become due are done soon after.
#[utoipa::path(post, path = "/v1/sandbox/clock", tag = "sandbox", request_body = ClockMove,
    responses((status = 200, description = "What the clock says now.", body = BankClock)))]
pub async fn move_clock(who: AsStaff<ControlSandbox>, Strict(body): Strict<ClockMove>) -> Handled<BankClock> {
    only(&who.context)?;
    let to = match (body.to, body.advance_seconds) {
        (Some(to), None) => to.0,
        (None, Some(seconds @ 1..=31_622_400)) => who.bank.now().plus_seconds(i64::from(seconds)),
        (None, Some(_)) => {
            let detail = "Send 1 to 31622400 seconds.";
            return Err(Problem::because(ErrorCode::InvalidField, detail).at("/advance_seconds"));
        }
        (None, None) => {
            let detail = "Say when: send to or advance_seconds.";
            return Err(Problem::because(ErrorCode::MissingField, detail).at("/to"));
        }
        (Some(_), Some(_)) => {
            let detail = "Say once when: send to or advance_seconds.";
            return Err(Problem::because(ErrorCode::InvalidField, detail).at("/to"));
        }
    };
    if to > who.bank.now().plus_seconds(3_660 * 86_400) {
        return Err(Problem::because(ErrorCode::InvalidField, "Send a time within ten years.").at("/to"));
    }
    audit::begun(&who.bank, who.principal(), "sandbox.move_clock").await?;
    let moved = who.bank.store().move_clock(to).await.map_err(bank::BankError::from)?;
    if !moved {
        return Err(Problem::new(ErrorCode::ClockBackwards).at("/to"));
    }
    Ok(Reply::ok(BankClock { now: who.bank.now().into() }))
}

fn show(view: NoticeView) -> OutboxMessage {
    OutboxMessage {
        channel: view.channel,
        to: view.to,
        text: view.text,
        created_at: view.created.into(),
        sent_at: view.sent.map(Moment),
    }
}

/// Look at the sandbox's outbox
///
/// The codes and messages that people were sent.
#[utoipa::path(get, path = "/v1/sandbox/outbox", tag = "sandbox", params(Listing),
    responses((status = 200, description = "Newest first.", body = Page<OutboxMessage>)))]
pub async fn outbox(who: AsStaff<ControlSandbox>, Params(listing): Params<Listing>) -> Handled<Page<OutboxMessage>> {
    only(&who.context)?;
    let (before, limit) = (listing.before()?, listing.rows()?);
    audit::looked(&who.bank, who.principal(), "sandbox.outbox").await?;
    let rows = notices::list(&who.bank, before, limit).await?;
    page(rows, limit, |row| Cursor::after(row.id), show)
}

fn manners(found: Option<Manners>) -> Handled<BankManners> {
    let Some(found) = found else {
        return Err(Problem::because(ErrorCode::SandboxOnly, "There is no sandbox bank here; use a test bank."));
    };
    Ok(Reply::ok(BankManners::of(found)))
}

/// Look at how the sandbox bank behaves
///
/// `instructions` says how many are still treated so before it is normal again; null for all.
#[utoipa::path(get, path = "/v1/sandbox/bank", tag = "sandbox",
    responses((status = 200, description = "What it was told last.", body = BankManners)))]
pub async fn bank(who: AsStaff<ControlSandbox>) -> Handled<BankManners> {
    only(&who.context)?;
    manners(blocking(&who.bank, sandbox_bank::told_blocking).await?)
}

/// Tell the sandbox bank how to behave
///
/// For instructions that it takes from now on; what it has taken goes on as it was going to. Move the clock to see what
/// customers see: by `decided_by` every top-up and payout is final, or under investigation with its next date.
#[utoipa::path(put, path = "/v1/sandbox/bank", tag = "sandbox", request_body = BankManners,
    responses((status = 200, description = "What it was told.", body = BankManners)))]
pub async fn tell_bank(who: AsStaff<ControlSandbox>, Strict(body): Strict<BankManners>) -> Handled<BankManners> {
    only(&who.context)?;
    let told = body.read()?;
    audit::begun(&who.bank, who.principal(), "sandbox.tell_bank").await?;
    manners(blocking(&who.bank, move |bank| sandbox_bank::tell_blocking(bank, told)).await?)
}
