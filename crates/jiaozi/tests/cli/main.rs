//! The command line as its users meet it: the built program is run, and what it prints and returns is looked at.

mod audit;
mod cards;
mod codes;
mod copying;
mod database;
mod files;
mod moving;
mod program;
mod serving;
mod talking;
mod way_in;
mod words;
