//! The store's tables. Each has one owning file; SQL users read balances from the views, never from tables.

use sql::Migration;

/// The store's part of the schema's history, versions 1 to 9.
pub const MIGRATIONS: &[Migration] = &[
    Migration { version: 1, name: "journal", sql: JOURNAL },
    Migration { version: 2, name: "jobs by kind", sql: JOBS_BY_KIND },
    Migration { version: 3, name: "why a job failed", sql: "ALTER TABLE job ADD COLUMN error TEXT;" },
    Migration { version: 6, name: "several nodes", sql: SEVERAL_NODES },
];

/// Whoever does jobs asks for those of his own kinds: a backlog of others is not walked through.
const JOBS_BY_KIND: &str = "CREATE INDEX job_kind ON job(kind, due, no); DROP INDEX job_due;";

/// `news` are what a group tells other nodes (see `heard`); `fence` and `until` of a job are its lease (see `leases`). An embedded
/// database leaves them as they are here.
const SEVERAL_NODES: &str = "
CREATE TABLE news(
  grp INTEGER NOT NULL, kind INTEGER NOT NULL, subject BLOB NOT NULL, PRIMARY KEY (grp, kind, subject)
) STRICT, WITHOUT ROWID;
ALTER TABLE head ADD COLUMN news INTEGER NOT NULL DEFAULT 0;
ALTER TABLE job ADD COLUMN fence INTEGER NOT NULL DEFAULT 0;
ALTER TABLE job ADD COLUMN until INTEGER NOT NULL DEFAULT 0;
";

/// `account_slice` and `group_slice` hold what the rules need of accounts and limit groups, 256 rows to a blob (see `slices`).
/// They lag behind the journal (see `rolling`): each row in them is right for the line that it names as its last, and lines
/// after the watermark are folded on start; their version is the group that wrote them, on a server. `head` and `group_mark`
/// give the groups of several nodes one order (see `head`); an embedded database leaves them empty. `journal` rows carry both accounts' balances after them; the views add up what
/// the journal says, at the cost of reading it.
const JOURNAL: &str = "
CREATE TABLE tenant(
  only_row INTEGER PRIMARY KEY CHECK (only_row = 1), id BLOB NOT NULL, zone TEXT NOT NULL, sandbox INTEGER NOT NULL,
  clock_offset INTEGER NOT NULL, created INTEGER NOT NULL
) STRICT;

CREATE TABLE account(
  no INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, book INTEGER NOT NULL, class INTEGER NOT NULL, gl_code TEXT NOT NULL,
  product TEXT NOT NULL, owner BLOB, floor INTEGER, freezes INTEGER NOT NULL, frozen INTEGER NOT NULL,
  closed INTEGER NOT NULL, group_own INTEGER NOT NULL, group_owner INTEGER NOT NULL, receivable INTEGER NOT NULL,
  opened INTEGER NOT NULL
) STRICT;
CREATE TABLE account_slice(no INTEGER PRIMARY KEY, rows BLOB NOT NULL, version INTEGER NOT NULL) STRICT;

CREATE TABLE journal(
  seq INTEGER PRIMARY KEY, entry INTEGER NOT NULL, action INTEGER NOT NULL, debit INTEGER NOT NULL,
  credit INTEGER NOT NULL, amount INTEGER NOT NULL, released INTEGER NOT NULL, hold INTEGER NOT NULL,
  counted INTEGER NOT NULL, day INTEGER NOT NULL, debit_posted INTEGER NOT NULL, debit_held INTEGER NOT NULL,
  credit_posted INTEGER NOT NULL, credit_held INTEGER NOT NULL, debit_prev INTEGER NOT NULL,
  credit_prev INTEGER NOT NULL, flags INTEGER NOT NULL, seconds INTEGER, asked INTEGER, id BLOB, kind INTEGER, version INTEGER, booking INTEGER, value INTEGER, at INTEGER,
  actor BLOB, channel INTEGER, cause BLOB, policy INTEGER, reverses INTEGER
) STRICT;
CREATE TABLE entry_index(h INTEGER NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (h, seq)) STRICT, WITHOUT ROWID;

CREATE TABLE hold(
  id BLOB PRIMARY KEY, seq INTEGER NOT NULL, debit INTEGER NOT NULL, credit INTEGER NOT NULL, amount INTEGER NOT NULL,
  remaining INTEGER NOT NULL, captured INTEGER NOT NULL, state INTEGER NOT NULL, expires INTEGER, counted INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE limit_profile(
  no INTEGER PRIMARY KEY, out_movement INTEGER, out_day INTEGER, out_month INTEGER, out_year INTEGER,
  in_movement INTEGER, in_day INTEGER, in_month INTEGER, in_year INTEGER, balance INTEGER
) STRICT;
CREATE TABLE limit_own(
  no INTEGER PRIMARY KEY, out_movement INTEGER, out_day INTEGER, out_month INTEGER, out_year INTEGER,
  in_movement INTEGER, in_day INTEGER, in_month INTEGER, in_year INTEGER, balance INTEGER
) STRICT;
CREATE TABLE limit_group(no INTEGER PRIMARY KEY, profile INTEGER NOT NULL, owner BLOB) STRICT;
CREATE TABLE group_slice(no INTEGER PRIMARY KEY, rows BLOB NOT NULL, version INTEGER NOT NULL) STRICT;

CREATE TABLE idempotency(
  seq INTEGER PRIMARY KEY, key BLOB NOT NULL, fingerprint BLOB NOT NULL, at INTEGER NOT NULL, response BLOB NOT NULL
) STRICT;
CREATE TABLE idempotency_index(h INTEGER NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (h, seq)) STRICT, WITHOUT ROWID;

CREATE TABLE event(
  no INTEGER PRIMARY KEY, at INTEGER NOT NULL, kind TEXT NOT NULL, version INTEGER NOT NULL, owner BLOB,
  subject BLOB NOT NULL, body TEXT NOT NULL
) STRICT;
CREATE TABLE event_index(h INTEGER NOT NULL, no INTEGER NOT NULL, PRIMARY KEY (h, no)) STRICT, WITHOUT ROWID;

CREATE TABLE job(
  no INTEGER PRIMARY KEY AUTOINCREMENT, due INTEGER NOT NULL, kind TEXT NOT NULL, subject BLOB NOT NULL, attempts INTEGER NOT NULL
) STRICT;
CREATE INDEX job_due ON job(due, no);
CREATE INDEX job_subject ON job(subject);

CREATE TABLE head(
  only_row INTEGER PRIMARY KEY CHECK (only_row = 1), grp INTEGER NOT NULL, token BLOB NOT NULL, terms INTEGER NOT NULL,
  line INTEGER NOT NULL, key INTEGER NOT NULL, event INTEGER NOT NULL, now INTEGER NOT NULL
) STRICT;
CREATE TABLE group_mark(no INTEGER PRIMARY KEY, token BLOB NOT NULL) STRICT;
CREATE TABLE watermark(name TEXT PRIMARY KEY, line INTEGER NOT NULL) STRICT, WITHOUT ROWID;

CREATE VIEW posting AS
  SELECT seq, entry, 'debit' AS side, debit AS account, CASE action WHEN 1 THEN amount WHEN 3 THEN amount ELSE 0 END AS amount,
    debit_posted AS posted_after, debit_held AS held_after, debit_prev AS previous FROM journal
  UNION ALL
  SELECT seq, entry, 'credit', credit, CASE action WHEN 1 THEN amount WHEN 3 THEN amount ELSE 0 END,
    credit_posted, credit_held, credit_prev FROM journal;

CREATE VIEW balance AS
  SELECT a.no, a.id, a.gl_code, a.owner, (CASE WHEN a.class IN (1, 5) THEN 1 ELSE -1 END) * COALESCE(p.net, 0) AS posted
  FROM account a LEFT JOIN (SELECT account, sum(CASE side WHEN 'debit' THEN amount ELSE -amount END) AS net
    FROM posting GROUP BY account) p ON p.account = a.no;
";
