//! For tests: which engine they run on. With `JIAOZI_TEST_POSTGRES` set to a server's URL every data directory gets a schema
//! of its own there; without it the database is embedded.

pub mod certificates;
pub mod cluster;

use crate::connection::Database;
use crate::password::Passwords;
use crate::server::Server;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::sync::Arc;

/// The variable that names the server.
const SERVER: &str = "JIAOZI_TEST_POSTGRES";

/// The database on the server of a data directory, always the same; nothing when tests run embedded.
///
/// # Panics
/// When the server cannot be used.
#[must_use]
pub fn server_of(directory: &Path) -> Option<Database> {
    let url = std::env::var(SERVER).ok()?;
    let mut hasher = DefaultHasher::new();
    directory.hash(&mut hasher);
    let schema = format!("t_{:016x}", hasher.finish());
    let server = Server::parse(&url, &Passwords::default()).expect("JIAOZI_TEST_POSTGRES is a URL");
    let plain = Database::Server(Arc::new(server.clone())).open_writer(0).expect("the server of the tests answers");
    plain.execute_batch(&format!("CREATE SCHEMA IF NOT EXISTS {schema}")).expect("a schema");
    Some(Database::Server(Arc::new(server.with(&format!("-c search_path={schema}"), &schema))))
}
