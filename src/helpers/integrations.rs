//! An integration with its models (V102) and workspaces.

use bytes::Bytes;

use crate::{
    Client, Error, IntoBody,
    integrations::{
        CreateIntegration, CreateIntegrationResponse, UpdateIntegrationModelsRequest,
        UpdateIntegrationWorkspacesRequest,
    },
};

impl CreateIntegration {
    /// Creates the integration, then sets its models, then the workspaces that may use it.
    ///
    /// A new integration allows no model that is not enabled explicitly: since 2026-08-18
    /// `allow_all_models` is false if it is absent. Both bodies are built before anything is sent.
    ///
    /// ```no_run
    /// # async fn example(client: portkey_admin::Client) -> Result<(), portkey_admin::Error> {
    /// use portkey_admin::integrations::{
    ///     CreateIntegrationRequest, IntegrationModelUpdate, IntegrationWorkspaceUpdate,
    ///     UpdateIntegrationModelsRequest, UpdateIntegrationWorkspacesRequest,
    /// };
    ///
    /// let integration = CreateIntegrationRequest::builder()
    ///     .name("OpenAI")
    ///     .ai_provider_id("openai")
    ///     .key("key-of-the-provider");
    /// let model = IntegrationModelUpdate::builder().slug("gpt-4o-mini").enabled(true);
    /// let workspace = IntegrationWorkspaceUpdate::builder().id("ws-research").enabled(true);
    /// let created = client
    ///     .create_integration()
    ///     .body(integration)
    ///     .send_with_access(
    ///         UpdateIntegrationModelsRequest::builder().models([model]),
    ///         UpdateIntegrationWorkspacesRequest::builder().workspaces([workspace]),
    ///     )
    ///     .await?;
    /// # let _ = created;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The errors of [`Client::create_integration`], [`Client::update_integration_models`] and
    /// [`Client::update_integration_workspaces`]. An error of the latter two says that the integration
    /// exists and which of the two is missing ([`Error::may_have_executed`] is true); both can be sent
    /// again.
    pub async fn send_with_access<M, W>(
        self,
        models: impl IntoBody<UpdateIntegrationModelsRequest, M>,
        workspaces: impl IntoBody<UpdateIntegrationWorkspacesRequest, W>,
    ) -> Result<CreateIntegrationResponse, Error> {
        let client = self.call.client().clone();
        let (models, workspaces) = (models.into_body()?, workspaces.into_body()?);
        let created = self.send().await?;
        let slug = created.slug()?;
        update_models(&client, slug, models)
            .await
            .map_err(|error| incomplete(error, slug, "its models and workspaces are not set"))?;
        update_workspaces(&client, slug, workspaces)
            .await
            .map_err(|error| {
                incomplete(error, slug, "its models are set, its workspaces are not")
            })?;
        Ok(created)
    }
}

async fn update_models(client: &Client, slug: &str, body: Bytes) -> Result<(), Error> {
    let mut update = client.update_integration_models(slug);
    update.call.body(Ok(body));
    update.send().await
}

async fn update_workspaces(client: &Client, slug: &str, body: Bytes) -> Result<(), Error> {
    let mut update = client.update_integration_workspaces(slug);
    update.call.body(Ok(body));
    update.send().await
}

fn incomplete(error: Error, slug: &str, what: &str) -> Error {
    let note = format!("the integration `{slug}` was created; {what}");
    error.with_note(note).mark_executed()
}
