//! A card number is looked for everywhere it must not be: in both stores with their logs of changes, and in every answer. What is
//! written to the log of the program is looked at where the program runs as a process, in the executable's own tests.

use super::{PAN, Vaulted, details};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use serde_json::json;
use std::path::Path;

/// The forms in which a number may lie about, and their names.
fn forms(number: &str) -> Vec<(&'static str, Vec<u8>)> {
    let bytes = number.as_bytes();
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let wide = |order: fn(u16) -> [u8; 2]| number.encode_utf16().flat_map(order).collect::<Vec<u8>>();
    let packed = bytes.chunks(2).map(|pair| (pair[0] - b'0') << 4 | (pair[1] - b'0')).collect();
    let binary: u64 = number.parse().expect("digits");
    let grouped = number.as_bytes().chunks(4).map(|part| String::from_utf8_lossy(part).into_owned());
    let mut all = vec![
        ("raw", bytes.to_vec()),
        ("upper hex", hex.to_uppercase().into_bytes()),
        ("hex", hex.into_bytes()),
        ("UTF-16 LE", wide(u16::to_le_bytes)),
        ("UTF-16 BE", wide(u16::to_be_bytes)),
        ("packed digits", packed),
        ("a number", binary.to_be_bytes()[1..].to_vec()),
        ("in groups", grouped.collect::<Vec<_>>().join(" ").into_bytes()),
        ("backwards", bytes.iter().rev().copied().collect()),
    ];
    // Base64 of the number wherever it begins within three bytes; the first and last characters depend on neighbours.
    for shift in 0..3 {
        let padded = [&[0; 2][..shift], bytes].concat();
        for text in [STANDARD_NO_PAD.encode(&padded), URL_SAFE_NO_PAD.encode(&padded)] {
            all.push(("base64", text.as_bytes()[if shift == 0 { 0 } else { 4 }..text.len() - 3].to_vec()));
        }
    }
    all
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// What is found of a number in the files of a folder; and how many bytes were looked at.
fn found_in(folder: &Path, needles: &[(&'static str, Vec<u8>)]) -> (Vec<String>, usize) {
    let (mut found, mut looked) = (Vec::new(), 0);
    for path in files(folder) {
        let bytes = std::fs::read(&path).expect("readable");
        looked += bytes.len();
        for (name, needle) in needles {
            if bytes.windows(needle.len()).any(|window| window == needle.as_slice()) {
                found.push(format!("{name} in {}", path.display()));
            }
        }
    }
    (found, looked)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_number_stands_nowhere_readable() {
    let world = Vaulted::open().await;
    let house = &world.house;
    let person = house.person("@li_na", 0).await;
    let mut answers = Vec::new();
    let ticket = world.ticket(&person).await;
    let brought = world.bring(&ticket, PAN).await;
    let token = brought.body["token"].clone();
    answers.push(brought.text);
    answers.push(world.bring(&ticket, PAN).await.text);
    let linked = house.post("/v1/cards", &person.token, &json!({"token": token, "label": "Salary"})).await;
    let path = format!("/v1/cards/{}", linked.at("/id"));
    answers.push(linked.text);
    answers.push(house.get("/v1/cards", &person.token).await.text);
    // Mistakes that put a number where it does not belong.
    answers.push(house.post("/v1/cards", &person.token, &json!({"token": PAN})).await.text);
    answers.push(house.post("/v1/cards", &person.token, &json!({"token": token, "label": PAN})).await.text);
    let second = world.ticket(&person).await;
    answers.push(world.post("/v1/cards", &details(&second, PAN)).await.text);
    answers.push(world.post("/v1/cards", &json!({"ticket": second, "card": PAN})).await.text);
    let events = house.get("/v1/events", &person.token).await;
    assert!(events.text.contains("card.linked"), "{}", events.text);
    answers.push(events.text);
    let needles = forms(PAN);
    let (in_vault, looked) = found_in(world.folder.path(), &needles);
    assert!(in_vault.is_empty() && looked > 10_000, "{in_vault:?} in {looked} bytes");
    assert_eq!(house.delete(&path, &person.token).await.status, 204);
    house.world.run_jobs();
    for folder in [world.folder.path(), house.world.directory.path()] {
        let (found, looked) = found_in(folder, &needles);
        assert!(found.is_empty() && looked > 10_000, "{found:?} in {looked} bytes");
    }
    for answer in &answers {
        for (name, needle) in &needles {
            let is_in = answer.as_bytes().windows(needle.len()).any(|window| window == needle.as_slice());
            assert!(!is_in, "{name} in {answer}");
        }
    }
}

#[test]
fn the_search_finds_what_is_there() {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, needle) in forms(PAN) {
        std::fs::write(folder.path().join("file"), [b"before ", needle.as_slice(), b" after"].concat())
            .expect("written");
        let (found, _) = found_in(folder.path(), &forms(PAN));
        assert!(found.iter().any(|text| text.starts_with(name)), "{name}");
    }
    for before in ["", "a", "ab", "abc"] {
        let text = STANDARD_NO_PAD.encode(format!("{before}{PAN} and more"));
        std::fs::write(folder.path().join("file"), text).expect("written");
        assert!(!found_in(folder.path(), &forms(PAN)).0.is_empty(), "after {before:?}");
    }
}
