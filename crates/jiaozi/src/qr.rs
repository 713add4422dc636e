//! `jiaozi qr decode|encode`: the platform's own reader and writer of payment codes, for integrators.

use crate::failure::{Ended, Failure};
use crate::output;
use crate::qr_encode;
use clap::Subcommand;
use formats::emvco::consumer;
use formats::report::{self, QrReport};
use serde::Serialize;
use serde_json::{Value, json};
use std::io::Read;
use std::path::Path;

/// Read and write payment codes (EMVCo QR codes, merchant-presented and consumer-presented)
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Qr,
}

#[derive(Subcommand)]
#[expect(clippy::large_enum_variant, reason = "parsed once")]
enum Qr {
    Decode(DecodeArgs),
    Encode(qr_encode::Args),
}

/// Say what is in payment codes and whether they may be used
///
/// Every code gets a verdict: `valid`; `profile`, a national scheme's known departure from the specification, named;
/// `scheme_refused`, allowed by the specification but not by the scheme whose mark it has; `invalid`. Problems say where
/// they stand and carry a stable code.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  jiaozi qr decode 00020101021229300012D156000000000510A93FO3230Q…
  zbarimg --raw photo.png | jiaozi qr decode -
  jiaozi qr decode --json payloads.txt | jq -r .verdict

Exit code 1 when any code is invalid.")]
struct DecodeArgs {
    /// Codes as text; files with one code on each line (or JSON lines with a `payload`); `-` for standard input
    #[arg(value_name = "CODE|FILE|-", required = true)]
    sources: Vec<String>,
    /// Print one JSON object for each code
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args) -> Result<Ended, Failure> {
    match &args.command {
        Qr::Decode(args) => decode(args),
        Qr::Encode(args) => qr_encode::run(args),
    }
}

/// A merchant-presented code's report with the code itself.
#[derive(Serialize)]
struct Printed<'a> {
    payload: &'a str,
    mode: &'static str,
    #[serde(flatten)]
    report: QrReport,
}

fn decode(args: &DecodeArgs) -> Result<Ended, Failure> {
    let mut all_readable = true;
    let mut printed = 0_usize;
    for source in &args.sources {
        for payload in lines_of(source)? {
            if printed > 0 && !args.json {
                output::line("");
            }
            printed += 1;
            all_readable &= decode_one(&payload, args.json);
        }
    }
    if printed == 0 {
        return Err(Failure::usage("there was no code to read; give one as text, in a file, or on standard input"));
    }
    Ok(Ended::fine_if(all_readable))
}

/// Prints what is in a code; says whether it may be used.
fn decode_one(payload: &[u8], json: bool) -> bool {
    // 85, the format indicator of consumer-presented codes, begins so in base64.
    if payload.starts_with(b"hQ") {
        return decode_consumer(&String::from_utf8_lossy(payload), json);
    }
    let report = report::report_bytes(payload);
    let readable = report.verdict.is_readable();
    if json {
        let text = String::from_utf8_lossy(payload);
        output::json(&Printed { payload: &text, mode: "merchant_presented", report });
    } else {
        output::line(report.to_string().trim_end());
    }
    readable
}

fn decode_consumer(payload: &str, json: bool) -> bool {
    let decoded = consumer::decode(payload);
    let valid = decoded.is_ok();
    let (fields, problems) = match &decoded {
        Ok(code) => (code.objects().iter().map(field).collect(), Vec::new()),
        Err(fault) => (Vec::new(), vec![json!({ "code": fault.code().as_str(), "message": fault.to_string() })]),
    };
    if json {
        let verdict = if valid { "valid" } else { "invalid" };
        output::json(&json!({
            "payload": payload, "mode": "consumer_presented", "verdict": verdict, "fields": fields, "problems": problems,
        }));
        return valid;
    }
    match decoded {
        Ok(_) => {
            output::line("valid, consumer-presented");
            fields.iter().for_each(|field| print_field(field, 1));
        }
        Err(fault) => output::line(&format!("invalid, consumer-presented\nproblem: {fault}")),
    }
    valid
}

fn field(object: &consumer::BerObject) -> Value {
    let tag = format!("{:02X}", object.tag());
    if object.parts().is_empty() {
        let hex: String = object.value().iter().map(|byte| format!("{byte:02X}")).collect();
        return json!({ "tag": tag, "hex": hex });
    }
    json!({ "tag": tag, "children": object.parts().iter().map(field).collect::<Vec<_>>() })
}

fn print_field(field: &Value, depth: usize) {
    let text = |name: &str| field.get(name).and_then(Value::as_str).unwrap_or_default();
    output::line(format!("{}{} {}", "  ".repeat(depth), text("tag"), text("hex")).trim_end());
    let children = field.get("children").and_then(Value::as_array);
    children.into_iter().flatten().for_each(|child| print_field(child, depth + 1));
}

/// The codes of one argument.
fn lines_of(source: &str) -> Result<Vec<Vec<u8>>, Failure> {
    let bytes = if source == "-" {
        let mut bytes = Vec::new();
        std::io::stdin().lock().read_to_end(&mut bytes)?;
        bytes
    } else if Path::new(source).is_file() {
        std::fs::read(source).map_err(|error| Failure::because(format!("{source} cannot be read"), error))?
    } else if source.starts_with("0002") || source.starts_with("hQ") || !looks_like_a_path(source) {
        return Ok(vec![source.as_bytes().to_vec()]);
    } else {
        return Err(Failure::new(format!(
            "{source} is neither a file nor a payment code; check the path, and put a code that has spaces in quotes"
        )));
    };
    let lines = bytes.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    Ok(lines.filter(|line| !line.is_empty()).map(payload_of).collect())
}

fn looks_like_a_path(source: &str) -> bool {
    source.len() < 256
        && !source.chars().take(4).all(|c| c.is_ascii_digit())
        && (source.contains('/') || Path::new(source).extension().is_some())
}

/// A line is a code, or a JSON object that has one.
fn payload_of(line: &[u8]) -> Vec<u8> {
    let object: Option<Value> = if line.starts_with(b"{") { serde_json::from_slice(line).ok() } else { None };
    let payload = object.as_ref().and_then(|object| object.get("payload")).and_then(Value::as_str);
    payload.map_or_else(|| line.to_vec(), |payload| payload.as_bytes().to_vec())
}
