//! Versions by their ids, where the service wants their numbers.

use crate::{
    Client, Error, Waiter,
    builder::{
        MakePromptPartialVersionDefault, MakePromptVersionDefault, UpdatePrompt,
        UpdatePromptPartial,
    },
    error::Label,
    operation::Operation,
    types::{
        MakePromptPartialVersionDefaultRequest, MakePromptVersionDefaultRequest,
        PromptPartialVersion, PromptVersion,
    },
};

/// A version that an update has made, and that is now the default.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PromotedVersion {
    /// The id of the version, a UUID.
    pub id: String,
    /// Its number.
    pub number: i64,
}

/// An entry of a list of versions.
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

/// The number of the version with that id.
fn number(versions: &[impl Version], id: &str) -> Option<i64> {
    let version = versions.iter().find(|version| version.id() == Some(id))?;
    version.number()
}

async fn prompt_number(client: &Client, prompt: &str, id: &str) -> Result<Option<i64>, Error> {
    let versions = client.list_prompt_versions(prompt).send().await?;
    Ok(number(&versions.data, id))
}

async fn partial_number(client: &Client, partial: &str, id: &str) -> Result<Option<i64>, Error> {
    let versions = client.list_prompt_partial_versions(partial).send().await?;
    Ok(number(&versions.data, id))
}

fn unlisted(whose: &str, id: &str, operation: &'static Operation) -> Error {
    let problem = format!("{whose} lists no version with the id `{id}` and a number");
    Error::invalid_request(problem).of(&Label::Operation(operation))
}

/// A new version may not show in the list at once (S02).
fn wait_for(id: &str) -> Waiter {
    Waiter::new(format!("version `{id}` in the list of versions"))
}

/// The update has worked; whoever has the id can make it the default later.
fn not_promoted(error: Error, id: &str) -> Error {
    let note = format!("version `{id}` was made, but not the default");
    error.with_note(note).executed()
}

impl MakePromptVersionDefault {
    /// Makes the version with this id the default: looks up its number, which the service wants, in the
    /// list of versions, and sends that. Gives the number.
    ///
    /// Numbers have gaps, so they cannot be told from others (S08). Takes the place of the body.
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
    /// Those of [`Client::list_prompt_versions`] and of the change itself; and
    /// [`Error::is_invalid_request`] holds if the prompt has no such version.
    pub async fn send_for_version_id(self, version_id: impl AsRef<str>) -> Result<i64, Error> {
        let (id, prompt) = (version_id.as_ref(), self.call.arguments().concat());
        let number = prompt_number(self.call.client(), &prompt, id).await?;
        let Some(version) = number else {
            let whose = format!("the prompt `{prompt}`");
            return Err(unlisted(&whose, id, self.call.operation()));
        };
        let body = MakePromptVersionDefaultRequest { version };
        self.body(body).send().await?;
        Ok(version)
    }
}

impl UpdatePrompt {
    /// Sends the update and makes the version that it made the default, which it is not by itself
    /// (M046); `None` where the update made none, as that of the name does (M045).
    ///
    /// The number comes from the list of versions (S08), which is waited for, at most 30 seconds,
    /// because a new version may not show at once (S02).
    ///
    /// ```no_run
    /// # async fn example(client: portkey_admin::Client) -> Result<(), portkey_admin::Error> {
    /// use portkey_admin::types::UpdatePromptRequest;
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
    /// Those of [`Client::update_prompt`], [`Client::list_prompt_versions`] and
    /// [`Client::make_prompt_version_default`]. One of the latter two comes after an update that has
    /// worked ([`Error::may_have_executed`]), and names the version, for [`MakePromptVersionDefault::send_for_version_id`].
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
    let version = wait_for(id).until_found(read).await?;
    let body = MakePromptVersionDefaultRequest { version };
    client
        .make_prompt_version_default(prompt)
        .body(body)
        .send()
        .await?;
    Ok(version)
}

impl MakePromptPartialVersionDefault {
    /// Makes the version with this id (`prompt_partial_version_id`) the default: looks up its number, which the service wants, in the
    /// list of versions, and sends that. Gives the number.
    ///
    /// Numbers have gaps, so they cannot be told from others (S08). Takes the place of the body.
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
    /// Those of [`Client::list_prompt_partial_versions`] and of the change itself; and
    /// [`Error::is_invalid_request`] holds if the partial has no such version.
    pub async fn send_for_version_id(self, version_id: impl AsRef<str>) -> Result<i64, Error> {
        let (id, partial) = (version_id.as_ref(), self.call.arguments().concat());
        let number = partial_number(self.call.client(), &partial, id).await?;
        let Some(version) = number else {
            let whose = format!("the partial `{partial}`");
            return Err(unlisted(&whose, id, self.call.operation()));
        };
        let body = MakePromptPartialVersionDefaultRequest { version };
        self.body(body).send().await?;
        Ok(version)
    }
}

impl UpdatePromptPartial {
    /// Sends the update and makes the version that it made the default, which it is not by itself
    /// (S09); `None` where the update made none, as that of the name does (M060).
    ///
    /// The number comes from the list of versions (S08), which is waited for, at most 30 seconds,
    /// because a new version may not show at once (S02).
    ///
    /// ```no_run
    /// # async fn example(client: portkey_admin::Client) -> Result<(), portkey_admin::Error> {
    /// use portkey_admin::types::UpdatePromptPartialRequest;
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
    /// Those of [`Client::update_prompt_partial`], [`Client::list_prompt_partial_versions`] and
    /// [`Client::make_prompt_partial_version_default`]. One of the latter two comes after an update that has
    /// worked ([`Error::may_have_executed`]), and names the version, for [`MakePromptPartialVersionDefault::send_for_version_id`].
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
    let version = wait_for(id).until_found(read).await?;
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
    fn a_number_belongs_to_an_id_and_not_to_a_place() {
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
            assert_eq!(number(&prompts, id), expected, "{id}");
            assert_eq!(number(&partials, id), expected, "{id}");
        }
    }
}
