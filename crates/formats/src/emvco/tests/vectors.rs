//! Payloads that others published, with their verdicts.

use crate::emvco::*;
use crate::report::{Verdict, report};
use serde_json::Value;

fn vectors(file: &str) -> Vec<Value> {
    let path = format!("{}/../../../shared/data/qr/{file}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("the vectors {path} are needed: {error}"));
    text.lines().map(|line| serde_json::from_str(line).expect("a JSON line")).collect()
}

fn text<'a>(row: &'a Value, key: &str) -> &'a str {
    row[key].as_str().unwrap_or_else(|| panic!("{key} in {row}"))
}

fn strings(row: &Value, key: &str) -> Vec<String> {
    row[key].as_array().into_iter().flatten().map(|one| one.as_str().expect("text").to_owned()).collect()
}

fn assert_fields(row: &Value, objects: &[DataObject]) {
    let fields = row["fields"].as_array().expect("fields");
    assert_eq!(fields.len(), objects.len(), "{row}");
    for (field, object) in fields.iter().zip(objects) {
        assert_eq!((text(field, "tag"), text(field, "value")), (object.tag().to_string().as_str(), object.value()));
        let subs = field["sub"].as_object().into_iter().flatten();
        for (tag, value) in subs.filter(|_| !object.tag().is_unreserved()) {
            let tag = Tag::new(tag.parse().expect("digits")).expect("two digits");
            assert_eq!(object.part(tag), value.as_str(), "{} in {row}", object.tag());
        }
    }
}

#[test]
fn every_valid_payload_is_valid_and_encodes_to_itself() {
    for row in vectors("mpm_valid.jsonl") {
        let payload = text(&row, "payload");
        let seen = report(payload);
        assert_eq!(seen.verdict, Verdict::Valid, "{seen}");
        let decoded = decode(payload).expect("valid");
        assert_eq!(decoded.encode(), payload);
        assert_eq!(decode_bytes(payload.as_bytes()).as_ref(), Ok(&decoded));
        assert_fields(&row, decoded.objects());
    }
}

#[test]
fn every_invalid_payload_is_refused_for_its_reason() {
    for row in vectors("mpm_invalid.jsonl") {
        let seen = report(text(&row, "payload"));
        if text(&row, "invalid_scope") == "khqr-profile-only" {
            assert_eq!((seen.verdict, seen.scheme), (Verdict::SchemeRefused, Some("KHQR")), "{row}\n{seen}");
            assert!(decode(text(&row, "payload")).is_ok(), "the specification itself allows {row}");
            continue;
        }
        assert_eq!(seen.verdict, Verdict::Invalid, "{row}\n{seen}");
        let codes: Vec<_> = seen.problems.iter().filter_map(|problem| problem.code).collect();
        for problem in strings(&row, "emv_strict_problems") {
            let expected = match problem.as_str() {
                p if p.starts_with("TLV") || p.contains("template not TLV") => "qr_malformed",
                p if p.starts_with("CRC") => "qr_crc_mismatch",
                p if p.starts_with("missing") || p.starts_with("no merchant") => "qr_missing_field",
                _ => "qr_invalid_field",
            };
            assert!(codes.contains(&expected), "{problem}: {seen}");
        }
        let positions: Vec<_> = seen.problems.iter().map(|problem| problem.position.to_string()).collect();
        for place in strings(&row, "problems").iter().filter_map(|problem| problem.split(" at ").nth(1)) {
            assert_eq!(positions, [place], "{row}");
        }
    }
}

#[test]
fn every_national_profile_is_accepted_by_name_with_what_it_omits() {
    for row in vectors("mpm_profile.jsonl") {
        let payload = text(&row, "payload");
        let seen = report(payload);
        assert_eq!(seen.verdict, Verdict::Profile, "{row}\n{seen}");
        let omitted: Vec<_> = strings(&row, "problems")
            .iter()
            .filter_map(|problem| problem.strip_prefix("missing mandatory ").map(str::to_owned))
            .collect();
        assert_eq!(seen.omitted, omitted, "{row}");
        assert_eq!(seen.profile, seen.scheme);
        let decoded = decode(payload).expect("accepted");
        assert_eq!(decoded.encode(), payload);
        assert_fields(&row, decoded.objects());
    }
}

#[test]
fn no_change_of_one_character_goes_unnoticed() {
    for row in vectors("mpm_valid.jsonl").iter().chain(&vectors("mpm_profile.jsonl")) {
        let letters: Vec<char> = text(row, "payload").chars().collect();
        for place in 0..letters.len() {
            for other in ['0', 'A', '京'] {
                let mut changed = letters.clone();
                if std::mem::replace(&mut changed[place], other) != other {
                    let changed: String = changed.into_iter().collect();
                    assert!(decode(&changed).is_err(), "{place}: {changed}");
                }
            }
        }
    }
}

#[test]
fn no_prefix_of_a_payload_is_a_payload() {
    for row in vectors("mpm_valid.jsonl") {
        let payload = text(&row, "payload");
        for (end, _) in payload.char_indices() {
            let error = decode(&payload[..end]).expect_err("cut off");
            let code = error.code().as_str();
            assert!(matches!(code, "qr_malformed" | "qr_missing_field"), "{code} for {}", &payload[..end]);
        }
        assert!(decode(&format!("{payload}0")).is_err());
        assert!(decode(&format!("{payload}{payload}")).is_err());
    }
}
