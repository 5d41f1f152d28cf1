//! Shelves: how the rooms keep their things.
//!
//! A [`Shelf`] keeps items in the order in which they were put there, finds them by id, slug or
//! token at once, and cuts a page out of all items, or of those of one workspace, in time that
//! depends on the page only.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::call::{Call, Caller};
use crate::reply::Refusal;

/// Something that lies on a shelf.
pub(crate) trait Item: Clone {
    /// What a refusal calls it: `config`.
    const NAME: &'static str;
    /// How the service answers for one that is not there, or not for this key.
    const GONE: Gone = Gone::Missing;

    /// Its id, unique on the shelf.
    fn id(&self) -> &str;

    /// The other name it can be found by.
    fn slug(&self) -> Option<&str> {
        None
    }

    /// The UUID of the workspace it belongs to; `None` where it belongs to the organisation.
    fn workspace(&self) -> Option<&str> {
        None
    }

    /// Secrets by which [`Shelf::by_token`] finds it.
    fn tokens(&self) -> Vec<&str> {
        Vec::new()
    }

    /// Whether this key may see it; a workspace key sees what belongs to its workspace.
    fn visible_to(&self, caller: &Caller) -> bool {
        caller
            .workspace()
            .is_none_or(|own| self.workspace() == Some(own))
    }
}

/// How the service answers for something that is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gone {
    /// 404 `AB08`.
    Missing,
    /// 403 `AB03`, as if the key were not allowed.
    Forbidden,
}

impl Gone {
    /// The refusal for a thing of this name.
    pub(crate) fn refusal(self, name: &str) -> Refusal {
        match self {
            Self::Missing => Refusal::missing(name),
            Self::Forbidden => Refusal::forbidden(format!(
                "this key may not use the {name}, or it does not exist"
            )),
        }
    }
}

/// Places are numbered in the order of arrival and never used again.
type Place = u64;

/// Items in order of arrival. Clones share the items until one of them is changed.
#[derive(Debug, Clone)]
pub(crate) struct Shelf<T> {
    next: Place,
    items: HashMap<Place, Arc<T>>,
    /// Every place, ascending.
    order: Vec<Place>,
    /// The places of each workspace's items, ascending.
    workspaces: BTreeMap<String, Vec<Place>>,
    names: HashMap<String, Place>,
    tokens: HashMap<String, Place>,
}

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Self {
            next: 0,
            items: HashMap::new(),
            order: Vec::new(),
            workspaces: BTreeMap::new(),
            names: HashMap::new(),
            tokens: HashMap::new(),
        }
    }
}

impl<T: Item> Shelf<T> {
    /// How many items there are.
    pub(crate) fn len(&self) -> usize {
        self.order.len()
    }

    /// Every item, oldest first.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.all().iter()
    }

    /// The item with this id or slug.
    pub(crate) fn get(&self, key: &str) -> Option<&T> {
        self.at(*self.names.get(key)?)
    }

    /// The item with this token.
    pub(crate) fn by_token(&self, token: &str) -> Option<&T> {
        self.at(*self.tokens.get(token)?)
    }

    /// The item with this id or slug, if the caller may see it and it is in the workspace that the
    /// request names; otherwise the refusal that the service gives for this kind of thing.
    pub(crate) fn find(&self, key: &str, call: &Call) -> Result<&T, Refusal> {
        let elsewhere = |item: &T| match (item.workspace(), call.workspace()) {
            (Some(own), Some(named)) => own != named,
            _ => false,
        };
        self.get(key)
            .filter(|item| item.visible_to(&call.caller) && !elsewhere(item))
            .ok_or_else(|| T::GONE.refusal(T::NAME))
    }

    /// Everything, oldest first.
    pub(crate) fn all(&self) -> View<'_, T> {
        View {
            shelf: self,
            places: &self.order,
        }
    }

    /// What belongs to a workspace, oldest first.
    pub(crate) fn in_workspace(&self, workspace: &str) -> View<'_, T> {
        View {
            shelf: self,
            places: self.workspaces.get(workspace).map_or(&[], Vec::as_slice),
        }
    }

    /// What a list is about: the workspace that the request names or the key belongs to, or all.
    pub(crate) fn listed(&self, call: &Call) -> View<'_, T> {
        match call.workspace() {
            Some(workspace) => self.in_workspace(workspace),
            None => self.all(),
        }
    }

    /// Puts an item at the end, or in the place of the one with the same id.
    pub(crate) fn put(&mut self, item: T) {
        let place = match self.names.get(item.id()).copied() {
            Some(place) => {
                self.unlist(place);
                place
            }
            None => {
                self.next += 1;
                self.order.push(self.next);
                self.next
            }
        };
        self.items.insert(place, Arc::new(item));
        self.list(place);
    }

    /// Changes the item with this id or slug in its place.
    pub(crate) fn edit<R>(&mut self, key: &str, change: impl FnOnce(&mut T) -> R) -> Option<R> {
        let place = *self.names.get(key)?;
        self.unlist(place);
        let result = self
            .items
            .get_mut(&place)
            .map(|item| change(Arc::make_mut(item)));
        self.list(place);
        result
    }

    /// Changes every item of which `wanted` says so.
    pub(crate) fn edit_all(&mut self, wanted: impl Fn(&T) -> bool, change: impl Fn(&mut T)) {
        let found = self.iter().filter(|item| wanted(item));
        let ids: Vec<String> = found.map(|item| item.id().to_owned()).collect();
        for id in ids {
            self.edit(&id, &change);
        }
    }

    /// Takes away the item with this id or slug.
    pub(crate) fn remove(&mut self, key: &str) -> Option<T> {
        let place = *self.names.get(key)?;
        self.unlist(place);
        take_out(&mut self.order, place);
        let item = self.items.remove(&place)?;
        Some(Arc::unwrap_or_clone(item))
    }

    /// Takes away everything that belongs to a workspace.
    pub(crate) fn forget_workspace(&mut self, workspace: &str) {
        let places = self.workspaces.remove(workspace).unwrap_or_default();
        for place in &places {
            self.unlist(*place);
            self.items.remove(place);
        }
        self.order
            .retain(|place| places.binary_search(place).is_err());
    }

    fn at(&self, place: Place) -> Option<&T> {
        self.items.get(&place).map(Arc::as_ref)
    }

    /// Enters an item into the indices. A name or token that is taken stays with its first owner.
    fn list(&mut self, place: Place) {
        let Some(item) = self.items.get(&place).map(Arc::clone) else {
            return;
        };
        for name in std::iter::once(item.id()).chain(item.slug()) {
            self.names.entry(name.to_owned()).or_insert(place);
        }
        for token in item.tokens() {
            self.tokens.entry(token.to_owned()).or_insert(place);
        }
        if let Some(workspace) = item.workspace() {
            let places = self.workspaces.entry(workspace.to_owned()).or_default();
            if let Err(position) = places.binary_search(&place) {
                places.insert(position, place);
            }
        }
    }

    /// Takes an item out of the indices.
    fn unlist(&mut self, place: Place) {
        let Some(item) = self.items.get(&place).map(Arc::clone) else {
            return;
        };
        for name in std::iter::once(item.id()).chain(item.slug()) {
            remove_own(&mut self.names, name, place);
        }
        for token in item.tokens() {
            remove_own(&mut self.tokens, token, place);
        }
        if let Some(places) = item
            .workspace()
            .and_then(|own| self.workspaces.get_mut(own))
        {
            take_out(places, place);
        }
    }
}

fn remove_own(index: &mut HashMap<String, Place>, name: &str, place: Place) {
    if index.get(name) == Some(&place) {
        index.remove(name);
    }
}

fn take_out(places: &mut Vec<Place>, place: Place) {
    if let Ok(position) = places.binary_search(&place) {
        places.remove(position);
    }
}

/// Items of a shelf in order, without a copy of any.
#[derive(Debug)]
pub(crate) struct View<'a, T> {
    shelf: &'a Shelf<T>,
    places: &'a [Place],
}

impl<'a, T: Item> View<'a, T> {
    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Each of them, oldest first.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &'a T> + use<'a, T> {
        let shelf = self.shelf;
        self.places.iter().filter_map(move |place| shelf.at(*place))
    }

    /// Those of which `wanted` says so. This looks at all of them.
    pub(crate) fn filter(&self, wanted: impl Fn(&T) -> bool) -> Vec<&'a T> {
        self.iter().filter(|item| wanted(item)).collect()
    }
}

/// A list that a page can be cut out of.
pub(crate) trait Rows<T> {
    /// How long it is.
    fn count(&self) -> usize;
    /// The rows from `skip` on, at most `take`.
    fn cut(self, skip: usize, take: usize) -> Vec<T>;
}

impl<'a, T: Item> Rows<&'a T> for View<'a, T> {
    fn count(&self) -> usize {
        self.len()
    }

    fn cut(self, skip: usize, take: usize) -> Vec<&'a T> {
        let from = self.places.len().min(skip);
        let to = self.places.len().min(from.saturating_add(take));
        let part = View {
            shelf: self.shelf,
            places: &self.places[from..to],
        };
        part.iter().collect()
    }
}

impl<T> Rows<T> for Vec<T> {
    fn count(&self) -> usize {
        self.len()
    }

    fn cut(self, skip: usize, take: usize) -> Vec<T> {
        self.into_iter().skip(skip).take(take).collect()
    }
}

impl<T: Item + Serialize> Serialize for Shelf<T> {
    /// The items, in order.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de, T: Item + Deserialize<'de>> Deserialize<'de> for Shelf<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let items = Vec::<T>::deserialize(deserializer)?;
        Ok(items.into_iter().collect())
    }
}

impl<T: Item> FromIterator<T> for Shelf<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        let mut shelf = Self::default();
        for item in items {
            shelf.put(item);
        }
        shelf
    }
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    use super::{Item, Rows, Shelf};

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct Book {
        id: String,
        slug: String,
        room: String,
    }

    impl Item for Book {
        const NAME: &'static str = "book";

        fn id(&self) -> &str {
            &self.id
        }

        fn slug(&self) -> Option<&str> {
            Some(&self.slug)
        }

        fn workspace(&self) -> Option<&str> {
            Some(&self.room)
        }

        fn tokens(&self) -> Vec<&str> {
            vec![&self.slug]
        }
    }

    fn book(number: usize) -> Book {
        Book {
            id: format!("id{number}"),
            slug: format!("slug{number}"),
            room: format!("room{}", number % 2),
        }
    }

    fn ids<'a>(books: impl IntoIterator<Item = &'a Book>) -> Vec<&'a str> {
        books.into_iter().map(|book| book.id.as_str()).collect()
    }

    #[test]
    fn order_lookups_and_workspaces_survive_changes() {
        let mut shelf: Shelf<Book> = (0..6).map(book).collect();
        assert_eq!(shelf.remove("slug2"), Some(book(2)));
        shelf.edit("id3", |book| {
            book.room = "room0".to_owned();
            book.slug = "other".to_owned();
        });
        shelf.put(Book {
            room: "room1".to_owned(),
            ..book(0)
        });
        assert_eq!(ids(shelf.iter()), ["id0", "id1", "id3", "id4", "id5"]);
        assert_eq!(ids(shelf.in_workspace("room0").iter()), ["id3", "id4"]);
        assert_eq!(
            ids(shelf.in_workspace("room1").iter()),
            ["id0", "id1", "id5"]
        );
        assert!(shelf.get("slug3").is_none() && shelf.by_token("slug3").is_none());
        assert_eq!(shelf.get("other").map(|book| book.id.as_str()), Some("id3"));
        assert_eq!(shelf.by_token("other"), shelf.get("id3"));
        shelf.forget_workspace("room1");
        assert_eq!(ids(shelf.iter()), ["id3", "id4"]);
        assert!(shelf.get("id0").is_none());
    }

    #[test]
    fn a_page_is_cut_from_a_view() {
        let shelf: Shelf<Book> = (0..10).map(book).collect();
        assert_eq!(ids(shelf.all().cut(8, 5)), ["id8", "id9"]);
        assert_eq!(ids(shelf.in_workspace("room1").cut(1, 2)), ["id3", "id5"]);
        assert!(shelf.all().cut(usize::MAX, usize::MAX).is_empty());
    }

    #[test]
    fn a_clone_keeps_what_it_had() {
        let mut shelf: Shelf<Book> = (0..2).map(book).collect();
        let before = shelf.clone();
        shelf.edit("id0", |book| book.room = "room9".to_owned());
        shelf.remove("id1");
        assert_eq!(before.len(), 2);
        assert_eq!(before.get("id0"), Some(&book(0)));
    }

    #[test]
    fn what_was_written_is_read_back() {
        let shelf: Shelf<Book> = (0..3).map(book).collect();
        let text = serde_json::to_string(&shelf).unwrap();
        let read: Shelf<Book> = serde_json::from_str(&text).unwrap();
        assert_eq!(ids(read.iter()), ids(shelf.iter()));
        assert_eq!(read.by_token("slug1"), Some(&book(1)));
    }
}
