//! A plain HTTP client for an emulator.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use portkey_admin_emulator::Emulator;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::response_schema;

/// An emulator and a key for it.
pub struct TestClient {
    pub emulator: Emulator,
    pub http: reqwest::Client,
    pub key: String,
    /// A key of the first workspace with all scopes, once it is needed.
    pub runner: OnceCell<String>,
}

/// A received response.
#[derive(Debug)]
pub struct Response {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    /// The body; null if it was empty.
    pub body: Value,
}

impl TestClient {
    pub async fn new() -> Self {
        Self::with_emulator(Emulator::start().await.unwrap())
    }

    pub fn with_emulator(emulator: Emulator) -> Self {
        let key = emulator.api_key().to_owned();
        // Model requests need a provider; control plane requests ignore the header.
        let mut headers = reqwest::header::HeaderMap::new();
        headers.insert("x-portkey-provider", "openai".parse().unwrap());
        let http = reqwest::Client::builder().default_headers(headers);
        // Ignore proxies from the environment.
        let http = http.no_proxy().build().unwrap();
        Self {
            emulator,
            http,
            key,
            runner: OnceCell::new(),
        }
    }

    /// Sends a request with `key` to `/v1{path}`, or to a path that begins with `/v2`; a null body is
    /// not sent.
    pub async fn send_as(&self, key: &str, method: Method, path: &str, body: Value) -> Response {
        let url = match path.starts_with("/v2/") {
            true => format!("{}{path}", self.emulator.public_base_url()),
            false => format!("{}{path}", self.emulator.base_url()),
        };
        let mut request = self
            .http
            .request(method.clone(), url)
            .header("x-portkey-api-key", key);
        if !body.is_null() {
            request = request.json(&body);
        }
        let response = receive(request).await;
        if response.status == 200 {
            let path = path.strip_prefix("/v2").unwrap_or(path);
            response_schema::assert_response(method.as_str(), path, &response.body);
        }
        response
    }

    /// Sends a request with the client's key, or with a workspace key if the operation does not accept
    /// an organisation key.
    pub async fn send(&self, method: Method, path: &str, body: Value) -> Response {
        let is_accepted = self.key != self.emulator.api_key()
            || !response_schema::needs_workspace_key(method.as_str(), path);
        let key = match is_accepted {
            true => &self.key,
            false => self.default_workspace_key().await,
        };
        self.send_as(key, method, path, body).await
    }

    async fn default_workspace_key(&self) -> &String {
        let create = async || {
            let list = self.send_as(&self.key, Method::GET, "/admin/workspaces", Value::Null);
            let workspace = string(&list.await.body["data"][0]["id"]);
            let body = json!({"name": "runner", "workspace_id": workspace, "scopes": response_schema::all_scopes()});
            let create = self.send_as(&self.key, Method::POST, "/api-keys/workspace/service", body);
            string(&create.await.body["key"])
        };
        self.runner.get_or_init(create).await
    }

    /// Sends a request, expects 200 and returns the body.
    pub async fn expect_ok(&self, method: Method, path: &str, body: Value) -> Value {
        let response = self.send(method, path, body).await;
        assert_eq!(response.status, 200, "{path}: {}", response.body);
        response.body
    }

    pub async fn get(&self, path: &str) -> Value {
        self.expect_ok(Method::GET, path, Value::Null).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Value {
        self.expect_ok(Method::POST, path, body).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Value {
        self.expect_ok(Method::PUT, path, body).await
    }

    pub async fn delete(&self, path: &str) -> Value {
        self.expect_ok(Method::DELETE, path, Value::Null).await
    }

    /// Sends a GET request with the named key, expects 200 and returns the body.
    pub async fn get_as(&self, name: &str, path: &str) -> Value {
        let key = self.emulator.key(name).unwrap();
        let response = self.send_as(&key, Method::GET, path, Value::Null).await;
        assert_eq!(response.status, 200, "{path}: {}", response.body);
        response.body
    }

    /// Sends a request with the named key.
    pub async fn send_as_named(
        &self,
        name: &str,
        method: Method,
        path: &str,
        body: Value,
    ) -> Response {
        let key = self.emulator.key(name).unwrap();
        self.send_as(&key, method, path, body).await
    }

    /// Sends a POST request with the named key, expects 200 and returns the body.
    pub async fn post_as(&self, name: &str, path: &str, body: Value) -> Value {
        let response = self.send_as_named(name, Method::POST, path, body).await;
        assert_eq!(response.status, 200, "{path}: {}", response.body);
        response.body
    }

    /// Sends a request; returns status, code and message of the error in the control plane's
    /// envelope.
    pub async fn expect_error(
        &self,
        method: Method,
        path: &str,
        body: Value,
    ) -> (u16, String, String) {
        self.send(method, path, body).await.error()
    }

    /// Returns the first item of a list.
    pub async fn first(&self, path: &str) -> Value {
        self.get(path).await["data"][0].clone()
    }

    /// Returns the id of the first workspace.
    pub async fn first_workspace(&self) -> String {
        string(&self.first("/admin/workspaces").await["id"])
    }

    /// Lists the virtual keys of the first workspace.
    pub async fn virtual_keys(&self) -> Value {
        let workspace = self.first_workspace().await;
        self.get(&format!("/virtual-keys?workspace_id={workspace}"))
            .await
    }

    /// Creates a workspace.
    pub async fn workspace(&self, name: &str) -> Value {
        self.post("/admin/workspaces", json!({"name": name})).await
    }

    /// Creates a service key of a workspace; returns its id and its secret. The scope `*` stands for all.
    pub async fn workspace_key(&self, workspace_id: &str, scopes: &[&str]) -> (String, String) {
        let all = response_schema::all_scopes();
        let scopes = if scopes == ["*"] { &all } else { scopes };
        let body = json!({"name": "ci", "workspace_id": workspace_id, "scopes": scopes});
        let key = self.post("/api-keys/workspace/service", body).await;
        (string(&key["id"]), string(&key["key"]))
    }
}

impl Response {
    pub fn error(&self) -> (u16, String, String) {
        assert_eq!(self.body["success"], false, "{}", self.body);
        let data = &self.body["data"];
        (
            self.status,
            data["errorCode"].as_str().unwrap_or_default().to_owned(),
            string(&data["message"]),
        )
    }
}

pub async fn receive(request: reqwest::RequestBuilder) -> Response {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let bytes = response.bytes().await.unwrap();
    let body = if bytes.is_empty() {
        Value::Null
    } else {
        serde_json::from_slice(&bytes).unwrap()
    };
    Response {
        status,
        headers,
        body,
    }
}

pub fn string(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("expected a string, found {value}"))
        .to_owned()
}

/// Returns the values of one field of all items of a list.
pub fn column(list: &Value, name: &str) -> Vec<String> {
    list["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| string(&item[name]))
        .collect()
}

/// Asserts that all named fields are present; they may be null.
pub fn assert_fields(value: &Value, names: &[&str]) {
    for name in names {
        assert!(value.get(name).is_some(), "`{name}` is missing in {value}");
    }
}

/// A temporary directory that is removed on drop.
pub struct TempDir(PathBuf);

impl TempDir {
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "emulator-test-{}-{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn file(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
