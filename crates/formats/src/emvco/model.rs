//! The content of a payload by meaning instead of by tag (EMVCo MPM 1.1, tables of data objects).
//!
//! Values keep their text; nothing is trimmed or rounded. An empty value inside a template reads as absent.

use super::rules;
use super::tag::Tag;
use super::tlv::DataObject;
use money::Currency;

/// Tag 01, Point of Initiation Method (requirements of 01).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Initiation {
    /// `11`: the same code for many payments.
    Static,
    /// `12`: a fresh code for one payment.
    Dynamic,
}

/// A template of the kinds that carry a globally unique identifier (merchant account information and unreserved templates).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// The template's own tag.
    pub tag: Tag,
    /// Part 00; empty only in an unreserved template that has none.
    pub guid: String,
    /// The other parts in their order; their meaning is the scheme's.
    pub fields: Vec<(Tag, String)>,
}

impl Template {
    /// The field with this tag, unless it is absent or empty.
    #[must_use]
    pub fn field(&self, tag: Tag) -> Option<&str> {
        let found = self.fields.iter().find(|(name, _)| *name == tag);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    fn read(object: &DataObject) -> Self {
        let others = object.parts.iter().filter(|part| part.tag != Tag::GUID);
        Self {
            tag: object.tag,
            guid: object.part(Tag::GUID).unwrap_or_default().to_owned(),
            fields: others.map(|part| (part.tag, part.value.clone())).collect(),
        }
    }
}

/// One of 02–51, Merchant Account Information (requirements of 02–51).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MerchantAccount {
    /// 02–25: reserved for payment networks (02–03 Visa, 04–05 Mastercard, 15–16 UnionPay, …), one value.
    Network {
        /// The tag.
        tag: Tag,
        /// The network's value.
        value: String,
    },
    /// 26–51: a template that names its scheme.
    Scheme(Template),
}

impl MerchantAccount {
    /// The tag.
    #[must_use]
    pub fn tag(&self) -> Tag {
        match self {
            Self::Network { tag, .. } => *tag,
            Self::Scheme(template) => template.tag,
        }
    }
}

/// Tags 55 to 57 (requirements of 55, 56, 57).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tip {
    /// `01`: the consumer is asked for a tip.
    Ask,
    /// `02` with 56: a fixed fee, in the transaction currency.
    Fixed(String),
    /// `03` with 57: a fee in per cent of the amount.
    Percentage(String),
}

/// Tag 62, Additional Data Field Template (table "Additional Data Field Template"). `***` as a value asks the wallet to prompt.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AdditionalData {
    /// 01, the invoice or bill number.
    pub bill_number: Option<String>,
    /// 02, the mobile number.
    pub mobile_number: Option<String>,
    /// 03, the store.
    pub store_label: Option<String>,
    /// 04, the loyalty card number.
    pub loyalty_number: Option<String>,
    /// 05, the merchant's reference of the payment.
    pub reference_label: Option<String>,
    /// 06, the customer.
    pub customer_label: Option<String>,
    /// 07, the terminal.
    pub terminal_label: Option<String>,
    /// 08, the purpose.
    pub purpose: Option<String>,
    /// 09, which data the wallet should give: A, M, E.
    pub consumer_data_request: Option<String>,
    /// 10, the merchant's tax number.
    pub merchant_tax_id: Option<String>,
    /// 11, the channel: medium, location, presence.
    pub merchant_channel: Option<String>,
    /// 12–49, reserved for future use.
    pub reserved: Vec<(Tag, String)>,
    /// 50–99, payment system specific, as text.
    pub payment_systems: Vec<(Tag, String)>,
}

impl AdditionalData {
    fn read(object: &DataObject) -> Self {
        let text = |number: u8| present(object.part(Tag::of(number)));
        let range = |low: u8, high: u8| {
            let parts = object.parts.iter().filter(move |part| (low..=high).contains(&part.tag.number()));
            parts.map(|part| (part.tag, part.value.clone())).collect()
        };
        Self {
            bill_number: text(1),
            mobile_number: text(2),
            store_label: text(3),
            loyalty_number: text(4),
            reference_label: text(5),
            customer_label: text(6),
            terminal_label: text(7),
            purpose: text(8),
            consumer_data_request: text(9),
            merchant_tax_id: text(10),
            merchant_channel: text(11),
            reserved: range(12, 49),
            payment_systems: range(50, 99),
        }
    }

    pub(crate) fn fields(&self) -> Vec<(Tag, String)> {
        let named = [
            &self.bill_number,
            &self.mobile_number,
            &self.store_label,
            &self.loyalty_number,
            &self.reference_label,
            &self.customer_label,
            &self.terminal_label,
            &self.purpose,
            &self.consumer_data_request,
            &self.merchant_tax_id,
            &self.merchant_channel,
        ];
        let numbered = named
            .into_iter()
            .zip(1_u8..)
            .filter_map(|(value, number)| value.as_ref().map(|value| (Tag::of(number), value.clone())));
        numbered.chain(self.reserved.iter().cloned()).chain(self.payment_systems.iter().cloned()).collect()
    }
}

/// Tag 64, Merchant Information – Language Template (table "Language Template").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LanguageTemplate {
    /// 00, ISO 639 code of the language.
    pub language: String,
    /// 01, the merchant's name in that language.
    pub name: String,
    /// 02, the city in that language.
    pub city: Option<String>,
    /// 03–99, reserved for future use.
    pub reserved: Vec<(Tag, String)>,
}

impl LanguageTemplate {
    fn read(object: &DataObject) -> Self {
        let text = |number: u8| object.part(Tag::of(number));
        let others = object.parts.iter().filter(|part| part.tag.number() > 2);
        Self {
            language: text(0).unwrap_or_default().to_owned(),
            name: text(1).unwrap_or_default().to_owned(),
            city: present(text(2)),
            reserved: others.map(|part| (part.tag, part.value.clone())).collect(),
        }
    }
}

/// One of 80–99 (table "Unreserved Templates").
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unreserved {
    /// A template, as the specification wants it.
    Template(Template),
    /// Something else, kept as text.
    Text {
        /// The tag.
        tag: Tag,
        /// The value.
        value: String,
    },
}

/// What a payload says. Mandatory data is optional here because national profiles omit it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Content {
    /// 01; absent means that the code does not say.
    pub initiation: Option<Initiation>,
    /// 02–51 in their order.
    pub accounts: Vec<MerchantAccount>,
    /// 52, ISO 18245.
    pub category: Option<String>,
    /// 53, the three digits of ISO 4217.
    pub currency_number: Option<String>,
    /// 54, as written.
    pub amount: Option<String>,
    /// 55–57; a fee that the indicator does not ask for is not here.
    pub tip: Option<Tip>,
    /// 58, ISO 3166-1.
    pub country: Option<String>,
    /// 59.
    pub name: Option<String>,
    /// 60.
    pub city: Option<String>,
    /// 61.
    pub postal_code: Option<String>,
    /// 62.
    pub additional: Option<AdditionalData>,
    /// 64.
    pub language: Option<LanguageTemplate>,
    /// 65–79, reserved for future use.
    pub reserved: Vec<(Tag, String)>,
    /// 80–99 in their order.
    pub unreserved: Vec<Unreserved>,
}

impl Content {
    pub(crate) fn read(objects: &[DataObject]) -> Self {
        let find = |tag: Tag| objects.iter().find(|object| object.tag == tag);
        let text = |tag: Tag| present(find(tag).map(DataObject::value));
        let accounts = objects.iter().filter(|object| object.tag.is_merchant_account());
        let reserved = objects.iter().filter(|object| object.tag.is_reserved());
        let unreserved = objects.iter().filter(|object| object.tag.is_unreserved());
        Self {
            initiation: match text(Tag::INITIATION).as_deref() {
                Some("11") => Some(Initiation::Static),
                Some("12") => Some(Initiation::Dynamic),
                _ => None,
            },
            accounts: accounts.map(read_account).collect(),
            category: text(Tag::CATEGORY),
            currency_number: text(Tag::CURRENCY),
            amount: text(Tag::AMOUNT),
            tip: match text(Tag::TIP).as_deref() {
                Some("01") => Some(Tip::Ask),
                Some("02") => text(Tag::FIXED_FEE).map(Tip::Fixed),
                Some("03") => text(Tag::PERCENT_FEE).map(Tip::Percentage),
                _ => None,
            },
            country: text(Tag::COUNTRY),
            name: text(Tag::NAME),
            city: text(Tag::CITY),
            postal_code: text(Tag::POSTAL_CODE),
            additional: find(Tag::ADDITIONAL).map(AdditionalData::read),
            language: find(Tag::LANGUAGE).map(LanguageTemplate::read),
            reserved: reserved.map(|object| (object.tag, object.value.clone())).collect(),
            unreserved: unreserved.map(read_unreserved).collect(),
        }
    }

    /// The currency of tag 53, when it is one in which money can be held.
    #[must_use]
    pub fn currency(&self) -> Option<Currency> {
        rules::currency(self.currency_number.as_deref()?)
    }

    /// The scheme template with this globally unique identifier, letter case aside.
    #[must_use]
    pub fn account(&self, guid: &str) -> Option<&Template> {
        self.accounts.iter().find_map(|account| match account {
            MerchantAccount::Scheme(template) if template.guid.eq_ignore_ascii_case(guid) => Some(template),
            _ => None,
        })
    }
}

fn read_account(object: &DataObject) -> MerchantAccount {
    if object.tag.is_account_template() {
        MerchantAccount::Scheme(Template::read(object))
    } else {
        MerchantAccount::Network { tag: object.tag, value: object.value.clone() }
    }
}

fn read_unreserved(object: &DataObject) -> Unreserved {
    if object.parts.is_empty() {
        Unreserved::Text { tag: object.tag, value: object.value.clone() }
    } else {
        Unreserved::Template(Template::read(object))
    }
}

fn present(value: Option<&str>) -> Option<String> {
    value.filter(|value| !value.is_empty()).map(str::to_owned)
}
