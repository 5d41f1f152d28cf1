//! `openapi/source.yaml` matches `openapi/portkey.yaml`.
#![allow(clippy::unwrap_used)]

use portkey_admin_codegen::document;
use serde_json::Value;
use sha2::{Digest, Sha256};

fn read(name: &str) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../openapi/");
    std::fs::read_to_string(format!("{folder}{name}")).unwrap()
}

fn parsed(name: &str) -> Value {
    document::parse(name, &read(name)).unwrap()
}

#[test]
fn digest_matches_the_document() {
    let digest: String = Sha256::digest(read("portkey.yaml").as_bytes())
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(parsed("source.yaml")["sha256"], digest.as_str());
}

#[test]
fn version_and_counts_match_the_document() {
    let (source, document) = (parsed("source.yaml"), parsed("portkey.yaml"));
    assert_eq!(source["version"], document["info"]["version"]);
    assert_eq!(
        source["paths"],
        document["paths"].as_object().unwrap().len()
    );
    assert_eq!(
        source["operations"],
        document::operations(&document).count()
    );
}

#[test]
fn origin_is_recorded() {
    let source = parsed("source.yaml");
    assert!(source["url"].as_str().unwrap().starts_with("https://"));
    assert_eq!(
        source["revision"],
        "a2191f44eb850aa26e2388a6aba22ce038b8b362"
    );
    let date = source["retrieved"].as_str().unwrap();
    assert_eq!(date.len(), 10);
    assert!(
        date.bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'-'),
        "{date}"
    );
}
