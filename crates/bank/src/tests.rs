//! Tests of the bank's core.
