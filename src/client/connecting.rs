//! Whether an attempt waits for a connection.
//!
//! reqwest polls its connector within the future of the request and accepts a layer around the
//! connector. Layer and request share a task-local variable.

use std::{
    future::poll_fn,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use tower_layer::Layer;
use tower_service::Service;

tokio::task_local! {
    static IS_CONNECTING: Arc<AtomicBool>;
}

/// Whether the last poll of a request ended while its connection was being established.
#[derive(Default)]
pub(crate) struct Connecting(Arc<AtomicBool>);

impl Connecting {
    /// Awaits a request of a client with the [`ConnectLayer`].
    pub(crate) async fn track<T>(&self, sending: impl Future<Output = T>) -> T {
        let mut sending = pin!(IS_CONNECTING.scope(self.0.clone(), sending));
        poll_fn(|context| {
            self.0.store(false, Ordering::Relaxed);
            sending.as_mut().poll(context)
        })
        .await
    }

    /// Returns `true` if the request was not sent, because it has no connection yet.
    pub(crate) fn is_pending(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A layer that reports to [`Connecting`].
#[derive(Clone)]
pub(super) struct ConnectLayer;

/// A connector with the [`ConnectLayer`].
#[derive(Clone)]
pub(super) struct ReportingConnector<S>(S);

impl<S> Layer<S> for ConnectLayer {
    type Service = ReportingConnector<S>;

    fn layer(&self, connector: S) -> Self::Service {
        ReportingConnector(connector)
    }
}

impl<S, R> Service<R> for ReportingConnector<S>
where
    S: Service<R, Response: 'static, Error: 'static, Future: Send + 'static>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, destination: R) -> Self::Future {
        let mut connecting = Box::pin(self.0.call(destination));
        Box::pin(poll_fn(move |context| {
            let connection = connecting.as_mut().poll(context);
            if connection.is_pending() {
                // Outside a request if another connection became idle first.
                let _ = IS_CONNECTING.try_with(|state| state.store(true, Ordering::Relaxed));
            }
            connection
        }))
    }
}
