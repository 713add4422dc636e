//! Whether a server does for a bank: looked at before anything is written, and at every later connection as far as it may
//! have become another server by a fail-over.
//!
//! A server that is too old, keeps texts in another encoding, or may lose what it said it had kept, is refused with what to do.
//! So is one whose clock is far from ours: the later of two nodes would give its moments to the other's entries.

use crate::connection::{Connection, Database};
use crate::error::SqlError;
use crate::server::Server;
use std::sync::atomic::Ordering;
use vocabulary::Clock;

/// The oldest release that its makers still mend, and the one that everything here is run on.
const OLDEST: i64 = 15;
/// How far a server's clock may be from ours, microseconds.
pub const MOST_SKEW: i64 = 2_000_000;

/// What a server says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Facts {
    version: i64,
    encoding: String,
    fsync: String,
    full_page_writes: String,
    synchronous_commit: String,
    user: String,
    database: String,
    schema: Option<String>,
    may_create: bool,
    stranger: Option<String>,
}

const FACTS: &str = "SELECT CAST(current_setting('server_version_num') AS BIGINT), current_setting('server_encoding'), \
    current_setting('fsync'), current_setting('full_page_writes'), current_setting('synchronous_commit'), \
    CAST(current_user AS TEXT), CAST(current_database() AS TEXT), CAST(current_schema() AS TEXT), \
    COALESCE(has_schema_privilege(current_schema(), 'CREATE'), false), (SELECT CAST(min(tablename) AS TEXT) FROM pg_tables \
    WHERE schemaname = current_schema() AND NOT pg_has_role(tableowner, 'USAGE'))";
const MOMENT: &str = "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)";
const DURABLE: &str = "SELECT current_setting('fsync') || ' ' || current_setting('full_page_writes') || ' ' || \
    current_setting('synchronous_commit')";

impl Facts {
    fn read(connection: &Connection) -> Result<Self, SqlError> {
        let found = connection.query_opt(FACTS, &[], |row| {
            Ok(Self {
                version: row.int(0)? / 10_000,
                encoding: row.text(1)?,
                fsync: row.text(2)?,
                full_page_writes: row.text(3)?,
                synchronous_commit: row.text(4)?,
                user: row.text(5)?,
                database: row.text(6)?,
                schema: row.opt_text(7)?,
                may_create: row.flag(8)?,
                stranger: row.opt_text(9)?,
            })
        })?;
        found.ok_or(SqlError::Corrupt("a server that says nothing of itself"))
    }

    /// What is wrong, and what to do.
    fn objection(&self) -> Option<String> {
        let (user, database) = (&self.user, &self.database);
        if self.version < OLDEST {
            return Some(format!(
                "the server is PostgreSQL {}; {OLDEST} is the oldest that is supported: upgrade it",
                self.version
            ));
        }
        if self.encoding != "UTF8" {
            let make = format!("CREATE DATABASE {database} OWNER {user} ENCODING 'UTF8' TEMPLATE template0");
            return Some(format!(
                "the database {database} keeps texts in {}, not in UTF8; make another: {make}",
                self.encoding
            ));
        }
        if let Some(what) = undurable(&self.fsync, &self.full_page_writes, &self.synchronous_commit) {
            return Some(what);
        }
        let Some(schema) = &self.schema else {
            return Some(format!(
                "no schema of the database's search_path is there for {user}; make one (CREATE SCHEMA jiaozi AUTHORIZATION {user}) \
                 and name it: ALTER ROLE {user} IN DATABASE {database} SET search_path = jiaozi"
            ));
        };
        if !self.may_create {
            return Some(format!(
                "{user} may not make tables in the schema {schema}; grant it: GRANT USAGE, CREATE ON SCHEMA {schema} TO {user}"
            ));
        }
        let table = self.stranger.as_ref()?;
        Some(format!(
            "the table {schema}.{table} belongs to somebody else; log in as its owner, or give it away: \
             ALTER TABLE {schema}.{table} OWNER TO {user}"
        ))
    }
}

fn undurable(fsync: &str, full_page_writes: &str, synchronous_commit: &str) -> Option<String> {
    let lost = "the server may lose what it said it had kept";
    if fsync != "on" {
        return Some(format!("{lost}: fsync is {fsync}; set it to on and start the server again"));
    }
    if full_page_writes != "on" {
        return Some(format!("{lost}: full_page_writes is {full_page_writes}; set it to on"));
    }
    (!["on", "remote_apply"].contains(&synchronous_commit)).then(|| {
        format!(
            "{lost}: synchronous_commit is {synchronous_commit} for us, though we set it to on; look for what sets it"
        )
    })
}

impl Database {
    /// Looks whether the server does; an embedded database always does. From then on every connection looks whether it still
    /// leads to one that keeps what it commits.
    ///
    /// # Errors
    /// `Refused`, with what to do; when it cannot be reached.
    pub fn vet(&self, clock: &dyn Clock) -> Result<(), SqlError> {
        let Self::Server(server) = self else { return Ok(()) };
        let connection = self.open_writer(0)?;
        if let Some(what) = Facts::read(&connection)?.objection() {
            return Err(SqlError::Refused(format!("{what} ({})", server.names().join(", "))));
        }
        let skew = skew(&connection, clock)?;
        if skew.abs() > MOST_SKEW {
            let (millis, direction) = (skew.abs() / 1_000, if skew > 0 { "ahead of" } else { "behind" });
            let seconds = format!("{}.{:03}", millis / 1_000, millis % 1_000);
            return Err(SqlError::Refused(format!(
                "the server's clock is {seconds} s {direction} ours, and at most {} s are allowed; set both by NTP",
                MOST_SKEW / 1_000_000
            )));
        }
        server.strict.store(true, Ordering::SeqCst);
        Ok(())
    }

    /// How far the server's clock is ahead of ours, microseconds; the time on the way is given to nobody's account.
    ///
    /// # Errors
    /// When it cannot be reached.
    pub fn clock_skew(&self, clock: &dyn Clock) -> Result<i64, SqlError> {
        skew(&self.open_reader()?, clock)
    }
}

fn skew(connection: &Connection, clock: &dyn Clock) -> Result<i64, SqlError> {
    let mut best = None;
    for _ in 0..3 {
        let before = clock.now().micros();
        let theirs = connection.number(MOMENT, &[])?;
        let after = clock.now().micros();
        // Their moment lies between ours: only what is beyond is skew.
        let beyond = if theirs < before { theirs - before } else { (theirs - after).max(0) };
        best = Some(best.map_or(beyond, |best: i64| if beyond.abs() < best.abs() { beyond } else { best }));
    }
    Ok(best.unwrap_or(0))
}

/// What every connection looks at once [`Database::vet`] was content: another server may answer now.
pub(crate) fn still_durable(server: &Server, connection: &Connection) -> Result<(), SqlError> {
    if !server.strict.load(Ordering::SeqCst) {
        return Ok(());
    }
    let found = connection.query_opt(DURABLE, &[], |row| row.text(0))?.unwrap_or_default();
    let mut words = found.split(' ');
    let mut next = || words.next().unwrap_or_default();
    undurable(next(), next(), next()).map_or(Ok(()), |what| Err(SqlError::Refused(what)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_objection_says_what_to_do() {
        let good = Facts {
            version: 15,
            encoding: "UTF8".to_owned(),
            fsync: "on".to_owned(),
            full_page_writes: "on".to_owned(),
            synchronous_commit: "remote_apply".to_owned(),
            user: "bank".to_owned(),
            database: "money".to_owned(),
            schema: Some("public".to_owned()),
            may_create: true,
            stranger: None,
        };
        assert_eq!(good.objection(), None);
        let cases: [(Facts, &str); 8] = [
            (Facts { version: 14, ..good.clone() }, "upgrade it"),
            (Facts { encoding: "LATIN1".to_owned(), ..good.clone() }, "ENCODING 'UTF8'"),
            (Facts { fsync: "off".to_owned(), ..good.clone() }, "fsync is off"),
            (Facts { full_page_writes: "off".to_owned(), ..good.clone() }, "full_page_writes is off"),
            (Facts { synchronous_commit: "local".to_owned(), ..good.clone() }, "synchronous_commit is local"),
            (Facts { schema: None, ..good.clone() }, "CREATE SCHEMA"),
            (Facts { may_create: false, ..good.clone() }, "GRANT USAGE, CREATE"),
            (Facts { stranger: Some("journal".to_owned()), ..good.clone() }, "OWNER TO bank"),
        ];
        for (facts, expected) in cases {
            let told = facts.objection().unwrap_or_default();
            assert!(told.contains(expected), "{told} is not about: {expected}");
        }
    }
}
