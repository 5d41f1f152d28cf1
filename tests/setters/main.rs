//! What the setters of request builders accept, and what they send.

#![cfg(feature = "admin")]
#![allow(clippy::unwrap_used, reason = "tests")]

mod clearable_fields;
mod sent_values;
#[path = "../support/mod.rs"]
mod support;

use portkey_admin::{
    JsonObject,
    api_keys::{CreateApiKeyRequest, RotationPolicyInput},
    configs::{
        CircuitBreaker, Config, ConfigCache, ConfigRetry, ConfigStrategy, CreateConfigRequest,
        GatewayConfig, UpdateConfigRequest,
    },
    policies::PolicyConditionInput,
    prompts::{CreatePromptPartialRequest, PromptPartial},
    types::KeyStatus,
    workspaces::{CreateWorkspaceRequest, UpdateWorkspaceRequest, WorkspaceSettings},
};
use serde::Serialize;
use serde_json::{Map, Value, json};
use support::{
    client,
    server::{ScriptedResponse, Server},
};

fn encoded(request: impl Serialize) -> Value {
    serde_json::to_value(request).unwrap()
}

#[test]
fn a_setter_takes_a_value_or_an_option_of_it() {
    let with = |description: Option<&str>| {
        let builder = CreateWorkspaceRequest::builder().name("Research");
        encoded(builder.description(description).build().unwrap())
    };
    assert_eq!(with(None), json!({"name": "Research"}));
    assert_eq!(
        with(Some("all")),
        json!({"name": "Research", "description": "all"})
    );
    let builder = CreateWorkspaceRequest::builder()
        .name(String::from("Research"))
        .description(Some(String::from("all")));
    assert_eq!(encoded(builder.build().unwrap()), with(Some("all")));
}

#[test]
fn none_leaves_a_value_that_was_set_before() {
    let request = CreateWorkspaceRequest::builder()
        .name("Research")
        .description("all")
        .description(None::<String>);
    assert_eq!(
        encoded(request.build().unwrap()),
        json!({"name": "Research", "description": "all"})
    );
}

#[test]
fn lists_of_strings_take_borrowed_and_owned_strings() {
    let scopes = ["logs.view", "logs.list"];
    let expected = json!(["logs.view", "logs.list"]);
    let owned = scopes.map(String::from).to_vec();
    let key = || CreateApiKeyRequest::builder().name("ci");
    for builder in [
        key().scopes(scopes),
        key().scopes(scopes.iter()),
        key().scopes(scopes.map(String::from)),
        key().scopes(&owned),
        key().maybe_scopes(Some(scopes)),
        key().scopes(scopes).maybe_scopes(None::<[&str; 0]>),
    ] {
        assert_eq!(encoded(builder.build().unwrap())["scopes"], expected);
    }
}

#[derive(Serialize)]
struct Params {
    model: String,
}

#[test]
fn an_object_is_anything_that_serialises_to_one() {
    let expected = json!({"model": "one"});
    let Value::Object(map) = expected.clone() else {
        panic!("expected an object");
    };
    let new = GatewayConfig::builder;
    for builder in [
        new().override_params(expected.clone()),
        new().override_params(map.clone()),
        new().override_params(JsonObject::from(map)),
        new().override_params(Params {
            model: "one".to_owned(),
        }),
        new().maybe_override_params(Some(&expected)),
    ] {
        let config = encoded(builder.build().unwrap());
        assert_eq!(config["override_params"], expected);
    }
}

#[test]
fn what_is_not_an_object_is_an_error_that_names_the_field() {
    let new = GatewayConfig::builder;
    for (builder, found) in [
        (new().override_params(json!([1])), "an array"),
        (new().override_params("text"), "a string"),
        (new().override_params(None::<Map<String, Value>>), "null"),
    ] {
        let error = builder.build().unwrap_err();
        assert!(error.is_invalid_request());
        let expected = format!("override_params: expected a JSON object, got {found}");
        assert!(error.to_string().contains(&expected), "{error}");
    }
}

#[test]
fn a_config_is_typed_or_json() {
    let expected = json!({"provider": "@one", "retry": {"attempts": 3}, "new": [1]});
    let typed = || {
        GatewayConfig::builder()
            .provider("@one")
            .retry(ConfigRetry::builder().attempts(3))
            .extra("new", json!([1]))
    };
    let new = || UpdateConfigRequest::builder().name("retries");
    for builder in [
        new().config(typed()),
        new().config(typed().build().unwrap()),
        new().config(expected.clone()),
        new().config(JsonObject::try_from(expected.clone()).unwrap()),
        new().config(Some(typed())),
    ] {
        assert_eq!(encoded(builder.build().unwrap())["config"], expected);
    }
    let error = new().config(json!([1])).build().unwrap_err();
    let expected = "config: expected an object, found an array";
    assert!(error.to_string().contains(expected), "{error}");
    assert!(error.is_invalid_request());
}

#[tokio::test]
async fn configs_that_the_service_refuses_are_not_sent() {
    let server = Server::start(|_| ScriptedResponse::json(200, "{}"));
    let client = client(&server);
    let target = || GatewayConfig::builder().provider("@one");
    let strategy = |mode: &str| ConfigStrategy::builder().mode(mode);
    let cases: Vec<(GatewayConfig, &str)> = vec![
        (
            target().strategy(strategy("dance")).build().unwrap(),
            "`config.strategy.mode` must be one of `single`, `loadbalance`, `fallback` or `conditional`, found `dance`",
        ),
        (
            target().strategy(strategy("conditional")).build().unwrap(),
            "`config.strategy.conditions` is required when `mode` is `conditional`",
        ),
        (
            GatewayConfig::builder()
                .strategy(strategy("loadbalance"))
                .build()
                .unwrap(),
            "`config.provider` or one of",
        ),
        (
            GatewayConfig::builder()
                .targets([target()])
                .build()
                .unwrap(),
            "`config.provider` or one of",
        ),
        (
            GatewayConfig::builder()
                .strategy(strategy("loadbalance"))
                .targets([target(), target().weight(-0.5)])
                .build()
                .unwrap(),
            "`config.targets[1].weight` must be at least 0, found -0.5",
        ),
        (
            target()
                .passthrough(true)
                .override_params(json!({"model": "a"}))
                .build()
                .unwrap(),
            "`config.passthrough` and `override_params` are mutually exclusive",
        ),
        (
            target()
                .cb_config(CircuitBreaker::builder().cooldown_interval(5))
                .build()
                .unwrap(),
            "`config.cb_config.cooldown_interval` must be at least 30000, found 5",
        ),
        (
            target()
                .cache(ConfigCache::builder().mode("often"))
                .build()
                .unwrap(),
            "`config.cache.mode` must be one of `simple` or `semantic`, found `often`",
        ),
        (
            json!({"provider": "@one", "retry": {"on_status_codes": [429]}})
                .try_into()
                .unwrap(),
            "`config.retry.attempts` is required",
        ),
    ];
    for (config, expected) in cases {
        let body = UpdateConfigRequest::builder().config(config.clone());
        let error = client
            .update_config("pc-one")
            .body(body)
            .send()
            .await
            .unwrap_err();
        assert!(error.is_invalid_request(), "{error}");
        assert!(error.to_string().contains(expected), "{error}");
        let body = json!({"config": serde_json::to_value(config).unwrap()});
        let error = client
            .update_config("pc-one")
            .body(body)
            .send()
            .await
            .unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
    assert_eq!(server.requests().len(), 0);
    // Only a config as a whole excludes other members beside `passthrough`.
    let config = GatewayConfig::builder()
        .strategy(strategy("fallback"))
        .targets([
            GatewayConfig::builder()
                .passthrough(true)
                .override_params(json!({"model": "a"})),
            target(),
        ]);
    let body = UpdateConfigRequest::builder().config(config);
    client
        .update_config("pc-one")
        .body(body)
        .send()
        .await
        .unwrap();
}

#[tokio::test]
async fn a_body_may_be_a_json_object_with_the_required_fields() {
    let server = Server::start(|_| ScriptedResponse::json(200, "{}"));
    let client = client(&server);
    let create = |body: Value| client.create_label().body(body).send();
    let error = create(json!({"description": "none"})).await.unwrap_err();
    assert!(error.is_invalid_request());
    assert!(
        error.to_string().contains("`name` of CreateLabelRequest"),
        "{error}"
    );
    assert!(create(json!([])).await.unwrap_err().is_invalid_request());
    assert!(server.requests().is_empty());

    let body = json!({"name": "production", "unknown": 1});
    let _ = create(body.clone()).await;
    assert_eq!(server.requests()[0].json(), body);
}

#[test]
fn a_response_converts_into_the_requests_that_create_and_update_the_object() {
    let config: Config = serde_json::from_value(json!({
        "id": "1", "slug": "pc-retries", "name": "retries", "status": "active",
        "organisation_id": "2", "workspace_id": "research", "is_default": 0,
        "created_at": "2026-01-02T03:04:05Z", "last_updated_at": "2026-01-02T03:04:05Z",
        "config": "{\"retry\":{\"attempts\":3}}",
    }))
    .unwrap();
    assert_eq!(
        encoded(CreateConfigRequest::try_from(config.clone()).unwrap()),
        json!({
            "name": "retries", "config": {"retry": {"attempts": 3}}, "workspace_id": "research",
        })
    );
    let update = UpdateConfigRequest::try_from(config).unwrap();
    assert_eq!(encoded(update)["config"], json!({"retry": {"attempts": 3}}));
}

#[test]
fn a_response_without_a_required_field_does_not_convert() {
    let partial: PromptPartial = serde_json::from_value(json!({"name": "greeting"})).unwrap();
    let error = CreatePromptPartialRequest::try_from(partial).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("`string` of CreatePromptPartialRequest"),
        "{error}"
    );

    let config: Config = serde_json::from_value(json!({
        "id": "1", "slug": "pc-one", "name": "one", "status": "active", "organisation_id": "2",
        "created_at": "2026-01-02T03:04:05Z", "last_updated_at": "2026-01-02T03:04:05Z",
        "config": "[1]",
    }))
    .unwrap();
    let error = CreateConfigRequest::try_from(config).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("config: expected a JSON object, got an array"),
        "{error}"
    );
}

#[test]
fn objects_convert_both_ways_and_iterate() {
    let object = JsonObject::try_from(json!({"a": 1, "b": [2]})).unwrap();
    let names: Vec<_> = (&object)
        .into_iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(names, ["a", "b"]);
    assert_eq!(Value::from(object.clone()), json!({"a": 1, "b": [2]}));
    assert_eq!(object.into_iter().count(), 2);
    assert!(JsonObject::try_from(json!("a")).is_err());
}

#[cfg(feature = "gateway")]
#[test]
fn a_response_type_creates_the_builder_of_its_request_type() {
    use portkey_admin::gateway::FunctionDefinition;

    let function = FunctionDefinition::builder().name("weather").build();
    assert_eq!(encoded(function.unwrap()), json!({"name": "weather"}));
}

#[test]
fn a_condition_takes_one_value_or_several() {
    let condition = || PolicyConditionInput::builder().key("model");
    let name = String::from("a");
    for one in [condition().value("a"), condition().value(&name)] {
        let expected = json!({"key": "model", "value": "a"});
        assert_eq!(encoded(one.build().unwrap()), expected);
    }
    let several = condition()
        .value("*")
        .excludes(vec![String::from("a"), String::from("b")]);
    assert_eq!(
        encoded(several.build().unwrap()),
        json!({"key": "model", "value": "*", "excludes": ["a", "b"]})
    );
}

#[test]
fn flags_of_workspace_settings_are_sent_as_numbers() {
    let settings = WorkspaceSettings::builder()
        .debug_log(true)
        .user_key_metadata(false)
        .user_api_key_auto_create(true);
    let body = UpdateWorkspaceRequest::builder().settings(settings);
    assert_eq!(
        encoded(body.build().unwrap()),
        json!({"settings": {"debug_log": 1, "user_key_metadata": 0, "user_api_key_auto_create": true}})
    );
}

#[tokio::test]
async fn list_filters_are_separated_by_commas() {
    let server = Server::with_response(ScriptedResponse::json(200, "{}"));
    let call = client(&server).list_api_keys();
    let call = call
        .ids(["a", "b"])
        .status([KeyStatus::Active, KeyStatus::Expired]);
    call.send().await.unwrap();
    assert_eq!(
        server.requests()[0].target,
        "/v1/api-keys?ids=a%2Cb&status=active%2Cexpired"
    );
}

#[tokio::test]
async fn the_two_periods_of_a_rotation_policy_exclude_each_other() {
    let server = Server::with_response(ScriptedResponse::json(200, r#"{"id": "a", "key": "b"}"#));
    let send = |policy| {
        let body = CreateApiKeyRequest::builder()
            .name("ci")
            .scopes(["logs.list"]);
        let call = client(&server).create_api_key("organisation", "service");
        call.body(body.rotation_policy(policy)).send()
    };
    let policy = || RotationPolicyInput::builder().rotation_period_days(10);
    let error = send(policy().rotation_period("weekly")).await.unwrap_err();
    assert!(
        error.to_string().contains("rotation_period_days"),
        "{error}"
    );
    assert!(send(policy().rotation_period_days(366)).await.is_err());
    assert_eq!(server.requests().len(), 0);
    send(policy()).await.unwrap();
    assert_eq!(
        server.requests()[0].json()["rotation_policy"],
        json!({"rotation_period_days": 10})
    );
}
