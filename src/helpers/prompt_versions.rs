//! Selection of prompt versions by id, where the service requires their numbers.

use crate::{
    Client, Error, Waiter,
    error::Label,
    operation::Operation,
    prompts::{
        MakePromptPartialVersionDefault, MakePromptPartialVersionDefaultRequest,
        MakePromptVersionDefault, MakePromptVersionDefaultRequest, PromptPartialVersion,
        PromptVersion, UpdatePrompt, UpdatePromptPartial,
    },
};

/// A version that an update created and that is now the default version.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PromotedVersion {
    /// The id of the version, a UUID.
    pub id: String,
    /// The version number.
    pub number: i64,
}

/// An entry in a list of versions.
trait Version {
    fn id(&self) -> Option<&str>;
    fn number(&self) -> Option<i64>;
}

impl Version for PromptVersion {
    fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    fn number(&self) -> Option<i64> {
        self.prompt_version
    }
}

impl Version for PromptPartialVersion {
    fn id(&self) -> Option<&str> {
        self.prompt_partial_version_id.as_deref()
    }

    fn number(&self) -> Option<i64> {
        self.version
    }
}

/// Returns the number of the version with the given id.
fn number_of(versions: &[impl Version], id: &str) -> Option<i64> {
    let version = versions.iter().find(|version| version.id() == Some(id))?;
    version.number()
}

async fn prompt_number(client: &Client, prompt: &str, id: &str) -> Result<Option<i64>, Error> {
    let versions = client.list_prompt_versions(prompt).send().await?;
    Ok(number_of(&versions.data, id))
}

async fn partial_number(client: &Client, partial: &str, id: &str) -> Result<Option<i64>, Error> {
    let versions = client.list_prompt_partial_versions(partial).send().await?;
    Ok(number_of(&versions.data, id))
}

fn version_not_found(parent: &str, id: &str, operation: &'static Operation) -> Error {
    let problem = format!("{parent} has no version with the id `{id}` and a version number");
    Error::invalid_request(problem).with_operation(&Label::Operation(operation))
}

/// A new version may not be listed immediately (S02).
fn version_waiter(id: &str) -> Waiter {
    Waiter::new(format!("version `{id}` in the list of versions"))
}

/// The update succeeded; the error contains the id so that the version can be made the default
/// later.
fn not_promoted(error: Error, id: &str) -> Error {
    let note = format!("version `{id}` was created but is not the default version");
    error.with_note(note).mark_executed()
}

impl MakePromptVersionDefault {
    /// Makes the version with the given id the default version: looks up its number in the list of
    /// versions and sends it. Returns the number.
    ///
    /// The service requires the version number, which cannot be derived from other numbers because
    /// they have gaps. Replaces the body.
    ///
    /// ```no_run
    /// # async fn example(client: portkey_admin::Client) -> Result<(), portkey_admin::Error> {
    /// let number = client
    ///     .make_prompt_version_default("my-prompt")
    ///     .send_for_version_id("id-of-the-version")
    ///     .await?;
    /// # let _ = number;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The errors of [`Client::list_prompt_versions`] and [`Client::make_prompt_version_default`];
    /// [`Error::is_invalid_request`] if the prompt has no such version.
    pub async fn send_for_version_id(self, version_id: impl AsRef<str>) -> Result<i64, Error> {
        let (id, prompt) = (version_id.as_ref(), self.call.arguments().concat());
        let number = prompt_number(self.call.client(), &prompt, id).await?;
        let Some(version) = number else {
            let parent = format!("the prompt `{prompt}`");
            return Err(version_not_found(&parent, id, self.call.operation()));
        };
        let body = MakePromptVersionDefaultRequest { version };
        self.body(body).send().await?;
        Ok(version)
    }
}

impl UpdatePrompt {
    /// Sends the update and makes the version that it created the default version, which the
    /// service does not do automatically. Returns `None` if the update created no version, for
    /// example if it changed only the name.
    ///
    /// The version number is read from the list of versions. A new version may not be listed
    /// immediately, so the list is polled for up to 30 seconds.
    ///
    /// ```no_run
    /// # async fn example(client: portkey_admin::Client) -> Result<(), portkey_admin::Error> {
    /// use portkey_admin::prompts::UpdatePromptRequest;
    ///
    /// let promoted = client
    ///     .update_prompt("my-prompt")
    ///     .body(UpdatePromptRequest::patch().string("Greet {{name}}."))
    ///     .update_and_promote()
    ///     .await?;
    /// if let Some(version) = promoted {
    ///     println!("version {} ({}) is the default", version.number, version.id);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The errors of [`Client::update_prompt`], [`Client::list_prompt_versions`] and
    /// [`Client::make_prompt_version_default`]. An error of the latter two occurs after the update
    /// succeeded ([`Error::may_have_executed`]); it contains the version id, which can be passed to
    /// [`MakePromptVersionDefault::send_for_version_id`].
    pub async fn update_and_promote(self) -> Result<Option<PromotedVersion>, Error> {
        let (client, prompt) = (self.call.client().clone(), self.call.arguments().concat());
        let Some(id) = self.send().await?.prompt_version_id else {
            return Ok(None);
        };
        match promote_prompt(&client, &prompt, &id).await {
            Ok(number) => Ok(Some(PromotedVersion { id, number })),
            Err(error) => Err(not_promoted(error, &id)),
        }
    }
}

async fn promote_prompt(client: &Client, prompt: &str, id: &str) -> Result<i64, Error> {
    let read = || prompt_number(client, prompt, id);
    let version = version_waiter(id).until_found(read).await?;
    let body = MakePromptVersionDefaultRequest { version };
    client
        .make_prompt_version_default(prompt)
        .body(body)
        .send()
        .await?;
    Ok(version)
}

impl MakePromptPartialVersionDefault {
    /// Makes the version with the given id (`prompt_partial_version_id`) the default version: looks
    /// up its number in the list of versions and sends it. Returns the number.
    ///
    /// The service requires the version number, which cannot be derived from other numbers because
    /// they have gaps. Replaces the body.
    ///
    /// ```no_run
    /// # async fn example(client: portkey_admin::Client) -> Result<(), portkey_admin::Error> {
    /// let number = client
    ///     .make_prompt_partial_version_default("my-partial")
    ///     .send_for_version_id("id-of-the-version")
    ///     .await?;
    /// # let _ = number;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The errors of [`Client::list_prompt_partial_versions`] and
    /// [`Client::make_prompt_partial_version_default`]; [`Error::is_invalid_request`] if the
    /// partial has no such version.
    pub async fn send_for_version_id(self, version_id: impl AsRef<str>) -> Result<i64, Error> {
        let (id, partial) = (version_id.as_ref(), self.call.arguments().concat());
        let number = partial_number(self.call.client(), &partial, id).await?;
        let Some(version) = number else {
            let parent = format!("the partial `{partial}`");
            return Err(version_not_found(&parent, id, self.call.operation()));
        };
        let body = MakePromptPartialVersionDefaultRequest { version };
        self.body(body).send().await?;
        Ok(version)
    }
}

impl UpdatePromptPartial {
    /// Sends the update and makes the version that it created the default version, which the
    /// service does not do automatically. Returns `None` if the update created no version, for
    /// example if it changed only the name.
    ///
    /// The version number is read from the list of versions. A new version may not be listed
    /// immediately, so the list is polled for up to 30 seconds.
    ///
    /// ```no_run
    /// # async fn example(client: portkey_admin::Client) -> Result<(), portkey_admin::Error> {
    /// use portkey_admin::prompts::UpdatePromptPartialRequest;
    ///
    /// let promoted = client
    ///     .update_prompt_partial("my-partial")
    ///     .body(UpdatePromptPartialRequest::builder().string("Greet {{name}}."))
    ///     .update_and_promote()
    ///     .await?;
    /// if let Some(version) = promoted {
    ///     println!("version {} ({}) is the default", version.number, version.id);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The errors of [`Client::update_prompt_partial`], [`Client::list_prompt_partial_versions`]
    /// and [`Client::make_prompt_partial_version_default`]. An error of the latter two occurs after
    /// the update succeeded ([`Error::may_have_executed`]); it contains the version id, which can
    /// be passed to [`MakePromptPartialVersionDefault::send_for_version_id`].
    pub async fn update_and_promote(self) -> Result<Option<PromotedVersion>, Error> {
        let (client, partial) = (self.call.client().clone(), self.call.arguments().concat());
        let Some(id) = self.send().await?.prompt_partial_version_id else {
            return Ok(None);
        };
        match promote_partial(&client, &partial, &id).await {
            Ok(number) => Ok(Some(PromotedVersion { id, number })),
            Err(error) => Err(not_promoted(error, &id)),
        }
    }
}

async fn promote_partial(client: &Client, partial: &str, id: &str) -> Result<i64, Error> {
    let read = || partial_number(client, partial, id);
    let version = version_waiter(id).until_found(read).await?;
    let body = MakePromptPartialVersionDefaultRequest { version };
    client
        .make_prompt_partial_version_default(partial)
        .body(body)
        .send()
        .await?;
    Ok(version)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_version_number_is_looked_up_by_id() {
        let prompts: Vec<PromptVersion> = serde_json::from_value(json!([
            {"id": "c", "prompt_version": 7},
            {"id": "b"},
            {"prompt_version": 3},
            {"id": "a", "prompt_version": 1},
        ]))
        .unwrap();
        let partials: Vec<PromptPartialVersion> = serde_json::from_value(json!([
            {"prompt_partial_version_id": "c", "prompt_partial_id": "a", "version": 7},
            {"prompt_partial_version_id": "b"},
            {"version": 3},
            {"prompt_partial_version_id": "a", "version": 1},
        ]))
        .unwrap();
        for (id, expected) in [("c", Some(7)), ("a", Some(1)), ("b", None), ("d", None)] {
            assert_eq!(number_of(&prompts, id), expected, "{id}");
            assert_eq!(number_of(&partials, id), expected, "{id}");
        }
    }
}
