//! What a report looks like to a machine and to a person.

use super::*;

const VIET: &str = "00020101021238530010A0000007270123000697041601092576788590208QRIBFTTA5303704540410005802VN62150811Chuyen tien6304BBB8";

#[test]
fn a_profile_is_named_with_what_it_omits() {
    let seen = report(VIET);
    let json = serde_json::to_value(&seen).expect("plain data");
    assert_eq!(json["verdict"], "profile");
    assert_eq!(json["profile"], "VietQR");
    assert_eq!(json["initiation"], "dynamic");
    assert_eq!(json["omitted"], serde_json::json!(["52", "59", "60"]));
    assert_eq!(json["fields"][6]["sub"][0]["name"], "Purpose of Transaction");
    assert_eq!(json["problems"][0]["code"], "qr_missing_field");
    assert!(!serde_json::to_string(&seen).expect("plain data").contains('\n'));
    assert!(seen.to_string().starts_with("profile as VietQR, without 52, 59, 60\n  00 Payload Format Indicator: 01\n"));
}

#[test]
fn a_damaged_payload_says_where() {
    let seen = report(&VIET.replace("BBB8", "BBB5"));
    assert_eq!(seen.verdict, Verdict::Invalid);
    assert_eq!(seen.problems[0].code, Some("qr_crc_mismatch"));
    let text = seen.to_string();
    assert!(text.contains("problem: tag 63, character 109: the check sum is \"BBB5\""), "{text}");
    let broken = report_bytes(b"\xFF");
    assert_eq!((broken.fields.len(), broken.problems[0].code), (0, Some("qr_malformed")));
    assert!(!broken.verdict.is_readable());
}

#[test]
fn a_code_cannot_steer_the_terminal_it_is_printed_on() {
    let seen = report("00020159\u{1b}[2J");
    assert!(!seen.to_string().contains('\u{1b}'));
    let seen = report("0002015903\u{1b}[2");
    assert!(!seen.to_string().contains('\u{1b}'));
}
