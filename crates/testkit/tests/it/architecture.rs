//! Who may know whom, and what each file must say.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::repository::{code, files, none, table, text, toml};

/// How near a room is to the outside. A room names only rooms of layers below its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Layer {
    /// No clock, no disk, no socket: values in, values out.
    Pure,
    /// What rooms with I/O share.
    Ground,
    /// The road and the services beside it.
    Room,
    /// What puts rooms together.
    Over,
}

/// The members in road order.
const MEMBERS: &[(&str, Layer)] = &[
    ("crates/gateway", Layer::Room),
    ("crates/record", Layer::Pure),
    ("crates/trail", Layer::Room),
    ("crates/bucket", Layer::Room),
    ("crates/notification", Layer::Room),
    ("crates/function", Layer::Room),
    ("crates/rule", Layer::Pure),
    ("crates/alert", Layer::Room),
    ("crates/flow", Layer::Pure),
    ("crates/model", Layer::Pure),
    ("crates/protocol", Layer::Pure),
    ("crates/sigv4", Layer::Pure),
    ("crates/policy", Layer::Pure),
    ("crates/store", Layer::Ground),
    ("crates/outgoing", Layer::Ground),
    ("crates/topic", Layer::Room),
    ("crates/queue", Layer::Room),
    ("crates/identity", Layer::Room),
    ("functions/detect", Layer::Over),
    ("crates/credentials", Layer::Over),
    ("crates/scan", Layer::Over),
    ("crates/watch", Layer::Over),
    ("crates/client", Layer::Over),
    ("crates/server", Layer::Over),
    ("crates/cli", Layer::Over),
    ("crates/testkit", Layer::Over),
    ("bench", Layer::Over),
];

/// Layers whose members stand upon one another, from below: each names only those before it.
const PURE_FROM_BELOW: &[&str] =
    &["flow", "model", "protocol", "sigv4", "policy", "record", "rule"];
const OVER_FROM_BELOW: &[&str] =
    &["client", "detect", "credentials", "scan", "watch", "server", "testkit", "cli", "bench"];

/// Libraries that reach the outside.
const IMPURE_LIBRARIES: &[&str] = &[
    "async-trait",
    "axum",
    "getrandom",
    "hyper",
    "hyper-util",
    "nix",
    "object_store",
    "reqwest",
    "rusqlite",
    "rustix",
    "rustls",
    "tempfile",
    "tokio",
    "tokio-rustls",
    "tokio-util",
    "tracing",
];

/// Parts of the standard library that reach the outside. An IP address does not.
const IMPURE_MODULES: &[&str] = &["env", "fs", "process", "thread"];
const IMPURE_NAMES: &[&str] =
    &["Instant", "SystemTime", "TcpListener", "TcpStream", "ToSocketAddrs", "UdpSocket"];

/// Names that say nothing.
const EMPTY_NAMES: &[&str] = &["utils", "common", "helpers", "manager", "types", "mod"];

/// Folders with code.
const CODE: &[&str] = &["crates", "functions", "bench", "fuzz/fuzz_targets"];

fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn layer(room: &str) -> Option<Layer> {
    MEMBERS.iter().find(|(path, _)| name(path) == room).map(|(_, layer)| *layer)
}

fn place(list: &[&str], room: &str) -> Option<usize> {
    list.iter().position(|other| *other == room)
}

/// Whether `from` may name `to`.
fn may_name(from: &str, to: &str) -> bool {
    let (Some(above), Some(below)) = (layer(from), layer(to)) else { return true };
    match (above, below) {
        (Layer::Pure, Layer::Pure) => place(PURE_FROM_BELOW, to) < place(PURE_FROM_BELOW, from),
        (Layer::Over, Layer::Over) => place(OVER_FROM_BELOW, to) < place(OVER_FROM_BELOW, from),
        (above, below) => below < above,
    }
}

/// Each member's path with the names of what it is built on, tests apart.
fn dependencies() -> impl Iterator<Item = (&'static str, Vec<String>)> {
    MEMBERS.iter().map(|(path, _)| {
        let manifest = toml(&format!("{path}/Cargo.toml"));
        let mut names: Vec<String> = table(&manifest, &["dependencies"]).keys().cloned().collect();
        for (_, target) in table(&manifest, &["target"]) {
            let target = target.as_table().cloned().unwrap_or_default();
            names.extend(table(&target, &["dependencies"]).keys().cloned());
        }
        (*path, names)
    })
}

fn sources() -> impl Iterator<Item = (String, String)> {
    files(CODE).into_iter().filter(|file| file.ends_with(".rs")).map(|file| {
        let source = text(&file);
        (file, source)
    })
}

#[test]
fn the_workspace_lists_its_members_in_road_order() {
    let workspace = table(&toml("Cargo.toml"), &["workspace"]);
    let listed: Vec<&str> =
        workspace["members"].as_array().unwrap().iter().map(|m| m.as_str().unwrap()).collect();
    let expected: Vec<&str> = MEMBERS.iter().map(|(path, _)| *path).collect();
    assert_eq!(listed, expected);
}

#[test]
fn a_folder_has_the_name_of_its_package_and_the_lints_of_all() {
    none(MEMBERS.iter().flat_map(|(path, _)| {
        let manifest = toml(&format!("{path}/Cargo.toml"));
        let named = table(&manifest, &["package"]).get("name").and_then(|name| name.as_str())
            == Some(name(path));
        let linted = table(&manifest, &["lints"]).get("workspace").and_then(toml::Value::as_bool);
        [
            (!named).then(|| format!("{path}: the package has another name")),
            (linted != Some(true)).then(|| format!("{path}: the workspace's lints do not hold")),
        ]
        .into_iter()
        .flatten()
    }));
}

#[test]
fn rooms_name_only_what_lies_below_them() {
    none(dependencies().flat_map(|(path, names)| {
        let refused = names.into_iter().filter(move |to| !may_name(name(path), to));
        refused.map(move |to| format!("{path} names {to}"))
    }));
}

#[test]
fn pure_rooms_have_no_clock_no_disk_and_no_socket() {
    let pure = |path: &str| layer(name(path)) == Some(Layer::Pure);
    let libraries = dependencies().filter(|(path, _)| pure(path)).flat_map(|(path, names)| {
        let impure = names.into_iter().filter(|name| IMPURE_LIBRARIES.contains(&name.as_str()));
        impure.map(move |library| format!("{path} depends on {library}"))
    });
    let rooms = MEMBERS.iter().filter(|(_, layer)| *layer == Layer::Pure);
    let reach = rooms.flat_map(|(path, _)| {
        let sources = files(&[&format!("{path}/src")]);
        let tests = |file: &String| file.ends_with("/tests.rs") || file.contains("/tests/");
        sources.into_iter().filter(move |file| file.ends_with(".rs") && !tests(file))
    });
    let reach = reach.flat_map(|file| {
        let found = impurities(&code(&text(&file)));
        found.into_iter().map(move |what| format!("{file} names {what}"))
    });
    none(libraries.chain(reach));
}

/// What of the standard library's outside a piece of code names.
fn impurities(code: &str) -> Vec<String> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut found: Vec<String> = code
        .split(|c: char| !is_word(c))
        .filter(|word| IMPURE_NAMES.contains(word))
        .map(str::to_owned)
        .collect();
    for (at, _) in code.match_indices("std::") {
        let rest = code.get(at + "std::".len()..).unwrap();
        let named: Vec<&str> = match rest.strip_prefix('{') {
            Some(group) => first_words_of_group(group),
            None => rest.split(|c: char| !is_word(c)).take(1).collect(),
        };
        let impure = named.into_iter().filter(|name| IMPURE_MODULES.contains(name));
        found.extend(impure.map(|name| format!("std::{name}")));
    }
    found
}

/// The first word of each path in a group of imports whose brace is open.
fn first_words_of_group(group: &str) -> Vec<&str> {
    let mut depth = 0_i32;
    let mut end = group.len();
    let mut starts = vec![0];
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => {
                end = at;
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => starts.push(at + 1),
            _ => {}
        }
    }
    let word = |at: &usize| group.get(*at..end)?.trim_start().split([':', ',', ' ', '}']).next();
    starts.iter().filter_map(word).collect()
}

#[test]
fn the_search_for_impurities_finds_them() {
    let check = |code: &str, expected: &[&str]| assert_eq!(impurities(code), expected, "{code}");
    check("use std::{collections::{BTreeMap, fs}, process, fmt};", &["std::process"]);
    check("use std::net::{IpAddr, TcpStream};", &["TcpStream"]);
    check("use std::{\n    fmt,\n    fs,\n};", &["std::fs"]);
    check("let a = std::time::SystemTime::now();", &["SystemTime"]);
    check("std::env::var(\"A\")", &["std::env"]);
    check("use std::{fmt, str}; struct Instantly;", &[]);
}

#[test]
fn each_file_begins_by_saying_what_it_is() {
    none(
        sources()
            .filter(|(_, source)| !source.starts_with("//! "))
            .map(|(file, _)| format!("{file} does not begin with `//! `")),
    );
}

#[test]
fn no_file_has_a_name_that_says_nothing() {
    let stem = |file: &str| name(file).split('.').next().unwrap_or_default().to_owned();
    none(
        files(&["crates", "functions", "bench", "fuzz/fuzz_targets", "rules", "tests"])
            .into_iter()
            .filter(|file| {
                let folders = file.split('/').any(|part| EMPTY_NAMES.contains(&part));
                folders || EMPTY_NAMES.contains(&stem(file).as_str())
            })
            .map(|file| format!("{file}: which word would its user say?")),
    );
}

#[test]
fn tests_neither_sleep_nor_stay_away() {
    // In two parts, so that this file does not find itself.
    let words = [concat!("#[", "ignore"), concat!("thread::", "sleep")];
    none(sources().flat_map(|(file, source)| {
        let found = words.into_iter().filter(move |word| source.contains(word));
        found.map(move |word| format!("{file}: {word}")).collect::<Vec<_>>()
    }));
}

#[test]
fn each_room_has_one_test_binary_at_most() {
    none(MEMBERS.iter().filter(|(path, _)| *path != "crates/cli").filter_map(|(path, _)| {
        let folder = format!("{path}/tests");
        let found = std::fs::read_dir(crate::repository::root().join(&folder)).ok()?;
        let names: BTreeSet<String> = found
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .filter(|name| name == "it" || name.ends_with(".rs"))
            .collect();
        (names.len() > 1).then(|| format!("{folder}: {names:?}"))
    }));
}

#[test]
fn each_library_says_in_the_workspace_why_it_is_here() {
    let manifest = text("Cargo.toml");
    let (_, rest) = manifest.split_once("# Other people's.\n").unwrap();
    let lines: Vec<&str> = rest.lines().take_while(|line| !line.starts_with('[')).collect();
    let lines: Vec<&str> = lines.into_iter().filter(|line| !line.is_empty()).collect();
    let names: Vec<&str> = lines.iter().filter_map(|line| line.split(' ').next()).collect();
    assert!(names.is_sorted(), "not alphabetical: {names:?}");
    none(
        lines
            .iter()
            .filter(|line| line.split_once(" # ").is_none_or(|(_, why)| why.trim().is_empty()))
            .map(|line| format!("no reason: {line}")),
    );
}

#[test]
fn each_library_of_the_workspace_is_used() {
    let declared = table(&toml("Cargo.toml"), &["workspace", "dependencies"]);
    let mut used = BTreeSet::new();
    for (path, _) in MEMBERS {
        let manifest = toml(&format!("{path}/Cargo.toml"));
        let mut tables = vec![manifest.clone()];
        let targets = table(&manifest, &["target"]);
        tables.extend(targets.values().filter_map(|target| target.as_table().cloned()));
        for table_of in tables {
            for kind in ["dependencies", "dev-dependencies", "build-dependencies"] {
                used.extend(table(&table_of, &[kind]).keys().cloned());
            }
        }
    }
    none(
        declared
            .keys()
            .filter(|name| !used.contains(*name))
            .map(|name| format!("{name}: no member uses it")),
    );
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Records {
    #[serde(rename = "match")]
    matching: Vec<serde_json::Value>,
    no_match: Vec<serde_json::Value>,
}

#[test]
fn each_shipped_rule_has_records_that_it_must_and_must_not_match() {
    let names = files(&["rules"]);
    let rules: Vec<_> = names.iter().filter(|file| rule::is_rule_file(file)).collect();
    assert!(rules.len() >= 10, "only {} rules", rules.len());
    none(rules.into_iter().filter_map(|file| {
        let beside = format!("{}.test.yml", file.strip_suffix(".yml")?);
        if !names.contains(&beside) {
            return Some(format!("{file} has no {beside}"));
        }
        let records: Result<Records, _> = serde_yaml_ng::from_str(&text(&beside));
        match records {
            Ok(records) if records.matching.is_empty() => Some(format!("{beside}: no match")),
            Ok(records) if records.no_match.is_empty() => Some(format!("{beside}: no no_match")),
            Ok(_) => None,
            Err(error) => Some(format!("{beside}: {error}")),
        }
    }));
}

#[test]
fn each_fuzz_target_has_something_to_begin_with() {
    let (targets, seeds) = (files(&["fuzz/fuzz_targets"]), files(&["fuzz/seeds"]));
    assert!(targets.len() >= 10, "only {} targets", targets.len());
    none(targets.into_iter().filter_map(|file| {
        let name = file.strip_prefix("fuzz/fuzz_targets/")?.strip_suffix(".rs")?;
        let folder = format!("fuzz/seeds/{name}/");
        let has_seeds = seeds.iter().any(|seed| seed.starts_with(&folder));
        (!has_seeds).then(|| format!("{folder} is empty"))
    }));
}

#[test]
fn the_default_configuration_names_every_key_under_a_comment() {
    let file = "config.default.toml";
    // Reading the defaults fails where the file lacks a key or names one that nobody knows.
    let read = server::Config::parse("", std::path::Path::new(file));
    assert!(read.is_ok(), "{:?}", read.err());
    let shipped = text(file);
    assert_eq!(shipped, server::DEFAULTS);
    let mut explained = false;
    none(shipped.lines().enumerate().filter_map(|(at, line)| {
        let key = line.split_once(" = ").is_some_and(|(key, _)| {
            key.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        });
        let place = format!("{file}:{}", at + 1);
        match line {
            "" => explained = false,
            _ if line.starts_with("# ") => explained = true,
            _ if line.starts_with('[') && line.ends_with(']') => explained = false,
            _ if key && explained => {}
            _ if key => return Some(format!("{place}: no comment stands above `{line}`")),
            _ => return Some(format!("{place}: neither comment, section nor key: `{line}`")),
        }
        None
    }));
}
