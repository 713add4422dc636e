//! Which bank a request is for: chosen by the host name it was sent to. Nothing below this floor knows tenants.

use bank::Bank;
use std::collections::HashMap;

/// The banks that one process serves.
#[derive(Clone)]
pub struct Tenants {
    hosts: HashMap<String, Bank>,
    default: Bank,
}

impl Tenants {
    /// One bank for every host name.
    #[must_use]
    pub fn only(bank: Bank) -> Self {
        Self { hosts: HashMap::new(), default: bank }
    }

    /// Adds a bank for a host name, without a port; letter case does not matter.
    #[must_use]
    pub fn with(mut self, host: &str, bank: Bank) -> Self {
        self.hosts.insert(host.to_ascii_lowercase(), bank);
        self
    }

    /// The bank of a host as it stands in the request, with or without a port; the default one for any other.
    #[must_use]
    pub fn of(&self, host: Option<&str>) -> &Bank {
        if self.hosts.is_empty() {
            return &self.default;
        }
        let host = host.unwrap_or_default();
        let name = if host.starts_with('[') {
            host.split_inclusive(']').next().unwrap_or_default()
        } else {
            host.split(':').next().unwrap_or_default()
        };
        self.hosts.get(&name.to_ascii_lowercase()).unwrap_or(&self.default)
    }

    /// Every bank, the default one first.
    pub fn all(&self) -> impl Iterator<Item = &Bank> {
        std::iter::once(&self.default).chain(self.hosts.values())
    }
}
