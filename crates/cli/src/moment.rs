//! Times as people write them, and `--at`.

use crate::failure::{Failure, Outcome};
use nokv_client::At;
use nokv_types::Version;

const SECOND: i64 = 1_000_000_000;
/// Ways to name a state without doubt.
pub(crate) const FORMS: &str =
    "snapshot:KEY, version:N or time:T (2026-11-22T18:00:00Z, or 10m for ten minutes ago)";

/// The wall time, in ns since 1970.
#[expect(
    clippy::disallowed_methods,
    reason = "the command is an edge: it shows ages and reads relative times"
)]
pub(crate) fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
}

/// The state that `--at` names; none = the newest.
pub(crate) fn parse_at(text: Option<&str>, now: i64) -> Outcome<At> {
    let Some(text) = text else {
        return Ok(At::Head);
    };
    let bad = |what: &str| Failure::usage(format!("--at {text}: not a {what}; a state is {FORMS}"));
    if let Some(key) = text.strip_prefix("snapshot:") {
        return Ok(At::Snapshot(key.as_bytes().to_vec()));
    }
    if let Some(number) = text.strip_prefix("version:") {
        return Ok(At::Version(Version(number.parse().map_err(|_| bad("version"))?)));
    }
    if let Some(time) = text.strip_prefix("time:") {
        return Ok(At::Time(parse_time(time, now).ok_or_else(|| bad("time"))?));
    }
    if text.is_empty() {
        return Err(bad("state"));
    }
    Ok(match (text.parse(), parse_time(text, now)) {
        (Ok(number), _) => At::Version(Version(number)),
        (_, Some(time)) => At::Time(time),
        _ => At::Snapshot(text.as_bytes().to_vec()),
    })
}

/// A duration like `90s`, `10m`, `2h`, `7d`, in ns.
pub(crate) fn parse_duration(text: &str) -> Option<i64> {
    let unit = match text.as_bytes().last()? {
        b's' => SECOND,
        b'm' => 60 * SECOND,
        b'h' => 3600 * SECOND,
        b'd' => 86_400 * SECOND,
        _ => return None,
    };
    let number = &text[..text.len() - 1];
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    number.parse::<i64>().ok()?.checked_mul(unit)
}

/// A moment: RFC 3339, in UTC where it says no offset (a date alone is its midnight), or a duration before now.
pub(crate) fn parse_time(text: &str, now: i64) -> Option<i64> {
    if let Some(ago) = parse_duration(text) {
        return now.checked_sub(ago);
    }
    let (date, time) = text.split_once(['T', 't', ' ']).unwrap_or((text, "00:00:00"));
    let (time, ahead) = split_offset(time)?;
    let mut date = date.splitn(3, '-').map(digits);
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    let (clock, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let mut clock = clock.splitn(3, ':').map(digits);
    let (hour, minute) = (clock.next()??, clock.next()??);
    let second = clock.next().unwrap_or(Some(0))?;
    let valid =
        (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60 && second < 61;
    if !valid || !(1970..=2261).contains(&year) {
        return None;
    }
    let mut nanos = digits(fraction)?;
    for _ in fraction.len()..9 {
        nanos *= 10;
    }
    if fraction.len() > 9 {
        return None;
    }
    let seconds = days_since_1970(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - ahead;
    seconds.checked_mul(SECOND)?.checked_add(nanos)
}

/// A time of day without its offset, and how far that is ahead of UTC, in seconds.
fn split_offset(time: &str) -> Option<(&str, i64)> {
    if let Some(utc) = time.strip_suffix(['Z', 'z']) {
        return Some((utc, 0));
    }
    let Some(at) = time.rfind(['+', '-']) else {
        return Some((time, 0));
    };
    let (time, offset) = time.split_at(at);
    let (hours, minutes) = offset[1..].split_once(':')?;
    let (hour, minute) = (digits(hours)?, digits(minutes)?);
    if hours.len() != 2 || minutes.len() != 2 || hour > 23 || minute > 59 {
        return None;
    }
    let ahead = hour * 3600 + minute * 60;
    Some((time, if offset.starts_with('-') { -ahead } else { ahead }))
}

fn digits(text: &str) -> Option<i64> {
    let plain = !text.is_empty() && text.len() <= 9 && text.bytes().all(|byte| byte.is_ascii_digit());
    if plain { text.parse().ok() } else { None }
}

/// Days from 1970-01-01 to a date; years begin in March so that the leap day is the last one.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// How long ago, in one number and one letter.
pub(crate) fn show_age(ns: i64, now: i64) -> String {
    let seconds = now.saturating_sub(ns).max(0) / SECOND;
    match seconds {
        0..=119 => format!("{seconds}s"),
        120..=7199 => format!("{}m", seconds / 60),
        7200..=172_799 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nokv_types::{show_exact, show_time};

    #[test]
    fn times_read_back_as_they_are_shown() {
        for text in [
            "1970-01-01T00:00:00Z",
            "2024-02-29T23:59:59Z",
            "2000-03-01T00:00:00Z",
            "2100-12-31T12:00:01Z",
        ] {
            assert_eq!(show_time(parse_time(text, 0).unwrap()), text);
        }
        assert_eq!(parse_time("2026-11-22", 0), parse_time("2026-11-22T00:00:00Z", 0));
        assert_eq!(parse_time("1970-01-01T00:00:01.5Z", 0), Some(1_500_000_000));
        let utc = parse_time("2026-11-23T02:00:00Z", 0);
        for text in [
            "2026-11-23T02:00:00+00:00",
            "2026-11-23T03:30:00+01:30",
            "2026-11-22T18:00:00.0-08:00",
        ] {
            assert_eq!(parse_time(text, 0), utc, "{text}");
        }
        assert_eq!(parse_time("10m", 3600 * SECOND), Some(3000 * SECOND));
        let exact = show_exact(1_700_000_000_000_000_007);
        assert_eq!(exact, "2023-11-14T22:13:20.000000007Z");
        assert_eq!(parse_time(&exact, 0), Some(1_700_000_000_000_000_007));
    }

    #[test]
    fn what_is_no_time_is_not_taken_for_one() {
        for text in [
            "",
            "m",
            "10",
            "10x",
            "2026-13-01",
            "2026-1",
            "-5m",
            "before",
            "2026-11-22T25:00",
            "1-2-3-4",
            "2026-11-22T10:00:00+1:00",
            "2026-11-22T10:00:00+24:00",
            "2026-11-22T10:00:00+0100",
            "2026-11-22T10:00:00+",
        ] {
            assert_eq!(parse_time(text, 0), None, "{text}");
        }
    }

    #[test]
    fn a_state_is_a_version_a_time_or_else_a_snapshot() {
        let at = |text| parse_at(Some(text), 0).unwrap();
        assert_eq!(at("17"), At::Version(Version(17)));
        assert_eq!(at("2026-11-22"), At::Time(parse_time("2026-11-22", 0).unwrap()));
        assert_eq!(at("before-cleanup"), At::Snapshot(b"before-cleanup".to_vec()));
        assert_eq!(at("snapshot:17"), At::Snapshot(b"17".to_vec()));
        assert_eq!(parse_at(None, 0).unwrap(), At::Head);
        assert!(parse_at(Some("version:x"), 0).is_err());
        assert!(parse_at(Some(""), 0).is_err());
    }
}
