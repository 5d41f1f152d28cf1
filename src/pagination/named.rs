//! Items with names.

use super::{Items, Paged};
use crate::Error;

/// An item of a list that has a name.
///
/// Implemented by the items of all lists whose schema has a string field `name`.
pub trait Named {
    /// Returns the name, if the response contains it.
    fn name(&self) -> Option<&str>;

    /// Returns the icon that the service prepends to the name in all responses.
    #[doc(hidden)]
    fn icon(&self) -> Option<&str> {
        None
    }

    /// Returns the name without the icon that the service prepends to the names of workspaces.
    fn name_without_icon(&self) -> Option<&str> {
        let name = self.name()?;
        let icon = self.icon().filter(|icon| !icon.is_empty());
        let rest = icon.and_then(|icon| name.strip_prefix(icon)?.strip_prefix(' '));
        Some(rest.unwrap_or(name))
    }
}

impl<L: Paged<Item: Named>> Items<L> {
    /// Reads the list and returns the item with this name, or `None` if there is none. The comparison
    /// is exact; the icon of a workspace is not part of its name.
    ///
    /// The service is not known to require unique names, so the whole list is read.
    ///
    /// ```no_run
    /// # #[cfg(feature = "workspaces")]
    /// # async fn example(client: portkey_admin::Client) -> Result<(), portkey_admin::Error> {
    /// let workspace = client.list_workspaces().stream().find_by_name("Research").await?;
    /// # let _ = workspace;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// If more than one item has the name ([`Error::is_ambiguous`]); otherwise the errors of
    /// [`next`](Self::next).
    pub async fn find_by_name(mut self, name: impl AsRef<str>) -> Result<Option<L::Item>, Error> {
        let name = name.as_ref();
        let mut found: Option<L::Item> = None;
        while let Some(item) = self.next().await {
            let item = item?;
            if item.name() != Some(name) && item.name_without_icon() != Some(name) {
                continue;
            }
            if let Some(first) = &found {
                return Err(self.ambiguous(name, [L::key(first), L::key(&item)]));
            }
            found = Some(item);
        }
        Ok(found)
    }
}
