//! A list as a stream of pages.

use std::{
    fmt,
    future::poll_fn,
    marker::PhantomData,
    mem,
    pin::Pin,
    task::{Context, Poll},
};

use futures_core::Stream;

use super::{
    Cursor, Paged,
    fetch::Fetch,
    next_page::{NextPage, PageInfo, PageRef, Position, Problem, next_page},
};
use crate::{
    Error, Response,
    call::{self, Call},
    error::Label,
    operation::Paging,
    transport::BufferedResponse,
};

/// How many pages a stream reads at most, unless told otherwise.
const MAX_PAGES: u32 = 10_000;

/// A list, page after page: what a list builder's `pages` returns.
///
/// It is lazy: nothing is sent before the first page is asked for, by [`next`](Self::next) or as a
/// [`Stream`], and no page before it is. It ends, as the service allows to tell, when the total is
/// reached, when the service says that nothing follows, at a page shorter than the size that was asked
/// for, or at an empty page. After an error it is over; [`cursor`](Self::cursor) still names the page
/// that failed.
///
/// # Errors
///
/// Those of the operation, and one when the service sends the same page twice, says that more follow
/// without saying where, or does not come to an end within [`max_pages`](Self::max_pages).
#[must_use = "nothing is sent before the first page is asked for"]
pub struct Pages<L> {
    pub(super) settings: Settings,
    call: Call,
    state: State,
    /// How many pages were asked for.
    fetched: u32,
    /// How many items were handed out.
    pub(super) given: u64,
    list: PhantomData<fn() -> L>,
}

/// What the caller may say about a stream.
#[derive(Clone)]
pub(super) struct Settings {
    pub(super) size: Option<u32>,
    pub(super) resume: Option<Cursor>,
    pub(super) limit: Option<u64>,
    pub(super) max_pages: u32,
    pub(super) prefetch: bool,
}

enum State {
    /// Nothing was asked for.
    New,
    /// The next page is at a place.
    Ready(Place),
    /// The page at a place is on its way.
    Fetching(Place, Fetch),
    /// A page came after which it is not known where to go on.
    Stuck(Place, Problem),
    /// There is nothing more; after an error or a limit, with the place to go on from.
    Over(Option<Place>),
}

/// A page and how many of its items were handed out.
#[derive(Clone)]
pub(super) struct Place {
    position: Position,
    skip: u64,
}

impl Place {
    fn new(position: Position) -> Self {
        Self { position, skip: 0 }
    }
}

impl<L: Paged> Pages<L> {
    pub(super) fn new(call: Call) -> Self {
        Self {
            settings: Settings {
                size: None,
                resume: None,
                limit: None,
                max_pages: MAX_PAGES,
                prefetch: false,
            },
            call,
            state: State::New,
            fetched: 0,
            given: 0,
            list: PhantomData,
        }
    }

    /// Sets how many items a page has; the service may send fewer. It counts before what the builder
    /// was told, and has no effect on a list that comes in one piece.
    pub fn page_size(mut self, items: u32) -> Self {
        self.settings.size = Some(items);
        self
    }

    /// Goes on from a cursor: with the page that it names, whole, also where an item stream had handed
    /// out a part of it.
    pub fn resume(mut self, cursor: Cursor) -> Self {
        self.settings.resume = Some(cursor);
        self
    }

    /// Ends after that many items: the page that reaches the limit is the last, and whole.
    pub fn limit(mut self, items: u64) -> Self {
        self.settings.limit = Some(items);
        self
    }

    /// Sets after how many pages a list that still goes on is an error: 10,000 unless set.
    pub fn max_pages(mut self, pages: u32) -> Self {
        self.settings.max_pages = pages;
        self
    }

    /// Asks for the next page in a task of its own while the caller works on this one; it is decoded when
    /// it is taken. The task ends with the stream.
    pub fn prefetch(mut self, ahead: bool) -> Self {
        self.settings.prefetch = ahead;
        self
    }

    /// The next page; `None` after the last one and after an error.
    ///
    /// It may be dropped while it waits: the page is then what the next call waits for.
    pub async fn next(&mut self) -> Option<Result<Page<L>, Error>> {
        poll_fn(|context| self.poll_page(context)).await
    }

    /// All pages.
    ///
    /// # Errors
    ///
    /// The first error; the pages before it are lost with it.
    pub async fn try_collect(mut self) -> Result<Vec<Page<L>>, Error> {
        let mut pages = Vec::new();
        while let Some(page) = self.next().await {
            pages.push(page?);
        }
        Ok(pages)
    }

    /// Where to go on: the page that would come next, or the one that failed. `None` where nothing is
    /// left.
    pub fn cursor(&self) -> Option<Cursor> {
        let place = match &self.state {
            State::New => self.start().ok(),
            State::Ready(place) | State::Fetching(place, _) | State::Stuck(place, _) => {
                Some(place.clone())
            }
            State::Over(place) => place.clone(),
        };
        place.map(|place| self.cursor_at(place.position, place.skip))
    }

    pub(super) fn cursor_at(&self, position: Position, skip: u64) -> Cursor {
        Cursor {
            operation: self.call.operation().id.into(),
            position,
            size: self.size(),
            skip,
        }
    }

    pub(super) fn poll_page(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Page<L>, Error>>> {
        loop {
            match mem::replace(&mut self.state, State::Over(None)) {
                State::New => match self.start() {
                    Ok(place) => self.state = State::Ready(place),
                    Err(error) => return Poll::Ready(Some(Err(self.named(error)))),
                },
                State::Ready(place) if self.limit_reached() => {
                    self.state = State::Over(Some(place))
                }
                State::Ready(place) if self.fetched >= self.settings.max_pages => {
                    self.state = State::Over(Some(place));
                    let problem = format!("there is no end after {} pages", self.fetched);
                    return Poll::Ready(Some(Err(self.named(Error::paging(problem)))));
                }
                State::Ready(place) => {
                    let fetch = Fetch::here(self.request(&place.position));
                    self.state = State::Fetching(place, fetch);
                }
                State::Fetching(place, mut fetch) => {
                    let Poll::Ready(outcome) = fetch.poll(context) else {
                        self.state = State::Fetching(place, fetch);
                        return Poll::Pending;
                    };
                    return Poll::Ready(Some(self.arrived(place, outcome)));
                }
                State::Stuck(place, problem) => {
                    self.state = State::Over(Some(place));
                    return Poll::Ready(Some(Err(self.problem(problem))));
                }
                State::Over(place) => {
                    self.state = State::Over(place);
                    return Poll::Ready(None);
                }
            }
        }
    }

    /// Takes a page in and finds out what follows it.
    fn arrived(
        &mut self,
        place: Place,
        outcome: Result<BufferedResponse, Error>,
    ) -> Result<Page<L>, Error> {
        let decoded = outcome.and_then(|raw| call::decoded::<L>(self.call.operation(), raw));
        let response = match decoded {
            Ok(response) => response,
            Err(error) => {
                self.state = State::Over(Some(place));
                return Err(error);
            }
        };
        let facts = PageInfo::of(response.value(), response.body());
        let items = response.value().items().len() as u64;
        let followed = next_page(&self.paging(), self.size(), &place.position, &facts);
        self.state = match followed {
            Ok(NextPage::End) => State::Over(None),
            Ok(NextPage::Next(position)) => State::Ready(Place::new(position)),
            Ok(NextPage::Stuck(problem)) => {
                let position = place.position.clone();
                State::Stuck(
                    Place {
                        position,
                        skip: items,
                    },
                    problem,
                )
            }
            Err(problem) => {
                self.state = State::Over(Some(place));
                return Err(self.problem(problem));
            }
        };
        self.given += items;
        self.start_prefetch();
        Ok(Page {
            cursor: self.cursor_at(place.position, place.skip),
            response,
        })
    }

    /// Asks for the next page already now, where the caller wants that and will want the page.
    fn start_prefetch(&mut self) {
        let wanted = self.settings.prefetch
            && !self.limit_reached()
            && self.fetched < self.settings.max_pages;
        if let (true, State::Ready(place)) = (wanted, &self.state) {
            let place = place.clone();
            let fetch = Fetch::ahead(self.request(&place.position));
            self.state = State::Fetching(place, fetch);
        }
    }

    /// Where the first page is, if all that the caller said fits together.
    fn start(&self) -> Result<Place, Error> {
        let size = self.settings.size;
        if size == Some(0) {
            return Err(Error::invalid_request("a page has at least one item"));
        }
        let Some(cursor) = &self.settings.resume else {
            return self.beginning().map(Place::new);
        };
        let operation = self.call.operation().id;
        if cursor.operation != operation {
            let problem = format!("the cursor is of {}, not of {operation}", cursor.operation);
            return Err(Error::invalid_request(problem));
        }
        let paging = self.paging();
        if let Some(name) = [paging.page, paging.after]
            .into_iter()
            .flatten()
            .find(|name| self.call.query_value(name).is_some())
        {
            let problem = format!("the cursor says where to begin; leave `{name}` out");
            return Err(Error::invalid_request(problem));
        }
        let told = size.or(self.told(paging.size)?);
        if told.is_some() && told != cursor.size {
            let problem = "the cursor counts pages of another size; leave the size out";
            return Err(Error::invalid_request(problem));
        }
        Ok(Place {
            position: cursor.position.clone(),
            skip: cursor.skip,
        })
    }

    /// The first page, or the one that the builder was told.
    fn beginning(&self) -> Result<Position, Error> {
        let paging = self.paging();
        if paging.page.is_some() {
            let told = self.told(paging.page)?;
            let number = told.unwrap_or(paging.first);
            let seen = (number == paging.first).then_some(0);
            return Ok(Position::new(PageRef::Page(number), seen));
        }
        let told = paging.after.and_then(|after| self.call.query_value(after));
        Ok(match told {
            Some(id) => Position::new(PageRef::After(id.to_owned()), None),
            None => Position::new(PageRef::Start, Some(0)),
        })
    }

    /// The number that the builder was told for a parameter.
    fn told(&self, parameter: Option<&'static str>) -> Result<Option<u32>, Error> {
        let told = parameter.and_then(|name| Some((name, self.call.query_value(name)?)));
        told.map(|(name, value)| {
            value.parse().map_err(|_| {
                Error::invalid_request(format!("parameter `{name}` is no number of that kind"))
            })
        })
        .transpose()
    }

    /// The size of a page that is asked for.
    fn size(&self) -> Option<u32> {
        let of_cursor = self.settings.resume.as_ref().map(|cursor| cursor.size);
        match of_cursor {
            Some(size) => size,
            None => self
                .settings
                .size
                .or_else(|| self.told(self.paging().size).ok().flatten()),
        }
    }

    fn request(&mut self, position: &Position) -> Call {
        self.fetched += 1;
        let paging = self.paging();
        let (size, mut call) = (self.size(), self.call.clone());
        if let (Some(name), Some(size)) = (paging.size, size) {
            call.query(name, size.to_string());
        }
        match (&position.at, paging.page, paging.after) {
            // Who asks for nothing gets the first page without a number, as from `send`.
            (PageRef::Page(number), Some(_), _) if *number == paging.first && size.is_none() => {}
            (PageRef::Page(number), Some(name), _) => call.query(name, number.to_string()),
            (PageRef::After(id), _, Some(name)) => call.query(name, id.clone()),
            _ => {}
        }
        call
    }

    fn limit_reached(&self) -> bool {
        self.settings.limit.is_some_and(|limit| self.given >= limit)
    }

    fn paging(&self) -> Paging {
        self.call.operation().paging.unwrap_or(Paging {
            page: None,
            size: None,
            first: 0,
            after: None,
        })
    }

    fn problem(&self, problem: Problem) -> Error {
        self.named(Error::paging(problem.to_string()))
    }

    fn named(&self, error: Error) -> Error {
        error.of(&Label::Operation(self.call.operation()))
    }
}

impl<L: Paged> Stream for Pages<L> {
    type Item = Result<Page<L>, Error>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_page(context)
    }
}

impl<L> fmt::Debug for Pages<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pages")
            .field("operation", &self.call.operation().id)
            .field("fetched", &self.fetched)
            .finish_non_exhaustive()
    }
}

/// One page of a list, with everything around it.
#[derive(Clone, Debug)]
pub struct Page<L> {
    response: Response<L>,
    cursor: Cursor,
}

impl<L: Paged> Page<L> {
    /// The answer as the operation gives it.
    pub fn list(&self) -> &L {
        self.response.value()
    }

    /// The answer alone.
    pub fn into_inner(self) -> L {
        self.response.into_inner()
    }

    /// The items of the page.
    pub fn items(&self) -> &[L::Item] {
        self.list().items()
    }

    /// The items alone.
    pub fn into_items(self) -> Vec<L::Item> {
        self.into_inner().into_items()
    }

    /// How many items the whole list has, where the service says so.
    pub fn total(&self) -> Option<u64> {
        self.list().total()
    }

    /// Where this page is: a list that is resumed there begins with it.
    pub fn cursor(&self) -> &Cursor {
        &self.cursor
    }

    /// The answer with its status, headers and raw body.
    pub fn response(&self) -> &Response<L> {
        &self.response
    }

    /// The answer with its status, headers and raw body.
    pub fn into_response(self) -> Response<L> {
        self.response
    }
}
