//! Analytics: metrics of the inserted logs, as graphs over time and as groups.
//!
//! The cost of a query depends only on the number of logs in its time range and workspaces.

mod graphs;
pub(super) mod groups;
mod query;

use crate::handlers::resource::Handler::Read;
use crate::handlers::resource::Resource;

pub(crate) const RESOURCE: Resource = Resource::new(&[
    ("get_requests_graph", Read(graphs::requests)),
    ("get_cost_graph", Read(graphs::cost)),
    ("get_latency_graph", Read(graphs::latency)),
    ("get_tokens_graph", Read(graphs::tokens)),
    ("get_users_graph", Read(graphs::users)),
    (
        "get_requests_per_user_graph",
        Read(graphs::requests_per_user),
    ),
    ("get_errors_graph", Read(graphs::errors)),
    ("get_error_rate_graph", Read(graphs::error_rate)),
    ("get_error_stacks_graph", Read(graphs::error_stacks)),
    ("get_error_status_codes_graph", Read(graphs::status_codes)),
    ("get_rescued_requests_graph", Read(graphs::rescued_requests)),
    ("get_cache_hit_rate_graph", Read(graphs::cache_hit_rate)),
    ("get_cache_latency_graph", Read(graphs::cache_latency)),
    ("get_feedbacks_graph", Read(graphs::feedbacks)),
    ("get_feedback_scores_graph", Read(graphs::feedback_scores)),
    (
        "get_weighted_feedback_graph",
        Read(graphs::weighted_feedback),
    ),
    (
        "get_feedback_by_model_graph",
        Read(graphs::feedback_by_model),
    ),
    ("get_cache_summary", Read(graphs::cache_summary)),
    ("get_usage_by_user", Read(groups::by_user)),
    ("get_usage_by_model", Read(groups::by_model)),
    ("get_usage_by_metadata", Read(groups::by_metadata)),
    ("get_usage_by_provider", Read(groups::by_provider)),
    ("get_usage_by_workspace", Read(groups::by_workspace)),
    ("get_usage_by", Read(groups::by_dimension)),
    ("get_usage_by_mcp_server", Read(groups::by_mcp_server)),
    ("get_usage_by_agent", Read(groups::by_agent)),
    (
        "list_analytics_metadata_values",
        Read(groups::metadata_values),
    ),
]);
