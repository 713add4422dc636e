//! `jiaozi staff`: people of the bank's own, and their tokens.

use crate::failure::{Ended, Failure};
use crate::options::{File, Shape};
use crate::output;
use crate::place::Place;
use crate::wiring;
use ::bank::staff::{self, Enrolled, Role};
use clap::Subcommand;
use serde_json::json;
use std::path::PathBuf;
use vocabulary::{Id, kinds};

/// Enrol members of staff, issue and revoke their tokens (embedded, while the bank is stopped)
///
/// A token is shown once and not stored. It is for the HTTP API: `Authorization: Bearer jzt_…`.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  jiaozi staff enrol \"Wang Fang\" --role operations --data bank
  jiaozi staff token stf_01k… --data bank
  jiaozi staff revoke stf_01k… --data bank")]
pub struct Args {
    #[command(subcommand)]
    command: Staff,
}

#[derive(Subcommand)]
enum Staff {
    /// Enrol a member of staff and issue the first token
    #[command(after_help = "Example:\n  jiaozi staff enrol \"Wang Fang\" --role operations --data bank")]
    Enrol {
        /// The name
        name: String,
        /// What they may do: operations, compliance, product, auditor, administrator, or a role of the bank's own
        #[arg(long, value_parser = role, default_value = "operations")]
        role: Role,
        #[command(flatten)]
        shared: Shared,
    },
    /// Issue a further token
    #[command(after_help = "Example:\n  jiaozi staff token stf_01k… --data bank")]
    Token {
        /// The member's id
        id: String,
        #[command(flatten)]
        shared: Shared,
    },
    /// Revoke all tokens of a member of staff
    #[command(after_help = "Example:\n  jiaozi staff revoke stf_01k… --data bank")]
    Revoke {
        /// The member's id
        id: String,
        #[command(flatten)]
        shared: Shared,
    },
}

#[derive(clap::Args)]
struct Shared {
    #[command(flatten)]
    place: Place,
    /// The bank in this PostgreSQL database, with its keys in the data directory
    #[arg(long, value_name = "URL", env = "JIAOZI_DATABASE", hide_env_values = true)]
    database: Option<String>,
    /// The file that holds that database's password and nothing else
    #[arg(long, value_name = "FILE", env = "JIAOZI_DATABASE_PASSWORD_FILE")]
    database_password_file: Option<PathBuf>,
    /// A new bank is a sandbox
    #[arg(long)]
    sandbox: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

fn role(text: &str) -> Result<Role, String> {
    Role::parse(text).ok_or_else(|| "a role's name has 1 to 24 of a-z, 0-9, _ and -".to_owned())
}

impl Shared {
    fn open(&self) -> Result<::bank::Bank, Failure> {
        let mut file = File::read(None)?;
        file.database = self.database.clone().or(file.database);
        file.database_password_file = self.database_password_file.clone().or(file.database_password_file);
        let shape = Shape::of(&file)?;
        wiring::open_bank(&self.place.data, &Shape { sandbox: self.sandbox || shape.sandbox, ..shape })
    }
}

fn trouble(error: ::bank::BankError) -> Failure {
    Failure::because("the bank could not do it", error)
}

fn parse(id: &str) -> Result<Id<kinds::Staff>, Failure> {
    Id::parse(id).map_err(|error| Failure::usage(format!("{id} is no id of a member of staff: {error}")))
}

pub fn run(args: &Args) -> Result<Ended, Failure> {
    match &args.command {
        Staff::Enrol { name, role, shared } => {
            let bank = shared.open()?;
            let policies = bank.policies();
            if !policies.roles.contains_key(role.name()) {
                let known: Vec<&str> = policies.roles.keys().map(String::as_str).collect();
                let known = known.join(", ");
                return Err(Failure::usage(format!("there is no role {}; this bank has {known}", role.name())));
            }
            print(&staff::enrol_blocking(&bank, name, *role).map_err(trouble)?, shared.json);
        }
        Staff::Token { id, shared } => {
            let issued = staff::issue_token_blocking(&shared.open()?, parse(id)?).map_err(trouble)?;
            let nobody = || Failure::new(format!("there is no member of staff {id}; enrol one first"));
            print(&issued.ok_or_else(nobody)?, shared.json);
        }
        Staff::Revoke { id, shared } => {
            let revoked = staff::revoke_blocking(&shared.open()?, parse(id)?).map_err(trouble)?;
            if shared.json {
                output::json(&json!({ "staff": id, "revoked": revoked }));
            } else {
                output::line(&format!("{revoked} tokens revoked"));
            }
        }
    }
    Ok(Ended::Fine)
}

fn print(enrolled: &Enrolled, json: bool) {
    let Enrolled { staff, token, expires } = enrolled;
    if json {
        let expires = expires.to_string();
        output::json(&json!({ "staff": staff.to_string(), "token": token.expose(), "expires": expires }));
        return;
    }
    output::line(&format!("{staff}\n{}", token.expose()));
    output::diagnostic(&format!("the token is good until {expires} and is shown only now"));
}
