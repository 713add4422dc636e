//! Roles and permissions as data: what a role may do is a policy of the bank (`roles`), effective-dated like every other one. A role
//! that the policy does not name may do nothing.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// How long a role's name may be.
const LONGEST: usize = 24;

/// The name of a role: 1 to 24 of a–z, 0–9, `_` and `-`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Role {
    text: [u8; LONGEST],
}

impl Role {
    /// Day-to-day work: investigations, reconciliation, closing days, merchants.
    pub const OPERATIONS: Self = Self::of(b"operations");
    /// Freezes, tiers, disputes, erasure; reads the audit log.
    pub const COMPLIANCE: Self = Self::of(b"compliance");
    /// Policies: fees, limits, terms.
    pub const PRODUCT: Self = Self::of(b"product");
    /// Sees everything, changes nothing.
    pub const AUDITOR: Self = Self::of(b"auditor");
    /// Everything that staff can do.
    pub const ADMINISTRATOR: Self = Self::of(b"administrator");
    /// The roles that a new bank has.
    pub const FIRST: [Self; 5] =
        [Self::OPERATIONS, Self::COMPLIANCE, Self::PRODUCT, Self::AUDITOR, Self::ADMINISTRATOR];

    const fn of(name: &[u8]) -> Self {
        let mut text = [0; LONGEST];
        let mut place = 0;
        while place < name.len() {
            text[place] = name[place];
            place += 1;
        }
        Self { text }
    }

    /// The role of this name; none when it is no name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let fits = (1..=LONGEST).contains(&name.len());
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_' || byte == b'-';
        (fits && name.bytes().all(plain)).then(|| Self::of(name.as_bytes()))
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        let end = self.text.iter().position(|byte| *byte == 0).unwrap_or(LONGEST);
        std::str::from_utf8(&self.text[..end]).unwrap_or_default()
    }
}

impl fmt::Debug for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

macro_rules! permissions {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        /// What a member of staff may be allowed to do.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Permission {
            $($(#[$doc])* #[serde(rename = $text)] $name,)*
        }

        impl Permission {
            /// Every one.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Its name.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

permissions! {
    /// Looking at what is not personal: lists, merchants, policies, cases, jobs, books.
    Look = "look";
    /// Finding a person by phone number, e-mail address or sign-in name.
    SearchCustomers = "customers.search";
    /// Seeing a person's name.
    ViewCustomers = "customers.view";
    /// Changing a person's tier.
    ChangeCustomers = "customers.change";
    /// Erasing a person's data.
    EraseCustomers = "customers.erase";
    /// Freezing, releasing, closing and opening accounts again.
    Restrain = "accounts.restrain";
    /// Opening and changing merchants, their stores and bank accounts.
    ManageMerchants = "merchants.manage";
    /// Making, rotating and revoking merchants' API keys.
    ManageKeys = "keys.manage";
    /// Working on cases and ending investigations.
    WorkCases = "cases.work";
    /// Deciding disputes.
    DecideDisputes = "disputes.decide";
    /// Closing booking days.
    CloseBooks = "books.close";
    /// Setting policies: fees, limits, terms, roles.
    SetPolicies = "policies.set";
    /// Webhooks of the bank.
    ManageWebhooks = "webhooks.manage";
    /// The bank's events.
    ReadEvents = "events.read";
    /// The audit log.
    ReadAudit = "audit.read";
    /// Enrolling members of staff, changing their roles, ending their tokens.
    ManageStaff = "staff.manage";
    /// Approving or refusing what others ask for; only of what one may do oneself.
    DecideApprovals = "approvals.decide";
    /// Acting without the second person in an emergency, which is told to everybody.
    BreakGlass = "break_glass";
    /// The sandbox's clock, bank and outbox.
    ControlSandbox = "sandbox.control";
}

/// Roles, and what each may do.
pub type Roles = BTreeMap<String, BTreeSet<Permission>>;

/// The roles of a new bank.
pub(crate) fn first_roles() -> Roles {
    use Permission as P;
    let operations = [
        P::Look,
        P::SearchCustomers,
        P::ViewCustomers,
        P::ManageMerchants,
        P::ManageKeys,
        P::WorkCases,
        P::CloseBooks,
        P::ManageWebhooks,
        P::ReadEvents,
        P::DecideApprovals,
        P::ControlSandbox,
    ];
    let compliance = [
        P::Look,
        P::SearchCustomers,
        P::ViewCustomers,
        P::ChangeCustomers,
        P::EraseCustomers,
        P::Restrain,
        P::DecideDisputes,
        P::ReadEvents,
        P::ReadAudit,
        P::DecideApprovals,
    ];
    let product = [P::Look, P::SetPolicies, P::ReadEvents, P::DecideApprovals];
    let auditor = [P::Look, P::ViewCustomers, P::ReadEvents, P::ReadAudit];
    let named = |role: Role, may: &[Permission]| (role.name().to_owned(), may.iter().copied().collect());
    [
        named(Role::OPERATIONS, &operations),
        named(Role::COMPLIANCE, &compliance),
        named(Role::PRODUCT, &product),
        named(Role::AUDITOR, &auditor),
        named(Role::ADMINISTRATOR, Permission::ALL),
    ]
    .into()
}

/// Whether roles may be set to these: each has a name of the right form, and somebody may set policies and approve, or nobody could
/// ever change them again.
pub(crate) fn are_usable(roles: &Roles) -> bool {
    let some = |permission| roles.values().any(|may| may.contains(&permission));
    roles.len() <= 64
        && roles.keys().all(|name| Role::parse(name).is_some())
        && some(Permission::SetPolicies)
        && some(Permission::DecideApprovals)
}

#[cfg(test)]
mod tests {
    use super::{Permission, Role, are_usable, first_roles};

    #[test]
    fn a_role_is_named_in_plain_letters() {
        for role in Role::FIRST {
            assert_eq!(Role::parse(role.name()), Some(role));
        }
        for text in ["", "Operations", "a b", "a\n", "éclair", "abcdefghijklmnopqrstuvwxy"] {
            assert_eq!(Role::parse(text), None, "{text}");
        }
    }

    #[test]
    fn nobody_locks_everybody_out() {
        let mut roles = first_roles();
        assert!(are_usable(&roles));
        for may in roles.values_mut() {
            may.remove(&Permission::SetPolicies);
        }
        assert!(!are_usable(&roles));
    }

    #[test]
    fn an_auditor_changes_nothing() {
        let may = &first_roles()["auditor"];
        let reading = [Permission::Look, Permission::ViewCustomers, Permission::ReadEvents, Permission::ReadAudit];
        assert!(may.iter().all(|permission| reading.contains(permission)));
    }
}
