//! Test vectors of others, read where they lie. For tests only.

use serde_json::Value;

fn root() -> String {
    format!("{}/../../../shared/data/crypto", env!("CARGO_MANIFEST_DIR"))
}

/// A file of vectors.
pub(crate) fn read(name: &str) -> Value {
    let path = format!("{}/{name}", root());
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("the vectors {path} are needed: {error}"));
    serde_json::from_str(&text).expect("JSON")
}

/// The files of a folder of vectors, in the order of their names.
pub(crate) fn files(folder: &str) -> Vec<String> {
    let all = std::fs::read_dir(format!("{}/{folder}", root())).expect("the vectors are needed");
    let names = all.map(|entry| entry.expect("readable").file_name().into_string().expect("a name"));
    let mut names: Vec<String> = names.map(|name| format!("{folder}/{name}")).collect();
    names.sort();
    names
}

/// The groups of a Wycheproof file.
pub(crate) fn groups(name: &str) -> Vec<Value> {
    read(name)["testGroups"].as_array().expect("groups").clone()
}

/// The tests of a group.
pub(crate) fn tests(group: &Value) -> Vec<Value> {
    group["tests"].as_array().expect("tests").clone()
}

/// A member that is a text.
pub(crate) fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("{name} in {value}"))
}

/// A member that is hexadecimal.
pub(crate) fn bytes(value: &Value, name: &str) -> Vec<u8> {
    let digits = text(value, name).as_bytes();
    let digit = |byte: u8| char::from(byte).to_digit(16).expect("hexadecimal");
    let pairs = digits.chunks_exact(2).map(|pair| u8::try_from(digit(pair[0]) * 16 + digit(pair[1])).expect("a byte"));
    pairs.collect()
}
