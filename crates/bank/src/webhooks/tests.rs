//! Webhooks on a bank for tests: fan-out, attempts, retries, replay, secrets.
