//! The tags that a node can carry, and what becomes of them.

/// The namespace of YAML's own types, written `!!` in a document.
const NAMESPACE: &str = "tag:yaml.org,2002:";

/// What a node's tag, written or resolved, makes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Tag {
    Null,
    Bool,
    Int,
    Float,
    Timestamp,
    Binary,
    Str,
    Seq,
    Map,
    Tuple,
    Set,
    Omap,
    Pairs,
    /// `<<` as a key.
    Merge,
    /// `=`, the default value of a mapping.
    Value,
    /// A Python object of any kind; its name as written.
    Refused(Box<str>),
    /// Any other tag, as written.
    Unknown(Box<str>),
}

impl Tag {
    /// The tag of that full name, such as `tag:yaml.org,2002:int`.
    pub(super) fn of(name: &str) -> Self {
        let Some(own) = name.strip_prefix(NAMESPACE) else {
            return Self::Unknown(name.into());
        };
        match own {
            "null" | "python/none" => Self::Null,
            "bool" | "python/bool" => Self::Bool,
            "int" | "python/int" | "python/long" => Self::Int,
            "float" | "python/float" => Self::Float,
            "timestamp" => Self::Timestamp,
            "binary" | "python/bytes" => Self::Binary,
            "str" | "python/str" | "python/unicode" => Self::Str,
            "seq" | "python/list" => Self::Seq,
            "map" | "python/dict" => Self::Map,
            "python/tuple" => Self::Tuple,
            "set" => Self::Set,
            "omap" => Self::Omap,
            "pairs" => Self::Pairs,
            "merge" => Self::Merge,
            "value" => Self::Value,
            _ if own.starts_with("python/") => Self::Refused(format!("!!{own}").into()),
            _ => Self::Unknown(format!("!!{own}").into()),
        }
    }
}
