//! Shell patterns over names: `*`, `?`, `[a-z]`, `[!x]`, and a backslash before what is meant literally.

/// Whether the whole name matches.
pub(crate) fn matches(pattern: &[u8], name: &[u8]) -> bool {
    // The place to go back to: after the last star, with one byte more given to it.
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    loop {
        if p < pattern.len() && pattern[p] == b'*' {
            star = Some((p + 1, n));
            p += 1;
            continue;
        }
        if n == name.len() && p == pattern.len() {
            return true;
        }
        if n < name.len()
            && p < pattern.len()
            && let Some(used) = one(&pattern[p..], name[n])
        {
            p += used;
            n += 1;
            continue;
        }
        match star {
            Some((after, taken)) if taken < name.len() => {
                star = Some((after, taken + 1));
                (p, n) = (after, taken + 1);
            }
            _ => return false,
        }
    }
}

/// Length of the pattern's first element when it matches the byte.
fn one(pattern: &[u8], byte: u8) -> Option<usize> {
    match pattern {
        [b'?', ..] => Some(1),
        [b'\\', literal, ..] => (*literal == byte).then_some(2),
        [b'[', rest @ ..] => set(rest, byte),
        [literal, ..] => (*literal == byte).then_some(1),
        [] => None,
    }
}

/// A set in brackets; a bracket that is never closed is a plain one.
fn set(rest: &[u8], byte: u8) -> Option<usize> {
    let negated = matches!(rest.first(), Some(b'!' | b'^'));
    let start = usize::from(negated);
    // A closing bracket that stands first is a member.
    let close = rest
        .iter()
        .skip(start + 1)
        .position(|b| *b == b']')
        .map(|at| at + start + 1);
    let Some(close) = close else {
        return (byte == b'[').then_some(1);
    };
    let members = &rest[start..close];
    let mut at = 0;
    let mut inside = false;
    while at < members.len() {
        if at + 2 < members.len() && members[at + 1] == b'-' {
            inside |= (members[at]..=members[at + 2]).contains(&byte);
            at += 3;
        } else {
            inside |= members[at] == byte;
            at += 1;
        }
    }
    (inside != negated).then_some(close + 2)
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns_match_as_in_a_shell() {
        let yes = [
            ("*", ""),
            ("*.log", "a.log"),
            ("a*b*c", "axxbyybzc"),
            ("?", "x"),
            ("[a-c]x", "bx"),
            ("[!a-c]x", "dx"),
            ("[]]", "]"),
            ("\\*", "*"),
            ("a[", "a["),
            ("", ""),
        ];
        for (pattern, name) in yes {
            assert!(
                matches(pattern.as_bytes(), name.as_bytes()),
                "{pattern} should match {name}"
            );
        }
        let no = [
            ("*.log", "a.txt"),
            ("?", ""),
            ("?", "xy"),
            ("[a-c]", "d"),
            ("[!a]", "a"),
            ("\\*", "x"),
            ("a", "ab"),
        ];
        for (pattern, name) in no {
            assert!(
                !matches(pattern.as_bytes(), name.as_bytes()),
                "{pattern} should not match {name}"
            );
        }
    }

    #[test]
    fn many_stars_take_no_exponential_time() {
        let name = vec![b'a'; 255];
        assert!(!matches(b"*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b", &name));
    }
}
