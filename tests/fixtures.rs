//! Responses in the formats of the service, with made-up values: each is decoded, its fields are checked,
//! and encoding it again results in the same JSON.

#![cfg(feature = "admin")]
#![allow(clippy::unwrap_used, clippy::expect_used)] // a panic fails the test

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use portkey_admin::{
    Cents, analytics::*, api_keys::*, audit::*, configs::*, guardrails::*, integrations::*,
    logs::*, mcp::*, policies::*, pricing::*, prompts::*, providers::*, secrets::*, types::*,
    users::*, workspaces::*,
};
use portkey_admin_testing::canonical_json::{self, Conversions};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

/// Assertions about a decoded response.
type Check<T> = fn(&T);

/// A fixture file: operation → case → response.
struct Fixtures {
    cases: BTreeMap<String, BTreeMap<String, Value>>,
}

/// Reads the fixture file with that name.
macro_rules! fixtures {
    ($name:literal) => {
        Fixtures::read(include_str!(concat!("fixtures/", $name, ".json")))
    };
}

impl Fixtures {
    fn read(text: &str) -> Self {
        Self {
            cases: serde_json::from_str(text).unwrap(),
        }
    }

    /// Decodes, checks and encodes every case of an operation. Each case needs a check.
    fn check<T: DeserializeOwned + Serialize>(
        &mut self,
        operation: &str,
        checks: &[(&str, Check<T>)],
    ) -> &mut Self {
        let mut cases = self.cases.remove(operation).expect(operation);
        for (case, check) in checks {
            let sent = cases.remove(*case).expect(case);
            let location = format!("{operation}, {case}");
            let value: T = serde_json::from_str(&sent.to_string())
                .unwrap_or_else(|error| panic!("{location}: {error}"));
            check(&value);
            let encoded = serde_json::to_value(&value).unwrap();
            if let Some(problem) = canonical_json::difference(&sent, &encoded, Conversions::Allowed)
            {
                panic!("{location}{problem}");
            }
        }
        assert!(
            cases.is_empty(),
            "{operation}: cases without a check: {:?}",
            cases.keys()
        );
        self
    }

    /// Asserts that every operation in the file was checked.
    fn assert_all_checked(&self) {
        assert!(
            self.cases.is_empty(),
            "operations without a check: {:?}",
            self.cases.keys()
        );
    }
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// Makes no further assertions.
fn no_assertions<T>(_: &T) {}

/// Every list and get of the 21 endpoint groups that were tested against the service.
const LISTS_AND_GETS: &[&str] = &[
    "list_users",
    "get_user",
    "list_user_invites",
    "get_user_invite",
    "get_usage_by_user",
    "list_workspaces",
    "get_workspace",
    "list_workspace_members",
    "get_workspace_member",
    "list_configs",
    "get_config",
    "list_config_versions",
    "list_virtual_keys",
    "get_virtual_key",
    "list_api_keys",
    "get_api_key",
    "list_collections",
    "get_collection",
    "list_prompts",
    "get_prompt",
    "list_prompt_versions",
    "list_prompt_partials",
    "get_prompt_partial",
    "list_prompt_partial_versions",
    "list_labels",
    "get_label",
    "get_cost_graph",
    "get_requests_graph",
    "get_tokens_graph",
    "get_latency_graph",
    "get_errors_graph",
    "get_error_rate_graph",
    "get_cache_latency_graph",
    "get_cache_hit_rate_graph",
    "get_users_graph",
    "list_guardrails",
    "get_guardrail",
    "list_usage_limits_policies",
    "get_usage_limits_policy",
    "list_rate_limits_policies",
    "get_rate_limits_policy",
    "list_audit_logs",
    "get_log",
    "list_log_exports",
    "get_log_export",
    "download_log_export",
    "list_providers",
    "get_provider",
    "list_integrations",
    "get_integration",
    "list_integration_models",
    "list_integration_workspaces",
];

#[test]
fn every_list_and_get_has_a_fixture() {
    let files = [
        fixtures!("analytics"),
        fixtures!("api_keys"),
        fixtures!("configs"),
        fixtures!("guardrails"),
        fixtures!("integrations"),
        fixtures!("labels"),
        fixtures!("logs"),
        fixtures!("more"),
        fixtures!("policies"),
        fixtures!("prompt_partials"),
        fixtures!("prompts"),
        fixtures!("providers"),
        fixtures!("user_invites"),
        fixtures!("users"),
        fixtures!("virtual_keys"),
        fixtures!("workspaces"),
    ];
    let operations: Vec<_> = files.into_iter().flat_map(|file| file.cases).collect();
    let ids: BTreeSet<_> = operations.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(
        ids.len(),
        operations.len(),
        "each operation must be in only one file"
    );
    for id in LISTS_AND_GETS {
        assert!(ids.contains(id), "no fixture for {id}");
    }
    for (id, cases) in &operations {
        assert!(!cases.is_empty(), "{id}");
    }
}

#[test]
fn user_fixtures_round_trip() {
    fixtures!("users")
        .check::<UserList>(
            "list_users",
            &[
                ("a page", |list| {
                    assert_eq!(list.total, Some(3));
                    let [first, second] = &list.data[..] else {
                        panic!()
                    };
                    assert_eq!(first.role, Some(UserRole::Owner));
                    assert_eq!(first.workspace_ids, ["ws-one", "ws-two"]);
                    assert_eq!(first.created_at, Some(at("2026-01-02T03:04:05.120Z")));
                    assert_eq!(second.role, Some(UserRole::from("ws-admin")));
                    assert_eq!(second.created_at, Some(at("2026-01-02T03:04:05Z")));
                    assert_eq!(second.first_name, None);
                    assert_eq!(second.last_name.as_deref(), Some(""));
                    assert_eq!(second.extra["new_field"], json!({"a": [1, null]}));
                }),
                ("an empty page", |list| assert!(list.data.is_empty())),
            ],
        )
        .check::<User>(
            "get_user",
            &[
                ("older timestamps", |user| {
                    assert_eq!(user.last_updated_at, Some(at("2026-01-02T03:04:06Z")));
                }),
                ("a non-UUID id and an unknown role", |user| {
                    assert_eq!(user.role.as_ref().unwrap().as_str(), "auditor");
                    assert_eq!(user.created_at, None, "not a timestamp");
                    assert_eq!(user.extra["created_at"], "some day");
                }),
            ],
        )
        .assert_all_checked();
}

#[test]
fn user_invite_fixtures_round_trip() {
    fixtures!("user_invites")
        .check::<UserInviteList>(
            "list_user_invites",
            &[("a page", |list| {
                assert_eq!(list.total, Some(2), "a number as a string");
                let [first, second] = &list.data[..] else {
                    panic!()
                };
                assert_eq!(first.accepted_at, None);
                assert_eq!(first.workspaces[0].role, Some(WorkspaceRole::Manager));
                assert_eq!(
                    first.workspaces[1].role,
                    Some(WorkspaceRole::from("ws-member"))
                );
                assert_eq!(second.status, Some(UserInviteStatus::from("revoked")));
                assert!(second.workspaces.is_empty());
            })],
        )
        .check::<UserInvite>(
            "get_user_invite",
            &[("accepted", |invite| {
                assert_eq!(invite.status, Some(UserInviteStatus::Accepted));
                assert_eq!(invite.accepted_at, Some(at("2026-01-03T00:00:00Z")));
            })],
        )
        .check::<CreateUserInviteResponse>(
            "create_user_invite",
            &[
                ("a link", |invite| {
                    let link = invite.invite_link.as_ref().unwrap();
                    assert!(link.expose().ends_with("canary"));
                    assert!(!format!("{invite:?}").contains("canary"));
                    assert!(!json!(invite).to_string().contains("canary"));
                }),
                ("empty response", |invite| {
                    assert!(invite.invite_link.is_none())
                }),
            ],
        )
        .check::<ResendUserInviteResponse>(
            "resend_user_invite",
            &[
                ("with the documented field name", |invite| {
                    assert!(
                        invite
                            .invite_link
                            .as_ref()
                            .unwrap()
                            .expose()
                            .ends_with("canary")
                    );
                    assert!(!format!("{invite:?}").contains("canary"));
                }),
                ("empty response", no_assertions),
            ],
        )
        .assert_all_checked();
}

#[test]
fn workspace_fixtures_round_trip() {
    fixtures!("workspaces")
        .check::<WorkspaceList>(
            "list_workspaces",
            &[("as recorded", |list| {
                let [one] = &list.data[..] else { panic!() };
                assert_eq!(one.is_default, Some(true), "1");
                assert_eq!(one.icon.as_deref(), Some("🧪"));
                assert!(one.defaults.is_none() && one.usage_limits.is_empty());
                assert_eq!(one.status, Some(RecordStatus::Active));
                let settings = one.security_settings.as_ref().unwrap();
                assert_eq!(settings.extra["membersCanViewLogs"], true);
                assert!(one.extra.is_empty(), "{:?}", one.extra);
            })],
        )
        .check::<Workspace>(
            "get_workspace",
            &[
                ("as recorded", |one| {
                    assert_eq!(one.is_default, Some(false), "0");
                    assert_eq!(one.icon.as_deref(), Some(""));
                    let limits = &one.usage_limits[0];
                    assert_eq!(limits.credit_limit, Some(10.0));
                    assert_eq!(limits.alert_threshold, Some(7.5));
                    assert_eq!(limits.periodic_reset, Some(ResetPeriod::from("")));
                    assert_eq!(one.rate_limits[0].unit, Some(RateLimitUnit::Rps));
                    assert_eq!(one.rate_limits[0].value, Some(12));
                    assert_eq!(one.users[0].role, Some(WorkspaceRole::from("ws-manager")));
                    assert_eq!(
                        one.settings["debug_log"], 1,
                        "an object without a schema is kept unchanged"
                    );
                    assert_eq!(one.defaults.as_ref().unwrap().metadata["team"], "one");
                    assert!(one.extra.is_empty(), "{:?}", one.extra);
                }),
                ("an unknown status and an unknown limit", |one| {
                    assert_eq!(one.is_default, Some(false), "string");
                    assert_eq!(one.created_at, at("2026-01-02T03:04:05Z"));
                    assert_eq!(one.status, Some(RecordStatus::from("frozen")));
                    assert_eq!(one.usage_limits[0].credit_limit, Some(12.0));
                    assert_eq!(one.rate_limits[0].value, Some(10));
                }),
            ],
        )
        .check::<WorkspaceMemberList>(
            "list_workspace_members",
            &[("both spellings of the id", |list| {
                let [first, second] = &list.data[..] else {
                    panic!()
                };
                assert!(first.id.is_some() && first.settings.is_empty());
                assert_eq!(second.id, None);
                assert_eq!(
                    second.extra["user_id"],
                    "00000000-0000-1000-8000-000000000002"
                );
            })],
        )
        .check::<WorkspaceMember>(
            "get_workspace_member",
            &[
                ("without an id", |member| {
                    assert_eq!((&member.id, &member.email), (&None, &None));
                    assert_eq!(member.role, Some(WorkspaceRole::from("ws-admin")));
                }),
                ("with all fields", |member| {
                    assert_eq!(member.scopes, ["logs.list", "a.scope.of.tomorrow"]);
                    assert!(member.extra.is_empty(), "{:?}", member.extra);
                }),
            ],
        )
        .check::<Workspace>(
            "create_workspace",
            &[("without limits", |one| assert!(one.rate_limits.is_empty()))],
        )
        .assert_all_checked();
}

#[test]
fn config_fixtures_round_trip() {
    fixtures!("configs")
        .check::<ConfigList>(
            "list_configs",
            &[
                ("as recorded", |list| {
                    assert_eq!(list.data[0].is_default, Some(false));
                    assert!(list.data[0].extra.is_empty(), "{:?}", list.data[0].extra);
                }),
                ("with `success`, as documented", |list| {
                    assert!(list.data.is_empty());
                    assert_eq!(list.extra["success"], true);
                }),
            ],
        )
        .check::<Config>(
            "get_config",
            &[
                ("as recorded: the config is a string", |config| {
                    let text = config.config.as_ref().and_then(Value::as_str).unwrap();
                    let parsed: Value = serde_json::from_str(text).unwrap();
                    assert_eq!(parsed["retry"]["attempts"], 3);
                    assert_eq!(config.is_default, Some(true));
                    assert!(config.extra.is_empty(), "{:?}", config.extra);
                }),
                ("the config is an object", |config| {
                    let parsed = config.config.as_ref().unwrap();
                    assert_eq!(parsed["retry"]["attempts"], 3);
                    assert_eq!(config.workspace_id, None);
                }),
            ],
        )
        .check::<ConfigVersionList>(
            "list_config_versions",
            &[
                ("as documented", |list| {
                    assert_eq!(list.data[0].is_default, Some(false))
                }),
                ("as typed by another client", |list| {
                    assert_eq!(list.data[0].version, Some(2));
                    assert!(list.data[0].created_by.is_some());
                    assert!(list.data[0].extra.is_empty());
                }),
            ],
        )
        .check::<CreateConfigResponse>(
            "create_config",
            &[("without an envelope", |created| {
                assert_eq!(created.slug, "pc-one")
            })],
        )
        .check::<UpdateConfigResponse>(
            "update_config",
            &[
                ("without an envelope", |created| {
                    assert!(created.version_id.is_some())
                }),
                ("empty response", |created| {
                    assert!(created.version_id.is_none())
                }),
            ],
        )
        .assert_all_checked();
}

#[test]
fn virtual_key_fixtures_round_trip() {
    fixtures!("virtual_keys")
        .check::<VirtualKeyList>(
            "list_virtual_keys",
            &[("as recorded: unset values are null", |list| {
                let one = &list.data[0];
                assert!(one.usage_limits.is_none() && one.rate_limits.is_empty());
                assert_eq!(one.integration_id.as_deref(), Some("integration-one"));
                assert_eq!(one.expires_at, None);
                assert!(one.extra.is_empty(), "{:?}", one.extra);
            })],
        )
        .check::<VirtualKey>(
            "get_virtual_key",
            &[
                ("as recorded: empty instead of null", |one| {
                    assert_eq!(one.key.as_ref().unwrap().expose(), "");
                    assert_eq!(one.masked_api_key.as_deref(), Some("ab*****yz"));
                    assert!(one.extra.is_empty(), "{:?}", one.extra);
                }),
                ("limits and an unknown status", |one| {
                    assert_eq!(one.status, KeyStatus::from("paused"));
                    let limits = one.usage_limits.as_ref().unwrap();
                    assert_eq!(limits.credit_limit, Some(10.0));
                    assert_eq!(limits.periodic_reset, Some(ResetPeriod::Monthly));
                    assert_eq!(one.rate_limits[0].unit, Some(RateLimitUnit::Rpw));
                    assert!(!format!("{one:?}").contains("canary"));
                    assert!(!json!(one).to_string().contains("canary"));
                }),
            ],
        )
        .check::<CreateVirtualKeyResponse>(
            "create_virtual_key",
            &[
                ("without an envelope", |created| {
                    assert_eq!(created.slug.as_deref(), Some("one-provider"))
                }),
                ("in the documented envelope", |created| {
                    let data = created.data.as_ref().unwrap();
                    assert_eq!(data.slug.as_deref(), Some("one-provider"));
                }),
            ],
        )
        .check::<UpdateVirtualKeyResponse>(
            "update_virtual_key",
            &[
                ("the identifiers", |updated| {
                    assert_eq!(updated.slug.as_deref(), Some("one-provider"));
                    assert!(updated.id.is_some() && updated.extra.is_empty());
                }),
                ("empty response", |updated| assert_eq!(updated.slug, None)),
            ],
        )
        .assert_all_checked();
}

#[test]
fn api_key_fixtures_round_trip() {
    fixtures!("api_keys")
        .check::<ApiKeyList>("list_api_keys", &[("as recorded", check_api_keys)])
        .check::<ApiKey>(
            "get_api_key",
            &[
                ("as recorded", |key| {
                    assert_eq!(key.status, KeyStatus::Exhausted);
                    assert_eq!(key.allow_config_override, Some(false), "0");
                    let defaults = key.defaults.as_ref().unwrap();
                    assert_eq!(defaults.allow_config_override, Some(true));
                    let limits = key.usage_limits.as_ref().unwrap();
                    assert_eq!(limits.credit_limit, Some(10.0));
                    assert!(key.extra.is_empty(), "{:?}", key.extra);
                }),
                ("a key with a rotation policy", |key| {
                    let policy = key.rotation_policy.as_ref().unwrap();
                    assert_eq!(policy.rotation_period, Some(RotationPeriod::Weekly));
                    assert_eq!(policy.key_transition_period_ms, Some(1_800_000), "a float");
                    assert!(policy.next_rotation_at.is_some());
                }),
            ],
        )
        .check::<CreateApiKeyResponse>(
            "create_api_key",
            &[("the only response with the key", |created| {
                assert_eq!(created.key.expose(), "canary");
                assert!(!format!("{created:?}").contains("canary"));
                assert_eq!(json!(created)["key"], "[redacted]");
            })],
        )
        .check::<RotateApiKeyResponse>(
            "rotate_api_key",
            &[
                ("with a transition", |created| {
                    assert!(created.key_transition_expires_at.is_some());
                    assert_eq!(json!(created)["key"], "[redacted]");
                }),
                ("without a transition", |created| {
                    assert_eq!(created.key_transition_expires_at, None)
                }),
            ],
        )
        .assert_all_checked();
}

fn check_api_keys(list: &ApiKeyList) {
    let [active, expired, strange] = &list.data[..] else {
        panic!()
    };
    assert_eq!(list.total, Some(3));
    assert_eq!(active.status, KeyStatus::Active);
    assert_eq!(active.creation_mode, Some(ApiKeyCreationMode::Ui));
    assert_eq!(active.expiry_enforced, Some(false), "0");
    assert_eq!(active.allow_config_override, None);
    assert!(active.usage_limits.is_none() && active.alert_emails.is_empty());
    assert!(active.defaults.as_ref().unwrap().config_id.is_none());
    assert!(active.extra.is_empty(), "{:?}", active.extra);
    assert_eq!(expired.status, KeyStatus::Expired);
    assert_eq!(expired.expiry_enforced, Some(true), "1");
    assert_eq!(expired.allow_config_override, Some(true), "1");
    let limits = expired.usage_limits.as_ref().unwrap();
    assert_eq!(limits.credit_limit, None);
    assert_eq!(limits.is_expired_alerts_sent, Some(true));
    assert!(limits.extra.is_empty());
    assert_eq!(expired.rate_limits[0].type_, Some(RateLimitType::Requests));
    assert_eq!(strange.status, KeyStatus::from("suspended"));
    assert_eq!(strange.type_.as_str(), "organisation-agent");
    assert_eq!(strange.extra["unheard_of"], json!([{"a": null}]));
}

#[test]
fn prompt_fixtures_round_trip() {
    let mut file = fixtures!("prompts");
    file.check::<CollectionList>(
        "list_collections",
        &[("a page", |list| {
            let one = &list.data[0];
            assert_eq!(one.is_default, Some(true), "1");
            assert_eq!(one.parent_collection_id, None);
            let details = one.collection_details.as_ref().unwrap();
            assert_eq!(details.child_collections_count, Some(10), "a float");
        })],
    )
    .check::<Collection>(
        "get_collection",
        &[("a child", |one| {
            assert_eq!(one.is_default, Some(false));
            assert_eq!(one.child_collections[0].name.as_deref(), Some("Third"));
        })],
    )
    .check::<PromptList>(
        "list_prompts",
        &[("as recorded", |list| {
            assert_eq!(list.total, Some(102));
            assert_eq!(list.data[0].allow_all_workspaces, Some(false), "0");
            assert!(list.data[0].extra.is_empty(), "{:?}", list.data[0].extra);
        })],
    )
    .check::<Prompt>(
        "get_prompt",
        &[
            ("as recorded: a string template", |prompt| {
                assert_eq!(prompt.string.as_deref(), Some("Say {{word}}"));
                assert_eq!(prompt.is_raw_template, Some(false));
                assert_eq!(prompt.prompt_version, Some(3));
                assert!(prompt.functions.is_empty() && prompt.tools.is_empty());
                assert!(prompt.tool_choice.is_none());
                assert_eq!(prompt.parameters["temperature"], 0.5);
                assert_eq!(prompt.variable_components["variables"], json!(["word"]));
                assert!(prompt.extra.is_empty(), "{:?}", prompt.extra);
            }),
            ("a chat template with tools", |prompt| {
                assert!(prompt.string.as_deref().unwrap().starts_with("[{"));
                assert_eq!(prompt.prompt_version, Some(10), "a float");
                assert_eq!(prompt.is_raw_template, Some(true));
                assert_eq!(prompt.tools[0]["function"]["name"], "one");
                assert_eq!(prompt.tool_choice, Some(json!({"type": "function"})));
                assert_eq!(
                    prompt.prompt_version_status,
                    Some(RecordStatus::from("draft"))
                );
            }),
            ("`tool_choice` is a string", |prompt| {
                assert_eq!(prompt.tool_choice, Some(json!("auto")));
            }),
        ],
    );
    prompt_versions(&mut file);
    file.assert_all_checked();
}

fn prompt_versions(file: &mut Fixtures) {
    file.check::<Prompt>(
        "get_prompt_version",
        &[("an older version", |prompt| {
            assert_eq!(prompt.prompt_version, Some(1))
        })],
    )
    .check::<PromptVersionList>(
        "list_prompt_versions",
        &[("both kinds of templates", |list| {
            let [newest, first] = &list.data[..] else {
                panic!()
            };
            assert_eq!(newest.prompt_template, Some(json!("Say {{word}}")));
            assert_eq!(
                first.prompt_template,
                Some(json!({"string": "Say {{word}}"}))
            );
            assert_eq!(newest.prompt_version, Some(2));
            assert_eq!(newest.label_id, None);
        })],
    )
    .check::<RenderedPrompt>(
        "render_prompt",
        &[("the request to the provider", |one| {
            assert_eq!(one.success, Some(true));
            assert_eq!(one.data["model"], "one-model");
        })],
    )
    .check::<CreatePromptResponse>(
        "create_prompt",
        &[("ids", |created| {
            assert_eq!(created.slug.as_deref(), Some("pp-one"))
        })],
    )
    .check::<UpdatePromptResponse>(
        "update_prompt",
        &[
            ("a new version", |created| {
                assert!(created.prompt_version_id.is_some())
            }),
            ("only the name changed", |created| {
                assert!(created.prompt_version_id.is_none())
            }),
        ],
    );
}

#[test]
fn prompt_partial_fixtures_round_trip() {
    fixtures!("prompt_partials")
        .check::<PromptPartialList>(
            "list_prompt_partials",
            &[("in an envelope", |list| {
                assert_eq!(list.data[0].status, Some(RecordStatus::Active));
            })],
        )
        .check::<PromptPartial>(
            "get_prompt_partial",
            &[
                ("a version with its status", |one| {
                    assert_eq!(one.version, Some(2));
                    assert_eq!(one.version_description, None);
                    assert_eq!(one.status, Some(RecordStatus::Archived));
                    assert!(one.extra.is_empty(), "{:?}", one.extra);
                }),
                ("the version as a float", |one| {
                    assert_eq!(one.version, Some(10))
                }),
            ],
        )
        .check::<PromptPartialVersionList>(
            "list_prompt_partial_versions",
            &[("numbers and numbers as strings", |list| {
                let versions: Vec<_> = list.data.iter().map(|one| one.version).collect();
                assert_eq!(versions, [Some(2), Some(1)]);
                let state = &list.data[1].prompt_version_status;
                assert_eq!(state, &Some(RecordStatus::from("superseded")));
            })],
        )
        .check::<UpdatePromptPartialResponse>(
            "update_prompt_partial",
            &[
                ("a new version", |created| {
                    assert!(created.prompt_partial_version_id.is_some())
                }),
                ("only the name changed", |created| {
                    assert!(created.prompt_partial_version_id.is_none())
                }),
            ],
        )
        .assert_all_checked();
}

#[test]
fn label_fixtures_round_trip() {
    fixtures!("labels")
        .check::<LabelList>(
            "list_labels",
            &[("one of a workspace and one of the organisation", |list| {
                let [own, universal] = &list.data[..] else {
                    panic!()
                };
                assert_eq!(own.is_universal, Some(false));
                assert_eq!(universal.is_universal, Some(true), "1");
                assert_eq!(
                    (&universal.workspace_id, &universal.color_code),
                    (&None, &None)
                );
            })],
        )
        .check::<Label>(
            "get_label",
            &[("a boolean as a string", |one| {
                assert_eq!(one.is_universal, Some(true))
            })],
        )
        .assert_all_checked();
}

#[test]
fn guardrail_fixtures_round_trip() {
    fixtures!("guardrails")
        .check::<GuardrailList>(
            "list_guardrails",
            &[("without optional fields", |list| {
                assert_eq!(
                    (&list.data[0].owner_id, &list.data[0].updated_by),
                    (&None, &None)
                );
            })],
        )
        .check::<GuardrailMcpServerList>(
            "list_guardrail_mcp_servers",
            &[
                ("a bare list with undecodable items", |list| {
                    let [server] = list.servers() else { panic!() };
                    assert_eq!(server.run_on.len(), 2);
                    assert_eq!(server.run_on[1].as_str(), "tomorrow");
                    assert_eq!(server.extra["run_on"], json!({"1": null}));
                    let GuardrailMcpServerList::List(list) = list else {
                        panic!()
                    };
                    assert_eq!(list.extra.keys().collect::<Vec<_>>(), ["0", "2"]);
                }),
                ("an envelope", |list| {
                    assert_eq!(list.servers().len(), 1);
                    let GuardrailMcpServerList::Object(page) = list else {
                        panic!()
                    };
                    assert_eq!(page.extra["data"], json!({"1": null}));
                }),
                ("empty response", |list| assert!(list.servers().is_empty())),
            ],
        )
        .check::<Guardrail>(
            "get_guardrail",
            &[
                ("actions as used by clients", |one| {
                    let [known, new] = &one.checks[..] else {
                        panic!()
                    };
                    assert_eq!(known.is_enabled, None, "left out");
                    assert_eq!(known.parameters["minWords"], 1);
                    assert_eq!(new.is_enabled, Some(false), "0");
                    assert!(one.version_id.is_some());
                    assert_eq!(json!(one)["actions"]["onFail"], "block");
                }),
                ("actions as documented", |one| {
                    assert_eq!(json!(one)["actions"]["on_fail"]["feedback"]["value"], -5);
                }),
            ],
        )
        .check::<UpdateGuardrailResponse>(
            "update_guardrail",
            &[
                ("ids", |created| assert!(created.version_id.is_some())),
                ("empty response", |created| {
                    assert!(created.version_id.is_none())
                }),
            ],
        )
        .assert_all_checked();
}

#[test]
fn policy_fixtures_round_trip() {
    fixtures!("policies")
        .check::<UsageLimitsPolicyList>(
            "list_usage_limits_policies",
            &[("limits in every encoding", check_usage_limits)],
        )
        .check::<UsageLimitsPolicy>(
            "get_usage_limits_policy",
            &[("all fields", |one| {
                assert_eq!(one.periodic_reset, Some(ResetPeriod::Weekly));
                assert_eq!(one.periodic_reset_days, Some(7));
                assert_eq!(one.status, Some(RecordStatus::Archived));
            })],
        )
        .check::<UsageLimitsPolicyEntityList>(
            "list_usage_limits_policy_entities",
            &[("as documented", |list| {
                assert_eq!(list.data[0].current_usage, Some(0.25));
            })],
        )
        .check::<RateLimitsPolicyList>(
            "list_rate_limits_policies",
            &[("units in every encoding", |list| {
                let [first, second] = &list.data[..] else {
                    panic!()
                };
                assert_eq!(
                    (&first.unit, first.value),
                    (&Some(RateLimitUnit::Rpm), Some(10.0))
                );
                assert_eq!(
                    (&second.unit, second.value),
                    (&Some(RateLimitUnit::Rpw), Some(0.5))
                );
                assert_eq!(first.group_by[0].key.as_deref(), Some("metadata.team"));
            })],
        )
        .check::<RateLimitsPolicy>(
            "get_rate_limits_policy",
            &[("an unknown unit", |one| {
                assert_eq!(one.unit, Some(RateLimitUnit::from("rpy")));
                assert_eq!(one.value, Some(12.0), "string");
            })],
        )
        .check::<CreatedPolicy>(
            "create_usage_limits_policy",
            &[("id", |created| assert!(!created.id.is_empty()))],
        )
        .assert_all_checked();
}

fn check_usage_limits(list: &UsageLimitsPolicyList) {
    let [first, second, third] = &list.data[..] else {
        panic!()
    };
    assert_eq!(first.credit_limit, Some(10.0));
    let usage = &first.value_key_usage_map;
    assert_eq!(usage["one"].is_threshold_alerts_sent, Some(false), "0");
    assert_eq!(usage["two"].current_usage, Some(12.0), "string");
    assert_eq!(usage["two"].is_exhausted_alerts_sent, Some(true), "string");
    assert_eq!(usage["two"].status, Some(PolicyEntityStatus::Exhausted));
    assert_eq!(second.credit_limit, Some(1000.0), "string");
    assert_eq!(second.periodic_reset, Some(ResetPeriod::from("")));
    let requests = portkey_admin::policies::UsageLimitsPolicyType::Requests;
    assert_eq!(third.type_, Some(requests));
    assert!(
        third.value_key_usage_map.is_empty(),
        "an empty list is decoded as an empty map"
    );
}

#[test]
fn log_fixtures_round_trip() {
    fixtures!("logs")
        .check::<AuditLogList>(
            "list_audit_logs",
            &[
                ("as documented", |list| {
                    let one = &list.records[0];
                    assert_eq!(one.method, Some(AuditMethod::Post));
                    assert_eq!(one.response_status_code, Some(200), "string");
                    assert_eq!(
                        (one.workspace_id.as_deref(), &one.country),
                        (Some(""), &None)
                    );
                }),
                ("an unknown method and an unknown user type", |list| {
                    assert_eq!(list.records[0].method, Some(AuditMethod::from("PATCH")));
                    assert_eq!(
                        list.records[0].user_type,
                        Some(AuditUserType::from("agent"))
                    );
                }),
            ],
        )
        .check::<FeedbackReceipt>(
            "create_feedback",
            &[("a receipt", |one| assert_eq!(one.feedback_ids.len(), 1))],
        )
        .check::<FeedbackReceipt>(
            "update_feedback",
            &[("empty receipt", |one| {
                assert!(one.feedback_ids.is_empty())
            })],
        )
        .check::<Log>(
            "get_log",
            &[("field names with a dot", |log| {
                let metrics = log.metrics.as_ref().unwrap();
                assert_eq!(json!(metrics)["metadata.key"], json!(["team"]));
                assert!(!metrics.extra.contains_key("metadata.key"));
                assert_eq!(metrics.cost, Some(0.00125));
                assert_eq!(metrics.is_success, Some(true), "1");
            })],
        )
        .check::<LogExportList>(
            "list_log_exports",
            &[("without a description", |list| {
                let one = &list.data[0];
                assert_eq!(one.description, None);
                assert_eq!(one.requested_data[1].as_str(), "a_field_of_tomorrow");
                assert!(one.filters.is_some());
            })],
        )
        .check::<LogExport>(
            "get_log_export",
            &[
                ("with a count", |one| {
                    assert_eq!(one.total_records, Some(1200), "string");
                    assert!(one.requested_data.is_empty());
                }),
                ("filters for one model", |one| {
                    let filters = one.filters.as_ref().unwrap();
                    assert!(matches!(&filters.ai_model, Some(LogExportModels::Text(one)) if one == "one-model"));
                }),
                ("filters for several models", |one| {
                    let filters = one.filters.as_ref().unwrap();
                    assert!(matches!(&filters.ai_model, Some(LogExportModels::List(list)) if list.len() == 2));
                }),
            ],
        )
        .check::<LogExportDownload>(
            "download_log_export",
            &[("a signed URL", |one| {
                assert!(
                    one.signed_url
                        .as_ref()
                        .unwrap()
                        .expose()
                        .ends_with("canary")
                );
                assert!(!format!("{one:?}{}", json!(one)).contains("canary"));
            })],
        )
        .check::<LogExportTask>(
            "start_log_export",
            &[("a message", |one| {
                assert_eq!(one.message.as_deref(), Some("started"))
            })],
        )
        .assert_all_checked();
}

#[test]
fn provider_fixtures_round_trip() {
    fixtures!("providers")
        .check::<ProviderList>(
            "list_providers",
            &[("unset values are null", |list| {
                let one = &list.data[0];
                assert!(one.usage_limits.is_none() && one.rate_limits.is_empty());
                assert_eq!((one.expires_at, one.last_updated_at), (None, None));
                assert!(one.extra.is_empty(), "{:?}", one.extra);
            })],
        )
        .check::<Provider>(
            "get_provider",
            &[("with limits", |one| {
                assert_eq!(one.status, Some(KeyStatus::Exhausted));
                let limits = one.usage_limits.as_ref().unwrap();
                assert_eq!(limits.type_, Some(UsageLimitType::Tokens));
                assert_eq!(limits.alert_threshold, None);
                assert_eq!(one.rate_limits[0].value, Some(100), "a float");
            })],
        )
        .check::<CreateProviderResponse>(
            "create_provider",
            &[("ids", |created| {
                assert_eq!(created.slug.as_deref(), Some("one-provider"))
            })],
        )
        .assert_all_checked();
}

#[test]
fn integration_fixtures_round_trip() {
    fixtures!("integrations")
        .check::<IntegrationList>(
            "list_integrations",
            &[("one of the organisation and one of a workspace", |list| {
                let [shared, own] = &list.data[..] else {
                    panic!()
                };
                assert_eq!(shared.type_, Some(IntegrationScope::Organisation));
                assert_eq!(
                    (&shared.workspace_id, shared.last_updated_at),
                    (&None, None)
                );
                assert_eq!(own.type_, Some(IntegrationScope::Workspace));
                assert_eq!(own.id, own.slug, "a slug may be a UUID");
            })],
        )
        .check::<Integration>(
            "get_integration",
            &[
                ("without configuration", |one| {
                    assert_eq!(one.allow_all_models, Some(true), "1");
                    assert!(one.configurations.is_empty() && one.secret_mappings.is_empty());
                    let access = one.global_workspace_access_settings.as_ref().unwrap();
                    assert_eq!(access.enabled, Some(true));
                    assert_eq!(access.usage_limits[0].credit_limit, Some(10.0));
                    assert!(access.rate_limits.is_empty());
                }),
                ("access in the other field", |one| {
                    let access = one.global_workspace_access.as_ref().unwrap();
                    assert_eq!(access.enabled, Some(false));
                    let format = one.secret_mappings[0].value_format.as_ref().unwrap();
                    assert_eq!(format.as_str(), "yaml");
                    assert_eq!(one.configurations["canary"], "canary");
                    assert!(!format!("{one:?}").contains(r#"canary": "#), "{one:?}");
                }),
            ],
        )
        .check::<IntegrationModelList>(
            "list_integration_models",
            &[
                ("booleans as in a captured response", |list| {
                    let [custom, other] = &list.models[..] else {
                        panic!()
                    };
                    assert_eq!(custom.is_custom, Some(true), "1");
                    assert_eq!(custom.is_finetune, Some(false), "string");
                    let prices = custom.pricing_config.as_ref().unwrap();
                    let prices = prices.pay_as_you_go.as_ref().unwrap();
                    assert_eq!(prices.response_token.as_ref().unwrap().price, Some(0.0002));
                    assert_eq!(other.enabled, Some(false), "0");
                    assert_eq!(other.is_custom, None, "empty string");
                    assert_eq!(other.is_finetune, None, "null");
                }),
                ("without a total", |list| {
                    assert_eq!((list.total, list.allow_all_models), (None, None))
                }),
            ],
        )
        .check::<IntegrationWorkspaceList>(
            "list_integration_workspaces",
            &[("ids are slugs", |list| {
                let [first, second] = &list.workspaces[..] else {
                    panic!()
                };
                assert_eq!(first.id, "ws-one");
                assert_eq!(
                    first.usage_limits[0].periodic_reset,
                    Some(ResetPeriod::from(""))
                );
                assert_eq!(second.enabled, Some(false), "0");
                assert!(second.usage_limits.is_empty() && second.rate_limits.is_empty());
            })],
        )
        .assert_all_checked();
}

#[test]
fn analytics_fixtures_round_trip() {
    let mut file = fixtures!("analytics");
    file.check::<CostGraph>(
        "get_cost_graph",
        &[
            ("fractions, and numbers as strings", |graph| {
                let summary = graph.summary.as_ref().unwrap();
                assert_eq!(
                    (summary.total, summary.avg),
                    (Some(Cents(12.5)), Some(Cents(0.25)))
                );
                let [first, second] = &graph.data_points[..] else {
                    panic!()
                };
                assert_eq!(
                    (first.total, first.avg),
                    (Some(Cents(10.0)), Some(Cents(0.1)))
                );
                assert_eq!((second.total, second.avg), (Some(Cents(2.5)), None));
                assert_eq!(second.timestamp, Some(at("2026-01-02T04:00:00Z")));
            }),
            ("data points in another field", |graph| {
                assert!(graph.data_points.is_empty())
            }),
        ],
    )
    .check::<TotalsGraph>(
        "get_requests_graph",
        &[("integers in every encoding", |graph| {
            assert_eq!(graph.summary.as_ref().unwrap().total, Some(12));
            assert_eq!(graph.data_points[0].total, Some(10));
        })],
    )
    .check::<TokenGraph>(
        "get_tokens_graph",
        &[("an average", |graph| {
            assert_eq!(graph.data_points[0].avg, Some(12.75))
        })],
    )
    .check::<LatencyGraph>(
        "get_latency_graph",
        &[("percentiles", |graph| {
            let summary = graph.summary.as_ref().unwrap();
            assert_eq!((summary.p50, summary.p99), (Some(90.0), Some(300.25)));
            assert_eq!(graph.data_points[0].p99, None);
        })],
    )
    .check::<TotalsGraph>(
        "get_errors_graph",
        &[("no data points", |graph| {
            assert!(graph.data_points.is_empty())
        })],
    )
    .check::<ErrorRateGraph>(
        "get_error_rate_graph",
        &[("a rate", |graph| {
            assert_eq!(graph.data_points[0].rate, Some(1.0))
        })],
    )
    .check::<CacheLatencyGraph>(
        "get_cache_latency_graph",
        &[("an average", |graph| {
            assert_eq!(graph.data_points[0].avg, Some(1.5))
        })],
    );
    more_analytics(&mut file);
    file.assert_all_checked();
}

fn more_analytics(file: &mut Fixtures) {
    file.check::<CacheHitRateGraph>(
        "get_cache_hit_rate_graph",
        &[("savings are costs", |graph| {
            let point = &graph.data_points[0];
            assert_eq!(point.cumulative_simple_cache_savings, Some(Cents(0.0125)));
            assert_eq!(point.semantic_hits, Some(0), "string");
        })],
    )
    .check::<TotalsGraph>(
        "get_users_graph",
        &[("data points", |graph| {
            assert_eq!(graph.data_points[0].total, Some(3))
        })],
    )
    .check::<UserUsageList>(
        "get_usage_by_user",
        &[("numbers as strings", |list| {
            let [first, second] = &list.data[..] else {
                panic!()
            };
            assert_eq!(
                (first.user.as_deref(), second.user.as_deref()),
                (Some("one"), Some("two"))
            );
            for one in [first, second] {
                let figures = json!(one);
                assert!(figures["requests"] == "12" || figures["requests"] == 12);
            }
        })],
    )
    .check::<ModelUsageList>(
        "get_usage_by_model",
        &[("numbers and numbers as strings", |list| {
            assert_eq!(list.total, Some(2), "string");
            assert_eq!(list.data[0].cost, Some(Cents(0.25)), "string");
            assert_eq!(list.data[1].ai_model.as_deref(), Some("two-model"));
            assert!(list.data[0].extra.is_empty(), "{:?}", list.data[0].extra);
        })],
    )
    .check::<ProviderUsageList>(
        "get_usage_by_provider",
        &[("numbers as strings", |list| {
            assert_eq!(list.data[0].cost, Some(Cents(0.25)));
            assert_eq!(list.data[0].success_rate, Some(99.5));
        })],
    )
    .check::<WorkspaceUsageList>(
        "get_usage_by_workspace",
        &[("a quota beside the list", |list| {
            assert_eq!(list.is_quota_exceeded, Some(false));
            assert_eq!(list.data[0].cost, Some(Cents(12.5)));
            assert_eq!(list.data[1].cost, Some(Cents(1.75)), "string");
            assert_eq!(list.data[1].workspace_slug.as_deref(), Some("ws-two"));
            assert!(list.data[1].extra.is_empty(), "{:?}", list.data[1].extra);
        })],
    )
    .check::<MetadataUsageList>(
        "get_usage_by_metadata",
        &[("numbers", |list| {
            assert_eq!(list.data[0].avg_tokens, Some(10.5));
            assert_eq!(list.data[0].last_seen, Some(at("2026-01-02T03:04:05Z")));
        })],
    );
}

#[test]
fn other_fixtures_round_trip() {
    let mut file = fixtures!("more");
    file.check::<ScimWorkspaceMappingList>(
        "list_scim_workspace_mappings",
        &[("a page", |list| {
            assert_eq!((list.page, list.page_size), (Some(0), Some(100)));
            assert_eq!(
                list.mappings[0].role,
                Some(WorkspaceRole::from("ws-member"))
            );
        })],
    )
    .check::<UpdateMcpServerResponse>(
        "update_mcp_server",
        &[
            ("the identifiers", |server| {
                assert_eq!(server.slug.as_deref(), Some("mcp-server-one"));
                assert!(server.id.is_some() && server.extra.is_empty());
            }),
            ("empty response", |server| assert_eq!(server.id, None)),
        ],
    )
    .check::<Acknowledgement>(
        "update_mcp_server_user_access",
        &[("an object type", |response| {
            assert_eq!(response.success, Some(true));
            assert!(response.extra.is_empty(), "{:?}", response.extra);
        })],
    )
    .check::<McpIntegrationList>(
        "list_mcp_integrations",
        &[("all fields", |list| {
            assert_eq!(list.has_more, Some(false), "0");
            let one = &list.data[0];
            assert_eq!(one.auth_type, Some(McpAuthType::OauthClientCredentials));
            assert_eq!(one.transport, Some(McpTransport::from("stdio")));
        })],
    )
    .check::<McpIntegrationWorkspaceList>(
        "list_mcp_integration_workspaces",
        &[
            ("workspaces in `workspaces`", |list| {
                assert!(list.data.is_empty());
                assert_eq!(list.workspaces[0].enabled, Some(true));
            }),
            ("workspaces in `data`", |list| {
                assert!(list.workspaces.is_empty());
                assert_eq!(list.data[0].id.as_deref(), Some("ws-one"));
            }),
        ],
    )
    .check::<McpServerCapabilityList>(
        "list_mcp_server_capabilities",
        &[
            ("capabilities in `data`", |list| {
                let tools = list.counts.as_ref().unwrap().tools.as_ref().unwrap();
                assert_eq!((tools.total, list.data.len()), (Some(1), 1));
            }),
            ("capabilities in `capabilities`", |list| {
                let kind = list.capabilities[0].type_.as_ref().unwrap();
                assert_eq!(kind.as_str(), "sampling");
            }),
        ],
    )
    .check::<McpServerUserAccessList>(
        "list_mcp_server_user_access",
        &[("a misspelt `object`", |list| {
            assert_eq!(
                list.default_user_access,
                Some(McpServerDefaultAccess::Allow)
            );
            assert_eq!(list.data[0].has_override, Some(false), "0");
            assert_eq!(list.data[0].object.as_deref(), Some("user-acces"));
        })],
    )
    .check::<SecretReference>(
        "get_secret_reference",
        &[("masked fields with their own names", |one| {
            assert_eq!(one.allow_all_workspaces, Some(true), "1");
            assert!(one.auth_config.contains_key("masked_aws_secret_access_key"));
            assert_eq!(one.secret_key, None);
            assert_eq!(one.tags["team"], "one");
        })],
    )
    .check::<ModelPricing>(
        "get_model_pricing",
        &[("nested maps and nested formulas", |one| {
            let prices = one.pay_as_you_go.as_ref().unwrap();
            assert_eq!(
                prices.image["standard"]["1024x1024"].price,
                Some(Cents(4.0))
            );
            assert_eq!(
                prices.request_token.as_ref().unwrap().price,
                Some(Cents(0.00025))
            );
            let formula = one.calculate.as_ref().unwrap().request.as_ref().unwrap();
            assert_eq!(formula.operation, Some(ModelCostOperator::Sum));
            assert_eq!(formula.operands.len(), 2);
        })],
    )
    .assert_all_checked();
}

/// A response without a required field, or with `null` in it, is an error that names the field.
#[test]
fn response_without_a_required_field_is_an_error() {
    fn assert_required<T: DeserializeOwned>(file: &Fixtures, operation: &str, names: &[&str]) {
        for complete in file.cases[operation].values() {
            assert!(serde_json::from_value::<T>(complete.clone()).is_ok());
            for name in names {
                for damaged in [without(complete, name), with(complete, name, Value::Null)] {
                    let Err(error) = serde_json::from_value::<T>(damaged) else {
                        panic!("{operation}: decoded without `{name}`");
                    };
                    assert!(error.to_string().contains(name), "{error}");
                }
            }
        }
    }
    assert_required::<ApiKey>(
        &fixtures!("api_keys"),
        "get_api_key",
        &[
            "id",
            "name",
            "type",
            "organisation_id",
            "status",
            "created_at",
            "last_updated_at",
        ],
    );
    assert_required::<CreateApiKeyResponse>(
        &fixtures!("api_keys"),
        "create_api_key",
        &["id", "key"],
    );
    assert_required::<Config>(
        &fixtures!("configs"),
        "get_config",
        &[
            "id",
            "slug",
            "name",
            "organisation_id",
            "status",
            "created_at",
            "last_updated_at",
        ],
    );
    let required = ["id", "slug", "name", "created_at"];
    assert_required::<Workspace>(&fixtures!("workspaces"), "get_workspace", &required);
    assert_required::<Prompt>(&fixtures!("prompts"), "get_prompt", &required);
    assert_required::<VirtualKey>(&fixtures!("virtual_keys"), "get_virtual_key", &required);
}

fn without(object: &Value, name: &str) -> Value {
    let mut object = object.clone();
    object.as_object_mut().unwrap().remove(name).expect(name);
    object
}

fn with(object: &Value, name: &str, value: Value) -> Value {
    let mut object = object.clone();
    object[name] = value;
    object
}
