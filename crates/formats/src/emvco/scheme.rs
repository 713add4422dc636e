//! National schemes that build on the specification and depart from it in known ways, each by name.
//!
//! A departure is accepted only from a payload that shows the scheme's own mark, and only if it is in the scheme's row
//! here; everything else stays a defect. A scheme may also ask for more than the specification: see
//! [`Scheme::refusal`].

use super::check::find;
use super::fault::{Defect, Fault};
use super::tag::Tag;
use super::tlv::DataObject;

/// A national scheme that is known here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Thailand: credit transfer and bill payment; omits 52, 59, 60.
    PromptPay,
    /// Vietnam, NAPAS: transfer to an account or card; omits 52, 59, 60.
    VietQr,
    /// Vietnam, VNPay at merchants; omits 52, 59, 60.
    VnpayMerchant,
    /// Vietnam, VNPay wallet to wallet: 02–11 only, with an initiation method of its own.
    VnpayWallet,
    /// Vietnam, electricity bills: names longer than 25 characters.
    EvnBill,
    /// Brazil: static codes without merchant data of the card world may omit 52, 59, 60; the amount may be zero.
    Pix,
    /// Cambodia: the merchant category may have letters; only riel and US dollar; no empty values.
    Khqr,
}

/// A payload accepted under a scheme's name, with every departure from the specification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// The scheme.
    pub scheme: Scheme,
    /// Mandatory data objects that are not there.
    pub omitted: Vec<Tag>,
    /// Other departures.
    pub departures: Vec<Defect>,
}

/// Why a scheme itself would refuse a payload that the specification allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SchemeRefusal {
    /// The scheme does not clear this currency.
    Currency,
    /// The scheme does not allow empty data objects.
    EmptyValue,
}

impl SchemeRefusal {
    /// A sentence without subject: what the scheme does not allow.
    #[must_use]
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Currency => "the scheme does not clear this currency",
            Self::EmptyValue => "the scheme does not allow empty values",
        }
    }
}

impl Scheme {
    /// Every scheme known here, in the order in which they are recognised.
    pub const ALL: [Self; 7] =
        [Self::PromptPay, Self::VietQr, Self::VnpayMerchant, Self::VnpayWallet, Self::EvnBill, Self::Pix, Self::Khqr];

    /// The scheme's name for people and reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::PromptPay => "PromptPay",
            Self::VietQr => "VietQR",
            Self::VnpayMerchant => "VNPay",
            Self::VnpayWallet => "VNPay wallet",
            Self::EvnBill => "EVN bill",
            Self::Pix => "Pix",
            Self::Khqr => "KHQR",
        }
    }

    /// The scheme whose mark the payload shows.
    #[must_use]
    pub fn recognise(objects: &[DataObject]) -> Option<Self> {
        Self::ALL.into_iter().find(|scheme| scheme.marks(objects))
    }

    fn marks(self, objects: &[DataObject]) -> bool {
        let guid = |test: fn(&str) -> bool| {
            let templates = objects.iter().filter(|object| object.tag.is_account_template());
            templates.filter_map(|template| template.part(Tag::GUID)).any(test)
        };
        let root = |tag: Tag| find(objects, tag).map(DataObject::value);
        let country = root(Tag::COUNTRY);
        match self {
            Self::PromptPay => guid(|id| id.starts_with("A000000677")),
            Self::VietQr => guid(|id| id == "A000000727"),
            Self::VnpayMerchant => guid(|id| id == "A000000775"),
            Self::VnpayWallet => root(Tag::of(4)) == Some("VNPayWallet"),
            Self::EvnBill => country == Some("VN") && guid(|id| id == "00"),
            Self::Pix => guid(|id| id.eq_ignore_ascii_case("br.gov.bcb.pix")),
            Self::Khqr => {
                let bakong = [29, 30].into_iter().filter_map(|tag| find(objects, Tag::of(tag)));
                country == Some("KH") && bakong.filter_map(|o| o.part(Tag::GUID)).any(|id| id.contains('@'))
            }
        }
    }

    /// Whether the scheme is known to depart from the specification in this way.
    #[must_use]
    pub fn tolerates(self, defect: &Defect) -> bool {
        let on = |tags: &[Tag]| tags.iter().any(|tag| defect.path.is_root(*tag));
        match (self, &defect.fault) {
            (Self::PromptPay | Self::VietQr | Self::VnpayMerchant | Self::Pix, Fault::Missing) => {
                on(&[Tag::CATEGORY, Tag::NAME, Tag::CITY])
            }
            // A withdrawal or a charge at the provider's address has no amount of its own (Manual do BR Code, table 1).
            (Self::Pix, Fault::ZeroAmount) => on(&[Tag::AMOUNT]),
            (Self::VnpayWallet, Fault::Missing) => {
                on(&[Tag::CATEGORY, Tag::CURRENCY, Tag::COUNTRY, Tag::NAME, Tag::CITY])
            }
            (Self::VnpayWallet, Fault::Initiation) => on(&[Tag::INITIATION]),
            (Self::EvnBill, Fault::Length { min: 1, found, .. }) => *found > 0 && on(&[Tag::NAME]),
            (Self::Khqr, Fault::NotDigits) => on(&[Tag::CATEGORY]),
            _ => false,
        }
    }

    /// Why the scheme's own rules refuse a payload that the specification allows, if they do. A wallet of another
    /// scheme need not care; one that clears through this scheme does.
    #[must_use]
    pub fn refusal(self, objects: &[DataObject]) -> Option<SchemeRefusal> {
        if self != Self::Khqr {
            return None;
        }
        let currency = find(objects, Tag::CURRENCY).map(DataObject::value);
        let empty = |object: &DataObject| object.parts.iter().any(|part| part.value.is_empty());
        if !matches!(currency, Some("116" | "840")) {
            return Some(SchemeRefusal::Currency);
        }
        objects.iter().any(empty).then_some(SchemeRefusal::EmptyValue)
    }

    /// The profile under which the payload is accepted, if the scheme tolerates every one of its defects.
    #[must_use]
    pub(crate) fn profile(self, defects: &[Defect]) -> Option<Profile> {
        if defects.is_empty() || !defects.iter().all(|defect| self.tolerates(defect)) {
            return None;
        }
        let (missing, departures): (Vec<_>, Vec<_>) =
            defects.iter().cloned().partition(|defect| defect.fault == Fault::Missing);
        let omitted = missing.iter().filter_map(|defect| defect.path.tags().last()).collect();
        Some(Profile { scheme: self, omitted, departures })
    }
}
