//! The refresh token's form: `jzr_<session>.<generation>.<secret>.<seal>`.
//!
//! The secret is 260 random bits at first; each later one, and the access token beside it, is the keyed hash of the token that it
//! replaces. So a repeated refresh gives the same next tokens although only hashes are stored, and nobody computes one
//! without both the token before it and the vault. The seal is a keyed hash of the rest: by it a token is known as one of
//! ours long after it was replaced, so that using it again ends the session, while a forged one ends nothing.

use crate::sealed::Sealing;
use crate::tokens::{self, TokenHash};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use vocabulary::{Entropy, Id, Kind, Secret, kinds};

const PREFIX: &str = "jzr_";
/// No token of ours is longer.
const LONGEST: usize = 200;

const SEAL: &str = "session.refresh.seal";
const NEXT: &str = "session.refresh.next";
const ACCESS: &str = "session.refresh.access";

/// A refresh token of ours, its seal checked.
pub(super) struct RefreshToken {
    pub(super) session: Id<kinds::Session>,
    /// Before it the session was refreshed so many times.
    pub(super) generation: u32,
    secret: Secret<String>,
}

impl RefreshToken {
    /// The first one of a session.
    pub(super) fn first(session: Id<kinds::Session>, entropy: &dyn Entropy) -> Self {
        Self { session, generation: 0, secret: tokens::draw("", entropy) }
    }

    /// Reads a token; nothing when it is none of ours.
    pub(super) fn read(sealing: &Sealing, text: &str) -> Option<Self> {
        if text.len() > LONGEST {
            return None;
        }
        let (rest, seal) = text.strip_prefix(PREFIX)?.rsplit_once('.')?;
        let known = tokens::print(&sealing.hash(SEAL, rest));
        verify_slices_are_equal(known.as_bytes(), seal.as_bytes()).ok()?;
        let mut parts = rest.split('.');
        let id = format!("{}_{}", kinds::Session::PREFIX, parts.next()?);
        let session = Id::parse(&id).ok()?;
        let generation = parts.next()?.parse().ok()?;
        let secret = Secret::new(parts.next()?.to_owned());
        Some(Self { session, generation, secret })
    }

    fn body(&self) -> String {
        let id = self.session.to_string();
        let digits = id.rsplit_once('_').map_or("", |(_, digits)| digits);
        format!("{digits}.{}.{}", self.generation, self.secret.expose())
    }

    /// The token as it is given to its owner.
    pub(super) fn print(&self, sealing: &Sealing) -> Secret<String> {
        let body = self.body();
        Secret::new(format!("{PREFIX}{body}.{}", tokens::print(&sealing.hash(SEAL, &body))))
    }

    /// The hash of the secret, as it is stored.
    pub(super) fn secret_hash(&self) -> TokenHash {
        tokens::hash(self.secret.expose())
    }

    /// The token that takes its place, and the access token beside that.
    pub(super) fn next(&self, sealing: &Sealing) -> (Self, Secret<String>) {
        let body = self.body();
        let secret = Secret::new(tokens::print(&sealing.hash(NEXT, &body)));
        let access = Secret::new(format!("{}{}", super::ACCESS_PREFIX, tokens::print(&sealing.hash(ACCESS, &body))));
        (Self { session: self.session, generation: self.generation.saturating_add(1), secret }, access)
    }
}

#[cfg(test)]
mod tests {
    use super::{LONGEST, RefreshToken};
    use crate::testing::TestBank;

    #[test]
    fn a_token_reads_as_printed_and_no_changed_one_does() {
        let test = TestBank::new();
        let sealing = test.bank.sealing();
        let token = RefreshToken::first(test.bank.new_id(), test.bank.entropy());
        let (next, access) = token.next(sealing);
        for token in [&token, &next] {
            let text = token.print(sealing);
            let text = text.expose();
            assert!(text.len() < LONGEST, "{}", text.len());
            let read = RefreshToken::read(sealing, text).expect("it is ours");
            assert_eq!((read.session, read.generation), (token.session, token.generation));
            assert_eq!(read.secret_hash(), token.secret_hash());
            for place in 0..text.len() {
                let mut other = text.clone().into_bytes();
                other[place] ^= 1;
                let other = String::from_utf8(other).expect("still ASCII");
                assert!(RefreshToken::read(sealing, &other).is_none(), "changed at {place}");
            }
        }
        assert_eq!(next.generation, 1);
        assert_ne!(next.secret_hash(), token.secret_hash());
        assert!(access.expose().starts_with("jzs_") && access.expose().len() == 56);
        assert_eq!(token.next(sealing).1.expose(), access.expose(), "asked again, the same");
        for odd in ["", "jzr_", "jzr_....", "jzs_x", &"jzr_.".repeat(100)] {
            assert!(RefreshToken::read(sealing, odd).is_none());
        }
    }
}
