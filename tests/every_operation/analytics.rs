//! Analytics: graphs, the summary, and usage by this and that.

use chrono::{TimeDelta, Utc};
use portkey_admin::types::UsageGroup;

use crate::{Outcome, World};

/// Calls operations with the last day as their range of time.
macro_rules! of_the_last_day {
    ($client:expr, $($operation:ident($($argument:expr)?)),+ $(,)?) => {{
        let (from, to) = (Utc::now() - TimeDelta::days(1), Utc::now());
        $($client
            .$operation($($argument)?)
            .time_of_generation_min(from)
            .time_of_generation_max(to)
            .send()
            .await?;)+
    }};
}

pub async fn visit(world: &World) -> Outcome {
    graphs(world).await?;
    usage(world).await
}

async fn graphs(World { admin, .. }: &World) -> Outcome {
    of_the_last_day!(
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

async fn usage(World { admin, .. }: &World) -> Outcome {
    of_the_last_day!(
        admin,
        get_cache_summary(),
        get_usage_by_user(),
        get_usage_by_model(),
        get_usage_by_metadata("team"),
        get_usage_by_provider(),
        get_usage_by_workspace(),
        get_usage_by(UsageGroup::Model),
    );
    Ok(())
}
