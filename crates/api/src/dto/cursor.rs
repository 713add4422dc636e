//! Cursors: where the next page begins. Opaque: callers give them back as they got them.
//!
//! A cursor holds a letter for the list's kind, its position in sixteen bytes, and a check byte, in base 64 (RFC 4648,
//! section 5). It is not secret: the owner's filter is applied to every page anyway.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use edge::Problem;
use serde::Deserialize;
use utoipa::IntoParams;
use vocabulary::{ErrorCode, Id, Kind};

/// A position in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor(u128);

impl Cursor {
    /// The position after a row with this id.
    pub fn after<K: Kind>(id: Id<K>) -> Self {
        Self(id.as_u128())
    }

    /// The position after a row with this number.
    pub fn after_number(number: u64) -> Self {
        Self(u128::from(number))
    }

    /// Its text.
    pub fn print(self) -> String {
        let mut bytes = [0; 17];
        bytes[..16].copy_from_slice(&self.0.to_be_bytes());
        bytes[16] = check(self.0);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads its text.
    ///
    /// # Errors
    /// `invalid_cursor`.
    pub fn read(text: &str) -> Result<Self, Problem> {
        let no = || Problem::new(ErrorCode::InvalidCursor).at("cursor");
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| no())?;
        let (head, last) = bytes.split_first_chunk::<16>().ok_or_else(no)?;
        let position = u128::from_be_bytes(*head);
        if last == [check(position)] { Ok(Self(position)) } else { Err(no()) }
    }
}

fn check(position: u128) -> u8 {
    position.to_be_bytes().iter().fold(0x5A, |sum: u8, byte| sum.rotate_left(3) ^ byte)
}

/// How a list is asked for.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Listing {
    /// How many rows at most, 1 to 100; 20 when absent.
    #[param(minimum = 1, maximum = 100, example = 20)]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[param(max_length = 64)]
    pub cursor: Option<String>,
}

impl Listing {
    /// How many rows.
    ///
    /// # Errors
    /// `invalid_parameter` outside 1 to 100.
    pub fn rows(&self) -> Result<u32, Problem> {
        match self.limit {
            None => Ok(20),
            Some(limit @ 1..=100) => Ok(limit),
            Some(_) => Err(Problem::because(ErrorCode::InvalidParameter, "Send a limit from 1 to 100.").at("limit")),
        }
    }

    /// The row before which (in a list that begins with the newest) the page begins.
    ///
    /// # Errors
    /// `invalid_cursor`.
    pub fn before<K: Kind>(&self) -> Result<Option<Id<K>>, Problem> {
        let cursor = self.cursor.as_deref().map(Cursor::read).transpose()?;
        Ok(cursor.map(|cursor| Id::from_u128(cursor.0)))
    }

    /// The numbered row beyond which the page begins.
    ///
    /// # Errors
    /// `invalid_cursor`.
    pub fn number(&self) -> Result<Option<u64>, Problem> {
        let cursor = self.cursor.as_deref().map(Cursor::read).transpose()?;
        let number = |cursor: Cursor| u64::try_from(cursor.0).map_err(|_| Problem::new(ErrorCode::InvalidCursor));
        cursor.map(number).transpose()
    }
}
