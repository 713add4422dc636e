//! What is looked at, against which requirement, and how it is mended.

use bank::audit;
use bank::self_audit::Facts;
use serde_json::{Value, json};
use std::fmt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use vocabulary::Timestamp;

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// As it should be.
    Right,
    /// To be mended.
    Wrong,
}

/// One thing that was looked at.
#[derive(Debug)]
pub struct Finding {
    /// The requirement's number in OWASP ASVS 5.0.0.
    pub asvs: &'static str,
    pub state: State,
    /// What was looked at.
    pub what: String,
    /// What was found, when it is wrong.
    pub found: String,
    /// How to mend it, when it is wrong.
    pub mend: &'static str,
}

impl Finding {
    pub fn of(asvs: &'static str, what: impl Into<String>, right: bool) -> Self {
        let state = if right { State::Right } else { State::Wrong };
        Self { asvs, state, what: what.into(), found: String::new(), mend: "" }
    }

    /// What was found if it is wrong, and how it is mended.
    pub fn unless(mut self, found: &str, mend: &'static str) -> Self {
        if self.state == State::Wrong {
            (self.found, self.mend) = (found.to_owned(), mend);
        }
        self
    }

    pub fn json(&self) -> Value {
        let wrong = self.state == State::Wrong;
        let mut row = json!({ "asvs": format!("v5.0.0-{}", self.asvs), "what": self.what, "wrong": wrong });
        if wrong {
            row["found"] = json!(self.found);
            row["mend"] = json!(self.mend);
        }
        row
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.state {
            State::Right => write!(f, "right  {:>6}  {}", self.asvs, self.what),
            State::Wrong => {
                write!(
                    f,
                    "WRONG  {:>6}  {}\n               {}\n               {}",
                    self.asvs, self.what, self.found, self.mend
                )
            }
        }
    }
}

/// Who may read the bank's files.
pub fn of_files(data: &Path) -> Vec<Finding> {
    let mut open = Vec::new();
    let mut look = |path: &Path, name: String| {
        if let Ok(meta) = std::fs::metadata(path)
            && meta.permissions().mode() & 0o077 != 0
        {
            open.push(format!("{name} ({:03o})", meta.permissions().mode() & 0o777));
        }
    };
    look(data, "the data directory".to_owned());
    for entry in std::fs::read_dir(data).into_iter().flatten().flatten() {
        look(&entry.path(), entry.file_name().to_string_lossy().into_owned());
    }
    open.sort();
    vec![Finding::of("13.3.2", "only the bank's own user may read its files", open.is_empty()).unless(
        &format!("others may read {}", open.join(", ")),
        "chmod 700 the directory and chmod 600 what is in it; if vault.key was open, consider its keys known",
    )]
}

/// Policies, credentials, the audit log.
pub fn of_bank(facts: &Facts, now: Timestamp) -> Vec<Finding> {
    let Facts { policies, one_pair_of_eyes, administrators, members, last_token_ends, old_keys, audit_log, .. } = facts;
    let days = |seconds: i64| seconds / 86_400;
    let ahead = last_token_ends.map_or(0, |end| days((end.micros() - now.micros()) / 1_000_000));
    vec![
        Finding::of(
            "2.3.5",
            "acts that move limits, fees, roles or where money goes take two people",
            one_pair_of_eyes.is_empty(),
        )
        .unless(
            &format!("one person alone may do {}", one_pair_of_eyes.join(", ")),
            "set the policy four_eyes to a list that has them",
        ),
        Finding::of("8.2.1", "few members of staff may do everything", *administrators * 2 <= (*members).max(4))
            .unless(
                &format!("{administrators} of {members} members of staff with a good token may do everything"),
                "give them roles that fit their work (the policy roles), and take administrators' tokens back",
            ),
        Finding::of("13.3.4", "staff tokens end within 90 days", ahead <= 90).unless(
            &format!("one is good for {ahead} days"),
            "set the policy staff_token_days to 90 or less, and issue long tokens anew",
        ),
        Finding::of("13.3.4", "API keys are rotated within a year", *old_keys == 0).unless(
            &format!("{old_keys} are older"),
            "rotate them with an overlap: POST /v1/staff/merchants/{merchant}/keys/{key}/rotate",
        ),
        Finding::of("6.2.1", "passwords have 12 characters or more", policies.password_characters >= 12).unless(
            &format!("{} are enough", policies.password_characters),
            "set the policy password_characters to 12 or more",
        ),
        Finding::of(
            "6.3.1",
            "guessing passwords leads to a pause",
            policies.sign_in.tries <= 10 && policies.sign_in.minutes >= 5,
        )
        .unless(
            &format!("{} tries, then {} minutes", policies.sign_in.tries, policies.sign_in.minutes),
            "set the policy sign_in to at most 10 tries and at least 5 minutes",
        ),
        Finding::of("7.3.2", "a sign-in ends within 24 hours", policies.session_hours <= 24).unless(
            &format!("it lasts {} hours", policies.session_hours),
            "set the policy session_hours to 24 or less",
        ),
        Finding::of("16.4.2", "the audit log is as it was written", matches!(audit_log, audit::Finding::Whole(_)))
            .unless(
                &audit_log.to_string(),
                "compare it with the collector's copy, keep the database as it is, and look for who could write to it",
            ),
    ]
}
