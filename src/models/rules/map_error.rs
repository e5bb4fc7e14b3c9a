/// Why a map of RFM codes to names is not sound.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RfmMapError {
    /// A name that cannot be shown, or stands for something else.
    #[error("[rfm.map] {name:?} can't be a name: {problem}")]
    Name {
        /// The name.
        name: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Something that is no pattern.
    #[error(
        "[rfm.map] {name:?}: {pattern:?} is no pattern of codes: {problem}; write one place each \
         for R, F and, where it matters, M: a digit from 1 to 5, a range such as [4-5], or * for \
         any, as in \"5[4-5]*\""
    )]
    Pattern {
        /// The name it belongs to.
        name: String,
        /// The pattern.
        pattern: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A pattern that a name has twice.
    #[error("[rfm.map] {name:?} has the pattern {pattern:?} twice; remove one")]
    Repeated {
        /// The name.
        name: String,
        /// The pattern.
        pattern: String,
    },
    /// A name without codes.
    #[error("[rfm.map] {name:?} is never reached: it has no pattern; give it one or remove it")]
    Empty {
        /// The name.
        name: String,
    },
    /// A name whose codes are all those of others as well.
    #[error(
        "[rfm.map] {name:?} is never reached: all its codes ({codes}) are also of {others}; each \
         code must have exactly one name"
    )]
    Unreachable {
        /// The name.
        name: String,
        /// Its codes.
        codes: String,
        /// The names that have them too.
        others: String,
    },
    /// A code with several names.
    #[error(
        "[rfm.map] {n_codes} of 125 codes have several names ({codes}): {code} is of {names}; \
         each code must have exactly one"
    )]
    Overlap {
        /// How many codes.
        n_codes: usize,
        /// Which.
        codes: String,
        /// The first of them.
        code: String,
        /// Its names.
        names: String,
    },
    /// Codes without a name.
    #[error("[rfm.map] {n_codes} of 125 codes have no name: {codes}; add them to one")]
    Gap {
        /// How many.
        n_codes: usize,
        /// Which, as patterns that a name could be given.
        codes: String,
    },
}
