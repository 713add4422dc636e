//! The currencies and units of one tenant.

use money::Currency;
use vocabulary::ErrorCode;

/// What a tenant counts value in: every holdable ISO 4217 currency is known, those offered can be held in wallets.
#[derive(Clone, Debug)]
pub struct Currencies {
    offered: Vec<Currency>,
    units: Vec<Currency>,
}

impl Currencies {
    /// Currencies that wallets may be opened in, and the tenant's own units (always offered).
    #[must_use]
    pub fn new(offered: Vec<Currency>, units: Vec<Currency>) -> Self {
        Self { offered, units }
    }

    /// The currency or unit with this code.
    ///
    /// # Errors
    /// `currency_unknown` when it is neither on ISO 4217 list one nor declared by the tenant.
    pub fn parse(&self, code: &str) -> Result<Currency, ErrorCode> {
        let unit = self.units.iter().chain(&self.offered).find(|unit| unit.code() == code);
        unit.copied().or_else(|| Currency::iso(code).ok()).ok_or(ErrorCode::CurrencyUnknown)
    }

    /// The currency or unit with this number.
    #[must_use]
    pub fn by_number(&self, number: u16) -> Option<Currency> {
        let unit = self.units.iter().chain(&self.offered).find(|unit| unit.number() == number);
        unit.copied().or_else(|| Currency::iso_number(number).ok())
    }

    /// Whether accounts can be held in it.
    #[must_use]
    pub fn is_offered(&self, currency: Currency) -> bool {
        self.offered.contains(&currency) || self.units.contains(&currency)
    }

    /// All in which accounts can be held.
    pub fn all(&self) -> impl Iterator<Item = Currency> {
        self.offered.iter().chain(&self.units).copied()
    }
}
