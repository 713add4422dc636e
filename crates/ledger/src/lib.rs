//! The ledger's rules as one pure, synchronous state machine.
//!
//! [`post`] takes the books (a [`Books`]: whoever stores them), the present [`Moment`] and an [`Entry`], refuses in a fixed
//! order or writes. An entry is one or more steps; each step becomes one journal line, which moves or holds one amount
//! from a debit account to a credit account of the same currency and legal entity. So every line balances by its shape, and
//! with it every entry, in every currency and legal entity.
//!
//! Recovery folds lines that the stored accounts and groups do not hold yet, in their order, through [`Account::replay`] and,
//! for each group that [`limits::concerned`] names, [`limits::replay`]; posting itself changes them through nothing else.
//!
//! Invariants: what is available counts holds; a customer-initiated line never takes an account below its floor or above a
//! limit; every change of a posted or held balance is a line that carries both values after. This crate deliberately knows
//! nothing of async, SQL, JSON, HTTP and the present time.

mod account;
mod books;
mod entry;
mod exists;
mod legs;
pub mod limits;
mod movement;
mod post;
mod refusal;
mod release;

pub use account::{Account, AccountNo, BookNo, Class, Floor, Freeze, Side};
pub use books::{Books, Moment, StoredEntry};
pub use entry::{Action, After, Count, Entry, Hold, HoldState, Line, Posted, PostedLine, Step, UpTo};
pub use legs::Leg;
pub use limits::{Direction, Group, GroupNo, LimitSet, Reached, Sides, Window};
pub use post::{post, post_chain};
pub use refusal::{ChainRefusal, Difference, Refusal, Sum};
