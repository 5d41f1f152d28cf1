//! The examples as functions, which a test of the client runs.

use super::model::Operation;

/// Returns the code of a module for each example, and a table of them.
///
/// It is not formatted, so that it has the text of the docs.
pub fn code(operations: &[Operation<'_>]) -> String {
    let (mut modules, mut rows) = (String::new(), String::new());
    for operation in operations {
        if operation.example.is_empty() {
            continue;
        }
        let id = &operation.entry.id;
        modules += &format!("mod {id} {{\n");
        for line in &operation.example {
            modules += line.strip_prefix("# ").unwrap_or(line);
            modules.push('\n');
        }
        modules += "pub fn run(client: &portkey_admin::Client) -> super::Run<'_> { Box::pin(example(client)) }\n}\n";
        rows += &format!("({id:?}, {id}::run),\n");
    }
    format!(
        "{modules}
/// The call of an example.
pub type Run<'a> = std::pin::Pin<Box<dyn Future<Output = Result<(), portkey_admin::Error>> + Send + 'a>>;

/// The id of each generated operation, with its example.
pub static EXAMPLES: &[(&str, fn(&portkey_admin::Client) -> Run<'_>)] = &[
{rows}];
"
    )
}
