//! Moments and dates. A timestamp, a booking date and a value date are three types: when it happened, on which day of the
//! books it counts, from which day it bears value.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use std::fmt;

/// A moment: microseconds since 1970-01-01T00:00:00Z. The precision of the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

/// Where "now" comes from. The system's clock, a sandbox's movable clock, or a test's.
pub trait Clock: Send + Sync {
    /// The present moment.
    fn now(&self) -> Timestamp;
}

/// A text is not an RFC 3339 timestamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseTimestampError;

/// A name is not a time zone of the IANA database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ZoneError;

impl fmt::Display for ParseTimestampError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a time is written as in RFC 3339, such as 2026-11-22T08:30:00Z")
    }
}

impl fmt::Display for ZoneError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a time zone is named as in the IANA database, such as Asia/Shanghai")
    }
}

impl std::error::Error for ParseTimestampError {}
impl std::error::Error for ZoneError {}

impl Timestamp {
    /// So many microseconds after 1970 began.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since 1970 began.
    #[must_use]
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// So many seconds later (earlier when negative), stopping at the ends of the range.
    #[must_use]
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(1_000_000)))
    }

    /// Reads RFC 3339 text with any offset.
    ///
    /// # Errors
    /// When the text is anything else.
    pub fn parse(text: &str) -> Result<Self, ParseTimestampError> {
        let moment: jiff::Timestamp = text.parse().map_err(|_| ParseTimestampError)?;
        Ok(Self(moment.as_microsecond()))
    }

    fn to_jiff(self) -> jiff::Timestamp {
        // Whole seconds: the range of jiff's microseconds ends before that of its nanoseconds.
        let [earliest, latest] = [jiff::Timestamp::MIN, jiff::Timestamp::MAX].map(|end| end.as_second() * 1_000_000);
        let clamped = self.0.clamp(earliest, latest);
        jiff::Timestamp::from_microsecond(clamped).expect("clamped to the range")
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC with microseconds as far as needed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.to_jiff(), f)
    }
}

/// A time zone of the IANA database, chosen by the tenant.
#[derive(Clone, Debug)]
pub struct ZoneName(TimeZone, String);

impl ZoneName {
    /// Looks a zone up by name, such as `Asia/Shanghai`.
    ///
    /// # Errors
    /// When there is no such zone.
    pub fn parse(name: &str) -> Result<Self, ZoneError> {
        Ok(Self(TimeZone::get(name).map_err(|_| ZoneError)?, name.to_owned()))
    }

    /// The zone's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.1
    }

    /// The civil day in this zone that contains the moment.
    #[must_use]
    pub fn day_of(&self, at: Timestamp) -> BookingDate {
        BookingDate::from_civil(self.0.to_datetime(at.to_jiff()).date())
    }

    /// Seconds since midnight on the zone's clock face (0 to 86,399).
    #[must_use]
    pub fn second_of_day(&self, at: Timestamp) -> u32 {
        let time = self.0.to_datetime(at.to_jiff()).time();
        u32::try_from(i32::from(time.hour()) * 3600 + i32::from(time.minute()) * 60 + i32::from(time.second()))
            .unwrap_or(0)
    }

    /// The moment at which the civil day begins in this zone.
    #[must_use]
    pub fn start_of(&self, day: BookingDate) -> Timestamp {
        let midnight = self.0.to_zoned(day.civil().to_datetime(jiff::civil::Time::midnight()));
        Timestamp(midnight.map_or(0, |zoned| zoned.timestamp().as_microsecond()))
    }
}

macro_rules! date {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(i32);

        impl $name {
            /// The date so many days after 1970-01-01.
            #[must_use]
            pub const fn from_days(days: i32) -> Self {
                Self(days)
            }

            /// Days since 1970-01-01.
            #[must_use]
            pub const fn days(self) -> i32 {
                self.0
            }

            /// Year, month and day of the Gregorian calendar.
            #[must_use]
            pub fn ymd(self) -> (i16, u8, u8) {
                let date = self.civil();
                (date.year(), date.month().unsigned_abs(), date.day().unsigned_abs())
            }

            /// The date of this year, month and day, or nothing when there is none.
            #[must_use]
            pub fn from_ymd(year: i16, month: i8, day: i8) -> Option<Self> {
                Date::new(year, month, day).ok().map(Self::from_civil)
            }

            /// Reads `2026-11-22`, or nothing.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                if text.len() != 10 { return None; }
                text.parse::<Date>().ok().map(Self::from_civil)
            }

            /// The day of the week, Monday 1 to Sunday 7 (ISO 8601).
            #[must_use]
            pub fn weekday(self) -> u8 {
                self.civil().weekday().to_monday_one_offset().unsigned_abs()
            }

            /// So many days later (earlier when negative).
            #[must_use]
            pub const fn plus_days(self, days: i32) -> Self {
                Self(self.0.saturating_add(days))
            }

            fn civil(self) -> Date {
                let epoch = Date::constant(1970, 1, 1);
                epoch.saturating_add(jiff::Span::new().days(self.0.clamp(-700_000, 2_900_000)))
            }

            fn from_civil(date: Date) -> Self {
                let epoch = Date::constant(1970, 1, 1);
                Self(epoch.until(date).map_or(0, |span| span.get_days()))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.civil(), f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    };
}

date! {
    /// The day of the books on which an entry counts, by the tenant's cut-off and calendar.
    BookingDate
}

date! {
    /// The day from which money bears value for its holder.
    ValueDate
}
