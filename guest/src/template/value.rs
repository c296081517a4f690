//! Values as JavaScript sees them, for templates mean what handlebars.js makes of them: their
//! members, their order, their truth.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde_json::{Map, Value};

/// A member of a value: of an object by its key, of a list or a text by an index or `length`.
pub(super) fn member<'v>(value: &'v Value, key: &str) -> Option<Cow<'v, Value>> {
    let length = |length: usize| Some(Cow::Owned(Value::from(length)));
    match value {
        Value::Object(map) => map.get(key).map(Cow::Borrowed),
        Value::Array(list) if key == "length" => length(list.len()),
        Value::Array(list) => list.get(index(key)?).map(Cow::Borrowed),
        // JavaScript counts units of UTF-16.
        Value::String(text) if key == "length" => length(text.encode_utf16().count()),
        Value::String(text) => {
            let unit = text.encode_utf16().nth(index(key)?)?;
            Some(Cow::Owned(Value::from(String::from_utf16_lossy(&[unit]))))
        }
        _ => None,
    }
}

/// Goes from a value along a path of keys.
pub(super) fn follow<'v, 'k>(
    value: Cow<'v, Value>,
    mut keys: impl Iterator<Item = &'k str>,
) -> Option<Cow<'v, Value>> {
    keys.try_fold(value, |value, key| match value {
        Cow::Borrowed(value) => member(value, key),
        Cow::Owned(value) => member(&value, key).map(|found| Cow::Owned(found.into_owned())),
    })
}

/// The index that a key stands for, where it is written as JavaScript writes indices.
fn index(key: &str) -> Option<usize> {
    let index: u32 = key.parse().ok().filter(|index| *index < u32::MAX)?;
    (index.to_string() == key).then(|| usize::try_from(index).ok())?
}

/// The members of an object in JavaScript's order: indices first, then as they were given.
pub(super) fn members(map: &Map<String, Value>) -> Vec<(&String, &Value)> {
    let mut members: Vec<_> = map.iter().collect();
    members.sort_by_key(|(key, _)| index(key).unwrap_or(usize::MAX));
    members
}

/// JavaScript's truth, except that an empty list is false.
pub(super) fn is_true(value: &Value) -> bool {
    !is_empty(value) && !is_zero(value)
}

/// What is false in JavaScript.
pub(super) fn is_false(value: &Value) -> bool {
    is_zero(value) || (!value.is_array() && is_empty(value))
}

/// What handlebars.js calls empty: everything false but zero, and an empty list.
pub(super) fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(flag) => !flag,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Number(_) | Value::Object(_) => false,
    }
}

/// Whether a value is the number zero.
pub(super) fn is_zero(value: &Value) -> bool {
    value.as_f64() == Some(0.0)
}

/// Whether two values are equal, numbers by their size and lists and objects by what they hold.
pub(super) fn equals(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(_), Value::Number(_)) => compare(one, other) == Some(Ordering::Equal),
        _ => one == other,
    }
}

/// The order of two numbers, texts or flags; a text beside a number counts as the number that it
/// is.
pub(super) fn compare(one: &Value, other: &Value) -> Option<Ordering> {
    match (one, other) {
        (Value::String(one), Value::String(other)) => Some(one.cmp(other)),
        (Value::Bool(one), Value::Bool(other)) => Some(one.cmp(other)),
        _ => match (integer(one), integer(other)) {
            (Some(one), Some(other)) => Some(one.cmp(&other)),
            _ => number(one)?.partial_cmp(&number(other)?),
        },
    }
}

/// The integer that a value is, for a float would round the large ones.
fn integer(value: &Value) -> Option<i128> {
    match value {
        Value::Number(number) => {
            number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from))
        }
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::String(text) => text.parse().ok(),
        _ => value.as_f64(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn members_are_those_of_javascript() {
        for (value, key, expected) in [
            (json!({"a": 1}), "a", Some(json!(1))),
            (json!({"a": 1}), "length", None),
            (json!({"length": 7}), "length", Some(json!(7))),
            (json!([5, 6]), "1", Some(json!(6))),
            (json!([5, 6]), "01", None),
            (json!([5, 6]), "+1", None),
            (json!([5, 6]), "x", None),
            (json!([5, 6]), "length", Some(json!(2))),
            (json!("a😀"), "length", Some(json!(3))),
            (json!("añ"), "1", Some(json!("ñ"))),
            (json!("a"), "1", None),
            (json!(12), "length", None),
            (json!(null), "a", None),
        ] {
            assert_eq!(member(&value, key).map(Cow::into_owned), expected, "{value} {key}");
        }
    }

    #[test]
    fn indices_come_first() {
        let value = json!({"b": 1, "10": 2, "2": 3, "a": 4, "02": 5});
        let keys: Vec<_> = members(value.as_object().expect("an object"))
            .into_iter()
            .map(|(key, _)| key)
            .collect();
        assert_eq!(keys, ["2", "10", "b", "a", "02"]);
    }

    #[test]
    fn values_are_compared_by_what_they_say() {
        use Ordering::{Equal, Greater, Less};
        for (one, other, order) in [
            (json!(1), json!(1.0), Some(Equal)),
            (json!(u64::MAX), json!(u64::MAX - 1), Some(Greater)),
            (json!(-1), json!(u64::MAX), Some(Less)),
            (json!("10"), json!(9), Some(Greater)),
            (json!(1.5), json!("2.5"), Some(Less)),
            (json!("10"), json!("9"), Some(Less)),
            (json!(true), json!(false), Some(Greater)),
            (json!("x"), json!(1), None),
            (json!([1]), json!([1]), None),
        ] {
            assert_eq!(compare(&one, &other), order, "{one} {other}");
        }
        assert!(equals(&json!(1), &json!(1.0)) && equals(&json!([1]), &json!([1])));
        assert!(!equals(&json!(1), &json!("1")) && !equals(&json!(null), &json!(false)));
    }
}
