//! The OpenAPI document: what the handlers declare, completed with what holds for all of them.
//!
//! Handlers declare path, body and good answers. Added here, once, for every operation: who may call it, the problems it may
//! answer with, the Idempotency-Key header, the form of ids in paths, examples, the request id in answers. So no handler
//! can forget them.

use crate::dto;
use serde_json::{Map, Value, json};
use utoipa::openapi::{ContactBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder};
use vocabulary::kinds as k;
use vocabulary::{ErrorCode, Kind};

/// Who may call the operations of a router.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// Everybody.
    Nobody,
    /// Everybody who has any credential.
    Anybody,
    /// A customer's session.
    Customer,
    /// A merchant's API key.
    Merchant,
    /// A merchant's API key or a staff token.
    MerchantOrStaff,
    /// A staff token.
    Staff,
}

impl Who {
    fn security(self) -> Value {
        match self {
            Self::Nobody => json!([]),
            Self::Anybody => {
                json!([{"customer_session": []}, {"customer_cookie": []}, {"merchant_key": []}, {"staff_token": []}])
            }
            Self::Customer => json!([{"customer_session": []}, {"customer_cookie": []}]),
            Self::Merchant => json!([{"merchant_key": []}]),
            Self::MerchantOrStaff => json!([{"merchant_key": []}, {"staff_token": []}]),
            Self::Staff => json!([{"staff_token": []}]),
        }
    }
}

/// POSTs that need no idempotency key: they make nothing, or what they make is a credential.
const WITHOUT_KEY: &[&str] = &[
    "/v1/sessions",
    "/v1/sessions/refresh",
    "/v1/devices/challenge",
    "/v1/codes/resolve",
    "/v1/payees/lookup",
    "/v1/quotes",
    "/v1/me/factors/recovery-codes",
    "/v1/me/factors/totp",
    "/v1/me/factors/totp/confirm",
    "/v1/me/factors/{factor}/remove",
    "/v1/confirmations/{confirmation}",
    "/v1/payments/{payment}/capture/quote",
    "/v1/payments/{payment}/void/quote",
    "/v1/payments/{payment}/refunds/quote",
    "/v1/qr/decode",
    "/v1/qr/encode",
    "/v1/sandbox/clock",
    "/v1/staff/customers/search",
];

/// What its payer may have to confirm.
const CONFIRMED: &[&str] = &["/v1/payments", "/v1/payouts", "/v1/transfers"];

/// Names of ids in paths, and their prefixes.
const PATH_IDS: &[(&str, &str)] = &[
    ("account", k::Account::PREFIX),
    ("alias", k::Alias::PREFIX),
    ("approval", k::Approval::PREFIX),
    ("bank_account", k::BankAccount::PREFIX),
    ("card", k::Card::PREFIX),
    ("case", k::Case::PREFIX),
    ("confirmation", k::Confirmation::PREFIX),
    ("customer", k::Customer::PREFIX),
    ("delivery", k::Delivery::PREFIX),
    ("device", k::Device::PREFIX),
    ("dispute", k::Dispute::PREFIX),
    ("factor", k::Factor::PREFIX),
    ("key", k::ApiKey::PREFIX),
    ("merchant", k::Merchant::PREFIX),
    ("order", k::Order::PREFIX),
    ("payment", k::Payment::PREFIX),
    ("payout", k::Payout::PREFIX),
    ("quote", k::Quote::PREFIX),
    ("refund", k::Refund::PREFIX),
    ("session", k::Session::PREFIX),
    ("settlement", k::Settlement::PREFIX),
    ("store", k::Store::PREFIX),
    ("top_up", k::TopUp::PREFIX),
    ("transfer", k::Transfer::PREFIX),
    ("wallet", k::Wallet::PREFIX),
    ("webhook", k::Webhook::PREFIX),
];

const PROBLEMS: &[(&str, &str)] = &[
    ("400", "The request is not well formed."),
    ("401", "There is no valid credential."),
    ("403", "The credential may not do this."),
    ("404", "There is nothing at this address for the caller."),
    ("409", "The state of things does not allow it."),
    ("413", "The body is too large."),
    ("415", "The content type is not JSON."),
    ("422", "A field has a value that is not allowed."),
    ("429", "Too many requests; wait for the time in Retry-After."),
    ("500", "The bank made a mistake."),
    ("503", "The bank is busy; send the same request again after the time in Retry-After."),
];

const DESCRIPTION: &str = "Jiaozi is the digital wallet that a bank runs itself. Amounts are decimal strings, ids carry \
    their prefix, times are RFC 3339. Every POST that creates or moves something needs an `Idempotency-Key`; a retry with the \
    same key and body gives the stored answer with `Idempotent-Replayed: true`. Every refusal is an RFC 9457 problem with a \
    stable `code`; all codes are explained at `/docs/errors`.";

/// The document before anything is declared.
pub(crate) fn blank() -> OpenApi {
    let license = LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build();
    let contact = ContactBuilder::new().name(Some("The bank that runs this")).build();
    let info = InfoBuilder::new()
        .title("Jiaozi")
        .version("1")
        .description(Some(DESCRIPTION))
        .license(Some(license))
        .contact(Some(contact))
        .build();
    OpenApiBuilder::new().info(info).build()
}

/// Marks every operation of a document with who may call it.
pub(crate) fn stamp(document: &mut Value, who: Who) {
    each_operation(document, |_, _, operation| {
        operation.insert("security".to_owned(), who.security());
    });
}

fn each_operation(document: &mut Value, mut visit: impl FnMut(&str, &str, &mut Map<String, Value>)) {
    let Some(paths) = document.get_mut("paths").and_then(Value::as_object_mut) else { return };
    for (path, item) in paths {
        for (method, operation) in item.as_object_mut().into_iter().flatten() {
            if let Some(operation) = operation.as_object_mut() {
                visit(path, method, operation);
            }
        }
    }
}

/// Puts several documents' paths and components into one, in the order of paths.
pub(crate) fn join(into: &mut Value, other: Value) {
    for part in ["paths", "components"] {
        merge(&mut into[part], other.get(part).cloned().unwrap_or_default());
    }
}

fn merge(into: &mut Value, other: Value) {
    match (into, other) {
        (Value::Object(into), Value::Object(other)) => {
            for (key, value) in other {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (_, Value::Null) => {}
        (into, other) => *into = other,
    }
}

/// Completes the document.
pub(crate) fn complete(document: &mut Value) {
    add_components(document);
    each_operation(document, |path, method, operation| {
        operation.insert("operationId".to_owned(), Value::String(operation_id(path, method)));
        add_parameters(path, method, operation);
        add_answers(operation);
    });
    close_bodies(document);
    let schemas = document["components"]["schemas"].clone();
    each_operation(document, |_, _, operation| add_examples(operation, &schemas));
}

/// `post_payments_by_payment_capture`: unique as method and path are.
fn operation_id(path: &str, method: &str) -> String {
    let mut id = method.to_owned();
    for part in path.split('/').filter(|part| !part.is_empty() && *part != "v1") {
        match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
            Some(name) => id.push_str(&format!("_by_{name}")),
            None => id.push_str(&format!("_{}", part.replace(['-', '.'], "_"))),
        }
    }
    id
}

fn add_components(document: &mut Value) {
    let codes: Vec<&str> = ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
    document["components"]["securitySchemes"] = json!({
        "customer_session": {"type": "http", "scheme": "bearer", "description": "The token that signing in gave."},
        "customer_cookie": {"type": "apiKey", "in": "cookie", "name": edge::cookie::NAME, "description": "The session of a \
            browser, handed out by signing in with `\"cookie\": true`. What changes something by it must come from a page of this \
            very origin, as JSON, with the header `X-CSRF: 1`. Never together with a bearer token."},
        "merchant_key": {"type": "http", "scheme": "bearer", "description": "A merchant's API key, with scopes."},
        "staff_token": {"type": "http", "scheme": "bearer", "description": "A staff token, made on the command line."},
    });
    document["components"]["schemas"]["Problem"] = problem_schema(&codes);
    let mut responses = Map::new();
    for (status, text) in PROBLEMS {
        let mut response = json!({
            "description": text,
            "headers": {"x-request-id": {"$ref": REQUEST_ID}},
            "content": {edge::MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "example": example(status)}},
        });
        if matches!(*status, "429" | "503") {
            response["headers"]["Retry-After"] = json!({"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 0, "maximum": 86400}});
        }
        responses.insert(format!("Problem{status}"), response);
    }
    document["components"]["responses"] = Value::Object(responses);
    document["components"]["headers"]["RequestId"] = request_id();
}

const REQUEST_ID: &str = "#/components/headers/RequestId";

fn request_id() -> Value {
    json!({"description": "The request's id; tell it when something went wrong.",
        "schema": {"type": "string", "pattern": dto::pattern("req")}})
}

fn example(status: &str) -> Value {
    let fits = |code: &&ErrorCode| code.status().number().to_string() == status;
    let code = ErrorCode::ALL.iter().find(fits).copied().unwrap_or(ErrorCode::Internal);
    edge::Problem::new(code).body(&dto::example("req"))
}

fn problem_schema(codes: &[&str]) -> Value {
    let money = json!({"$ref": "#/components/schemas/Money"});
    json!({
        "type": "object",
        "description": "A refusal (RFC 9457).",
        "required": ["type", "title", "status", "detail", "code", "request_id"],
        "properties": {
            "type": {"type": "string", "format": "uri-reference", "description": "A page that explains the code."},
            "title": {"type": "string"},
            "status": {"type": "integer", "minimum": 400, "maximum": 599},
            "detail": {"type": "string", "description": "What is wrong and what to do."},
            "code": {"type": "string", "enum": codes},
            "request_id": {"type": "string", "pattern": dto::pattern("req")},
            "errors": {"type": "array", "items": {"type": "object", "required": ["pointer", "detail"], "properties": {
                "pointer": {"type": "string", "description": "A JSON pointer, or the name of a parameter or header."},
                "detail": {"type": "string"},
            }}},
            "approval": {"type": "string", "pattern": dto::pattern("apr"),
                "description": "The approval that an act of staff waits for."},
            "confirmation": {"type": "object", "description": "What the payer has to confirm.",
                "required": ["id", "movement", "payee", "amount", "reason", "expires_at"],
                "properties": {
                    "id": {"type": "string", "pattern": dto::pattern("cnf")},
                    "movement": {"type": "string", "enum": ["payment", "hold", "transfer", "payout"]},
                    "payee": {"type": ["string", "null"]},
                    "amount": money,
                    "reason": {"type": "string", "enum": ["factor_changed", "new_payee", "amount", "used_up"]},
                    "expires_at": {"type": "string", "format": "date-time"},
                }},
            "limit": {"type": "object", "description": "The limit that was reached.",
                "required": ["window", "direction", "whose", "limit", "left", "resets_at"],
                "properties": {
                    "window": {"type": "string"},
                    "direction": {"type": "string", "enum": ["in", "out"]},
                    "whose": {"type": "string", "enum": ["person", "account"]},
                    "limit": money, "left": money,
                    "resets_at": {"type": ["string", "null"], "format": "date-time"},
                }},
        },
    })
}

fn add_parameters(path: &str, method: &str, operation: &mut Map<String, Value>) {
    let mut added = Vec::new();
    for name in path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')) {
        let mut schema = json!({"type": "string", "maxLength": 64});
        let mut parameter = json!({"name": name, "in": "path", "required": true});
        if let Some((_, prefix)) = PATH_IDS.iter().find(|(known, _)| *known == name) {
            schema = json!({"type": "string", "pattern": dto::pattern(prefix)});
            parameter["example"] = Value::String(dto::example(prefix));
        }
        parameter["schema"] = schema;
        added.push(parameter);
    }
    if method == "post" && !WITHOUT_KEY.contains(&path) {
        added.push(json!({
            "name": "Idempotency-Key", "in": "header", "required": true,
            "description": "A fresh name for each new wish; the same for its retries.",
            "schema": {"type": "string", "pattern": "^[!-~]{1,255}$", "minLength": 1, "maxLength": 255},
            "example": "6f1c2b7e-order-1001",
        }));
    }
    if method == "post" && CONFIRMED.contains(&path) {
        added.push(json!({
            "name": "Confirmation", "in": "header", "required": false,
            "description": "What the payer has confirmed, after `step_up_required`.",
            "schema": {"type": "string", "pattern": dto::pattern(k::Confirmation::PREFIX)},
        }));
    }
    let parameters = operation.entry("parameters").or_insert_with(|| json!([]));
    if let Some(list) = parameters.as_array_mut() {
        list.retain(|given| !added.iter().any(|new| new["name"] == given["name"]));
        list.splice(0..0, added);
    }
}

fn add_answers(operation: &mut Map<String, Value>) {
    let answers = operation.entry("responses").or_insert_with(|| json!({}));
    for (_, answer) in answers.as_object_mut().into_iter().flatten() {
        answer["headers"]["x-request-id"] = json!({"$ref": REQUEST_ID});
    }
    for (status, _) in PROBLEMS {
        if answers.get(*status).is_none() {
            answers[*status] = json!({"$ref": format!("#/components/responses/Problem{status}")});
        }
    }
}

/// Request bodies hold no unknown fields, all the way down.
fn close_bodies(document: &mut Value) {
    let mut names = Vec::new();
    each_operation(document, |_, _, operation| {
        references(operation.get("requestBody").unwrap_or(&Value::Null), &mut names);
    });
    let Some(schemas) = document["components"]["schemas"].as_object_mut() else { return };
    let mut next = 0;
    while let Some(name) = names.get(next).cloned() {
        next += 1;
        if let Some(schema) = schemas.get_mut(&name) {
            references(schema, &mut names);
            close(schema);
        }
    }
}

fn close(schema: &mut Value) {
    if schema.get("properties").is_some() {
        schema["additionalProperties"] = Value::Bool(false);
    }
    for key in ["oneOf", "anyOf", "allOf"] {
        for part in schema.get_mut(key).and_then(Value::as_array_mut).into_iter().flatten() {
            close(part);
        }
    }
}

fn references(value: &Value, names: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            let name = map.get("$ref").and_then(Value::as_str).and_then(|path| path.rsplit('/').next());
            names.extend(name.filter(|name| !names.iter().any(|known| known == name)).map(str::to_owned));
            map.values().for_each(|inner| references(inner, names));
        }
        Value::Array(list) => list.iter().for_each(|inner| references(inner, names)),
        _ => {}
    }
}

/// Gives each body and answer the example of its schema.
fn add_examples(operation: &mut Map<String, Value>, schemas: &Value) {
    let bodies = operation.get_mut("requestBody").into_iter();
    for body in bodies {
        add_example(body, schemas);
    }
    for (_, answer) in operation.get_mut("responses").and_then(Value::as_object_mut).into_iter().flatten() {
        add_example(answer, schemas);
    }
}

fn add_example(carrier: &mut Value, schemas: &Value) {
    let Some(media) = carrier.pointer_mut("/content/application~1json") else { return };
    if media.get("example").is_none() {
        media["example"] = sample(&media["schema"], schemas, 0);
    }
}

/// A value that fits a schema, from the examples it carries.
fn sample(schema: &Value, schemas: &Value, depth: u32) -> Value {
    if depth > 8 {
        return Value::Null;
    }
    if let Some(given) = schema.get("example").or_else(|| schema.get("examples")?.get(0)) {
        return given.clone();
    }
    if let Some(name) = schema.get("$ref").and_then(Value::as_str).and_then(|path| path.rsplit('/').next()) {
        return sample(&schemas[name], schemas, depth + 1);
    }
    for key in ["oneOf", "anyOf", "allOf"] {
        let parts = schema.get(key).and_then(Value::as_array);
        if let Some(part) = parts.and_then(|parts| parts.iter().find(|part| part["type"] != "null")) {
            return sample(part, schemas, depth + 1);
        }
    }
    if let Some(value) = schema.get("const").or_else(|| schema.get("enum")?.get(0)) {
        return value.clone();
    }
    let kind = schema["type"].as_str().or_else(|| schema["type"].get(0)?.as_str()).unwrap_or_default();
    match kind {
        "object" => {
            let fields = schema["properties"].as_object().into_iter().flatten();
            fields.map(|(name, inner)| (name.clone(), sample(inner, schemas, depth + 1))).collect()
        }
        "array" => json!([sample(&schema["items"], schemas, depth + 1)]),
        "integer" | "number" => schema.get("minimum").cloned().unwrap_or_else(|| json!(1)),
        "boolean" => Value::Bool(true),
        "string" => json!("text"),
        _ => Value::Null,
    }
}
