//! Talks to a serving bank.

use serde_json::Value;
use std::io::{Read, Write};
use std::net::TcpStream;

/// POST, and the status line with the body.
pub fn post(address: &str, path: &str, (token, key): (&str, &str), body: &Value) -> (String, Value) {
    let mut stream = TcpStream::connect(address).expect("somebody listens");
    let caller = if token.is_empty() { String::new() } else { format!("authorization: Bearer {token}\r\n") };
    let key = if key.is_empty() { String::new() } else { format!("idempotency-key: {key}\r\n") };
    let (body, host) = (body.to_string(), format!("host: {address}\r\ncontent-type: application/json\r\n"));
    let head = format!(
        "POST {path} HTTP/1.1\r\n{host}{caller}{key}content-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(format!("{head}{body}").as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let status = answer.lines().next().expect("a status").to_owned();
    (status, json(&answer))
}

/// The body of an answer.
pub fn json(answer: &str) -> Value {
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {answer}"))
}

/// A text within a document.
pub fn word<'a>(page: &'a Value, pointer: &str) -> &'a str {
    page.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("{pointer} in {page}"))
}
