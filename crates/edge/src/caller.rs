//! Who asks. A bearer token names a session, an API key or a staff token; a browser's session cookie names a session. Both at
//! once are refused: nobody could say as whom the request acts.
//!
//! A handler names the caller it needs in its signature: [`AsCustomer`], [`AsMerchant`] with a scope, [`AsStaff`] with a permission,
//! [`AsOwner`] for what everybody has of their own. Another kind of caller gets 403, nobody 401. Token texts are never kept
//! or logged.

use crate::body::{BareCommand, Command};
use crate::context::Context;
use crate::cookie;
use crate::problem::Problem;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use bank::merchants::{self, ApiKey, Scope};
use bank::sessions::{self, Session};
use bank::staff::{self, Permission, StaffSession};
use bank::{Bank, Principal, Wish};
use std::marker::PhantomData;
use std::ops::Deref;
use vocabulary::{ErrorCode, Id, kinds};

/// How tokens of sessions and of staff begin; every other one is looked for among API keys.
const SESSION: &str = "jzs_";
const STAFF: &str = "jzt_";
const LONGEST_TOKEN: usize = 128;

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub enum Caller {
    /// Nobody we know.
    Nobody,
    /// A customer.
    Customer(Session),
    /// A merchant.
    Merchant(ApiKey),
    /// A member of staff.
    Staff(StaffSession),
}

impl Caller {
    /// The principal; none for nobody.
    #[must_use]
    pub const fn principal(&self) -> Option<Principal> {
        match self {
            Self::Nobody => None,
            Self::Customer(session) => Some(session.principal()),
            Self::Merchant(key) => Some(key.principal()),
            Self::Staff(staff) => Some(staff.principal()),
        }
    }

    /// Under which number its requests are counted.
    pub(crate) fn rate_key(&self) -> Option<u128> {
        self.principal().map(Principal::actor)
    }

    /// Under which number the uses of its credential are counted. A member of staff has one token.
    pub(crate) fn credential_key(&self) -> Option<u128> {
        match self {
            Self::Nobody => None,
            Self::Customer(session) => Some(session.id.as_u128()),
            Self::Merchant(key) => Some(key.id.as_u128()),
            Self::Staff(staff) => Some(staff.staff.as_u128()),
        }
    }
}

/// Reads the credential of a request: nobody when there is none; and whether it came as a cookie. Where nobody is needed
/// (`open`) a cookie that is no good is none, so that a browser whose session is over can sign in.
///
/// # Errors
/// `unauthenticated` when there is one that is no good, `ambiguous_credentials`; the bank's trouble.
pub(crate) async fn identify(bank: &Bank, headers: &HeaderMap, open: bool) -> Result<(Caller, bool), Problem> {
    let mut all = headers.get_all(header::AUTHORIZATION).iter();
    let no = || Problem::new(ErrorCode::Unauthenticated);
    let Some(value) = all.next() else { return by_cookie(bank, cookie::read(headers)?, open).await };
    if cookie::read(headers)?.is_some() {
        return Err(Problem::new(ErrorCode::AmbiguousCredentials));
    }
    let text = value.to_str().map_err(|_| no())?;
    let (scheme, token) = text.split_once(' ').ok_or_else(no)?;
    if !scheme.eq_ignore_ascii_case("bearer") || token.len() > LONGEST_TOKEN || all.next().is_some() {
        return Err(no());
    }
    let caller = if token.starts_with(SESSION) {
        sessions::authenticate(bank, token).await?.map(Caller::Customer)
    } else if token.starts_with(STAFF) {
        staff::authenticate(bank, token).await?.map(Caller::Staff)
    } else {
        merchants::authenticate(bank, token).await?.map(Caller::Merchant)
    };
    caller.map(|caller| (caller, false)).ok_or_else(no)
}

/// Only a customer's session may stand in a cookie.
async fn by_cookie(bank: &Bank, value: Option<&str>, open: bool) -> Result<(Caller, bool), Problem> {
    let Some(token) = value else { return Ok((Caller::Nobody, false)) };
    let found = match token.starts_with(SESSION) && token.len() <= LONGEST_TOKEN {
        true => sessions::authenticate(bank, token).await?,
        false => None,
    };
    match found {
        Some(session) => Ok((Caller::Customer(session), true)),
        None if open => Ok((Caller::Nobody, false)),
        None => Err(Problem::new(ErrorCode::Unauthenticated)),
    }
}

/// Whether what a long answer was begun with would still let the same one in: a session, key or token may end meanwhile.
/// False, too, when the bank cannot be asked.
pub async fn is_still_in(context: &Context, headers: &HeaderMap) -> bool {
    let Ok(bank) = context.bank.fresh().await else { return false };
    let found = identify(&bank, headers, false).await;
    found.is_ok_and(|(caller, _)| caller.principal() == context.caller.principal())
}

macro_rules! duties {
    ($trait:ident: $of:ty { $($(#[$doc:meta])* $name:ident = $value:expr;)* }) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub enum $name {}
        impl $trait for $name {
            const NEEDS: $of = $value;
        }
    )*};
}

/// A scope as a type, for a handler's signature.
pub trait NeedsScope {
    /// The scope.
    const NEEDS: Scope;
}

duties! {
    NeedsScope: Scope {
        /// See orders, payments, refunds.
        PaymentsRead = Scope::PaymentsRead;
        /// Create orders and codes, capture, void.
        PaymentsWrite = Scope::PaymentsWrite;
        /// Refund.
        RefundsWrite = Scope::RefundsWrite;
        /// See balances, settlements and statements.
        SettlementsRead = Scope::SettlementsRead;
        /// Manage webhooks.
        WebhooksWrite = Scope::WebhooksWrite;
        /// See events.
        EventsRead = Scope::EventsRead;
        /// Link bank accounts and pay out.
        PayoutsWrite = Scope::PayoutsWrite;
    }
}

/// A permission as a type, for a handler's signature.
pub trait NeedsPermission {
    /// The permission.
    const NEEDS: Permission;
}

duties! {
    NeedsPermission: Permission {
        /// Looking at what is not personal.
        Look = Permission::Look;
        /// Finding a person by phone number, e-mail address or sign-in name.
        SearchCustomers = Permission::SearchCustomers;
        /// Seeing a person's name.
        ViewCustomers = Permission::ViewCustomers;
        /// Changing a person's tier.
        ChangeCustomers = Permission::ChangeCustomers;
        /// Erasing a person's data.
        EraseCustomers = Permission::EraseCustomers;
        /// Freezing, releasing, closing and opening accounts again.
        Restrain = Permission::Restrain;
        /// Opening and changing merchants.
        ManageMerchants = Permission::ManageMerchants;
        /// Merchants' API keys.
        ManageKeys = Permission::ManageKeys;
        /// Working on cases.
        WorkCases = Permission::WorkCases;
        /// Deciding disputes.
        DecideDisputes = Permission::DecideDisputes;
        /// Closing booking days.
        CloseBooks = Permission::CloseBooks;
        /// Setting policies.
        SetPolicies = Permission::SetPolicies;
        /// Reading the audit log.
        ReadAudit = Permission::ReadAudit;
        /// Deciding what others ask for.
        DecideApprovals = Permission::DecideApprovals;
        /// The sandbox's clock, bank and outbox.
        ControlSandbox = Permission::ControlSandbox;
    }
}

/// A customer, signed in.
#[derive(Clone)]
pub struct AsCustomer {
    /// The request.
    pub context: Context,
    /// The session.
    pub session: Session,
}

/// A merchant whose key has the scope.
pub struct AsMerchant<S> {
    /// The request.
    pub context: Context,
    /// The key.
    pub key: ApiKey,
    scope: PhantomData<fn() -> S>,
}

/// A member of staff with the permission.
pub struct AsStaff<P> {
    /// The request.
    pub context: Context,
    /// The token.
    pub staff: StaffSession,
    permission: PhantomData<fn() -> P>,
}

/// Anybody who has something of the kind asked for: a merchant whose key has the scope, staff for the bank, and customers
/// where `S` is about events.
pub struct AsOwner<S> {
    /// The request.
    pub context: Context,
    /// Whose things: nobody's in particular for staff.
    pub owner: Option<u128>,
    principal: Principal,
    scope: PhantomData<fn() -> S>,
}

impl AsCustomer {
    /// The customer.
    #[must_use]
    pub fn customer(&self) -> Id<kinds::Customer> {
        self.session.customer
    }
}

impl<S> AsMerchant<S> {
    /// The merchant.
    #[must_use]
    pub fn merchant(&self) -> Id<kinds::Merchant> {
        self.key.merchant
    }
}

macro_rules! callers {
    ($($name:ident$(<$param:ident>)? by $($place:ident).+ $($call:ident)?;)*) => {$(
        impl$(<$param>)? Deref for $name$(<$param>)? {
            type Target = crate::context::Known;

            fn deref(&self) -> &Self::Target {
                &self.context
            }
        }

        impl$(<$param>)? $name$(<$param>)? {
            /// Who acts.
            #[must_use]
            pub fn principal(&self) -> Principal {
                self.$($place).+$(.$call())?
            }

            /// The wish that a command is, and its body.
            #[must_use]
            pub fn wish<T>(&self, operation: &'static str, command: Command<T>) -> (Wish, T) {
                let Command { key, fingerprint, body } = command;
                (Wish { principal: self.principal(), operation, key: Some(key), fingerprint }, body)
            }

            /// The wish that a command without a body is.
            #[must_use]
            pub fn bare_wish(&self, operation: &'static str, command: BareCommand) -> Wish {
                let BareCommand { key, fingerprint } = command;
                Wish { principal: self.principal(), operation, key: Some(key), fingerprint }
            }

            /// A wish without a key: for changes that can be repeated without harm.
            #[must_use]
            pub fn unrecorded(&self, operation: &'static str) -> Wish {
                Wish::internal(self.principal(), operation)
            }
        }
    )*};
}

callers! {
    AsCustomer by session principal;
    AsMerchant<S> by key principal;
    AsStaff<P> by staff principal;
    AsOwner<S> by principal;
}

fn refused(caller: &Caller, needs: &'static str) -> Problem {
    match caller {
        Caller::Nobody => Problem::new(ErrorCode::Unauthenticated),
        _ => Problem::because(ErrorCode::Forbidden, needs),
    }
}

impl<T: Send + Sync> FromRequestParts<T> for AsCustomer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &T) -> Result<Self, Problem> {
        let context = Context::of(&parts.extensions)?.clone();
        match context.caller {
            Caller::Customer(session) => Ok(Self { context, session }),
            ref other => Err(refused(other, "Only a customer may do this; send a customer's session token.")),
        }
    }
}

impl<T: Send + Sync, S: NeedsScope> FromRequestParts<T> for AsMerchant<S> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &T) -> Result<Self, Problem> {
        let context = Context::of(&parts.extensions)?.clone();
        match context.caller {
            Caller::Merchant(key) if key.allows(S::NEEDS) => Ok(Self { context, key, scope: PhantomData }),
            Caller::Merchant(_) => Err(lacks(S::NEEDS)),
            ref other => Err(refused(other, "Only a merchant may do this; send a merchant's API key.")),
        }
    }
}

fn lacks(scope: Scope) -> Problem {
    Problem::because(
        ErrorCode::Forbidden,
        format!("The API key lacks the scope {}; use one that has it.", scope.name()),
    )
}

impl<T: Send + Sync, P: NeedsPermission> FromRequestParts<T> for AsStaff<P> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &T) -> Result<Self, Problem> {
        let context = Context::of(&parts.extensions)?.clone();
        match context.caller {
            Caller::Staff(staff) if context.bank.policies().may(staff.role, P::NEEDS) => {
                if let Some(origin) = context.bank.origin() {
                    origin.note_needs(P::NEEDS);
                }
                Ok(Self { context, staff, permission: PhantomData })
            }
            Caller::Staff(_) => Err(Problem::because(
                ErrorCode::Forbidden,
                format!("Your role lacks the permission {}; ask somebody who has it.", P::NEEDS.name()),
            )),
            ref other => Err(refused(other, "Only the bank's staff may do this; send a staff token.")),
        }
    }
}

/// What staff need to do for the bank what a merchant does with a scope.
const fn permission_for(scope: Scope) -> Permission {
    match scope {
        Scope::EventsRead => Permission::ReadEvents,
        _ => Permission::ManageWebhooks,
    }
}

impl<T: Send + Sync, S: NeedsScope> FromRequestParts<T> for AsOwner<S> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &T) -> Result<Self, Problem> {
        let context = Context::of(&parts.extensions)?.clone();
        let (owner, principal) = match context.caller {
            Caller::Merchant(key) if key.allows(S::NEEDS) => (Some(key.merchant.as_u128()), key.principal()),
            Caller::Merchant(_) => return Err(lacks(S::NEEDS)),
            Caller::Staff(staff) if context.bank.policies().may(staff.role, permission_for(S::NEEDS)) => {
                (None, staff.principal())
            }
            Caller::Customer(session) if S::NEEDS == Scope::EventsRead => {
                (Some(session.customer.as_u128()), session.principal())
            }
            ref other => return Err(refused(other, "Only merchants and staff may do this.")),
        };
        Ok(Self { context, owner, principal, scope: PhantomData })
    }
}
