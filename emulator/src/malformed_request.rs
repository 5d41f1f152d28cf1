//! Heads of requests that are no HTTP/1.1.
//!
//! hyper answers them by itself, without a body. [`Socket`](crate::socket::Socket) keeps that answer
//! back and hands the stream over when hyper has closed; here the service's envelope goes out instead.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::response::ApiError;

/// How long the client has to take the answer, and then to stop sending.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// How the answers begin that hyper gives by itself.
const HYPER_STATUS_LINES: [(u16, &str); 3] = [
    (400, "HTTP/1.1 400 Bad Request\r\n"),
    (414, "HTTP/1.1 414 URI Too Long\r\n"),
    (431, "HTTP/1.1 431 Request Header Fields Too Large\r\n"),
];

/// The longest of them is shorter.
const MAX_HEAD_SIZE: usize = 256;

/// What hyper kept from the service: the status that it chose, and the stream.
pub(crate) type RejectedConnection = (u16, TcpStream);

/// The status of an answer that hyper gives by itself: a head with no body behind it and without
/// the id that every answer of the emulator has.
pub(crate) fn hyper_error_status(written: &[u8]) -> Option<u16> {
    let text = std::str::from_utf8(written.get(..MAX_HEAD_SIZE.min(written.len()))?).ok()?;
    let (status, _) = HYPER_STATUS_LINES
        .iter()
        .find(|(_, line)| text.starts_with(line))?;
    let is_complete = text.len() == written.len() && text.find("\r\n\r\n") == Some(text.len() - 4);
    let has_no_body = text.contains("\r\ncontent-length: 0\r\n");
    (is_complete && has_no_body && !text.contains("\r\nx-portkey-request-id:")).then_some(*status)
}

/// Answers in the service's envelope, and closes. A client that does not listen is no concern of the
/// server's.
pub(crate) async fn respond(
    (status, mut stream): RejectedConnection,
    error: &hyper::Error,
    id: &str,
) {
    let text = response(status, error, id);
    let _ = timeout(CLOSE_TIMEOUT, async {
        stream.write_all(text.as_bytes()).await?;
        stream.shutdown().await
    })
    .await;
    // Closed with something unread, the connection would be reset, and the answer perhaps lost.
    let mut rest = vec![0; 16 * 1024];
    let _ = timeout(CLOSE_TIMEOUT, async {
        while stream.read(&mut rest).await.is_ok_and(|read| read > 0) {}
    })
    .await;
}

fn response(status: u16, error: &hyper::Error, id: &str) -> String {
    let message = format!("head of the request: {error}");
    let error = match status {
        400 => ApiError::bad_request(message),
        status => ApiError::new(status, None, message),
    };
    let line = HYPER_STATUS_LINES.iter().find(|(code, _)| *code == status);
    let line = line.map_or(HYPER_STATUS_LINES[0].1, |(_, line)| line);
    let body = error.body.to_string();
    format!(
        "{line}content-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\
         x-portkey-trace-id: {id}\r\nx-portkey-request-id: {id}\r\n\r\n{body}",
        body.len()
    )
}

#[cfg(test)]
mod tests {
    use super::hyper_error_status;

    #[test]
    fn only_hyper_error_responses_are_recognised() {
        let status = |head: &str| hyper_error_status(head.as_bytes());
        let response = "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\ndate: x\r\n\r\n";
        assert_eq!(status(response), Some(400));
        let large = "HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
        assert_eq!(status(large), Some(431));
        for other in [
            "",
            &response[..response.len() - 1],
            &format!("{response}{{"),
            &format!("x{response}"),
            &response.replace("400 Bad Request", "404 Not Found"),
            &response.replace("length: 0", "length: 10"),
            &response.replace("date:", "x-portkey-request-id:"),
            &format!(
                "{}\r\n\r\n",
                response.trim_end().to_owned() + &"x".repeat(300)
            ),
        ] {
            assert_eq!(status(other), None, "{other}");
        }
    }
}
