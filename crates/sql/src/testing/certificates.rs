//! Certificates for tests, made by the `openssl` program, which Debian's package of PostgreSQL brings along.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// An authority in a folder of its own.
pub struct Authority {
    folder: PathBuf,
}

/// A certificate with its key.
pub struct Pair {
    /// The certificate's file.
    pub certificate: PathBuf,
    /// The key's file.
    pub key: PathBuf,
}

/// What `openssl ca` needs to know.
const SETTINGS: &str = "[ca]\ndefault_ca = own\n[own]\ndatabase = index.txt\nnew_certs_dir = .\nrand_serial = yes\n\
    default_md = sha256\npolicy = any\ncopy_extensions = copy\nunique_subject = no\n[any]\ncommonName = supplied\n";

impl Authority {
    /// Makes one in a folder that is not there yet.
    ///
    /// # Errors
    /// When `openssl` is missing or fails.
    pub fn make(folder: &Path) -> io::Result<Self> {
        std::fs::create_dir(folder)?;
        std::fs::write(folder.join("index.txt"), "")?;
        std::fs::write(folder.join("ca.conf"), SETTINGS)?;
        let authority = Self { folder: folder.to_owned() };
        let subject = format!("/CN=authority {}", folder.file_name().unwrap_or_default().display());
        let own = ["req", "-x509", "-nodes", "-days", "2", "-subj", &subject, "-keyout", "ca.key"];
        authority.openssl(own.iter().chain(KEY).chain(&["-out", "ca.pem"]))?;
        Ok(authority)
    }

    /// The file of its certificate.
    #[must_use]
    pub fn file(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }

    /// A certificate for a name (such as `DNS:localhost`, or a user's), valid today or only years ago.
    ///
    /// # Errors
    /// When `openssl` fails.
    pub fn sign(&self, name: &str, valid: bool) -> io::Result<Pair> {
        let file = name.replace([':', '.', ','], "-") + if valid { "" } else { "-expired" };
        let file = |end: &str| format!("{file}.{end}");
        let (key, request, certificate) = (file("key"), file("csr"), file("pem"));
        let subject = format!("/CN={}", name.split(':').next_back().unwrap_or(name));
        let alternative =
            format!("subjectAltName={}", if name.contains(':') { name.to_owned() } else { format!("DNS:{name}") });
        let asked = ["req", "-nodes", "-subj", &subject, "-addext", &alternative, "-keyout", &key, "-out", &request];
        self.openssl(asked.iter().chain(KEY))?;
        let dates: &[&str] =
            if valid { &["-days", "2"] } else { &["-startdate", "20010101000000Z", "-enddate", "20020101000000Z"] };
        let signed = ["ca", "-batch", "-config", "ca.conf", "-cert", "ca.pem", "-keyfile", "ca.key", "-notext"];
        self.openssl(signed.iter().chain(dates).chain(&["-in", &request, "-out", &certificate]))?;
        Ok(Pair { certificate: self.folder.join(certificate), key: self.folder.join(key) })
    }

    fn openssl<'w>(&self, words: impl Iterator<Item = &'w &'w str>) -> io::Result<()> {
        let done = Command::new("openssl").args(words).current_dir(&self.folder).output()?;
        if done.status.success() {
            return Ok(());
        }
        Err(io::Error::other(format!("openssl: {}", String::from_utf8_lossy(&done.stderr))))
    }
}

const KEY: &[&str] = &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];
