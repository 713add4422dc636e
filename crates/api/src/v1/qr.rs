//! Merchant-presented QR payloads (EMVCo MPM 1.1): what a payload says, and payloads made of parts. Moves nothing.

use crate::dto::Money;
use edge::reply::{Handled, Reply};
use edge::{Context, Problem, Strict};
use formats::emvco::{self, AdditionalData, Builder, DataObject, Initiation, LanguageTemplate, TagPath, Template};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vocabulary::ErrorCode;

/// A payload as scanned.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"payload": "00020101021229300012D156000000000510A93FO3230Q31280012D15600000001030812345678520441115802CN5914BEST TRANSPORT6007BEIJING64200002ZH0104最佳运输0202北京540523.7253031565502016233030412340603***0708A60086670902ME91320016A0112233449988770708123456786304A13A"}))]
pub struct Scanned {
    /// The text of the code.
    #[schema(min_length = 1, max_length = 4096)]
    pub payload: String,
}

/// What a payload says.
#[derive(Debug, Serialize, ToSchema)]
pub struct Decoded {
    /// `static` (many payments), `dynamic` (one), or null when the code does not say.
    #[schema(example = "dynamic")]
    pub initiation: Option<&'static str>,
    /// The merchant's name.
    #[schema(example = "BEST TRANSPORT")]
    pub merchant_name: Option<String>,
    /// The merchant's city.
    #[schema(example = "BEIJING")]
    pub city: Option<String>,
    /// ISO 3166-1 country.
    #[schema(example = "CN")]
    pub country: Option<String>,
    /// Merchant category code (ISO 18245).
    #[schema(example = "4111")]
    pub category: Option<String>,
    /// The currency's code.
    #[schema(example = "CNY")]
    pub currency: Option<String>,
    /// The amount as it stands in the code; null when the payer types it.
    #[schema(example = "23.72")]
    pub amount: Option<String>,
    /// The national scheme whose profile the code follows, when it omits what EMVCo makes mandatory.
    #[schema(example = json!(null))]
    pub scheme: Option<&'static str>,
    /// Every data object in its order.
    pub objects: Vec<Part>,
    /// What a writer should not have written, yet a reader understands.
    #[schema(example = json!([]))]
    pub remarks: Vec<String>,
}

/// One data object.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"path": "59", "name": "Merchant Name", "value": "BEST TRANSPORT", "parts": []}))]
pub struct Part {
    /// Its tags from the outside in.
    pub path: String,
    /// The specification's name of it.
    pub name: &'static str,
    /// Its value.
    pub value: String,
    /// What is inside, when it is a template.
    #[schema(no_recursion)]
    pub parts: Vec<Part>,
}

fn part(object: &DataObject, around: TagPath) -> Part {
    let path = around.then(object.tag());
    let parts = object.parts().iter().map(|inner| part(inner, path)).collect();
    Part { path: path.to_string(), name: emvco::name_of(path), value: object.value().to_owned(), parts }
}

/// Read a QR payload
///
/// Says what a scanned EMVCo merchant-presented payload holds, or names its first defect.
#[utoipa::path(post, path = "/v1/qr/decode", tag = "codes", request_body = Scanned,
    responses((status = 200, description = "What the payload says.", body = Decoded)))]
pub async fn decode(_context: Context, Strict(scanned): Strict<Scanned>) -> Handled<Decoded> {
    let payload = emvco::decode(&scanned.payload)
        .map_err(|defect| Problem::because(defect.fault.code(), format!("{defect}")).at("/payload"))?;
    let content = payload.content();
    let initiation = content.initiation.map(|initiation| match initiation {
        Initiation::Static => "static",
        Initiation::Dynamic => "dynamic",
    });
    Ok(Reply::ok(Decoded {
        initiation,
        merchant_name: content.name.clone(),
        city: content.city.clone(),
        country: content.country.clone(),
        category: content.category.clone(),
        currency: content.currency().map(|currency| currency.code().to_owned()),
        amount: content.amount.clone(),
        scheme: payload.profile().map(|profile| profile.scheme.name()),
        objects: payload.objects().iter().map(|object| part(object, TagPath::ROOT)).collect(),
        remarks: payload.remarks().iter().map(ToString::to_string).collect(),
    }))
}

/// The parts of a payload to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"initiation": "static", "category": "5812", "currency": "CNY", "country": "CN",
    "merchant_name": "NOODLE HOUSE", "city": "CHENGDU", "account": {"tag": 29, "guid": "org.example.pay", "fields": [{"tag": 1, "value": "M-1001"}]}}))]
pub struct ToEncode {
    /// `static` for many payments, `dynamic` for one.
    pub initiation: Presentation,
    /// Merchant category code, four digits (ISO 18245).
    #[schema(pattern = "^[0-9]{4}$")]
    pub category: String,
    /// ISO 4217 code.
    #[schema(pattern = "^[A-Z]{3}$")]
    pub currency: String,
    /// ISO 3166-1 country.
    #[schema(pattern = "^[A-Z]{2}$")]
    pub country: String,
    /// The merchant's name in ASCII.
    #[schema(min_length = 1, max_length = 25)]
    pub merchant_name: String,
    /// The merchant's city in ASCII.
    #[schema(min_length = 1, max_length = 15)]
    pub city: String,
    /// The merchant's account with a scheme.
    pub account: SchemeAccount,
    /// The amount; the payer types it when absent.
    pub amount: Option<Money>,
    /// The merchant's reference.
    #[schema(min_length = 1, max_length = 25)]
    pub reference: Option<String>,
    /// The merchant's name in another language.
    pub local_name: Option<LocalName>,
}

/// How a code is used.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Presentation {
    /// For many payments.
    Static,
    /// For one payment.
    Dynamic,
}

/// A merchant account template (26 to 51).
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SchemeAccount {
    /// The template's tag.
    #[schema(minimum = 26, maximum = 51)]
    pub tag: u8,
    /// The scheme's globally unique identifier.
    #[schema(min_length = 1, max_length = 32)]
    pub guid: String,
    /// The scheme's own fields.
    #[schema(max_items = 20)]
    pub fields: Vec<Field>,
}

/// One field of a template.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// Its tag.
    #[schema(minimum = 1, maximum = 99)]
    pub tag: u8,
    /// Its value.
    #[schema(min_length = 1, max_length = 99)]
    pub value: String,
}

/// A name in another language (template 64).
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"language": "ZH", "name": "面馆"}))]
pub struct LocalName {
    /// ISO 639 language.
    #[schema(pattern = "^[A-Za-z]{2}$")]
    pub language: String,
    /// The name.
    #[schema(min_length = 1, max_length = 25)]
    pub name: String,
}

/// A payload and its picture.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"payload": "000201010211…6304A13A", "svg": "<svg …></svg>"}))]
pub struct Encoded {
    /// The text of the code.
    pub payload: String,
    /// The code as a picture.
    pub svg: String,
}

/// A tag that came as a number.
fn tag(number: u8, at: &str) -> Result<emvco::Tag, Problem> {
    emvco::Tag::new(number).ok_or_else(|| Problem::because(ErrorCode::QrInvalidField, "Send a tag below 100.").at(at))
}

/// Make a QR payload
///
/// Builds a strict EMVCo merchant-presented payload from its parts.
#[utoipa::path(post, path = "/v1/qr/encode", tag = "codes", request_body = ToEncode,
    responses((status = 200, description = "The payload.", body = Encoded)))]
pub async fn encode(context: Context, Strict(parts): Strict<ToEncode>) -> Handled<Encoded> {
    let currency =
        context.bank.currencies().parse(&parts.currency).map_err(|code| Problem::new(code).at("/currency"))?;
    let initiation = match parts.initiation {
        Presentation::Static => Initiation::Static,
        Presentation::Dynamic => Initiation::Dynamic,
    };
    let (category, country) = (parts.category, parts.country);
    let merchant = emvco::Merchant { category, currency, country, name: parts.merchant_name, city: parts.city };
    let mut fields = Vec::new();
    for field in parts.account.fields {
        fields.push((tag(field.tag, "/account/fields")?, field.value));
    }
    let account = Template { tag: tag(parts.account.tag, "/account/tag")?, guid: parts.account.guid, fields };
    let mut builder = Builder::new(merchant, initiation).account(&emvco::MerchantAccount::Scheme(account));
    if let Some(amount) = parts.amount {
        builder = builder.amount(amount.positive(&context.bank, "/amount")?);
    }
    if let Some(reference) = parts.reference {
        builder = builder.additional(&AdditionalData { reference_label: Some(reference), ..AdditionalData::default() });
    }
    if let Some(LocalName { language, name }) = parts.local_name {
        builder = builder.language(&LanguageTemplate { language, name, city: None, reserved: Vec::new() });
    }
    let payload = builder.build().map_err(|error| Problem::because(error.code(), error.to_string()))?.encode();
    let svg = picture(&payload)?;
    Ok(Reply::ok(Encoded { payload, svg }))
}

/// The picture of a payload.
///
/// # Errors
/// `qr_malformed` when it is too long for a code.
pub(crate) fn picture(payload: &str) -> Result<String, Problem> {
    let code = fast_qr::QRBuilder::new(payload).build().map_err(|_| Problem::new(ErrorCode::QrMalformed))?;
    Ok(fast_qr::convert::svg::SvgBuilder::default().to_str(&code))
}
