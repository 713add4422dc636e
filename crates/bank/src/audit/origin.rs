//! Where a request comes from and what it says, as far as the way in knows it.

use crate::staff::Permission;
use std::net::IpAddr;
use std::sync::OnceLock;
use vocabulary::{Id, kinds};

/// The origin of one request. A handle of the bank carries it, see [`crate::Bank::of`].
#[derive(Debug)]
pub struct Origin {
    /// The network address that asks.
    pub address: IpAddr,
    /// The request's id, printed.
    pub request: String,
    /// The thing it is about: the first id in its path, printed.
    pub subject: Option<String>,
    /// The approval that the request names.
    pub approval: Option<Id<kinds::Approval>>,
    /// Why it acts without one, in an emergency.
    pub emergency: Option<String>,
    /// The confirmation of a movement that the request names.
    pub confirmation: Option<Id<kinds::Confirmation>>,
    line: String,
    body: OnceLock<Vec<u8>>,
    needs: OnceLock<Permission>,
}

impl Origin {
    /// The origin of a request with this first line, `POST /v1/…`.
    #[must_use]
    pub fn new(address: IpAddr, request: String, line: String, subject: Option<String>) -> Self {
        let (approval, emergency, body, needs) = (None, None, OnceLock::new(), OnceLock::new());
        Self { address, request, subject, approval, emergency, confirmation: None, line, body, needs }
    }

    /// Notes the permission that the request needs, once it is known.
    pub fn note_needs(&self, permission: Permission) {
        let _ = self.needs.set(permission);
    }

    /// The permission that the request needs.
    #[must_use]
    pub fn needs(&self) -> Option<Permission> {
        self.needs.get().copied()
    }

    /// Keeps the body, once it has been read. Only bodies that hold no secrets are kept: those of staff.
    pub fn keep_body(&self, body: &[u8]) {
        let _ = self.body.set(body.to_vec());
    }

    /// What is asked for: the first line, and the body on lines of its own when it is kept.
    #[must_use]
    pub fn asked(&self) -> String {
        let body = self.body.get().map(|body| String::from_utf8_lossy(body));
        let mut asked = self.line.clone();
        if let Some(body) = body.as_deref().filter(|body| !body.is_empty()) {
            asked = format!("{asked}\n{body}");
        }
        if let Some(reason) = &self.emergency {
            asked = format!("{asked}\nBreak-Glass: {reason}");
        }
        asked
    }
}
