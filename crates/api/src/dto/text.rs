//! Times and days on the wire: RFC 3339.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, Schema, SchemaFormat, SchemaType, Type};
use utoipa::{PartialSchema, ToSchema};
use vocabulary::{BookingDate, Timestamp};

/// A moment: RFC 3339, printed in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(pub Timestamp);

/// A day of the bank's calendar: `2026-11-22`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Day(pub BookingDate);

impl From<Timestamp> for Moment {
    fn from(at: Timestamp) -> Self {
        Self(at)
    }
}

impl From<BookingDate> for Day {
    fn from(day: BookingDate) -> Self {
        Self(day)
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl Serialize for Day {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        Timestamp::parse(&text).map(Self).map_err(serde::de::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        read_day(&text).map(Self).ok_or_else(|| serde::de::Error::custom("a day is written like 2026-11-22"))
    }
}

fn read_day(text: &str) -> Option<BookingDate> {
    let bytes = text.as_bytes();
    let formed = bytes.len() == 10 && bytes[4] == b'-' && bytes[7] == b'-';
    let digits = bytes.iter().enumerate().all(|(at, byte)| at == 4 || at == 7 || byte.is_ascii_digit());
    if !formed || !digits {
        return None;
    }
    let (year, month, day) = (text[..4].parse().ok()?, text[5..7].parse().ok()?, text[8..].parse().ok()?);
    BookingDate::from_ymd(year, month, day)
}

fn text(format: KnownFormat, example: &str) -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(SchemaType::new(Type::String))
        .format(Some(SchemaFormat::KnownFormat(format)))
        .examples([example])
        .into()
}

impl PartialSchema for Moment {
    fn schema() -> RefOr<Schema> {
        text(KnownFormat::DateTime, "2026-11-22T08:30:00Z")
    }
}

impl PartialSchema for Day {
    fn schema() -> RefOr<Schema> {
        text(KnownFormat::Date, "2026-11-22")
    }
}

impl ToSchema for Moment {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Moment")
    }
}

impl ToSchema for Day {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Day")
    }
}
