//! A plain HTTP client beside a fresh emulator.

use portkey_admin_emulator::Emulator;
use reqwest::Method;
use serde_json::{Value, json};

use crate::document;

/// An emulator and a key for it.
pub struct World {
    pub emulator: Emulator,
    pub http: reqwest::Client,
    pub key: String,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    /// Null where the body was empty.
    pub body: Value,
}

impl World {
    pub async fn new() -> Self {
        Self::of(Emulator::start().await.unwrap())
    }

    pub fn of(emulator: Emulator) -> Self {
        let key = emulator.api_key().to_owned();
        // Whatever proxy the environment names, it is not for loopback.
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self {
            emulator,
            http,
            key,
        }
    }

    /// Sends a request below `/v1` with `key`, a null body meaning none.
    pub async fn send_as(&self, key: &str, method: Method, path: &str, body: Value) -> Answer {
        let url = format!("{}{path}", self.emulator.base_url());
        let mut request = self
            .http
            .request(method.clone(), url)
            .header("x-portkey-api-key", key);
        if !body.is_null() {
            request = request.json(&body);
        }
        let answer = receive(request).await;
        if answer.status == 200 {
            document::check(method.as_str(), path, &answer.body);
        }
        answer
    }

    pub async fn send(&self, method: Method, path: &str, body: Value) -> Answer {
        self.send_as(&self.key, method, path, body).await
    }

    /// The body of a 200.
    pub async fn ok(&self, method: Method, path: &str, body: Value) -> Value {
        let answer = self.send(method, path, body).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        answer.body
    }

    pub async fn get(&self, path: &str) -> Value {
        self.ok(Method::GET, path, Value::Null).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Value {
        self.ok(Method::POST, path, body).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Value {
        self.ok(Method::PUT, path, body).await
    }

    pub async fn delete(&self, path: &str) -> Value {
        self.ok(Method::DELETE, path, Value::Null).await
    }

    /// The body of a 200 that a named key gets.
    pub async fn get_as(&self, name: &str, path: &str) -> Value {
        let key = self.emulator.key(name).unwrap();
        let answer = self.send_as(&key, Method::GET, path, Value::Null).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        answer.body
    }

    /// Status, code and message of a refusal in the control plane's envelope.
    pub async fn refused(&self, method: Method, path: &str, body: Value) -> (u16, String, String) {
        self.send(method, path, body).await.refusal()
    }

    /// The first item of a list.
    pub async fn first(&self, path: &str) -> Value {
        self.get(path).await["data"][0].clone()
    }

    /// A new workspace.
    pub async fn workspace(&self, name: &str) -> Value {
        self.post("/admin/workspaces", json!({"name": name})).await
    }

    /// A new service key of a workspace, and its secret.
    pub async fn workspace_key(&self, workspace_id: &str, scopes: &[&str]) -> (String, String) {
        let body = json!({"name": "ci", "workspace_id": workspace_id, "scopes": scopes});
        let key = self.post("/api-keys/workspace/service", body).await;
        (text(&key["id"]), text(&key["key"]))
    }
}

impl Answer {
    pub fn refusal(&self) -> (u16, String, String) {
        assert_eq!(self.body["success"], false, "{}", self.body);
        let data = &self.body["data"];
        (
            self.status,
            data["errorCode"].as_str().unwrap_or_default().to_owned(),
            text(&data["message"]),
        )
    }
}

pub async fn receive(request: reqwest::RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let bytes = response.bytes().await.unwrap();
    let body = if bytes.is_empty() {
        Value::Null
    } else {
        serde_json::from_slice(&bytes).unwrap()
    };
    Answer {
        status,
        headers,
        body,
    }
}

pub fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("{value} is no text"))
        .to_owned()
}

/// The values of one member, over a list.
pub fn column(list: &Value, name: &str) -> Vec<String> {
    list["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| text(&item[name]))
        .collect()
}

/// Asserts that every named member is there, null or not.
pub fn has_members(value: &Value, names: &[&str]) {
    for name in names {
        assert!(value.get(name).is_some(), "no `{name}` in {value}");
    }
}
