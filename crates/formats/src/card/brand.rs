//! Brands by issuer identification number, and the lengths that their numbers have.
//!
//! Ranges as the brands publish them. Where two overlap (622126 to 622925 is Discover's and UnionPay's together) the card is
//! UnionPay's, whose mark it bears.

/// A card brand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Brand {
    /// Visa.
    Visa,
    /// Mastercard.
    Mastercard,
    /// American Express.
    Amex,
    /// UnionPay.
    UnionPay,
    /// JCB.
    Jcb,
    /// Discover.
    Discover,
    /// Diners Club International.
    Diners,
}

/// First and last beginning of a range (as many digits in both), the brand, and the fewest and most digits of a number.
type Range = (u32, u32, Brand, (usize, usize));

const RANGES: &[Range] = &[
    (4, 4, Brand::Visa, (13, 19)),
    (51, 55, Brand::Mastercard, (16, 16)),
    (2221, 2720, Brand::Mastercard, (16, 16)),
    (34, 34, Brand::Amex, (15, 15)),
    (37, 37, Brand::Amex, (15, 15)),
    (62, 62, Brand::UnionPay, (16, 19)),
    (3528, 3589, Brand::Jcb, (16, 19)),
    (6011, 6011, Brand::Discover, (16, 19)),
    (644, 649, Brand::Discover, (16, 19)),
    (65, 65, Brand::Discover, (16, 19)),
    (300, 305, Brand::Diners, (14, 19)),
    (3095, 3095, Brand::Diners, (14, 19)),
    (36, 36, Brand::Diners, (14, 19)),
    (38, 39, Brand::Diners, (14, 19)),
];

impl Brand {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Visa, Self::Mastercard, Self::Amex, Self::UnionPay, Self::Jcb, Self::Discover, Self::Diners];

    /// The brand of a number of ASCII digits, if it has one and the length that goes with it.
    pub(super) fn of(digits: &str) -> Option<Self> {
        let fits = |&&(first, last, brand, (least, most)): &&Range| {
            let beginning = digits.get(..first.to_string().len()).and_then(|text| text.parse::<u32>().ok());
            let length = digits.len();
            let has_length =
                (least..=most).contains(&length) && (brand != Self::Visa || matches!(length, 13 | 16 | 19));
            beginning.is_some_and(|beginning| (first..=last).contains(&beginning)) && has_length
        };
        RANGES.iter().find(fits).map(|&(_, _, brand, _)| brand)
    }

    /// Its name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Visa => "visa",
            Self::Mastercard => "mastercard",
            Self::Amex => "amex",
            Self::UnionPay => "unionpay",
            Self::Jcb => "jcb",
            Self::Discover => "discover",
            Self::Diners => "diners",
        }
    }

    /// The brand of a name on the wire.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|brand| brand.name() == name)
    }

    /// How many digits its security code has.
    #[must_use]
    pub const fn security_code_digits(self) -> usize {
        match self {
            Self::Amex => 4,
            _ => 3,
        }
    }
}
