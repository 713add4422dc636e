//! The contract: the OpenAPI document as it was reviewed. `UPDATE_OPENAPI=1` writes it anew.

use api::Api;
use serde_json::Value;
use std::path::PathBuf;

fn reviewed() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json")
}

#[test]
fn the_document_is_the_one_that_was_reviewed() {
    let text = format!("{}\n", serde_json::to_string_pretty(&Api::new().document).expect("JSON"));
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::write(reviewed(), &text).expect("docs can be written");
    }
    let stands = std::fs::read_to_string(reviewed()).unwrap_or_default();
    assert!(
        stands == text,
        "docs/openapi.json differs from the code: review the change, then run with UPDATE_OPENAPI=1"
    );
}

/// Calls `visit` with path, method and operation.
pub fn each_operation(document: &Value, mut visit: impl FnMut(&str, &str, &Value)) {
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            visit(path, method, operation);
        }
    }
}

#[test]
fn every_operation_has_a_summary_a_tag_examples_security_and_problems() {
    let document = Api::new().document;
    let mut count = 0;
    each_operation(&document, |path, method, operation| {
        count += 1;
        let name = format!("{method} {path}");
        assert!(operation["summary"].as_str().is_some_and(|text| !text.is_empty()), "{name}: summary");
        assert!(operation["tags"][0].is_string(), "{name}: tag");
        assert!(operation["security"].is_array(), "{name}: security");
        for status in ["400", "401", "403", "404", "422", "429", "500", "503"] {
            assert!(!operation["responses"][status].is_null(), "{name}: {status}");
        }
        let body = &operation["requestBody"];
        if !body.is_null() {
            let media = &body["content"]["application/json"];
            assert!(!media["example"].is_null(), "{name}: example of the body");
        }
        for (status, answer) in operation["responses"].as_object().expect("responses") {
            let media = &answer["content"]["application/json"];
            assert!(media.is_null() || !media["example"].is_null(), "{name}: example of {status}");
        }
    });
    assert!(count > 70, "the document lost operations: {count}");
}

#[test]
fn every_operation_id_is_unique_and_every_reference_leads_somewhere() {
    let document = Api::new().document;
    let mut ids = Vec::new();
    each_operation(&document, |_, _, operation| ids.push(operation["operationId"].to_string()));
    let count = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), count, "operation ids are unique");
    references(&document, &mut |reference| {
        let pointer = reference.trim_start_matches('#');
        assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
    });
}

fn references(value: &Value, visit: &mut impl FnMut(&str)) {
    match value {
        Value::Object(map) => {
            if let Some(reference) = map.get("$ref").and_then(Value::as_str) {
                visit(reference);
            }
            map.values().for_each(|inner| references(inner, visit));
        }
        Value::Array(list) => list.iter().for_each(|inner| references(inner, visit)),
        _ => {}
    }
}
