//! The two digits that name a data object, and the path to one inside templates.

use std::fmt;

/// An id of a data object, `00` to `99` (EMVCo MPM 1.1, data organisation).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tag(u8);

impl Tag {
    /// `00`, Payload Format Indicator.
    pub const FORMAT: Self = Self(0);
    /// `01`, Point of Initiation Method.
    pub const INITIATION: Self = Self(1);
    /// `52`, Merchant Category Code.
    pub const CATEGORY: Self = Self(52);
    /// `53`, Transaction Currency.
    pub const CURRENCY: Self = Self(53);
    /// `54`, Transaction Amount.
    pub const AMOUNT: Self = Self(54);
    /// `55`, Tip or Convenience Indicator.
    pub const TIP: Self = Self(55);
    /// `56`, Value of Convenience Fee Fixed.
    pub const FIXED_FEE: Self = Self(56);
    /// `57`, Value of Convenience Fee Percentage.
    pub const PERCENT_FEE: Self = Self(57);
    /// `58`, Country Code.
    pub const COUNTRY: Self = Self(58);
    /// `59`, Merchant Name.
    pub const NAME: Self = Self(59);
    /// `60`, Merchant City.
    pub const CITY: Self = Self(60);
    /// `61`, Postal Code.
    pub const POSTAL_CODE: Self = Self(61);
    /// `62`, Additional Data Field Template.
    pub const ADDITIONAL: Self = Self(62);
    /// `63`, CRC.
    pub const CRC: Self = Self(63);
    /// `64`, Merchant Information – Language Template.
    pub const LANGUAGE: Self = Self(64);
    /// `00` inside a template, Globally Unique Identifier.
    pub const GUID: Self = Self(0);

    /// The tag with this number.
    #[must_use]
    pub const fn new(number: u8) -> Option<Self> {
        if number < 100 { Some(Self(number)) } else { None }
    }

    /// For tables inside this crate, where the number is a literal.
    pub(crate) const fn of(number: u8) -> Self {
        assert!(number < 100, "a tag has two digits");
        Self(number)
    }

    /// The number, 0 to 99.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0
    }

    /// Whether this root tag carries merchant account information (02–51).
    #[must_use]
    pub const fn is_merchant_account(self) -> bool {
        self.0 >= 2 && self.0 <= 51
    }

    /// Whether this root tag carries merchant account information as a template (26–51).
    #[must_use]
    pub const fn is_account_template(self) -> bool {
        self.0 >= 26 && self.0 <= 51
    }

    /// Whether this root tag is reserved for future use by EMVCo (65–79).
    #[must_use]
    pub const fn is_reserved(self) -> bool {
        self.0 >= 65 && self.0 <= 79
    }

    /// Whether this root tag is an unreserved template (80–99).
    #[must_use]
    pub const fn is_unreserved(self) -> bool {
        self.0 >= 80
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}", self.0)
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Where a data object stands: its tag, below the tags of the templates around it. Empty for the payload as a whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TagPath {
    tags: [Option<Tag>; 3],
}

impl TagPath {
    /// The payload as a whole.
    pub const ROOT: Self = Self { tags: [None; 3] };

    /// This path with one more tag. A fourth level does not exist in the specification and replaces the third.
    #[must_use]
    pub fn then(mut self, tag: Tag) -> Self {
        let free = self.tags.iter().position(Option::is_none).unwrap_or(2);
        self.tags[free] = Some(tag);
        self
    }

    /// The tags from the root down.
    pub fn tags(&self) -> impl Iterator<Item = Tag> + '_ {
        self.tags.iter().copied().flatten()
    }

    /// Whether this is exactly the data object `tag` of the root.
    #[must_use]
    pub fn is_root(&self, tag: Tag) -> bool {
        self.tags == [Some(tag), None, None]
    }
}

impl From<Tag> for TagPath {
    fn from(tag: Tag) -> Self {
        Self::ROOT.then(tag)
    }
}

impl fmt::Display for TagPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (depth, tag) in self.tags().enumerate() {
            if depth > 0 {
                f.write_str(".")?;
            }
            write!(f, "{tag}")?;
        }
        Ok(())
    }
}
