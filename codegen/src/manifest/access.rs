//! Who may call an operation.

use serde::{Deserialize, Deserializer};

/// The kinds of API key.
const KEYS: [&str; 2] = ["organisation", "workspace"];
/// The plans of an organisation.
const PLANS: [&str; 2] = ["any", "enterprise"];
/// The roles of a person.
const ROLES: [&str; 6] = [
    "organisation owner",
    "organisation admin",
    "organisation member",
    "workspace admin",
    "workspace manager",
    "workspace member",
];

/// Who may call an operation, as far as known.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Access {
    /// The kinds of API key that may call it (`organisation`, `workspace`); empty if unknown.
    #[serde(default)]
    pub keys: Vec<String>,
    /// The scopes that the API key needs; `None` if unknown.
    #[serde(default)]
    pub scopes: Option<RequiredScopes>,
    /// The plan that it needs (`any`, `enterprise`), if known.
    #[serde(default)]
    pub plan: Option<String>,
    /// The roles of which the person behind the API key needs one; empty if unknown.
    #[serde(default)]
    pub roles: Vec<String>,
}

/// The scopes that an API key needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RequiredScopes {
    /// One of these scopes.
    AnyOf(Vec<String>),
    /// All of these scopes.
    AllOf(Vec<String>),
}

impl RequiredScopes {
    /// Returns the names of the scopes.
    pub fn names(&self) -> &[String] {
        match self {
            Self::AnyOf(names) | Self::AllOf(names) => names,
        }
    }

    /// Returns whether the granted scopes are sufficient.
    pub fn are_granted(&self, is_granted: impl Fn(&str) -> bool) -> bool {
        match self {
            Self::AnyOf(names) => names.iter().any(|name| is_granted(name)),
            Self::AllOf(names) => names.iter().all(|name| is_granted(name)),
        }
    }
}

/// Reads `[SCOPE, …]`, of which one is needed, or `{all_of: [SCOPE, …]}`.
impl<'de> Deserialize<'de> for RequiredScopes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct AllOf {
            all_of: Vec<String>,
        }
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "expected a list of scopes or `all_of: […]`")]
        enum Form {
            AnyOf(Vec<String>),
            AllOf(AllOf),
        }
        Ok(match Form::deserialize(deserializer)? {
            Form::AnyOf(names) => Self::AnyOf(names),
            Form::AllOf(AllOf { all_of }) => Self::AllOf(all_of),
        })
    }
}

impl Access {
    /// Describes each requirement, for the documentation.
    pub fn requirements(&self) -> Vec<String> {
        let mut found = Vec::new();
        if !self.keys.is_empty() {
            found.push(format!("{} keys", self.keys.join(" and ")));
        }
        found.extend(self.scopes.as_ref().map(|scopes| match scopes {
            RequiredScopes::AnyOf(names) => format!("scope `{}`", names.join("` or `")),
            RequiredScopes::AllOf(names) => format!("scopes `{}`", names.join("` and `")),
        }));
        found.extend(self.plan.as_ref().map(|plan| format!("{plan} plan")));
        if !self.roles.is_empty() {
            found.push(format!("role {}", self.roles.join(" or ")));
        }
        found
    }

    /// Checks that every value is known and listed once.
    pub(super) fn check(&self) -> Result<(), String> {
        let plan = self.plan.as_slice();
        for (field, values, known) in [
            ("keys", self.keys.as_slice(), KEYS.as_slice()),
            ("plan", plan, &PLANS),
            ("roles", &self.roles, &ROLES),
        ] {
            if let Some(value) = values.iter().find(|value| !known.contains(&value.as_str())) {
                let known = known.join("`, `");
                return Err(format!(
                    "`access.{field}`: expected one of `{known}`, found `{value}`"
                ));
            }
            check_unique(field, values)?;
        }
        match &self.scopes {
            Some(scopes) if scopes.names().is_empty() => {
                Err("`access.scopes`: expected at least one scope".to_owned())
            }
            Some(scopes) => check_unique("scopes", scopes.names()),
            None => Ok(()),
        }
    }
}

fn check_unique(field: &str, values: &[String]) -> Result<(), String> {
    let repeated = |(index, value): &(usize, &String)| values[..*index].contains(value);
    match values.iter().enumerate().find(repeated) {
        Some((_, value)) => Err(format!("`access.{field}`: `{value}` is listed twice")),
        None => Ok(()),
    }
}
