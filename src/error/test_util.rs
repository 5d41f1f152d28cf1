//! Errors for tests, without a service.

use std::time::{Duration, SystemTime};

use bytes::Bytes;

use super::{DecodeError, Error, ErrorResponse, Label, reports_failure};
use crate::{
    operation::Operation,
    retry::{AttemptSummary, Failure, FailureKind, retry_after},
};

#[cfg_attr(docsrs, doc(cfg(feature = "test-util")))]
impl Error {
    /// Creates the error that a call of an operation returns for a response, for tests.
    ///
    /// Code, message, `Retry-After` and [`may_have_executed`](Self::may_have_executed) are those of a
    /// call with a single attempt. The error contains no hint. If the status is a success, the error
    /// is that of a response that reports a failure, or else of one that could not be decoded.
    ///
    /// ```
    /// # #[cfg(feature = "workspaces")] {
    /// use portkey_admin::{Error, operations};
    ///
    /// let response = http::Response::builder()
    ///     .status(403)
    ///     .body(r#"{"success": false, "data": {"message": "missing scope", "errorCode": "AB03"}}"#)
    ///     .unwrap();
    /// let error = Error::from_response(&operations::GET_WORKSPACE, response);
    /// assert!(error.is_forbidden());
    /// assert_eq!(error.to_string(), "get_workspace: 403 Forbidden AB03: missing scope");
    /// # }
    /// ```
    pub fn from_response(
        operation: &'static Operation,
        response: http::Response<impl Into<Bytes>>,
    ) -> Self {
        let (head, body) = response.into_parts();
        let delay = retry_after(&head.headers, SystemTime::now());
        let response = ErrorResponse::new(head.status, head.headers, body.into());
        let error = if !head.status.is_success() {
            Self::status_error(response)
        } else if reports_failure(&response.body) {
            Self::reported_failure(response)
        } else {
            let problem = "the response has another type";
            Self::decode(DecodeError::at(String::new(), problem), response)
        };
        let failure = Failure {
            error,
            kind: FailureKind::Status(head.status),
            retry_after: delay,
        };
        from_failure(failure, operation)
    }

    /// Creates the error of a call whose response was not complete within `after`, for tests.
    /// The service may have executed the request.
    ///
    /// ```
    /// # #[cfg(feature = "workspaces")] {
    /// use std::time::Duration;
    ///
    /// use portkey_admin::{Error, operations};
    ///
    /// let error = Error::from_timeout(&operations::CREATE_WORKSPACE, Duration::from_secs(60));
    /// assert!(error.is_timeout() && error.may_have_executed());
    /// # }
    /// ```
    pub fn from_timeout(operation: &'static Operation, after: Duration) -> Self {
        let kind = FailureKind::Interrupted { timeout: true };
        from_failure(Failure::new(Self::timed_out(after), kind), operation)
    }
}

/// Returns the error of a call with a single attempt.
fn from_failure(failure: Failure<Error>, operation: &'static Operation) -> Error {
    let history = AttemptSummary {
        attempts: 1,
        may_have_executed: failure.may_have_executed(),
        ..AttemptSummary::default()
    };
    failure
        .error
        .with_operation(&Label::Operation(operation))
        .with_history(history, failure.retry_after)
}

#[cfg(all(test, feature = "workspaces"))]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic fails the test

    use super::*;
    use crate::operations::{CREATE_WORKSPACE, GET_WORKSPACE};

    fn error(status: u16, headers: &[(&str, &str)]) -> Error {
        let mut response = http::Response::builder().status(status);
        for (name, value) in headers {
            response = response.header(*name, *value);
        }
        Error::from_response(&GET_WORKSPACE, response.body("{}").unwrap())
    }

    #[test]
    fn an_error_from_a_response_has_the_properties_of_a_call() {
        let error = error(503, &[("retry-after", "3"), ("x-portkey-trace-id", "one")]);
        assert_eq!(error.operation(), Some("get_workspace"));
        assert_eq!(error.retry_after(), Some(Duration::from_secs(3)));
        assert_eq!((error.attempts(), error.trace_id()), (1, Some("one")));
        assert!(error.is_server_error() && error.is_transient());
        assert!(!error.may_have_executed());
        assert_eq!(error.body().unwrap(), "{}");
    }

    #[test]
    fn transient_errors_are_those_that_may_not_occur_again() {
        for (status, is_transient, is_server_error) in [
            (400, false, false),
            (404, false, false),
            (408, true, false),
            (429, true, false),
            (500, true, true),
            (501, false, true),
            (504, true, true),
        ] {
            let error = error(status, &[]);
            assert_eq!(error.is_transient(), is_transient, "{status}");
            assert_eq!(error.is_server_error(), is_server_error, "{status}");
        }
        let timed_out = Error::from_timeout(&CREATE_WORKSPACE, Duration::from_secs(1));
        assert!(timed_out.is_transient() && timed_out.may_have_executed());
        assert!(!Error::invalid_request("x").is_transient());
    }

    #[test]
    fn an_error_from_a_success_is_a_decoding_error() {
        let error = error(200, &[]);
        assert!(error.is_decode() && error.may_have_executed());
        assert!(!error.is_transient());
    }
}
