/// Why a review does not fit its model.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReviewError {
    /// A layer that is not in the model, or no longer.
    #[error("{entry}: the model has no {one} `{id}`; it has {valid}{hint}")]
    UnknownGroup {
        /// Layer or kind.
        one: &'static str,
        /// The entry that names it.
        entry: String,
        /// The layer named.
        id: String,
        /// What there is.
        valid: String,
        /// What else the id may be.
        hint: &'static str,
    },
    /// Two entries for one layer, or two layers or rules of one id.
    #[error("[[{kind}]] id = \"{id}\" occurs twice; each has an id of its own")]
    RepeatedId {
        /// Of what.
        kind: &'static str,
        /// The id.
        id: String,
    },
    /// A split with the id of a layer of the model.
    #[error("[[split]] id = \"{id}\" is a {one} of the model; choose another id")]
    TakenId {
        /// The id.
        id: String,
        /// Layer or kind.
        one: &'static str,
    },
    /// Two layers of one name.
    #[error("{many} {first} and {second} have the same {key} \"{name}\"; rename one of them")]
    RepeatedName {
        /// Layers or kinds.
        many: &'static str,
        /// `name` or `name_zh`.
        key: &'static str,
        /// The name.
        name: String,
        /// One layer.
        first: String,
        /// The other.
        second: String,
    },
    /// A text that must not be empty.
    #[error("{entry}: {key} must not be empty; remove the line or write something")]
    Blank {
        /// The entry.
        entry: String,
        /// The key.
        key: &'static str,
    },
    /// What a group is called that does not stand.
    #[error(
        "{entry}: {key} has no use, since merge_into gives its users to {into}; remove it, or \
         write it for {into}"
    )]
    OfMerged {
        /// The entry.
        entry: String,
        /// The key.
        key: &'static str,
        /// Where its users go.
        into: String,
    },
    /// A text that would break a table or a file.
    #[error("{entry}: {key} has a line break or another control character; remove it")]
    ControlCharacter {
        /// The entry.
        entry: String,
        /// The key.
        key: &'static str,
    },
    /// An id that a layer may have some day, or that is none.
    #[error(
        "[[split]] id = \"{0}\": an id has letters, digits, _ and - only, and is not L or K \
         with a number, which a group of the model may have some day"
    )]
    SplitId(String),
    /// A pin without a group, or with two.
    #[error("[[pin]] {0}: name either the layer or the kind that its users belong to")]
    PinOfNoGroup(String),
    /// A layer into itself.
    #[error("{0}: it can't be merged into itself; remove merge_into")]
    MergeIntoItself(String),
    /// Layers into each other.
    #[error("[[{one}]] merge_into goes in a circle: {way}; one of them must stay")]
    MergeCycle {
        /// Layer or kind.
        one: &'static str,
        /// The ids, from one to the next.
        way: String,
    },
    /// A layer that is to receive users, but does not stand.
    #[error("{entry}: {one} `{id}` is itself merged into `{into}`; write \"{into}\" instead")]
    MergedAway {
        /// Layer or kind.
        one: &'static str,
        /// The entry that names it.
        entry: String,
        /// The layer named.
        id: String,
        /// Where its users go.
        into: String,
    },
}
