//! What every verb shares: configuration, output, exit codes, one owner.

use crate::run::{Scratch, pattern};
use std::io::Read as _;
use std::process::Stdio;

#[test]
fn without_a_workspace_the_next_command_is_named() {
    let nokv = Scratch::bare();
    let err = nokv.fails(&["ls"], 1);
    assert!(err.contains("try: nokv init"), "{err}");
    nokv.ok(&["init"]);
    assert_eq!(nokv.ok(&["ls"]), "");
    nokv.ok(&["init"]);
}

#[test]
fn flag_beats_environment_beats_file_beats_default() {
    let nokv = Scratch::bare();
    let [flag, environment, file] = ["flag", "environment", "file"].map(|name| nokv.local(name));
    nokv.write(
        ".config/nokv/config.toml",
        format!("data = {file:?}\noutput = \"json\"\n").as_bytes(),
    );
    let init = |with_environment: bool, arguments: &[&str]| {
        let mut command = nokv.command(arguments);
        command.env_remove("NOKV_DATA");
        if with_environment {
            command.env("NOKV_DATA", &environment);
        }
        assert!(command.output().unwrap().status.success());
    };
    init(true, &["init", "--data", flag.to_str().unwrap()]);
    assert!(flag.exists() && !environment.exists());
    init(true, &["init"]);
    assert!(environment.exists() && !file.exists());
    init(false, &["init"]);
    assert!(file.exists());
    assert!(
        nokv.ok(&["version"]).starts_with('{'),
        "output = json in the file"
    );
    nokv.write(".config/nokv/config.toml", b"dta = \"x\"\n");
    let err = nokv.fails(&["version"], 2);
    assert!(
        err.contains("dta") && err.contains("data, store, root, output, log_reserve"),
        "{err}"
    );
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let nokv = Scratch::new();
    nokv.feed(&["put", "-", "/large"], &pattern(8 << 20));
    let mut child = nokv.command(&["cat", "/large"]).spawn().unwrap();
    let mut some = [0; 10];
    child.stdout.take().unwrap().read_exact(&mut some).unwrap();
    let status = child.wait().unwrap();
    assert_eq!(status.code(), Some(0));
}

#[test]
fn errors_are_objects_where_the_output_is_json() {
    let nokv = Scratch::new();
    let err = nokv.fails(&["cat", "/nothing", "-o", "json"], 1);
    let told: serde_json::Value = serde_json::from_str(&err).unwrap();
    assert_eq!(told["error"]["code"], "NOKV-E0002");
    assert_eq!(told["error"]["name"], "NotFound");
    assert_eq!(told["error"]["try"], "nokv ls /");
    assert_eq!(told["error"]["exit"], 1);
}

#[test]
fn json_lines_and_tables_tell_the_same_entries() {
    let nokv = Scratch::new();
    for name in ["/a", "/b", "/.hidden"] {
        nokv.feed(&["put", "-", name], &pattern(1536));
    }
    assert_eq!(nokv.ok(&["ls"]), "a\nb\n");
    assert_eq!(nokv.ok(&["ls", "-a"]), ".hidden\na\nb\n");
    let lines = nokv.ok(&["ls", "-o", "jsonl"]);
    let names: Vec<serde_json::Value> = lines
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["size"].clone())
        .collect();
    assert_eq!(names, [1536, 1536]);
    assert!(nokv.ok(&["ls", "-l"]).lines().next().unwrap().contains("1.5 KiB"));
    assert_eq!(nokv.json(&["ls"]).as_array().unwrap().len(), 2);
}

#[test]
fn a_second_process_is_refused_and_told_about_the_service() {
    let nokv = Scratch::new();
    let mut owner = nokv
        .command(&["put", "-", "/file"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    // The owner has opened the data directory once it takes more than a pipe holds.
    let mut input = owner.stdin.take().unwrap();
    std::io::Write::write_all(&mut input, &pattern(10 << 20)).unwrap();
    let err = nokv.fails(&["ls"], 75);
    assert!(err.contains("NOKV-E0119") && err.contains("nokv up"), "{err}");
    drop(input);
    assert!(owner.wait().unwrap().success());
    assert_eq!(nokv.ok(&["ls"]), "file\n");
}

#[test]
fn an_object_store_of_another_workspace_is_refused() {
    let nokv = Scratch::new();
    let other = Scratch::new();
    let store = format!("dir:{}", other.data().join("objects").display());
    let err = nokv.fails(&["ls", "--store", &store], 2);
    assert!(err.contains("NOKV-E0913"), "{err}");
    nokv.ok(&["ls"]);
    nokv.fails(&["ls", "--store", "ftp://x"], 2);
}

#[test]
fn every_code_can_be_explained() {
    let nokv = Scratch::bare();
    let all = nokv.json(&["explain"]);
    assert!(all.as_array().unwrap().len() > nokv_types::Code::ALL.len());
    for code in nokv_types::Code::ALL {
        let told = nokv.json(&["explain", &format!("NOKV-E{:04}", *code as u16)]);
        assert_eq!(told["name"], code.name());
        assert!(all.as_array().unwrap().contains(&told), "{told}");
    }
    assert_eq!(nokv.json(&["explain", "NOKV-E0909"])["name"], "StoreInvalid");
    nokv.fails(&["explain", "NOKV-E9999"], 2);
}

#[test]
fn completions_are_made_for_the_usual_shells() {
    let nokv = Scratch::bare();
    for shell in ["bash", "zsh", "fish"] {
        assert!(nokv.ok(&["completion", shell]).contains("COMPLETE"), "{shell}");
    }
}

#[test]
fn the_bench_prints_its_rows_and_leaves_nothing() {
    let nokv = Scratch::new();
    let rows = nokv.json(&["bench", "--files", "300", "--size", "6M"]);
    assert_eq!(rows.as_array().unwrap().len(), 5);
    assert!(nokv.paths().is_empty());
}
