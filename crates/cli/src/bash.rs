//! Completion for bash, which puts what it is offered into the line as it stands: names are quoted here.
//!
//! Owns: the script for bash, and how a word is written so that bash reads it as one word and runs nothing.
//! The other shells quote by themselves what they insert.

use clap_complete::env::EnvCompleter;
use std::ffi::OsString;
use std::io;
use std::path::Path;

/// Between two candidates: no candidate holds a control character.
const SEPARATOR: char = '\u{b}';
/// Which word is asked for.
const INDEX: &str = "_NOKV_COMPLETE_INDEX";
/// Nothing of a candidate is expanded on its way into `COMPREPLY`.
const SCRIPT: &str = r#"_clap_complete_NAME() {
    local words=("${COMP_WORDS[@]}") offered
    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
        words[COMP_CWORD]="$2"
    fi
    COMPREPLY=()
    offered=$(INDEX="$COMP_CWORD" VAR=bash COMPLETER -- "${words[@]}") || return 0
    [[ -n "$offered" ]] || return 0
    IFS=$'\013' read -r -d '' -a COMPREPLY < <(printf '%s' "$offered")
    if [[ "${#COMPREPLY[@]}" -ne 1 || "${COMPREPLY[0]}" =~ [=/:]$ ]]; then
        compopt -o nospace 2> /dev/null
    fi
    return 0
}
if [[ "${BASH_VERSINFO[0]}" -eq 4 && "${BASH_VERSINFO[1]}" -ge 4 || "${BASH_VERSINFO[0]}" -gt 4 ]]; then
    complete -o bashdefault -o nosort -F _clap_complete_NAME BIN
else
    complete -o bashdefault -F _clap_complete_NAME BIN
fi
"#;

/// Bash, with quoted names.
#[derive(Debug)]
pub(crate) struct Bash;

impl EnvCompleter for Bash {
    fn name(&self) -> &'static str {
        "bash"
    }

    fn is(&self, name: &str) -> bool {
        name == "bash"
    }

    fn write_registration(
        &self,
        var: &str,
        name: &str,
        bin: &str,
        completer: &str,
        buf: &mut dyn io::Write,
    ) -> io::Result<()> {
        let script = SCRIPT
            .replace("NAME", &name.replace('-', "_"))
            .replace("BIN", &quoted(bin))
            .replace("INDEX", INDEX)
            .replace("VAR", var)
            .replace("COMPLETER", &quoted(completer));
        buf.write_all(script.as_bytes())
    }

    fn write_complete(
        &self,
        cmd: &mut clap::Command,
        args: Vec<OsString>,
        current_dir: Option<&Path>,
        buf: &mut dyn io::Write,
    ) -> io::Result<()> {
        let index = std::env::var(INDEX).ok().and_then(|index| index.parse().ok());
        let args = args.into_iter().map(|word| unquoted(&word)).collect();
        let offered = clap_complete::engine::complete(cmd, args, index.unwrap_or_default(), current_dir)?;
        let words: Vec<String> = offered
            .iter()
            .filter_map(|candidate| candidate.get_value().to_str())
            .filter(|value| !value.chars().any(char::is_control))
            .map(quoted)
            .collect();
        buf.write_all(words.join(SEPARATOR.encode_utf8(&mut [0; 4])).as_bytes())
    }
}

/// A word as bash reads it back. A backslash and not quotes: it holds also where the line has opened a quote.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || !c.is_ascii() || "/_-.,+=:@%".contains(c);
    let mut written = String::with_capacity(word.len());
    for c in word.chars() {
        if !plain(c) {
            written.push('\\');
        }
        written.push(c);
    }
    written
}

/// A word of the line without its quotes; one that is not finished is read to its end.
pub(crate) fn unquoted(word: &OsString) -> OsString {
    let Some(text) = word.to_str() else {
        return word.clone();
    };
    let (mut read, mut open) = (String::with_capacity(text.len()), None);
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        match (c, open) {
            ('\\', None | Some('"')) => read.extend(rest.next()),
            ('\'' | '"', None) => open = Some(c),
            (_, Some(quote)) if c == quote => open = None,
            _ => read.push(c),
        }
    }
    read.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quoted_word_reads_back() {
        for word in [
            "plain/a-b.c",
            "a;touch X",
            "b$(touch X)",
            "it's",
            "\"",
            "a b",
            "a\\b",
            "`x`",
            "\u{e4}*?!~#&|<>",
        ] {
            assert_eq!(unquoted(&quoted(word).into()), OsString::from(word));
        }
        assert_eq!(quoted("a;b$(c) 'd"), r"a\;b\$\(c\)\ \'d");
        assert_eq!(unquoted(&"\"/a b".into()), OsString::from("/a b"));
    }
}
