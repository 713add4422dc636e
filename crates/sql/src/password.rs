//! Where the password for a server comes from: the URL, a file of its own, or the file that PostgreSQL's own programs use.
//!
//! A password on a command line can be read by everybody on the machine, so the files are the way that is meant; whoever else
//! can read them is refused.

use crate::error::SqlError;
use std::fmt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Sources of a password, beside the URL.
#[derive(Clone, Default)]
pub struct Passwords {
    /// The password itself, as from a file of its own.
    alone: Option<String>,
    /// The lines of a file as in `~/.pgpass`.
    lines: Vec<String>,
}

impl fmt::Debug for Passwords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passwords(…)")
    }
}

impl Passwords {
    /// Reads the file that holds nothing but the password, or the file with a line for each server (`host:port:database:user:password`).
    ///
    /// # Errors
    /// `Refused` when a file cannot be read, or may be read by others.
    pub fn read(alone: Option<&Path>, lines: Option<&Path>) -> Result<Self, SqlError> {
        let alone = alone.map(private_text).transpose()?;
        let alone = alone.map(|text| text.trim_end_matches(['\n', '\r']).to_owned());
        if alone.as_deref() == Some("") {
            return Err(SqlError::Refused("the file of the database's password is empty".to_owned()));
        }
        let lines = lines.map(private_text).transpose()?.unwrap_or_default();
        Ok(Self { alone, lines: lines.lines().map(str::to_owned).collect() })
    }

    /// The password for `[host, port, database, user]`, if there is one.
    pub(crate) fn find(&self, in_url: Option<&[u8]>, wanted: &[&str; 4]) -> Result<Option<Vec<u8>>, SqlError> {
        match (in_url, &self.alone) {
            (Some(_), Some(_)) => {
                let what = "the database's password stands in the URL and in a file; take it out of the URL";
                Err(SqlError::Refused(what.to_owned()))
            }
            (Some(password), None) => Ok(Some(password.to_vec())),
            (None, Some(password)) => Ok(Some(password.clone().into_bytes())),
            (None, None) => Ok(self.lines.iter().find_map(|line| matching(line, wanted)).map(String::into_bytes)),
        }
    }
}

fn private_text(path: &Path) -> Result<String, SqlError> {
    let failed = |what: &str| SqlError::Refused(format!("the password file {} {what}", path.display()));
    let meta = std::fs::metadata(path).map_err(|error| failed(&format!("cannot be read: {error}")))?;
    // A file of root's may be read by its group, as secrets are handed to containers.
    let closed = if meta.uid() == 0 { 0o037 } else { 0o077 };
    if meta.mode() & closed != 0 {
        return Err(failed("may be read by others; run chmod 600 on it and change the password"));
    }
    std::fs::read_to_string(path).map_err(|error| failed(&format!("cannot be read: {error}")))
}

/// The password of a line whose first four fields fit; `*` fits everything, a backslash takes the next sign as it is.
fn matching(line: &str, wanted: &[&str; 4]) -> Option<String> {
    if line.starts_with('#') {
        return None;
    }
    let (mut fields, mut signs) = (vec![String::new()], line.chars());
    while let Some(sign) = signs.next() {
        match sign {
            '\\' => fields.last_mut()?.extend(signs.next()),
            ':' if fields.len() < 5 => fields.push(String::new()),
            _ => fields.last_mut()?.push(sign),
        }
    }
    let fits = fields.len() == 5 && fields.iter().zip(wanted).all(|(field, wanted)| field == "*" || field == wanted);
    fits.then(|| fields.pop()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_that_fits_gives_the_password() {
        let lines =
            ["# a note", "db1:5432:*:bank:wrong\\:one", "*:*:bank:bank:pa:ss\\\\word"].map(str::to_owned).to_vec();
        let passwords = Passwords { alone: None, lines };
        let find = |wanted: [&str; 4]| {
            passwords.find(None, &wanted).expect("no conflict").map(|p| String::from_utf8(p).unwrap())
        };
        assert_eq!(find(["db1", "5432", "any", "bank"]).as_deref(), Some("wrong:one"));
        assert_eq!(find(["db2", "5433", "bank", "bank"]).as_deref(), Some("pa:ss\\word"));
        assert_eq!(find(["db2", "5433", "bank", "other"]), None);
    }

    #[test]
    fn a_file_that_others_may_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("password");
        std::fs::write(&file, "secret\n").expect("written");
        let mode = |mode| std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).expect("changed");
        mode(0o604);
        let refused = Passwords::read(Some(&file), None).expect_err("it is open").to_string();
        assert!(refused.contains("chmod 600") && !refused.contains("secret"), "{refused}");
        mode(0o600);
        let passwords = Passwords::read(Some(&file), None).expect("it is closed");
        assert_eq!(passwords.find(None, &[""; 4]).expect("one source"), Some(b"secret".to_vec()));
        assert!(passwords.find(Some(b"other"), &[""; 4]).is_err(), "two passwords");
        assert_eq!(format!("{passwords:?}"), "Passwords(…)");
    }
}
