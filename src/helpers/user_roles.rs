//! A role that a user is to have, whether or not there is anything to change.

use crate::{
    Client, Error,
    builder::UpdateUser,
    types::{AssignableRole, UpdateUserRequest},
};

impl UpdateUser {
    /// Makes sure that the user has the role; says whether that took a change.
    ///
    /// The service refuses a change to the role that the user already has (M170, S27), with a code
    /// that it gives to other mistakes, too (E09). So this reads the user first, and again after such
    /// a refusal, in case an earlier attempt or somebody else was faster. Takes the place of the body.
    ///
    /// ```no_run
    /// # async fn example(client: portkey_admin::Client) -> Result<(), portkey_admin::Error> {
    /// use portkey_admin::types::AssignableRole;
    ///
    /// let changed = client.update_user("id-of-the-user").ensure_role(AssignableRole::Admin).await?;
    /// # let _ = changed;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`Client::get_user`] and [`Client::update_user`].
    pub async fn ensure_role(self, role: impl Into<AssignableRole>) -> Result<bool, Error> {
        let role = role.into();
        let client = self.call.client().clone();
        let user = self.call.arguments().concat();
        if has_role(&client, &user, &role).await? {
            return Ok(false);
        }
        let body = UpdateUserRequest {
            role: Some(role.clone()),
        };
        match self.body(body).send().await {
            Ok(()) => Ok(true),
            Err(error) if error.code() == Some("AB01") => {
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
    Ok(user.role.is_some_and(|has| has.as_str() == role.as_str()))
}
