//! Responses made up from their schemas, and damaged as the service damages them.

use serde_json::{Map, Value, json};

use super::{random::Random, schema::Shape};

/// A value as it is sent, and as it must be encoded after it was decoded.
#[derive(Clone)]
pub struct Sample {
    pub sent: Value,
    pub expected: Value,
}

impl Sample {
    /// A value that comes back as it was, be it what its schema says or not.
    fn plain(value: Value) -> Self {
        Self {
            sent: value.clone(),
            expected: value,
        }
    }

    /// One of several forms of a value.
    fn form(sent: Value, expected: Value) -> Self {
        Self { sent, expected }
    }
}

/// What may happen to a value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Damage {
    /// Nothing: it is what the schema says, in its normal form, to the innermost member.
    None,
    /// It has another form, or its members are damaged, but it is there and fits.
    Form,
    /// It is absent, `null`, or something else.
    Any,
}

/// ObjectVisitor deeper than this have only what they required have.
const DEEPEST: usize = 7;

/// Makes up answers.
pub struct Samples<'a> {
    document: &'a Value,
    random: &'a mut Random,
}

impl<'a> Samples<'a> {
    pub fn new(document: &'a Value, random: &'a mut Random) -> Self {
        Self { document, random }
    }

    /// An answer; the whole of it is neither `null` nor something else.
    pub fn answer(&mut self, schema: &Value) -> Sample {
        self.value(schema, Damage::Form, 0)
    }

    fn value(&mut self, schema: &Value, damage: Damage, depth: usize) -> Sample {
        let shape = Shape::of(self.document, schema);
        if damage == Damage::Any && self.random.once_in(10) {
            return match self.random.once_in(2) {
                true => Sample::plain(Value::Null),
                false => {
                    let mismatch = Sample::plain(self.mismatch(&shape));
                    match shape {
                        // What stands in the place of a secret may be one.
                        Shape::Secret => Sample {
                            expected: "[redacted]".into(),
                            ..mismatch
                        },
                        _ => mismatch,
                    }
                }
            };
        }
        match shape {
            Shape::Object { members, required } => self.object(&members, &required, damage, depth),
            Shape::Map(values) => self.map(&values, damage, depth),
            Shape::List(items) => self.list(&items, damage, depth),
            Shape::Free => Sample::plain(Value::Object(self.unheard_of(4))),
            Shape::Any => Sample::plain(tree(self.random, 3)),
            Shape::ByKind(variants) => self.of_a_kind(&variants, damage, depth),
            Shape::ByTag(member, variants) => self.tagged(&member, &variants, damage, depth),
            Shape::Undecided(variants) => {
                let variant = self.random.pick(&variants);
                self.value(&variant, Damage::None, depth)
            }
            scalar => self.scalar(&scalar, damage),
        }
    }

    fn scalar(&mut self, shape: &Shape, damage: Damage) -> Sample {
        let plain = damage == Damage::None;
        match shape {
            Shape::Boolean => boolean(self.random, plain),
            Shape::Integer => integer(self.random, plain),
            Shape::Number => number(self.random, plain),
            Shape::Time => time(self.random, plain),
            Shape::Secret if plain => Sample::plain("[redacted]".into()),
            Shape::Secret => Sample::form(text(self.random), "[redacted]".into()),
            Shape::Text(values) if !values.is_empty() && (plain || !self.random.once_in(4)) => {
                Sample::plain(self.random.pick(values).into())
            }
            _ => Sample::plain(text(self.random)),
        }
    }

    fn object(
        &mut self,
        members: &Map<String, Value>,
        required: &[String],
        damage: Damage,
        depth: usize,
    ) -> Sample {
        let (mut sent, mut expected) = (Map::new(), Map::new());
        for (name, schema) in members {
            let spared = required.contains(name);
            let absent = depth > DEEPEST || self.random.once_in(8);
            if absent && !spared {
                continue;
            }
            let inner = match damage {
                Damage::None => Damage::None,
                _ if spared => Damage::Form,
                _ => Damage::Any,
            };
            let value = self.value(schema, inner, depth + 1);
            sent.insert(name.clone(), value.sent);
            expected.insert(name.clone(), value.expected);
        }
        let more = self.unheard_of(2);
        sent.extend(more.clone());
        expected.extend(more);
        Sample::form(Value::Object(sent), Value::Object(expected))
    }

    /// JsonObject that no schema names.
    fn unheard_of(&mut self, most: usize) -> Map<String, Value> {
        (0..self.random.below(most + 1))
            .map(|index| (format!("unheard of {index}"), tree(self.random, 2)))
            .collect()
    }

    fn list(&mut self, items: &Value, damage: Damage, depth: usize) -> Sample {
        let entries = self.entries(items, damage, depth);
        let (sent, expected) = entries
            .into_iter()
            .map(|one| (one.sent, one.expected))
            .unzip();
        Sample::form(Value::Array(sent), Value::Array(expected))
    }

    fn map(&mut self, values: &Value, damage: Damage, depth: usize) -> Sample {
        let entries = self.entries(values, damage, depth);
        let names = ["a", "b c", "d.e", "é"].map(str::to_owned);
        let (sent, expected): (Map<_, _>, Map<_, _>) = entries
            .into_iter()
            .zip(names)
            .map(|(one, name)| ((name.clone(), one.sent), (name, one.expected)))
            .unzip();
        Sample::form(Value::Object(sent), Value::Object(expected))
    }

    /// Items, each of which may be something else.
    fn entries(&mut self, schema: &Value, damage: Damage, depth: usize) -> Vec<Sample> {
        let count = if depth > DEEPEST {
            0
        } else {
            self.random.below(4)
        };
        let damage = match damage {
            Damage::None => Damage::None,
            Damage::Form | Damage::Any => Damage::Any,
        };
        (0..count)
            .map(|_| self.value(schema, damage, depth + 1))
            .collect()
    }

    /// A scalar variant keeps its normal form: another form may be another kind.
    fn of_a_kind(&mut self, variants: &[Value], damage: Damage, depth: usize) -> Sample {
        let variant = self.random.pick(variants);
        let compound = matches!(
            Shape::of(self.document, &variant),
            Shape::Object { .. } | Shape::Map(_) | Shape::List(_)
        );
        let inner = match damage {
            Damage::None => Damage::None,
            _ if compound => Damage::Form,
            _ => Damage::None,
        };
        self.value(&variant, inner, depth)
    }

    fn tagged(
        &mut self,
        member: &str,
        variants: &[(String, Value)],
        damage: Damage,
        depth: usize,
    ) -> Sample {
        let (tag, variant) = self.random.pick(variants);
        let known = damage == Damage::None || !self.random.once_in(5);
        let inner = match (known, damage) {
            (true, Damage::Form | Damage::Any) => Damage::Form,
            _ => Damage::None,
        };
        let mut sample = self.value(&variant, inner, depth);
        for object in [&mut sample.sent, &mut sample.expected] {
            object[member] = match known {
                true => tag.as_str().into(),
                false => "unheard of".into(),
            };
        }
        sample
    }

    /// A value of a kind that the shape is not, in any form.
    fn mismatch(&mut self, shape: &Shape) -> Value {
        let object = json!({"unheard of": [1, null]});
        let list = json!([{"unheard of": ""}, 2]);
        let others = match shape {
            Shape::Object { .. } | Shape::Map(_) | Shape::Free => vec![json!("{}"), json!(0), list],
            Shape::List(_) => vec![json!("[]"), json!(false), object],
            Shape::Boolean => vec![json!(""), json!(2), json!("yes"), list, object],
            Shape::Integer | Shape::Number => vec![json!(""), json!(true), json!("12 USD"), object],
            Shape::Text(_) | Shape::Secret => vec![json!(12), json!(0.5), json!(true), list],
            Shape::Time => vec![json!(""), json!("soon"), json!(1_767_323_045), object],
            // Whatever a union is, a list or an object of one kind keeps what it is given.
            _ => vec![Value::Null],
        };
        self.random.pick(&others)
    }
}

fn boolean(random: &mut Random, plain: bool) -> Sample {
    let value = random.once_in(2);
    let digit = i64::from(value);
    let forms = [
        json!(value),
        json!(digit),
        json!(digit as f64),
        json!(value.to_string()),
        json!(digit.to_string()),
    ];
    Sample::form(
        forms[if plain { 0 } else { random.below(5) }].clone(),
        json!(value),
    )
}

fn integer(random: &mut Random, plain: bool) -> Sample {
    let value = match random.below(4) {
        0 => random.pick(&[0, 1, -1, i64::MAX, i64::MIN, (1 << 53) + 1]),
        _ => (random.next() % 100_000) as i64,
    };
    let exact = value.unsigned_abs() <= 1 << 53;
    let sent = match random.below(4) {
        _ if plain => json!(value),
        0 if exact => json!(value as f64),
        1 => json!(value.to_string()),
        2 if exact => json!(format!("{value}.0")),
        3 if random.once_in(4) => return Sample::plain(json!(u64::MAX)),
        _ => json!(value),
    };
    Sample::form(sent, json!(value))
}

fn number(random: &mut Random, plain: bool) -> Sample {
    let value = match random.below(4) {
        0 => random.pick(&[0.0, -0.5, 1e300, 5e-324, 0.1 + 0.2, f64::MAX]),
        1 => (random.next() % 1000) as f64,
        _ => (random.next() % 1_000_000) as f64 / 1000.0,
    };
    let sent = match random.below(4) {
        _ if plain => json!(value),
        0 if value.fract() == 0.0 && value < 1e15 => json!(value as i64),
        1 => json!(value.to_string()),
        2 if random.once_in(4) => return Sample::plain(json!((1_i64 << 53) + 1)),
        _ => json!(value),
    };
    Sample::form(sent, json!(value))
}

fn time(random: &mut Random, plain: bool) -> Sample {
    let normal = "2026-01-02T03:04:05.120Z";
    let forms = [
        normal,
        "2026-01-02T03:04:05.12Z",
        "2026-01-02 03:04:05.120",
        "2026-01-02T04:04:05.120+01:00",
        "2026-01-02T03:04:05.120000Z",
    ];
    let whole = ["2026-01-02T03:04:05Z", "2026-01-02 03:04:05"];
    match random.below(2) {
        _ if plain => Sample::plain(normal.into()),
        0 => Sample::form(random.pick(&forms).into(), normal.into()),
        _ => Sample::form(random.pick(&whole).into(), whole[0].into()),
    }
}

fn text(random: &mut Random) -> Value {
    const TEXTS: [&str; 12] = [
        "",
        "one",
        "00000000-0000-4000-8000-000000000001",
        "ws-one",
        "12",
        "true",
        "null",
        "2026-01-02",
        "{\"a\": 1}",
        "line\nbreak \"quoted\" \\ \u{0}\u{7f}",
        "Größe 👍",
        "\u{2028}\u{feff}",
    ];
    random.pick(&TEXTS).into()
}

/// Any JSON value.
pub fn tree(random: &mut Random, depth: usize) -> Value {
    let kinds = if depth == 0 { 5 } else { 8 };
    match random.below(kinds) {
        0 => Value::Null,
        1 => json!(random.once_in(2)),
        2 => integer(random, true).sent,
        3 => number(random, true).sent,
        4 => text(random),
        5 => (0..random.below(4))
            .map(|_| tree(random, depth - 1))
            .collect(),
        _ => {
            const NAMES: [&str; 8] = [
                "id", "data", "object", "total", "key", "name", "type", "x y",
            ];
            let members = (0..random.below(6)).map(|_| {
                let name = random.pick(&NAMES).to_owned();
                (name, tree(random, depth - 1))
            });
            Value::Object(members.collect())
        }
    }
}

/// Puts any JSON value into some place of another.
pub fn spoil(random: &mut Random, value: &mut Value) {
    let stop = random.once_in(4);
    match value {
        Value::Array(items) if !stop && !items.is_empty() => {
            let at = random.below(items.len());
            spoil(random, &mut items[at]);
        }
        Value::Object(members) if !stop && !members.is_empty() => {
            let at = random.below(members.len());
            if let Some((_, member)) = members.iter_mut().nth(at) {
                spoil(random, member);
            }
        }
        other => *other = tree(random, 2),
    }
}
