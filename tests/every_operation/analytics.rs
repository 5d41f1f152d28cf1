//! Analytics: graphs, the cache summary, and usage by group.

use std::time::Duration;

use portkey_admin::analytics::{AnalyticsFilters, UsageGroup};

use crate::{Outcome, TestContext};

/// Calls operations with the last day as their time range.
macro_rules! call_for_last_day {
    ($client:expr, $($operation:ident($($argument:expr)?)),+ $(,)?) => {{
        let filters = AnalyticsFilters::last(Duration::from_secs(24 * 3600));
        $($client.$operation($($argument)?).filters(&filters).send().await?;)+
    }};
}

pub async fn call_all(context: &TestContext) -> Outcome {
    graphs(context).await?;
    usage(context).await
}

async fn graphs(TestContext { admin, .. }: &TestContext) -> Outcome {
    call_for_last_day!(
        admin,
        get_requests_graph(),
        get_cost_graph(),
        get_latency_graph(),
        get_tokens_graph(),
        get_users_graph(),
        get_requests_per_user_graph(),
        get_errors_graph(),
        get_error_rate_graph(),
        get_error_stacks_graph(),
        get_error_status_codes_graph(),
        get_rescued_requests_graph(),
        get_cache_hit_rate_graph(),
        get_cache_latency_graph(),
        get_feedbacks_graph(),
        get_feedback_scores_graph(),
        get_weighted_feedback_graph(),
        get_feedback_by_model_graph(),
    );
    Ok(())
}

async fn usage(TestContext { admin, .. }: &TestContext) -> Outcome {
    call_for_last_day!(
        admin,
        get_cache_summary(),
        get_usage_by_user(),
        get_usage_by_model(),
        get_usage_by_metadata("team"),
        get_usage_by_provider(),
        get_usage_by_workspace(),
        get_usage_by_mcp_server(),
        get_usage_by_agent(),
        get_usage_by(UsageGroup::Model),
    );
    let values = admin.list_analytics_metadata_values("team");
    values.send().await.map(drop)
}
