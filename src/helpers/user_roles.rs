//! Idempotent assignment of a role.

use crate::{
    Client, Error, error_codes,
    users::{AssignableRole, UpdateUser, UpdateUserRequest},
};

impl UpdateUser {
    /// Ensures that the user has the role. Returns whether the role was changed.
    ///
    /// The service rejects the role that the user already has, with an error code that it also uses
    /// for other errors. This method therefore reads the user first, and again after such an error,
    /// in case an earlier attempt or another client has changed the role. Replaces the body.
    ///
    /// ```no_run
    /// # async fn example(client: portkey_admin::Client) -> Result<(), portkey_admin::Error> {
    /// use portkey_admin::users::AssignableRole;
    ///
    /// let changed = client.update_user("id-of-the-user").ensure_role(AssignableRole::Admin).await?;
    /// # let _ = changed;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The errors of [`Client::get_user`] and [`Client::update_user`].
    pub async fn ensure_role(self, role: impl Into<AssignableRole>) -> Result<bool, Error> {
        let role = role.into();
        let client = self.call.client().clone();
        let user = self.call.arguments().concat();
        if has_role(&client, &user, &role).await? {
            return Ok(false);
        }
        let body = UpdateUserRequest {
            role: Some(role.clone()),
            workspaces: None,
        };
        match self.body(body).send().await {
            Ok(()) => Ok(true),
            Err(error) if error.code() == Some(error_codes::INVALID_REQUEST) => {
                match has_role(&client, &user, &role).await {
                    Ok(true) => Ok(true),
                    _ => Err(error),
                }
            }
            Err(error) => Err(error),
        }
    }
}

async fn has_role(client: &Client, user: &str, role: &AssignableRole) -> Result<bool, Error> {
    let user = client.get_user(user).send().await?;
    Ok(user
        .role
        .is_some_and(|current| current.as_str() == role.as_str()))
}
