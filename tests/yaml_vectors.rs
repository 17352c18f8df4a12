//! `tests/vectors/yaml.jsonl`: documents, and what `PyYAML` makes of them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sched::yaml;
use serde_json::Value;

/// What a vector's document is for us: its value in JSON form, or nothing where it is refused.
fn read(vector: &Value) -> Option<Value> {
    let bytes = match vector["yaml"].as_str() {
        Some(text) => text.as_bytes().to_vec(),
        None => STANDARD
            .decode(
                vector["yaml_b64"]
                    .as_str()
                    .expect("a vector has a text or bytes"),
            )
            .expect("`yaml_b64` is base64"),
    };
    let text = yaml::decode(&bytes).ok()?;
    Some(yaml::parse(&text).ok()?.root.to_value().to_json())
}

#[test]
fn documents_mean_what_they_mean_to_pyyaml() {
    let lines = include_str!("vectors/yaml.jsonl").lines();
    let vectors = lines.map(|line| serde_json::from_str(line).expect("a vector is JSON"));
    let wrong: Vec<String> = vectors
        .filter(|vector: &Value| read(vector).as_ref() != vector.get("json"))
        .map(|vector| vector["id"].to_string())
        .collect();
    assert!(wrong.is_empty(), "read differently: {}", wrong.join(" "));
}
