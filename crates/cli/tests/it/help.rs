//! The help of every verb is kept word by word: a change of the surface is seen in review.

use crate::run::Scratch;
use std::fmt::Write as _;
use std::path::Path;

const VERBS: &[&[&str]] = &[
    &[],
    &["init"],
    &["put"],
    &["get"],
    &["cat"],
    &["ls"],
    &["stat"],
    &["mkdir"],
    &["rm"],
    &["mv"],
    &["cp"],
    &["ln"],
    &["find"],
    &["du"],
    &["xattr"],
    &["xattr", "get"],
    &["xattr", "set"],
    &["xattr", "list"],
    &["xattr", "rm"],
    &["import"],
    &["export"],
    &["publish"],
    &["snapshot"],
    &["snapshot", "create"],
    &["snapshot", "list"],
    &["snapshot", "show"],
    &["snapshot", "delete"],
    &["fork"],
    &["fork", "create"],
    &["fork", "list"],
    &["fork", "delete"],
    &["fork", "promote"],
    &["diff"],
    &["rollback"],
    &["log"],
    &["gc"],
    &["fsck"],
    &["df"],
    &["quota"],
    &["verify"],
    &["bench"],
    &["explain"],
    &["completion"],
    &["man"],
    &["version"],
];

/// Set it to write the golden file anew.
const UPDATE: &str = "NOKV_UPDATE_GOLDEN";

#[test]
fn the_help_is_as_it_was() {
    let nokv = Scratch::bare();
    let mut help = String::new();
    for verb in VERBS {
        let text = {
            let mut command = nokv.command(verb);
            command.arg("-h").env_remove("NOKV_DATA");
            String::from_utf8(command.output().unwrap().stdout).unwrap()
        };
        // The options that all share are shown once.
        let own = match (verb.is_empty(), text.find("\nGlobal options:")) {
            (false, Some(end)) => &text[..end],
            _ => &text,
        };
        write!(help, "$ nokv {} -h\n{}\n\n", verb.join(" "), own.trim_end()).unwrap();
    }
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/help.txt");
    if std::env::var_os(UPDATE).is_some() {
        std::fs::write(&golden, &help).unwrap();
    }
    let kept = std::fs::read_to_string(&golden).unwrap();
    assert!(
        kept == help,
        "the help changed; run the test with {UPDATE}=1 and look at the difference:\n{help}"
    );
}
