//! Looking for texts that must not lie in clear, in files of any size, in the forms that programs leave them in.

use aho_corasick::AhoCorasick;
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use std::fs::File;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};
use vocabulary::Secret;

/// What was found.
#[derive(Debug, Default)]
pub struct Found {
    /// How many files were read.
    pub files: usize,
    /// Where something lay, without saying what: `bank.db (raw)`.
    pub hits: Vec<String>,
}

/// Key files hold secrets on purpose, and are looked at by who may read them.
const KEY_FILES: [&str; 1] = ["vault.key"];
/// Folders deeper than this are not entered.
const DEEPEST: usize = 8;

/// Looks in files and folders.
///
/// # Errors
/// When one cannot be read.
pub fn look(texts: &[Secret<String>], places: &[&Path]) -> io::Result<Found> {
    let mut forms: Vec<(&'static str, Vec<u8>)> = texts.iter().flat_map(|text| forms(text.expose())).collect();
    forms.sort_unstable();
    forms.dedup();
    let finder = AhoCorasick::new(forms.iter().map(|(_, bytes)| bytes)).map_err(io::Error::other)?;
    let mut files = Vec::new();
    for place in places {
        collect(place, &mut files, 0)?;
    }
    let mut found = Found::default();
    for file in files {
        found.files += 1;
        let hit = in_file(&finder, &file);
        // A file that a serving bank has just removed is no file to look in.
        match hit {
            Ok(Some(form)) => found.hits.push(format!("{} ({})", file.display(), forms[form].0)),
            Ok(None) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(io::Error::new(error.kind(), format!("{}: {error}", file.display()))),
        }
    }
    Ok(found)
}

/// Raw, in hexadecimal digits of either case, in base 64 at each of the three places it can begin at, and as UTF-16.
fn forms(text: &str) -> Vec<(&'static str, Vec<u8>)> {
    let bytes = text.as_bytes();
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let wide = |to: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(to).collect::<Vec<u8>>();
    let mut all = vec![
        ("raw", bytes.to_vec()),
        ("hexadecimal", hex.to_uppercase().into_bytes()),
        ("hexadecimal", hex.into_bytes()),
        ("UTF-16", wide(u16::to_le_bytes)),
        ("UTF-16", wide(u16::to_be_bytes)),
    ];
    for skipped in 0..3 {
        // Only whole groups of three bytes look the same wherever the text stands.
        let whole = &bytes[skipped..];
        let whole = &whole[..whole.len() / 3 * 3];
        if whole.len() >= 6 {
            let plain = STANDARD_NO_PAD.encode(whole);
            all.push(("base 64", plain.replace('+', "-").replace('/', "_").into_bytes()));
            all.push(("base 64", plain.into_bytes()));
        }
    }
    all
}

fn collect(place: &Path, files: &mut Vec<PathBuf>, depth: usize) -> io::Result<()> {
    let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", place.display()));
    let meta = std::fs::symlink_metadata(place).map_err(named)?;
    if meta.is_dir() && depth < DEEPEST {
        for entry in std::fs::read_dir(place).map_err(named)? {
            match collect(&entry?.path(), files, depth + 1) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                other => other?,
            }
        }
    }
    let name = place.file_name().unwrap_or_default();
    if meta.is_file() && !KEY_FILES.iter().any(|key| name == *key) {
        files.push(place.to_owned());
    }
    Ok(())
}

/// Which form lies in a file, if any.
fn in_file(finder: &AhoCorasick, path: &Path) -> io::Result<Option<usize>> {
    let file = BufReader::new(File::open(path)?);
    let first = finder.stream_find_iter(file).next().transpose()?;
    Ok(first.map(|found| found.pattern().as_usize()))
}

#[cfg(test)]
mod tests {
    use super::look;
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use vocabulary::Secret;

    const CANARY: &str = "王芳 of Chengdu";

    #[test]
    fn a_text_is_found_in_every_form_and_wherever_it_begins() {
        let hex: String = CANARY.bytes().map(|byte| format!("{byte:02X}")).collect();
        let wide: Vec<u8> = CANARY.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let mut forms = vec![CANARY.as_bytes().to_vec(), hex.into_bytes(), wide];
        for before in ["", "x", "xy", "xyz"] {
            forms.push(STANDARD.encode(format!("{before}{CANARY}")).into_bytes());
        }
        for (number, form) in forms.iter().enumerate() {
            let folder = tempfile::tempdir().expect("a folder");
            let deep = folder.path().join("logs");
            std::fs::create_dir(&deep).expect("a folder");
            // Across the border of a buffer.
            let mut bytes = vec![b'.'; 65_530];
            bytes.extend_from_slice(form);
            std::fs::write(deep.join("a.log"), &bytes).expect("written");
            std::fs::write(folder.path().join("b.log"), "nothing").expect("written");
            let found = look(&[Secret::new(CANARY.to_owned())], &[folder.path()]).expect("read");
            assert_eq!((found.files, found.hits.len()), (2, 1), "{number}");
            assert!(found.hits[0].contains("a.log"), "{number}");
        }
    }

    #[test]
    fn what_is_not_there_is_not_found_and_a_missing_place_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("a.log"), "somebody else").expect("written");
        std::fs::write(folder.path().join("vault.key"), CANARY).expect("written");
        let found = look(&[Secret::new(CANARY.to_owned())], &[folder.path()]).expect("read");
        assert_eq!((found.files, found.hits.len()), (1, 0));
        let error = look(&[], &[&folder.path().join("missing")]).expect_err("it is not there");
        assert!(error.to_string().contains("missing"));
    }
}
