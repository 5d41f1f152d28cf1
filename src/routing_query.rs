//! Queries of routing conditions.

use serde::Serialize;
use serde_json::{Map, Value, json};

/// The query of a [`RoutingCondition`](crate::types::RoutingCondition): what must be true of a request.
///
/// A query is about one value of the request, or combines others. If the request lacks the value, the
/// query is false.
///
/// ```
/// use portkey_admin::{RoutingQuery, configs::RoutingCondition};
///
/// # fn main() -> Result<(), portkey_admin::Error> {
/// let paid = RoutingQuery::metadata("plan").one_of(["team", "enterprise"]);
/// let long = RoutingQuery::param("max_tokens").greater_than(4000);
/// let condition = RoutingCondition::builder()
///     .query(RoutingQuery::all([paid, long]))
///     .then("large-model")
///     .build()?;
/// # let _ = condition;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(transparent)]
pub struct RoutingQuery(Map<String, Value>);

/// A value of the request, from which a method makes a [`RoutingQuery`].
#[derive(Clone, Debug)]
#[must_use = "a value is not a query"]
pub struct RoutingValue(String);

impl RoutingQuery {
    /// The value of a metadata key. The key must not contain a dot.
    pub fn metadata(key: impl AsRef<str>) -> RoutingValue {
        RoutingValue(format!("metadata.{}", key.as_ref()))
    }

    /// A field of the request body that is a string, a number or a boolean: `model`, `temperature`.
    pub fn param(name: impl AsRef<str>) -> RoutingValue {
        RoutingValue(format!("params.{}", name.as_ref()))
    }

    /// The path of the request: `/v1/embeddings`.
    pub fn url_path() -> RoutingValue {
        RoutingValue("url.pathname".to_owned())
    }

    /// All queries are true.
    pub fn all(queries: impl IntoIterator<Item = Self>) -> Self {
        Self::combined("$and", queries)
    }

    /// At least one query is true.
    pub fn any(queries: impl IntoIterator<Item = Self>) -> Self {
        Self::combined("$or", queries)
    }

    fn combined(operator: &str, queries: impl IntoIterator<Item = Self>) -> Self {
        let queries = queries.into_iter().map(|query| Value::Object(query.0));
        Self(Map::from_iter([(operator.to_owned(), queries.collect())]))
    }
}

impl RoutingValue {
    /// The value is equal to this one.
    pub fn equals(self, value: impl Into<Value>) -> RoutingQuery {
        self.compared("$eq", value.into())
    }

    /// The value is not equal to this one.
    pub fn not_equals(self, value: impl Into<Value>) -> RoutingQuery {
        self.compared("$ne", value.into())
    }

    /// The value is greater than this one.
    pub fn greater_than(self, value: impl Into<Value>) -> RoutingQuery {
        self.compared("$gt", value.into())
    }

    /// The value is greater than or equal to this one.
    pub fn at_least(self, value: impl Into<Value>) -> RoutingQuery {
        self.compared("$gte", value.into())
    }

    /// The value is less than this one.
    pub fn less_than(self, value: impl Into<Value>) -> RoutingQuery {
        self.compared("$lt", value.into())
    }

    /// The value is less than or equal to this one.
    pub fn at_most(self, value: impl Into<Value>) -> RoutingQuery {
        self.compared("$lte", value.into())
    }

    /// The value is one of these.
    pub fn one_of(self, values: impl IntoIterator<Item = impl Into<Value>>) -> RoutingQuery {
        self.compared("$in", values.into_iter().map(Into::into).collect())
    }

    /// The value is none of these.
    pub fn none_of(self, values: impl IntoIterator<Item = impl Into<Value>>) -> RoutingQuery {
        self.compared("$nin", values.into_iter().map(Into::into).collect())
    }

    /// A regular expression of JavaScript matches the value.
    pub fn matches(self, pattern: impl AsRef<str>) -> RoutingQuery {
        self.compared("$regex", json!(pattern.as_ref()))
    }

    fn compared(self, operator: &str, value: Value) -> RoutingQuery {
        RoutingQuery(Map::from_iter([(self.0, json!({operator: value}))]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_have_the_documented_form() {
        let value = || RoutingQuery::param("x");
        for (query, expected) in [
            (
                RoutingQuery::metadata("plan").equals("paid"),
                json!({"metadata.plan": {"$eq": "paid"}}),
            ),
            (
                RoutingQuery::url_path().matches("^/v1"),
                json!({"url.pathname": {"$regex": "^/v1"}}),
            ),
            (value().not_equals(true), json!({"params.x": {"$ne": true}})),
            (value().greater_than(0.5), json!({"params.x": {"$gt": 0.5}})),
            (value().at_least(1), json!({"params.x": {"$gte": 1}})),
            (value().less_than(2), json!({"params.x": {"$lt": 2}})),
            (value().at_most(3), json!({"params.x": {"$lte": 3}})),
            (
                value().one_of(["a", "b"]),
                json!({"params.x": {"$in": ["a", "b"]}}),
            ),
            (
                value().none_of([1, 2]),
                json!({"params.x": {"$nin": [1, 2]}}),
            ),
            (
                RoutingQuery::any([
                    RoutingQuery::all([value().equals(1), value().equals(2)]),
                    value().equals(3),
                ]),
                json!({"$or": [
                    {"$and": [{"params.x": {"$eq": 1}}, {"params.x": {"$eq": 2}}]},
                    {"params.x": {"$eq": 3}},
                ]}),
            ),
        ] {
            assert_eq!(serde_json::to_value(query).unwrap(), expected);
        }
    }
}
