//! Flag over environment over configuration file over default.

use crate::args::Global;
use crate::failure::{Failure, Outcome};
use crate::output::Format;
use crate::size::parse_size;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

/// Keys that a configuration file may have.
const KEYS: [&str; 5] = ["data", "store", "root", "output", "log_reserve"];
/// The root that a workspace starts with.
pub(crate) const MAIN_ROOT: &str = "main";
/// Largest configuration file that is read.
const CONFIG_BYTES_MAX: u64 = 1 << 20;

/// What the command works with.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) data: PathBuf,
    pub(crate) store: String,
    pub(crate) root: Vec<u8>,
    pub(crate) format: Format,
    pub(crate) quiet: bool,
    /// Bytes of log kept free for what frees space.
    pub(crate) log_reserve: Option<u64>,
}

impl Settings {
    pub(crate) fn load(global: Global) -> Outcome<Self> {
        let file = ConfigFile::load(global.config.as_deref())?;
        let data = match global.data.or_else(|| file.text("data").map(PathBuf::from)) {
            Some(data) => data,
            None => default_data()?,
        };
        let beside = || format!("dir:{}", data.join("objects").display());
        let store = global.store.or_else(|| file.text("store")).unwrap_or_else(beside);
        let root = global.root.or_else(|| file.text("root").map(OsString::from));
        let format = match global.output {
            Some(format) => format,
            None => file.format()?,
        };
        let log_reserve = match global.log_reserve.or_else(|| file.text("log_reserve")) {
            None => None,
            Some(text) => Some(
                parse_size(&text)
                    .ok_or_else(|| Failure::usage(format!("log reserve {text}: not like 64M")))?,
            ),
        };
        Ok(Self {
            log_reserve,
            store,
            root: root.unwrap_or_else(|| MAIN_ROOT.into()).into_vec(),
            format,
            quiet: global.quiet,
            data,
        })
    }
}

struct ConfigFile {
    path: PathBuf,
    table: toml::Table,
}

impl ConfigFile {
    fn load(named: Option<&Path>) -> Outcome<Self> {
        let path = match named {
            Some(path) => path.to_owned(),
            None => match user_folder("XDG_CONFIG_HOME", ".config") {
                Some(folder) => folder.join("nokv/config.toml"),
                None => PathBuf::new(),
            },
        };
        let shown = path.display().to_string();
        let text = match read(&path) {
            Ok(text) => text,
            // Only a file that was asked for has to be there.
            Err(_) if named.is_none() && !path.exists() => String::new(),
            Err(source) => return Err(Failure::local("read", shown, source)),
        };
        let parsed: Result<toml::Table, _> = text.parse();
        let table = parsed.map_err(|why| Failure::usage(format!("{shown}: {}", why.message())))?;
        if let Some(unknown) = table.keys().find(|key| !KEYS.contains(&key.as_str())) {
            let known = KEYS.join(", ");
            return Err(Failure::usage(format!(
                "{shown}: no setting is called {unknown}; there are {known}"
            )));
        }
        if let Some((key, _)) = table.iter().find(|(_, value)| !value.is_str()) {
            return Err(Failure::usage(format!("{shown}: {key} is not a string")));
        }
        Ok(Self { path, table })
    }

    fn text(&self, key: &str) -> Option<String> {
        Some(self.table.get(key)?.as_str()?.to_owned())
    }

    fn format(&self) -> Outcome<Format> {
        let Some(name) = self.text("output") else {
            return Ok(Format::default());
        };
        <Format as clap::ValueEnum>::from_str(&name, false)
            .map_err(|_| Failure::usage(format!("{}: output is table, json or jsonl", self.path.display())))
    }
}

fn read(path: &Path) -> std::io::Result<String> {
    use std::io::Read as _;
    let mut text = String::new();
    std::fs::File::open(path)?
        .take(CONFIG_BYTES_MAX)
        .read_to_string(&mut text)?;
    Ok(text)
}

fn default_data() -> Outcome<PathBuf> {
    let folder = user_folder("XDG_DATA_HOME", ".local/share");
    folder
        .map(|folder| folder.join("nokv"))
        .ok_or_else(|| Failure::usage("no home folder: name a data directory with --data or NOKV_DATA"))
}

/// A folder of the user: the variable if it holds an absolute path, else below the home folder.
fn user_folder(variable: &str, below_home: &str) -> Option<PathBuf> {
    let named = std::env::var_os(variable).map(PathBuf::from);
    named
        .filter(|path| path.is_absolute())
        .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(below_home)))
}
