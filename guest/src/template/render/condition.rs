//! What the helpers that say yes or no say.

use std::cmp::Ordering;

use serde_json::Value;

use super::{Scope, evaluate};
use crate::template::expression::{Call, Expression};
use crate::template::helper::Helper;
use crate::template::value;

/// Whether a condition holds.
pub(super) fn holds(call: &Call, scope: &Scope<'_>) -> bool {
    let is_true =
        |expression| evaluate(expression, scope).is_some_and(|value| value::is_true(&value));
    let is_order = |wanted: fn(Ordering) -> bool| order(call, scope).is_some_and(wanted);
    match call.helper {
        Helper::If => condition(call, scope),
        Helper::Unless => !condition(call, scope),
        Helper::And => call.values.iter().all(is_true),
        Helper::Or => call.values.iter().any(is_true),
        Helper::Not => !call.values.iter().any(is_true),
        Helper::Eq => equal(call, scope),
        Helper::Ne => !equal(call, scope),
        Helper::Gt => is_order(Ordering::is_gt),
        Helper::Gte => is_order(Ordering::is_ge),
        Helper::Lt => is_order(Ordering::is_lt),
        Helper::Lte => is_order(Ordering::is_le),
        Helper::Each | Helper::With | Helper::Raw | Helper::Lookup | Helper::Len => false,
    }
}

fn condition(call: &Call, scope: &Scope<'_>) -> bool {
    let Some(value) = call.values.first().and_then(|value| evaluate(value, scope)) else {
        return false;
    };
    let zero = || call.include_zero.as_ref().and_then(|zero| evaluate(zero, scope));
    value::is_true(&value)
        || (value::is_zero(&value) && zero().is_some_and(|zero| !value::is_false(&zero)))
}

fn equal(call: &Call, scope: &Scope<'_>) -> bool {
    pair(call, scope, value::equals)
}

fn order(call: &Call, scope: &Scope<'_>) -> Option<Ordering> {
    pair(call, scope, value::compare)
}

/// Looks at the two values of a comparison, of which one that is missing counts as null.
fn pair<T>(call: &Call, scope: &Scope<'_>, look: impl Fn(&Value, &Value) -> T) -> T {
    let value = |index: usize| {
        let expression: Option<&Expression> = call.values.get(index);
        expression.and_then(|expression| evaluate(expression, scope))
    };
    let (one, other) = (value(0), value(1));
    let one = one.as_deref().unwrap_or(&Value::Null);
    look(one, other.as_deref().unwrap_or(&Value::Null))
}
