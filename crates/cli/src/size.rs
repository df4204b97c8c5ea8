//! Sizes as people write them.

/// A number with a binary unit.
pub(crate) fn parse_size(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let shift = match &text[digits.len()..] {
        "" | "B" => 0,
        "K" | "KiB" => 10,
        "M" | "MiB" => 20,
        "G" | "GiB" => 30,
        "T" | "TiB" => 40,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(1 << shift)
}

#[cfg(test)]
mod tests {
    use super::parse_size;

    #[test]
    fn sizes_are_read_with_binary_units() {
        assert_eq!(parse_size("512"), Some(512));
        assert_eq!(parse_size("10G"), Some(10 << 30));
        assert_eq!(parse_size("1MiB"), Some(1 << 20));
        assert_eq!(parse_size("G"), None);
        assert_eq!(parse_size("10X"), None);
        assert_eq!(parse_size("99999999999T"), None);
    }
}
