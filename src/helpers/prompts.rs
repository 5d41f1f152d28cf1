//! The two ways to change a prompt, and the template of a version.

use serde_json::Value;

use crate::{
    JsonObject,
    types::{PromptVersion, UpdatePromptRequest, builder},
};

impl UpdatePromptRequest {
    /// A change of some fields: the service takes what is left out from the latest version (M042).
    ///
    /// ```
    /// use portkey_admin::types::UpdatePromptRequest;
    ///
    /// # fn main() -> Result<(), portkey_admin::Error> {
    /// let body = UpdatePromptRequest::patch().string("Greet {{name}}.").build()?;
    /// assert_eq!(body.patch, Some(true));
    /// # Ok(())
    /// # }
    /// ```
    pub fn patch() -> builder::UpdatePromptRequest {
        Self::builder().patch(true)
    }

    /// A version with everything that it must bring when it is not a patch (M042).
    ///
    /// `string` is the template; that of a chat prompt is a list of messages, encoded as JSON
    /// (M034). The version is not the default until it is made so.
    ///
    /// ```
    /// use portkey_admin::types::UpdatePromptRequest;
    ///
    /// # fn main() -> Result<(), portkey_admin::Error> {
    /// let parameters = portkey_admin::JsonObject::from_iter([("max_tokens", 100)]);
    /// let body = UpdatePromptRequest::full_version("Greet {{name}}.", parameters, "gpt-4o", "my-key", false)
    ///     .version_description("shorter")
    ///     .build()?;
    /// assert_eq!(body.is_raw_template, Some(0));
    /// # Ok(())
    /// # }
    /// ```
    pub fn full_version(
        string: impl Into<String>,
        parameters: impl Into<JsonObject>,
        model: impl Into<String>,
        virtual_key: impl Into<String>,
        is_raw_template: bool,
    ) -> builder::UpdatePromptRequest {
        Self::builder()
            .string(string)
            .parameters(parameters)
            .model(model)
            .virtual_key(virtual_key)
            .is_raw_template(i64::from(is_raw_template))
    }
}

impl PromptVersion {
    /// The text of the template, which comes plain or as the member `string` of an object (M047).
    /// That of a chat prompt is a list of messages, encoded as JSON (M034).
    pub fn template_text(&self) -> Option<&str> {
        match self.prompt_template.as_ref()? {
            Value::String(text) => Some(text),
            other => other["string"].as_str(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_patch_says_so_and_a_full_version_does_not() {
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
    fn a_template_is_text_or_an_object_with_text() {
        for (template, text) in [
            (json!("Greet {{name}}."), Some("Greet {{name}}.")),
            (json!({"string": "Greet."}), Some("Greet.")),
            (json!({"messages": []}), None),
            (Value::Null, None),
        ] {
            let version: PromptVersion =
                serde_json::from_value(json!({"prompt_template": template})).unwrap();
            assert_eq!(version.template_text(), text, "{template}");
        }
    }
}
