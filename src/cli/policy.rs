//! `itkatalog policy`: the rules as a table, whether they hold, and one decision explained.

mod explain;

use std::path::Path;

use clap::Subcommand;

use crate::{graphql::rights, policies};

/// What is wanted of which rules.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    what: What,
    /// Folder of your own rules, instead of the setting `policies`.
    #[arg(long, global = true, value_name = "FOLDER")]
    policies: Option<String>,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Print the table of phases, roles and actions, as in policies/decision_table.md.
    Matrix,
    /// Print who may make each change, as in src/graphql/rights.json, from which the descriptions of mutations are made.
    Rights,
    /// Validate the policies and ask them their cases; exit 1 with everything that does not hold, by file and line.
    Check,
    /// Decide one case, without server and database: allowed or not, by which rule, who approves, and the ways out.
    Explain(explain::Arguments),
}

impl Arguments {
    /// The folder that is named.
    pub fn folder(&self) -> Option<String> {
        self.policies.clone()
    }
}

/// Does it, with the rules of a folder or those compiled in.
pub fn run(arguments: &Arguments, folder: Option<&Path>) -> Result<(), String> {
    let engine = policies::check(folder)?;
    match &arguments.what {
        What::Matrix => print!("{}", engine.decision_table()),
        What::Rights => print!("{}", rights::page(&engine)?),
        What::Check => {
            let (policies, cases) = engine.counts();
            let cells = 2 * engine.matrix().len() + engine.duties().len();
            println!("The policies hold: {policies} policies, {cases} cases, {cells} cells in the table.");
            println!("Fingerprint: {}", engine.fingerprint());
        }
        What::Explain(asked) => print!("{}", explain::run(&engine, asked)?),
    }
    Ok(())
}
