use super::*;

#[test]
fn whole_numbers_are_one_key_whatever_their_type() {
    assert_eq!(Value::Int(1).key(), Value::Float(1.0).key());
    assert_eq!(Value::Int(1).key(), Value::Bool(true).key());
    assert_ne!(Value::Int(1).key(), Value::Str("1".to_owned()).key());
}
