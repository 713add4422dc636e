//! Published consumer-presented payloads, each fault, and what must hold for any bytes.

use super::*;
use proptest::prelude::*;
use serde_json::Value;

fn vectors(file: &str) -> Vec<Value> {
    let path = format!("{}/../../../shared/data/qr/{file}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("the vectors {path} are needed: {error}"));
    text.lines().map(|line| serde_json::from_str(line).expect("a JSON line")).collect()
}

fn tree(objects: &[BerObject]) -> Value {
    let one = |object: &BerObject| {
        let tag = format!("{:02X}", object.tag());
        if object.parts().is_empty() {
            let hex: String = object.value().iter().map(|byte| format!("{byte:02X}")).collect();
            serde_json::json!({"tag": tag, "hex": hex})
        } else {
            serde_json::json!({"tag": tag, "children": tree(object.parts())})
        }
    };
    objects.iter().map(one).collect()
}

#[test]
fn every_published_payload_has_its_verdict_and_tree() {
    for row in vectors("cpm_valid.jsonl") {
        let text = row["payload"].as_str().expect("text");
        let code = decode(text).unwrap_or_else(|fault| panic!("{fault}: {row}"));
        assert_eq!(tree(code.objects()), row["tlv"]);
        assert_eq!(code.encode(), text);
        assert!(code.applications().all(|application| application.find(APPLICATION_ID).is_some()));
    }
    for row in vectors("cpm_invalid.jsonl") {
        let fault = decode(row["payload"].as_str().expect("text")).expect_err("invalid");
        assert_eq!((fault, fault.code().as_str()), (ConsumerFault::NoApplication, "qr_missing_field"));
    }
}

#[test]
fn each_fault_has_its_reason() {
    use ConsumerFault::*;
    let start: &[u8] = &[0x85, 5, b'C', b'P', b'V', b'0', b'1'];
    let with = |rest: &[u8]| STANDARD.encode([start, rest].concat());
    let application: &[u8] = &[0x61, 7, 0x4F, 5, 1, 2, 3, 4, 5];
    assert!(decode(&with(application)).is_ok());
    let deep: Vec<u8> = (1..=5_u8).rev().flat_map(|level| [0x63, level * 2 - 2]).collect();
    let rows = [
        (String::new(), Size),
        ("A".repeat(MAX_BYTES + 4), Size),
        ("hQVDUFYwM".to_owned(), NotBase64),
        (with(&[0x61]), NotBer(7)),
        (with(&[0x61, 0x80]), NotBer(7)),
        (with(&[0x61, 9, 0x4F, 9]), NotBer(7)),
        (with(&[0x61, 2, 0x4F, 9]), NotBer(9)),
        (with(&[0x9F, 0x85, 1, 0]), NotBer(7)),
        (with(&deep), TooDeep),
        (STANDARD.encode(application), Format),
        (STANDARD.encode([0x85, 1, b'C']), Format),
        (with(&[]), NoApplication),
        (with(&[0x61, 3, 0x50, 1, b'A']), NoApplicationId),
        (with(&[0x61, 3, 0x4F, 1, 1]), ApplicationId),
        (with(&[application, &[0x62, 0, 0x62, 0]].concat()), Duplicate),
    ];
    for (text, fault) in rows {
        assert_eq!(decode(&text).err(), Some(fault), "{text}");
        let code = fault.code().as_str();
        assert!(matches!(code, "qr_malformed" | "qr_missing_field" | "qr_invalid_field"));
    }
    let shown = format!("{:?}", decode(&with(application)));
    assert!(!shown.contains("hQVD"), "{shown}");
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), text in "\\PC{0,60}") {
        let _ = decode(&STANDARD.encode([&[0x85, 5, b'C', b'P', b'V', b'0', b'1'], bytes.as_slice()].concat()));
        let _ = decode(&STANDARD.encode(&bytes));
        let _ = decode(&text);
    }
}
