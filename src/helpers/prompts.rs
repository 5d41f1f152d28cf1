//! The two ways to update a prompt, and the template of a version.

use serde::Serialize;
use serde_json::Value;

use crate::prompts::{PromptVersion, UpdatePromptRequest, UpdatePromptRequestBuilder};

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
