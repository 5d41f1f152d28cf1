//! Seeds: the initial organisations, workspaces, users and keys of an emulator.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::call::Scopes;
use crate::handlers::logs;
use crate::ids::Ids;
use crate::state::State;
use crate::state::api_keys::{ApiKey, Owner};
use crate::state::collections::Collection;
use crate::state::configs::Config;
use crate::state::integrations::Integration;
use crate::state::organisation::{OrganisationInfo, Plan};
use crate::state::prompts::Prompt;
use crate::state::users::User;
use crate::state::virtual_keys::VirtualKey;
use crate::state::workspaces::Workspace;

/// The name of the key with all permissions that every organisation has.
pub(crate) const ADMIN_KEY: &str = "Emulator";

/// The provider credentials of the default virtual key.
const PROVIDER_KEY: &str = "emulator-provider-key";

/// The initial data of an emulator, read from a file; see [`Seed::parse`].
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seed {
    #[serde(default)]
    pub(crate) organisations: Vec<Organisation>,
    #[serde(default)]
    pub(crate) requests: Vec<SeedRequest>,
}

/// A request that is sent at start-up, before any other request.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SeedRequest {
    /// The name of the key to send it with; by default the first organisation's `Emulator`.
    #[serde(default)]
    pub(crate) key: Option<String>,
    pub(crate) method: String,
    /// Path and query, including the version: `/v1/configs`.
    pub(crate) path: String,
    #[serde(default)]
    pub(crate) body: Value,
}

impl Seed {
    /// Parses a seed from YAML: `organisations`, and `requests` that are sent to the new emulator.
    /// `name` is used in error messages. A sample is `emulator/demo.yaml` in the repository.
    ///
    /// # Errors
    ///
    /// Fails if `yaml` is not valid YAML or has unknown fields.
    pub fn parse(name: &str, yaml: &str) -> Result<Self, StartError> {
        let value = portkey_admin_codegen::document::parse(name, yaml)
            .map_err(|error| StartError(error.to_string()))?;
        serde_json::from_value(value).map_err(|error| StartError(format!("{name}: {error}")))
    }
}

/// The initial data of one organisation.
///
/// Every organisation also gets a key `Emulator` with all permissions and, if no user is given, an
/// owner.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Organisation {
    name: String,
    #[serde(default)]
    plan: Plan,
    #[serde(default)]
    users: Vec<UserSeed>,
    #[serde(default)]
    workspaces: Vec<WorkspaceSeed>,
    #[serde(default)]
    keys: Vec<Key>,
    /// Whether to add the configs, prompts and virtual keys of the default organisation.
    #[serde(default)]
    with_defaults: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct UserSeed {
    email: String,
    role: Role,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WorkspaceSeed {
    name: String,
    #[serde(default)]
    members: Vec<MemberSeed>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct MemberSeed {
    email: String,
    role: WorkspaceRole,
}

/// A user's role in the organisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Role {
    /// Has all permissions; cannot be created through the API.
    Owner,
    /// Has all permissions.
    Admin,
    /// Has the permissions of its workspace roles.
    Member,
}

/// A user's role in a workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum WorkspaceRole {
    /// Can manage the workspace.
    Admin,
    /// Can manage the workspace and its keys.
    Manager,
    /// Can use the workspace.
    Member,
}

/// An initial API key; [`Emulator::key`](crate::Emulator::key) returns its value by name.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    name: String,
    /// The name of its workspace; `None` for a key of the organisation.
    #[serde(default)]
    workspace: Option<String>,
    /// The e-mail address of its user; `None` for a service key.
    #[serde(default)]
    user: Option<String>,
    /// The scopes; `None` grants all of them.
    #[serde(default)]
    scopes: Option<Vec<String>>,
}

impl Organisation {
    /// Creates an organisation with this name, on the Enterprise plan.
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            plan: Plan::Enterprise,
            users: Vec::new(),
            workspaces: Vec::new(),
            keys: Vec::new(),
            with_defaults: false,
        }
    }

    /// Sets the plan.
    pub fn plan(mut self, plan: Plan) -> Self {
        self.plan = plan;
        self
    }

    /// Adds a user.
    pub fn user(mut self, email: impl Into<String>, role: Role) -> Self {
        let email = email.into();
        self.users.push(UserSeed { email, role });
        self
    }

    /// Adds a workspace without members.
    pub fn workspace(mut self, name: impl Into<String>) -> Self {
        self.workspaces.push(WorkspaceSeed {
            name: name.into(),
            members: Vec::new(),
        });
        self
    }

    /// Makes a user a member of a workspace, which is added if it does not exist. The user must be
    /// part of the organisation.
    pub fn member(
        mut self,
        workspace: &str,
        email: impl Into<String>,
        role: WorkspaceRole,
    ) -> Self {
        let email = email.into();
        match self
            .workspaces
            .iter_mut()
            .find(|seed| seed.name == workspace)
        {
            Some(seed) => seed.members.push(MemberSeed { email, role }),
            None => self.workspaces.push(WorkspaceSeed {
                name: workspace.to_owned(),
                members: vec![MemberSeed { email, role }],
            }),
        }
        self
    }

    /// Adds a key.
    pub fn key(mut self, key: Key) -> Self {
        self.keys.push(key);
        self
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Returns the default organisation, used by [`Emulator::start`](crate::Emulator::start).
    pub(crate) fn with_defaults() -> Self {
        Self {
            with_defaults: true,
            ..Self::named("Example")
                .user("user1@example.com", Role::Owner)
                .user("user2@example.com", Role::Admin)
                .user("user3@example.com", Role::Member)
                .member("Platform", "user1@example.com", WorkspaceRole::Admin)
                .member("Platform", "user2@example.com", WorkspaceRole::Member)
        }
    }
}

impl Key {
    /// Creates a service key of the organisation with all permissions.
    pub fn organisation(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            workspace: None,
            user: None,
            scopes: None,
        }
    }

    /// Creates a service key with all permissions in the named workspace.
    pub fn workspace(workspace: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            workspace: Some(workspace.into()),
            ..Self::organisation(name)
        }
    }

    /// Makes it the key of a user, given by e-mail address. Only workspace keys can have a user.
    pub fn user(mut self, email: impl Into<String>) -> Self {
        self.user = Some(email.into());
        self
    }

    /// Limits the key to these scopes.
    pub fn scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.scopes = Some(scopes.into_iter().map(Into::into).collect());
        self
    }
}

impl Role {
    fn name(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Member => "member",
        }
    }
}

impl WorkspaceRole {
    fn name(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Manager => "manager",
            Self::Member => "member",
        }
    }
}

/// Builds the initial state of an organisation; the error describes what is wrong with the seed.
pub(crate) fn state(seed: &Organisation, now: DateTime<Utc>, ids: &Ids) -> Result<State, String> {
    let mut state = State::empty(OrganisationInfo {
        id: ids.uuid(),
        name: seed.name.clone(),
        plan: seed.plan,
    });
    for user in &seed.users {
        let user = User::seed(&user.email, user.role.name(), now, ids);
        state.users.accounts.put(user);
    }
    if seed.users.is_empty() {
        let owner = User::seed("owner@example.com", Role::Owner.name(), now, ids);
        state.users.accounts.put(owner);
    }
    for workspace in &seed.workspaces {
        add_workspace(&mut state, workspace, now, ids)?;
    }
    add_key(&mut state, &Key::organisation(ADMIN_KEY), now, ids)?;
    for key in &seed.keys {
        add_key(&mut state, key, now, ids)?;
    }
    if seed.with_defaults {
        add_default_resources(&mut state, now, ids);
    }
    Ok(state)
}

fn add_workspace(
    state: &mut State,
    seed: &WorkspaceSeed,
    now: DateTime<Utc>,
    ids: &Ids,
) -> Result<(), String> {
    let mut workspace = Workspace::seed(&seed.name, state.users.owner(), now, ids);
    for member in &seed.members {
        let user = user_id(state, &member.email)
            .map_err(|error| format!("workspace `{}`: {error}", seed.name))?;
        workspace.add_member(&user, member.role.name(), now);
    }
    workspace.set_default(state.workspaces.len() == 0);
    state
        .collections
        .put(Collection::seed(&workspace.id, now, ids));
    state.workspaces.put(workspace);
    Ok(())
}

fn user_id(state: &State, email: &str) -> Result<String, String> {
    let mut users = state.users.accounts.iter();
    let user = users.find(|user| user.email == email);
    user.map(|user| user.id.clone())
        .ok_or_else(|| format!("unknown user `{email}`"))
}

fn add_key(state: &mut State, seed: &Key, now: DateTime<Utc>, ids: &Ids) -> Result<(), String> {
    let context = |error: String| format!("key `{}`: {error}", seed.name);
    let workspace_id = match &seed.workspace {
        Some(name) => Some(
            workspace_id(state, name)
                .ok_or_else(|| context(format!("unknown workspace `{name}`")))?,
        ),
        None => None,
    };
    let user_id = match &seed.user {
        Some(email) => Some(user_id(state, email).map_err(context)?),
        None => None,
    };
    if user_id.is_some() && workspace_id.is_none() {
        return Err(context("a user's key requires a workspace".to_owned()));
    }
    let scopes = seed.scopes.clone().map_or(Scopes::All, Scopes::Only);
    let owner = Owner {
        workspace_id,
        user_id,
    };
    let key = ApiKey::new(&seed.name, owner, scopes, &state.organisation.id, now, ids);
    state.api_keys.put(key);
    Ok(())
}

fn workspace_id(state: &State, name: &str) -> Option<String> {
    let mut workspaces = state.workspaces.iter();
    let workspace = workspaces.find(|workspace| workspace.display_name() == name)?;
    Some(workspace.id.clone())
}

/// Adds a virtual key, a prompt, a config and some logs to the first workspace.
fn add_default_resources(state: &mut State, now: DateTime<Utc>, ids: &Ids) {
    let Some(workspace) = state
        .workspaces
        .iter()
        .next()
        .map(|workspace| workspace.id.clone())
    else {
        return;
    };
    let key = VirtualKey::seed(&workspace, now, ids);
    let collection = state.collections.in_workspace(&workspace).iter().next();
    let prompt = collection.map(|collection| Prompt::seed(collection, &key, now, ids));
    let config = Config::seed(&workspace, state.users.owner(), &key, now, ids);
    logs::seed(state, &workspace, now);
    state.configs.put(config);
    let integration =
        Integration::for_virtual_key(&key, Some(PROVIDER_KEY), state.users.owner(), ids);
    state.integrations.put(integration);
    state.virtual_keys.put(key);
    if let Some(prompt) = prompt {
        state.prompts.put(prompt);
    }
}

/// The error of [`EmulatorBuilder::start`](crate::EmulatorBuilder::start).
#[derive(Debug)]
pub struct StartError(pub(crate) String);

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "failed to start the emulator: {}", self.0)
    }
}

impl std::error::Error for StartError {}
