//! Responses generated from their schemas, altered in the ways observed from the service.

use fastrand::Rng;
use portkey_admin_codegen::document;
use serde_json::{Map, Value, json};

use super::schema::Shape;

/// A value as it is sent, and as it must be encoded after decoding.
#[derive(Clone)]
pub struct Sample {
    pub sent: Value,
    pub expected: Value,
}

impl Sample {
    /// Creates a value that must be encoded unchanged, whether or not it matches its schema.
    fn plain(value: Value) -> Self {
        Self {
            sent: value.clone(),
            expected: value,
        }
    }

    /// Creates a value whose encoded form differs from the form sent.
    fn converted(sent: Value, expected: Value) -> Self {
        Self { sent, expected }
    }
}

/// The alterations that are allowed for a value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Damage {
    /// None: the value matches the schema, in its normal form, at every depth.
    None,
    /// The value has another form, or its fields are altered, but it is present and matches its
    /// type.
    AlternativeForm,
    /// The value may be absent, `null`, or of another type.
    Any,
}

/// A value that debug output must not contain: that of secrets, of unknown fields and of objects that
/// may contain credentials.
pub const SECRET: &str = "canary of a secret";

/// The depth below which objects contain only their required fields.
const MAX_DEPTH: usize = 7;

/// Generates responses.
pub struct Samples<'a> {
    document: &'a Value,
    random: &'a mut Rng,
}

impl<'a> Samples<'a> {
    pub fn new(document: &'a Value, random: &'a mut Rng) -> Self {
        Self { document, random }
    }

    /// Generates a response. The top-level value is never `null` or of another type.
    pub fn response(&mut self, schema: &Value) -> Sample {
        self.value(schema, Damage::AlternativeForm, 0)
    }

    fn value(&mut self, schema: &Value, damage: Damage, depth: usize) -> Sample {
        let shape = Shape::of(self.document, schema);
        if damage == Damage::Any && one_in(self.random, 10) {
            return match one_in(self.random, 2) {
                true => Sample::plain(Value::Null),
                false => {
                    let mismatch = Sample::plain(self.mismatch(&shape));
                    match shape {
                        // A mismatched value may contain the secret.
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
            Shape::Object { fields, required } => self.object(&fields, &required, damage, depth),
            Shape::Map(values) => self.map(&values, damage, depth),
            Shape::List(items) => self.list(&items, damage, depth),
            Shape::FreeForm => {
                let resolved = document::resolve(self.document, schema).unwrap();
                let is_public = resolved["x-public"] == true;
                let mut fields = self.unknown_fields(4);
                if !is_public {
                    fields.insert("credential".to_owned(), SECRET.into());
                }
                Sample::plain(Value::Object(fields))
            }
            Shape::Any => Sample::plain(arbitrary_json(self.random, 3)),
            Shape::ByType(variants) => self.variant_by_type(&variants, damage, depth),
            Shape::Tagged(tag, variants) => self.tagged(&tag, &variants, damage, depth),
            Shape::Untagged(variants) => {
                let variant = pick(self.random, &variants);
                self.value(&variant, Damage::None, depth)
            }
            scalar => self.scalar(&scalar, damage),
        }
    }

    fn scalar(&mut self, shape: &Shape, damage: Damage) -> Sample {
        let plain = damage == Damage::None;
        match shape {
            Shape::Boolean => boolean(self.random, plain),
            Shape::Integer => {
                let value = any_integer(self.random);
                integer(self.random, value, plain)
            }
            Shape::UInt32 => {
                let value = self.random.u32(..).into();
                integer(self.random, value, plain)
            }
            Shape::Number => number(self.random, plain),
            Shape::Timestamp => timestamp(self.random, plain),
            Shape::Secret if plain => Sample::plain("[redacted]".into()),
            Shape::Secret => Sample::converted(SECRET.into(), "[redacted]".into()),
            Shape::String(values) if !values.is_empty() && (plain || !one_in(self.random, 4)) => {
                let (sent, expected) = pick(self.random, values);
                match plain {
                    true => Sample::plain(expected.into()),
                    false => Sample::converted(sent.into(), expected.into()),
                }
            }
            _ => Sample::plain(string(self.random)),
        }
    }

    fn object(
        &mut self,
        fields: &Map<String, Value>,
        required: &[String],
        damage: Damage,
        depth: usize,
    ) -> Sample {
        let (mut sent, mut expected) = (Map::new(), Map::new());
        for (name, schema) in fields {
            let is_required = required.contains(name);
            let absent = depth > MAX_DEPTH || one_in(self.random, 8);
            if absent && !is_required {
                continue;
            }
            let inner = match damage {
                Damage::None => Damage::None,
                _ if is_required => Damage::AlternativeForm,
                _ => Damage::Any,
            };
            let value = self.value(schema, inner, depth + 1);
            sent.insert(name.clone(), value.sent);
            expected.insert(name.clone(), value.expected);
        }
        let mut unknown = self.unknown_fields(2);
        unknown.insert("unknown credential".to_owned(), SECRET.into());
        sent.extend(unknown.clone());
        expected.extend(unknown);
        Sample::converted(Value::Object(sent), Value::Object(expected))
    }

    /// Generates up to `max` fields that are not part of the schema.
    fn unknown_fields(&mut self, max: usize) -> Map<String, Value> {
        (0..self.random.usize(..max + 1))
            .map(|index| (format!("unknown {index}"), arbitrary_json(self.random, 2)))
            .collect()
    }

    fn list(&mut self, items: &Value, damage: Damage, depth: usize) -> Sample {
        let samples = self.items(items, damage, depth);
        let (sent, expected) = samples
            .into_iter()
            .map(|sample| (sample.sent, sample.expected))
            .unzip();
        Sample::converted(Value::Array(sent), Value::Array(expected))
    }

    fn map(&mut self, values: &Value, damage: Damage, depth: usize) -> Sample {
        let samples = self.items(values, damage, depth);
        let names = ["a", "b c", "d.e", "é"].map(str::to_owned);
        let (sent, expected): (Map<_, _>, Map<_, _>) = samples
            .into_iter()
            .zip(names)
            .map(|(sample, name)| ((name.clone(), sample.sent), (name, sample.expected)))
            .unzip();
        Sample::converted(Value::Object(sent), Value::Object(expected))
    }

    /// Generates items, each of which may have another type.
    fn items(&mut self, schema: &Value, damage: Damage, depth: usize) -> Vec<Sample> {
        let count = if depth > MAX_DEPTH {
            0
        } else {
            self.random.usize(..4)
        };
        let damage = match damage {
            Damage::None => Damage::None,
            Damage::AlternativeForm | Damage::Any => Damage::Any,
        };
        (0..count)
            .map(|_| self.value(schema, damage, depth + 1))
            .collect()
    }

    /// Generates a variant. A scalar variant has its normal form, because another form may have the
    /// type of another variant.
    fn variant_by_type(&mut self, variants: &[Value], damage: Damage, depth: usize) -> Sample {
        let variant = pick(self.random, variants);
        let is_compound = matches!(
            Shape::of(self.document, &variant),
            Shape::Object { .. } | Shape::Map(_) | Shape::List(_)
        );
        let inner = match damage {
            Damage::None => Damage::None,
            _ if is_compound => Damage::AlternativeForm,
            _ => Damage::None,
        };
        self.value(&variant, inner, depth)
    }

    fn tagged(
        &mut self,
        tag: &str,
        variants: &[(String, Value)],
        damage: Damage,
        depth: usize,
    ) -> Sample {
        let (value, variant) = pick(self.random, variants);
        let is_known = damage == Damage::None || !one_in(self.random, 5);
        let inner = match (is_known, damage) {
            (true, Damage::AlternativeForm | Damage::Any) => Damage::AlternativeForm,
            _ => Damage::None,
        };
        let mut sample = self.value(&variant, inner, depth);
        for object in [&mut sample.sent, &mut sample.expected] {
            object[tag] = match is_known {
                true => value.as_str().into(),
                false => "not in the schema".into(),
            };
        }
        sample
    }

    /// Returns a value that does not match the shape in any form.
    fn mismatch(&mut self, shape: &Shape) -> Value {
        let object = json!({"unknown": [1, null]});
        let list = json!([{"unknown": ""}, 2]);
        let mismatches = match shape {
            Shape::Object { .. } | Shape::Map(_) | Shape::FreeForm => {
                vec![json!("{}"), json!(0), list]
            }
            Shape::List(_) => vec![json!("[]"), json!(false), object],
            Shape::Boolean => vec![json!(""), json!(2), json!("yes"), list, object],
            Shape::Integer | Shape::Number => vec![json!(""), json!(true), json!("12 USD"), object],
            Shape::UInt32 => vec![json!(""), json!(-1), json!(i64::MAX), object],
            Shape::Secret => vec![json!(12), json!([SECRET]), json!({"unknown": SECRET})],
            Shape::String(_) => vec![json!(12), json!(0.5), json!(true), list],
            Shape::Timestamp => vec![json!(""), json!("soon"), json!(1_767_323_045), object],
            // Any other value may match a variant of a union.
            _ => vec![Value::Null],
        };
        pick(self.random, &mismatches)
    }
}

fn boolean(random: &mut Rng, plain: bool) -> Sample {
    let value = one_in(random, 2);
    let digit = i64::from(value);
    let forms = [
        json!(value),
        json!(digit),
        json!(digit as f64),
        json!(value.to_string()),
        json!(digit.to_string()),
    ];
    Sample::converted(
        forms[if plain { 0 } else { random.usize(..5) }].clone(),
        json!(value),
    )
}

fn any_integer(random: &mut Rng) -> i64 {
    match random.usize(..4) {
        0 => pick(random, &[0, 1, -1, i64::MAX, i64::MIN, (1 << 53) + 1]),
        _ => random.i64(..100_000),
    }
}

fn integer(random: &mut Rng, value: i64, plain: bool) -> Sample {
    let is_exact = value.unsigned_abs() <= 1 << 53;
    let sent = match random.usize(..4) {
        _ if plain => json!(value),
        0 if is_exact => json!(value as f64),
        1 => json!(value.to_string()),
        2 if is_exact => json!(format!("{value}.0")),
        3 if one_in(random, 4) => return Sample::plain(json!(u64::MAX)),
        _ => json!(value),
    };
    Sample::converted(sent, json!(value))
}

fn number(random: &mut Rng, plain: bool) -> Sample {
    let value = match random.usize(..4) {
        0 => pick(random, &[0.0, -0.5, 1e300, 5e-324, 0.1 + 0.2, f64::MAX]),
        1 => f64::from(random.u32(..1000)),
        _ => f64::from(random.u32(..1_000_000)) / 1000.0,
    };
    let sent = match random.usize(..4) {
        _ if plain => json!(value),
        0 if value.fract() == 0.0 && value < 1e15 => json!(value as i64),
        1 => json!(value.to_string()),
        2 if one_in(random, 4) => return Sample::plain(json!((1_i64 << 53) + 1)),
        _ => json!(value),
    };
    Sample::converted(sent, json!(value))
}

fn timestamp(random: &mut Rng, plain: bool) -> Sample {
    let normal = "2026-01-02T03:04:05.120Z";
    let forms = [
        normal,
        "2026-01-02T03:04:05.12Z",
        "2026-01-02 03:04:05.120",
        "2026-01-02T03:04:05.120",
        "2026-01-02T04:04:05.120+01:00",
        "2026-01-02T03:04:05.120000Z",
    ];
    let without_fraction = [
        "2026-01-02T03:04:05Z",
        "2026-01-02 03:04:05",
        "2026-01-02T03:04:05",
    ];
    match random.usize(..2) {
        _ if plain => Sample::plain(normal.into()),
        0 => Sample::converted(pick(random, &forms).into(), normal.into()),
        _ => Sample::converted(
            pick(random, &without_fraction).into(),
            without_fraction[0].into(),
        ),
    }
}

fn string(random: &mut Rng) -> Value {
    const STRINGS: [&str; 12] = [
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
    pick(random, &STRINGS).into()
}

/// Returns `true` with a probability of one in `times`.
fn one_in(random: &mut Rng, times: usize) -> bool {
    random.usize(..times) == 0
}

/// Returns a random item.
fn pick<T: Clone>(random: &mut Rng, items: &[T]) -> T {
    items[random.usize(..items.len())].clone()
}

/// Generates any JSON value.
pub fn arbitrary_json(random: &mut Rng, depth: usize) -> Value {
    let kinds = if depth == 0 { 5 } else { 8 };
    match random.usize(..kinds) {
        0 => Value::Null,
        1 => json!(one_in(random, 2)),
        2 => any_integer(random).into(),
        3 => number(random, true).sent,
        4 => string(random),
        5 => (0..random.usize(..4))
            .map(|_| arbitrary_json(random, depth - 1))
            .collect(),
        _ => {
            const NAMES: [&str; 8] = [
                "id", "data", "object", "total", "key", "name", "type", "x y",
            ];
            let fields = (0..random.usize(..6)).map(|_| {
                let name = pick(random, &NAMES).to_owned();
                (name, arbitrary_json(random, depth - 1))
            });
            Value::Object(fields.collect())
        }
    }
}

/// Replaces the value at a random location with any JSON value.
pub fn replace_random_value(random: &mut Rng, value: &mut Value) {
    let stop = one_in(random, 4);
    match value {
        Value::Array(items) if !stop && !items.is_empty() => {
            let index = random.usize(..items.len());
            replace_random_value(random, &mut items[index]);
        }
        Value::Object(fields) if !stop && !fields.is_empty() => {
            let index = random.usize(..fields.len());
            if let Some((_, field)) = fields.iter_mut().nth(index) {
                replace_random_value(random, field);
            }
        }
        other => *other = arbitrary_json(random, 2),
    }
}
