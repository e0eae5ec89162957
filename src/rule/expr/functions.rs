//! The functions that expressions have beyond those of CEL.

use std::net::IpAddr;

use cel::common::types::{CelInt, CelString};
use cel::common::value::{CowVal, Val};
use cel::{Context, ExecutionError, FunctionContext, Value};
use ipnet::IpNet;

use crate::model::{self, Time};
use crate::rule::moment::{days_since, time_of};
use crate::rule::version::{Scheme, compare};

/// Most pieces that `split` makes.
const MAX_PIECES: usize = 1_000;

type Answer = Result<Value, ExecutionError>;

/// Adds them; without a time there is no `days_since`.
pub(super) fn add(context: &mut Context<'_, '_>, now: Option<Time>) {
    // the names are ours alone, so that nothing conflicts
    let _ = context.add_function("version_at_least", version_at_least);
    let _ = context.add_function("cidr", cidr);
    let _ = context.add_function("in_set", in_set);
    let _ = context.add_function("split", split);
    if let Some(now) = now {
        let _ = context.add_function("days_since", move |call: &FunctionContext| since(call, now));
    }
}

/// `version_at_least(version, minimum[, scheme])`.
fn version_at_least(call: &FunctionContext) -> Answer {
    let (version, minimum) = (text(call, 0)?, text(call, 1)?);
    let scheme = if arguments(call).count() > 2 { text(call, 2)? } else { "numeric".to_owned() };
    let scheme = Scheme::from_word(&scheme).ok_or_else(|| call.error(format!("{scheme:?} is no version scheme")))?;
    let order = compare(&version, &minimum, scheme);
    order
        .map(|order| Value::Bool(order.is_ge()))
        .ok_or_else(|| call.error(format!("{version:?} cannot be ordered against {minimum:?}")))
}

/// `cidr(address, network)`: whether the address, or the network, lies in the network; of a list on the left all
/// must, of a list on the right one is enough.
fn cidr(call: &FunctionContext) -> Answer {
    let inner = networks(call, 0)?;
    let outer = networks(call, 1)?;
    let inside = |net: &IpNet| outer.iter().any(|around| around.contains(net));
    Ok(Value::Bool(!inner.is_empty() && inner.iter().all(inside)))
}

/// A network or an address, or a list of them.
fn networks(call: &FunctionContext, at: usize) -> Result<Vec<IpNet>, ExecutionError> {
    let read = |text: &str| {
        let net = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
        net.map_err(|_| call.error(format!("{text:?} is no {}", if at == 0 { "IP address" } else { "network" })))
    };
    match Value::try_from(argument(call, at)?.as_ref())? {
        Value::String(text) => read(&text).map(|net| vec![net]),
        Value::List(items) => items
            .iter()
            .map(|item| match item {
                Value::String(text) => read(text),
                _ => Err(call.error("a list of networks holds something else than text")),
            })
            .collect(),
        _ => Err(call.error(format!("argument {} is no text", at + 1))),
    }
}

/// `in_set(x, list)`: like `x in list`, but a number and its text are the same.
fn in_set(call: &FunctionContext) -> Answer {
    let (wanted, set) = (argument(call, 0)?, argument(call, 1)?);
    let set = set.as_container().ok_or_else(|| call.error("the second argument is no list"))?;
    if set.contains(wanted.as_ref())? {
        return Ok(Value::Bool(true));
    }
    let twin = if let Some(number) = wanted.downcast_ref::<CelInt>() {
        set.contains(&CelString::from(number.inner().to_string()))?
    } else if let Some(Ok(number)) = wanted.downcast_ref::<CelString>().map(|text| text.inner().trim().parse::<i64>()) {
        set.contains(&CelInt::from(number))?
    } else {
        false
    };
    Ok(Value::Bool(twin))
}

/// `days_since(time)`: days, with a fraction; negative when the time lies ahead.
fn since(call: &FunctionContext, now: Time) -> Answer {
    let time = match Value::try_from(argument(call, 0)?.as_ref())? {
        Value::Timestamp(time) => Some(time.to_utc()),
        Value::String(text) => time_of(&model::Value::text(text.as_str())),
        Value::Int(seconds) => time_of(&model::Value::Int(seconds)),
        Value::Float(seconds) => time_of(&model::Value::Float(seconds)),
        _ => None,
    };
    let time = time.ok_or_else(|| call.error("the argument is no time that can be read"))?;
    Ok(Value::Float(days_since(time, now)))
}

/// `split(text, separator)`.
fn split(call: &FunctionContext) -> Answer {
    let (whole, separator) = (text(call, 0)?, text(call, 1)?);
    if separator.is_empty() {
        return Err(call.error("the separator is empty"));
    }
    let pieces: Vec<Value> = whole.split(&separator).take(MAX_PIECES + 1).map(Value::from).collect();
    if pieces.len() > MAX_PIECES {
        return Err(call.error(format!("more than {MAX_PIECES} pieces")));
    }
    Ok(Value::List(pieces.into()))
}

/// The receiver, if there is one, and the arguments: `f(x, y)` and `x.f(y)` are the same.
fn arguments<'f, 'c, 'v>(call: &'f FunctionContext<'c, 'v>) -> impl Iterator<Item = &'f CowVal<'c, 'v>> {
    call.this.iter().chain(&call.args)
}

fn argument<'f, 'c, 'v>(call: &'f FunctionContext<'c, 'v>, at: usize) -> Result<&'f CowVal<'c, 'v>, ExecutionError> {
    arguments(call).nth(at).ok_or_else(|| call.error(format!("argument {} is not there", at + 1)))
}

/// A text, or a number as one.
fn text(call: &FunctionContext, at: usize) -> Result<String, ExecutionError> {
    let value: &dyn Val = argument(call, at)?.as_ref();
    if let Some(text) = value.downcast_ref::<CelString>() {
        return Ok(text.inner().to_owned());
    }
    let number = value.downcast_ref::<CelInt>().map(|number| number.inner().to_string());
    number.ok_or_else(|| call.error(format!("argument {} is no text", at + 1)))
}
