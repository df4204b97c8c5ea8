//! Moments as people and messages write them.

const SECOND_NS: i64 = 1_000_000_000;

/// A moment in RFC 3339, UTC, to the nanosecond.
pub fn show_exact(ns: i64) -> String {
    let seconds = show_time(ns);
    format!(
        "{}.{:09}Z",
        seconds.trim_end_matches('Z'),
        ns.rem_euclid(SECOND_NS)
    )
}

/// A moment in RFC 3339, UTC, to the second.
pub fn show_time(ns: i64) -> String {
    let seconds = ns.div_euclid(SECOND_NS);
    let (days, clock) = (seconds.div_euclid(86_400) + 719_468, seconds.rem_euclid(86_400));
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let (month, day) = ((shifted + 2) % 12 + 1, day_of_year - (153 * shifted + 2) / 5 + 1);
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (hour, minute, second) = (clock / 3600, clock / 60 % 60, clock % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_dates_of_the_calendar() {
        for (ns, text) in [
            (0, "1970-01-01T00:00:00.000000000Z"),
            (-1, "1969-12-31T23:59:59.999999999Z"),
            (951_827_696_000_000_001, "2000-02-29T12:34:56.000000001Z"),
            (1_700_000_000_000_000_007, "2023-11-14T22:13:20.000000007Z"),
        ] {
            assert_eq!(show_exact(ns), text);
        }
        assert_eq!(show_time(1_700_000_000_999_999_999), "2023-11-14T22:13:20Z");
    }
}
