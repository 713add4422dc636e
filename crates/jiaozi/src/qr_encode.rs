//! `jiaozi qr encode`: payment codes from words, or from the fields that `qr decode --json` prints.

use crate::failure::{Ended, Failure};
use crate::output;
use formats::emvco::{
    self, AdditionalData, Builder, Initiation, LanguageTemplate, Merchant, MerchantAccount, Tag, Template, Tip,
};
use formats::report;
use money::{Currency, Money};
use serde_json::{Value, json};
use std::io::Read;

/// Write a merchant-presented payment code
///
/// What is written passes every check of `qr decode` without a problem or a remark.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  jiaozi qr encode --name \"BEST TRANSPORT\" --city BEIJING --country CN --currency CNY --category 4111 \\
      --account 29:D15600000000:05=A93FO3230Q --amount 23.72 --dynamic --language \"zh:最佳运输:北京\"
  jiaozi qr decode --json codes.txt | jiaozi qr encode --fields -

Exit code 1 when a reader would refuse the code.")]
pub struct Args {
    /// JSON lines with `fields` as `qr decode --json` prints them, from a file or `-`; the check sum is computed
    #[arg(long, value_name = "FILE|-", conflicts_with_all = ["name", "city", "country", "currency", "account"])]
    fields: Option<String>,
    /// The merchant's name, 1 to 25 ASCII characters (tag 59)
    #[arg(long, required_unless_present = "fields")]
    name: Option<String>,
    /// The merchant's city, 1 to 15 ASCII characters (tag 60)
    #[arg(long, required_unless_present = "fields")]
    city: Option<String>,
    /// The merchant's country, two letters (tag 58)
    #[arg(long, default_value = "CN")]
    country: String,
    /// The currency (tag 53)
    #[arg(long, default_value = "CNY")]
    currency: String,
    /// The merchant category code, four digits (tag 52)
    #[arg(long, default_value = "0000")]
    category: String,
    /// Where the money goes: `TAG:GUID[:SUB=VALUE]…` for 26 to 51, `TAG=VALUE` for 02 to 25; may be repeated
    #[arg(long, value_name = "ACCOUNT", required_unless_present = "fields")]
    account: Vec<String>,
    /// The amount, such as 23.72 (tag 54)
    #[arg(long)]
    amount: Option<String>,
    /// A code for one payment; otherwise it may be used again and again (tag 01)
    #[arg(long)]
    dynamic: bool,
    /// `ask`, `fixed:AMOUNT` or `percent:NUMBER` (tags 55 to 57)
    #[arg(long, value_name = "TIP")]
    tip: Option<String>,
    /// The postal code (tag 61)
    #[arg(long)]
    postal_code: Option<String>,
    /// The invoice or bill number (tag 62.01)
    #[arg(long)]
    bill_number: Option<String>,
    /// The store (tag 62.03)
    #[arg(long)]
    store: Option<String>,
    /// The merchant's reference of the payment (tag 62.05)
    #[arg(long)]
    reference: Option<String>,
    /// The terminal (tag 62.07)
    #[arg(long)]
    terminal: Option<String>,
    /// The purpose (tag 62.08)
    #[arg(long)]
    purpose: Option<String>,
    /// Name and city in another language: `zh:NAME[:CITY]` (tag 64)
    #[arg(long, value_name = "LANGUAGE:NAME[:CITY]")]
    language: Option<String>,
    /// Print one JSON object for each code
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args) -> Result<Ended, Failure> {
    let Some(source) = &args.fields else {
        let payload = from_words(args)?;
        print(&payload, args.json);
        return Ok(Ended::Fine);
    };
    let text = match source.as_str() {
        "-" => {
            let mut text = String::new();
            std::io::stdin().lock().read_to_string(&mut text)?;
            text
        }
        file => {
            std::fs::read_to_string(file).map_err(|error| Failure::because(format!("{file} cannot be read"), error))?
        }
    };
    let mut all_readable = true;
    for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        let payload = from_fields(line).map_err(|what| Failure::new(format!("line {number}: {what}")))?;
        let report = report::report(&payload);
        if report.verdict.is_readable() {
            print(&payload, args.json);
        } else {
            let problems: Vec<&str> = report.problems.iter().map(|problem| problem.message.as_str()).collect();
            output::diagnostic(&format!(
                "jiaozi: line {number}: a reader would refuse the code: {}",
                problems.join("; ")
            ));
            all_readable = false;
        }
    }
    Ok(Ended::fine_if(all_readable))
}

fn print(payload: &str, json: bool) {
    if json { output::json(&json!({ "payload": payload })) } else { output::line(payload) }
}

fn from_words(args: &Args) -> Result<String, Failure> {
    let currency = Currency::iso(&args.currency)
        .map_err(|error| Failure::usage(format!("--currency {}: {error}", args.currency)))?;
    let merchant = Merchant {
        category: args.category.clone(),
        currency,
        country: args.country.clone(),
        name: args.name.clone().unwrap_or_default(),
        city: args.city.clone().unwrap_or_default(),
    };
    let initiation = if args.dynamic { Initiation::Dynamic } else { Initiation::Static };
    let mut builder = Builder::new(merchant, initiation);
    for text in &args.account {
        builder = builder.account(&account(text)?);
    }
    if let Some(text) = &args.amount {
        let amount =
            Money::parse(text, currency).map_err(|error| Failure::usage(format!("--amount {text}: {error}")))?;
        builder = builder.amount(amount);
    }
    if let Some(text) = &args.tip {
        builder = builder.tip(&tip(text)?);
    }
    if let Some(code) = &args.postal_code {
        builder = builder.postal_code(code);
    }
    let additional = additional(args);
    if additional != AdditionalData::default() {
        builder = builder.additional(&additional);
    }
    if let Some(text) = &args.language {
        builder = builder.language(&language(text)?);
    }
    let built = builder.build().map_err(|error| Failure::because("a reader would refuse the code", error))?;
    Ok(built.encode())
}

fn additional(args: &Args) -> AdditionalData {
    AdditionalData {
        bill_number: args.bill_number.clone(),
        store_label: args.store.clone(),
        reference_label: args.reference.clone(),
        terminal_label: args.terminal.clone(),
        purpose: args.purpose.clone(),
        ..AdditionalData::default()
    }
}

fn account(text: &str) -> Result<MerchantAccount, Failure> {
    let wrong = || {
        let forms = "TAG:GUID[:SUB=VALUE]… for tags 26 to 51, TAG=VALUE for 02 to 25";
        Failure::usage(format!("--account {text}: write {forms}"))
    };
    let tag_of = |text: &str| text.parse().ok().filter(|_| text.len() == 2).and_then(Tag::new);
    if let Some((tag, value)) = text.split_once('=').filter(|(tag, _)| !tag.contains(':')) {
        return Ok(MerchantAccount::Network { tag: tag_of(tag).ok_or_else(wrong)?, value: value.to_owned() });
    }
    let mut parts = text.split(':');
    let tag = parts.next().and_then(tag_of).ok_or_else(wrong)?;
    let guid = parts.next().ok_or_else(wrong)?.to_owned();
    let fields = parts.map(|part| {
        let (tag, value) = part.split_once('=').ok_or_else(wrong)?;
        Ok((tag_of(tag).ok_or_else(wrong)?, value.to_owned()))
    });
    Ok(MerchantAccount::Scheme(Template { tag, guid, fields: fields.collect::<Result<_, Failure>>()? }))
}

fn tip(text: &str) -> Result<Tip, Failure> {
    match text.split_once(':') {
        None if text == "ask" => Ok(Tip::Ask),
        Some(("fixed", amount)) => Ok(Tip::Fixed(amount.to_owned())),
        Some(("percent", number)) => Ok(Tip::Percentage(number.to_owned())),
        Some(_) | None => Err(Failure::usage(format!("--tip {text}: write ask, fixed:AMOUNT or percent:NUMBER"))),
    }
}

fn language(text: &str) -> Result<LanguageTemplate, Failure> {
    let mut parts = text.splitn(3, ':').map(str::to_owned);
    match (parts.next(), parts.next()) {
        (Some(language), Some(name)) => {
            Ok(LanguageTemplate { language, name, city: parts.next(), reserved: Vec::new() })
        }
        _ => Err(Failure::usage(format!("--language {text}: write LANGUAGE:NAME or LANGUAGE:NAME:CITY"))),
    }
}

/// A code from the fields of a JSON object, in their order, with a fresh check sum.
fn from_fields(line: &str) -> Result<String, String> {
    let object: Value = serde_json::from_str(line).map_err(|error| format!("not JSON: {error}"))?;
    let fields = object.get("fields").and_then(Value::as_array).ok_or("there is no list `fields`")?;
    let mut payload = String::new();
    for field in fields {
        let tag = field.get("tag").and_then(Value::as_str).ok_or("a field has no `tag`")?;
        if tag != "63" {
            payload.push_str(&object_text(tag, &value_of(field)?)?);
        }
    }
    payload.push_str("6304");
    let sum = emvco::crc16(payload.as_bytes());
    Ok(format!("{payload}{sum:04X}"))
}

/// A field's value: put together from its parts, if it has any.
fn value_of(field: &Value) -> Result<String, String> {
    let parts = field.get("sub").and_then(Value::as_array).filter(|parts| !parts.is_empty());
    if let Some(parts) = parts {
        let texts = parts.iter().map(|part| {
            let tag = part.get("tag").and_then(Value::as_str).ok_or("a part has no `tag`")?;
            object_text(tag, &value_of(part)?)
        });
        return texts.collect();
    }
    let value = field.get("value").and_then(Value::as_str).ok_or("a field has no `value`")?;
    Ok(value.to_owned())
}

fn object_text(tag: &str, value: &str) -> Result<String, String> {
    if tag.len() != 2 || !tag.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!("`{tag}` is no tag: a tag has two digits"));
    }
    match value.chars().count() {
        length @ 0..=99 => Ok(format!("{tag}{length:02}{value}")),
        length => Err(format!("tag {tag} has {length} characters; 99 is the most")),
    }
}
