//! Strict JSON: one object, UTF-8, no duplicate keys, bounded depth, no unknown fields, and a pointer to what is wrong.
//!
//! Two passes. The first looks only at the form: depth, duplicate keys (RFC 8259, section 4, leaves them open; two readers
//! would see two amounts), objects at the top. The second fills the type; only when that fails is it repeated with a
//! tracked path, so that a good request pays nothing for the pointer.

use crate::problem::Problem;
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::cell::Cell;
use std::collections::HashSet;
use std::fmt;
use std::marker::PhantomData;
use vocabulary::ErrorCode;

/// The deepest nesting of objects and arrays.
pub const DEPTH: u32 = 16;

/// Reads a body.
///
/// # Errors
/// `malformed_json`, `body_too_deep`, `unknown_field`, `missing_field`, `invalid_field`, with a pointer where there is one.
pub fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let text = std::str::from_utf8(body)
        .map_err(|_| Problem::because(ErrorCode::MalformedJson, "The body is not UTF-8; send JSON in UTF-8."))?;
    check_form(text)?;
    match serde_json::from_str::<Object<T>>(text) {
        Ok(object) => Ok(object.0),
        Err(_) => Err(explain::<T>(text)),
    }
}

fn check_form(text: &str) -> Result<(), Problem> {
    if !text.trim_ascii_start().starts_with('{') {
        return Err(Problem::because(ErrorCode::MalformedJson, "The body is not a JSON object; send one object."));
    }
    let fault = Cell::new(Fault::None);
    let mut reader = serde_json::Deserializer::from_str(text);
    let result = Form { depth: 1, fault: &fault }.deserialize(&mut reader).and_then(|()| reader.end());
    match (result, fault.take()) {
        (Ok(()), _) => Ok(()),
        (Err(_), Fault::Deep) => Err(Problem::new(ErrorCode::BodyTooDeep)),
        (Err(_), Fault::Duplicate(key)) => Err(Problem::because(
            ErrorCode::MalformedJson,
            format!("The key \"{}\" stands twice in one object; send each key once.", short(&key)),
        )),
        (Err(error), Fault::None) => Err(Problem::because(
            ErrorCode::MalformedJson,
            format!("The body is not JSON at line {}, column {}; correct it.", error.line(), error.column()),
        )),
    }
}

/// At most forty characters of a text that came from outside.
fn short(text: &str) -> String {
    text.chars().take(40).collect()
}

fn explain<T: DeserializeOwned>(text: &str) -> Problem {
    let mut reader = serde_json::Deserializer::from_str(text);
    let error = match serde_path_to_error::deserialize::<_, Object<T>>(&mut reader) {
        Ok(_) => return Problem::new(ErrorCode::MalformedJson),
        Err(error) => error,
    };
    let mut pointer = pointer_of(error.path());
    let message = error.inner().to_string();
    let (code, named) = classify(&message);
    if let Some(field) = named.filter(|field| !pointer.ends_with(&format!("/{field}"))) {
        pointer.push('/');
        pointer.push_str(&escape(field));
    }
    let message = message.split(" at line ").next().unwrap_or_default();
    let message = in_plain_words(message);
    Problem::because(code, format!("{}: {message}. {}", short(&pointer), code.action())).at(pointer)
}

/// Serde's sentence without the names of our types, and not longer than a person reads.
fn in_plain_words(message: &str) -> String {
    const MOST: usize = 400;
    let (said, expected) = message.rsplit_once(", expected ").unwrap_or((message, ""));
    let plain = match expected {
        "u8" => Some(format!("{said}, expected a whole number from 0 to {}", u8::MAX)),
        "u16" => Some(format!("{said}, expected a whole number from 0 to {}", u16::MAX)),
        "u32" => Some(format!("{said}, expected a whole number from 0 to {}", u32::MAX)),
        "u64" => Some(format!("{said}, expected a whole number from 0 to {}", u64::MAX)),
        "i64" => Some(format!("{said}, expected a whole number")),
        _ => None,
    };
    let message = plain.unwrap_or_else(|| message.to_owned());
    match message.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", message.get(..end).unwrap_or_default()),
        None => message,
    }
}

/// What serde's sentence means, and the field it names.
fn classify(message: &str) -> (ErrorCode, Option<&str>) {
    let named = message.split('`').nth(1);
    if message.starts_with("unknown field") {
        (ErrorCode::UnknownField, named)
    } else if message.starts_with("missing field") {
        (ErrorCode::MissingField, named)
    } else {
        (ErrorCode::InvalidField, None)
    }
}

fn escape(segment: &str) -> Cow<'_, str> {
    if segment.contains(['~', '/']) {
        Cow::Owned(segment.replace('~', "~0").replace('/', "~1"))
    } else {
        Cow::Borrowed(segment)
    }
}

fn pointer_of(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let mut pointer = String::new();
    for segment in path.iter() {
        let part = match segment {
            Segment::Seq { index } => Cow::Owned(index.to_string()),
            Segment::Map { key } => escape(key),
            Segment::Enum { .. } | Segment::Unknown => continue,
        };
        pointer.push('/');
        pointer.push_str(&part);
    }
    pointer
}

/// A value that must be written as an object: serde's derived readers would take an array of the fields as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Object<T>(pub T);

impl<T: Serialize> Serialize for Object<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Only<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Only<T> {
            type Value = T;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map))
            }
        }
        deserializer.deserialize_map(Only(PhantomData)).map(Object)
    }
}

#[derive(Default)]
enum Fault {
    #[default]
    None,
    Deep,
    Duplicate(String),
}

/// Walks a value and keeps nothing of it.
struct Form<'f> {
    depth: u32,
    fault: &'f Cell<Fault>,
}

impl Form<'_> {
    fn inner<E: Error>(&self) -> Result<Self, E> {
        if self.depth > DEPTH {
            self.fault.set(Fault::Deep);
            return Err(E::custom("too deep"));
        }
        Ok(Form { depth: self.depth + 1, fault: self.fault })
    }
}

impl<'de> DeserializeSeed<'de> for Form<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Form<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let fault = self.fault;
        let depth = self.inner::<A::Error>()?.depth;
        while seq.next_element_seed(Form { depth, fault })?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let fault = self.fault;
        let depth = self.inner::<A::Error>()?.depth;
        let mut keys = Keys::default();
        while let Some(key) = map.next_key_seed(Key)? {
            if !keys.insert(key.clone()) {
                fault.set(Fault::Duplicate(key.into_owned()));
                return Err(A::Error::custom("duplicate key"));
            }
            map.next_value_seed(Form { depth, fault })?;
        }
        Ok(())
    }
}

/// The keys of one object: few are compared one by one, many are hashed, so that no object takes quadratic time.
#[derive(Default)]
struct Keys<'de> {
    few: Vec<Cow<'de, str>>,
    many: HashSet<Cow<'de, str>>,
}

impl<'de> Keys<'de> {
    fn insert(&mut self, key: Cow<'de, str>) -> bool {
        if self.few.contains(&key) {
            return false;
        }
        if self.few.len() < 16 {
            self.few.push(key);
            return true;
        }
        self.many.insert(key)
    }
}

/// Reads a key, borrowed when it has no escapes.
struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Key {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E>(self, key: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(key))
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(key.to_owned()))
    }
}
