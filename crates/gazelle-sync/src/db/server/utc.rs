//! Binds times up to the end of the year 9999 as `timestamptz`: the driver's own type ends a day earlier.

use std::error::Error;

use bytes::{BufMut, BytesMut};
use jiff::civil::DateTime;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};

/// The epoch of `timestamptz`.
const BASE: DateTime = DateTime::constant(2000, 1, 1, 0, 0, 0, 0);

/// A date and time in UTC, bound as `timestamptz`.
#[derive(Debug, Clone, Copy)]
pub struct Utc(pub DateTime);

impl ToSql for Utc {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        // Truncated to microseconds, as the driver does.
        out.put_i64(i64::try_from(self.0.duration_since(BASE).as_micros())?);
        Ok(IsNull::No)
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::TIMESTAMPTZ
    }

    to_sql_checked!();
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    #[test]
    fn an_instant_is_sent_as_the_driver_sends_it() {
        for text in
            ["2026-01-09T12:00:00.123456789Z", "1999-12-31T23:59:59.9999995Z", "-004713-11-25T00:00:00Z"]
        {
            let instant: Timestamp = text.parse().unwrap();
            let (mut ours, mut theirs) = (BytesMut::new(), BytesMut::new());
            Utc(crate::time::utc(instant)).to_sql(&Type::TIMESTAMPTZ, &mut ours).unwrap();
            instant.to_sql(&Type::TIMESTAMPTZ, &mut theirs).unwrap();
            assert_eq!(ours, theirs, "{text}");
        }
    }
}
