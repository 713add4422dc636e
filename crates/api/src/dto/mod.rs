//! The shapes that every route shares: ids, times, money, pages.

mod cursor;
mod id;
mod money;
mod page;
mod text;

pub use cursor::{Cursor, Listing};
pub use id::{Ref, ids};
pub(crate) use id::{example, pattern};
pub use money::{Balance, Money};
pub use page::{Page, page};
pub use text::{Day, Moment};
