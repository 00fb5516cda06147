//! Conversions of domain values to columns.
//!
//! Text in Postgres cannot contain U+0000, so it is escaped when written and restored
//! when read. The escape is reversible: every text is preserved, and two texts are equal
//! exactly if their columns are.

use std::borrow::Cow;
use std::error::Error;
use std::time::Duration;

use bytes::BytesMut;
use concept_refinement_domain::timestamp::Timestamp;
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, accepts, to_sql_checked};
use uuid::Uuid;

use crate::connection::fault::{Fault, explain};

/// Starts an escape sequence: U+001A, the control character "substitute".
const ESCAPE: char = '\u{1a}';

/// A parameter of a statement.
pub(crate) type Parameter<'a> = &'a dyn Typed;

/// A parameter as the driver takes it: a value and its column type.
pub(crate) type Parts<'a> = (&'a (dyn ToSql + Sync), Type);

/// A value whose column type is known.
pub(crate) trait Typed: Sync {
    fn parts(&self) -> Parts<'_>;
}

macro_rules! typed {
    ($($value:ty => $type:ident),+ $(,)?) => {$(
        impl Typed for $value {
            fn parts(&self) -> Parts<'_> {
                (self, Type::$type)
            }
        }

        impl Typed for Option<$value> {
            fn parts(&self) -> Parts<'_> {
                (self, Type::$type)
            }
        }
    )+};
}

typed! {
    Text<'_> => TEXT, &str => TEXT, String => TEXT, Uuid => UUID, Time => TIMESTAMPTZ,
    bool => BOOL, i64 => INT8, Vec<u8> => BYTEA,
    Vec<Text<'_>> => TEXT_ARRAY, Vec<&str> => TEXT_ARRAY, Vec<String> => TEXT_ARRAY, Vec<Uuid> => UUID_ARRAY,
    Vec<Option<Uuid>> => UUID_ARRAY, Vec<i64> => INT8_ARRAY,
}

/// A value of a type that is known only at run time.
impl<T: ToSql + Sync> Typed for (T, Type) {
    fn parts(&self) -> Parts<'_> {
        let (value, type_) = self;
        (value, type_.clone())
    }
}

/// The parameters of a statement. A function would drop the values that it refers to; those of
/// a macro in a `let` live as long as the variable.
macro_rules! parameters {
    ($($value:expr),+ $(,)?) => {
        [$(&$value as $crate::connection::values::Parameter<'_>),+]
    };
}
pub(crate) use parameters;

pub(crate) fn parts<'a>(parameters: &[Parameter<'a>]) -> Vec<Parts<'a>> {
    let parts = parameters.iter().map(|parameter| parameter.parts());
    parts.collect()
}

/// A text as a column.
#[derive(Debug)]
pub(crate) struct Text<'a>(Cow<'a, str>);

impl<'a> Text<'a> {
    pub(crate) fn of(text: &'a str) -> Self {
        if !text.contains(['\0', ESCAPE]) {
            return Self(Cow::Borrowed(text));
        }
        let mut escaped = String::with_capacity(text.len() + 1);
        for character in text.chars() {
            match character {
                '\0' => escaped.extend([ESCAPE, '0']),
                ESCAPE => escaped.extend([ESCAPE, '1']),
                other => escaped.push(other),
            }
        }
        Self(Cow::Owned(escaped))
    }

    pub(crate) fn into_owned(self) -> Text<'static> {
        Text(Cow::Owned(self.0.into_owned()))
    }

    pub(crate) fn all(texts: &'a [String]) -> Vec<Self> {
        texts.iter().map(|text| Self::of(text)).collect()
    }
}

impl ToSql for Text<'_> {
    fn to_sql(
        &self,
        type_: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        (&*self.0).to_sql(type_, out)
    }

    accepts!(TEXT);
    to_sql_checked!();
}

pub(crate) fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        plain.push(match character {
            ESCAPE => match characters.next() {
                Some('0') => '\0',
                _ => ESCAPE,
            },
            other => other,
        });
    }
    plain
}

/// A time as a `timestamptz`, which counts microseconds from 2000-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Time(pub(crate) Timestamp);

/// 2000-01-01 in microseconds since 1970-01-01.
const EPOCH: i64 = 946_684_800_000_000;

/// The latest `timestamptz` (in the year 294276), in its own count.
const LAST: i64 = 9_223_371_331_200_000_000 - 1;

/// Microseconds in the count of a `timestamptz`, which has the form of a `bigint`.
pub(crate) fn since_2000(since_1970: i64) -> i64 {
    since_1970.saturating_sub(EPOCH).min(LAST)
}

/// The microseconds of a `timestamptz`.
pub(crate) fn since_1970(raw: &[u8]) -> Result<i64, Box<dyn Error + Sync + Send>> {
    Ok(i64::from_sql(&Type::INT8, raw)?.saturating_add(EPOCH))
}

impl ToSql for Time {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        let since_1970 = i64::try_from(self.0.0).unwrap_or(i64::MAX);
        since_2000(since_1970).to_sql(&Type::INT8, out)
    }

    accepts!(TIMESTAMPTZ);
    to_sql_checked!();
}

impl FromSql<'_> for Time {
    fn from_sql(_: &Type, raw: &[u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        let time = u64::try_from(since_1970(raw)?).map_err(|_| "a time before 1970")?;
        Ok(Self(Timestamp(time)))
    }

    accepts!(TIMESTAMPTZ);
}

/// A time span as a `bigint` of microseconds.
pub(crate) fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

/// Parses an id. None: it is not in the form of our ids, so nothing has it.
pub(crate) fn id(text: &str) -> Option<Uuid> {
    let id = Uuid::try_parse(text).ok()?;
    let mut buffer = Uuid::encode_buffer();
    (id.hyphenated().encode_lower(&mut buffer) == text).then_some(id)
}

/// Reads the columns of a row, one after the other.
pub(crate) struct Cells<'a> {
    pub(crate) row: &'a Row,
    next: usize,
}

impl<'a> Cells<'a> {
    pub(crate) fn of(row: &'a Row) -> Self {
        Self::from(row, 0)
    }

    /// Starts at this column.
    pub(crate) fn from(row: &'a Row, next: usize) -> Self {
        Self { row, next }
    }

    pub(crate) fn get<T: FromSql<'a>>(&mut self) -> Result<T, Fault> {
        let index = self.next;
        self.next += 1;
        let unreadable = |error| Fault::Unreadable(explain(&error));
        self.row.try_get(index).map_err(unreadable)
    }

    pub(crate) fn text(&mut self) -> Result<String, Fault> {
        self.get().map(unescaped)
    }

    pub(crate) fn maybe_text(&mut self) -> Result<Option<String>, Fault> {
        Ok(self.get::<Option<&str>>()?.map(unescaped))
    }

    pub(crate) fn time(&mut self) -> Result<Timestamp, Fault> {
        self.get().map(|Time(time)| time)
    }

    pub(crate) fn maybe_time(&mut self) -> Result<Option<Timestamp>, Fault> {
        Ok(self.get::<Option<Time>>()?.map(|Time(time)| time))
    }

    /// As written by [`micros`].
    pub(crate) fn maybe_duration(&mut self) -> Result<Option<Duration>, Fault> {
        let micros: Option<i64> = self.get()?;
        Ok(micros.map(i64::unsigned_abs).map(Duration::from_micros))
    }

    pub(crate) fn id(&mut self) -> Result<String, Fault> {
        self.get().map(|id: Uuid| id.to_string())
    }

    /// A number that is never negative in the table.
    pub(crate) fn count<T: TryFrom<i64> + Default>(&mut self) -> Result<T, Fault> {
        let count: i64 = self.get()?;
        Ok(T::try_from(count).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_text_comes_back_and_none_meets_another(
            one in "[a\u{0}\u{1a}01]{0,6}",
            other in "[a\u{0}\u{1a}01]{0,6}"
        ) {
            let (stored, others) = (Text::of(&one).0, Text::of(&other).0);
            prop_assert!(!stored.contains('\0'));
            prop_assert_eq!(unescaped(&stored), one.clone());
            prop_assert_eq!(stored == others, one == other);
        }

        #[test]
        fn times_come_back(micros in 0..9_000_000_000_000_000_000_u64) {
            let mut out = BytesMut::new();
            let time = Time(Timestamp(micros));
            time.to_sql(&Type::TIMESTAMPTZ, &mut out).unwrap();
            prop_assert_eq!(Time::from_sql(&Type::TIMESTAMPTZ, &out).unwrap(), time);
        }
    }

    #[test]
    fn what_is_written_otherwise_is_no_id() {
        let id_text = "0190c0de-0000-7000-8000-00000000000a";
        assert_eq!(
            id(id_text).map(|id| id.to_string()).as_deref(),
            Some(id_text)
        );
        for text in [
            "",
            "%",
            "0190C0DE-0000-7000-8000-00000000000A",
            "0190c0de00007000800000000000000a",
            "{0190c0de-0000-7000-8000-00000000000a}",
            "urn:uuid:0190c0de-0000-7000-8000-00000000000a",
        ] {
            assert_eq!(id(text), None, "{text}");
        }
    }
}
