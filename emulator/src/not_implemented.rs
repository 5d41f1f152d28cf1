//! The operations that the emulator does not implement.

/// The ids of the operations that the emulator knows but does not implement, in alphabetical order:
/// the response to a request is a 501 with the id.
pub const NOT_IMPLEMENTED: &[&str] = &[
    "cancel_fine_tuning_job",
    "cancel_run",
    "cancel_vector_store_file_batch",
    "check_health",
    "create_access_policy",
    "create_agent_integration",
    "create_agent_server",
    "create_assistant",
    "create_egress_allowlist_entry",
    "create_fine_tuning_job",
    "create_message",
    "create_ocr",
    "create_plugin",
    "create_prompt_tool",
    "create_run",
    "create_thread",
    "create_thread_and_run",
    "create_vector_store",
    "create_vector_store_file",
    "create_vector_store_file_batch",
    "delete_access_policy",
    "delete_agent_integration",
    "delete_agent_server",
    "delete_assistant",
    "delete_egress_allowlist_entry",
    "delete_message",
    "delete_model",
    "delete_prompt_tool",
    "delete_thread",
    "delete_vector_store",
    "delete_vector_store_file",
    "fetch_agent_card",
    "fork_prompt",
    "fork_prompt_partial",
    "get_access_policy",
    "get_agent_integration",
    "get_agent_server_card",
    "get_assistant",
    "get_config_version",
    "get_current_api_key",
    "get_egress_allowlist_entry",
    "get_fine_tuning_job",
    "get_log_groups",
    "get_log_groups_by_metadata",
    "get_message",
    "get_model_capabilities",
    "get_provider_model_config",
    "get_provider_model_configs",
    "get_resource_schema",
    "get_run",
    "get_run_step",
    "get_thread",
    "get_usage_by_agent",
    "get_usage_by_mcp_server",
    "get_vector_store",
    "get_vector_store_file",
    "get_vector_store_file_batch",
    "list_access_policies",
    "list_agent_integration_skills",
    "list_agent_integration_workspaces",
    "list_agent_integrations",
    "list_agent_server_skills",
    "list_agent_server_user_access",
    "list_agent_servers",
    "list_ai_providers",
    "list_analytics_metadata_values",
    "list_assistants",
    "list_egress_allowlist_entries",
    "list_fine_tuning_job_checkpoints",
    "list_fine_tuning_job_events",
    "list_fine_tuning_jobs",
    "list_integration_providers",
    "list_log_metadata_values",
    "list_messages",
    "list_organisation_members",
    "list_plugin_providers",
    "list_plugins",
    "list_prompt_tool_versions",
    "list_prompt_tools",
    "list_provider_models",
    "list_run_steps",
    "list_runs",
    "list_vector_store_file_batch_files",
    "list_vector_store_files",
    "list_vector_stores",
    "make_prompt_tool_version_default",
    "migrate_virtual_key",
    "share_prompt",
    "share_prompt_partial",
    "submit_tool_outputs",
    "test_agent_server",
    "test_auth",
    "unshare_prompt",
    "unshare_prompt_partial",
    "update_access_policy",
    "update_agent_integration",
    "update_agent_integration_skills",
    "update_agent_integration_workspaces",
    "update_agent_server",
    "update_agent_server_skills",
    "update_agent_server_user_access",
    "update_assistant",
    "update_egress_allowlist_entry",
    "update_message",
    "update_plugin",
    "update_prompt_partial_share",
    "update_prompt_share",
    "update_prompt_tool",
    "update_run",
    "update_thread",
    "update_vector_store",
];

#[cfg(test)]
mod tests {
    use super::NOT_IMPLEMENTED;

    #[test]
    fn the_list_has_exactly_the_operations_without_a_handler() {
        let routes = &crate::api_spec::get().unwrap().routes;
        let without_handler = routes.iter().filter(|route| route.handler.is_none());
        let mut ids: Vec<_> = without_handler
            .map(|route| route.entry.id.as_str())
            .collect();
        ids.sort_unstable();
        assert_eq!(ids, NOT_IMPLEMENTED);
    }

    #[test]
    fn the_readme_has_the_same_list() {
        let readme = include_str!("../README.md");
        let (_, section) = readme.split_once("\n## Not implemented\n").unwrap();
        let section = section.split("\n## ").next().unwrap();
        // Every second piece is between backticks.
        let ids: Vec<_> = section.split('`').skip(1).step_by(2).collect();
        assert_eq!(ids, NOT_IMPLEMENTED);
    }
}
