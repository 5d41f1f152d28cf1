//! What the generated types lack: views of fields that the service sends in more than one form, and
//! builders for requests of which a rule says more than their fields do.

#[cfg(feature = "configs")]
mod configs;
#[cfg(feature = "logs")]
mod feedback;
#[cfg(feature = "prompts")]
mod prompts;
#[cfg(feature = "users")]
mod users;
#[cfg(feature = "workspaces")]
mod workspaces;
