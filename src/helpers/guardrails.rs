//! Creation or update of a guardrail by its name, and the MCP servers of a guardrail, which are a bare
//! list or an object with a list.

use super::upsert::{Creation, Upserted};
use crate::{
    Error, JsonObject,
    guardrails::{CreateGuardrail, GuardrailMcpServer, GuardrailMcpServerList},
};

impl CreateGuardrail {
    /// Updates the guardrail with the name in the body, or creates it if the workspace or the
    /// organisation has none.
    ///
    /// The service has no such operation, so the list is read first. Names need not be unique: two
    /// clients that call this at the same time can create two guardrails, and later calls fail. An
    /// update creates a new version, also without a change; it cannot change `target`.
    ///
    /// ```no_run
    /// # async fn example(client: portkey_admin::Client) -> Result<(), portkey_admin::Error> {
    /// use portkey_admin::guardrails::CreateGuardrailRequest;
    /// use serde_json::json;
    ///
    /// let body = json!({
    ///     "name": "at least ten words", "workspace_id": "ws-research", "actions": {"deny": true},
    ///     "checks": [{"id": "default.wordCount", "parameters": {"minWords": 10}}],
    /// });
    /// let guardrail = client.create_guardrail().body(body).upsert().await?;
    /// println!("{}", guardrail.id());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// If several guardrails have the name ([`Error::is_ambiguous`]); otherwise the errors of
    /// [`Client::list_guardrails`](crate::Client::list_guardrails),
    /// [`Client::create_guardrail`](crate::Client::create_guardrail) and
    /// [`Client::update_guardrail`](crate::Client::update_guardrail).
    pub async fn upsert(self) -> Result<Upserted, Error> {
        let creation = Creation::new(&self.call)?;
        let client = &creation.client;
        let guardrails = client
            .list_guardrails()
            .workspace_id(creation.string("workspace_id"))
            .organisation_id(creation.string("organisation_id"));
        match guardrails.stream().find_by_name(&creation.name).await? {
            Some(guardrail) => {
                let id = guardrail.id()?;
                let body = creation.update(&["workspace_id", "organisation_id", "target"]);
                client
                    .update_guardrail(id)
                    .body(JsonObject::from(body))
                    .await?;
                Ok(Upserted::Updated(id.to_owned()))
            }
            None => Ok(Upserted::Created(self.send().await?.id()?.to_owned())),
        }
    }
}

impl GuardrailMcpServerList {
    /// Returns the servers, whether the service sent a bare list or an object with a list.
    pub fn servers(&self) -> &[GuardrailMcpServer] {
        match self {
            Self::List(list) => &list.items,
            Self::Object(page) => &page.data,
        }
    }
}
