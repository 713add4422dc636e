//! The vault without HTTP: what is stored, what is refused, what a thief finds.

use crate::records;
use crate::{OVERLAP_SECONDS, OpenError, Options, Refused, Tidied, Trouble, UNCLAIMED_SECONDS, Vault};
use formats::card_link::{Described, LinkSecret, Question, Ticket};
use formats::jwe;
use formats::jwk::RsaKey;
use rails::FileVault;
use serde_json::json;
use sql::Connection;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use tempfile::TempDir;
use vocabulary::{Clock, Entropy, Id, Timestamp, kinds};

const PAN: &str = "4000123412341234";
const OTHER: &str = "5555555555554444";

struct Hand(AtomicI64);

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }
}

struct Seeded(AtomicU64);

impl Entropy for Seeded {
    fn fill(&self, buffer: &mut [u8]) {
        for byte in buffer {
            let mut z = self.0.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::SeqCst);
            z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            *byte = u8::try_from(z >> 56).expect("eight bits");
        }
    }
}

struct World {
    vault: Option<Vault>,
    clock: Arc<Hand>,
    entropy: Arc<Seeded>,
    folder: TempDir,
}

fn person(number: u128) -> Id<kinds::Customer> {
    Id::from_u128(number)
}

impl World {
    fn new() -> Self {
        let start = Timestamp::parse("2026-11-23T02:00:00Z").expect("a moment");
        let clock = Arc::new(Hand(AtomicI64::new(start.micros())));
        let folder = tempfile::tempdir().expect("a folder");
        let mut world = Self { vault: None, clock, entropy: Arc::new(Seeded(AtomicU64::new(7))), folder };
        world.vault = Some(world.open(world.folder.path()).expect("it opens"));
        world
    }

    fn open(&self, directory: &Path) -> Result<Vault, OpenError> {
        let entropy = Arc::clone(&self.entropy) as Arc<dyn Entropy>;
        let keys = FileVault::open(directory, Arc::clone(&entropy)).expect("a key file");
        Vault::open(Options {
            directory: directory.to_owned(),
            clock: Arc::clone(&self.clock) as Arc<dyn Clock>,
            entropy,
            keys: Arc::new(keys),
            secret: LinkSecret::new([5; 32]),
            key_days: 30,
        })
    }

    fn vault(&self) -> &Vault {
        self.vault.as_ref().expect("open")
    }

    fn advance(&self, seconds: i64) {
        self.clock.0.fetch_add(seconds * 1_000_000, Ordering::SeqCst);
    }

    fn ticket(&self, owner: u128, id: u128) -> String {
        let expires = self.clock.now().plus_seconds(300);
        LinkSecret::new([5; 32]).tickets().print(&Ticket { id, owner: person(owner), expires })
    }

    fn key(&self) -> RsaKey {
        self.vault().published().keys[0].key().expect("a key")
    }

    fn sealed(&self, details: &serde_json::Value) -> String {
        jwe::encrypt(&self.key(), details.to_string().as_bytes(), self.entropy.as_ref()).expect("encrypted")
    }

    fn bring(&self, owner: u128, id: u128, number: &str) -> Result<Described, Refused> {
        let ticket = self.ticket(owner, id);
        let details = json!({"ticket": ticket, "number": number, "expiry_month": 12, "expiry_year": 2030, "security_code": "987"});
        self.vault().take_in(&ticket, &self.sealed(&details))
    }

    /// Closes the vault and gives its file.
    fn closed(&mut self) -> Connection {
        self.vault = None;
        Connection::open_writer(&self.folder.path().join(crate::FILE_NAME), 1_024).expect("the file")
    }
}

fn question(card: &Described, owner: u128) -> Question {
    Question { token: card.token, owner: person(owner) }
}

fn code<T: std::fmt::Debug>(result: Result<T, Refused>) -> &'static str {
    result.expect_err("it is refused").code().as_str()
}

#[test]
fn the_same_number_is_the_same_token_for_its_owner_and_another_for_others() {
    let world = World::new();
    let first = world.bring(1, 1, PAN).expect("taken");
    assert_eq!((first.brand.as_str(), first.last4.as_str(), first.expiry_year), ("visa", "1234", 2030));
    let again = world.bring(1, 2, "4000 1234 1234 1234").expect("taken");
    assert_eq!(again.token, first.token);
    let other = world.bring(2, 3, PAN).expect("taken");
    assert_ne!(other.token, first.token);
    assert_ne!(world.bring(1, 4, OTHER).expect("taken").token, first.token);
    assert_eq!(world.vault().describe(&question(&first, 1)).expect("no trouble"), Some(first.clone()));
    assert_eq!(world.vault().describe(&question(&first, 2)).expect("no trouble"), None, "someone else's is none");
}

#[test]
fn a_ticket_brings_one_card_and_is_tried_five_times() {
    let world = World::new();
    let ticket = world.ticket(1, 1);
    let details = |number: &str| json!({"ticket": ticket, "number": number, "expiry_month": 1, "expiry_year": 2031});
    let try_it = |number: &str| world.vault().take_in(&ticket, &world.sealed(&details(number)));
    assert_eq!(code(try_it("4000123412341231")), "card_number_invalid");
    try_it(PAN).expect("a second try");
    assert_eq!(code(try_it(PAN)), "card_ticket_invalid");
    let spent = world.ticket(1, 2);
    for _ in 0..5 {
        assert_eq!(code(world.vault().take_in(&spent, "a.b.c.d.e")), "card_details_unreadable");
    }
    assert_eq!(code(world.vault().take_in(&spent, &world.sealed(&details(PAN)))), "card_ticket_invalid");
    world.advance(300);
    assert_eq!(code(try_it(PAN)), "card_ticket_invalid");
    assert_eq!(world.vault().tidy().expect("tidied").tickets, 2, "ended tickets are forgotten");
    assert_eq!(code(try_it(PAN)), "card_ticket_invalid", "and let nobody in all the same");
}

#[test]
fn a_message_is_worth_nothing_with_another_ticket() {
    let world = World::new();
    let (hers, his) = (world.ticket(1, 1), world.ticket(2, 2));
    let message = world.sealed(&json!({"ticket": hers, "number": PAN, "expiry_month": 1, "expiry_year": 2031}));
    assert_eq!(code(world.vault().take_in(&his, &message)), "card_details_unreadable");
    world.vault().take_in(&hers, &message).expect("with its own it is");
}

#[test]
fn details_that_are_wrong_are_refused_and_nothing_is_kept() {
    let mut world = World::new();
    for (id, (change, refused)) in [
        (json!({"number": "4000123412341231"}), "card_number_invalid"),
        (json!({"number": "9000123412341230"}), "card_number_invalid"),
        (json!({"expiry_month": 13}), "card_expired"),
        (json!({"expiry_year": 2025}), "card_expired"),
        (json!({"expiry_year": 2047}), "card_expired"),
        (json!({"security_code": "12"}), "card_code_invalid"),
        (json!({"security_code": 123}), "card_details_unreadable"),
        (json!({"number": 4_000_123_412_341_234_u64}), "card_details_unreadable"),
        (json!({"name": "Li"}), "card_details_unreadable"),
    ]
    .into_iter()
    .enumerate()
    {
        let ticket = world.ticket(1, id as u128);
        let mut details = json!({"ticket": ticket, "number": PAN, "expiry_month": 1, "expiry_year": 2031});
        for (name, value) in change.as_object().expect("an object") {
            details[name] = value.clone();
        }
        let result = world.vault().take_in(&ticket, &world.sealed(&details));
        assert_eq!(code(result), refused, "{change}");
    }
    assert_eq!(world.closed().number("SELECT count(*) FROM card", &[]).expect("read"), 0);
}

#[test]
fn a_destroyed_card_leaves_nothing_and_its_number_begins_anew() {
    let mut world = World::new();
    let first = world.bring(1, 1, PAN).expect("taken");
    world.vault().describe(&question(&first, 1)).expect("no trouble");
    world.vault().destroy(&question(&first, 2)).expect("no trouble");
    assert!(world.vault().describe(&question(&first, 1)).expect("no trouble").is_some(), "not by a stranger");
    world.vault().destroy(&question(&first, 1)).expect("no trouble");
    world.vault().destroy(&question(&first, 1)).expect("twice is once");
    assert_eq!(world.vault().describe(&question(&first, 1)).expect("no trouble"), None);
    assert_ne!(world.bring(1, 2, PAN).expect("taken").token, first.token);
    let left = "SELECT count(*) FROM card WHERE deleted IS NOT NULL AND number IS NULL AND wrapped IS NULL \
        AND expiry IS NULL AND fingerprint IS NULL AND last4 IS NULL";
    assert_eq!(world.closed().number(left, &[]).expect("read"), 1);
}

#[test]
fn what_nobody_links_within_a_day_is_destroyed() {
    let world = World::new();
    let (linked, left) = (world.bring(1, 1, PAN).expect("taken"), world.bring(1, 2, OTHER).expect("taken"));
    world.vault().describe(&question(&linked, 1)).expect("no trouble");
    world.advance(UNCLAIMED_SECONDS);
    assert_eq!(world.vault().tidy().expect("tidied").unclaimed, 0);
    world.bring(1, 3, OTHER).expect("brought again, it is kept for another day");
    world.advance(UNCLAIMED_SECONDS);
    assert_eq!(world.vault().tidy().expect("tidied").unclaimed, 0);
    world.advance(1);
    assert_eq!(world.vault().tidy().expect("tidied").unclaimed, 1);
    assert_eq!(world.vault().describe(&question(&left, 1)).expect("no trouble"), None);
    assert!(world.vault().describe(&question(&linked, 1)).expect("no trouble").is_some());
}

#[test]
fn the_key_for_details_is_replaced_and_the_old_one_decrypts_for_a_day() {
    let mut world = World::new();
    let old = world.key();
    world.advance(30 * 86_400 - 1);
    assert_eq!(world.vault().tidy().expect("tidied"), Tidied::default());
    world.advance(1);
    assert!(world.vault().tidy().expect("tidied").replaced);
    assert_eq!(world.vault().published().keys.len(), 1, "only the newest is published");
    assert_ne!(world.key(), old);
    let under_old = |world: &World, id: u128| {
        let ticket = world.ticket(1, id);
        let details = json!({"ticket": ticket, "number": PAN, "expiry_month": 1, "expiry_year": 2031}).to_string();
        let message = jwe::encrypt(&old, details.as_bytes(), world.entropy.as_ref()).expect("encrypted");
        world.vault().take_in(&ticket, &message)
    };
    under_old(&world, 1).expect("within the overlap");
    world.advance(OVERLAP_SECONDS);
    assert_eq!(code(under_old(&world, 2)), "card_details_unreadable", "not even before it is tidied away");
    assert_eq!(world.vault().tidy().expect("tidied").retired, 1);
    let new = world.key();
    world.vault = None;
    world.vault = Some(world.open(world.folder.path()).expect("it opens again"));
    assert_eq!(world.key(), new, "a restart changes no key");
    world.bring(1, 3, PAN).expect("taken");
}

#[test]
fn a_stolen_store_is_worth_nothing_without_its_key_file() {
    let mut world = World::new();
    world.bring(1, 1, PAN).expect("taken");
    world.vault = None;
    let elsewhere = tempfile::tempdir().expect("a folder");
    std::fs::copy(world.folder.path().join(crate::FILE_NAME), elsewhere.path().join(crate::FILE_NAME)).expect("copied");
    let refused = world.open(elsewhere.path()).map(drop).expect_err("other keys open nothing");
    assert!(matches!(refused, OpenError::Read(Trouble::Keys(ports::VaultError::Refused))), "{refused:?}");
}

#[test]
fn values_moved_to_other_rows_or_columns_do_not_open() {
    for (moved, column) in [
        ("UPDATE card SET number = (SELECT number FROM card WHERE last4 = '4444') WHERE last4 = '1234'", "number"),
        ("UPDATE card SET expiry = (SELECT expiry FROM card WHERE last4 = '4444') WHERE last4 = '1234'", "expiry"),
        ("UPDATE card SET number = expiry WHERE last4 = '1234'", "number"),
        ("UPDATE card SET fingerprint = zeroblob(32) WHERE last4 = '1234'", "number"),
        (
            "UPDATE card SET wrapped = (SELECT wrapped FROM card WHERE last4 = '4444'), number = (SELECT number FROM card \
             WHERE last4 = '4444'), expiry = (SELECT expiry FROM card WHERE last4 = '4444') WHERE last4 = '1234'",
            "",
        ),
        ("UPDATE card SET owner = (SELECT owner FROM card WHERE last4 = '4444') WHERE last4 = '1234'", "number"),
        ("UPDATE card SET key_version = 2 WHERE last4 = '1234'", ""),
    ] {
        let mut world = World::new();
        let hers = world.bring(1, 1, PAN).expect("taken");
        world.bring(2, 2, OTHER).expect("taken");
        let connection = world.closed();
        assert_eq!(connection.execute(moved, &[]).expect("changed"), 1, "{moved}");
        drop(connection);
        world.vault = Some(world.open(world.folder.path()).expect("it opens"));
        let owner = if moved.contains("SET owner") { 2 } else { 1 };
        let refused = world.vault().describe(&question(&hers, owner)).expect_err("it does not open");
        match refused {
            Trouble::Unsealed(found) => assert_eq!(found, column, "{moved}"),
            Trouble::Keys(ports::VaultError::Refused) => assert_eq!(column, "", "{moved}"),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_unit_that_fails_leaves_nothing() {
    let mut world = World::new();
    let connection = world.closed();
    let failed = records::unit(&connection, |connection| {
        records::mark_ticket(connection, 1, true, Timestamp::from_micros(0)).map_err(Trouble::from)?;
        Err::<(), _>(Trouble::Library("a reason"))
    });
    assert!(failed.is_err());
    assert_eq!(records::ticket(&connection, 1).expect("read"), (0, false));
}
