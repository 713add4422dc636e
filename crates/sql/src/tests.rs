//! Group commit, migrations, locks and backups.
