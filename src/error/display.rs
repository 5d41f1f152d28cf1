//! The message of an error, which is a single line.

use std::{
    borrow::Cow,
    fmt::{self, Write},
};

use http::StatusCode;

use super::{Error, ErrorResponse, Kind};

/// The maximum number of characters of a value that comes from a response.
const MAX_LEN: usize = 1000;

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = String::new();
        self.write_line(&mut line)?;
        f.write_str(&one_line(&line))
    }
}

impl Error {
    fn write_line(&self, f: &mut String) -> fmt::Result {
        if let Some(operation) = self.operation() {
            write!(f, "{operation}: ")?;
        }
        self.write_kind(f)?;
        if self.is_body_truncated() {
            f.write_str("; response body truncated to 1 MiB")?;
        }
        if self.attempts() > 1 {
            write!(f, ", after {} attempts", self.attempts())?;
        }
        if let Some(delay) = self.0.retry_after {
            write!(f, ", retry after {} s", delay.as_secs_f64())?;
        }
        match (self.request_id(), self.trace_id()) {
            (Some(id), _) => write!(f, " [request {}]", shortened(id))?,
            (None, Some(id)) => write!(f, " [trace {}]", shortened(id))?,
            (None, None) => {}
        }
        match &self.0.hint {
            Some(hint) => write!(f, " ({})", shortened(hint)),
            None => Ok(()),
        }
    }

    fn write_kind(&self, f: &mut String) -> fmt::Result {
        match (&self.0.kind, self.response()) {
            (Kind::Configuration(problem), _) => f.write_str(problem),
            (Kind::InvalidRequest(problem), _) => write!(f, "not sent: {problem}"),
            (Kind::Ambiguous(problem), _) => f.write_str(shortened(problem).as_ref()),
            (Kind::Paging(problem), _) => write!(f, "pagination failed: {problem}"),
            (Kind::Transport(error), None) => write!(f, "no response: {}", with_root_cause(error)),
            (Kind::Transport(error), Some(response)) => {
                let (status, cause) = (response.status, with_root_cause(error));
                write!(f, "{status}, but the response was interrupted: {cause}")
            }
            (Kind::UnexpectedResponse(problem), _) => {
                write!(f, "unexpected response: {}", shortened(problem))
            }
            (Kind::ResponseTooLarge(problem), _) => write!(f, "response too large: {problem}"),
            (Kind::WaitTimeout(message), _) => f.write_str(message),
            (Kind::Session(problem), _) => write!(f, "the session {problem}"),
            (Kind::Write(error), _) => write!(f, "the response could not be written: {error}"),
            (Kind::Read(part, error), _) => write!(f, "{part} could not be read: {error}"),
            (Kind::TimedOut(after), None) => write!(f, "timed out: no response within {after:?}"),
            (Kind::TimedOut(after), Some(response)) => {
                let status = response.status;
                write!(
                    f,
                    "{status}, but the response was not complete within {after:?}"
                )
            }
            (Kind::ConnectTimedOut(after), _) => {
                write!(f, "timed out: no connection within {after:?}")
            }
            (Kind::IdleTimeout(after), None) => {
                write!(f, "timed out: no data received for {after:?}")
            }
            (Kind::IdleTimeout(after), Some(response)) => {
                let status = response.status;
                write!(f, "{status}, but no more data received for {after:?}")
            }
            (Kind::Status, Some(response)) => write_status(f, response),
            (Kind::Status, None) => f.write_str("no success status"),
            (Kind::ReportedFailure, response) => {
                let status = response.map_or(StatusCode::OK, |response| response.status);
                write!(f, "{status}, but the service reports a failure")?;
                response.map_or(Ok(()), |response| write_reason(f, response))
            }
            (Kind::Event(number), response) => {
                write!(f, "stream error (event {number})")?;
                response.map_or(Ok(()), |response| write_reason(f, response))
            }
            (Kind::Decode(error), response) => {
                let status = response.map_or(StatusCode::OK, |response| response.status);
                let error = error.to_string();
                let error = shortened(&error);
                write!(
                    f,
                    "{status}, but the response could not be decoded: {error}"
                )
            }
        }
    }
}

/// Formats the error of reqwest, which is general, with the last cause of its chain.
fn with_root_cause(error: &reqwest::Error) -> String {
    let first: &dyn std::error::Error = error;
    match std::iter::successors(first.source(), |error| error.source()).last() {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

fn write_status(f: &mut String, response: &ErrorResponse) -> fmt::Result {
    write!(f, "{}", response.status)?;
    write_reason(f, response)
}

/// Writes the service's code and message.
fn write_reason(f: &mut String, response: &ErrorResponse) -> fmt::Result {
    if let Some(code) = &response.envelope.code {
        write!(f, " {}", shortened(code))?;
    }
    match &response.envelope.message {
        Some(message) => write!(f, ": {}", shortened(message)),
        None => Ok(()),
    }
}

/// Returns the beginning of a long value.
fn shortened(value: &str) -> Cow<'_, str> {
    match value.char_indices().nth(MAX_LEN) {
        None => Cow::Borrowed(value),
        Some((end, _)) => {
            let rest = value[end..].chars().count();
            Cow::Owned(format!("{}… ({rest} more characters)", &value[..end]))
        }
    }
}

/// Joins `message` into one line and escapes control characters: messages of the service, paths and
/// file names may contain terminal escape sequences.
fn one_line(message: &str) -> String {
    let mut line = String::with_capacity(message.len());
    for word in message.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        for c in word.chars() {
            match c.is_control() {
                true => line.extend(c.escape_default()),
                false => line.push(c),
            }
        }
    }
    line
}
