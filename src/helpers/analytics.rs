//! The time range of analytics filters, their use in log exports, and the rows of groups.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use serde_json::Value;

use crate::analytics::{AnalyticsFilters, GroupedUsage, UsageGroup};

impl AnalyticsFilters {
    /// Selects the requests of a time range, both ends included.
    pub fn between(start: impl Into<DateTime<Utc>>, end: impl Into<DateTime<Utc>>) -> Self {
        Self::new()
            .time_of_generation_min(start.into())
            .time_of_generation_max(end.into())
    }

    /// Selects the requests of the time before now. The range is fixed when the method is called, so
    /// all operations that take the value cover the same requests.
    ///
    /// ```no_run
    /// # async fn example(client: portkey_admin::Client) -> Result<(), portkey_admin::Error> {
    /// use std::time::Duration;
    ///
    /// use portkey_admin::analytics::AnalyticsFilters;
    ///
    /// let week = AnalyticsFilters::last(Duration::from_secs(7 * 24 * 3600)).status_code([429, 500]);
    /// let costs = client.get_cost_graph().filters(&week).await?;
    /// let models = client.get_usage_by_model().filters(&week).stream().try_collect().await?;
    /// # let _ = (costs, models);
    /// # Ok(())
    /// # }
    /// ```
    pub fn last(duration: Duration) -> Self {
        let end = Utc::now();
        let start = TimeDelta::from_std(duration)
            .ok()
            .and_then(|duration| end.checked_sub_signed(duration));
        Self::between(start.unwrap_or(DateTime::UNIX_EPOCH), end)
    }
}

impl GroupedUsage {
    /// Returns the value that the requests of the row have in common, such as the name of the model.
    ///
    /// It is read from the field with the name of the group. No response of the service was recorded,
    /// so the name is assumed; `extra` contains all other fields.
    pub fn value(&self, group: &UsageGroup) -> Option<String> {
        match self.extra.get(group.as_str())? {
            Value::String(value) => Some(value.clone()),
            Value::Number(value) => Some(value.to_string()),
            _ => None,
        }
    }
}

#[cfg(feature = "logs")]
mod log_exports {
    use serde_json::Value;

    use crate::{
        Error,
        analytics::AnalyticsFilters,
        logs::{LogExportFilters, LogExportFiltersInput},
    };

    /// Fails if the value sets a filter that log exports do not have: `api_key_ids`, `span_id` or
    /// `cache_status`.
    impl TryFrom<&AnalyticsFilters> for LogExportFiltersInput {
        type Error = Error;

        fn try_from(filters: &AnalyticsFilters) -> Result<Self, Error> {
            filters.parameters.check()?;
            let mut filters = filters.parameters.query_parameters().to_json();
            // An object here, and a string of JSON in a query.
            if let Some(Value::String(json)) = filters.get("metadata") {
                filters["metadata"] = serde_json::from_str(json).unwrap_or_default();
            }
            let filters: LogExportFilters = serde_json::from_value(filters)
                .map_err(|error| Error::invalid_request(format!("filters: {error}")))?;
            match filters.extra.keys().next() {
                Some(name) => Err(Error::invalid_request(format!(
                    "`{name}` is not a filter of log exports"
                ))),
                None => filters.try_into(),
            }
        }
    }

    /// Fails like the conversion of a reference.
    impl TryFrom<AnalyticsFilters> for LogExportFiltersInput {
        type Error = Error;

        fn try_from(filters: AnalyticsFilters) -> Result<Self, Error> {
            (&filters).try_into()
        }
    }
}
