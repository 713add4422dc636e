//! A certificate for one run of the demo: for this machine only, good for a week, its key never written down.

use crate::failure::Failure;
use crate::system::SystemClock;
use crate::way_in;
use edge::{Pair, Tls};
use rcgen::{CertificateParams, DnType, KeyPair, date_time_ymd};
use std::net::IpAddr;
use std::path::Path;
use vocabulary::{Clock, Timestamp, ZoneName};

const DAY: i64 = 86_400_000_000;

/// Makes one for `localhost`, this machine and the address, and writes it (without its key) to a file for clients to believe.
pub fn make(address: IpAddr, file: &Path) -> Result<Tls, Failure> {
    let cannot = |error: rcgen::Error| Failure::because("no certificate can be made for the demo", error);
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    if !names.contains(&address.to_string()) && !address.is_unspecified() {
        names.push(address.to_string());
    }
    let mut wanted = CertificateParams::new(names).map_err(cannot)?;
    wanted.distinguished_name.push(DnType::CommonName, "jiaozi demo");
    let utc = ZoneName::parse("UTC").map_err(|error| Failure::because("no certificate can be dated", error))?;
    let day = |from_now: i64| {
        let at = Timestamp::from_micros(SystemClock.now().micros() + from_now * DAY);
        let (year, month, day) = utc.day_of(at).ymd();
        date_time_ymd(year.into(), month, day)
    };
    (wanted.not_before, wanted.not_after) = (day(-1), day(7));
    let key = KeyPair::generate().map_err(cannot)?;
    let certificate = wanted.self_signed(&key).map_err(cannot)?.pem();
    std::fs::write(file, &certificate)
        .map_err(|error| Failure::because(format!("{} cannot be written", file.display()), error))?;
    let pair = Pair::of_pem(certificate.as_bytes(), key.serialize_pem().as_bytes())
        .map_err(|error| Failure::because("the demo's certificate cannot be used", error))?;
    way_in::encrypted(pair)
}
