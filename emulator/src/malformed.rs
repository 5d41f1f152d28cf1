//! Heads of requests that are no HTTP/1.1.
//!
//! hyper answers them by itself, without a body. [`Socket`](crate::socket::Socket) keeps that answer
//! back and hands the stream over when hyper has closed; here the service's envelope goes out instead.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::reply::Refusal;

/// How long the client has to take the answer, and then to stop sending.
const PATIENCE: Duration = Duration::from_secs(1);

/// How the answers begin that hyper gives by itself.
const AUTOMATIC: [(u16, &str); 3] = [
    (400, "HTTP/1.1 400 Bad Request\r\n"),
    (414, "HTTP/1.1 414 URI Too Long\r\n"),
    (431, "HTTP/1.1 431 Request Header Fields Too Large\r\n"),
];

/// The longest of them is shorter.
const LONGEST: usize = 256;

/// What hyper kept from the service: the status that it chose, and the stream.
pub(crate) type Refused = (u16, TcpStream);

/// The status of an answer that hyper gives by itself: a head with no body behind it and without
/// the id that every answer of the emulator has.
pub(crate) fn automatic(written: &[u8]) -> Option<u16> {
    let text = std::str::from_utf8(written.get(..LONGEST.min(written.len()))?).ok()?;
    let (status, _) = AUTOMATIC.iter().find(|(_, line)| text.starts_with(line))?;
    let whole = text.len() == written.len() && text.find("\r\n\r\n") == Some(text.len() - 4);
    let empty = text.contains("\r\ncontent-length: 0\r\n");
    (whole && empty && !text.contains("\r\nx-portkey-request-id:")).then_some(*status)
}

/// Answers in the service's envelope, and closes. A client that does not listen is no concern of the
/// server's.
pub(crate) async fn answer((status, mut stream): Refused, problem: &hyper::Error, id: &str) {
    let text = response(status, problem, id);
    let _ = timeout(PATIENCE, async {
        stream.write_all(text.as_bytes()).await?;
        stream.shutdown().await
    })
    .await;
    // Closed with something unread, the connection would be reset, and the answer perhaps lost.
    let mut rest = vec![0; 16 * 1024];
    let _ = timeout(PATIENCE, async {
        while stream.read(&mut rest).await.is_ok_and(|read| read > 0) {}
    })
    .await;
}

fn response(status: u16, problem: &hyper::Error, id: &str) -> String {
    let message = format!("head of the request: {problem}");
    let refusal = match status {
        400 => Refusal::invalid(message),
        status => Refusal::new(status, None, message),
    };
    let line = AUTOMATIC.iter().find(|(own, _)| *own == status);
    let line = line.map_or(AUTOMATIC[0].1, |(_, line)| line);
    let body = refusal.body.to_string();
    format!(
        "{line}content-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\
         x-portkey-trace-id: {id}\r\nx-portkey-request-id: {id}\r\n\r\n{body}",
        body.len()
    )
}

#[cfg(test)]
mod tests {
    use super::automatic;

    #[test]
    fn only_an_answer_of_hyper_itself_is_one() {
        let of = |head: &str| automatic(head.as_bytes());
        let own = "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\ndate: x\r\n\r\n";
        assert_eq!(of(own), Some(400));
        let large = "HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
        assert_eq!(of(large), Some(431));
        for other in [
            "",
            &own[..own.len() - 1],
            &format!("{own}{{"),
            &format!("x{own}"),
            &own.replace("400 Bad Request", "404 Not Found"),
            &own.replace("length: 0", "length: 10"),
            &own.replace("date:", "x-portkey-request-id:"),
            &format!("{}\r\n\r\n", own.trim_end().to_owned() + &"x".repeat(300)),
        ] {
            assert_eq!(of(other), None, "{other}");
        }
    }
}
