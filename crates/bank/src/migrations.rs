//! The whole schema's history in order: the store's, then each capability's.

use sql::Migration;

/// Every migration, ascending. Versions: store 1–9, persons and policies 10–19, movements 20–29, payments 30–39, delivery 40–49,
/// later changes to any of them 50–.
#[must_use]
pub fn migrations() -> Vec<Migration> {
    let parts: &[&[Migration]] = &[
        store::MIGRATIONS,
        crate::sealed::MIGRATIONS,
        crate::policies::MIGRATIONS,
        crate::customers::MIGRATIONS,
        crate::wallets::MIGRATIONS,
        crate::aliases::MIGRATIONS,
        crate::merchants::MIGRATIONS,
        crate::sessions::MIGRATIONS,
        crate::factors::MIGRATIONS,
        crate::confirmations::MIGRATIONS,
        crate::devices::MIGRATIONS,
        crate::registrations::MIGRATIONS,
        crate::staff::MIGRATIONS,
        crate::audit::MIGRATIONS,
        crate::approvals::MIGRATIONS,
        crate::notices::MIGRATIONS,
        crate::entries::MIGRATIONS,
        crate::webhooks::MIGRATIONS,
        crate::references::MIGRATIONS,
        crate::orders::MIGRATIONS,
        crate::payments::MIGRATIONS,
        crate::payments::REFUND_MIGRATIONS,
        crate::settlement::MIGRATIONS,
        crate::quotes::MIGRATIONS,
        crate::cases::MIGRATIONS,
        crate::rail_feed::MIGRATIONS,
        crate::topups::MIGRATIONS,
        crate::payouts::MIGRATIONS,
        crate::suspense::MIGRATIONS,
        crate::bank_accounts::MIGRATIONS,
        crate::cards::MIGRATIONS,
        crate::transfers::MIGRATIONS,
        crate::accounting::MIGRATIONS,
    ];
    let mut all = parts.concat();
    all.sort_by_key(|migration| migration.version);
    all
}

#[cfg(test)]
mod tests {
    use super::migrations;

    /// Steps from before the first rolling upgrade, when no older program could be running.
    const OLDER_THAN_THE_RULE: &[u32] = &[37];

    #[test]
    fn what_takes_something_away_says_so_in_its_name() {
        for step in migrations() {
            let old = OLDER_THAN_THE_RULE.contains(&step.version);
            assert!(step.is_declared() || old, "{}: begin the name of \"{}\" with contract:", step.version, step.name);
        }
    }
}
