//! Writing a payload: typed in, strict out.
//!
//! What is built passes the reader's checks without a defect and without a remark, so no other reader has a reason to
//! refuse it. Data objects stand in the order of their tags, the check sum last.

use super::check;
use super::decode::Payload;
use super::fault::{Defect, Fault, Remark};
use super::model::{AdditionalData, Content, Initiation, LanguageTemplate, MerchantAccount, Template, Tip};
use super::tag::{Tag, TagPath};
use super::tlv::{self, DataObject, LengthUnit};
use money::{Currency, Money, print_minor};
use std::fmt;
use vocabulary::ErrorCode;

/// Why a payload was not built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BuildError {
    /// A reader would refuse it.
    Defect(Defect),
    /// A reader would frown at it.
    Remark(Remark),
    /// The amount is in another currency than the code.
    CurrencyDiffers,
    /// A unit of the bank's own has no ISO 4217 number.
    NoCurrencyNumber,
    /// A tag is not of the range where it was put.
    TagOutOfRange(Tag),
}

impl BuildError {
    /// The stable code for callers.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Defect(defect) => defect.code(),
            Self::CurrencyDiffers => ErrorCode::CurrencyMismatch,
            Self::Remark(_) | Self::NoCurrencyNumber | Self::TagOutOfRange(_) => ErrorCode::QrInvalidField,
        }
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Defect(defect) => defect.fmt(f),
            Self::Remark(remark) => remark.fmt(f),
            Self::CurrencyDiffers => f.write_str("the amount is in another currency than the code"),
            Self::NoCurrencyNumber => f.write_str("the unit has no ISO 4217 number, so a code cannot name it"),
            Self::TagOutOfRange(tag) => write!(f, "tag {tag} does not belong there"),
        }
    }
}

impl std::error::Error for BuildError {}

impl From<Defect> for BuildError {
    fn from(defect: Defect) -> Self {
        Self::Defect(defect)
    }
}

/// What every code says of its merchant (tags 52, 53, 58, 59, 60).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merchant {
    /// Merchant category code, four digits (ISO 18245).
    pub category: String,
    /// The currency of the payment.
    pub currency: Currency,
    /// Two capital letters (ISO 3166-1).
    pub country: String,
    /// 1 to 25 ASCII characters; the name in another script goes into the language template.
    pub name: String,
    /// 1 to 15 ASCII characters.
    pub city: String,
}

/// The part of a text that may stand in a merchant's name or city: printable ASCII, at most `most` characters; the
/// fallback when nothing is left. Other scripts go into the language template.
#[must_use]
pub fn plain_text(text: &str, most: usize, fallback: &str) -> String {
    let plain = |text: &str| {
        let kept: String = text.chars().filter(|c| matches!(c, ' '..='~')).collect();
        let cut: String = kept.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(most).collect();
        cut.trim_end().to_owned()
    };
    Some(plain(text)).filter(|found| !found.is_empty()).unwrap_or_else(|| plain(fallback))
}

/// A payload in the making.
#[derive(Clone, Debug)]
pub struct Builder {
    currency: Currency,
    objects: Vec<DataObject>,
    refused: Option<BuildError>,
}

impl Builder {
    /// Begins a payload for this merchant. Nothing is checked before [`Builder::build`].
    #[must_use]
    pub fn new(merchant: Merchant, initiation: Initiation) -> Self {
        let method = match initiation {
            Initiation::Static => "11",
            Initiation::Dynamic => "12",
        };
        let number = merchant.currency.number();
        let refused = (number > 999).then_some(BuildError::NoCurrencyNumber);
        let objects = vec![
            DataObject::new(Tag::FORMAT, "01"),
            DataObject::new(Tag::INITIATION, method),
            DataObject::new(Tag::CATEGORY, merchant.category),
            DataObject::new(Tag::CURRENCY, format!("{number:03}")),
            DataObject::new(Tag::COUNTRY, merchant.country),
            DataObject::new(Tag::NAME, merchant.name),
            DataObject::new(Tag::CITY, merchant.city),
        ];
        Self { currency: merchant.currency, objects, refused }
    }

    /// Adds merchant account information; at least one is needed.
    #[must_use]
    pub fn account(mut self, account: &MerchantAccount) -> Self {
        match account {
            MerchantAccount::Network { tag, value } => {
                self.put(*tag, value.clone(), (2..=25).contains(&tag.number()));
            }
            MerchantAccount::Scheme(template) => self.template(template, template.tag.is_account_template()),
        }
        self
    }

    /// Sets the amount (54), written with all digits of its currency.
    #[must_use]
    pub fn amount(mut self, amount: Money) -> Self {
        if amount.currency() != self.currency {
            self.refused.get_or_insert(BuildError::CurrencyDiffers);
        }
        let text = print_minor(i128::from(amount.minor()), amount.currency().digits());
        self.put(Tag::AMOUNT, text, true);
        self
    }

    /// Sets the tip or convenience fee (55–57).
    #[must_use]
    pub fn tip(mut self, tip: &Tip) -> Self {
        match tip {
            Tip::Ask => self.put(Tag::TIP, "01".to_owned(), true),
            Tip::Fixed(fee) => {
                self.put(Tag::TIP, "02".to_owned(), true);
                self.put(Tag::FIXED_FEE, fee.clone(), true);
            }
            Tip::Percentage(fee) => {
                self.put(Tag::TIP, "03".to_owned(), true);
                self.put(Tag::PERCENT_FEE, fee.clone(), true);
            }
        }
        self
    }

    /// Sets the postal code (61).
    #[must_use]
    pub fn postal_code(mut self, code: impl Into<String>) -> Self {
        self.put(Tag::POSTAL_CODE, code.into(), true);
        self
    }

    /// Sets the additional data (62).
    #[must_use]
    pub fn additional(mut self, data: &AdditionalData) -> Self {
        for (tag, _) in &data.reserved {
            self.expect(*tag, (12..=49).contains(&tag.number()));
        }
        for (tag, _) in &data.payment_systems {
            self.expect(*tag, tag.number() >= 50);
        }
        self.nest(Tag::ADDITIONAL, &data.fields());
        self
    }

    /// Sets the merchant's name and city in another language (64).
    #[must_use]
    pub fn language(mut self, template: &LanguageTemplate) -> Self {
        for (tag, _) in &template.reserved {
            self.expect(*tag, tag.number() > 2);
        }
        let mut fields = vec![(Tag::of(0), template.language.clone()), (Tag::of(1), template.name.clone())];
        fields.extend(template.city.iter().map(|city| (Tag::of(2), city.clone())));
        fields.extend(template.reserved.iter().cloned());
        self.nest(Tag::LANGUAGE, &fields);
        self
    }

    /// Adds a template of the range 80–99.
    #[must_use]
    pub fn unreserved(mut self, template: &Template) -> Self {
        self.template(template, template.tag.is_unreserved());
        self
    }

    /// The payload, checked by the reader's own rules.
    ///
    /// # Errors
    /// Whatever a strict reader would refuse or frown at, first by precedence.
    pub fn build(self) -> Result<Payload, BuildError> {
        if let Some(refused) = self.refused {
            return Err(refused);
        }
        let mut objects = self.objects;
        objects.push(DataObject::new(Tag::CRC, "0000"));
        objects.sort_by_key(|object| (object.tag == Tag::CRC, object.tag));
        too_long(&objects, TagPath::ROOT)?;
        let payload = Payload {
            content: Content::read(&objects),
            objects,
            unit: LengthUnit::Characters,
            profile: None,
            remarks: Vec::new(),
        };
        let read = super::decode::inspect(&payload.encode());
        match (read.defects.first(), read.remarks.first()) {
            (Some(defect), _) => Err(BuildError::Defect(defect.clone())),
            (None, Some(remark)) => Err(BuildError::Remark(remark.clone())),
            (None, None) => Ok(read.into_payload()?),
        }
    }

    fn expect(&mut self, tag: Tag, in_range: bool) {
        if !in_range {
            self.refused.get_or_insert(BuildError::TagOutOfRange(tag));
        }
    }

    fn put(&mut self, tag: Tag, value: String, in_range: bool) {
        self.expect(tag, in_range);
        if let Some(old) = check::find(&self.objects, tag) {
            let at = old.at;
            self.refused.get_or_insert(BuildError::Defect(Defect::of(tag, at, Fault::Duplicate)));
        }
        self.objects.push(DataObject::new(tag, value));
    }

    fn template(&mut self, template: &Template, in_range: bool) {
        self.expect(template.tag, in_range);
        let mut fields = vec![(Tag::GUID, template.guid.clone())];
        fields.extend(template.fields.iter().cloned());
        self.nest(template.tag, &fields);
    }

    fn nest(&mut self, tag: Tag, fields: &[(Tag, String)]) {
        let parts: Vec<_> = fields.iter().map(|(tag, value)| DataObject::new(*tag, value.clone())).collect();
        if let Err(defect) = too_long(&parts, tag.into()) {
            self.refused.get_or_insert(defect.into());
            return;
        }
        let mut value = String::new();
        tlv::write(&parts, LengthUnit::Characters, &mut value);
        self.put(tag, value, true);
    }
}

/// A length has two digits: nothing longer than 99 may even be written down.
fn too_long(objects: &[DataObject], path: TagPath) -> Result<(), Defect> {
    for object in objects {
        let found = object.value.chars().count();
        if found > 99 {
            return Err(Defect::of(path.then(object.tag), 0, Fault::Length { min: 1, max: 99, found }));
        }
    }
    Ok(())
}
