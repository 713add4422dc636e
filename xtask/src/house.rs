//! The rules of the house as data. Everything that tidy compares the tree with stands here, and nothing else does.
//!
//! To change a rule, change its row and say why in the row. What is absent is forbidden: a crate that has no row fails,
//! and so does a use that a row does not name. How rows are compared with the tree is in the other files.

/// A crate of the workspace, the floor it stands on, and which of our own crates it may use.
pub struct Room {
    /// Folder under `crates/`; the package is `jiaozi-<folder>`, the library `<folder>`.
    pub name: &'static str,
    /// What a crate may use stands on a lower floor.
    pub floor: u8,
    /// Our own crates that its code may use.
    pub uses: &'static [&'static str],
    /// Our own crates that only its tests may use as well.
    pub tests_also: &'static [&'static str],
}

const fn room(
    name: &'static str,
    floor: u8,
    uses: &'static [&'static str],
    tests_also: &'static [&'static str],
) -> Room {
    Room { name, floor, uses, tests_also }
}

/// Who may use whom. `xtask` is no room: it uses none of our crates and none uses it.
pub const ROOMS: &[Room] = &[
    room("money", 0, &[], &[]),
    room("vocabulary", 0, &[], &[]),
    room("ledger", 1, &["money", "vocabulary"], &[]),
    room("formats", 1, &["money", "vocabulary"], &[]),
    // Between SQLite and the operating system: knows nothing of what is stored.
    room("pages", 0, &[], &[]),
    room("sql", 1, &["money", "vocabulary", "pages"], &[]),
    room("store", 2, &["money", "vocabulary", "ledger", "formats", "sql"], &[]),
    // Shares nothing with posting, or it would repeat posting's mistakes.
    room("checker", 2, &["money", "vocabulary", "sql"], &["ledger", "store", "pages"]),
    room("ports", 2, &["money", "vocabulary", "ledger", "formats"], &[]),
    room("bank", 3, &["money", "vocabulary", "ledger", "formats", "sql", "store", "ports"], &["checker", "rails"]),
    // The sandbox bank keeps books of its own, in a file of its own: hence `sql`, and never `store`.
    room("rails", 3, &["money", "vocabulary", "formats", "sql", "ports"], &[]),
    // Nothing but the executable may use it, and it may use nothing of the bank: whatever it touches is in the scope of card data.
    room("card-vault", 4, &["vocabulary", "formats", "sql", "ports"], &["rails"]),
    room("edge", 4, &["money", "vocabulary", "ledger", "formats", "bank"], &["sql", "store", "ports", "rails"]),
    room("api", 5, &["money", "vocabulary", "ledger", "formats", "bank", "edge"], &["sql", "store", "ports", "rails"]),
    room("demo", 6, BELOW_DEMO, &[]),
    room("bench", 6, BELOW_DEMO, &[]),
    room("jiaozi", 7, BELOW_JIAOZI, &[]),
    room("system-tests", 8, EVERYTHING, &[]),
];

const BELOW_DEMO: &[&str] =
    &["money", "vocabulary", "ledger", "formats", "sql", "store", "checker", "ports", "bank", "rails", "edge", "api"];
const BELOW_JIAOZI: &[&str] = &[
    "money",
    "vocabulary",
    "ledger",
    "formats",
    "sql",
    "store",
    "checker",
    "ports",
    "bank",
    "rails",
    "edge",
    "api",
    "demo",
    "bench",
    "card-vault",
];
const EVERYTHING: &[&str] = &[
    "money",
    "vocabulary",
    "ledger",
    "formats",
    "sql",
    "store",
    "checker",
    "ports",
    "bank",
    "rails",
    "edge",
    "api",
    "demo",
    "bench",
    "jiaozi",
    "card-vault",
];

/// A name that stays behind a fence: a library, a keyword, a type.
pub struct Fence {
    /// The name as it stands in code; a library's dashes are underscores.
    pub name: &'static str,
    /// The rooms the fence is about.
    pub at: At,
    /// Shown with the refusal.
    pub reason: &'static str,
}

/// Which rooms may or may not say a fenced name.
pub enum At {
    /// Only these may.
    Only(&'static [&'static str]),
    /// These may not.
    Never(&'static [&'static str]),
}

/// Fences. Tests of a crate may look over them, except over the one of floats (see [`FLOAT_FLOORS`]).
pub const FENCES: &[Fence] = &[
    Fence { name: "rusqlite", at: At::Only(&["sql", "pages"]), reason: "one choke point for the database; use `sql`" },
    Fence {
        name: "unsafe",
        at: At::Only(&["pages"]),
        reason: "SQLite calls one layer of ours through C, and that is all",
    },
    Fence { name: "libsqlite3_sys", at: At::Only(&[]), reason: "only rusqlite links SQLite" },
    Fence { name: "postgres", at: At::Only(&["sql"]), reason: "one choke point for the database; use `sql`" },
    Fence { name: "axum", at: At::Only(&["edge", "api", "jiaozi"]), reason: "HTTP is served on floors 4 to 7 only" },
    Fence {
        name: "reqwest",
        at: At::Only(&["rails", "api", "bench", "demo", "jiaozi", "system-tests"]),
        reason: "who calls out is a rail, a webhook or a test client",
    },
    Fence { name: "serde", at: At::Never(&["money", "ledger"]), reason: "wire forms belong to `api` and `formats`" },
    Fence {
        name: "serde_json",
        at: At::Never(&["money", "ledger"]),
        reason: "wire forms belong to `api` and `formats`",
    },
    Fence {
        name: "async",
        at: At::Never(&["money", "vocabulary", "ledger"]),
        reason: "a pure state machine waits for nothing",
    },
    Fence {
        name: "await",
        at: At::Never(&["money", "vocabulary", "ledger"]),
        reason: "a pure state machine waits for nothing",
    },
    Fence {
        name: "tokio",
        at: At::Never(&["money", "vocabulary", "ledger", "checker"]),
        reason: "no runtime down here",
    },
];

/// Crates that do not take over the workspace's lints but write out their own: (room, reason). The workspace forbids unsafe code,
/// which cannot be allowed again further in.
pub const OWN_LINTS: &[(&str, &str)] =
    &[("pages", "SQLite calls its layer through C; each unsafe block must say why it may")];
/// The lint that those must have, denied.
pub const LINT_OF_UNSAFE: &str = "undocumented_unsafe_blocks";

/// Types that would make money inexact.
pub const FLOATS: &[&str] = &["f32", "f64"];
/// Floats are forbidden up to this floor, in tests too.
pub const FLOAT_FLOORS: u8 = 3;
/// Files on those floors that may use floats, each with a reason.
pub const FLOAT_FILES: &[(&str, &str)] = &[];

/// Rooms where any file may hold SQL.
pub const SQL_ANYWHERE: &[&str] = &["sql", "store", "checker"];
/// Rooms where SQL stands in files named after `records` or migrations only; the rest holds none.
pub const SQL_IN_RECORDS: &[&str] = &["bank", "rails", "card-vault"];
/// Other files that hold SQL, each with a reason.
pub const SQL_FILES: &[(&str, &str)] = &[];
/// How a statement begins.
pub const SQL_BEGINNINGS: &[&str] =
    &["SELECT ", "INSERT ", "UPDATE ", "DELETE FROM ", "WITH ", "CREATE TABLE ", "PRAGMA "];

/// Tables written by more than one file: (table, files, reason). Any other table has one writing file.
pub const TABLES_WITH_SEVERAL_WRITERS: &[(&str, &[&str], &str)] = &[];

/// The most lines a `.rs` file may have.
pub const MAX_LINES: usize = 500;

/// Words that say nothing: no file or folder is called so or ends so.
pub const EMPTY_FILE_NAMES: &[&str] = &["utils", "helpers", "common", "manager"];
/// No identifier is called so or ends so. (Outside formats call fields "common", so that one is free here.)
pub const EMPTY_IDENTIFIERS: &[&str] = &["utils", "helpers", "manager"];

/// The word that means four things (see CONTRIBUTING.md, "Words").
pub const FOUR_MEANINGS: &[&str] = &["transaction", "transactions"];
/// Where that word may stand: (path prefix, reason).
pub const FOUR_MEANINGS_ALLOWED: &[(&str, &str)] = &[
    ("crates/formats/", "EMVCo, ISO 20022 and ISO 8583 name their fields with it"),
    ("crates/sql/", "rusqlite and SQL name their own feature with it"),
    ("crates/demo/src/replay/", "files of card rows have a column TRANSACTION_ID"),
    ("crates/jiaozi/src/replay.rs", "files of card rows have a column TRANSACTION_ID"),
    ("xtask/", "tidy has to name what it looks for"),
];

/// Macros that mark unfinished work.
pub const UNFINISHED: &[&str] = &["todo", "dbg", "unimplemented"];

/// First folders of absolute paths that exist on somebody's machine only.
pub const MACHINE_FOLDERS: &[&str] = &["work", "root", "home", "Users", "tmp"];
/// Where a scratch folder may be named: (path prefix, reason).
pub const MACHINE_FOLDERS_ALLOWED: &[(&str, &str)] = &[];

/// Words in a settings file, script or lock file that would tie the tree to somebody's mirror.
pub const MIRROR_WORDS: &[&str] =
    &["replace-with", "index-url", "artifactory", "jfrog", "registry = \"http", "GOPROXY", "npm_config_registry"];
/// The only source a locked package may have.
pub const LOCK_SOURCE: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// Error codes that no test can meet: (code, reason).
pub const CODES_WITHOUT_TEST: &[(&str, &str)] = &[];

/// Where the one table of error codes is.
pub const ERROR_TABLE: &str = "crates/vocabulary/src/error_code.rs";
/// The document generated from it.
pub const ERROR_DOCUMENT: &str = "docs/errors.md";
