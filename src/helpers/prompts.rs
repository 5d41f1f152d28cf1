//! The two ways to update a prompt, creation or update by name, and the template of a version.

use serde::Serialize;
use serde_json::Value;

use super::upsert::{Creation, Upserted};
use crate::{
    Error, JsonObject,
    prompts::{CreatePrompt, PromptVersion, UpdatePromptRequest, UpdatePromptRequestBuilder},
};

impl CreatePrompt {
    /// Updates the prompt with the name in the body and makes the new version the default version, or
    /// creates the prompt if the collection has none.
    ///
    /// The service has no such operation, so the list is read first. Names need not be unique: two
    /// clients that call this at the same time can create two prompts, and later calls fail. An
    /// update creates a new version with exactly the fields of the body, also without a change.
    ///
    /// ```no_run
    /// # async fn example(client: portkey_admin::Client) -> Result<(), portkey_admin::Error> {
    /// use portkey_admin::prompts::CreatePromptRequest;
    /// use serde_json::json;
    ///
    /// let body = CreatePromptRequest::builder()
    ///     .name("greeting")
    ///     .collection_id("id-of-the-collection")
    ///     .string("Greet {{name}}.")
    ///     .parameters(json!({"max_tokens": 100}))
    ///     .model("gpt-4o-mini")
    ///     .virtual_key("my-key");
    /// let prompt = client.create_prompt().body(body).upsert().await?;
    /// println!("{}", prompt.id());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// If several prompts of the collection have the name ([`Error::is_ambiguous`]); otherwise the
    /// errors of [`Client::list_prompts`](crate::Client::list_prompts),
    /// [`Client::create_prompt`](crate::Client::create_prompt) and
    /// [`UpdatePrompt::update_and_promote`](crate::prompts::UpdatePrompt::update_and_promote).
    pub async fn upsert(self) -> Result<Upserted, Error> {
        let creation = Creation::new(&self.call)?;
        let client = &creation.client;
        let prompts = client
            .list_prompts()
            .collection_id(creation.string("collection_id"));
        match prompts.stream().find_by_name(&creation.name).await? {
            Some(prompt) => {
                let mut body = creation.update(&[]);
                // The field has another name in an update, which must contain the flag (B16).
                if let Some(metadata) = body.remove("template_metadata") {
                    body.insert("prompt_metadata".to_owned(), metadata);
                }
                body.entry("is_raw_template").or_insert(0.into());
                client
                    .update_prompt(&prompt.id)
                    .body(JsonObject::from(body))
                    .update_and_promote()
                    .await?;
                Ok(Upserted::Updated(prompt.id))
            }
            None => Ok(Upserted::Created(self.send().await?.id()?.to_owned())),
        }
    }
}

impl UpdatePromptRequest {
    /// Creates a builder with `patch` set: the service copies the fields that are not set from the
    /// latest version.
    ///
    /// ```
    /// use portkey_admin::prompts::UpdatePromptRequest;
    ///
    /// # fn main() -> Result<(), portkey_admin::Error> {
    /// let body = UpdatePromptRequest::patch().string("Greet {{name}}.").build()?;
    /// assert_eq!(body.patch, Some(true));
    /// # Ok(())
    /// # }
    /// ```
    pub fn patch() -> UpdatePromptRequestBuilder {
        Self::builder().patch(true)
    }

    /// Creates a builder with the fields that a new version requires unless `patch` is set.
    ///
    /// `string` is the template; for a chat prompt, a JSON-encoded list of messages. The version
    /// does not become the default version automatically.
    ///
    /// ```
    /// use portkey_admin::prompts::UpdatePromptRequest;
    ///
    /// # fn main() -> Result<(), portkey_admin::Error> {
    /// let parameters = serde_json::json!({"max_tokens": 100});
    /// let body = UpdatePromptRequest::full_version("Greet {{name}}.", parameters, "gpt-4o", "my-key", false)
    ///     .version_description("shorter")
    ///     .build()?;
    /// assert_eq!(body.is_raw_template, Some(false));
    /// # Ok(())
    /// # }
    /// ```
    pub fn full_version(
        string: impl Into<String>,
        parameters: impl Serialize,
        model: impl Into<String>,
        virtual_key: impl Into<String>,
        is_raw_template: bool,
    ) -> UpdatePromptRequestBuilder {
        Self::builder()
            .string(string)
            .parameters(parameters)
            .model(model)
            .virtual_key(virtual_key)
            .is_raw_template(is_raw_template)
    }
}

impl PromptVersion {
    /// Returns the template, whether the service sent it as a string or in the field `string` of an
    /// object. The template of a chat prompt is a JSON-encoded list of messages.
    pub fn template_text(&self) -> Option<&str> {
        match self.prompt_template.as_ref()? {
            Value::String(template) => Some(template),
            other => other["string"].as_str(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::JsonObject;
    use serde_json::json;

    #[test]
    fn only_a_patch_sets_the_patch_field() {
        let patch = UpdatePromptRequest::patch().model("m").build().unwrap();
        assert_eq!(
            serde_json::to_value(patch).unwrap(),
            json!({"patch": true, "model": "m"})
        );
        let full = UpdatePromptRequest::full_version("s", JsonObject::default(), "m", "v", true);
        assert_eq!(
            serde_json::to_value(full.build().unwrap()).unwrap(),
            json!({
                "string": "s", "parameters": {}, "model": "m", "virtual_key": "v",
                "is_raw_template": 1,
            })
        );
    }

    #[test]
    fn a_template_is_a_string_or_an_object_with_a_string() {
        for (template, expected) in [
            (json!("Greet {{name}}."), Some("Greet {{name}}.")),
            (json!({"string": "Greet."}), Some("Greet.")),
            (json!({"messages": []}), None),
            (Value::Null, None),
        ] {
            let version: PromptVersion =
                serde_json::from_value(json!({"prompt_template": template})).unwrap();
            assert_eq!(version.template_text(), expected, "{template}");
        }
    }
}
