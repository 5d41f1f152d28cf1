//! Answers: success, refusals in the service's envelope, pages of lists.

use portkey_admin_codegen::ledger::Paging;
use serde_json::{Map, Value, json};

/// What a handler returns.
pub(crate) type Answer = Result<Reply, Refusal>;

/// A successful answer; without a body where the service sends none.
#[derive(Debug)]
pub(crate) struct Reply(pub(crate) Option<Value>);

/// An answer that is not 2xx.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

impl Reply {
    /// 200 with a body.
    pub(crate) fn json(body: Value) -> Self {
        Self(Some(body))
    }

    /// 200 with `{}`: what most updates and deletions answer.
    pub(crate) fn done() -> Self {
        Self(Some(json!({})))
    }

    /// 200 without a body.
    pub(crate) fn nothing() -> Self {
        Self(None)
    }
}

impl Refusal {
    /// A refusal in the control plane's envelope.
    pub(crate) fn new(status: u16, code: Option<&str>, message: impl Into<String>) -> Self {
        let mut data = Map::new();
        data.insert("message".to_owned(), Value::String(message.into()));
        if let Some(code) = code {
            data.insert("errorCode".to_owned(), json!(code));
        }
        Self {
            status,
            body: json!({"success": false, "data": data}),
        }
    }

    /// 400 `AB01`: the request itself is wrong.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, Some("AB01"), message)
    }

    /// 400 `AB01` for a member of the body.
    pub(crate) fn invalid_field(name: &str, problem: &str) -> Self {
        Self::invalid(format!("body: `/{name}` {problem}"))
    }

    /// 403 `AB03`: not allowed, or gone.
    pub(crate) fn forbidden(message: impl Into<String>) -> Self {
        Self::new(403, Some("AB03"), message)
    }

    /// 404 `AB08`: there is no such thing.
    pub(crate) fn missing(what: &str) -> Self {
        Self::new(404, Some("AB08"), format!("{what} not found"))
    }

    /// 409 `AB07`: something else still depends on it.
    pub(crate) fn conflict(message: impl Into<String>) -> Self {
        Self::new(409, Some("AB07"), message)
    }
}

/// One page of `items` in its envelope; names, first page and size come from the ledger.
///
/// Without a page size, the whole list is one page: the service was never seen to cut it then.
pub(crate) fn page(
    paging: Option<&Paging>,
    query: &Map<String, Value>,
    items: Vec<Value>,
) -> Reply {
    let total = items.len();
    let number = |name: Option<&String>| {
        name.and_then(|name| query.get(name))
            .and_then(Value::as_u64)
    };
    let size = number(paging.and_then(|paging| paging.size.as_ref())).filter(|size| *size > 0);
    let first = u64::from(paging.and_then(|paging| paging.first).unwrap_or(0));
    let page = number(paging.and_then(|paging| paging.page.as_ref()))
        .unwrap_or(first)
        .saturating_sub(first);
    let cut: Vec<Value> = match size {
        None if page > 0 => Vec::new(),
        None => items,
        Some(size) => {
            let skip = usize::try_from(page.saturating_mul(size)).unwrap_or(usize::MAX);
            items
                .into_iter()
                .skip(skip)
                .take(usize::try_from(size).unwrap_or(usize::MAX))
                .collect()
        }
    };
    envelope(paging, total, end(page, size), cut)
}

/// How many items the pages up to and including this one hold.
fn end(page: u64, size: Option<u64>) -> u64 {
    size.map_or(u64::MAX, |size| page.saturating_add(1).saturating_mul(size))
}

fn envelope(paging: Option<&Paging>, total: usize, end: u64, items: Vec<Value>) -> Reply {
    let Some(paging) = paging else {
        return Reply::json(json!({"object": "list", "total": total, "data": items}));
    };
    let Some(name) = &paging.items else {
        return Reply::json(Value::Array(items));
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
    Reply::json(Value::Object(body))
}

#[cfg(test)]
mod tests {
    use portkey_admin_codegen::ledger::Paging;
    use serde_json::{Map, Value, json};

    use super::page;

    fn paging(first: u32) -> Paging {
        let name = |name: &str| Some(name.to_owned());
        Paging {
            page: name("p"),
            size: name("s"),
            first: Some(first),
            after: None,
            items: name("rows"),
            total: name("count"),
            more: name("more"),
        }
    }

    fn body(paging: &Paging, query: Value) -> Value {
        let query: Map<String, Value> = query.as_object().cloned().unwrap();
        let items = (0..5).map(Value::from).collect();
        page(Some(paging), &query, items).0.unwrap()
    }

    #[test]
    fn the_ledger_names_everything() {
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
