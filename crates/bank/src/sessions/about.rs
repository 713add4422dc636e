//! What a person is shown of a session: the name of the device and the network it was begun from, sealed under her key.

use super::records::about_place;
use crate::bank::Bank;
use crate::error::BankError;
use crate::sealed::{PersonKey, Sealed};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use vocabulary::{Id, kinds};

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct About {
    pub(super) device_name: Option<String>,
    pub(super) network: Option<String>,
}

impl About {
    /// Of a request: the address comes from the handle's origin.
    pub(super) fn of(bank: &Bank, device_name: Option<String>) -> Self {
        let network = bank.origin().map(|origin| network(origin.address));
        Self { device_name, network }
    }

    pub(super) fn seal(
        &self,
        bank: &Bank,
        key: &PersonKey,
        id: Id<kinds::Session>,
    ) -> Result<Sealed<String>, BankError> {
        let text = serde_json::to_string(self).map_err(|error| BankError::Bug(error.to_string()))?;
        key.seal(bank.entropy(), about_place(id), &text)
    }

    pub(super) fn open(sealed: &Sealed<String>, key: &PersonKey, id: Id<kinds::Session>) -> Result<Self, BankError> {
        let text = sealed.open(key, about_place(id))?;
        serde_json::from_str(&text).map_err(|_| BankError::Unsealed("session"))
    }
}

/// The network of an address: the first three bytes of IPv4, the first 48 bits of IPv6. Enough to tell one's own home from elsewhere.
fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        IpAddr::V6(address) => {
            let [a, b, c, ..] = address.segments();
            format!("{}/48", std::net::Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::network;

    #[test]
    fn of_an_address_only_the_network_is_kept() {
        for (address, shown) in [
            ("203.0.113.77", "203.0.113.0/24"),
            ("::ffff:203.0.113.77", "203.0.113.0/24"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1::/48"),
        ] {
            assert_eq!(network(address.parse().expect("an address")), shown);
        }
    }
}
