//! The operations that the emulator does not implement.

/// The ids of the operations that the emulator knows but does not implement, in alphabetical order:
/// the response to a request is a 501 with the id.
pub const NOT_IMPLEMENTED: &[&str] = &[
    "cancel_fine_tuning_job",
    "cancel_run",
    "cancel_vector_store_file_batch",
    "create_assistant",
    "create_fine_tuning_job",
    "create_message",
    "create_ocr",
    "create_run",
    "create_thread",
    "create_thread_and_run",
    "create_vector_store",
    "create_vector_store_file",
    "create_vector_store_file_batch",
    "delete_assistant",
    "delete_message",
    "delete_model",
    "delete_thread",
    "delete_vector_store",
    "delete_vector_store_file",
    "get_assistant",
    "get_fine_tuning_job",
    "get_message",
    "get_run",
    "get_run_step",
    "get_thread",
    "get_vector_store",
    "get_vector_store_file",
    "get_vector_store_file_batch",
    "list_assistants",
    "list_fine_tuning_job_checkpoints",
    "list_fine_tuning_job_events",
    "list_fine_tuning_jobs",
    "list_messages",
    "list_run_steps",
    "list_runs",
    "list_vector_store_file_batch_files",
    "list_vector_store_files",
    "list_vector_stores",
    "submit_tool_outputs",
    "update_assistant",
    "update_message",
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
