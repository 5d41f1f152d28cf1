//! Pages of lists, in the envelope that the manifest describes.

use portkey_admin_codegen::manifest::Paging;
use serde_json::{Map, Value, json};

use crate::response::ResponseBody;

/// A list that can be paged.
pub(crate) trait Paginate<T> {
    /// Returns the total number of rows.
    fn total(&self) -> usize;
    /// Returns at most `take` rows, starting at `skip`.
    fn slice(self, skip: usize, take: usize) -> Vec<T>;
}

impl<T> Paginate<T> for Vec<T> {
    fn total(&self) -> usize {
        self.len()
    }

    fn slice(self, skip: usize, take: usize) -> Vec<T> {
        self.into_iter().skip(skip).take(take).collect()
    }
}

/// The default and the maximum page size; `None` if the list is not paged without a `page_size`, as
/// observed for most lists of the service.
pub(crate) type PageSizes = Option<(u64, u64)>;

/// Returns one page of `rows` in its envelope. The names of the fields and parameters, and the
/// number of the first page, come from the manifest; `page_sizes` applies the default and maximum
/// size.
pub(crate) fn page<T>(
    paging: Option<&Paging>,
    query: &Map<String, Value>,
    page_sizes: PageSizes,
    rows: impl Paginate<T>,
    to_json: impl Fn(T) -> Value,
) -> ResponseBody {
    let total = rows.total();
    let number = |name: Option<&String>| {
        name.and_then(|name| query.get(name))
            .and_then(Value::as_u64)
    };
    let size = number(paging.and_then(|paging| paging.size.as_ref()))
        .filter(|size| *size > 0)
        .or(page_sizes.map(|(default, _)| default))
        .map(|size| page_sizes.map_or(size, |(_, max)| size.min(max)));
    let first = u64::from(paging.and_then(|paging| paging.first).unwrap_or(0));
    let page = number(paging.and_then(|paging| paging.page.as_ref()))
        .unwrap_or(first)
        .saturating_sub(first);
    let (skip, take) = match size {
        None if page > 0 => (0, 0),
        None => (0, usize::MAX),
        Some(size) => (to_usize(page.saturating_mul(size)), to_usize(size)),
    };
    let items = rows.slice(skip, take).into_iter().map(to_json).collect();
    envelope(paging, total, end(page, size), items)
}

fn to_usize(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// Returns the number of items in the pages up to and including this one.
fn end(page: u64, size: Option<u64>) -> u64 {
    size.map_or(u64::MAX, |size| page.saturating_add(1).saturating_mul(size))
}

fn envelope(paging: Option<&Paging>, total: usize, end: u64, items: Vec<Value>) -> ResponseBody {
    let Some(paging) = paging else {
        return ResponseBody::json(json!({"object": "list", "total": total, "data": items}));
    };
    let Some(name) = &paging.items else {
        return ResponseBody::json(Value::Array(items));
    };
    let mut body = Map::new();
    body.insert("object".to_owned(), json!("list"));
    if let Some(name) = &paging.total {
        body.insert(name.clone(), json!(total));
    }
    if let Some(name) = &paging.more {
        body.insert(name.clone(), json!(end < total as u64));
    }
    body.insert(name.clone(), Value::Array(items));
    ResponseBody::json(Value::Object(body))
}

#[cfg(test)]
mod tests {
    use portkey_admin_codegen::manifest::Paging;
    use serde_json::{Map, Value, json};

    use super::{ResponseBody, page};

    fn paging(first: u32) -> Paging {
        let name = |name: &str| Some(name.to_owned());
        Paging {
            page: name("p"),
            size: name("s"),
            first: Some(first),
            after: None,
            next: None,
            items: name("rows"),
            also: None,
            key: None,
            total: name("count"),
            more: name("more"),
        }
    }

    fn body(paging: &Paging, query: Value) -> Value {
        let query: Map<String, Value> = query.as_object().cloned().unwrap();
        let items: Vec<i32> = (0..5).collect();
        match page(Some(paging), &query, None, items, Value::from) {
            ResponseBody::Json(body) => body,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn only_the_rows_of_the_page_are_rendered() {
        let rendered = std::cell::Cell::new(0);
        let to_json = |row: usize| {
            rendered.set(rendered.get() + 1);
            Value::from(row)
        };
        let query: Map<String, Value> = json!({"p": 500, "s": 20}).as_object().cloned().unwrap();
        let rows: Vec<usize> = (0..100_000).collect();
        match page(Some(&paging(0)), &query, None, rows, to_json) {
            ResponseBody::Json(body) => assert_eq!(body["rows"][0], 10_000),
            other => panic!("{other:?}"),
        }
        assert_eq!(rendered.get(), 20);
    }

    #[test]
    fn the_manifest_names_every_field() {
        assert_eq!(
            body(&paging(0), json!({"p": 1, "s": 2})),
            json!({"object": "list", "count": 5, "more": true, "rows": [2, 3]})
        );
        assert_eq!(
            body(&paging(1), json!({"p": 1, "s": 2}))["rows"],
            json!([0, 1])
        );
        assert_eq!(body(&paging(0), json!({"p": 2, "s": 2}))["more"], false);
        assert_eq!(body(&paging(0), json!({"p": 9, "s": 2}))["rows"], json!([]));
        assert_eq!(body(&paging(0), json!({}))["rows"], json!([0, 1, 2, 3, 4]));
    }
}
