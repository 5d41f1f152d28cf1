//! A list as a stream of pages.

use std::{
    fmt,
    future::poll_fn,
    marker::PhantomData,
    mem, panic,
    pin::Pin,
    task::{Context, Poll},
};

use futures_core::Stream;
use tokio::task::JoinSet;
use tracing::{Instrument, debug};

use super::{
    Cursor, Paged, SkippedItem,
    next_page::{NextPage, PageInfo, PageRef, Position, Problem, next_page},
    yielded_items::YieldedItems,
};
use crate::{
    Error, Response, error::Label, operation::Paging, request::Call, response_future::FromResponse,
    transport::RawResponse,
};

/// The default maximum number of pages.
const MAX_PAGES: u32 = 10_000;

/// A stream of the pages of a list, returned by `pages` of a list builder.
///
/// The stream is lazy: a page is requested only with [`next`](Self::next) or through [`Stream`].
/// Depending on what the response contains, the stream ends when the total is reached, when the
/// service reports that no more items follow, at a page shorter than the requested size, or at an
/// empty page. After an error it yields `None`; [`cursor`](Self::cursor) then returns the position
/// of the page that failed.
///
/// # Errors
///
/// The errors of the operation. A pagination error ([`Error::is_paging`]) if the service returns
/// the same page twice, reports more items although the next page cannot be requested, or if the
/// list has more than [`max_pages`](Self::max_pages) pages. Likewise if the total falls while the
/// list is read and the items have no id, or if it falls more than three times in a row without new
/// items; otherwise pages are read again without the items that were yielded.
///
/// See the guide: [lists](crate::guide::lists).
#[must_use = "nothing is sent before the first page is requested"]
pub struct Pages<L> {
    pub(super) settings: Settings,
    call: Call,
    state: State,
    /// The number of pages requested.
    fetched: u32,
    /// The number of items yielded.
    pub(super) yielded: u64,
    /// The number of items that could not be decoded.
    skipped: u64,
    yielded_items: YieldedItems,
    list: PhantomData<fn() -> L>,
}

/// The options of a stream.
#[derive(Clone)]
pub(super) struct Settings {
    pub(super) resume: Option<Cursor>,
    pub(super) limit: Option<u64>,
    pub(super) max_pages: u32,
    pub(super) prefetch: bool,
}

enum State {
    /// Nothing was requested.
    Start,
    /// The next page can be requested.
    Ready(PageOffset),
    /// The next page is being fetched.
    Fetching(PageOffset, PageFuture),
    /// More pages follow the last page, but the next one cannot be requested.
    Unreachable(PageOffset, Problem),
    /// The stream has ended. After an error or a limit, contains the position at which to resume.
    Done(Option<PageOffset>),
}

/// The request for a page. Yields the raw response; the caller decodes it (see [`crate::decode`]).
type PageFuture = Pin<Box<dyn Future<Output = Result<RawResponse, Error>> + Send>>;

/// How a list continues after a page.
enum Following {
    /// Earlier pages must be read again from this position; the page is not yielded.
    Reread(Position),
    State(State),
}

/// A page and the number of its items that were yielded.
#[derive(Clone)]
pub(super) struct PageOffset {
    position: Position,
    skip: u64,
}

impl PageOffset {
    fn new(position: Position) -> Self {
        Self { position, skip: 0 }
    }
}

impl<L: Paged> Pages<L> {
    pub(super) fn new(call: Call) -> Self {
        Self {
            settings: Settings {
                resume: None,
                limit: None,
                max_pages: MAX_PAGES,
                prefetch: false,
            },
            call,
            state: State::Start,
            fetched: 0,
            yielded: 0,
            skipped: 0,
            yielded_items: YieldedItems::default(),
            list: PhantomData,
        }
    }

    /// Sets the number of items per page, like the parameter of the builder; the service may return
    /// fewer. Has no effect on a list that is not paginated.
    pub fn page_size(mut self, items: u32) -> Self {
        if let Some(parameter) = self.paging().size {
            self.call.parameters.query(parameter, items);
        }
        self
    }

    /// Resumes at a cursor. The complete page of the cursor is yielded, even if
    /// [`Items`](super::Items) yielded some of its items before.
    pub fn resume(mut self, cursor: Cursor) -> Self {
        self.settings.resume = Some(cursor);
        self
    }

    /// Ends the stream with the page that reaches the given number of items. That page is complete.
    pub fn limit(mut self, items: u64) -> Self {
        self.settings.limit = Some(items);
        self
    }

    /// Sets the maximum number of pages; a longer list is an error. Default: 10,000.
    pub fn max_pages(mut self, pages: u32) -> Self {
        self.settings.max_pages = pages;
        self
    }

    /// Sets whether the next page is fetched in a separate task while the caller processes the
    /// current page. It is decoded when it is requested. The task is aborted when the stream is
    /// dropped. Default: `false`.
    pub fn prefetch(mut self, enabled: bool) -> Self {
        self.settings.prefetch = enabled;
        self
    }

    /// Returns the next page; `None` after the last page and after an error.
    ///
    /// Cancel safe: if the future is dropped, the next call waits for the same page.
    pub async fn next(&mut self) -> Option<Result<Page<L>, Error>> {
        poll_fn(|context| self.poll_page(context)).await
    }

    /// Collects all pages.
    ///
    /// # Errors
    ///
    /// Returns the first error; the pages before it are discarded.
    pub async fn try_collect(mut self) -> Result<Vec<Page<L>>, Error> {
        let mut pages = Vec::new();
        while let Some(page) = self.next().await {
            pages.push(page?);
        }
        Ok(pages)
    }

    pub(super) fn operation(&self) -> &'static crate::Operation {
        self.call.operation()
    }

    /// Returns the number of items that could not be decoded, on all pages so far.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    /// Returns the position of the next page, or of the page that failed; `None` at the end of the
    /// list.
    pub fn cursor(&self) -> Option<Cursor> {
        let offset = match &self.state {
            State::Start => self.start().ok(),
            State::Ready(offset) | State::Fetching(offset, _) | State::Unreachable(offset, _) => {
                Some(offset.clone())
            }
            State::Done(offset) => offset.clone(),
        };
        offset.map(|offset| self.cursor_at(offset.position, offset.skip))
    }

    pub(super) fn cursor_at(&self, position: Position, skip: u64) -> Cursor {
        Cursor {
            operation: self.call.operation().id.into(),
            position,
            size: self.effective_page_size(),
            skip,
        }
    }

    pub(super) fn poll_page(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Page<L>, Error>>> {
        loop {
            match mem::replace(&mut self.state, State::Done(None)) {
                State::Start => match self.start() {
                    Ok(offset) => self.state = State::Ready(offset),
                    Err(error) => return Poll::Ready(Some(Err(self.with_operation(error)))),
                },
                State::Ready(offset) if self.limit_reached() => {
                    self.state = State::Done(Some(offset))
                }
                State::Ready(offset) if self.fetched >= self.settings.max_pages => {
                    self.state = State::Done(Some(offset));
                    let problem = format!(
                        "the list does not end within {} pages (`max_pages`)",
                        self.fetched
                    );
                    return Poll::Ready(Some(Err(self.with_operation(Error::paging(problem)))));
                }
                State::Ready(offset) => {
                    let page = Box::pin(self.request(&offset.position).execute());
                    self.state = State::Fetching(offset, page);
                }
                State::Fetching(offset, mut page) => {
                    let Poll::Ready(outcome) = page.as_mut().poll(context) else {
                        self.state = State::Fetching(offset, page);
                        return Poll::Pending;
                    };
                    if let Some(page) = self.receive_page(offset, outcome).transpose() {
                        return Poll::Ready(Some(page));
                    }
                }
                State::Unreachable(offset, problem) => {
                    self.state = State::Done(Some(offset));
                    return Poll::Ready(Some(Err(self.pagination_error(problem))));
                }
                State::Done(offset) => {
                    self.state = State::Done(offset);
                    return Poll::Ready(None);
                }
            }
        }
    }

    /// Decodes a page and determines the next one. Returns `None` if earlier pages must be read again
    /// first.
    fn receive_page(
        &mut self,
        offset: PageOffset,
        outcome: Result<RawResponse, Error>,
    ) -> Result<Option<Page<L>>, Error> {
        let (operation, strict_items) = (self.call.operation(), self.call.strict_items());
        let decoded =
            outcome.and_then(|raw| Response::<L>::from_response(operation, strict_items, raw));
        let response = match decoded {
            Ok(response) => response,
            Err(error) => {
                self.state = State::Done(Some(offset));
                return Err(error);
            }
        };
        let info = PageInfo::of(response.value(), response.body());
        let items = response.value().items().len() as u64;
        match self.following_state(&offset, &info, items) {
            Ok(Following::Reread(position)) => {
                self.state = State::Ready(PageOffset::new(position));
                Ok(None)
            }
            Ok(Following::State(state)) => {
                self.state = state;
                Ok(Some(self.page(offset, response, &info)))
            }
            Err(problem) => {
                self.state = State::Done(Some(offset));
                Err(self.pagination_error(problem))
            }
        }
    }

    /// Determines how the list continues after a page with this number of decoded items.
    fn following_state(
        &mut self,
        offset: &PageOffset,
        info: &PageInfo,
        items: u64,
    ) -> Result<Following, Problem> {
        let (paging, position) = (self.paging(), &offset.position);
        let reread = self
            .yielded_items
            .reread_position(&paging, position, info)?;
        if let Some(position) = reread {
            return Ok(Following::Reread(position));
        }
        let next = next_page(&paging, self.effective_page_size(), position, info)?;
        Ok(Following::State(match next {
            NextPage::End => State::Done(None),
            NextPage::Next(position) => State::Ready(PageOffset::new(position)),
            NextPage::Unreachable(problem) => {
                let position = position.clone();
                State::Unreachable(
                    PageOffset {
                        position,
                        skip: items,
                    },
                    problem,
                )
            }
        }))
    }

    /// Creates the page that is yielded, without items that were yielded before.
    fn page(&mut self, offset: PageOffset, mut response: Response<L>, info: &PageInfo) -> Page<L> {
        let list = response.value_mut();
        let (removed, skipped) = self.yielded_items.add_page(list, &offset.position, info);
        self.skipped += skipped;
        self.yielded += response.value().items().len() as u64;
        if skipped > 0 {
            let operation = self.call.operation().id;
            debug!({ portkey.operation = operation, skipped }, "items could not be decoded");
        }
        self.start_prefetch();
        Page {
            cursor: self.cursor_at(offset.position, offset.skip),
            response,
            removed,
        }
    }

    /// Starts fetching the next page if `prefetch` is set and neither limit is reached.
    fn start_prefetch(&mut self) {
        let is_enabled = self.settings.prefetch
            && !self.limit_reached()
            && self.fetched < self.settings.max_pages;
        if let (true, State::Ready(offset)) = (is_enabled, &self.state) {
            let offset = offset.clone();
            let page = spawn(self.request(&offset.position));
            self.state = State::Fetching(offset, page);
        }
    }

    /// Returns the first page to request, if the options and the parameters of the builder are
    /// consistent.
    fn start(&self) -> Result<PageOffset, Error> {
        let paging = self.paging();
        if self
            .configured(paging.size)
            .is_ok_and(|size| size == Some(0))
        {
            return Err(Error::invalid_request(
                "`page_size` must be at least 1, got 0",
            ));
        }
        let Some(cursor) = &self.settings.resume else {
            return self.first_position().map(PageOffset::new);
        };
        let operation = self.call.operation().id;
        if cursor.operation != operation {
            let problem = format!(
                "expected a cursor of `{operation}`, found one of `{}`",
                cursor.operation
            );
            return Err(Error::invalid_request(problem));
        }
        if let Some(name) = [paging.page, paging.after]
            .into_iter()
            .flatten()
            .find(|name| self.call.query_value(name).is_some())
        {
            let problem = format!("parameter `{name}` cannot be combined with a cursor");
            return Err(Error::invalid_request(problem));
        }
        if let Some(configured) = self.configured(paging.size)?
            && Some(configured) != cursor.size
        {
            let expected = match cursor.size {
                Some(size) => format!("the page size {size} of the cursor"),
                None => "no page size, as in the cursor".to_owned(),
            };
            let problem = format!("expected {expected}, found {configured}");
            return Err(Error::invalid_request(problem));
        }
        Ok(PageOffset {
            position: cursor.position.clone(),
            skip: cursor.skip,
        })
    }

    /// Returns the position of the first page, or of the page set on the builder.
    fn first_position(&self) -> Result<Position, Error> {
        let paging = self.paging();
        if paging.page.is_some() {
            let configured = self.configured(paging.page)?;
            let number = configured.unwrap_or(paging.first);
            let seen = (number == paging.first).then_some(0);
            return Ok(Position::new(PageRef::Page(number), seen));
        }
        let configured = paging.after.and_then(|after| self.call.query_value(after));
        Ok(match configured {
            Some(id) => Position::new(PageRef::After(id.to_string()), None),
            None => Position::new(PageRef::Start, Some(0)),
        })
    }

    /// Returns the value of a query parameter of the builder that must be an unsigned integer.
    fn configured(&self, parameter: Option<&'static str>) -> Result<Option<u32>, Error> {
        let configured = parameter.and_then(|name| Some((name, self.call.query_value(name)?)));
        let Some((name, value)) = configured else {
            return Ok(None);
        };
        match value.as_u32() {
            Some(number) => Ok(Some(number)),
            None => Err(Error::invalid_request(format!(
                "parameter `{name}` must be an integer from 0 to {}, got {value}",
                u32::MAX
            ))),
        }
    }

    /// Returns the requested page size: that of the cursor or of the builder.
    fn effective_page_size(&self) -> Option<u32> {
        match &self.settings.resume {
            Some(cursor) => cursor.size,
            None => self.configured(self.paging().size).ok().flatten(),
        }
    }

    fn request(&mut self, position: &Position) -> Call {
        self.fetched += 1;
        let paging = self.paging();
        let (size, mut call) = (self.effective_page_size(), self.call.clone());
        if let (Some(name), Some(size)) = (paging.size, size) {
            call.parameters.query(name, size);
        }
        match (&position.at, paging.page, paging.after) {
            // Without a page size, the first page is requested without a number, as by `send`.
            (PageRef::Page(number), Some(_), _) if *number == paging.first && size.is_none() => {}
            (PageRef::Page(number), Some(name), _) => call.parameters.query(name, *number),
            (PageRef::After(id), _, Some(name)) => call.parameters.query(name, id.clone()),
            _ => {}
        }
        call
    }

    fn limit_reached(&self) -> bool {
        self.settings
            .limit
            .is_some_and(|limit| self.yielded >= limit)
    }

    fn paging(&self) -> Paging {
        self.call.operation().paging.unwrap_or(Paging {
            page: None,
            size: None,
            first: 0,
            after: None,
            next: None,
        })
    }

    fn pagination_error(&self, problem: Problem) -> Error {
        self.with_operation(Error::paging(problem.to_string()))
    }

    fn with_operation(&self, error: Error) -> Error {
        error.with_operation(&Label::Operation(self.call.operation()))
    }
}

/// Starts a request immediately, in a separate task that is aborted when the future is dropped.
fn spawn(call: Call) -> PageFuture {
    let mut task = JoinSet::new();
    task.spawn(call.execute().in_current_span());
    Box::pin(async move {
        match task.join_next().await {
            Some(Ok(outcome)) => outcome,
            Some(Err(error)) if error.is_panic() => panic::resume_unwind(error.into_panic()),
            // The runtime cancelled the task at its shutdown.
            _ => Err(Error::paging("the runtime is shutting down")),
        }
    })
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

/// A page of a list, with its response and its cursor.
#[derive(Clone, Debug)]
pub struct Page<L> {
    response: Response<L>,
    cursor: Cursor,
    /// The positions of items that were removed because they were yielded before.
    pub(super) removed: Vec<u64>,
}

impl<L: Paged> Page<L> {
    /// Returns the decoded response.
    pub fn list(&self) -> &L {
        self.response.value()
    }

    /// Converts into the decoded response.
    pub fn into_inner(self) -> L {
        self.response.into_inner()
    }

    /// Returns the items of the page.
    pub fn items(&self) -> &[L::Item] {
        self.list().items()
    }

    /// Converts into the items of the page.
    pub fn into_items(self) -> Vec<L::Item> {
        self.into_inner().into_items()
    }

    /// Returns the number of items of the page that could not be decoded. They are retained in the
    /// `extra` of the response.
    pub fn skipped(&self) -> usize {
        self.list().skipped()
    }

    /// Returns the items of the page that could not be decoded, each with its position and the
    /// reason.
    pub fn skipped_items(&self) -> Vec<SkippedItem> {
        self.list().skipped_items()
    }

    /// Returns the number of items on all pages, if the response contains it.
    pub fn total(&self) -> Option<u64> {
        self.list().total()
    }

    /// Returns the position of this page. A list that is resumed there starts with this page.
    pub fn cursor(&self) -> &Cursor {
        &self.cursor
    }

    /// Returns the response with status, headers and raw body.
    pub fn response(&self) -> &Response<L> {
        &self.response
    }

    /// Converts into the response with status, headers and raw body.
    pub fn into_response(self) -> Response<L> {
        self.response
    }
}
