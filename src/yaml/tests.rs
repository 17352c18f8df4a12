use super::*;

fn vectors() -> Vec<serde_json::Value> {
    include_str!("../../tests/vectors/yaml.jsonl")
        .lines()
        .map(|line| serde_json::from_str(line).expect("a vector is JSON"))
        .collect()
}

#[test]
fn vectors_agree_with_pyyaml() {
    use ::base64::Engine;
    let mut bad = Vec::new();
    for vector in vectors() {
        let bytes = match vector["yaml"].as_str() {
            Some(text) => text.as_bytes().to_vec(),
            None => ::base64::engine::general_purpose::STANDARD
                .decode(vector["yaml_b64"].as_str().unwrap())
                .unwrap(),
        };
        let result = decode(&bytes).and_then(|text| parse(&text));
        let got = result.map(|document| document.root.to_value().to_json());
        let ok = match (&got, vector["error"] == true) {
            (Err(_), wanted) => wanted,
            (Ok(json), false) => *json == vector["json"],
            (Ok(_), true) => false,
        };
        if !ok {
            bad.push(format!(
                "{} {:?} {:?} {}",
                vector["id"], vector["yaml"], got, vector["json"]
            ));
        }
    }
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}
