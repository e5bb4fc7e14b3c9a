use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A value that is not allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must {allowed}, got {got}")]
pub struct OutOfBounds {
    /// What is allowed, as in "lie between 0 and 1".
    allowed: &'static str,
    got: String,
}

/// Defines a number that is always within its bounds: its name, the type that it
/// holds, the type that files hold, what is allowed in words, and as a test.
macro_rules! bounded {
    ($doc:literal $name:ident($held:ty) from $written:ty, $allowed:literal, $test:expr) => {
        #[doc = $doc]
        #[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
        pub struct $name($held);

        impl $name {
            /// The number, if it is allowed.
            ///
            /// # Errors
            /// Says what is allowed and what it got.
            pub fn new(value: $held) -> Result<Self, OutOfBounds> {
                let is_allowed: fn(&$held) -> bool = $test;
                match is_allowed(&value) {
                    true => Ok(Self(value)),
                    false => Err(OutOfBounds { allowed: $allowed, got: value.to_string() }),
                }
            }

            /// A number that is known to be allowed.
            ///
            /// # Panics
            /// When it is not.
            pub fn of(value: $held) -> Self {
                Self::new(value).unwrap_or_else(|error| panic!("{}: {error}", stringify!($name)))
            }

            /// The number.
            pub fn get(self) -> $held {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = OutOfBounds;

            fn from_str(text: &str) -> Result<Self, OutOfBounds> {
                match text.parse() {
                    Ok(value) => Self::new(value),
                    Err(_) => Err(OutOfBounds { allowed: $allowed, got: text.to_owned() }),
                }
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                self.0.serialize(serializer)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let written = <$written>::deserialize(deserializer)?;
                // A number that the type cannot hold is out of bounds as well.
                <$held>::try_from(written)
                    .map_err(|_| OutOfBounds { allowed: $allowed, got: written.to_string() })
                    .and_then(Self::new)
                    .map_err(serde::de::Error::custom)
            }
        }
    };
}

bounded!("A share: 0 to 1." Share(f64) from f64, "lie between 0 and 1",
    |x| (0.0..=1.0).contains(x));
bounded!("A share of some, but not all: above 0 and below 1." OpenShare(f64) from f64,
    "lie between 0 and 1, and be neither", |x| *x > 0.0 && *x < 1.0);
bounded!("A finite number above 0." Positive(f64) from f64, "be above 0",
    |x| x.is_finite() && *x > 0.0);
bounded!("A finite number, 0 or more." NonNegative(f64) from f64, "be 0 or more",
    |x| x.is_finite() && *x >= 0.0);
bounded!("A finite number." Finite(f64) from f64, "be finite", |x| x.is_finite());
bounded!("Step of a method that goes step by step: above 0, at most 1." LearningRate(f64) from f64,
    "be above 0 and at most 1", |x| *x > 0.0 && *x <= 1.0);
bounded!("Part that is earned of what is paid: above 0, at most 1." Margin(f64) from f64,
    "be above 0 and at most 1", |x| *x > 0.0 && *x <= 1.0);
bounded!("How much one thing counts beside another: 0 to 10." Weight(f64) from f64,
    "lie between 0 and 10", |x| (0.0..=10.0).contains(x));
bounded!("Days, 1 or more." Days(u32) from i64, "be at least 1", |x| *x >= 1);
bounded!("How many, 1 or more." Count(usize) from i64, "be at least 1", |x| *x >= 1);
bounded!("Number of clusters: 2 to 200, since people are to know them." Clusters(usize) from i64,
    "lie between 2 and 200", |x| (2..=200).contains(x));
bounded!("Starts of a search, of which the best counts: 1 to 1000." Starts(usize) from i64,
    "lie between 1 and 1000", |x| (1..=1000).contains(x));
bounded!("What separates fields of a text file: one ASCII character." Delimiter(char) from char,
    "be one ASCII character, no quote or line end",
    |c| c.is_ascii() && !['"', '\n', '\r'].contains(c));
bounded!("Leaves of a tree: 2 to 1024." Leaves(usize) from i64, "lie between 2 and 1024",
    |x| (2..=1024).contains(x));

bounded!("Threads of a run: 1 to 1024." Threads(usize) from i64, "lie between 1 and 1024",
    |x| (1..=1024).contains(x));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_allowed_cannot_be_made() {
        assert_eq!(Share::new(1.0).unwrap().get(), 1.0);
        assert_eq!(Share::new(1.5).unwrap_err().to_string(), "must lie between 0 and 1, got 1.5");
        for not_a_number in [f64::NAN, f64::INFINITY] {
            assert!(Share::new(not_a_number).is_err());
            assert!(OpenShare::new(not_a_number).is_err());
            assert!(Positive::new(not_a_number).is_err());
            assert!(NonNegative::new(not_a_number).is_err());
            assert!(LearningRate::new(not_a_number).is_err());
            assert!(Weight::new(not_a_number).is_err());
        }
        assert_eq!(Count::new(0).unwrap_err().to_string(), "must be at least 1, got 0");
        assert!(Leaves::new(1).is_err() && Leaves::new(2).is_ok() && Leaves::new(1025).is_err());
    }

    #[test]
    fn numbers_that_the_type_cannot_hold_are_out_of_bounds() {
        let read = |text: &str| serde_json::from_str::<Days>(text).map_err(|e| e.to_string());
        assert_eq!(read("30").unwrap(), Days::of(30));
        assert!(read("-5").unwrap_err().contains("must be at least 1, got -5"));
        assert!(read("5000000000").unwrap_err().contains("got 5000000000"));
        assert_eq!(serde_json::to_string(&Days::of(30)).unwrap(), "30");
    }
}
