//! Downloads: operations with a binary response, which is streamed.

/// Defines a download operation and its builder.
macro_rules! download {
    ($method:ident, $builder:ident, $operation:ident, $($argument:ident)?, $(#[$docs:meta])*) => {
        /// # Downloads from the gateway
        ///
        /// Requires the feature `gateway`.
        impl crate::Client {
            $(#[$docs])*
            pub fn $method(&self $(, $argument: impl Into<String>)?) -> $builder {
                let arguments: Vec<String> = vec![$($argument.into())?];
                let mut call = crate::request::Call::new(self, &crate::operations::$operation, arguments);
                call.accept(crate::media_type::ANY);
                $builder { call }
            }
        }

        #[doc = concat!("Builder of [`Client::", stringify!($method), "`](crate::Client::", stringify!($method), ").")]
        #[derive(Clone, Debug)]
        #[must_use = "nothing is sent before `open`"]
        pub struct $builder {
            call: crate::request::Call,
        }

        impl $builder {
            /// Sends the request. Returns as soon as the headers of the response are received.
            ///
            /// The request is retried like any other, but not after the body has started.
            /// [`RequestOptions::timeout`](crate::RequestOptions::timeout) limits the wait for the
            /// headers, and [`ByteStream::idle_timeout`](crate::ByteStream::idle_timeout) each wait for a part of the body.
            ///
            /// # Errors
            ///
            /// The errors of any request. Errors of the body are returned by the methods of the
            /// stream.
            pub async fn open(self) -> Result<crate::ByteStream, crate::Error> {
                self.call.open().await
            }
        }
    };
}

pub(super) use download;
