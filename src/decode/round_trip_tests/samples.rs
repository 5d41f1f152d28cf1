//! Responses generated from their schemas, altered in the ways observed from the service.

use std::{cell::OnceCell, fmt};

use portkey_admin_codegen::document;
use proptest::{
    collection::vec,
    option,
    prelude::*,
    sample::{Index, select},
    strategy::{NewTree, Union, ValueTree},
    test_runner::TestRunner,
};
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
    fn plain(value: impl Into<Value>) -> Self {
        let value = value.into();
        Self {
            sent: value.clone(),
            expected: value,
        }
    }

    /// Creates a value whose encoded form differs from the form sent.
    fn converted(sent: impl Into<Value>, expected: impl Into<Value>) -> Self {
        Self {
            sent: sent.into(),
            expected: expected.into(),
        }
    }
}

impl fmt::Debug for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, expected: {}", self.sent, self.expected)
    }
}

/// The alterations that are allowed for a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

/// Generates responses. The top-level value is never `null` or of another type.
pub fn response(document: &'static Value, schema: &Value) -> impl Strategy<Value = Sample> + use<> {
    Samples::new(
        document,
        schema,
        &arbitrary_json(2),
        Damage::AlternativeForm,
        0,
    )
}

/// Generates values of a schema. Smaller values have fewer fields and items, and less damage.
#[derive(Debug)]
struct Samples {
    document: &'static Value,
    schema: Value,
    /// Any JSON value, for unknown fields.
    json: BoxedStrategy<Value>,
    damage: Damage,
    depth: usize,
    /// Built when the first value is generated, because schemas are recursive.
    strategy: OnceCell<BoxedStrategy<Sample>>,
}

impl Strategy for Samples {
    type Tree = Box<dyn ValueTree<Value = Sample>>;
    type Value = Sample;

    fn new_tree(&self, runner: &mut TestRunner) -> NewTree<Self> {
        let strategy = self.strategy.get_or_init(|| self.build());
        strategy.new_tree(runner)
    }
}

impl Samples {
    fn new(
        document: &'static Value,
        schema: &Value,
        json: &BoxedStrategy<Value>,
        damage: Damage,
        depth: usize,
    ) -> Self {
        Self {
            document,
            schema: schema.clone(),
            json: json.clone(),
            damage,
            depth,
            strategy: OnceCell::new(),
        }
    }

    /// Returns the strategy for a part of the value or for a variant of it.
    fn part(&self, schema: &Value, damage: Damage, levels: usize) -> Self {
        let depth = self.depth + levels;
        Self::new(self.document, schema, &self.json, damage, depth)
    }

    fn build(&self) -> BoxedStrategy<Sample> {
        let shape = Shape::of(self.document, &self.schema);
        let values = self.values(&shape);
        match self.damage {
            Damage::Any => prop_oneof![
                18 => values,
                1 => Just(Sample::plain(Value::Null)),
                1 => mismatch(&shape),
            ]
            .boxed(),
            Damage::None | Damage::AlternativeForm => values,
        }
    }

    fn values(&self, shape: &Shape) -> BoxedStrategy<Sample> {
        match shape {
            Shape::Object { fields, required } => self.object(fields, required),
            Shape::Map(values) => self.map(values),
            Shape::List(items) => self.list(items),
            Shape::FreeForm => {
                let resolved = document::resolve(self.document, &self.schema).unwrap();
                self.free_form(resolved["x-public"] == true)
            }
            Shape::Any => self.json.clone().prop_map(Sample::plain).boxed(),
            Shape::ByType(variants) => self.variant_by_type(variants),
            Shape::Tagged(tag, variants) => self.tagged(tag, variants),
            Shape::Untagged(variants) => {
                let variants = variants.iter();
                let variants = variants.map(|variant| self.part(variant, Damage::None, 0));
                Union::new(variants).boxed()
            }
            scalar => self.scalar(scalar),
        }
    }

    fn scalar(&self, shape: &Shape) -> BoxedStrategy<Sample> {
        let plain = self.damage == Damage::None;
        match shape {
            Shape::Boolean => boolean(plain).boxed(),
            Shape::Integer => integer(any_integer(), plain).boxed(),
            Shape::UInt32 => integer(any::<u32>().prop_map_into().boxed(), plain).boxed(),
            Shape::Number => number(plain).boxed(),
            Shape::Timestamp => timestamp(plain).boxed(),
            Shape::Secret if plain => Just(Sample::plain("[redacted]")).boxed(),
            Shape::Secret => Just(Sample::converted(SECRET, "[redacted]")).boxed(),
            Shape::String(values) if values.is_empty() => string().prop_map(Sample::plain).boxed(),
            Shape::String(values) => {
                let values = select(values.clone());
                match plain {
                    true => values
                        .prop_map(|(_, expected)| Sample::plain(expected))
                        .boxed(),
                    false => prop_oneof![
                        3 => values.prop_map(|(sent, expected)| Sample::converted(sent, expected)),
                        1 => string().prop_map(Sample::plain),
                    ]
                    .boxed(),
                }
            }
            _ => unreachable!("the shape is not a scalar"),
        }
    }

    fn object(&self, fields: &Map<String, Value>, required: &[String]) -> BoxedStrategy<Sample> {
        let names: Vec<String> = fields.keys().cloned().collect();
        let values = fields.iter().map(|(name, schema)| {
            let is_required = required.contains(name);
            let damage = match self.damage {
                Damage::None => Damage::None,
                _ if is_required => Damage::AlternativeForm,
                _ => Damage::Any,
            };
            let value = self.part(schema, damage, 1);
            match is_required {
                true => value.prop_map(Some).boxed(),
                false if self.depth > MAX_DEPTH => Just(None).boxed(),
                false => option::weighted(7.0 / 8.0, value).boxed(),
            }
        });
        let values: Vec<_> = values.collect();
        let object = move |(values, unknown): (Vec<Option<Sample>>, Map<String, Value>)| {
            let (mut sent, mut expected) = (unknown.clone(), unknown);
            for object in [&mut sent, &mut expected] {
                object.insert("unknown credential".to_owned(), SECRET.into());
            }
            for (name, value) in names.iter().zip(values) {
                if let Some(value) = value {
                    sent.insert(name.clone(), value.sent);
                    expected.insert(name.clone(), value.expected);
                }
            }
            Sample::converted(sent, expected)
        };
        (values, self.unknown_fields(2)).prop_map(object).boxed()
    }

    fn list(&self, items: &Value) -> BoxedStrategy<Sample> {
        let list = |samples: Vec<Sample>| {
            let samples = samples
                .into_iter()
                .map(|sample| (sample.sent, sample.expected));
            let (sent, expected): (Vec<_>, Vec<_>) = samples.unzip();
            Sample::converted(sent, expected)
        };
        self.items(items).prop_map(list).boxed()
    }

    fn map(&self, values: &Value) -> BoxedStrategy<Sample> {
        let map = |samples: Vec<Sample>| {
            let names = ["a", "b c", "d.e", "é"].map(str::to_owned);
            let samples = samples.into_iter().zip(names);
            let samples = samples
                .map(|(sample, name)| ((name.clone(), sample.sent), (name, sample.expected)));
            let (sent, expected): (Map<_, _>, Map<_, _>) = samples.unzip();
            Sample::converted(sent, expected)
        };
        self.items(values).prop_map(map).boxed()
    }

    /// Generates items, each of which may have another type.
    fn items(&self, schema: &Value) -> impl Strategy<Value = Vec<Sample>> + use<> {
        let damage = match self.damage {
            Damage::None => Damage::None,
            Damage::AlternativeForm | Damage::Any => Damage::Any,
        };
        let max = if self.depth > MAX_DEPTH { 0 } else { 3 };
        vec(self.part(schema, damage, 1), 0..=max)
    }

    /// Generates a variant. A scalar variant has its normal form, because another form may have the
    /// type of another variant.
    fn variant_by_type(&self, variants: &[Value]) -> BoxedStrategy<Sample> {
        let variants = variants.iter().map(|variant| {
            let is_compound = matches!(
                Shape::of(self.document, variant),
                Shape::Object { .. } | Shape::Map(_) | Shape::List(_)
            );
            let damage = match self.damage {
                Damage::AlternativeForm | Damage::Any if is_compound => Damage::AlternativeForm,
                _ => Damage::None,
            };
            self.part(variant, damage, 0)
        });
        Union::new(variants).boxed()
    }

    /// Generates a variant, or an object with an unknown tag.
    fn tagged(&self, tag: &str, variants: &[(String, Value)]) -> BoxedStrategy<Sample> {
        let tagged = |value: &str, variant: &Value, damage: Damage| {
            let (tag, value) = (tag.to_owned(), value.to_owned());
            let set_tag = move |mut sample: Sample| {
                for object in [&mut sample.sent, &mut sample.expected] {
                    object[&tag] = value.as_str().into();
                }
                sample
            };
            self.part(variant, damage, 0).prop_map(set_tag)
        };
        let known = |damage| {
            let variants = variants.iter();
            Union::new(variants.map(|(value, variant)| tagged(value, variant, damage)))
        };
        if self.damage == Damage::None {
            return known(Damage::None).boxed();
        }
        let unknown = variants
            .iter()
            .map(|(_, variant)| tagged("not in the schema", variant, Damage::None));
        prop_oneof![
            4 => known(Damage::AlternativeForm),
            1 => Union::new(unknown),
        ]
        .boxed()
    }

    /// Generates an object without a schema for its fields.
    fn free_form(&self, is_public: bool) -> BoxedStrategy<Sample> {
        let object = move |mut fields: Map<String, Value>| {
            if !is_public {
                fields.insert("credential".to_owned(), SECRET.into());
            }
            Sample::plain(fields)
        };
        self.unknown_fields(4).prop_map(object).boxed()
    }

    /// Generates up to `max` fields that are not part of the schema.
    fn unknown_fields(&self, max: usize) -> impl Strategy<Value = Map<String, Value>> + use<> {
        let named = |values: Vec<Value>| {
            let values = values.into_iter().enumerate();
            values
                .map(|(index, value)| (format!("unknown {index}"), value))
                .collect()
        };
        vec(self.json.clone(), 0..=max).prop_map(named)
    }
}

/// Generates a value that does not match the shape in any form.
fn mismatch(shape: &Shape) -> impl Strategy<Value = Sample> + use<> {
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
    // A mismatched value may contain the secret.
    let is_secret = matches!(shape, Shape::Secret);
    select(mismatches).prop_map(move |value| match is_secret {
        true => Sample::converted(value, "[redacted]"),
        false => Sample::plain(value),
    })
}

fn boolean(plain: bool) -> impl Strategy<Value = Sample> {
    let forms = if plain { 1 } else { 5 };
    (any::<bool>(), 0..forms).prop_map(|(value, form)| {
        let digit = i64::from(value);
        let sent = match form {
            0 => json!(value),
            1 => json!(digit),
            2 => json!(digit as f64),
            3 => json!(value.to_string()),
            _ => json!(digit.to_string()),
        };
        Sample::converted(sent, value)
    })
}

fn any_integer() -> BoxedStrategy<i64> {
    prop_oneof![
        2 => -1000..100_000_i64,
        1 => any::<i64>(),
        1 => select(vec![0, 1, -1, i64::MAX, i64::MIN, (1 << 53) + 1]),
    ]
    .boxed()
}

fn integer(values: BoxedStrategy<i64>, plain: bool) -> impl Strategy<Value = Sample> {
    let forms = if plain { 1 } else { 16 };
    (values, 0..forms).prop_map(|(value, form)| {
        let is_exact = value.unsigned_abs() <= 1 << 53;
        let sent = match form {
            1..=4 if is_exact => json!(value as f64),
            5..=8 => json!(value.to_string()),
            9..=12 if is_exact => json!(format!("{value}.0")),
            13 => return Sample::plain(u64::MAX),
            _ => json!(value),
        };
        Sample::converted(sent, value)
    })
}

fn any_number() -> BoxedStrategy<f64> {
    prop_oneof![
        1 => (0..1000_u32).prop_map_into(),
        2 => (0..1_000_000_u32).prop_map(|value| f64::from(value) / 1000.0),
        1 => select(vec![0.0, -0.5, 1e300, 5e-324, 0.1 + 0.2, f64::MAX]),
    ]
    .boxed()
}

fn number(plain: bool) -> impl Strategy<Value = Sample> {
    let forms = if plain { 1 } else { 16 };
    (any_number(), 0..forms).prop_map(|(value, form)| {
        let sent = match form {
            1..=4 if value.fract() == 0.0 && value < 1e15 => json!(value as i64),
            5..=8 => json!(value.to_string()),
            9 => return Sample::plain((1_i64 << 53) + 1),
            _ => json!(value),
        };
        Sample::converted(sent, value)
    })
}

fn timestamp(plain: bool) -> BoxedStrategy<Sample> {
    let normal = "2026-01-02T03:04:05.120Z";
    let forms = vec![
        normal,
        "2026-01-02T03:04:05.12Z",
        "2026-01-02 03:04:05.120",
        "2026-01-02T03:04:05.120",
        "2026-01-02T04:04:05.120+01:00",
        "2026-01-02T03:04:05.120000Z",
    ];
    let without_fraction = vec![
        "2026-01-02T03:04:05Z",
        "2026-01-02 03:04:05",
        "2026-01-02T03:04:05",
    ];
    let normal_without_fraction = without_fraction[0];
    match plain {
        true => Just(Sample::plain(normal)).boxed(),
        false => prop_oneof![
            select(forms).prop_map(move |sent| Sample::converted(sent, normal)),
            select(without_fraction)
                .prop_map(move |sent| Sample::converted(sent, normal_without_fraction)),
        ]
        .boxed(),
    }
}

fn string() -> impl Strategy<Value = &'static str> {
    select(vec![
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
    ])
}

/// Generates any JSON value.
pub fn arbitrary_json(depth: u32) -> BoxedStrategy<Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map_into(),
        any_integer().prop_map_into(),
        any_number().prop_map_into(),
        string().prop_map_into(),
    ];
    if depth == 0 {
        return scalar.boxed();
    }
    prop_oneof![
        5 => scalar,
        1 => vec(arbitrary_json(depth - 1), 0..4).prop_map_into(),
        2 => arbitrary_object(depth),
    ]
    .boxed()
}

/// Generates any JSON object, with the names of common fields.
pub fn arbitrary_object(depth: u32) -> BoxedStrategy<Value> {
    let names = select(vec![
        "id", "data", "object", "total", "key", "name", "type", "x y",
    ]);
    let field = (names.prop_map(str::to_owned), arbitrary_json(depth - 1));
    vec(field, 0..6)
        .prop_map(|fields| Value::Object(fields.into_iter().collect()))
        .boxed()
}

/// JSON that replaces a value.
#[derive(Clone, Debug)]
pub struct Replacement {
    /// The index at each depth.
    location: Vec<Index>,
    value: Value,
}

/// Generates JSON that replaces a value at any location.
pub fn replacement() -> impl Strategy<Value = Replacement> {
    (vec(any::<Index>(), 0..=MAX_DEPTH), arbitrary_json(2))
        .prop_map(|(location, value)| Replacement { location, value })
}

impl Replacement {
    /// Replaces the value at the location, or the scalar that is reached before.
    pub fn apply(self, target: &mut Value) {
        replace(target, &self.location, self.value);
    }
}

fn replace(target: &mut Value, location: &[Index], value: Value) {
    match (target, location) {
        (Value::Array(items), [index, rest @ ..]) if !items.is_empty() => {
            let index = index.index(items.len());
            replace(&mut items[index], rest, value);
        }
        (Value::Object(fields), [index, rest @ ..]) if !fields.is_empty() => {
            let index = index.index(fields.len());
            replace(fields.values_mut().nth(index).unwrap(), rest, value);
        }
        (target, _) => *target = value,
    }
}
