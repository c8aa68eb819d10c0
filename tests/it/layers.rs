//! Dependencies point one way: what a module may name. Exceptions are told in `docs/architecture.md`.

use std::path::{Path, PathBuf};

/// A room, and the words that may not stand in it.
const RULES: [(&str, &[&str]); 17] = [
    ("entity/src", &["async_graphql", "axum", "itkatalog", "migration::"]),
    ("migration/src", &["async_graphql", "axum", "itkatalog", "entity::"]),
    ("src/access", &["sea_orm", "async_graphql", "axum", "entity::", "crate::"]),
    ("src/identity", &["sea_orm", "async_graphql", "crate::graphql", "crate::http", "crate::server", "crate::cli"]),
    ("src/audit", &NOT_IN_NOUNS),
    ("src/contacts", &NOT_IN_NOUNS),
    ("src/subscriptions", &NOT_IN_NOUNS),
    ("src/webhooks", &NOT_IN_NOUNS),
    ("src/exports", &NOT_IN_NOUNS),
    (
        "src/catalogue",
        &["async_graphql", "axum", "crate::graphql", "crate::http", "crate::server", "crate::cli", "crate::seed"],
    ),
    ("src/seed", &["async_graphql", "axum", "crate::graphql", "crate::http", "crate::server", "crate::cli"]),
    ("src/graphql", &["axum", "crate::http", "crate::server", "crate::cli", "crate::seed"]),
    ("src/http", &["sea_orm", "crate::server", "crate::cli", "crate::seed"]),
    ("src/cli", &["sea_orm", "async_graphql", "axum"]),
    ("src/server.rs", &["crate::cli", "sea_orm", "async_graphql"]),
    ("src/error.rs", &["axum", "crate::catalogue", "crate::graphql", "crate::http", "crate::access"]),
    ("src/text.rs", &["axum", "sea_orm", "async_graphql", "crate::"]),
];

/// Files of `src/` that are no nouns; every other file there is one.
const NOT_NOUNS: [&str; 10] = [
    "cli.rs",
    "clock.rs",
    "config.rs",
    "database.rs",
    "error.rs",
    "lib.rs",
    "main.rs",
    "outbound.rs",
    "server.rs",
    "text.rs",
];
const NOT_IN_NOUNS: [&str; 6] =
    ["async_graphql", "axum", "crate::graphql", "crate::http", "crate::server", "crate::cli"];

fn sources(place: &Path) -> Vec<PathBuf> {
    if place.is_file() {
        return vec![place.to_owned()];
    }
    let entries = std::fs::read_dir(place).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| sources(&path))
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect()
}

fn check(place: &Path, forbidden: &[&str], found: &mut Vec<String>) {
    for file in sources(place) {
        let text = std::fs::read_to_string(&file).unwrap();
        // Unit tests at the end of a file may use what they like.
        let code = text.split("#[cfg(test)]").next().unwrap();
        for line in code.lines().map(str::trim).filter(|line| !line.starts_with("//")) {
            for word in forbidden.iter().filter(|word| line.contains(**word)) {
                found.push(format!("{}: {word}: {line}", file.display()));
            }
        }
    }
}

#[test]
fn no_room_names_what_is_above_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    for (place, forbidden) in RULES {
        check(&root.join(place), forbidden, &mut found);
    }
    let mut nouns = 0;
    for entry in std::fs::read_dir(root.join("src")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() && !NOT_NOUNS.contains(&path.file_name().unwrap().to_str().unwrap()) {
            check(&path, &NOT_IN_NOUNS, &mut found);
            nouns += 1;
        }
    }
    assert!(nouns >= 9, "{nouns}");
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn only_one_file_knows_which_database_is_behind() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    for file in sources(&root).iter().filter(|file| !file.ends_with("src/database.rs")) {
        check(file, &["DbBackend", "DatabaseBackend", "sqlx", "PgConnect", "SqliteConnect"], &mut found);
    }
    // The filter of log lines names the library.
    found.retain(|line| !line.contains("log ="));
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn files_stay_small() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let long = |file: &PathBuf| std::fs::read_to_string(file).unwrap().lines().count() > 500;
    let places = ["src", "entity/src", "migration/src", "tests"];
    let found: Vec<PathBuf> = places.iter().flat_map(|place| sources(&root.join(place))).filter(long).collect();
    assert_eq!(found, Vec::<PathBuf>::new());
}
